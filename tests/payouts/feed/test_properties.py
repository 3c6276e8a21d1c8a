"""Whatever comes, in whatever order and cut however: the same books. Checked by examples nobody chose."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payouts.feed.record import Malformed, read_json
from payouts.models import ExcludedRecord, Fill, TotalByDay, TotalByHour, TotalByRate
from tests import make
from tests.payouts.feed import reference
from tests.payouts.feed.test_intake import places
from tests.payouts.feed.written import VALID

#: JSON and what is nearly JSON.
TOKENS = [
    "null", "true", "false", "0", "-0", "1", "1.0", "1e2", "01", "1.", ".5", "-", "9" * 30, str(2**63), "-1",
    '""', '"A"', '"1"', '"-0"', '"0.0"', '"Ask"', '"A_B"', '"A_B_C_D"', '"\\ud800"',
    '"\\ud83d\\ude00"', '"\\u0000"', '"\t"', '"\\x"', "NaN", "Infinity", "-Infinity", "[]", "{}", "[", "}",
    '"', "[1,]", '{"a": [NaN]}', "[01]", "[" * 62 + "{}" + "]" * 62, "[" * 63 + "]" * 63, "[" * 64 + "]" * 64,
    '"' + "[" * 99 + '"', "\ufeff", "\u00a0",
    '"2026-02-29T00:00:00"', '"2028-02-29T00:00:00.1Z"', '"' + "x" * 200 + '"', '"' + "x" * 201 + '"',
]  # fmt: skip
NAMES = [*VALID, "extra", "Symbol", "\\ud800", "tradeI\\u0064", ""]
MEMBERS = st.tuples(st.sampled_from(NAMES), st.sampled_from(TOKENS), st.integers(0, 17))
BYTES = st.tuples(st.integers(0, 600), st.integers(0, 2), st.binary(max_size=2))


@settings(max_examples=800)
@given(
    st.lists(MEMBERS, max_size=3),
    st.sets(st.sampled_from(list(VALID)), max_size=1),
    st.lists(BYTES, max_size=2),
)
def test_every_line_is_read_as_the_slow_reference_reads_it(
    members: list[tuple[str, str, int]], absent: set[str], damage: list[tuple[int, int, bytes]]
) -> None:
    pairs = [(name, text) for name, text in VALID.items() if name not in absent]
    for name, text, at in members:
        pairs.insert(at, (name, text))
    line = ("{" + ",".join(f'"{name}":{text}' for name, text in pairs) + "}").encode()
    for at, removed, added in damage:
        line = line[:at] + added + line[at + removed :]

    assert as_read(line) == as_the_reference_reads(line)


def as_the_reference_reads(line: bytes) -> dict[str, Any] | None:
    try:
        return reference.read(line)
    except reference.Unreadable:
        return None


def as_read(line: bytes) -> dict[str, Any] | None:
    try:
        found = read_json(line)
    except Malformed:
        return None
    return {
        "symbol": found.symbol,
        "marketType": found.market_type,
        "tradeId": found.trade_id,
        "orderId": found.order_id,
        "clientId": found.client_id,
        "userId": found.trader,
        "brokerId": found.broker,
        "side": found.side,
        "isMaker": found.is_maker,
        "price": Decimal(found.price),
        "quantity": Decimal(found.quantity),
        "fee": Decimal(found.fee),
        "feeSymbol": found.fee_symbol,
        "feeRate": Decimal(found.fee_rate),
        "affiliateRate": Decimal(found.affiliate_rate),
        "systemOrderType": found.system_order_type,
        "timestamp": found.executed_at,
    }


DECIMALS = st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,18})?", fullmatch=True, alphabet="-.0123456789")


def canonical(fee: str) -> str:
    return read_json(json.dumps(make.record(fee=fee, feeRate="0")).encode()).fee


@given(DECIMALS, DECIMALS)
def test_equal_decimals_have_equal_texts_and_others_have_others(one: str, other: str) -> None:
    longer = one if len(one.partition(".")[2]) == 18 else f"{one}0" if "." in one else f"{one}.0"

    assert Decimal(canonical(one)) == Decimal(one)
    assert (canonical(one) == canonical(other)) == (Decimal(one) == Decimal(other))
    assert canonical(longer) == canonical(one) == canonical(canonical(one))


KINDS: list[dict[str, Any]] = [
    {}, {"userId": 8}, {"brokerId": 1500, "marketType": "PERP"}, {"fee": "-0.1", "feeRate": "-0.001"},
    {"affiliateRate": "0.10"}, {"affiliateRate": "0.1"}, {"quantity": "0.000000000000000001", "fee": "0"},
    {"timestamp": "2026-10-31T23:59:59.999999Z"}, {"timestamp": "2026-11-01T00:00:00Z"},
    {"marketType": "RFQ"}, {"systemOrderType": ""},
    {"fee": "7"}, {"tradeId": None}, {"brokerId": 9}, {"side": "x"},
]  # fmt: skip


class _Undo(Exception):
    pass


@pytest.mark.django_db
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_order_pieces_and_repetitions_change_nothing(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=25))
    lines = [json.dumps(make.record(**kind)).encode() for kind in kinds]
    repeated = lines + data.draw(st.lists(st.sampled_from(lines), max_size=10))
    shuffled = data.draw(st.permutations(repeated))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    pieces = [shuffled[start:end] for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]

    assert booked([lines]) == booked(pieces)


def booked(pieces: list[list[bytes]]) -> list[Any]:
    """What the books hold after the pieces, which are then taken back."""
    books: list[Any] = []
    try:
        with transaction.atomic():
            make.broker(code=1400)
            make.broker(code=1500)
            excluded: Counter[str] = Counter()
            quarantined: Counter[str] = Counter()
            accepted = 0
            for piece in pieces:
                found = places(make.take_in(piece))
                accepted += found[0]
                excluded.update(found[2])
                quarantined.update(found[3])
            books += [accepted, excluded, quarantined, Fill.objects.count(), ExcludedRecord.objects.count()]
            for model in (TotalByRate, TotalByHour, TotalByDay):
                books.append(sorted(tuple(row) for row in model.objects.values_list()))
            raise _Undo
    except _Undo:
        return books
