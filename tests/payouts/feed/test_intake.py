"""What intake does with records: each ends in exactly one place, and totals follow."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from payouts import books
from payouts.feed import tally
from payouts.feed.intake import Tally
from payouts.feed.tally import Counted
from payouts.models import (
    Batch,
    ExcludedRecord,
    Fill,
    FillKey,
    QuarantinedRecord,
    QuarantinePlace,
    TotalByDay,
    TotalByHour,
    TotalByRate,
)
from tests import make

pytestmark = pytest.mark.django_db


def places(tally: Tally) -> tuple[int, int, dict[str, int], dict[str, int]]:
    """Accepted, duplicate, excluded and quarantined, once they add up."""
    aside = sum(tally.excluded.values()) + sum(tally.quarantined.values())
    assert tally.received == tally.accepted + tally.duplicate + aside
    return tally.accepted, tally.duplicate, dict(tally.excluded), dict(tally.quarantined)


def test_a_fill_is_accepted_once_and_a_second_time_a_duplicate() -> None:
    make.broker(code=1400)
    fill = make.record()

    first, second = make.fills(fill), make.fills(fill)

    assert first.as_json() == {
        "received": 1, "accepted": 1, "duplicate": 0, "excluded": {}, "quarantined": {},
    }  # fmt: skip
    assert (second.accepted, second.duplicate) == (0, 1)
    assert Fill.objects.count() == 1
    assert TotalByRate.objects.get().fills == 1


def test_an_accepted_fill_is_kept_with_everything_that_came() -> None:
    make.broker(code=0)
    make.fills(
        make.record(
            symbol="a\\N_USDC_\t\n\r", marketType="IPERP", tradeId=2**63 - 1, orderId='"\\.\\\x01é😀',
            clientId="", userId=0, brokerId=0, side="Ask", isMaker=True, price="00.500", quantity="3.10",
            fee="-0.0001550", feeSymbol="USD", feeRate="-0.00010", affiliateRate="-0",
            timestamp="2026-02-28T23:59:59.000001",
        )
    )  # fmt: skip
    fill = Fill.objects.get()

    kept = {name: getattr(fill, name) for name in FIELDS}
    assert kept == {
        "symbol": "a\\N_USDC_\t\n\r", "market_type": "IPERP", "market": "futures", "trade_id": 2**63 - 1,
        "order_id": '"\\.\\\x01é😀', "client_id": "", "trader": 0, "broker_code": 0, "side": "Ask",
        "is_maker": True, "price": Decimal("0.5"), "quantity": Decimal("3.1"), "fee": Decimal("-0.000155"),
        "fee_symbol": "USD", "fee_rate": Decimal("-0.0001"), "affiliate_rate": Decimal(0),
        "executed_at": datetime(2026, 2, 28, 23, 59, 59, 1, tzinfo=UTC), "batch_id": Batch.objects.get().pk,
    }  # fmt: skip


FIELDS = (
    "symbol", "market_type", "market", "trade_id", "order_id", "client_id", "trader", "broker_code", "side",
    "is_maker", "price", "quantity", "fee", "fee_symbol", "fee_rate", "affiliate_rate", "executed_at",
    "batch_id",
)  # fmt: skip


def test_null_and_empty_client_ids_are_two_values() -> None:
    make.broker()
    make.fills(make.record(clientId=None), make.record(clientId=""), make.record(clientId="\\N"))

    assert list(Fill.objects.order_by("id").values_list("client_id", flat=True)) == [None, "", "\\N"]


def test_an_excluded_record_is_kept_with_its_reason_and_takes_its_key() -> None:
    make.broker()
    record = make.record(systemOrderType="")

    assert places(make.fills(record)) == (0, 0, {"system_order": 1}, {})
    assert places(make.fills(record)) == (0, 1, {}, {})
    assert places(make.fills(record | {"systemOrderType": None})) == (0, 0, {}, {"conflict": 1})
    kept = ExcludedRecord.objects.get()
    assert (kept.reason, kept.system_order_type, kept.trade_id) == ("system_order", "", record["tradeId"])
    assert FillKey.objects.count() == 1
    assert not TotalByRate.objects.exists()


def test_a_quarantined_record_is_kept_as_it_came_and_reserves_no_key() -> None:
    make.broker()
    record = make.record(fee="5")
    written = json.dumps(record).encode()

    assert places(make.fills(record)) == (0, 0, {}, {"fee_mismatch": 1})
    kept = QuarantinedRecord.objects.get()
    assert (kept.reason, kept.format, bytes(kept.raw), kept.raw_length) == (
        "fee_mismatch", "ndjson", written, len(written),
    )  # fmt: skip
    assert places(make.fills(record | {"fee": "0.1"})) == (1, 0, {}, {})
    assert places(make.fills(record | {"fee": "0.1"})) == (0, 1, {}, {})


def test_bytes_once_in_quarantine_stay_duplicates_even_when_they_would_now_be_accepted() -> None:
    record = make.record()

    assert places(make.fills(record)) == (0, 0, {}, {"unknown_broker": 1})
    make.broker(code=1400)
    assert places(make.fills(record)) == (0, 1, {}, {})
    assert places(make.fills(record, record)) == (0, 2, {}, {})
    assert places(make.take_in([json.dumps(record).encode() + b" "])) == (1, 0, {}, {})


@pytest.mark.parametrize("cut", [0, 1, 2, 3], ids=lambda cut: f"cut after {cut}")
def test_a_record_that_a_later_one_corrects_is_closed_however_lines_are_cut_into_batches(cut: int) -> None:
    make.broker()
    record = make.record()
    mismatched, malformed = record | {"fee": "5"}, record | {"price": 100}
    lines = [json.dumps(each).encode() for each in (malformed, mismatched, record, malformed | {"price": 7})]

    for batch in (lines[:cut], lines[cut:]):
        make.take_in(batch)

    assert list(QuarantinePlace.objects.order_by("pk").values_list("state", "reason")) == [
        ("discarded", "discarded"),
        ("discarded", "discarded"),
        ("waiting", "malformed"),  # it came after the fill and corrects nothing
    ]
    assert tally.read() == Counted(
        received=4, accepted=1, duplicate=0, excluded={"discarded": 2}, quarantined={"malformed": 1}
    )
    assert books.breaches() == []


JUNK = [
    b"\x00", b"\x00\x00", b"\xff\xfe", b"\xc3", b"\\x00", b"\\", b"\\\\", b"NaN", b"{",
    b"'; DROP TABLE fill; --", b"%s %(a)s {0}", b"\\N", b"\\.", b"a\tb", b"x\ry",
    "é😀\u2028".encode(), b"\x1a", b"x" * 1_000_000,
]  # fmt: skip


def test_junk_is_kept_whatever_its_bytes_are() -> None:
    assert places(make.take_in(JUNK)) == (0, 0, {}, {"malformed": len(JUNK)})
    kept = QuarantinedRecord.objects.order_by("id").values_list("raw", "raw_length")
    assert [(bytes(raw), length) for raw, length in kept] == [(junk, len(junk)) for junk in JUNK]
    assert places(make.take_in(JUNK)) == (0, len(JUNK), {}, {})


def test_a_line_over_16_mib_is_known_again_by_its_hash() -> None:
    long, other = b"x" * (16 * 1024 * 1024 + 1), b"x" * (16 * 1024 * 1024) + b"y"

    assert places(make.take_in([long, long])) == (0, 1, {}, {"malformed": 1})
    assert places(make.take_in([other, long])) == (0, 1, {}, {"malformed": 1})
    kept = QuarantinedRecord.objects.first()
    assert (bytes(kept.raw), kept.raw_length) == (b"x" * 65_536, 16 * 1024 * 1024 + 1)


def test_termination_is_read_from_the_standing_s_changes() -> None:
    broker = make.broker(enrolled_at=datetime(2026, 10, 1, tzinfo=UTC))
    ends = datetime(2026, 10, 10, tzinfo=UTC)
    make.suspended(broker, ends - timedelta(days=5))
    make.terminated(broker, ends)

    tally = make.fills(
        make.record(timestamp="2026-09-30T23:59:59.999999Z"),
        make.record(timestamp="2026-10-01T00:00:00Z"),
        make.record(timestamp="2026-10-07T00:00:00Z"),  # suspended, and counts
        make.record(timestamp="2026-10-09T23:59:59.999999Z"),
        make.record(timestamp="2026-10-10T00:00:00Z"),
    )

    assert places(tally) == (3, 0, {"terminated": 1}, {"before_enrolment": 1})


def test_the_clock_is_that_of_the_intake() -> None:
    make.broker()
    record = make.record(timestamp="2026-10-15T12:05:00.000001Z")
    noon = datetime(2026, 10, 15, 12, tzinfo=UTC)

    assert places(make.fills(record, now=noon)) == (0, 0, {}, {"future_timestamp": 1})
    other_bytes = record | {"clientId": "x"}
    assert places(make.fills(other_bytes, now=noon + timedelta(microseconds=1))) == (1, 0, {}, {})


def test_the_three_totals_are_those_of_the_accepted_fills() -> None:
    make.broker()
    make.fills(
        make.record(fee="0.1", affiliateRate="0.10"),
        make.record(fee="-0.1", feeRate="-0.001", timestamp="2026-10-31T23:59:59.999999Z"),
        make.record(price="0.1", quantity="0.3", fee="0", feeRate="0.0"),
        make.record(affiliateRate="0.1", timestamp="2026-10-15T12:59:59Z"),
        make.record(marketType="PERP", symbol="SOL_USDC_PERP", timestamp="2026-11-01T00:00:00Z", userId=8),
        make.record(marketType="RFQ"),
        make.record(fee="7"),
    )

    october, november = date(2026, 10, 1), date(2026, 11, 1)
    assert _rows(TotalByRate, "month", "trader", "market", "fee_rate", "affiliate_rate") == {
        (october, 7, "spot", Decimal("-0.001"), Decimal(0)): (1, Decimal(100), Decimal(0)),
        (october, 7, "spot", Decimal(0), Decimal(0)): (1, Decimal("0.03"), Decimal(0)),
        (october, 7, "spot", Decimal("0.001"), Decimal("0.1")): (2, Decimal(200), Decimal("0.2")),
        (november, 8, "futures", Decimal("0.001"), Decimal(0)): (1, Decimal(100), Decimal("0.1")),
    }
    assert _rows(TotalByHour, "hour", "symbol", "market") == {
        (_hour(15, 12), "SOL_USDC", "spot"): (3, Decimal("200.03"), Decimal("0.2")),
        (_hour(31, 23), "SOL_USDC", "spot"): (1, Decimal(100), Decimal(0)),
        (_hour(1, 0, 11), "SOL_USDC_PERP", "futures"): (1, Decimal(100), Decimal("0.1")),
    }
    assert _rows(TotalByDay, "day", "trader") == {
        (date(2026, 10, 15), 7): (3, Decimal("200.03"), Decimal("0.2")),
        (date(2026, 10, 31), 7): (1, Decimal(100), Decimal(0)),
        (date(2026, 11, 1), 8): (1, Decimal(100), Decimal("0.1")),
    }


def _rows(model: Any, *key: str) -> dict[Any, Any]:
    found = model.objects.values_list(*key, "fills", "volume", "fees")
    return {row[: len(key)]: row[len(key) :] for row in found}


def _hour(day: int, hour: int, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_totals_hold_the_largest_fills_the_contract_allows() -> None:
    """20 digits before the point twice over make 40; a thousand of them make more."""
    make.broker()
    largest = "9" * 20 + "." + "9" * 18
    fills = [make.record(price=largest, quantity=largest, fee="0", feeRate="0") for _ in range(1_000)]

    assert places(make.fills(*fills)) == (1_000, 0, {}, {})
    assert places(make.fills(make.record(price=largest, quantity=largest, fee="0", feeRate="0")))[0] == 1
    exact = "10009999999999999999999999999999999999799800." + "0" * 32 + "1001"
    for model in (TotalByRate, TotalByHour, TotalByDay):
        total = model.objects.get()
        assert (total.fills, str(total.volume)) == (1_001, exact)


def test_fills_of_any_year_find_their_month() -> None:
    make.broker(enrolled_at=datetime(1, 1, 1, tzinfo=UTC))
    times = [
        "0001-01-01T00:00:00",
        "0001-12-31T23:59:59.999999",
        "1969-12-31T23:59:59Z",
        "2028-02-29T12:00:00",
    ]
    later = datetime(2030, 1, 1, tzinfo=UTC)

    assert places(make.fills(*(make.record(timestamp=time) for time in times), now=later))[0] == 4
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM fill ORDER BY executed_at")
        assert [row[0] for row in cursor] == ["fill_000101", "fill_000112", "fill_196912", "fill_202802"]
    last = make.record(timestamp="9999-12-31T23:59:59.999999Z", marketType="RFQ")
    assert places(make.fills(last)) == (0, 0, {"market_type": 1}, {})
    assert ExcludedRecord.objects.get().executed_at == datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def test_every_batch_says_where_its_records_went() -> None:
    make.broker()
    record = make.record()
    make.fills(record, record, make.record(fee="7"), make.record(marketType="RFQ"))

    batch = Batch.objects.get()

    assert (batch.received, batch.accepted, batch.duplicate, batch.excluded, batch.quarantined) == (
        4,
        1,
        1,
        1,
        1,
    )
    assert (batch.source, batch.received_at) == ("given", make.NOW)


def test_nothing_received_is_no_batch() -> None:
    assert places(make.take_in([])) == (0, 0, {}, {})
    assert not Batch.objects.exists()


def test_the_two_largest_fills_of_one_trader_still_add_up() -> None:
    make.broker(code=1400)
    largest = {"price": "9" * 20, "quantity": "9" * 20, "feeRate": "0", "fee": "0"}

    tally = make.fills(make.record(**largest), make.record(**largest))

    assert tally.accepted == 2
    assert TotalByRate.objects.get().volume == 2 * (10**20 - 1) ** 2
