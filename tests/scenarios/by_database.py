"""A month through the database: the feed's intake, the month's calculation, what is stored."""

from dataclasses import dataclass
from typing import Any

from payouts.month import Month
from payouts.monthend import actions, queries
from payouts.monthend.calculation import Line, Payout
from payouts.monthend.queries import BrokerMonth
from payouts.statements import document
from tests import make
from tests.scenarios.by_rules import terms_of
from tests.scenarios.reading import Enrolled, Scenario


@dataclass(frozen=True)
class Outcome:
    intake: dict[str, Any]
    #: As `month_end YYYY-MM --json --lines` prints them.
    printed: dict[Month, list[dict[str, Any]]]
    payouts: dict[tuple[Month, int], tuple[Payout, list[Line]]]
    #: The same from the totals, before the month was calculated.
    as_they_stood: dict[tuple[Month, int], tuple[Payout, list[Line]]]


def run(scenario: Scenario) -> Outcome:
    for broker in scenario.brokers:
        _enrol(broker)
    intake = make.fills(*scenario.records, now=scenario.now).as_json()
    outcome = Outcome(intake=intake, printed={}, payouts={}, as_they_stood={})
    for month in scenario.months:
        terms = terms_of(scenario, month)
        for each in queries.months_as_they_stand(month=month, terms=terms):
            lines = queries.lines_as_they_stand(each)
            outcome.as_they_stood[month, each.broker] = (each.payout, lines)
        actions.calculate(month=month, now=scenario.now, terms=terms)
        outcome.printed[month] = []
        for each in queries.calculated(month=month):
            lines = list(queries.calculated_lines(each))
            outcome.payouts[month, each.broker] = (each.payout, lines)
            outcome.printed[month].append(_printed(each, lines))
    return outcome


def _printed(of: BrokerMonth, lines: list[Line]) -> dict[str, Any]:
    payout = document.of_payout(broker=of.broker, payout=of.payout)
    return payout | {"lines": document.of_lines(lines)}


def _enrol(broker: Enrolled) -> None:
    made = make.broker(code=broker.code, enrolled_at=broker.enrolled_at)
    if broker.suspended_at is not None:
        make.suspended(made, broker.suspended_at)
    if broker.terminated_at is not None:
        make.terminated(made, broker.terminated_at)
