"""Intakes of the same records at the same time: each is booked once, and nobody is told of a deadlock."""

import json
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections, transaction

from payouts.feed import intake
from payouts.feed.intake import Tally
from payouts.feed.outcomes import Received
from payouts.models import Batch, ExcludedRecord, Fill, FillKey, QuarantinedRecord, TotalByRate
from tests import make
from tests.payouts import owner
from tests.payouts.feed.test_intake import places


class InThread:
    """Something done at the same time, in a thread with a connection of its own."""

    def __init__(self, does: Callable[[], Any]) -> None:
        self._does = does
        self._found: Any = None
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self._does()
        except BaseException as problem:
            self._problem = problem
        finally:
            connections.close_all()

    def result(self) -> Any:
        self._thread.join(timeout=60)
        assert not self._thread.is_alive()
        if self._problem is not None:
            raise self._problem
        return self._found


def all_kinds(number: int) -> list[bytes]:
    """Accepted, excluded and quarantined records, in turn."""
    kinds: list[dict[str, Any]] = [{}, {"marketType": "RFQ"}, {"fee": "7"}, {"tradeId": None}, {"userId": 8}]
    records = [make.record(**kinds[each % len(kinds)]) for each in range(number)]
    return [json.dumps(record).encode() for record in records]


def totals_add_up() -> bool:
    """Whether the three totals are those of the fills, recomputed by other SQL."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), sum(price * quantity), sum(greatest(fee, 0)) FROM fill"
            " UNION SELECT sum(fills), sum(volume), sum(fees) FROM total_by_rate"
            " UNION SELECT sum(fills), sum(volume), sum(fees) FROM total_by_hour"
            " UNION SELECT sum(fills), sum(volume), sum(fees) FROM total_by_day"
        )
        return len(cursor.fetchall()) == 1


def test_overlapping_and_reversed_batches_at_once_book_each_record_once(committed_db: str) -> None:
    make.broker()
    accepted = excluded = quarantined = received = 0
    for _ in range(6):
        lines = all_kinds(400)
        batches = [lines[:300], lines[:99:-1], lines[::2], lines[399::-2]]

        together = [InThread(lambda batch=batch: make.take_in(batch)) for batch in batches]

        for each in together:
            tally = each.result()
            found = places(tally)
            accepted += found[0]
            excluded += sum(found[2].values())
            quarantined += sum(found[3].values())
            received += tally.received
    assert (accepted, excluded, quarantined, received) == (960, 480, 960, 6 * 1_000)
    assert Fill.objects.count() == 960
    assert ExcludedRecord.objects.count() == 480
    assert QuarantinedRecord.objects.count() == 960
    assert FillKey.objects.count() == 960 + 480
    assert sum(Batch.objects.values_list("received", flat=True)) == received
    assert totals_add_up()


def test_two_contents_of_one_key_at_once_are_one_fill_and_one_conflict(committed_db: str) -> None:
    make.broker()
    for _ in range(10):
        record = make.record()
        other = record | {"userId": 8}

        together = [InThread(lambda each=each: make.fills(each)) for each in (record, other)]

        found = sorted(places(each.result()) for each in together)
        assert found == [(0, 0, {}, {"conflict": 1}), (1, 0, {}, {})]
    assert Fill.objects.count() == 10


def test_the_first_fills_of_a_month_at_once_make_its_partition_once(committed_db: str) -> None:
    make.broker()
    months = [f"2025-{month:02d}-01T00:00:00Z" for month in range(1, 13)]

    together = [
        InThread(lambda: make.fills(*(make.record(timestamp=month) for month in months))) for _ in range(4)
    ]

    assert [places(each.result())[0] for each in together] == [12] * 4
    assert Fill.objects.count() == 48


class InSmallBatches(make.Given):
    def batches(self) -> Iterator[list[Received]]:
        received = list(self)
        for start in range(0, len(received), 3):
            yield received[start : start + 3]


def test_batches_written_side_by_side_keep_the_order_of_the_lines(committed_db: str) -> None:
    """A few keys with a few contents each: the first line of a key is the fill, whatever was faster."""
    make.broker()
    chosen = random.Random(3)
    keys = [make.record() for _ in range(40)]
    records = [chosen.choice(keys) | {"userId": chosen.randrange(3)} for _ in range(600)]
    lines = [json.dumps(record).encode() for record in records]
    first = {record["tradeId"]: record["userId"] for record in reversed(records)}
    conflicts = {(each["tradeId"], each["userId"]) for each in records} - set(first.items())

    tally = Tally()
    intake.take_in(InSmallBatches(lines), clock=lambda: make.NOW, tally=tally, lanes=2)

    assert places(tally) == (40, 600 - 40 - len(conflicts), {}, {"conflict": len(conflicts)})
    assert dict(Fill.objects.values_list("trade_id", "trader")) == first
    assert totals_add_up()


def others_waiting() -> int:
    with connection.cursor() as cursor:
        # The activity view is remembered for a whole transaction unless asked anew.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def race(committed_db: str) -> Callable[[], tuple[Tally, Tally]]:
    """Book the same record twice, the second while the first is written and not yet committed."""
    make.broker()
    make.fills(make.record())  # the month has its partition

    def run() -> tuple[Tally, Tally]:
        record = make.record()
        with transaction.atomic():
            first = make.fills(record)
            second = InThread(lambda: make.fills(record))
            while not others_waiting():
                assert second._thread.is_alive()
        return first, second.result()

    return run


def test_who_comes_second_waits_and_finds_a_duplicate(race: Callable[[], tuple[Tally, Tally]]) -> None:
    first, second = race()

    assert (places(first), places(second)) == ((1, 0, {}, {}), (0, 1, {}, {}))
    assert Fill.objects.count() == 2
    assert totals_add_up()


def test_without_the_unique_key_the_same_race_books_twice(race: Callable[[], tuple[Tally, Tally]]) -> None:
    """The twin: the constraint alone stands between a race and paying twice."""
    with owner.connected() as connected:
        connected.execute("ALTER TABLE fill_key DROP CONSTRAINT fill_key_pkey")

    first, second = race()

    assert (first.accepted, second.accepted) == (1, 1)
    assert Fill.objects.count() == 3
    assert TotalByRate.objects.get().fills == 3


def test_a_batch_is_booked_though_others_keep_booking_parts_of_it(committed_db: str) -> None:
    """One by one, others take records that a large batch holds; it is decided again until it is through."""
    make.broker()
    lines = all_kinds(3_000)
    stop = threading.Event()

    def one_by_one() -> int:
        booked = 0
        for line in lines:
            if stop.is_set():
                break
            tally = make.take_in([line])
            booked += tally.received - tally.duplicate
        return booked

    other = InThread(one_by_one)
    while not Batch.objects.exists():
        pass
    try:
        tally = make.take_in(lines[::-1])
    finally:
        stop.set()

    assert tally.received - tally.duplicate + other.result() == 3_000
    assert Fill.objects.count() == 1_200
    assert totals_add_up()
