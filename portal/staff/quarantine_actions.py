"""What staff do about quarantined records: the role's act and whose business it is, then one act of the feed.

"Nothing is dropped": whatever is done here is kept with the record for ever, and can be read on its page.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from payouts.feed import quarantine, replaying, setting_aside
from payouts.feed.quarantine_models import QuarantinePlace
from portal.accounts.staff_roles import Act, OwnBroker, must_be_allowed
from portal.staff.own import own_codes

#: So many records are replayed while the browser waits; more are left to the sweep.
AT_ONCE = 1_000
_AT_MOST = timedelta(seconds=10)


def replay(*, reason: str, record: int | None, by: Any, clock: Callable[[], datetime]) -> int:
    """Replay one record, all that wait with a reason, or with neither all; the number of the replay.

    A reason's records are decided by the same rules for every broker; one record is a choice, and refuses
    `OwnBroker`. Refuses `NotYourRole`, `ReplayUnderWay`, `NothingToReplay`.
    """
    must_be_allowed(by, Act.MIND_QUARANTINE)
    if record is not None:
        _must_be_free(by, [record])
    number = replaying.ask(reason=reason, record=record, by=by.pk, now=clock())
    asked = replaying.progress(number)
    if asked is not None and asked.left <= AT_ONCE:
        # What stops it is logged and noted with the replay, which is tried again: its page says so.
        with suppress(Exception):
            replaying.work(clock=clock, turn=_AT_MOST)
    return number


def stop(*, replay: int, by: Any, now: datetime) -> None:
    """End a replay where it is. Refuses `NotYourRole`, `NoReplayUnderWay`."""
    must_be_allowed(by, Act.MIND_QUARANTINE)
    replaying.stop(number=replay, by=by.pk, now=now)


def discard(*, records: Collection[int], note: str, by: Any, now: datetime) -> int:
    """Discard these records; how many. Refuses `NotYourRole`, `OwnBroker`, `NotWaiting`, `NothingSaid`."""
    must_be_allowed(by, Act.MIND_QUARANTINE)
    _must_be_free(by, records)
    return setting_aside.discard(records=records, reason="", note=note, by=by.pk, now=now)


def discard_all(*, reason: str, up_to: int, note: str, by: Any, now: datetime) -> int:
    """Discard all that wait with a reason and that the page counted: none that came since. Refuses alike."""
    must_be_allowed(by, Act.MIND_QUARANTINE)
    return discard(records=waiting(reason, up_to), note=note, by=by, now=now)


def reopen(*, record: int, note: str, by: Any, now: datetime) -> int:
    """Let a discarded record wait again.

    Refuses `NotYourRole`, `OwnBroker`, `NotDiscarded`, `NothingSaid`.
    """
    must_be_allowed(by, Act.MIND_QUARANTINE)
    _must_be_free(by, [record])
    return setting_aside.reopen(records=[record], note=note, by=by.pk, now=now)


def ask_exchange(*, records: Collection[int], by: Any, now: datetime) -> Iterator[bytes]:
    """Mark these records as asked about, and write them down for the exchange: a CSV, piece by piece.

    Refuses `NotYourRole`, `OwnBroker`, `NotWaiting`.
    """
    must_be_allowed(by, Act.MIND_QUARANTINE)
    _must_be_free(by, records)
    setting_aside.ask_exchange(records=records, reason="", by=by.pk, now=now)
    return quarantine.export(reason="", numbers=records)


def ask_exchange_about_all(*, reason: str, up_to: int, by: Any, now: datetime) -> Iterator[bytes]:
    """The same about all that wait with a reason and that the page counted; nobody's in particular.

    Refuses `NotYourRole`, `NotWaiting`.
    """
    must_be_allowed(by, Act.MIND_QUARANTINE)
    records = waiting(reason, up_to)
    setting_aside.ask_exchange(records=records, reason="", by=by.pk, now=now)
    return quarantine.export(reason="", numbers=records)


def waiting(reason: str, up_to: int) -> list[int]:
    """The records that wait with a reason, up to a number, in order of receipt."""
    found = QuarantinePlace.objects.filter(state=QuarantinePlace.State.WAITING, reason=reason, pk__lte=up_to)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _must_be_free(by: Any, records: Collection[int]) -> None:
    """Refuses `OwnBroker` for all of them if one names a broker whose team the login belongs to."""
    own = own_codes(by)
    named = QuarantinePlace.objects.filter(pk__in=records, broker_code__in=own)
    if own and named.exists():
        raise OwnBroker("You are a member of this broker's team: another member of staff has to do this.")
