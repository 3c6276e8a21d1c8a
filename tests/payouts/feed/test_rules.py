"""The contract's rules 0 to 10 one by one, and each before each other: the first that matches decides."""

from datetime import datetime
from itertools import combinations
from typing import Any

import pytest

from payouts.feed import outcomes, verdict
from payouts.feed.outcomes import Decided, Received
from payouts.feed.record import Malformed, read_json
from payouts.feed.verdict import Enrolment, Judge, Verdict
from payouts.program.terms import terms_for
from tests.payouts.feed.written import line

NOW = datetime(2026, 10, 20, 12)
BROKERS = {
    1400: Enrolment(datetime(2026, 1, 1)),
    1500: Enrolment(datetime(2026, 10, 1), datetime(2026, 10, 10)),
    #: Terminated before it was enrolled, so that one time can be both too early and too late.
    1600: Enrolment(datetime(2026, 10, 25), datetime(2026, 10, 5)),
    #: Terminated in the future and enrolled beyond.
    1700: Enrolment(datetime(2027, 6, 1), datetime(2027, 1, 1)),
}
JUDGE = Judge(brokers=BROKERS, terms_for=terms_for, now=NOW)
KEY = ("SOL_USDC", 1, "2")


def received(written: bytes, digest: bytes | None = None) -> Received:
    try:
        return Received(written, len(written), digest or written, read_json(written))
    except Malformed as problem:
        return Received(written, len(written), digest or written, None, str(problem))


def decide(
    *lines: bytes, known: dict[Any, bytes] | None = None, quarantined: tuple[bytes, ...] = ()
) -> Decided:
    return outcomes.decide(
        [received(each) for each in lines],
        judge=JUDGE,
        known_keys=known or {},
        quarantined_digests=set(quarantined),
    )


def becomes(written: bytes, **known: Any) -> str:
    [found] = decide(written, **known).outcomes
    return f"{found.outcome} {found.reason}".strip()


#: In the order of the contract: what makes a record match a rule, and what then becomes of it.
RULES: dict[str, tuple[dict[str, str], str]] = {
    "1 malformed": ({"isMaker": "0"}, "quarantined malformed"),
    "2 missing trade id": ({"tradeId": "null"}, "quarantined missing_trade_id"),
    "4 system order": ({"systemOrderType": '""'}, "excluded system_order"),
    "5 market type excluded": ({"marketType": '"RFQ"'}, "excluded market_type"),
    "5 market type unknown": ({"marketType": '"spot"'}, "quarantined unknown_market_type"),
    "6 unknown broker": ({"brokerId": "1"}, "quarantined unknown_broker"),
    "7 quote": ({"symbol": '"SOL_EUR"'}, "quarantined unpriced_quote"),
    "7 fee": ({"feeSymbol": '"SOL"'}, "quarantined unpriced_fee"),
    "8 fee mismatch": ({"fee": '"0.2"'}, "quarantined fee_mismatch"),
    "9 before enrolment": (
        {"timestamp": '"2025-12-31T23:59:59.999999"'},
        "quarantined before_enrolment",
    ),
    "9 terminated": ({"brokerId": "1500"}, "excluded terminated"),
    "9 future": ({"timestamp": '"2026-10-20T12:05:00.000001"'}, "quarantined future_timestamp"),
}
#: Rules that want different values of the same field; for some, one value serves both.
BOTH: dict[tuple[str, str], dict[str, str]] = {
    ("6 unknown broker", "9 terminated"): {},
    ("5 market type excluded", "5 market type unknown"): {},
    ("9 before enrolment", "9 terminated"): {"brokerId": "1600"},  # at the 15th
    ("9 before enrolment", "9 future"): {"brokerId": "1700", "timestamp": '"2026-11-01T00:00:00"'},
    ("9 terminated", "9 future"): {"brokerId": "1500", "timestamp": '"2026-11-01T00:00:00"'},
}
PAIRS = [pair for pair in combinations(RULES, 2) if BOTH.get(pair, True)]


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_decides_what_matches_it_alone(rule: str) -> None:
    values, expected = RULES[rule]

    assert becomes(line(**values)) == expected


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_rules_the_first_decides(first: str, second: str) -> None:
    values = RULES[second][0] | RULES[first][0] | BOTH.get((first, second), {})

    assert becomes(line(**values)) == RULES[first][1]


@pytest.mark.parametrize("rule", list(RULES)[2:])
def test_a_known_key_comes_before_every_later_rule(rule: str) -> None:
    written = line(**RULES[rule][0])
    record = read_json(written)
    key = (record.symbol, 1, "2")

    assert becomes(written, known={key: record.content}) == "duplicate"
    assert becomes(written, known={key: b"another content"}) == "quarantined conflict"


def test_what_cannot_have_a_key_is_not_compared_with_known_ones() -> None:
    known = {KEY: read_json(line()).content, ("SOL_USDC", 0, "2"): b"x", ("SOL_USDC", None, "2"): b"x"}

    assert becomes(line(isMaker="0"), known=known) == "quarantined malformed"
    assert becomes(line(tradeId="null"), known=known) == "quarantined missing_trade_id"


@pytest.mark.parametrize("rule", ["", *RULES])
def test_bytes_that_were_in_quarantine_are_a_duplicate_before_every_other_rule(rule: str) -> None:
    written = line(**RULES[rule][0]) if rule else line()

    assert becomes(written, quarantined=(written,)) == "duplicate"
    assert becomes(written, quarantined=(written,), known={KEY: b"another content"}) == "duplicate"
    assert becomes(written, quarantined=(written + b" ",)) != "duplicate"


def test_the_same_bytes_twice_in_a_batch_are_quarantined_once() -> None:
    for values, expected in RULES.values():
        decided = decide(line(**values), line(**values))
        assert f"{decided.outcomes[0].outcome} {decided.outcomes[0].reason}" == expected
        assert decided.outcomes[1] == verdict.DUPLICATE


def test_the_same_malformed_record_in_other_bytes_is_quarantined_again() -> None:
    decided = decide(line(isMaker="0"), line(isMaker="0") + b" ", line(isMaker="0"))

    assert [each.outcome for each in decided.outcomes] == ["quarantined", "quarantined", "duplicate"]


def test_a_quarantined_record_reserves_no_key() -> None:
    decided = decide(line(fee='"0.2"'), line(), line(fee='"0.2"', clientId='"other"'))

    assert [(each.outcome, each.reason) for each in decided.outcomes] == [
        ("quarantined", "fee_mismatch"),
        ("accepted", ""),
        ("quarantined", "conflict"),
    ]
    assert decided.claims == {KEY: read_json(line()).content}


def test_an_excluded_record_reserves_its_key() -> None:
    excluded = line(systemOrderType='"Liquidation"')
    decided = decide(excluded, line(), excluded, excluded + b" ")

    assert [(each.outcome, each.reason) for each in decided.outcomes] == [
        ("excluded", "system_order"),
        ("quarantined", "conflict"),
        ("duplicate", ""),
        ("duplicate", ""),
    ]


def test_a_batch_is_decided_in_the_order_of_its_lines() -> None:
    one, other = line(), line(quantity='"2"', fee='"0.2"')

    assert [each.reason for each in decide(one, other).outcomes] == ["", "conflict"]
    assert [each.reason for each in decide(other, one).outcomes] == ["", "conflict"]


def test_one_order_may_have_many_fills_and_one_trade_id_many_symbols() -> None:
    lines = [line(), line(tradeId="2"), line(symbol='"BTC_USDC"'), line(orderId='"3"')]

    assert [each.outcome for each in decide(*lines).outcomes] == ["accepted"] * 4


def test_the_four_places_add_up() -> None:
    once = [line(**({"tradeId": f"{number}"} | values)) for number, (values, _) in enumerate(RULES.values())]
    lines = [*once, *once, line(tradeId="99"), line(tradeId="99"), b"", b"x"]
    decided = decide(*lines)

    places = ("accepted", "duplicate", "excluded", "quarantined")
    assert [decided.count(place) for place in places] == [1, 13, 3, 11]
    assert sum(decided.count(place) for place in places) == len(lines)
    assert decided.reasons("excluded") == {"system_order": 1, "market_type": 1, "terminated": 1}


MARKETS = {
    '"SPOT"': "spot", '"PERP"': "futures", '"IPERP"': "futures", '"DATED"': "futures", '"RFQ"': "market_type",
    '"PREDICTION"': "market_type",
}  # fmt: skip
UNKNOWN_MARKETS = [
    '""',
    '"spot"',
    '"Perp"',
    '"SPOT "',
    '" SPOT"',
    '"rfq"',
    '"OPTION"',
    '"SPOT\\n"',
    '"futures"',
]


def test_market_types_count_as_spot_or_futures_or_not_at_all() -> None:
    found = {text: decide(line(marketType=text)).outcomes[0] for text in MARKETS}

    assert {text: each.market or each.reason for text, each in found.items()} == MARKETS
    for text in UNKNOWN_MARKETS:
        assert becomes(line(marketType=text)) == "quarantined unknown_market_type"


def test_only_dollars_are_dollars() -> None:
    for asset in ("USDT", "usdc", "USDC ", "USDE", "EUR", "PERP"):
        assert becomes(line(symbol=f'"SOL_{asset}"')) == "quarantined unpriced_quote"
        assert becomes(line(feeSymbol=f'"{asset}"')) == "quarantined unpriced_fee"
    assert becomes(line(feeSymbol='""')) == "quarantined unpriced_fee"
    for symbol in ("SOL_USD", "USDT_USDC", "BTC_USDC_PERP", "EUR_USD_261225"):
        assert becomes(line(symbol=f'"{symbol}"', feeSymbol='"USD"')) == "accepted"
    assert (
        becomes(line(symbol='"BTC_EUR_USDC"')) == "quarantined unpriced_quote"
    )  # the second part is the quote


def test_a_fee_may_be_off_by_a_millionth_and_no_more() -> None:
    for fee in ("0.1", "0.100001", "0.099999", "0.1000010", "0.100001000000000000"):
        assert becomes(line(fee=f'"{fee}"')) == "accepted"
    for fee in ("0.100001000000000001", "0.099998999999999999", "-0.1", "0", "0.10001"):
        assert becomes(line(fee=f'"{fee}"')) == "quarantined fee_mismatch"
    assert becomes(line(fee='"-0.100001"', feeRate='"-0.001"')) == "accepted"


TIMES = {
    (1400, "2025-12-31T23:59:59.999999"): "quarantined before_enrolment",
    (1400, "2026-01-01T00:00:00"): "accepted",
    (1500, "2026-09-30T23:59:59.999999"): "quarantined before_enrolment",
    (1500, "2026-10-01T00:00:00"): "accepted",
    (1500, "2026-10-09T23:59:59.999999"): "accepted",
    (1500, "2026-10-10T00:00:00"): "excluded terminated",
    (1500, "9999-12-31T23:59:59.999999"): "excluded terminated",
    (1400, "2026-10-20T12:05:00"): "accepted",
    (1400, "2026-10-20T12:05:00.000001"): "quarantined future_timestamp",
    (1400, "9999-12-31T23:59:59.999999"): "quarantined future_timestamp",
    (1400, "0001-01-01T00:00:00"): "quarantined before_enrolment",
}


@pytest.mark.parametrize(("code", "time"), TIMES)
def test_a_fill_counts_from_enrolment_until_termination_and_five_minutes_ahead(code: int, time: str) -> None:
    assert becomes(line(brokerId=str(code), timestamp=f'"{time}"')) == TIMES[code, time]


def test_accepted_says_as_what_it_counts() -> None:
    assert decide(line()).outcomes == [Verdict("accepted", market="spot")]
