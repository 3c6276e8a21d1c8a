"""What calculating a month now would change: against its last calculation, and against last month."""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import correcting, queries
from payouts.monthend.models import Payout as StoredPayout
from payouts.monthend.queries import BrokerMonth
from payouts.monthend.snapshot import one_snapshot

#: Lines as they are against the totals that they would be made of, at the tier that would apply.
_LINES = """
    WITH wanted AS (
        SELECT * FROM unnest(%(codes)s::integer[], %(rebates)s::numeric[], %(caps)s::numeric[])
            AS named (code, rebate, cap)
    ), present AS (
        SELECT code, trader, market, fee_rate, affiliate_rate, fills, volume, fees,
               least(rebate, greatest(0, cap - affiliate_rate)) AS applied_rate
        FROM wanted JOIN total_by_rate AS total ON total.broker_code = wanted.code
            AND total.month = %(month)s AND total.fills > 0
    ), stored AS (
        SELECT payout.broker_id AS code, line.trader, line.market, line.fee_rate, line.affiliate_rate,
               line.fills, line.volume, line.fees, line.applied_rate
        FROM payout_line AS line JOIN payout ON payout.id = line.payout_id
        JOIN month_run ON month_run.id = payout.run_id AND month_run.month = %(month)s
    )
    SELECT code, count(*) FILTER (WHERE stored.fills IS NULL), count(*) FILTER (WHERE present.fills IS NULL),
           count(*) FILTER (WHERE (present.fills, present.volume, present.fees, present.applied_rate)
                                  <> (stored.fills, stored.volume, stored.fees, stored.applied_rate))
    FROM present FULL JOIN stored USING (code, trader, market, fee_rate, affiliate_rate)
    GROUP BY code
"""


@dataclass(frozen=True, slots=True)
class Lines:
    """How many lines a calculation would add, remove and change."""

    added: int
    removed: int
    changed: int


@dataclass(frozen=True, slots=True)
class Change:
    """From one figure of a broker to another: dollars, and the names of tiers."""

    volume: Decimal
    payout: Decimal
    tier_before: str
    tier_after: str

    def __bool__(self) -> bool:
        return bool(self.volume or self.payout or self.tier_before != self.tier_after)


@dataclass(frozen=True, slots=True)
class Difference:
    """One broker's month as it would be calculated now, and what that changes."""

    broker: int
    #: The state of its payout; "" without one. What is approved would stay as it is.
    state: str
    now: BrokerMonth
    #: As it was calculated, and last month; None without.
    calculated: BrokerMonth | None
    last_month: BrokerMonth | None
    #: From the calculation, and from last month, to now; None without.
    change: Change | None
    change_to_last_month: Change | None
    #: Of the payout as it was calculated.
    lines: Lines
    #: Cents of corrections of earlier months that the payout carries, and would carry.
    corrections_before: Decimal
    corrections_now: Decimal

    @property
    def is_approved(self) -> bool:
        return self.state in StoredPayout.APPROVED_STATES

    @property
    def is_changed(self) -> bool:
        """Whether calculating would change the payout; one that is approved never changes."""
        if self.is_approved:
            return False
        return (
            self.change is None
            or bool(self.change)
            or self.lines != Lines(0, 0, 0)
            or self.corrections_before != self.corrections_now
        )


def differences(*, month: Month) -> list[Difference]:
    """Every broker's difference, by code, of one instant. Changes nothing."""
    with one_snapshot():
        now = queries.months_as_they_stand(month=month)
        calculated = {each.broker: each for each in queries.calculated(month=month)}
        before = (
            {}
            if month == Month(1, 1)
            else {each.broker: each for each in queries.calculated(month=month.previous())}
        )
        stored = {row.broker_id: row for row in StoredPayout.objects.filter(run__month=month.first_date)}
        lines = _lines(month, now)
        found = correcting.find(month=month, broker_codes=[each.broker for each in now])
    return [
        Difference(
            broker=each.broker,
            state=stored[each.broker].state if each.broker in stored else "",
            now=each,
            calculated=calculated.get(each.broker),
            last_month=before.get(each.broker),
            change=_change(calculated.get(each.broker), each),
            change_to_last_month=_change(before.get(each.broker), each),
            lines=lines.get(each.broker, Lines(0, 0, 0)),
            corrections_before=stored[each.broker].corrections if each.broker in stored else ZERO,
            corrections_now=correcting.total(found.get(each.broker, [])),
        )
        for each in now
    ]


def _change(before: BrokerMonth | None, after: BrokerMonth) -> Change | None:
    if before is None:
        return None
    return Change(
        volume=EXACT.subtract(after.payout.volume, before.payout.volume),
        payout=EXACT.subtract(after.payout.payout, before.payout.payout),
        tier_before=before.tier.name,
        tier_after=after.tier.name,
    )


def _lines(month: Month, now: list[BrokerMonth]) -> dict[int, Lines]:
    with connection.cursor() as cursor:
        cursor.execute(
            _LINES,
            {
                "month": month.first_date,
                "codes": [each.broker for each in now],
                "rebates": [each.tier.rebate for each in now],
                "caps": [each.terms.rebate_cap for each in now],
            },
        )
        return {code: Lines(*counts) for code, *counts in cursor.fetchall()}
