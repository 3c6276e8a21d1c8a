"""Each way in which the books of the quarantine can be wrong is found by its name, and no other."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from payouts import books
from tests import make
from tests.payouts import owner
from tests.payouts.desk.standing_acts import person
from tests.payouts.feed.waiting import discard, replay, waits

PLACES = "a record in quarantine is where its changes put it"
TALLY = "the tally = where records are"
SUM = "received = accepted + duplicate + excluded + quarantined"
#: What the owner does with the triggers off, and the invariants that then do not hold.
BREACHES = [
    ("UPDATE feed_tally SET records = records + 1 WHERE place = 'duplicate'", {TALLY}),
    ("UPDATE feed_tally SET records = records - 1 WHERE reason = 'discarded'", {TALLY}),
    ("DELETE FROM feed_tally WHERE reason = 'malformed'", {TALLY}),
    ("UPDATE quarantine_place SET reason = 'conflict' WHERE reason = 'malformed'", {PLACES, TALLY}),
    (
        "UPDATE quarantine_place SET state = 'discarded', reason = 'discarded' WHERE reason = 'malformed'",
        {PLACES, TALLY},
    ),
    ("UPDATE quarantine_place SET state = 'duplicate' WHERE state = 'accepted'", {PLACES}),
    ("UPDATE quarantine_place SET trade_id = trade_id + 1000000 WHERE state = 'accepted'", {PLACES}),
    ("DELETE FROM quarantine_place WHERE reason = 'malformed'", {PLACES, TALLY, SUM}),
    ("DELETE FROM quarantine_change WHERE act = 'discarded'", {PLACES}),
    (
        "UPDATE quarantine_change SET to_reason = 'terminated', to_state = 'excluded' WHERE act = 'replayed'",
        {PLACES},
    ),
    ("UPDATE feed_batch SET is_replay = false WHERE is_replay", {SUM}),
]  # fmt: skip


@pytest.fixture
def quarantine(committed_db: str) -> str:
    """A record that was replayed, one that was discarded, one that waits, and a duplicate."""
    waits(brokerId=1500)
    make.broker(code=1500)
    replay()
    discard([waits(brokerId=1501)])
    make.take_in([b"{", b"{"])
    return committed_db


@pytest.mark.parametrize(("deed", "broken"), BREACHES)
def test_a_breach_is_found_by_name(quarantine: str, deed: str, broken: set[str]) -> None:
    assert books.breaches() == []

    with owner.connected() as connected:
        owner.disarm(connected)
        connected.execute(deed)

    assert {each.invariant for each in books.breaches()} == broken


CHANGE = (
    "INSERT INTO quarantine_change (record_id, act, from_state, from_reason, to_state, to_reason,"
    " note, by_id, at) VALUES (%s, {}, '', %s, now())"
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "'discarded', 'waiting', 'unknown_broker', 'discarded', 'discarded'",  # without a note
        "'reopened', 'discarded', 'discarded', 'waiting', 'unknown_broker'",  # without a note
        "'stayed', 'waiting', 'unknown_broker', 'waiting', 'unknown_broker'",  # with the same reason
        "'stayed', 'waiting', 'conflict', 'waiting', 'fee_mismatch'",  # it is not there
        "'replayed', 'waiting', 'unknown_broker', 'accepted', ''",  # without a batch
        "'asked', 'waiting', 'unknown_broker', 'waiting', 'conflict'",
        "'forgotten', 'waiting', 'unknown_broker', 'discarded', 'discarded'",
    ],
)
def test_a_change_that_is_none_of_the_six_or_begins_elsewhere_is_refused(change: str) -> None:
    number = waits(brokerId=1500)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CHANGE.format(change), [number, person()])


@pytest.mark.django_db
def test_the_application_moves_no_place_but_by_a_change() -> None:
    waits(brokerId=1500)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        connection.cursor().execute("UPDATE quarantine_place SET state = 'accepted', reason = ''")
