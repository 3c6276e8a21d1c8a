"""Over random months of late fills and voids: what is booked for a month is its truth, rounded once."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from payouts.month import Month
from payouts.monthend import actions, frozen
from payouts.monthend.models import Correction, CorrectionLine, Payout
from payouts.program.terms import terms_for
from tests import make
from tests.payouts.monthend.approving import approve
from tests.payouts.monthend.voids import void

pytestmark = pytest.mark.django_db
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
MONTHS = [Month(2026, number) for number in range(7, 11)]
FLOORS = [(0, 20), (5, 30), (10, 35), (20, 40), (60, 45), (100, 50)]

#: Dollars that make every tier by a few fills, and fractions of a cent besides.
prices = some.sampled_from(["3.01", "77.7", "4999999", "1", "2500000", "9000000.5", "40000000"])
fills = some.tuples(
    some.integers(0, len(MONTHS) - 1),
    prices,
    some.sampled_from(["0.001", "0.00037", "0", "-0.0002"]),
    some.sampled_from([None, "0.1", "0.3", "0.5"]),
    some.sampled_from([7, 8]),
    some.sampled_from(["SPOT", "PERP"]),
)
#: What happens before each month is approved: fills of that month or before it, and which are voided.
rounds = some.lists(
    some.tuples(some.lists(fills, max_size=5), some.lists(some.integers(0, 30), max_size=2, unique=True)),
    min_size=len(MONTHS),
    max_size=len(MONTHS),
)


class Undone(Exception):
    """Ends an example and takes back what it wrote."""


def truth(kept, number, basis):
    """A month by the program's text alone, in exact fractions; cents."""
    decisive = number - 1 if basis == "preceding_month" else number
    volume = sum((Fraction(price) for month, price, *_ in kept if month == decisive), Fraction(0))
    rebate = [Fraction(percent, 100) for millions, percent in FLOORS if volume >= millions * 10**6][-1]
    amount = sum(
        (
            max(Fraction(0), Fraction(price) * Fraction(fee_rate))
            * min(rebate, max(Fraction(0), Fraction(1, 2) - Fraction(affiliate_rate or 0)))
            for month, price, fee_rate, affiliate_rate, *_ in kept
            if month == number
        ),
        Fraction(0),
    )
    return Decimal((amount * 100 + Fraction(1, 2)).__floor__()) / 100


def booked(month):
    payout = Payout.objects.get(run__month=month.first_date)
    corrections = Correction.objects.filter(month=month.first_date, payout__approved_at__isnull=False)
    return payout.payout + sum(each.cents for each in corrections)


def live_through(rounds, basis):
    make.broker()
    kept = {}
    for number, (month, (arriving, voided)) in enumerate(zip(MONTHS, rounds, strict=True)):
        for of, price, fee_rate, affiliate_rate, trader, market in arriving:
            of = min(of, number)
            record = make.record(
                price=price,
                feeRate=fee_rate,
                affiliateRate=affiliate_rate,
                userId=trader,
                marketType=market,
                timestamp=f"{MONTHS[of]}-15T12:00:00Z",
            )
            assert make.fills(record, now=AFTER).accepted == 1
            kept[record["tradeId"]] = (of, price, fee_rate, affiliate_rate)
        for place in voided:
            if place < len(kept):
                trade = sorted(kept)[place]
                void(trade)
                del kept[trade]
        terms = replace(terms_for(month), tier_basis=basis)
        actions.calculate(month=month, now=AFTER, terms=terms)
        draft = Payout.objects.get(run__month=month.first_date)
        for correction in Correction.objects.filter(payout=draft):
            lines = list(CorrectionLine.objects.filter(correction=correction))
            assert sum(line.amount for line in lines) == correction.cents
            # What rounding explains is less than a cent of before, and of now.
            assert all(abs(line.amount) <= Decimal("0.01") for line in lines if line.kind == "rounding")
        approve(draft, at=AFTER + timedelta(days=number))
        for earlier in range(number + 1):
            assert booked(MONTHS[earlier]) == truth(kept.values(), earlier, basis), str(MONTHS[earlier])
    for payout in Payout.objects.all():
        assert frozen.input_digest(payout.pk) == frozen.input_digest_of_fills(payout.pk)


@settings(
    deadline=None, max_examples=15, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds, some.sampled_from(["settled_month", "preceding_month"]))
def test_what_is_booked_for_a_month_is_its_truth_rounded_once(rounds, basis):
    with suppress(Undone), transaction.atomic():
        live_through(rounds, basis)
        raise Undone
