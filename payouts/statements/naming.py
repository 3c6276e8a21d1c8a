"""From a trader's name back to the trader: by trying those that a broker has, for there is no other way."""

from collections.abc import Iterable
from hashlib import sha256

from django.conf import settings
from django.db import connection

from payouts.month import Month
from payouts.statements import pseudonym

#: Of one broker, by one index for each month.
_TRADERS = """
    SELECT trader, max(month) FROM total_by_rate WHERE broker_code = %s AND month = ANY (%s) GROUP BY trader
"""


def trader_named(name: str, *, broker_code: int, months: Iterable[Month]) -> int | None:
    """The broker's trader of that name with fills in these months; None of another broker's. One query."""
    found = _borne(name, broker_code, months)
    return None if found is None else found[0]


def newest_month_of(name: str, *, broker_code: int, months: Iterable[Month]) -> Month | None:
    """The newest of these months in which the broker's trader of that name has fills. One query."""
    found = _borne(name, broker_code, months)
    return None if found is None else found[1]


def _borne(name: str, broker_code: int, months: Iterable[Month]) -> tuple[int, Month] | None:
    if not pseudonym.is_name(name):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_TRADERS, [broker_code, [month.first_date for month in months]])
        newest = dict(cursor.fetchall())
    trader = pseudonym.bearer(name, newest, broker=broker_code, key=settings.PSEUDONYM_KEY)
    return None if trader is None else (trader, Month.of_date(newest[trader]))


def order_of_traders() -> int:
    """A secret number by which traders are put in an order that says nothing of theirs."""
    digest = sha256(b"the order of traders" + settings.PSEUDONYM_KEY).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
