"""Replays: what waits is decided again by rules 2 to 10, in order of receipt, and each record leaves once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payouts import tasks
from payouts.feed import replaying
from payouts.feed.replaying import NoReplayUnderWay, NothingToReplay, ReplayUnderWay
from payouts.models import Batch, Fill, QuarantineReplay
from payouts.month import Month
from payouts.program.terms import Terms, terms_for
from tests import make
from tests.payouts.desk.standing_acts import person
from tests.payouts.feed.waiting import acts, came, counted, discard, place, reopen, replay, rows, waits, went

pytestmark = pytest.mark.django_db

NOW = make.NOW


def test_a_fill_counts_once_its_broker_code_is_issued() -> None:
    number = waits(brokerId=1500)
    assert counted() == {"received": 1, "quarantined unknown_broker": 1}
    make.broker(code=1500)

    done = replay(reason="unknown_broker")

    assert went(done) == {"accepted": 1}
    assert (done.reason, done.record, done.left, done.looked_at) == ("unknown_broker", None, 0, 1)
    assert counted() == {"received": 1, "accepted": 1}
    assert (place(number), acts(number)) == ("accepted", ["replayed"])
    batch = Batch.objects.latest("pk")
    assert (batch.is_replay, batch.received, batch.accepted) == (True, 1, 1)
    assert batch.source == f"replay {done.number}"
    assert batch.received_at == NOW
    assert Fill.objects.get().batch_id == batch.pk


def test_the_sweep_works_off_what_was_asked_for() -> None:
    waits(brokerId=1500)
    make.broker(code=1500)
    tasks.replay_quarantine()
    assert counted() == {"received": 1, "quarantined unknown_broker": 1}

    replaying.ask(by=None, now=NOW)
    tasks.replay_quarantine()

    assert counted() == {"received": 1, "accepted": 1}


def test_the_same_record_counts_no_second_time_whatever_comes_after_its_replay() -> None:
    record = make.record(brokerId=1500)
    came(record)
    make.broker(code=1500)
    replay()

    again = make.fills(record, record | {"clientId": "x"}, record | {"price": "100.0"})

    assert (again.accepted, again.duplicate) == (0, 3)
    assert counted() == {"received": 4, "accepted": 1, "duplicate": 3}


def test_rules_2_to_10_each_decide_again() -> None:
    make.broker(code=1400, enrolled_at=datetime(2026, 10, 1, tzinfo=UTC))
    key = make.record()
    make.fills(key)
    numbers = came(
        make.record(tradeId=None),
        key | {"userId": 8},
        make.record(marketType="OPTION"),
        make.record(brokerId=1500),
        make.record(brokerId=1501),
        make.record(symbol="SOL_EUR"),
        make.record(feeSymbol="SOL"),
        make.record(fee="7"),
        make.record(timestamp="2026-09-30T23:59:59Z"),
        make.record(timestamp="2026-11-22T12:06:00Z"),
    )
    reasons = [place(each) for each in numbers]
    make.broker(code=1500, enrolled_at=datetime(2026, 11, 1, tzinfo=UTC))
    make.terminated(make.broker(code=1501), datetime(2026, 10, 2, tzinfo=UTC))

    done = replay(now=NOW + timedelta(minutes=2))

    assert went(done) == {"accepted": 1, "excluded": 1, "stayed": 8}
    assert list(zip(reasons, map(place, numbers), strict=True)) == [
        ("waiting missing_trade_id", "waiting missing_trade_id"),
        ("waiting conflict", "waiting conflict"),
        ("waiting unknown_market_type", "waiting unknown_market_type"),
        ("waiting unknown_broker", "waiting before_enrolment"),
        ("waiting unknown_broker", "excluded terminated"),
        ("waiting unpriced_quote", "waiting unpriced_quote"),
        ("waiting unpriced_fee", "waiting unpriced_fee"),
        ("waiting fee_mismatch", "waiting fee_mismatch"),
        ("waiting before_enrolment", "waiting before_enrolment"),
        ("waiting future_timestamp", "accepted"),
    ]
    assert [acts(each) for each in numbers] == [
        *([[]] * 3), ["stayed"], ["replayed"], *([[]] * 4), ["replayed"],
    ]  # fmt: skip
    assert counted() == {
        "received": 11, "accepted": 2, "excluded terminated": 1, "quarantined missing_trade_id": 1,
        "quarantined conflict": 1, "quarantined unknown_market_type": 1, "quarantined before_enrolment": 2,
        "quarantined unpriced_quote": 1, "quarantined unpriced_fee": 1, "quarantined fee_mismatch": 1,
    }  # fmt: skip


def with_options(month: Month) -> Terms:
    """Terms under which options count as futures."""
    terms = terms_for(month)
    return replace(terms, markets={**terms.markets, "OPTION": "futures"})


def test_a_market_type_that_the_terms_now_know_counts() -> None:
    make.broker()
    waits(marketType="OPTION")
    replaying.ask(reason="unknown_market_type", by=person(), now=NOW)

    assert replaying.work(clock=lambda: NOW, terms=with_options) == 1

    assert counted() == {"received": 1, "accepted": 1}
    assert Fill.objects.get().market == "futures"


def test_the_first_of_two_that_waited_with_one_key_gets_it_and_the_other_is_in_conflict_or_a_duplicate() -> (
    None
):
    first = make.record(brokerId=1500)
    other, same = first | {"price": "101", "fee": "0.101"}, first | {"clientId": "c"}
    numbers = came(first, other, same)
    make.broker(code=1500)

    assert went(replay()) == {"accepted": 1, "duplicate": 1, "stayed": 1}

    assert [place(each) for each in numbers] == ["accepted", "waiting conflict", "duplicate"]
    assert counted() == {"received": 3, "accepted": 1, "duplicate": 1, "quarantined conflict": 1}
    assert str(Fill.objects.get().price) == "100.000000000000000000"


def test_an_excluded_record_leaves_with_its_reason_and_takes_its_key() -> None:
    record = make.record(brokerId=1500)
    [number] = came(record)
    make.terminated(make.broker(code=1500), datetime(2026, 10, 15, tzinfo=UTC))

    assert went(replay(record=number)) == {"excluded": 1}

    assert place(number) == "excluded terminated"
    assert make.fills(record | {"clientId": "again"}).duplicate == 1
    assert counted() == {"received": 2, "duplicate": 1, "excluded terminated": 1}


def test_one_record_alone_is_replayed_and_the_others_stay() -> None:
    first, second, third = (waits(brokerId=1500) for _ in range(3))
    make.broker(code=1500)

    assert went(replay(record=second)) == {"accepted": 1}

    assert [place(each) for each in (first, second, third)] == [
        "waiting unknown_broker", "accepted", "waiting unknown_broker",
    ]  # fmt: skip


def test_a_reason_alone_is_replayed() -> None:
    make.broker()
    waits(brokerId=1500)
    ahead = waits(timestamp="2026-11-22T12:30:00Z")
    make.broker(code=1500)

    assert went(replay(reason="future_timestamp", now=NOW + timedelta(hours=1))) == {"accepted": 1}

    assert place(ahead) == "accepted"
    assert counted() == {"received": 2, "accepted": 1, "quarantined unknown_broker": 1}


def test_what_cannot_be_read_is_never_replayed() -> None:
    make.take_in([b"{", b"\x00", b'"' + b"x" * (16 * 1024 * 1024)])

    with pytest.raises(NothingToReplay, match="the exchange has to send it again"):
        replaying.ask(reason="malformed", by=None, now=NOW)
    with pytest.raises(NothingToReplay):
        replaying.ask(by=None, now=NOW)
    with pytest.raises(NothingToReplay):
        replaying.ask(record=rows("SELECT min(id) FROM quarantined_record")[0][0], by=None, now=NOW)
    waits(brokerId=1500)
    assert went(replay()) == {"stayed": 1}
    assert counted() == {"received": 4, "quarantined malformed": 3, "quarantined unknown_broker": 1}


def test_there_is_one_replay_at_a_time() -> None:
    waits(brokerId=1500)
    number = replaying.ask(by=None, now=NOW)

    with pytest.raises(ReplayUnderWay):
        replaying.ask(by=None, now=NOW)

    replaying.stop(number=number, by=person(), now=NOW)
    with pytest.raises(NoReplayUnderWay):
        replaying.stop(number=number, by=person(), now=NOW)
    assert replaying.work(clock=lambda: NOW) == 0
    assert [each.finished_at for each in replaying.latest()] == [NOW]
    assert went(replay()) == {"stayed": 1}


def test_what_comes_while_a_replay_is_under_way_is_not_in_it() -> None:
    waits(brokerId=1500)
    number = replaying.ask(by=None, now=NOW)
    later = waits(brokerId=1500)
    make.broker(code=1500)

    replaying.work(clock=lambda: NOW)

    done = replaying.progress(number)
    assert done is not None
    assert went(done) == {"accepted": 1}
    assert place(later) == "waiting unknown_broker"


def test_a_replay_goes_on_in_chunks_each_with_its_own_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = came(*(make.record(brokerId=1500) for _ in range(7)))
    make.broker(code=1500)
    monkeypatch.setattr("payouts.feed.replay_chunk.RECORDS", 3)
    number = replaying.ask(by=None, now=NOW)

    looked_at = [replaying.work(clock=lambda: NOW, turn=timedelta(0)) for _ in range(3)]

    assert looked_at == [3, 3, 1]
    half = QuarantineReplay.objects.get()
    assert (half.reached_record_id, half.accepted, half.finished_at) == (numbers[-1], 7, None)
    assert replaying.work(clock=lambda: NOW) == 0
    done = replaying.progress(number)
    assert done is not None
    assert went(done) == {"accepted": 7}
    assert list(Batch.objects.filter(is_replay=True).order_by("pk").values_list("received", flat=True)) == [
        3,
        3,
        1,
    ]
    assert counted() == {"received": 7, "accepted": 7}


def test_a_chunk_holds_no_more_bytes_than_are_good_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    came(*(make.record(brokerId=1500, extra="x" * 1_000) for _ in range(3)))
    monkeypatch.setattr("payouts.feed.replay_chunk.BYTES", 1_500)
    replaying.ask(by=None, now=NOW)

    assert [replaying.work(clock=lambda: NOW, turn=timedelta(0)) for _ in range(4)] == [1, 1, 1, 0]


def test_a_month_without_a_partition_gets_one() -> None:
    waits(brokerId=1500, timestamp="2021-03-04T05:06:07Z")
    make.broker(code=1500)

    assert went(replay()) == {"accepted": 1}

    assert rows("SELECT tableoid::regclass::text FROM fill") == [("fill_202103",)]


def test_what_is_discarded_meanwhile_is_not_replayed_and_what_is_reopened_is() -> None:
    first, second = waits(brokerId=1500), waits(brokerId=1500)
    make.broker(code=1500)
    discard([first])

    assert went(replay()) == {"accepted": 1}
    reopen(first)
    assert went(replay()) == {"accepted": 1}

    assert (place(first), acts(first)) == ("accepted", ["discarded", "reopened", "replayed"])
    assert counted() == {"received": 2, "accepted": 2}
    assert place(second) == "accepted"


def test_a_record_that_was_corrected_and_is_reopened_is_a_conflict_when_it_is_replayed() -> None:
    wrong = make.record(fee="7")
    make.broker()
    [number] = came(wrong)
    make.fills(wrong | {"fee": "0.1"})
    assert place(number) == "discarded discarded"

    reopen(number)
    assert place(number) == "waiting fee_mismatch"
    assert went(replay()) == {"stayed": 1}

    assert place(number) == "waiting conflict"
    assert acts(number) == ["corrected", "reopened", "stayed"]
    assert counted() == {"received": 2, "accepted": 1, "quarantined conflict": 1}
