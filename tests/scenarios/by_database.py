"""A month through the database: the feed's intake, the month's calculation, what is stored."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payouts import books
from payouts.feed.intake import Tally
from payouts.models import Broker, StandingChange
from payouts.money import plain
from payouts.month import Month
from payouts.monthend import actions, queries
from payouts.monthend.calculation import Line, Payout
from payouts.monthend.queries import BrokerMonth
from payouts.statements import document
from payouts.volume import queries as volume
from tests import make
from tests.payouts.desk import standing_acts
from tests.scenarios.by_rules import terms_of
from tests.scenarios.reading import Act, Scenario


@dataclass(frozen=True)
class Outcome:
    intake: dict[str, Any]
    #: As `month_end YYYY-MM --json --lines` prints them.
    printed: dict[Month, list[dict[str, Any]]]
    payouts: dict[tuple[Month, int], tuple[Payout, list[Line]]]
    #: The same from the totals, before the month was calculated.
    as_they_stood: dict[tuple[Month, int], tuple[Payout, list[Line]]]
    #: Fills while the broker was suspended, and their volume.
    suspended: dict[tuple[Month, int], tuple[int, str]]


def run(scenario: Scenario) -> Outcome:
    for broker in scenario.brokers:
        make.broker(code=broker.code, enrolled_at=broker.enrolled_at)
    intake = _live_through(scenario).as_json()
    outcome = Outcome(intake=intake, printed={}, payouts={}, as_they_stood={}, suspended={})
    for month in scenario.months:
        for broker in scenario.brokers:
            found = volume.suspended(broker_code=broker.code, month=month)
            outcome.suspended[month, broker.code] = (found.fills, plain(found.volume))
    assert books.breaches() == []
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


def _live_through(scenario: Scenario) -> Tally:
    """Staff act when the file says so; what was executed before that has arrived, the rest comes later."""
    tally, waiting = Tally(), list(scenario.records)
    acts = [(act, broker.code) for broker in scenario.brokers for act in broker.standing]
    for act, code in sorted(acts, key=lambda pair: pair[0].recorded_at):
        arrived = [each for each in waiting if datetime.fromisoformat(each["timestamp"]) < act.recorded_at]
        waiting = [each for each in waiting if each not in arrived]
        _add(tally, make.fills(*arrived, now=act.recorded_at))
        _do(act, Broker.objects.get(code=code))
    _add(tally, make.fills(*waiting, now=scenario.now))
    return tally


def _add(tally: Tally, booked: Tally) -> None:
    tally.received += booked.received
    tally.accepted += booked.accepted
    tally.duplicate += booked.duplicate
    tally.excluded += booked.excluded
    tally.quarantined += booked.quarantined


def _do(act: Act, broker: Broker) -> None:
    if act.kind == "suspend":
        standing_acts.suspend(broker, starts_at=act.effective_at, now=act.recorded_at)
    elif act.kind == "lift":
        last = StandingChange.objects.filter(broker=broker, kind="suspended").order_by("-pk")[0]
        found = standing_acts.lift(last, now=act.recorded_at)
        assert found.effective_at == act.effective_at, "a lifting is effective now, or cancels"
    else:
        standing_acts.terminate(broker, effective_at=act.effective_at, now=act.recorded_at)
