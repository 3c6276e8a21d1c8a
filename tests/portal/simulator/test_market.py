"""The market: believable fills by the contract, the same for the same seed, and nothing else."""

import ast
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from payouts.feed import record
from payouts.feed.files import received_lines
from payouts.feed.outcomes import decide
from payouts.feed.verdict import Enrolment, Judge
from payouts.month import Month
from payouts.program.terms import terms_for
from payouts.program.tiers import tier_of
from portal.simulator import businesses, mishaps, symbols
from portal.simulator.businesses import BUSINESSES
from portal.simulator.chance import of as chance_of
from portal.simulator.market import Market
from portal.simulator.mishaps import Mix

START = datetime(2026, 4, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 16, 40, tzinfo=UTC)
SECOND = int(NOW.timestamp())
SIMULATOR = Path(symbols.__file__).parent
PURE = ("businesses", "chance", "fills", "market", "mishaps", "people", "rhythm", "symbols", "traders")


def history(market: Market, *, after: datetime = START, until: datetime = NOW) -> list[dict]:
    return [fill for _, fills in market.days(after=after, until=until) for fill in fills]


def some_live(market: Market, *, seconds: int = 3_600) -> list[dict]:
    return [fill for second in range(SECOND, SECOND + seconds) for fill in market.second(second)]


def judged(lines: list[bytes]) -> list:
    """What the contract makes of lines, without a database."""
    judge = Judge(
        brokers={
            each.code: Enrolment(each.enrolled_at(START).replace(tzinfo=None), None) for each in BUSINESSES
        },
        terms_for=terms_for,
        now=(NOW + timedelta(hours=1, seconds=1)).replace(tzinfo=None),
    )
    return decide(list(received_lines(lines)), judge=judge, known_keys={}, quarantined_digests=()).outcomes


@pytest.fixture(scope="module")
def small() -> list[dict]:
    """The whole program up to now, in few but large fills."""
    return history(Market(start=START, size=0.02))


def test_the_intake_accepts_every_clean_record(small: list[dict]) -> None:
    fills = small + some_live(Market(start=START))

    outcomes = {(each.outcome, each.reason) for each in judged([mishaps.line(fill) for fill in fills])}

    assert outcomes == {("accepted", "")}


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others() -> None:
    day = {"after": NOW - timedelta(days=1), "until": NOW}
    first, again, other = (history(Market(start=START, seed=seed), **day) for seed in (1, 1, 2))

    assert [mishaps.line(fill) for fill in first] == [mishaps.line(fill) for fill in again]
    assert [mishaps.line(fill) for fill in first] != [mishaps.line(fill) for fill in other]


def test_the_past_does_not_depend_on_where_one_looks_from() -> None:
    noon = NOW.replace(hour=12)
    whole = history(Market(start=START), after=NOW - timedelta(days=2), until=NOW)
    pieces = Market(start=START)

    found = history(pieces, after=NOW - timedelta(days=2), until=noon) + history(
        pieces, after=noon, until=NOW
    )

    assert found == whole
    assert whole[-1]["timestamp"] <= NOW.isoformat()


def test_a_second_of_the_present_is_always_the_same() -> None:
    market, other = Market(start=START), Market(start=START)
    some_live(market)

    assert market.second(SECOND + 7) == other.second(SECOND + 7)
    assert market.late(SECOND + 7) == other.late(SECOND + 7)


def test_fees_are_price_times_quantity_times_rate_to_six_digits(small: list[dict]) -> None:
    for fill in small:
        exact = Decimal(fill["price"]) * Decimal(fill["quantity"]) * Decimal(fill["feeRate"])

        assert abs(Decimal(fill["fee"]) - exact) <= Decimal("0.0000005")
        assert -Decimal(fill["fee"]).as_tuple().exponent == 6


def test_every_number_is_a_decimal_string_and_never_a_float(small: list[dict]) -> None:
    for fill in small:
        assert not [value for value in fill.values() if isinstance(value, float)]
        assert {type(fill[name]) for name in ("price", "quantity", "fee", "feeRate")} == {str}


def test_no_two_fills_share_a_trade_id_of_a_symbol() -> None:
    market = Market(start=START, fills_a_second=40)
    live = some_live(market, seconds=900)
    late = [market.late(second) for second in range(SECOND, SECOND + 900, 10)]
    past = history(market, after=NOW - timedelta(days=2), until=NOW + timedelta(hours=1))

    fills = live + past + [fill for fill in late if fill]

    assert len({(fill["symbol"], fill["tradeId"]) for fill in fills}) == len(fills)


def test_trade_ids_grow_with_time() -> None:
    ids = [fill["tradeId"] for fill in some_live(Market(start=START))]

    assert ids == sorted(ids)


def test_every_tier_occurs_in_the_finished_months(small: list[dict]) -> None:
    volumes: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for fill in small:
        volumes[fill["brokerId"], fill["timestamp"][:7]] += Decimal(fill["price"]) * Decimal(fill["quantity"])
    ladder = terms_for(Month(2026, 10)).ladder

    tiers = {tier_of(volume, ladder).name for (_, month), volume in volumes.items() if month < "2026-11"}

    assert tiers == {f"BKR {number}" for number in range(6)}


def test_the_size_changes_the_number_of_fills_and_not_the_volume() -> None:
    october = {"after": datetime(2026, 10, 1, tzinfo=UTC), "until": datetime(2026, 11, 1, tzinfo=UTC)}

    def volume(size: float) -> tuple[int, Decimal]:
        fills = history(Market(start=START, size=size), **october)
        return len(fills), sum(Decimal(fill["price"]) * Decimal(fill["quantity"]) for fill in fills)

    (few, small), (many, large) = volume(0.05), volume(0.5)

    assert many > 5 * few
    assert abs(small / large - 1) < Decimal("0.02")


def test_what_the_program_must_cope_with_occurs(small: list[dict]) -> None:
    kinds = {fill["marketType"] for fill in small}
    affiliates = {fill["affiliateRate"] for fill in small}
    rates = defaultdict(set)
    for fill in small:
        rates[fill["userId"], fill["marketType"], fill["isMaker"]].add(fill["feeRate"])

    assert kinds == {"SPOT", "PERP", "DATED"}
    assert affiliates == {None, "0.1", "0.3", "0.4", "0.5"}
    assert any(fill["fee"].startswith("-") for fill in small)
    assert any(fill["symbol"] == "USDT_USDC" and fill["feeRate"] == "0" for fill in small)
    assert any(len(found) > 1 for found in rates.values()), "no trader's fee tier changed"
    assert {fill["isMaker"] for fill in small} == {True, False}


def test_weekends_are_calmer_than_weekdays() -> None:
    counts = {day: len(fills) for day, fills in Market(start=START, size=0.1).days(after=START, until=NOW)}
    weekend = [count for day, count in counts.items() if day.weekday() >= 5]
    week = [count for day, count in counts.items() if day.weekday() < 5]

    assert sum(weekend) / len(weekend) < 0.9 * sum(week) / len(week)


def test_a_business_sends_nothing_before_it_is_enrolled(small: list[dict]) -> None:
    enrolled = {each.code: each.enrolled_at(START).isoformat()[:19] for each in BUSINESSES}

    assert not [fill for fill in small if fill["timestamp"] < enrolled[fill["brokerId"]]]


def test_traders_belong_to_one_business(small: list[dict]) -> None:
    brokers = defaultdict(set)
    for fill in small:
        brokers[fill["userId"]].add(fill["brokerId"])

    assert {len(found) for found in brokers.values()} == {1}


def test_a_dated_future_is_named_after_a_friday_to_come() -> None:
    for number in range(800):
        day = START.date() + timedelta(days=number)
        expiry = symbols.expiry_after(day)

        assert expiry.weekday() == 4
        assert timedelta(days=7) <= expiry - day <= timedelta(days=105)


@pytest.mark.parametrize("kind", range(len(mishaps.BROKEN)))
def test_a_broken_record_waits_in_quarantine(kind: int) -> None:
    fill = next(fill for fill in some_live(Market(start=START))[::-1] if fill["feeRate"] != "0")

    [found] = judged([mishaps.BROKEN[kind](fill, chance_of(1, "break"))])

    assert found.outcome == "quarantined"


def test_every_reason_to_wait_is_shown() -> None:
    fill = some_live(Market(start=START))[-1]

    reasons = {judged([breaking(fill, chance_of(1, "break"))])[0].reason for breaking in mishaps.BROKEN}

    assert reasons == {
        "malformed",
        "missing_trade_id",
        "unknown_market_type",
        "unknown_broker",
        "unpriced_quote",
        "unpriced_fee",
        "fee_mismatch",
        "future_timestamp",
    }


def test_disturbing_leaves_every_clean_record_in_its_place() -> None:
    fills = some_live(Market(start=START))
    lines = mishaps.mixed(fills, chance_of(1, "disturb"), Mix(0.05, 0.05, 0.05, 0))

    outcomes = [each.outcome for each in judged(lines)]

    assert outcomes.count("accepted") == len(fills)
    assert min(outcomes.count(each) for each in ("duplicate", "excluded", "quarantined")) > 50


def test_a_late_fill_is_another_fill_of_the_same_month() -> None:
    market = Market(start=START)
    first_of_the_month = int(datetime(2026, 11, 1, 0, 30, tzinfo=UTC).timestamp())
    late = [market.late(second) for second in range(first_of_the_month, first_of_the_month + 600)]

    found = [record.read_json(mishaps.line(fill)) for fill in late if fill]

    assert found
    assert {each.executed_at.month for each in found} == {11}


@pytest.mark.parametrize("name", PURE)
def test_the_market_is_pure(name: str) -> None:
    """No clock, no settings, no database: what it makes follows from what it is given."""
    tree = ast.parse((SIMULATOR / f"{name}.py").read_text(encoding="utf-8"))
    imported = {
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert not [each for each in imported if each.split(".")[0] in {"django", "os", "time", "payouts"}]
    assert not called & {"now", "utcnow", "today"}


def test_the_codes_that_the_demo_promises_are_there() -> None:
    assert {1400, 1500, 2200, 2300, 2400} <= set(businesses.CODES)
    assert len(businesses.CODES) == len(set(businesses.CODES)) <= 16, "lanes are for sixteen"
