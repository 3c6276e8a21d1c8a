"""Suspend, and prepare a termination: what is asked, then exactly what follows, then it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _

from payouts.desk import consequences
from payouts.desk.consequences import Consequences
from payouts.desk.models import Case
from payouts.program import queries as program
from payouts.program.models import Broker, Reason
from payouts.refusal import Refusal
from portal.accounts.staff_roles import NotYourRole, OwnBroker
from portal.staff import standing_actions, standing_forms, standing_words
from portal.staff.standing_pages import page_of, shown


@dataclass(frozen=True, slots=True)
class _Plan:
    """One of the two acts that show their consequences first."""

    template: str
    title: str
    form: type[standing_forms.Change]
    words: dict[Reason, Any]
    consequences: Callable[[int, datetime | None, datetime], Consequences]
    #: Does it and says what was done.
    do: Callable[..., str]


def suspend(window: Any, request: HttpRequest, broker: Broker) -> HttpResponse:
    """Reason, words and start; then exactly what follows; then it is done."""

    def do(*, at: datetime | None, **rest: Any) -> str:
        change = standing_actions.suspend(starts_at=at, **rest)
        return _("Suspended from %(at)s UTC on. The letters go out within seconds.") % {
            "at": f"{change.effective_at:%Y-%m-%d %H:%M:%S}"
        }

    return _in_two_steps(
        window,
        request,
        broker,
        _Plan(
            "suspend",
            _("Suspend"),
            standing_forms.Suspension,
            standing_words.SUSPENDED,
            lambda code, at, now: consequences.of_suspension(broker_code=code, starts_at=at, now=now),
            do,
        ),
    )


def terminate(window: Any, request: HttpRequest, broker: Broker) -> HttpResponse:
    """The first person's half of a termination; it changes nothing until a second person confirms it."""

    def do(*, at: datetime | None, **rest: Any) -> str:
        standing_actions.prepare(effective_at=at, **rest)
        return _("The termination is prepared. It takes effect when another person confirms it.")

    return _in_two_steps(
        window,
        request,
        broker,
        _Plan(
            "terminate",
            _("Prepare the termination"),
            standing_forms.Ending,
            standing_words.TERMINATED,
            lambda code, at, now: consequences.of_termination(broker_code=code, effective_at=at, now=now),
            do,
        ),
    )


def _in_two_steps(window: Any, request: HttpRequest, broker: Broker, plan: _Plan) -> HttpResponse:
    now = timezone.now()
    chosen = request.POST.get("reason") or request.GET.get("reason", "")
    reason = Reason(chosen) if chosen in Reason.values else None
    if reason is None:
        return _page(window, request, broker, plan, now=now, status=422 if request.method == "POST" else 200)
    form = plan.form(
        request.POST if request.method == "POST" else None,
        initial={"reason": reason.value, "message": plan.words[reason]},
        cases=_open_cases(broker),
    )
    step = request.POST.get("step", "")
    if request.method != "POST" or step == "change":
        return _page(window, request, broker, plan, now=now, form=form, reason=reason)
    if not form.is_valid():
        return _page(window, request, broker, plan, now=now, form=form, reason=reason, status=422)
    try:
        follows = plan.consequences(broker.code, form.cleaned_data["at"], now)
    except Refusal as refusal:
        form.add_error(None, str(refusal))
        return _page(window, request, broker, plan, now=now, form=form, reason=reason, status=409)
    context: dict[str, Any] = {"form": form, "reason": reason, "follows": follows, "now": now}
    fresh = standing_forms.Done(initial={"shown": standing_forms.digest(follows)})
    if step != "do":
        return _page(window, request, broker, plan, done=fresh, **context)
    if _came_through_the_password(request):
        said = _("Nothing is done yet: choose the evidence again, if there is any, and press the button.")
        return _page(window, request, broker, plan, done=fresh, said=said, **context)
    if request.POST.get("shown") != standing_forms.digest(follows):
        said = _("Nothing was done: what would happen has changed since you looked. Look at it again.")
        return _page(window, request, broker, plan, done=fresh, said=said, status=409, **context)
    done = standing_forms.Done(request.POST, request.FILES)
    if not done.is_valid():
        return _page(window, request, broker, plan, done=done, status=422, **context)
    data = form.cleaned_data
    try:
        told = plan.do(
            broker_code=broker.code,
            reason=data["reason"],
            note=data["note"],
            message=data["message"],
            at=data["at"],
            case_id=data["case"],
            evidence=done.cleaned_data["attachments"],
            by=request.user,
            now=now,
        )
    except (NotYourRole, OwnBroker):
        raise
    except Refusal as refusal:
        return _page(window, request, broker, plan, done=fresh, said=str(refusal), status=409, **context)
    messages.success(request, told)
    return HttpResponseRedirect(page_of(broker))


def _came_through_the_password(request: HttpRequest) -> bool:
    """Whether the login had to prove itself between the button and here: then its files were left behind."""
    match = request.resolver_match  # of the page that the browser really asked for
    return match is None or match.namespace != "admin"


def _open_cases(broker: Broker) -> list[tuple[int, str]]:
    found = Case.objects.filter(broker=broker, state=Case.State.OPEN).order_by("-opened_at", "-pk")
    return [(case.pk, _("Case %(case)s") % {"case": case}) for case in found]


def _page(
    window: Any, request: HttpRequest, broker: Broker, plan: _Plan, *, now: datetime, **context: Any
) -> HttpResponse:
    return shown(
        window,
        request,
        broker,
        plan.template,
        plan.title,
        reasons=Reason.choices,
        standing=program.standing_of(broker.code, now=now),
        now=now,
        **context,
    )
