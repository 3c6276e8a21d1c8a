"""Takes accepted fills out: a row a fill, and the three totals without them. Called inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from payouts.feed import booking
from payouts.refusal import Refusal

# Claimed in the order of their numbers; the totals are taken from what was claimed.
_CLAIM = """
    INSERT INTO fill_void (fill_id, executed_at, broker_code, trader, symbol, market, fee_rate,
                           affiliate_rate, volume, fee, batch_id, proposal_id, voided_at)
    SELECT fill.id, fill.executed_at, fill.broker_code, fill.trader, fill.symbol, fill.market, fill.fee_rate,
           fill.affiliate_rate, fill.price * fill.quantity, fill.fee, fill.batch_id, %s, %s
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS wanted (id, executed_at)
    JOIN fill ON fill.id = wanted.id AND fill.executed_at = wanted.executed_at
    ORDER BY fill.id
    ON CONFLICT DO NOTHING
"""
_SUMS = "SELECT count(*), sum(volume), sum(greatest(fee, 0)) FROM fill_void WHERE proposal_id = %s"


class AlreadyVoided(Refusal):
    """Some of the fills were voided by another act, or do not exist."""


@dataclass(frozen=True, slots=True)
class Voided:
    """What was taken out; dollars."""

    fills: int
    volume: Decimal
    fees: Decimal


def void(fills: Sequence[tuple[int, datetime]], *, proposal_id: int, now: datetime) -> Voided:
    """Void fills, each named by its number and when it was executed, as two people have confirmed it.

    Shares the intake's lock with intakes and takes the totals' locks in their order, so that none wait in a
    ring, and a termination waits for both. The natural keys stay taken: a record that is sent again is a
    duplicate. Refuses `AlreadyVoided`; the caller's transaction must then be rolled back.
    """
    booking.enter(alone=False)
    numbers, times = [each[0] for each in fills], [each[1] for each in fills]
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [proposal_id, now, numbers, times])
        missing = len(fills) - cursor.rowcount
        if missing:
            raise AlreadyVoided(
                f"{missing} of the {len(fills)} fills are voided already: withdraw this and choose again."
            )
        booking.add_totals(
            cursor,
            counted="-count(*), -sum(volume), -sum(greatest(fee, 0))",
            source=f"fill_void WHERE proposal_id = {int(proposal_id)}",
        )
        cursor.execute(_SUMS, [proposal_id])
        return Voided(*cursor.fetchone())
