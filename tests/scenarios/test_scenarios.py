"""Each month of `months/`, through the rules alone and through the database, to the last digit."""

import pytest

from payouts.money import EXACT, ZERO, to_cents
from payouts.monthend import formula
from payouts.monthend.calculation import Line, Payout
from payouts.statements import document
from tests.scenarios import by_database, by_rules, reading
from tests.scenarios.by_rules import terms_of
from tests.scenarios.reading import Expected, Scenario


@pytest.fixture(params=reading.names())
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return reading.read(request.param)


def printed(expected: Expected, found: tuple[Payout, list[Line]]) -> tuple[object, list[str]]:
    payout, lines = found
    shown = document.of_payout(broker=expected.broker, payout=payout)
    return shown | {"lines": document.of_lines(lines)}, [line.bound_by for line in lines]


def test_the_rules_alone_give_what_the_file_expects(scenario):
    outcome = by_rules.run(scenario)

    assert outcome.intake == scenario.intake
    assert set(outcome.payouts) == {(each.month, each.broker) for each in scenario.expected}
    for expected in scenario.expected:
        found = outcome.payouts[expected.month, expected.broker]
        assert printed(expected, found) == (expected.payout, expected.bound_by)
        assert outcome.suspended[expected.month, expected.broker] == expected.suspended


@pytest.mark.django_db
def test_the_database_gives_what_the_file_expects_and_the_rules_give(scenario):
    outcome = by_database.run(scenario)

    assert outcome.intake == scenario.intake
    for month in scenario.months:
        assert outcome.printed[month] == scenario.payouts_of(month)
    for expected in scenario.expected:
        _, lines = outcome.payouts[expected.month, expected.broker]
        assert [line.bound_by for line in lines] == expected.bound_by
        assert outcome.suspended[expected.month, expected.broker] == expected.suspended
    by_the_rules = by_rules.run(scenario)
    assert (outcome.payouts, outcome.suspended) == (by_the_rules.payouts, by_the_rules.suspended)
    assert outcome.payouts == outcome.as_they_stood
    for (month, _), (payout, lines) in outcome.payouts.items():
        cap = terms_of(scenario, month).rebate_cap
        for line in lines:
            rates = {"rebate": payout.tier.rebate, "affiliate_rate": line.affiliate_rate, "cap": cap}
            assert line.applied_rate == formula.applied_rate(**rates)
            assert line.bound_by == formula.bound_by(**rates)
            assert line.amount == formula.amount(fees=line.fees, applied_rate=line.applied_rate)
        assert payout.amount == exact_sum(line.amount for line in lines)
        assert payout.payout == to_cents(payout.amount)


def test_a_files_own_lines_add_up(scenario):
    for expected in scenario.expected:
        lines, payout = expected.payout["lines"], expected.payout
        for column in ("volume", "fees", "amount"):
            total = exact_sum(EXACT.create_decimal(line[column]) for line in lines)
            assert total == EXACT.create_decimal(payout[column])


def exact_sum(numbers):
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total
