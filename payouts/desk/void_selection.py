"""Which fills of a broker are to be voided: found by what staff know of them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from payouts.feed import archive
from payouts.month import Month
from payouts.program.terms import Market
from payouts.refusal import Refusal

#: Fills that one act voids at most.
MOST = 10_000

_FILLS = """
    SELECT fill.id, fill.executed_at, fill.trader, fill.symbol, fill.market, fill.trade_id, fill.order_id,
           fill.side, fill.price, fill.quantity, fill.price * fill.quantity, fill.fee, fill.affiliate_rate,
           voided.id IS NOT NULL
    FROM fill LEFT JOIN fill_void AS voided ON voided.fill_id = fill.id
    WHERE {criteria} ORDER BY fill.id LIMIT %s
"""
#: From when until when the broker, or its trader, has fills: so that only these partitions are read.
_SPAN = "SELECT min(day), max(day) + 1 FROM total_by_day WHERE broker_code = %s"


class NothingSelected(Refusal):
    """The selection says nothing, or no fill of the broker answers it."""


class TooMany(Refusal):
    """More fills than one act voids."""


class NotVoidable(Refusal):
    """A fill that was named is not one of the broker's, or is voided already."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is known of the fills: all that is given has to be true of each; `ends_at` is exclusive."""

    ids: tuple[int, ...] = ()
    trader: int | None = None
    order_id: str = ""
    symbol: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        return self == Selection()


@dataclass(frozen=True, slots=True)
class Selected:
    """One fill that would be voided; dollars."""

    id: int
    executed_at: datetime
    trader: int
    symbol: str
    market: Market
    trade_id: int
    order_id: str
    side: str
    price: Decimal
    quantity: Decimal
    volume: Decimal
    #: As charged; a maker rebate is below zero.
    fee: Decimal
    affiliate_rate: Decimal

    @property
    def month(self) -> Month:
        return Month.of(self.executed_at)


def find(*, broker_code: int, selection: Selection) -> list[Selected]:
    """The broker's fills that the selection means, by number, without those that are voided already.

    Refuses `NothingSelected`, `TooMany`, and `NotVoidable` where fills were named by their numbers.
    """
    if selection.is_empty:
        raise NothingSelected("Say which fills: by number, trader, order, symbol or time.")
    if len(selection.ids) > MOST:
        raise _too_many()
    rows = _rows(broker_code, selection)
    free = [Selected(*row[:-1]) for row in rows if not row[-1]]
    if selection.ids:
        _all_must_be_voidable(selection, rows)
    if len(rows) > MOST:
        raise _too_many()
    if not free and (kept := archive.archived_of(broker_code=broker_code)):
        months = ", ".join(map(str, kept))
        raise NothingSelected(
            f"No fill in the table answers this, but those of {months} are archived: to void one of them,"
            " have it restored first (`manage.py restore_fills`)."
        )
    if not free:
        raise NothingSelected("No fill of this broker that still counts answers this: correct the selection.")
    return free


def _rows(broker_code: int, selection: Selection) -> list[Any]:
    criteria = ["fill.broker_code = %s"]
    values: list[Any] = [broker_code]

    def add(criterion: str, value: Any) -> None:
        criteria.append(criterion)
        values.append(value)

    if selection.ids:
        add("fill.id = ANY (%s)", list(selection.ids))
    else:
        # By number a voided one is told of; otherwise it is passed over.
        criteria.append("voided.id IS NULL")
    if selection.trader is not None:
        add("fill.trader = %s", selection.trader)
    if selection.order_id:
        add("fill.order_id = %s", selection.order_id)
    if selection.symbol:
        add("fill.symbol = %s", selection.symbol)
    if selection.starts_at is not None:
        add("fill.executed_at >= %s", selection.starts_at)
    if selection.ends_at is not None:
        add("fill.executed_at < %s", selection.ends_at)
    with connection.cursor() as cursor:
        cursor.execute(
            _SPAN + ("" if selection.trader is None else " AND trader = %s"),
            [broker_code] if selection.trader is None else [broker_code, selection.trader],
        )
        first, last = cursor.fetchone()
        if first is None:
            return []
        criteria.append("fill.executed_at >= %s::date::timestamp AT TIME ZONE 'UTC'")
        criteria.append("fill.executed_at < %s::date::timestamp AT TIME ZONE 'UTC'")
        query = _FILLS.format(criteria=" AND ".join(criteria))
        cursor.execute(query, [*values, first, last, MOST + 1])
        return list(cursor.fetchall())


def _all_must_be_voidable(selection: Selection, rows: list[Any]) -> None:
    gone = [row[0] for row in rows if row[-1]]
    if gone:
        raise NotVoidable(f"Fill {_listed(gone)} is voided already: leave it out.")
    unknown = sorted(set(selection.ids) - {row[0] for row in rows})
    if unknown:
        raise NotVoidable(
            f"Fill {_listed(unknown)} is none of this broker's that answers the rest: leave it out."
        )


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return shown if len(numbers) <= 5 else f"{shown} and {len(numbers) - 5} more"


def _too_many() -> TooMany:
    return TooMany(f"These are more than {MOST:,} fills: choose fewer, and void the others in another act.")
