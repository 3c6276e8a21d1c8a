"""Who may open an application: its applicant. For everybody else, staff too, it does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from portal.application import queries


def own_application(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page of one application: the view gets the login's own, every other is a 404 for every method.

    Staff are no exception: they have the staff site. What a page may be asked is checked after this.
    """

    @never_cache
    @login_required
    @wraps(view)
    def knock(request: HttpRequest, reference: UUID, **rest: Any) -> HttpResponseBase:
        application = queries.application_of(login=request.user, reference=reference)
        if application is None:
            raise Http404(_("There is no such page for your login."))
        return view(request, application, **rest)

    return knock
