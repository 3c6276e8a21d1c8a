"""Every figure that opens is the sum of what is below it, to the last digit, in any month."""

from contextlib import suppress
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from payouts.models import Payout
from payouts.money import EXACT
from payouts.statements import faces
from portal.explain import queries
from tests import make
from tests.payouts.monthend import test_booked_is_true as random_months
from tests.payouts.statements import issuing
from tests.portal.explain import opening, walking
from tests.scenarios import by_database, reading

pytestmark = pytest.mark.django_db
trying = settings(
    deadline=None,
    max_examples=4,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NOW = walking.NOW

#: Several fills of a line and of a day, rates that every arm binds, fractions of a cent.
fills = some.lists(
    some.tuples(
        some.integers(1, 28),
        some.sampled_from(["3.01", "77.7", "4999999", "9000000.5", "40000000", "0.000000000000000001"]),
        some.sampled_from(["1", "0.333333333333333333", "12.5"]),
        some.sampled_from(["0.001", "0.00037", "0", "-0.0002"]),
        some.sampled_from([None, "0.05", "0.1", "0.2", "0.3", "0.5", "0.6"]),
        some.sampled_from([7, 8, 9]),
        some.sampled_from(["SPOT", "PERP"]),
    ),
    max_size=14,
)


def fee_of(*factors: str) -> str:
    """As charged: all the digits that a record can hold, and no more."""
    exact = EXACT.multiply(EXACT.multiply(Decimal(factors[0]), Decimal(factors[1])), Decimal(factors[2]))
    return format(exact.quantize(Decimal("1e-18"), rounding=ROUND_DOWN), "f")


class Undone(Exception):
    """Ends an example and takes back what it wrote."""


@trying
@given(random_months.rounds, some.sampled_from(["settled_month", "preceding_month"]))
def test_of_random_months_with_late_fills_and_voids_every_level_adds_up(rounds: Any, basis: str) -> None:
    with suppress(Undone), transaction.atomic():
        random_months.live_through(rounds, basis)
        for month in random_months.MONTHS:
            walking.walk(1400, month)
        raise Undone


@trying
@given(fills)
def test_of_a_random_month_in_progress_every_level_adds_up(fills: Any) -> None:
    with suppress(Undone), transaction.atomic():
        make.broker()
        for day, price, quantity, fee_rate, affiliate_rate, trader, market in fills:
            make.fills(
                make.record(
                    price=price,
                    quantity=quantity,
                    feeRate=fee_rate,
                    fee=fee_of(price, quantity, fee_rate),
                    affiliateRate=affiliate_rate,
                    userId=trader,
                    marketType=market,
                    timestamp=f"2026-10-{day:02}T23:59:59.999999Z",
                )
            )
        assert walking.walk(1400, opening.OCTOBER) == len(fills)
        raise Undone


@pytest.mark.parametrize(
    "name", ["affiliate_rates_at_bkr_3", "eighteen_digits", "a_rebate_and_a_fee_on_one_line", "year_edge"]
)
def test_of_a_known_month_every_level_adds_up(name: str) -> None:
    scenario = reading.read(name)
    by_database.run(scenario)

    walked = {(each.month, each.broker): walking.walk(each.broker, each.month) for each in scenario.expected}

    assert sum(walked.values()) > 0
    assert walked == {
        (each.month, each.broker): Payout.objects.get(
            broker=each.broker, run__month=each.month.first_date
        ).fills
        for each in scenario.expected
    }


def test_the_figures_are_those_of_the_issued_statement() -> None:
    _, second = issuing.corrected(make.broker())

    assert walking.walk(1400, opening.OCTOBER) == 3

    page = queries.month_page(broker_code=1400, month=opening.OCTOBER, now=NOW)
    document = faces.document_of(second.pk)
    payout, amounts = page.opened.of.payout, page.opened.of.amounts
    assert amounts is not None
    assert (page.statement, second.number) == (2, 2)
    assert [str(payout.payout), str(page.carried_cents), str(amounts.adjustments), str(amounts.due)] == [
        document[name] for name in ("payout", "corrections", "adjustments", "due")
    ]
    assert (str(payout.payout), str(amounts.due)) == ("900.00", "1296.52")
    assert page.rounding == Decimal(document["rounding"])
    assert {line.amount for each in page.carried for line in each.lines} == {
        Decimal(line["amount"]) for each in document["corrected"] for line in each["lines"]
    }


def test_rounding_stands_on_a_line_of_its_own_even_where_it_is_nothing() -> None:
    make.broker()
    make.fills(make.record(price="100", feeRate="0.0005"))
    exact = queries.month_page(broker_code=1400, month=opening.OCTOBER, now=NOW)
    make.fills(make.record(price="0.3", feeRate="0.0005"))
    more = queries.month_page(broker_code=1400, month=opening.OCTOBER, now=NOW)

    assert (exact.opened.of.payout.amount, exact.rounding) == (Decimal("0.01"), Decimal(0))
    assert (more.opened.of.payout.amount, more.rounding) == (Decimal("0.01003"), Decimal("-0.00003"))
