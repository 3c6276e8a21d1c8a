"""The demo's letters, for whoever can open the page; exists only in the demo."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.letters import mailbox as letters

#: What one page shows; older letters lie in the folder all the same.
_MOST = 100


@require_safe
@never_cache
def mailbox(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/mailbox.html", {"letters": list(letters.newest(_MOST)), "most": _MOST})


@require_safe
@never_cache
def letter(request: HttpRequest, name: str) -> HttpResponse:
    found = letters.received(name)
    if found is None:
        raise Http404(_("There is no such letter in the mailbox."))
    return render(request, "demo/letter.html", {"letter": found})
