"""Replays beside other replays, intakes and discards: each record leaves quarantine once, in every book."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payouts import books
from payouts.feed import replay_chunk, replaying, setting_aside
from payouts.feed.setting_aside import NotWaiting
from payouts.models import Fill, QuarantineChange, QuarantinePlace
from tests import make
from tests.payouts import owner
from tests.payouts.desk.standing_acts import person
from tests.payouts.feed.test_races import InThread
from tests.payouts.feed.waiting import came, counted, place, waits, went

NOW = make.NOW
#: The tally of a record that was moved twice, though it can be moved but once.
TALLY = "the tally = where records are"


def work() -> int:
    return replaying.work(clock=lambda: NOW)


class Meeting:
    """Lets the first two that come here go on only together."""

    def __init__(self, does: Callable[..., Any]) -> None:
        self._does = does
        self._barrier = threading.Barrier(2)
        self._came: set[int] = set()

    def __call__(self, *values: Any, **named: Any) -> Any:
        found = self._does(*values, **named)
        if threading.get_ident() not in self._came:
            self._came.add(threading.get_ident())
            self._barrier.wait(timeout=30)
        return found


@pytest.fixture
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers are at the same chunk: each has read it before the other writes."""
    monkeypatch.setattr(
        replay_chunk,
        "claimed",
        lambda number: replay_chunk.QuarantineReplay.objects.filter(pk=number, finished_at=None).first(),
    )
    monkeypatch.setattr("payouts.feed.moving.enter", lambda: None)
    monkeypatch.setattr(replay_chunk, "_waiting", Meeting(replay_chunk._waiting))


def test_of_two_workers_one_is_at_work_and_the_other_passes_over(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits(brokerId=1500)
    make.broker(code=1500)
    replaying.ask(by=None, now=NOW)
    is_reading, may_go_on = threading.Event(), threading.Event()
    read = replay_chunk._waiting

    def slowly(replay: Any) -> Any:
        is_reading.set()
        assert may_go_on.wait(timeout=30)
        return read(replay)

    monkeypatch.setattr(replay_chunk, "_waiting", slowly)
    first = InThread(work)
    assert is_reading.wait(timeout=30)

    second = work()
    may_go_on.set()

    assert (first.result(), second) == (1, 0)
    assert counted() == {"received": 1, "accepted": 1}


def test_two_that_are_at_the_same_chunk_move_each_record_once(committed_db: str, nobody_waits: None) -> None:
    """The claim is taken away: keys and the trigger of the changes keep them apart."""
    numbers = came(*(make.record(brokerId=1500) for _ in range(5)), make.record(brokerId=1501))
    make.broker(code=1500)
    make.broker(code=1501, enrolled_at=datetime(2026, 11, 1, tzinfo=UTC))
    number = replaying.ask(by=None, now=NOW)

    for each in [InThread(work), InThread(work)]:
        each.result()

    assert QuarantineChange.objects.count() == 6
    assert place(numbers[-1]) == "waiting before_enrolment"
    assert counted() == {"received": 6, "accepted": 5, "quarantined before_enrolment": 1}
    done = replaying.progress(number)
    assert done is not None
    assert went(done) == {"accepted": 5, "stayed": 1}


def one_moves() -> None:
    """Two workers at a record that stays with another reason: no key keeps them apart."""
    waits(brokerId=1501)
    make.broker(code=1501, enrolled_at=datetime(2026, 11, 1, tzinfo=UTC))
    replaying.ask(by=None, now=NOW)
    # A chunk each: who went on to the end of the replay would keep the other from ending it.
    for each in [InThread(chunk), InThread(chunk)]:
        each.result()


def chunk() -> int:
    return replaying.work(clock=lambda: NOW, turn=timedelta(0))


def test_a_record_that_stays_takes_its_new_reason_once(committed_db: str, nobody_waits: None) -> None:
    one_moves()

    assert QuarantineChange.objects.count() == 1
    assert counted() == {"received": 1, "quarantined before_enrolment": 1}


def test_without_the_trigger_s_word_it_would_move_twice(committed_db: str, nobody_waits: None) -> None:
    """The twin: the same with a trigger that does not look where a change begins."""
    with owner.connected() as connected:
        [(trigger,)] = connected.execute(
            "SELECT pg_get_functiondef('move_in_quarantine'::regproc)"
        ).fetchall()
        connected.execute(trigger.replace("IF moved <> wanted", "IF false"))

    one_moves()

    assert QuarantineChange.objects.count() == 2
    assert [each.invariant for each in books.breaches()] == [TALLY]


def test_replays_discards_and_corrected_records_at_once_leave_sound_books(committed_db: str) -> None:
    records = [make.record(brokerId=1500, fee=fee) for fee in ["0.1", "7"] * 30]
    numbers = came(*records)
    make.broker(code=1500)
    by = person()

    def replay_all() -> None:
        for _ in range(3):
            try:
                replaying.ask(by=None, now=NOW)
            except replaying.NothingToReplay:
                return
            replaying.work(clock=lambda: NOW)

    def discard_each() -> int:
        done = 0
        for each in numbers[::3]:
            with suppress(NotWaiting):
                done += setting_aside.discard(records=[each], reason="", note="junk", by=by, now=NOW)
        return done

    def correct() -> int:
        return sum(make.fills(each | {"fee": "0.1", "clientId": "x"}).accepted for each in records[::5])

    together = [InThread(replay_all), InThread(discard_each), InThread(correct)]
    for each in together:
        each.result()

    found = counted()
    assert found["received"] == 60 + 12
    assert found["accepted"] == Fill.objects.count()
    assert found.get("excluded discarded", 0) == QuarantinePlace.objects.filter(state="discarded").count()


def test_a_replay_that_cannot_go_on_says_so_and_is_tried_again_after_a_minute(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits(brokerId=1500)
    make.broker(code=1500)
    number = replaying.ask(by=None, now=NOW)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no terms\nfor this month")

    with pytest.raises(RuntimeError):
        replaying.work(clock=lambda: NOW, terms=broken)  # type: ignore[arg-type]
    found = replaying.progress(number)
    assert found is not None
    assert (found.problem, found.left, found.finished_at) == (
        "RuntimeError: no terms for this month",
        1,
        None,
    )

    assert replaying.work(clock=lambda: NOW + timedelta(seconds=59)) == 0
    assert replaying.work(clock=lambda: NOW + timedelta(seconds=60)) == 1
    found = replaying.progress(number)
    assert found is not None
    assert (went(found), found.problem) == ({"accepted": 1}, "")
