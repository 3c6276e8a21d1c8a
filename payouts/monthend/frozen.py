"""A payout's frozen input: read again from the fills within its watermark, and digested.

However many fills, duplicates and voids have arrived since, an approved payout's input stays what it was,
and calculating it again gives the same bytes.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, cast

from django.db import connection

from payouts.feed import archive
from payouts.money import ZERO, plain
from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Group, Line, RateTotal
from payouts.monthend.models import Line as StoredLine
from payouts.monthend.models import Payout as StoredPayout
from payouts.monthend.queries import terms_of
from payouts.program.terms import Terms

_TOTALS = """
    SELECT trader, market, fee_rate, affiliate_rate, count(*), sum(price * quantity), sum(greatest(fee, 0))
    FROM fill
    WHERE broker_code = %(code)s AND executed_at >= %(starts_at)s AND executed_at < %(ends_at)s
      AND batch_id <@ %(batches)s::int8multirange
      AND NOT EXISTS (SELECT FROM fill_void AS voided WHERE voided.fill_id = fill.id
                      AND voided.id <@ %(voids)s::int8multirange)
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""


def recalculated(payout_id: int) -> tuple[calculation.Payout, list[Line]]:
    """A payout calculated again from the fills that it was calculated from, by the rules alone."""
    stored = _stored(payout_id)
    totals, terms = _totals(stored), _terms(stored)
    groups = [Group(each.market, each.affiliate_rate, each.fills, each.volume, each.fees) for each in totals]
    payout = calculation.payout(terms=terms, groups=groups, preceding_volume=stored.preceding_volume or ZERO)
    return payout, calculation.lines(terms=terms, tier=payout.tier, totals=totals)


def input_digest(payout_id: int) -> str:
    """SHA-256, in hexadecimal, of what a payout was calculated from, as its lines keep it.

    The text is UTF-8; each line ends with a line feed, and fields are separated by one space:

        input 1
        <broker code> <month> <terms> <tier basis> <volume of the month before, or ->
        <trader> <market> <fee rate> <affiliate rate> <fills> <volume> <fees>

    with a last line for each line of the payout, ordered by its first four fields as numbers and text.
    Decimals have all their digits, no exponent and no zeros at their end.
    """
    stored = _stored(payout_id)
    rows = (
        StoredLine.objects.filter(payout=payout_id)
        .order_by("trader", "market", "fee_rate", "affiliate_rate")
        .values_list("trader", "market", "fee_rate", "affiliate_rate", "fills", "volume", "fees")
    )
    return _digest(stored, (RateTotal(*cast("Any", row)) for row in rows.iterator(chunk_size=5_000)))


def input_digest_of_fills(payout_id: int) -> str:
    """The same from the fills within the watermark: equal, or the lines are not what was calculated."""
    stored = _stored(payout_id)
    return _digest(stored, _totals(stored))


def _stored(payout_id: int) -> StoredPayout:
    return StoredPayout.objects.select_related("run").get(pk=payout_id)


def _terms(stored: StoredPayout) -> Terms:
    return terms_of(stored.terms, by_preceding=stored.preceding_volume is not None)


def _totals(stored: StoredPayout) -> Sequence[RateTotal]:
    month = Month.of_date(stored.run.month)
    archive.must_be_here(month)
    with connection.cursor() as cursor:
        cursor.execute(
            _TOTALS,
            {
                "code": stored.broker_id,
                "starts_at": month.starts_at,
                "ends_at": month.ends_at,
                "batches": stored.watermark,
                "voids": stored.voids,
            },
        )
        return [RateTotal(*row) for row in cursor.fetchall()]


def _digest(stored: StoredPayout, totals: Iterable[RateTotal]) -> str:
    before = stored.preceding_volume
    head = (
        stored.broker_id,
        Month.of_date(stored.run.month),
        stored.terms,
        _terms(stored).tier_basis,
        "-" if before is None else before,
    )
    digest = sha256(b"input 1\n")
    digest.update(_line(*head))
    for each in totals:
        digest.update(
            _line(
                each.trader,
                each.market,
                each.fee_rate,
                each.affiliate_rate,
                each.fills,
                each.volume,
                each.fees,
            )
        )
    return digest.hexdigest()


def _line(*fields: object) -> bytes:
    written = (plain(each) if isinstance(each, Decimal) else str(each) for each in fields)
    return (" ".join(written) + "\n").encode()
