"""Writes down who did what with a broker's team and papers; rows are added, never edited."""

from datetime import datetime
from typing import Any

from portal.team.models import Activity


def write(
    *,
    broker_code: int,
    kind: Activity.Kind,
    about: str,
    by: Any,
    now: datetime,
    is_by_exchange: bool = False,
) -> Activity:
    """One act, in the transaction that does it. Members read "Backpack" where the exchange did it."""
    return Activity.objects.create(
        broker_id=broker_code,
        kind=kind,
        about=about[:300],
        by=by,
        at=now,
        is_by_exchange=is_by_exchange,
    )


def downloaded(*, broker_code: int, file_name: str, by: Any, now: datetime) -> None:
    """A member took a statement away."""
    write(broker_code=broker_code, kind=Activity.Kind.DOWNLOADED, about=file_name, by=by, now=now)
