"""A push: one body, all or nothing, answered line by line, and under a key always the same."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from payouts.feed import booking, forgetting, push, tally
from payouts.feed.push import Crowded, OtherBody, Sender, StillRunning, TooManyRecords
from payouts.feed.tally import Counted
from payouts.feed.watermark import watermark
from payouts.models import Batch, FeedPush, Fill, QuarantinedRecord
from tests import make
from tests.payouts import owner

WITH_KEY = Sender(number=7, name="gateway", key="k1")
WITHOUT = Sender(number=7, name="gateway")


def pushed(body: bytes, sender: Sender = WITHOUT) -> Any:
    return json.loads(push.push(body, sender=sender, now=make.NOW))


def one(**changes: Any) -> bytes:
    return make.ndjson([make.record(**changes)])


@pytest.mark.django_db
def test_it_says_where_each_record_went_and_which_lines_were_not_accepted() -> None:
    make.broker()
    good, other = one(timestamp="2026-10-15T12:00:00.5"), one(timestamp="2026-10-15T11:00:00")
    body = (
        b"\xef\xbb\xbf"
        + good
        + b"\r\n\n"
        + other
        + good
        + one(brokerId=9)
        + b"{]\n"
        + one(systemOrderType="x")
    )

    answer = pushed(body)

    assert answer == {
        "batch": Batch.objects.get().pk,
        "received": 6,
        "accepted": 2,
        "duplicate": 1,
        "excluded": {"system_order": 1},
        "quarantined": {"malformed": 1, "unknown_broker": 1},
        "not_accepted": {
            "total": 4,
            "records": [
                {"line": 5, "outcome": "duplicate", "reason": None, "detail": None},
                {"line": 6, "outcome": "quarantined", "reason": "unknown_broker", "detail": None},
                {
                    "line": 7,
                    "outcome": "quarantined",
                    "reason": "malformed",
                    "detail": "JSON is malformed: object keys must be strings (byte 1)",
                },
                {"line": 8, "outcome": "excluded", "reason": "system_order", "detail": None},
            ],
        },
    }
    assert Batch.objects.get().source == "push by gateway"


@pytest.mark.django_db
def test_of_what_was_not_accepted_the_first_thousand_are_listed_and_all_are_counted() -> None:
    answer = pushed(make.ndjson(make.record() for _ in range(1_001)))

    assert (answer["quarantined"], answer["not_accepted"]["total"]) == ({"unknown_broker": 1_001}, 1_001)
    assert [each["line"] for each in answer["not_accepted"]["records"]] == list(range(1, 1_001))


@pytest.mark.django_db
def test_sent_again_without_a_key_all_of_it_is_duplicate() -> None:
    make.broker()
    body = make.ndjson(make.record() for _ in range(3))
    pushed(body)

    again = pushed(body)

    assert (again["received"], again["accepted"], again["duplicate"]) == (3, 0, 3)
    assert Fill.objects.count() == 3


@pytest.mark.django_db
def test_sent_again_with_its_key_it_is_answered_as_before_and_nothing_is_booked() -> None:
    make.broker()
    body = make.ndjson(make.record() for _ in range(3))
    first = push.push(body, sender=WITH_KEY, now=make.NOW)

    assert push.push(body, sender=WITH_KEY, now=make.NOW) == first
    assert Batch.objects.count() == 1


@pytest.mark.django_db
def test_another_body_under_the_same_key_is_refused_and_another_sender_may_use_the_key() -> None:
    make.broker()
    pushed(one(), WITH_KEY)

    with pytest.raises(OtherBody):
        pushed(one(), WITH_KEY)
    pushed(one(), Sender(number=8, name="another", key="k1"))

    assert (Batch.objects.count(), FeedPush.objects.count()) == (2, 2)


@pytest.mark.django_db
def test_more_records_than_a_push_may_bring_are_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    make.broker()
    monkeypatch.setattr(push, "MOST_RECORDS", 2)
    pushed(one() + one())

    with pytest.raises(TooManyRecords):
        pushed(one() + one() + one())
    assert Fill.objects.count() == 2


@pytest.mark.django_db
def test_a_body_without_a_record_is_answered_and_kept_like_any_other() -> None:
    answer = pushed(b"\n\r\n")

    assert (answer["received"], answer["not_accepted"]) == (0, {"total": 0, "records": []})


@pytest.mark.django_db
def test_the_watermark_is_the_latest_execution_and_what_is_counted() -> None:
    assert watermark().latest_executed_at is None
    make.broker()
    pushed(one(timestamp="2026-10-15T12:00:00.5") + one(brokerId=9) + one(systemOrderType=""))
    pushed(one(timestamp="2026-10-14T12:00:00") + b"not json\n")

    found = watermark()

    assert (str(found.latest_executed_at), found.last_received_at) == (
        "2026-10-15 12:00:00.500000+00:00",
        make.NOW,
    )
    assert found.counted == Counted(
        received=5,
        accepted=2,
        duplicate=0,
        excluded={"system_order": 1},
        quarantined={"malformed": 1, "unknown_broker": 1},
    )


@pytest.mark.django_db
def test_answers_are_forgotten_after_seven_days_and_then_the_records_are_still_known() -> None:
    make.broker()
    body = make.ndjson(make.record() for _ in range(3))
    bodies = [make.ndjson([make.record()]) for _ in range(4)]
    pushed(body, WITH_KEY)
    for each, other in enumerate(bodies):
        pushed(other, Sender(number=7, name="gateway", key=f"other {each}"))
    younger = make.NOW + timedelta(microseconds=1)
    push.push(one(), sender=Sender(number=7, name="gateway", key="younger"), now=younger)

    assert forgetting.forget_answers(now=make.NOW + timedelta(days=7)) == 0
    assert forgetting.forget_answers(now=younger + timedelta(days=7), at_once=2) == 5

    assert list(FeedPush.objects.values_list("key", flat=True)) == ["younger"]
    assert (pushed(body, WITH_KEY)["duplicate"], Fill.objects.count()) == (3, 8)


@pytest.mark.django_db
def test_an_answered_push_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who heard no answer sends the same again; that must not cost what it cost the first time."""
    make.broker()
    first = push.push(one(), sender=WITH_KEY, now=make.NOW)
    body = make.ndjson(make.record() for _ in range(3))
    monkeypatch.setattr(push, "_book", None)
    with pytest.raises(OtherBody):
        pushed(body, WITH_KEY)
    assert FeedPush.objects.get().answer == first


@pytest.mark.django_db
def test_a_body_is_cut_into_lines_wherever_its_pieces_end(monkeypatch: pytest.MonkeyPatch) -> None:
    make.broker()
    body = b"\xef\xbb\xbf" + make.ndjson(make.record() for _ in range(3)).replace(b"\n", b"\r\n")
    for size in (1, 2, 3, 7):
        monkeypatch.setattr(push, "_PIECE", size)
        told = pushed(body)
        assert (told["received"], told["accepted"] + told["duplicate"]) == (3, 3)
    assert Fill.objects.count() == 3


@pytest.mark.django_db
def test_a_line_over_sixteen_megabytes_waits_as_one_from_a_file_does() -> None:
    long = b"{" + b"x" * (16 * 1024 * 1024)

    told = pushed(b"\n" + long + b"\n{}\n")

    assert told["not_accepted"]["records"][0] == {
        "line": 2,
        "outcome": "quarantined",
        "reason": "malformed",
        "detail": "longer than 16 MiB",
    }
    kept = QuarantinedRecord.objects.get(raw_length=len(long))
    assert (bytes(kept.raw), bytes(kept.digest)) == (long[: 64 * 1024], sha256(long).digest())
    assert make.take_in([long, b"{}"]).duplicate == 2


@pytest.mark.django_db
def test_when_others_take_the_same_records_again_and_again_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make.broker()

    def overtaken(*_given: object, **_more: object) -> None:
        raise booking.Overtaken

    monkeypatch.setattr(booking, "write", overtaken)

    with pytest.raises(Crowded):
        pushed(one())


def test_it_is_on_disk_when_it_is_answered_whatever_the_role_is_given(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.broker()
    seen = []
    end = push._Answering.end

    def look(self: Any, *given: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('synchronous_commit'), current_setting('fsync')")
            seen.append(cursor.fetchone())
        end(self, *given)

    monkeypatch.setattr(push._Answering, "end", look)
    pushed(one())
    with connection.cursor() as cursor:  # as a role or a database may be given it for ever
        cursor.execute("SET synchronous_commit = off")
    pushed(one())
    pushed(one(), WITH_KEY)

    assert seen == [("on", "on")] * 3


# -- at the same time -------------------------------------------------------------------------------


def at_once(acts: list[Callable[[], Any]]) -> list[Any]:
    gun = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            gun.wait(timeout=60)
            return act()
        except (StillRunning, OtherBody):
            return "refused"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result(timeout=120) for each in [pool.submit(run, act) for act in acts]]


def test_of_ten_at_once_under_one_key_one_is_booked_and_each_is_told_it_or_to_wait(committed_db: str) -> None:
    make.broker()
    body = make.ndjson(make.record() for _ in range(500))

    said = at_once([lambda: push.push(body, sender=WITH_KEY, now=make.NOW)] * 10)

    answers = {each for each in said if each != "refused"}
    assert len(answers) == 1
    assert (Batch.objects.count(), Fill.objects.count()) == (1, 500)
    assert push.push(body, sender=WITH_KEY, now=make.NOW) in answers


def test_without_the_lock_the_constraint_still_keeps_it_to_one(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.broker()
    without_the_lock(monkeypatch)
    bodies = [make.ndjson(make.record() for _ in range(50)) for _ in range(6)]

    at_once([lambda body=body: push.push(body, sender=WITH_KEY, now=make.NOW) for body in bodies])

    assert (Batch.objects.count(), FeedPush.objects.count(), Fill.objects.count()) == (1, 1, 50)


def test_without_the_lock_and_the_constraint_one_key_books_several_bodies(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.broker()
    without_the_lock(monkeypatch)
    with owner.connected() as database:
        database.execute("ALTER TABLE feed_push DROP CONSTRAINT a_key_of_a_sender_is_used_once")
    bodies = [make.ndjson(make.record() for _ in range(50)) for _ in range(3)]
    all_have_looked = Barrier(3)
    begin = push._Answering.begin

    def begin_together(self: Any) -> None:
        begin(self)
        # Here, before any row is locked: at the end two would wait for the totals of the first.
        all_have_looked.wait(timeout=60)

    monkeypatch.setattr(push._Answering, "begin", begin_together)
    at_once([lambda body=body: push.push(body, sender=WITH_KEY, now=make.NOW) for body in bodies])

    assert (Batch.objects.count(), FeedPush.objects.count()) == (3, 3)


def without_the_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every push gets a lock of its own."""
    numbers = count()
    monkeypatch.setattr(push, "_lock_of", lambda _sender: str(next(numbers)))


def test_a_push_that_is_broken_off_holds_its_key_no_longer(committed_db: str) -> None:
    make.broker()
    body = one()
    gone = connection.copy()
    gone.set_autocommit(False)
    with gone.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", ["7:k1", push._LOCKS_OF_KEYS]
        )
    with pytest.raises(StillRunning):
        pushed(body, WITH_KEY)

    gone.connection.close()  # as the server sees a process that was killed

    assert pushed(body, WITH_KEY)["accepted"] == 1


def test_two_that_count_at_once_lose_nothing(committed_db: str) -> None:
    make.broker()
    bodies = [make.ndjson([make.record(), make.record(brokerId=9)]) for _ in range(12)]

    at_once([lambda body=body: push.push(body, sender=WITHOUT, now=make.NOW) for body in bodies])

    assert tally.read() == Counted(24, 12, 0, {}, {"unknown_broker": 12})
