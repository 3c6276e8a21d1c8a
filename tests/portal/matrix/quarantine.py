"""A quarantined record in the world of the matrix: it waits, and names the broker of the addresses."""

from payouts.feed import replaying, setting_aside
from payouts.feed.quarantine_models import QuarantinePlace, QuarantineReplay
from tests import make
from tests.portal.matrix.desk import BEFORE, BROKER

REASON = "fee_mismatch"


def waits() -> None:
    make.fills(make.record(brokerId=BROKER, fee="99"), now=BEFORE)


def record() -> QuarantinePlace:
    return QuarantinePlace.objects.latest("pk")


def discarded(first: int) -> None:
    waits()
    setting_aside.discard(records=[record().pk], reason="", note="Nobody's.", by=first, now=BEFORE)


def replayed(first: int) -> None:
    waits()
    replaying.ask(reason=REASON, by=first, now=BEFORE)
    replaying.work(clock=lambda: BEFORE)


def under_way(first: int) -> None:
    waits()
    replaying.ask(reason=REASON, by=first, now=BEFORE)


def replay() -> QuarantineReplay:
    return QuarantineReplay.objects.latest("pk")
