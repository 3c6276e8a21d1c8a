"""What pages and letters ask about the quarantine: reasons, one record's past, what the exchange gets."""

import csv
import io
from base64 import b64decode
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from payouts.feed import files, intake, quarantine
from payouts.feed.files import Source
from payouts.feed.intake import Tally
from payouts.feed.quarantine import Beside
from payouts.models import Batch
from tests import make
from tests.payouts.desk.standing_acts import person
from tests.payouts.feed.waiting import came, discard, place, reopen, replay, waits

pytestmark = pytest.mark.django_db

NOW = make.NOW
DAY = timedelta(days=1)


def found(number: int) -> quarantine.Record:
    record = quarantine.record(number)
    assert record is not None
    return record


def exported(*, reason: str = "", numbers: list[int] | None = None) -> list[dict[str, str]]:
    written = b"".join(quarantine.export(reason=reason, numbers=numbers)).decode()
    return list(csv.DictReader(io.StringIO(written, newline="")))


def test_what_waits_is_told_by_reason_the_largest_first() -> None:
    make.take_in([b"{", b"["], now=NOW - DAY)
    make.take_in([b"x"], now=NOW)
    waits(brokerId=1500)
    discard([waits(brokerId=1501)])

    told = quarantine.by_reason(now=NOW)

    assert [(each.reason, each.waiting, each.oldest, each.came_today, each.asked) for each in told] == [
        ("malformed", 3, NOW - DAY, 1, 0),
        ("unknown_broker", 1, NOW, 1, 0),
    ]
    assert quarantine.waiting_count() == 4


def test_nothing_waits_in_an_empty_quarantine() -> None:
    assert quarantine.by_reason(now=NOW) == []
    assert quarantine.waiting_count() == 0
    assert quarantine.record(1) is None
    assert exported() == []


def test_a_record_is_told_with_all_that_happened_to_it() -> None:
    record = make.record(brokerId=1500, fee="7", clientId=None)
    [number] = came(record)
    make.broker(code=1500)
    replay()
    discard([number], note="their mistake")
    reopen(number)

    shown = found(number)

    assert (shown.number, shown.state, shown.reason, shown.first_reason) == (
        number, "waiting", "fee_mismatch", "unknown_broker",
    )  # fmt: skip
    assert (shown.symbol, shown.trade_id, shown.order_id, shown.broker_code) == (
        "SOL_USDC", record["tradeId"], record["orderId"], 1500,
    )  # fmt: skip
    assert (shown.format, shown.header, shown.received_at, shown.changed_at) == ("ndjson", b"", NOW, NOW)
    assert dict(shown.fields)["fee"] == "7"
    assert dict(shown.fields)["clientId"] == ""
    assert (shown.raw_length, shown.kept_length) == (len(shown.raw), len(shown.raw))
    assert shown.sha256 == sha256(shown.raw).hexdigest()
    assert [(each.act, each.from_reason, each.to_reason, each.note, each.by) for each in shown.changes] == [
        ("stayed", "unknown_broker", "fee_mismatch", "", person()),
        ("discarded", "fee_mismatch", "discarded", "their mistake", person()),
        ("reopened", "discarded", "fee_mismatch", "a mistake", person()),
    ]
    assert shown.corrected is None


def test_of_a_long_record_the_beginning_is_shown_and_of_one_too_long_the_hash_of_all() -> None:
    long, too_long = b"x" * 100_000, b"y" * (16 * 1024 * 1024 + 1)
    make.take_in([long, too_long])
    first, second = (found(each.number) for each in map(found, numbers_that_wait()))

    assert (first.raw, first.raw_length, first.kept_length) == (b"x" * 65_536, 100_000, 100_000)
    assert first.sha256 == sha256(long).hexdigest()
    assert (second.raw, second.raw_length, second.kept_length) == (b"y" * 65_536, len(too_long), 65_536)
    assert second.sha256 == sha256(too_long).hexdigest()
    assert (first.fields, second.fields, second.detail) == ((), (), "longer than 16 MiB")


def numbers_that_wait() -> list[int]:
    return [int(each["record"]) for each in exported()]


def test_the_corrected_record_stands_beside_the_one_that_it_closed() -> None:
    make.broker()
    wrong = make.record(fee="7", price="100.50")
    [number] = came(wrong)
    right = wrong | {"fee": "0.1005", "clientId": "x"}
    make.fills(right)

    beside = found(number).corrected

    assert place(number) == "discarded discarded"
    assert beside is not None
    assert (beside.state, beside.reason, beside.received_at) == ("accepted", "", NOW)
    assert beside.batch_id == Batch.objects.latest("pk").pk
    assert dict(beside.fields) == {
        "symbol": "SOL_USDC", "marketType": "SPOT", "tradeId": str(right["tradeId"]),
        "orderId": right["orderId"], "clientId": "x", "userId": "7", "brokerId": "1400", "side": "Bid",
        "isMaker": "false", "price": "100.5", "quantity": "1", "fee": "0.1005", "feeSymbol": "USDC",
        "feeRate": "0.001", "affiliateRate": "0", "systemOrderType": "", "timestamp": "2026-10-15T12:00:00Z",
    }  # fmt: skip


def test_beside_a_conflict_stands_the_record_that_was_first_also_if_it_says_another_time() -> None:
    make.broker()
    first = make.record(timestamp="2026-10-02T00:00:00Z")
    make.fills(first)

    beside = found(waits(**first | {"timestamp": "2026-10-31T23:00:00Z"})).corrected

    assert beside is not None
    assert dict(beside.fields)["timestamp"] == "2026-10-02T00:00:00Z"


def test_the_corrected_record_is_found_though_the_wrong_one_said_no_readable_time() -> None:
    make.broker()
    right = make.record(timestamp="2026-11-02T00:00:00Z")
    [number] = came(right | {"timestamp": "yesterday"})
    make.fills(right)

    beside = found(number).corrected

    assert beside is not None
    assert dict(beside.fields)["timestamp"] == "2026-11-02T00:00:00Z"


def test_beside_a_conflict_with_an_excluded_record_stands_that_one() -> None:
    first = make.record(systemOrderType="Liquidation")
    make.fills(first)

    beside = found(waits(**first | {"systemOrderType": None})).corrected

    assert beside is not None
    assert (beside.state, beside.reason) == ("excluded", "system_order")
    assert dict(beside.fields)["systemOrderType"] == "Liquidation"


def test_who_holds_a_key_but_is_not_found_in_its_month_is_said_to_be_there() -> None:
    make.broker()
    first = make.record(timestamp="2026-10-02T00:00:00Z")
    make.fills(first)

    number = waits(**first | {"timestamp": "2026-11-02T00:00:00Z"})

    assert found(number).corrected == Beside("", "", None, None, ())


def test_a_record_that_got_its_key_itself_has_nothing_beside_it() -> None:
    number = waits(brokerId=1500)
    make.broker(code=1500)
    replay()

    assert found(number).corrected is None


def test_the_exchange_gets_the_exact_bytes_of_what_waits_in_order_of_receipt() -> None:
    harmful = [
        b"=HYPERLINK(1)",
        b"junk; =1+1",
        b"+1",
        b"-1",
        b"@x",
        b"\tx",
        b"\xff\xfe",
        b"a\x00b",
        "\u202egnp".encode(),
    ]
    harmless = [b'{"a": "x,\\n\\"y\\""}', "{é 😀".encode()]
    make.take_in([*harmful, *harmless])
    number = waits(brokerId=1500)

    rows = exported()

    assert [each["encoding"] for each in rows] == ["base64"] * 9 + ["text"] * 3
    assert [b64decode(each["raw"]) for each in rows[:9]] == harmful
    assert [each["raw"].encode() for each in rows[9:11]] == harmless
    assert [each["sha256"] for each in rows[:9]] == [sha256(raw).hexdigest() for raw in harmful]
    last = rows[-1]
    assert (last["record"], last["reason"], last["format"], last["detail"]) == (
        str(number), "unknown_broker", "ndjson", "",
    )  # fmt: skip
    assert last["received_at"] == "2026-11-22T12:00:00Z"
    assert last["bytes"] == last["kept"] == str(len(last["raw"]))


def test_the_exchange_gets_what_was_chosen_and_still_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("payouts.feed.quarantine_file._RECORDS", 2)
    numbers = came(*(make.record(brokerId=1500) for _ in range(5)))
    make.take_in([b"{"])
    discard(numbers[:1])

    assert [int(each["record"]) for each in exported(reason="unknown_broker")] == numbers[1:]
    assert [int(each["record"]) for each in exported(numbers=numbers[:3])] == numbers[1:3]
    assert exported(reason="malformed", numbers=numbers) == []
    assert len(exported()) == 5


def test_a_row_of_csv_goes_to_the_exchange_with_its_header(tmp_path: Any) -> None:
    record = {name: "" if value is None else str(value) for name, value in make.record(isMaker="no").items()}
    path = tmp_path / "fills.csv"
    path.write_text(f'{",".join(record)},note\r\n{",".join(record.values())},"a\r\nb"\r\n', newline="")
    with files.open_source(str(path)) as source:
        take_in(source)

    [row] = exported()

    assert row["header"] == f"{','.join(record)},note"
    assert row["raw"] == f'{",".join(record.values())},"a\r\nb"'
    assert row["detail"] == "isMaker: neither true nor false"
    assert dict(found(int(row["record"])).fields)["note"] == "a\r\nb"


def take_in(source: Source) -> None:
    intake.take_in(source, clock=lambda: NOW, tally=Tally())


def test_the_share_of_the_last_hour_is_told_beside_that_of_the_week_before() -> None:
    make.broker()
    make.fills(*(make.record() for _ in range(98)), now=NOW - DAY)
    make.take_in([b"1", b"2"], now=NOW - DAY)
    make.take_in([b"%d" % number for number in range(100, 120)], now=NOW - timedelta(minutes=59))

    share = quarantine.shares(now=NOW)

    assert (share.received, share.quarantined) == (20, 20)
    assert (share.received_before, share.quarantined_before) == (100, 2)
    assert share.has_jumped
    assert share.says == "20 of 20 records in the last hour: 100.00 % (7 days before: 2.00 %)"
    assert not quarantine.shares(now=NOW + DAY).has_jumped


def test_a_replay_receives_nothing_anew() -> None:
    waits(brokerId=1500)
    make.broker(code=1500)
    replay()

    share = quarantine.shares(now=NOW)
    assert (share.received, share.quarantined) == (1, 1)
