"""What staff do to payouts: the role's act and whose business it is, then one act of the engine.

"On the first day of every month, broker tiers are updated and payouts calculated." The engine's own refusals
come through as they are: another person approves, a bound is acknowledged first, what was shown is approved.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from payouts.desk import approve as desk_approve
from payouts.desk import prepare as desk_prepare
from payouts.desk import retry as desk_retry
from payouts.desk import review
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.monthend.models import Payout, WorkItem
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, must_be_allowed
from portal.staff.own import must_not_be_own
from portal.team.models import Membership


class StillParked(Refusal):
    """The broker's month was calculated and is parked, as before or anew."""


class NoSuchPayouts(Refusal):
    """Some of the payouts are not there, or of different months."""


def prepare(*, payout_ids: Iterable[int], note: str = "", by: Any, now: datetime) -> None:
    """The first of the two for each of these payouts, all or none. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, Act.PREPARE_PAYOUTS)
    numbers = _not_own(payout_ids, by)
    desk_prepare.prepare(payout_ids=numbers, note=note, by=by.pk, now=now)


def take_back(*, payout_ids: Iterable[int], by: Any, now: datetime) -> None:
    """Undo a preparation that nobody has approved. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, Act.PREPARE_PAYOUTS)
    numbers = _not_own(payout_ids, by)
    desk_prepare.unprepare(payout_ids=numbers, by=by.pk, now=now)


def approve(*, payout_ids: Iterable[int], shown: str, by: Any, now: datetime) -> None:
    """The second of the two; `shown` is the digest of what the page showed of all of them.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    must_be_allowed(by, Act.APPROVE_PAYOUTS)
    numbers = _not_own(payout_ids, by)
    desk_approve.approve(payout_ids=numbers, shown=shown, by=by.pk, now=now)


def acknowledge(*, payout_id: int, name: str, value: str, note: str, by: Any, now: datetime) -> None:
    """Say why something unusual is in order, at the value that was shown.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    must_be_allowed(by, Act.ACKNOWLEDGE_BOUNDS)
    _not_own([payout_id], by)
    review.acknowledge(payout_id=payout_id, name=name, value=value, note=note, by=by.pk, now=now)


def retry(*, payout_id: int, by: Any, now: datetime) -> None:
    """Let a payout whose credit was proved rejected be sent again, with a new key.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    must_be_allowed(by, Act.RETRY_CREDITS)
    _not_own([payout_id], by)
    desk_retry.retry(payout_id=payout_id, by=by.pk, now=now)


def recalculate(*, month: Month, by: Any, now: datetime) -> None:
    """Calculate every payout of a month that is not approved again. Refuses `NotYourRole`."""
    must_be_allowed(by, Act.RECALCULATE)
    monthend.calculate(month=month, now=now)


def recalculate_one(*, payout_id: int, by: Any, now: datetime) -> None:
    """Calculate one broker's month again. Refuses `NotYourRole`, `OwnBroker`, `StillParked`."""
    must_be_allowed(by, Act.RECALCULATE)
    _not_own([payout_id], by)
    payout = Payout.objects.select_related("run").get(pk=payout_id)
    item = monthend.recalculate_one(
        month=Month.of_date(payout.run.month), broker_code=payout.broker_id, now=now
    )
    if item.state == WorkItem.State.PARKED:
        raise StillParked(f"It is parked. {item.reason} {item.next_step}")


def _not_own(payout_ids: Iterable[int], by: Any) -> list[int]:
    """Their numbers, each once. Refuses `OwnBroker`, `NoSuchPayouts`."""
    numbers = sorted(set(payout_ids))
    codes = list(Payout.objects.filter(pk__in=numbers).values_list("broker_id", flat=True))
    if len(codes) != len(numbers) or not numbers:
        raise NoSuchPayouts("Choose at least one payout, and only such as there are: open the month anew.")
    own = Membership.objects.filter(login=by, broker__in=codes).values_list("broker_id", flat=True)
    for code in own[:1]:
        must_not_be_own(by, code)
    return numbers
