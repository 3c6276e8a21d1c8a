"""The page of a login's letters, and the one click that stops them."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from payouts.refusal import Refusal
from portal.preferences import actions, links, queries
from portal.preferences.forms import Choices
from portal.preferences.topics import MANDATORY, NEVER

_read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@login_required
@_read_or_send
def letter_preferences(request: HttpRequest) -> HttpResponseBase:
    """Which letters the login wants, of each of its brokers and of staff's work."""
    login: Any = request.user.pk
    wishes = queries.wishes_of(login)
    form = Choices(request.POST if request.method == "POST" else None, wishes=wishes)
    if request.method == "POST" and form.is_valid():
        changed = actions.wish_all(login=login, wishes=form.chosen(), now=timezone.now())
        messages.success(request, _("Saved.") if changed else _("Nothing was changed."))
        return redirect("letter_preferences")
    status = 422 if form.errors else 200
    context = {
        "form": form,
        "sections": form.sections(),
        "has_staff": bool(wishes.staff),
        "mandatory": [_(each) for each in MANDATORY],
    }
    return render(request, "preferences/page.html", context, status=status)


# A mail program that clicks has no cookie and no token (RFC 8058): the signed link is the proof.
@csrf_exempt
@never_cache
@_read_or_send
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Asks whether to stop letters on a topic (GET), stops them (POST), or starts them again (POST `back`).

    It works for everybody who has the link, and names nobody.
    """
    try:
        of = links.read(token)
        if request.method != "POST":
            return _page(request, of, "stopped" if _is_stopped(of) else "asked", back=_back(of, []))
        if "back" in request.POST:
            before = links.read_way_back(of, request.POST["back"])
            actions.wish_all(login=of.login, wishes=before, now=timezone.now())
            return _page(request, of, "back")
        stopped = actions.stop(login=of.login, broker=of.broker, topic=of.topic, now=timezone.now())
    except (links.BrokenLink, Refusal):
        raise Http404(
            _("This link is not whole: open it from the letter again, or choose your letters on the portal.")
        ) from None
    return _page(request, of, "stopped", back=_back(of, stopped))


def _is_stopped(of: links.OneClick) -> bool:
    if of.gathers:
        return not queries.gathered_in(login=of.login, topic=of.topic)
    return queries.delivery(login=of.login, broker=of.broker, topic=of.topic) == NEVER


def _back(of: links.OneClick, stopped: list[tuple[queries.Place, str]]) -> str:
    """What starts it again. The second click has stopped nothing: one topic then comes as it usually does."""
    if not stopped and not of.gathers:
        stopped = [((of.broker, of.topic), of.usual)]
    return links.way_back(of, stopped) if stopped else ""


def _page(request: HttpRequest, of: links.OneClick, state: str, **shown: Any) -> HttpResponse:
    return render(
        request, "preferences/one_click.html", {"of": of, "about": _(of.about), "state": state} | shown
    )
