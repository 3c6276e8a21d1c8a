"""What people decide about records in quarantine: all of it or nothing, and the tally moves with it."""

from typing import Any

import pytest

from payouts.feed import quarantine, setting_aside
from payouts.feed.setting_aside import NotDiscarded, NothingSaid, NotWaiting
from payouts.models import QuarantineChange, QuarantinePlace
from tests import make
from tests.payouts.desk.standing_acts import person
from tests.payouts.feed.waiting import acts, came, counted, discard, place, reopen, replay, waits, went

pytestmark = pytest.mark.django_db

NOW = make.NOW


def ask_exchange(records: list[int] | None = None, *, reason: str = "") -> int:
    return setting_aside.ask_exchange(records=records, reason=reason, by=person(), now=NOW)


def test_a_discarded_record_counts_as_excluded_and_says_who_discarded_it_and_why() -> None:
    number = waits(brokerId=1500)

    assert discard([number], note="  a test of the exchange ") == 1

    assert place(number) == "discarded discarded"
    change = QuarantineChange.objects.get()
    assert (change.act, change.note, change.by_id, change.at) == (
        "discarded", "a test of the exchange", person(), NOW,
    )  # fmt: skip
    assert counted() == {"received": 1, "excluded discarded": 1}


def test_the_bytes_of_a_discarded_record_are_known_for_ever_and_its_key_is_free() -> None:
    record = make.record(brokerId=1500)
    [number] = came(record)
    discard([number])
    make.broker(code=1500)

    assert make.fills(record).duplicate == 1
    assert make.fills(record | {"clientId": "x"}).accepted == 1
    assert counted() == {"received": 3, "accepted": 1, "duplicate": 1, "excluded discarded": 1}
    assert acts(number) == ["discarded"]


def test_all_that_wait_with_a_reason_are_discarded_at_once_malformed_ones_too() -> None:
    make.take_in([b"{", b"[]", b"1"])
    waits(brokerId=1500)

    assert discard(reason="malformed") == 3

    assert counted() == {"received": 4, "excluded discarded": 3, "quarantined unknown_broker": 1}


def test_a_reopened_record_waits_for_what_it_waited_for_before() -> None:
    numbers = [waits(brokerId=1500), waits(tradeId=None)]
    assert discard(numbers) == 2

    assert reopen(*numbers) == 2

    assert [place(each) for each in numbers] == ["waiting unknown_broker", "waiting missing_trade_id"]
    assert counted() == {"received": 2, "quarantined unknown_broker": 1, "quarantined missing_trade_id": 1}
    discard(numbers[:1])
    reopen(numbers[0])
    assert acts(numbers[0]) == ["discarded", "reopened", "discarded", "reopened"]
    assert counted() == {"received": 2, "quarantined unknown_broker": 1, "quarantined missing_trade_id": 1}


def test_a_record_reopened_after_it_was_corrected_once_its_reason_had_changed_has_the_later_reason() -> None:
    record = make.record(brokerId=1500, fee="7")
    [number] = came(record)
    make.broker(code=1500)
    replay()
    assert place(number) == "waiting fee_mismatch"
    make.fills(record | {"fee": "0.1"})

    reopen(number)

    assert place(number) == "waiting fee_mismatch"
    assert acts(number) == ["stayed", "corrected", "reopened"]
    assert counted() == {"received": 2, "accepted": 1, "quarantined fee_mismatch": 1}


def test_the_exchange_is_asked_and_the_records_go_on_waiting() -> None:
    first, second = waits(brokerId=1500), waits(brokerId=1500)

    assert ask_exchange([first]) == 1
    assert ask_exchange(reason="unknown_broker") == 2

    [reason] = quarantine.by_reason(now=NOW)
    assert (reason.reason, reason.waiting, reason.asked, reason.came_today) == ("unknown_broker", 2, 2, 2)
    assert acts(first) == ["asked", "asked"]
    assert QuarantinePlace.objects.get(pk=second).asked_at == NOW
    assert counted() == {"received": 2, "quarantined unknown_broker": 2}


@pytest.mark.parametrize("note", ["", " \n", "x" * 2001])
def test_nothing_is_discarded_or_reopened_without_a_word(note: str) -> None:
    number = waits(brokerId=1500)

    with pytest.raises(NothingSaid):
        discard([number], note=note)
    discard([number])
    with pytest.raises(NothingSaid):
        setting_aside.reopen(records=[number], note=note, by=person(), now=NOW)
    assert acts(number) == ["discarded"]


def test_of_several_records_all_are_discarded_or_none() -> None:
    first, second = waits(brokerId=1500), waits(brokerId=1500)
    discard([first])

    with pytest.raises(NotWaiting):
        discard([first, second])
    with pytest.raises(NotWaiting):
        ask_exchange([second, second + 1])
    with pytest.raises(NotDiscarded):
        reopen(first, second)

    assert (acts(first), acts(second)) == (["discarded"], [])
    assert counted() == {"received": 2, "excluded discarded": 1, "quarantined unknown_broker": 1}


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(NotWaiting):
        discard([])
    with pytest.raises(NotWaiting):
        discard(reason="unknown_broker")
    with pytest.raises(NotWaiting):
        ask_exchange(reason="")
    with pytest.raises(NotDiscarded):
        reopen()


def test_what_left_quarantine_is_neither_discarded_nor_reopened() -> None:
    number = waits(brokerId=1500)
    make.broker(code=1500)
    assert went(replay()) == {"accepted": 1}

    with pytest.raises(NotWaiting):
        discard([number])
    with pytest.raises(NotDiscarded):
        reopen(number)


def test_many_are_discarded_in_pieces_and_still_all_or_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = came(*(make.record(brokerId=1500) for _ in range(7)))
    monkeypatch.setattr("payouts.feed.setting_aside._AT_ONCE", 3)

    with pytest.raises(NotWaiting):
        discard([*numbers, numbers[-1] + 1])
    assert counted() == {"received": 7, "quarantined unknown_broker": 7}

    assert discard(reason="unknown_broker") == 7
    assert counted() == {"received": 7, "excluded discarded": 7}


@pytest.fixture
def bulk(db: Any) -> int:
    """Many malformed records, as many as one bad file brings."""
    lines = [b'{"line": %d' % number for number in range(20_000)]
    return sum(make.take_in(lines).quarantined.values())


@pytest.mark.long
def test_a_bad_file_is_discarded_in_one_act(bulk: int) -> None:
    assert discard(reason="malformed") == bulk == 20_000
    assert counted() == {"received": 20_000, "excluded discarded": 20_000}
