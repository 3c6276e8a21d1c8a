"""A world for the pages of quarantine: a record for each reason, hostile ones, and what became of others."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from payouts.feed import replaying, setting_aside
from payouts.feed.quarantine_models import QuarantinePlace
from tests import make
from tests.journeys.world import World, entered
from tests.portal.staff import make_review
from tests.portal.staff.make_quarantine import one_of_each, quarantined, waits

_ROLES = {"oper": "operations", "ada": "auditor", "root": "superuser"}


def quarantine() -> World:
    """Ten reasons, sixty records of one code, bytes of all kinds, a replay that ended and one under way."""
    now = timezone.now()
    people = {
        name: make_review.staff(role, email=f"{name}@exchange.example") for name, role in _ROLES.items()
    }
    make.broker(code=1400, name="Altair Terminal")
    oper = people["oper"].pk
    facts: dict[str, Any] = {reason: place.pk for reason, place in one_of_each().items()}
    make.fills(*(make.record(brokerId=1500) for _ in range(60)), now=now - timedelta(minutes=9))
    facts["binary"] = quarantined(bytes(range(128, 256)) * 600).pk
    facts["hidden"] = quarantined('{"symbol": "SOL\u202e_USDC", "side": "\0", "é": "\u200b"'.encode()).pk
    facts["corrected"] = _corrected()
    facts["discarded"] = waits(brokerId=1700).pk
    setting_aside.ask_exchange(records=[facts["discarded"]], reason="", by=oper, now=now)
    note = "The exchange says that this code was never issued; the order was a test of theirs."
    setting_aside.discard(records=[facts["discarded"]], reason="", note=note, by=oper, now=now)
    setting_aside.ask_exchange(records=[facts["malformed"]], reason="", by=oper, now=now)
    facts["ended"] = replaying.ask(reason="future_timestamp", by=oper, now=now)
    replaying.work(clock=timezone.now)
    facts["under_way"] = replaying.ask(by=oper, now=now)
    return World(
        {f"{name}_pk": number for name, number in facts.items()},
        {name: entered(login) for name, login in people.items()},
    )


def _corrected() -> int:
    wrong = make.record(fee="99")
    make.fills(wrong)
    place = QuarantinePlace.objects.latest("pk")
    make.fills(wrong | {"fee": "0.1"})
    return int(place.pk)
