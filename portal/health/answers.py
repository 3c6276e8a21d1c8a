"""The signs as machines read them: counts and ages only. No broker, no amount, no reason, no secret."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from portal.health.signs import QUEUES, Facts, Sign, worst

#: Told beside the day itself.
_OF_RECONCILIATION = ("days_to_reconcile", "open_differences")


def as_json(facts: Facts | None, signs: Iterable[Sign], *, now: datetime) -> dict[str, Any]:
    """What `/status.json` says; with only the database's own state where it does not answer."""
    by_name = {each.name: each for each in signs}
    told: dict[str, Any] = {
        "state": worst(each.state for each in by_name.values()),
        "as_of": now.isoformat(timespec="seconds"),
        "database": {"state": by_name["database"].state},
    }
    if facts is None:
        return told
    told["schema"] = {"state": by_name["schema"].state, **facts.schema}
    if not facts.is_migrated:
        return told
    canary, books = by_name["canary"], by_name["books"]
    told["canary"] = {"state": canary.state, "age_seconds": _seconds(canary.age)}
    told["books"] = {
        "state": books.state,
        "checked_at": facts.books_checked_at and facts.books_checked_at.isoformat(timespec="seconds"),
        "age_seconds": _seconds(books.age),
        "breaches": books.number,
    }
    told["lag"] = {
        name: {
            "state": by_name[name].state,
            "waiting": by_name[name].number,
            "oldest_seconds": _seconds(by_name[name].age),
        }
        for name in QUEUES
        if name not in _OF_RECONCILIATION
    }
    days, differences = (by_name[name] for name in _OF_RECONCILIATION)
    told["reconciliation"] = {
        "state": worst([days.state, differences.state]),
        "last_day": facts.last_reconciled and facts.last_reconciled.isoformat(),
        "days_missing": days.number,
        "open_differences": differences.number,
    }
    return told


def _seconds(age: timedelta | None) -> int | None:
    return None if age is None else int(age.total_seconds())
