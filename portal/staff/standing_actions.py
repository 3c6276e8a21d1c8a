"""What staff do to a broker's standing: the role's act and whose business it is, then one act of the desk.

"Backpack reserves the right, at its sole discretion, to suspend or terminate any participant's access to the
program." The desk's own refusals come through as they are.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from payouts.desk import lift as desk_lift
from payouts.desk import suspend as desk_suspend
from payouts.desk import terminate as desk_terminate
from payouts.desk.evidence import NewFile
from payouts.desk.models import Termination
from payouts.program.models import StandingChange
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, must_be_allowed
from portal.staff.own import must_not_be_own


class BegunMeanwhile(Refusal):
    """What was shown as planned holds already: the broker would be told something that is not so."""


def suspend(
    *,
    broker_code: int,
    reason: str,
    note: str,
    message: str,
    starts_at: datetime | None,
    case_id: int | None,
    evidence: Sequence[NewFile] = (),
    by: Any,
    now: datetime,
) -> StandingChange:
    """Suspend a broker from an instant on, None for now. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, Act.SUSPEND)
    must_not_be_own(by, broker_code)
    return desk_suspend.suspend(
        broker_code=broker_code,
        reason=reason,
        note=note,
        message=message,
        starts_at=starts_at,
        case_id=case_id,
        evidence=evidence,
        by=by.pk,
        now=now,
    )


def lift(
    *, suspension_id: int, is_planned: bool, note: str, message: str, by: Any, now: datetime
) -> StandingChange:
    """End a suspension now, or cancel one that has not begun; `is_planned` is what the page said of it.

    Refuses `NotYourRole`, `OwnBroker`, `BegunMeanwhile`.
    """
    must_be_allowed(by, Act.SUSPEND)
    suspension = StandingChange.objects.get(pk=suspension_id)
    must_not_be_own(by, suspension.broker_id)
    if is_planned and suspension.effective_at <= now:
        raise BegunMeanwhile("The suspension has begun since you looked: open this page anew to lift it.")
    return desk_lift.lift(suspension_id=suspension_id, note=note, message=message, by=by.pk, now=now)


def prepare(
    *,
    broker_code: int,
    reason: str,
    note: str,
    message: str,
    effective_at: datetime | None,
    case_id: int | None,
    evidence: Sequence[NewFile] = (),
    by: Any,
    now: datetime,
) -> Termination:
    """The first of the two who terminate a broker. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, Act.PREPARE_TERMINATION)
    must_not_be_own(by, broker_code)
    return desk_terminate.prepare(
        broker_code=broker_code,
        reason=reason,
        note=note,
        message=message,
        effective_at=effective_at,
        case_id=case_id,
        evidence=evidence,
        by=by.pk,
        now=now,
    )


def confirm(*, termination_id: int, shown: str, by: Any, clock: Callable[[], datetime]) -> StandingChange:
    """The second of the two; `shown` is the digest of what the page showed.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    must_be_allowed(by, Act.CONFIRM_TERMINATION)
    must_not_be_own(by, Termination.objects.get(pk=termination_id).broker_id)
    return desk_terminate.confirm(termination_id=termination_id, shown=shown, by=by.pk, clock=clock)


def withdraw(*, termination_id: int, note: str, by: Any, now: datetime) -> None:
    """Take back a termination that nobody has confirmed. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, Act.PREPARE_TERMINATION)
    must_not_be_own(by, Termination.objects.get(pk=termination_id).broker_id)
    desk_terminate.withdraw(termination_id=termination_id, note=note, by=by.pk, now=now)
