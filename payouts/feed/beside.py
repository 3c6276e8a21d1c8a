"""The fill or excluded record that holds the natural key of a record in quarantine."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction

from payouts.feed import booking
from payouts.feed.outcomes import NaturalKey
from payouts.money import plain
from payouts.month import Month

#: Neither table has an index by key, since only people ask for it: a look through a whole month may not last.
_PATIENCE = "2s"
#: By the names of the feed contract, in its order.
_NAMES = {
    "symbol": "symbol",
    "marketType": "market_type",
    "tradeId": "trade_id",
    "orderId": "order_id",
    "clientId": "client_id",
    "userId": "trader",
    "brokerId": "broker_code",
    "side": "side",
    "isMaker": "is_maker",
    "price": "price",
    "quantity": "quantity",
    "fee": "fee",
    "feeSymbol": "fee_symbol",
    "feeRate": "fee_rate",
    "affiliateRate": "affiliate_rate",
    "systemOrderType": "system_order_type",
    "timestamp": "executed_at",
}
_COLUMNS = ", ".join(_NAMES.values())
_FILL = f"""
    SELECT 'accepted', '', batch_id, {_COLUMNS.replace("system_order_type", "NULL")} FROM fill
    WHERE symbol = %(symbol)s AND trade_id = %(trade_id)s AND order_id = %(order_id)s
      AND executed_at >= %(from)s AND executed_at {{until}} %(until)s LIMIT 1
"""
_EXCLUDED = f"""
    SELECT 'excluded', reason, batch_id, {_COLUMNS} FROM excluded_record
    WHERE symbol = %(symbol)s AND trade_id = %(trade_id)s AND order_id = %(order_id)s LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """The fill or excluded record that holds the key of a record in quarantine."""

    #: accepted or excluded; "" if it is known to be there but could not be found in two seconds.
    state: str
    #: Of an excluded one why.
    reason: str
    batch_id: int | None
    received_at: datetime | None
    #: By the names of the feed contract, in its order, as texts; "" for null.
    fields: tuple[tuple[str, str], ...]


_UNFOUND = Beside("", "", None, None, ())


def beside(
    key: NaturalKey, *, executed_at: datetime | None, month: date | None, batch_id: int | None
) -> Beside | None:
    """Who holds a key; None if nobody does.

    Looked for where the record itself says that it was executed, and where the batch that corrected it was.
    """
    if not booking.known_keys([key]):
        return None
    named: dict[str, Any] = dict(zip(("symbol", "trade_id", "order_id"), key, strict=True))
    if executed_at is not None:
        same = _look(_FILL.format(until="<="), named | {"from": executed_at, "until": executed_at})
        if same is not None:
            return same
    looks: list[Callable[[], Beside | None]] = [lambda: _look(_EXCLUDED, named)]
    months = {Month.of_date(month)} if month is not None else set()
    for whole in sorted(months | _months_of(batch_id)):
        values = named | {"from": whole.starts_at, "until": whole.ends_at}
        looks.append(partial(_look, _FILL.format(until="<"), values))
    return next((found for look in looks if (found := look()) is not None), _UNFOUND)


def _months_of(batch_id: int | None) -> set[Month]:
    if batch_id is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute("SELECT latest_executed_at FROM feed_batch WHERE id = %s", [batch_id])
        [latest] = cursor.fetchone()
    return set() if latest is None else {Month.of(latest)}


def _look(query: str, values: dict[str, Any]) -> Beside | None:
    """One look, given up after a while: then the page goes without."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{_PATIENCE}'")
            cursor.execute(query, values)
            row = cursor.fetchone()
            # Also without effect beyond a savepoint, when there is a transaction around this one.
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            if row is None:
                return None
            cursor.execute("SELECT received_at FROM feed_batch WHERE id = %s", [row[2]])
            received_at = cursor.fetchone()[0]
    except OperationalError as problem:
        if getattr(problem.__cause__, "sqlstate", "") != "57014":
            raise
        return None
    state, reason, batch_id, *fields = row
    shown = tuple((name, _text(value)) for name, value in zip(_NAMES, fields, strict=True))
    return Beside(state, reason, batch_id, received_at, shown)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat() + "Z"
    return str(value)
