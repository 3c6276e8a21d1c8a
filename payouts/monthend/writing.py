"""Writes calculated months: payouts as they are now, and lines that SQL multiplies exactly."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.db import connection

from payouts.money import ZERO
from payouts.monthend import formula
from payouts.monthend.models import Line, Payout, Run
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.watermark import Seen
from payouts.program.models import Broker
from payouts.program.terms import Terms

#: A draft that nobody has prepared: "recalculating voids a preparation".
UNPREPARED = {
    "prepared_by": None,
    "prepared_at": None,
    "adjustments": None,
    "carried": None,
    "due": None,
    "digest": "",
    "input_digest": "",
}
_CALCULATED = (
    "account_id",
    "tier",
    "rebate",
    "spot_volume",
    "futures_volume",
    "volume",
    "fills",
    "fees",
    "amount",
    "payout",
    "state",
    "terms",
    "preceding_volume",
    "watermark",
    "voids",
    "corrections",
    *UNPREPARED,
)

#: OFFSET 0: each broker's totals are read once, in the order of their key, and only then meet the rates.
_LINES = """
    INSERT INTO payout_line (payout_id, trader, market, fee_rate, affiliate_rate, fills, volume, fees,
                             applied_rate, bound_by, amount)
    SELECT total.payout_id, total.trader, total.market, total.fee_rate, total.affiliate_rate, total.fills,
           total.volume, total.fees, rate.applied_rate, rate.bound_by, total.fees * rate.applied_rate
    FROM (
        SELECT payout.id AS payout_id, payout.rebate, total.* FROM payout
        JOIN total_by_rate AS total ON total.broker_code = payout.broker_id AND total.month = %s
             AND total.fills > 0
        WHERE payout.id = ANY (%s) OFFSET 0
    ) AS total
    JOIN unnest(%s::numeric[], %s::numeric[], %s::numeric[], %s::text[])
         AS rate (rebate, affiliate_rate, applied_rate, bound_by)
         ON rate.rebate = total.rebate AND rate.affiliate_rate = total.affiliate_rate
"""


def write_payouts(
    run: Run, months: Sequence[BrokerMonth], *, seen: Seen, corrections: Mapping[int, Decimal]
) -> dict[int, int]:
    """Make or replace the payouts of these brokers, none of which is approved; broker code → payout id.

    `corrections` are the cents that each broker's payout carries for earlier months.
    """
    Payout.objects.bulk_create(
        [
            Payout(
                run=run,
                broker_id=each.broker,
                account_id=each.account_id,
                tier=each.tier.name,
                rebate=each.tier.rebate,
                spot_volume=each.payout.spot_volume,
                futures_volume=each.payout.futures_volume,
                volume=each.payout.volume,
                fills=each.payout.fills,
                fees=each.payout.fees,
                amount=each.payout.amount,
                payout=each.payout.payout,
                state=Payout.State.CALCULATED,
                terms=each.terms.name,
                preceding_volume=each.preceding_volume,
                watermark=seen.batches,
                voids=seen.voids,
                corrections=corrections.get(each.broker, ZERO),
                **UNPREPARED,
            )
            for each in months
        ],
        update_conflicts=True,
        unique_fields=["run", "broker"],
        update_fields=_CALCULATED,
        batch_size=2_000,
    )
    codes = [each.broker for each in months]
    return dict(Payout.objects.filter(run=run, broker__in=codes).values_list("broker_id", "pk"))


def write_lines(month: date, months: Sequence[BrokerMonth], *, payout_ids: Collection[int]) -> None:
    """Replace the lines of payouts: the rules give each distinct rate once, SQL multiplies exactly.

    A total of no fills, because all were voided, is no line.
    """
    numbers = list(payout_ids)
    Line.objects.filter(payout__in=numbers).delete()
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [month, numbers, *_applied_rates(months)])


def write_parked(run: Run, broker: Broker, *, terms: Terms) -> bool:
    """Mark a broker's payout as one that could not be calculated; False if it is approved and so was.

    A new one is of zeros; one that was calculated before keeps its figures, and cannot be prepared.
    """
    tier = terms.ladder[0]
    found, is_new = Payout.objects.select_for_update(no_key=True).get_or_create(
        run=run,
        broker=broker,
        defaults={
            "account_id": broker.account_id,
            "tier": tier.name,
            "rebate": tier.rebate,
            "terms": terms.name,
            "state": Payout.State.PARKED,
            "fills": 0,
        }
        | dict.fromkeys(("spot_volume", "futures_volume", "volume", "fees", "amount", "payout"), ZERO),
    )
    if found.approved_at is not None:
        return False
    if not is_new:
        Payout.objects.filter(pk=found.pk).update(state=Payout.State.PARKED, **UNPREPARED)
    return True


def _applied_rates(months: Sequence[BrokerMonth]) -> list[list[object]]:
    """The applied rate and what bound it, as columns, for each rebate and affiliate rate of a month."""
    affiliate_rates = sorted({rate for each in months for rate in each.affiliate_rates})
    rows = [
        (
            rebate,
            affiliate_rate,
            formula.applied_rate(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap),
            formula.bound_by(rebate=rebate, affiliate_rate=affiliate_rate, cap=cap),
        )
        for rebate, cap in sorted({(each.tier.rebate, each.terms.rebate_cap) for each in months})
        for affiliate_rate in affiliate_rates
    ]
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
