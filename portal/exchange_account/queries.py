"""The account of a broker and the changes of it, as its members read them: never a name of the staff."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.desk.account_guards import OPEN
from payouts.desk.models import ACCOUNT_WAIT, AccountChange, AccountChangeStep
from payouts.program.models import Broker
from payouts.program.queries import Standing
from portal.team.models import Membership, Role

#: Hours from the second confirmation until a change takes effect.
WAIT_HOURS = int(ACCOUNT_WAIT.total_seconds()) // 3_600
_STEPS = {
    AccountChangeStep.Kind.ASKED: gettext_lazy("Asked for"),
    AccountChangeStep.Kind.PREPARED: gettext_lazy("Checked"),
    AccountChangeStep.Kind.CONFIRMED: gettext_lazy("Confirmed"),
    AccountChangeStep.Kind.APPLIED: gettext_lazy("In effect"),
    AccountChangeStep.Kind.CANCELLED: gettext_lazy("Cancelled"),
    AccountChangeStep.Kind.REFUSED: gettext_lazy("Refused"),
}
_BY_MEMBERS = (AccountChangeStep.Kind.ASKED, AccountChangeStep.Kind.CANCELLED)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `who` is a member's address, "Backpack", or "the portal"."""

    label: str
    at: datetime
    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of account, open or over."""

    reference: UUID
    old: str
    new: str
    state: str
    state_label: str
    is_open: bool
    asked_by: str
    asked_at: datetime
    asked_from: str
    #: From when it holds unless it is stopped; None until it is confirmed.
    effective_at: datetime | None
    #: Since when the exchange could not be asked once more, and the change waits for that.
    failing_since: datetime | None
    #: Its time has come, and it is still to take effect.
    is_late: bool
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of the account."""

    account_id: str
    open: Change | None
    over: list[Change]
    #: The addresses of who can stop a change.
    owners: list[str]
    #: Why no change can be asked for; empty if one can.
    no_change: str


def shown(broker_code: int, *, standing: Standing | None, now: datetime) -> Shown:
    changes = [_change(row, now=now) for row in _rows(broker_code)]
    return Shown(
        account_id=Broker.objects.values_list("account_id", flat=True).get(code=broker_code),
        open=next((each for each in changes if each.is_open), None),
        over=[each for each in changes if not each.is_open],
        owners=_owners(broker_code),
        no_change=_no_change(standing),
    )


def change(broker_code: int, reference: UUID, *, now: datetime) -> Change | None:
    """A change of this broker's account; None if there is none or it is another's."""
    row = _rows(broker_code).filter(reference=reference).first()
    return None if row is None else _change(row, now=now)


def _rows(broker_code: int) -> QuerySet[AccountChange]:
    return (
        AccountChange.objects.filter(broker_id=broker_code)
        .select_related("asked_by", "ended_by")
        .prefetch_related("steps__by")
        .order_by("-asked_at", "-pk")
    )


def _owners(broker_code: int) -> list[str]:
    found = Membership.objects.filter(broker_id=broker_code, role=Role.OWNER, login__is_active=True)
    return list(found.order_by("login__email").values_list("login__email", flat=True))


def _no_change(standing: Standing | None) -> str:
    state = standing.state if standing else "active"
    if state == "suspended":
        return _("While the broker is suspended, its account cannot be changed.")
    if state == "terminated":
        return _("The broker was terminated: its account is not changed any more.")
    return ""


def _change(row: AccountChange, *, now: datetime) -> Change:
    is_open = row.state in OPEN
    return Change(
        reference=row.reference,
        old=row.old_account_id,
        new=row.new_account_id,
        state=row.state,
        state_label=str(_STATES[AccountChange.State(row.state)]),
        is_open=is_open,
        asked_by=row.asked_by.email,
        asked_at=row.asked_at,
        asked_from=row.asked_from or "",
        effective_at=row.effective_at,
        failing_since=row.failing_since,
        is_late=is_open and row.effective_at is not None and row.effective_at <= now,
        steps=[_step(row, each) for each in sorted(row.steps.all(), key=lambda each: (each.at, each.pk))],
    )


#: As an owner reads them.
_STATES = {
    AccountChange.State.ASKED: gettext_lazy("asked for"),
    AccountChange.State.PREPARED: gettext_lazy("being checked"),
    AccountChange.State.CONFIRMED: gettext_lazy("confirmed, waiting"),
    AccountChange.State.APPLIED: gettext_lazy("in effect"),
    AccountChange.State.CANCELLED: gettext_lazy("cancelled"),
    AccountChange.State.REFUSED: gettext_lazy("refused"),
}


def _step(row: AccountChange, step: AccountChangeStep) -> Step:
    kind = AccountChangeStep.Kind(step.kind)
    if step.by is None:
        who = _("the portal")
    elif kind in _BY_MEMBERS:
        who = step.by.email
    else:
        who = _("Backpack")
    over = kind in (AccountChangeStep.Kind.CANCELLED, AccountChangeStep.Kind.REFUSED)
    return Step(label=str(_STEPS[kind]), at=step.at, who=who, text=row.ended_why if over else "")
