"""The acts on standing with everything said that a test does not care for; and what came of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from payouts.desk import lift as lifts
from payouts.desk import suspend as suspensions
from payouts.desk import terminate as terminations
from payouts.models import Broker, Payout, StandingChange, StandingRange, Termination
from payouts.program.queries import changes_of, rules_of
from payouts.program.standing import Range, ranges
from portal.accounts.models import User
from tests import make

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
TICK = timedelta(microseconds=1)


def person(name: str = "vera") -> int:
    """The login of somebody of the exchange's staff."""
    found, _ = User.objects.get_or_create(email=f"{name}@exchange.example", defaults={"is_staff": True})
    return int(found.pk)


def suspend(broker: Broker, *, now: datetime = NOON, by: int | None = None, **changes: Any) -> StandingChange:
    given: dict[str, Any] = {
        "broker_code": broker.code,
        "reason": "conduct",
        "note": "seen by two of us",
        "message": "Orders were sent that nobody had asked for.",
        "starts_at": None,
        "case_id": None,
        "by": by or person(),
        "now": now,
    }
    return suspensions.suspend(**given | changes)


def lift(suspension: StandingChange, *, now: datetime = NOON, by: int | None = None, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "suspension_id": suspension.pk,
        "note": "explained",
        "message": "You have explained it.",
        "by": by or person(),
        "now": now,
    }
    return lifts.lift(**given | changes)


def prepare(broker: Broker, *, now: datetime = NOON, by: int | None = None, **changes: Any) -> Termination:
    given: dict[str, Any] = {
        "broker_code": broker.code,
        "reason": "agreement",
        "note": "decided by two of us",
        "message": "The User Agreement was violated.",
        "effective_at": None,
        "case_id": None,
        "by": by or person("pia"),
        "now": now,
    }
    return terminations.prepare(**given | changes)


def confirm(termination: Termination, *, now: datetime = NOON, by: int | None = None) -> StandingChange:
    return terminations.confirm(
        termination_id=termination.pk,
        shown=terminations.shown(termination.pk, now=now),
        by=by or person("quentin"),
        clock=lambda: now,
    )


def terminate(broker: Broker, *, now: datetime = NOON, **changes: Any) -> StandingChange:
    """Both halves."""
    return confirm(prepare(broker, now=now, **changes), now=now)


def payout(broker: Broker, month: str, amount: str, *, approved_at: datetime | None = None) -> Payout:
    """A month's payout of a broker, written as a row."""
    made: Payout = make.payout(broker, month, amount)
    return make.approved(made, approved_at) if approved_at else made


def kept(broker: Broker) -> list[tuple[str, datetime, datetime | None]]:
    """The database's ranges that hold at any instant, oldest first."""
    rows = StandingRange.objects.filter(broker=broker).values_list("kind", "starts_at", "ends_at")
    return sorted(row for row in rows if row[1] != row[2])


def ruled(broker: Broker) -> list[tuple[str, datetime, datetime | None]]:
    """The ranges by the rule, from the changes."""
    found: list[Range] = ranges(rules_of(changes_of(broker.code)))
    return sorted((each.kind, each.starts_at, each.ends_at) for each in found)
