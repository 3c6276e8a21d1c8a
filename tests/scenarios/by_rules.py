"""A month through the pure rules alone: record → verdict → sums → calculation. No database."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from payouts.feed import outcomes, record
from payouts.feed.outcomes import Received
from payouts.feed.record import Record
from payouts.feed.verdict import Enrolment, Judge
from payouts.money import EXACT, ZERO, plain
from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Group, Line, Payout, RateTotal
from payouts.program.standing import Change, Kind, ranges, terminated_at
from payouts.program.terms import Terms, terms_for
from tests.scenarios import sums
from tests.scenarios.reading import Enrolled, Scenario


@dataclass(frozen=True)
class Outcome:
    intake: dict[str, Any]
    payouts: dict[tuple[Month, int], tuple[Payout, list[Line]]]
    #: Fills while the broker was suspended, and their volume.
    suspended: dict[tuple[Month, int], tuple[int, str]]


def terms_of(scenario: Scenario, month: Month) -> Terms:
    return replace(terms_for(month), tier_basis=scenario.tier_basis)


def run(scenario: Scenario) -> Outcome:
    received = [_received(each) for each in scenario.records]
    decided = outcomes.decide(received, judge=_judge(scenario), known_keys={}, quarantined_digests=())
    accepted = [
        (each.record, found)
        for each, found in zip(received, decided.outcomes, strict=True)
        if found.outcome == "accepted" and each.record is not None
    ]
    totals = sums.of(accepted).by_rate
    return Outcome(
        intake={
            "received": len(decided.outcomes),
            "accepted": decided.count("accepted"),
            "duplicate": decided.count("duplicate"),
            "excluded": dict(decided.reasons("excluded")),
            "quarantined": dict(decided.reasons("quarantined")),
        },
        payouts={
            (month, broker.code): _payout(scenario, totals, month, broker.code)
            for month in scenario.months
            for broker in scenario.brokers
        },
        suspended={
            (month, broker.code): _suspended(month, broker, [record for record, _ in accepted])
            for month in scenario.months
            for broker in scenario.brokers
        },
    )


def changes_of(broker: Enrolled) -> list[Change]:
    """What the acts come to. A lifting ends the suspension before it; termination cancels none by itself."""
    changes, last = [Change("enrolled", broker.enrolled_at)], 0
    for number, act in enumerate(broker.standing, start=1):
        last = number if act.kind == "suspend" else last
        changes.append(Change(_KINDS[act.kind], act.effective_at, last if act.kind == "lift" else number))
    return changes


_KINDS: dict[str, Kind] = {"suspend": "suspended", "lift": "lifted", "terminate": "terminated"}


def _suspended(month: Month, broker: Enrolled, records: list[Record]) -> tuple[int, str]:
    fills, volume = 0, ZERO
    stops = [each for each in ranges(changes_of(broker)) if each.kind == "suspended"]
    for each in records:
        at = each.executed_at.replace(tzinfo=UTC)
        is_mine = each.broker == broker.code and Month.of(at) == month
        if is_mine and any(stop.holds_at(at) for stop in stops):
            fills, volume = fills + 1, EXACT.add(volume, each.volume)
    return fills, plain(volume)


def _received(fields: dict[str, Any]) -> Received:
    line = json.dumps(fields).encode()
    return Received(line, len(line), sha256(line).digest(), record.read_json(line))


def _judge(scenario: Scenario) -> Judge:
    return Judge(
        brokers={
            each.code: Enrolment(_plain(each.enrolled_at), gone and _plain(gone))
            for each in scenario.brokers
            for gone in [terminated_at(changes_of(each))]
        },
        terms_for=lambda month: terms_of(scenario, month),
        now=_plain(scenario.now),
    )


def _plain(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _payout(
    scenario: Scenario, totals: dict[tuple[Any, ...], sums.Sum], month: Month, broker: int
) -> tuple[Payout, list[Line]]:
    mine = _rate_totals(totals, month, broker)
    terms = terms_of(scenario, month)
    found = calculation.payout(
        terms=terms,
        groups=[Group(each.market, each.affiliate_rate, each.fills, each.volume, each.fees) for each in mine],
        preceding_volume=_volume(_rate_totals(totals, month.previous(), broker)),
    )
    return found, calculation.lines(terms=terms, tier=found.tier, totals=mine)


def _rate_totals(totals: dict[tuple[Any, ...], sums.Sum], month: Month, broker: int) -> list[RateTotal]:
    return [
        RateTotal(
            trader, market, Decimal(fee_rate), Decimal(affiliate_rate), total.fills, total.volume, total.fees
        )
        for (first_date, code, trader, market, fee_rate, affiliate_rate), total in totals.items()
        if first_date == month.first_date and code == broker
    ]


def _volume(totals: list[RateTotal]) -> Decimal:
    volume = ZERO
    for each in totals:
        volume = EXACT.add(volume, each.volume)
    return volume
