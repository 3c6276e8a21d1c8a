"""Everything about payouts that who prepares and who approves them is shown, and its fingerprint."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db import connection

from payouts.desk.models import PayoutHold
from payouts.desk.money_models import Adjustment, PayoutAdjustment
from payouts.ledger import queries as ledger
from payouts.money import EXACT, ZERO, plain
from payouts.monthend.bounding import BoundRow, bounds_of_many
from payouts.monthend.models import Correction, CorrectionLine, Payout

#: Every column of every line, in the order of statements. SQL, because a payout may have half a million.
_LINES = r"""
    SELECT payout_id, encode(sha256(convert_to(string_agg(
        concat_ws(':', trader, market, trim_scale(fee_rate), trim_scale(affiliate_rate), fills,
                  trim_scale(volume), trim_scale(fees), trim_scale(applied_rate), bound_by,
                  trim_scale(amount)), E'\n'
        ORDER BY trader, market, fee_rate, affiliate_rate), 'UTF8')), 'hex')
    FROM payout_line WHERE payout_id = ANY (%s) GROUP BY payout_id
"""


@dataclass(frozen=True, slots=True)
class CorrectedLine:
    """One exact line of a correction."""

    kind: str
    trader: int | None
    market: str
    fee_rate: Decimal | None
    affiliate_rate: Decimal | None
    fills: int
    volume: Decimal
    fees: Decimal
    rate: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a payout carries for an earlier month; `cents` is what is booked, the lines sum to it."""

    #: The first day of the corrected month.
    month: date
    tier_before: str
    tier_after: str
    amount: Decimal
    cents: Decimal
    suspended: Decimal
    lines: tuple[CorrectedLine, ...]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An adjustment that the payout's statement shows, or will."""

    id: int
    amount: Decimal
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """A case that holds the payout and has not released it."""

    hold_id: int
    case_id: int
    held_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutFacts:
    """A payout with everything that decides what approving it does. Dollars; cents where money moves."""

    id: int
    broker_code: int
    broker_name: str
    #: The first day of its month.
    month: date
    #: To be credited; and the broker's now, which differs if it was changed since the calculation.
    account_id: str
    account_now: str
    terms: str
    preceding_volume: Decimal | None
    watermark: str
    voids: str
    tier: str
    rebate: Decimal
    spot_volume: Decimal
    futures_volume: Decimal
    volume: Decimal
    fills: int
    fees: Decimal
    amount: Decimal
    payout: Decimal
    #: SHA-256 of the lines; empty if there is none.
    lines: str
    corrections: Decimal
    corrected: tuple[Corrected, ...]
    adjusted: tuple[Adjusted, ...]
    adjustments: Decimal
    #: Brought forward: what is owed beyond adjustments that no statement has shown and payouts under way.
    carried: Decimal
    holds: tuple[Held, ...]
    bounds: tuple[BoundRow, ...]

    @property
    def due(self) -> Decimal:
        """What approving it makes payable; nothing or less is carried."""
        return _sum((self.carried, self.adjustments, self.payout, self.corrections))

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, as canonical JSON."""
        return digest_of([self, self.due])


def facts_of(payouts: Collection[Payout]) -> dict[int, PayoutFacts]:
    """The facts of payouts (with `run` and `broker`) as they are at this moment, by number.

    Of what is approved: the figures that were approved. A fixed number of queries, however many there are.
    """
    ids = [each.pk for each in payouts]
    lines = _lines(ids)
    corrected = corrections_of(ids)
    holds = holds_of(ids)
    bounds = bounds_of_many(ids)
    waiting = _adjustments_waiting({each.broker_id for each in payouts})
    shown = _adjustments_shown(ids)
    free = ledger.carried_of({each.broker_id for each in payouts})
    found = {}
    for each in payouts:
        is_open = each.approved_at is None
        adjusted = waiting[each.broker_id] if is_open else shown[each.pk]
        adjustments = _sum(one.amount for one in adjusted)
        found[each.pk] = PayoutFacts(
            id=each.pk,
            broker_code=each.broker_id,
            broker_name=each.broker.name,
            month=each.run.month,
            account_id=each.account_id,
            account_now=each.broker.account_id,
            terms=each.terms,
            preceding_volume=each.preceding_volume,
            watermark=each.watermark,
            voids=each.voids,
            tier=each.tier,
            rebate=each.rebate,
            spot_volume=each.spot_volume,
            futures_volume=each.futures_volume,
            volume=each.volume,
            fills=each.fills,
            fees=each.fees,
            amount=each.amount,
            payout=each.payout,
            lines=lines.get(each.pk, ""),
            corrections=each.corrections,
            corrected=tuple(corrected.get(each.pk, ())),
            adjusted=tuple(adjusted),
            adjustments=adjustments,
            # Adjustments are owed from the moment that they are confirmed, and stand on a line of their own.
            carried=EXACT.subtract(free[each.broker_id], adjustments) if is_open else each.carried or ZERO,
            holds=tuple(holds.get(each.pk, ())),
            bounds=tuple(bounds.get(each.pk, ())),
        )
    return found


def corrections_of(payout_ids: Iterable[int]) -> dict[int, list[Corrected]]:
    """The corrections that payouts carry, by month, with their lines. Two queries."""
    rows = list(Correction.objects.filter(payout__in=list(payout_ids)).order_by("payout_id", "month"))
    lines: dict[int, list[CorrectedLine]] = defaultdict(list)
    fields_of_a_line = [each.name for each in fields(CorrectedLine)]
    of = CorrectionLine.objects.filter(correction__in=rows).order_by("correction_id", "pk")
    for number, *values in of.values_list("correction_id", *fields_of_a_line):
        lines[number].append(CorrectedLine(*values))
    found: dict[int, list[Corrected]] = defaultdict(list)
    for row in rows:
        found[row.payout_id].append(
            Corrected(
                month=row.month,
                tier_before=row.tier_before,
                tier_after=row.tier_after,
                amount=row.amount,
                cents=row.cents,
                suspended=row.suspended,
                lines=tuple(lines[row.pk]),
            )
        )
    return dict(found)


def holds_of(payout_ids: Iterable[int]) -> dict[int, list[Held]]:
    """What holds each of the payouts and was not released, oldest first."""
    found: dict[int, list[Held]] = defaultdict(list)
    rows = PayoutHold.objects.filter(payout__in=list(payout_ids), release__isnull=True).order_by("pk")
    for row in rows:
        found[row.payout_id].append(Held(row.pk, row.case_id, row.held_at))
    return dict(found)


def digest_of(facts: object) -> str:
    """SHA-256 of the one text that facts have, whether they come from a form or from the database."""
    return sha256(json.dumps(facts, default=_written).encode()).hexdigest()


def _lines(ids: list[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [ids])
        return dict(cursor.fetchall())


def _adjustments_waiting(codes: Collection[int]) -> dict[int, list[Adjusted]]:
    found: dict[int, list[Adjusted]] = defaultdict(list)
    rows = Adjustment.objects.filter(broker__in=codes, shown_on__isnull=True).order_by("pk")
    for row in rows:
        found[row.broker_id].append(_adjusted(row))
    return found


def _adjustments_shown(ids: list[int]) -> dict[int, list[Adjusted]]:
    found: dict[int, list[Adjusted]] = defaultdict(list)
    rows = PayoutAdjustment.objects.filter(payout__in=ids).select_related("adjustment")
    for row in rows.order_by("adjustment_id"):
        found[row.payout_id].append(_adjusted(row.adjustment))
    return found


def _adjusted(row: Adjustment) -> Adjusted:
    return Adjusted(row.pk, row.amount, row.text, row.at)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for each in amounts:
        total = EXACT.add(total, each)
    return total


def _written(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return [getattr(value, each.name) for each in fields(value)]
    raise TypeError(f"{type(value)} is nothing that a page shows")
