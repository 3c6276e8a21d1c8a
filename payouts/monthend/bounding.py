"""The bounds of payouts as rows: written when a payout is calculated, read by whoever looks at it."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from payouts.monthend.bound_facts import facts_of
from payouts.monthend.bounds import bounds
from payouts.monthend.models import Payout, PayoutBound


@dataclass(frozen=True, slots=True)
class BoundRow:
    """A bound that a payout breaks and, once somebody has looked at it, who and why it is in order."""

    name: str
    value: str
    limit: str
    detail: dict[str, Any]
    acknowledged_by: int | None
    acknowledged_at: datetime | None
    note: str

    @property
    def is_acknowledged(self) -> bool:
        return self.acknowledged_at is not None


_BOUNDS = """
    SELECT bound.payout_id, bound.name, bound.value, bound.limit, bound.detail, said.by_id, said.at,
           coalesce(said.note, '')
    FROM payout_bound AS bound
    LEFT JOIN bound_acknowledgement AS said
        ON said.payout_id = bound.payout_id AND said.name = bound.name AND said.value = bound.value
    WHERE bound.payout_id = ANY (%s) ORDER BY bound.payout_id, bound.id
"""


@transaction.atomic
def write_bounds(*, payout_ids: Collection[int], now: datetime) -> int:
    """Find the bounds of payouts anew and replace their rows; how many there are.

    Of a payout that is approved nothing changes. A bound with the same value stays acknowledged: that is by
    value. Call it once for all payouts of a run where you can, because a month's fills are read for it once.
    """
    rows = Payout.objects.filter(pk__in=payout_ids, approved_at__isnull=True).order_by("pk")
    open_ids = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    found = [
        PayoutBound(payout_id=number, name=each.name, value=each.value, limit=each.limit, detail=each.detail)
        for number, facts in sorted(facts_of(open_ids, now=now).items())
        for each in bounds(facts)
    ]
    PayoutBound.objects.filter(payout__in=open_ids).delete()
    PayoutBound.objects.bulk_create(found, batch_size=2_000)
    return len(found)


def bounds_of(payout_id: int) -> list[BoundRow]:
    """The bounds that a payout breaks, in the order in which they are shown."""
    return bounds_of_many([payout_id]).get(payout_id, [])


def bounds_of_many(payout_ids: Collection[int]) -> dict[int, list[BoundRow]]:
    """The same for several payouts; one query. A payout that breaks none is left out."""
    found: dict[int, list[BoundRow]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, [list(payout_ids)])
        for number, name, value, limit, detail, *said in cursor.fetchall():
            detail = json.loads(detail) if isinstance(detail, str) else detail
            found.setdefault(number, []).append(BoundRow(name, value, limit, detail, *said))
    return found
