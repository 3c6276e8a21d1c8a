"""Files of statements: made from the stored document alone, once, always the same bytes, in little memory."""

import json
import logging
import os
import subprocess
import sys
import tracemalloc
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from payouts import tasks
from payouts.models import Face, FacePart, Statement
from payouts.statements import building, faces, sheet
from payouts.statements.faces import NoSuchStatement, StoredFace
from tests import make
from tests.payouts import owner
from tests.payouts.desk.money_acts import LATER, NOON
from tests.payouts.monthend.processes import PROJECT
from tests.payouts.monthend.racing import AT_THE_GATE, gate_before_writing, side_by_side, until_waiting
from tests.payouts.statements import documents, issuing

KINDS = ("csv", "pdf")


@pytest.fixture(autouse=True)
def nothing_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "_failed", {})


@pytest.fixture
def statement(db: Any) -> Statement:
    return issuing.october(make.broker())


def made(statement: Statement, kind: str, *, now: Any = NOON) -> bytes:
    """The bytes as they would be made now; nothing is kept."""
    with transaction.atomic():
        face = faces.ensure(statement_id=statement.pk, kind=kind, now=now)
        content = b"".join(faces.stream(face.id))
        transaction.set_rollback(True)
    return content


# -- reading ----------------------------------------------------------------------------------


def test_a_file_is_streamed_as_the_bytes_that_its_sha_256_says(statement: Statement) -> None:
    for kind in ("json", *KINDS):
        face = faces.ensure(statement_id=statement.pk, kind=kind, now=NOON)
        content = b"".join(faces.stream(face.id))
        assert (face.kind, face.sha256, face.size) == (kind, sha256(content).hexdigest(), len(content))
        assert faces.stored(statement.pk, kind) == face


def test_the_document_and_its_lines_are_those_of_the_stored_json(statement: Statement) -> None:
    whole = json.loads(issuing.bytes_of(statement, "json"))

    assert issuing.document_of(statement) == whole
    assert len(whole["lines"]) == 3
    assert "lines" not in faces.document_of(statement.pk)


def test_a_statement_without_lines_has_a_document_too(db: Any) -> None:
    statement = issuing.issued(make.payout(make.broker(), amount="0.00"))

    assert issuing.document_of(statement)["lines"] == []
    assert issuing.bytes_of(statement, "csv").count(b"\r\n") == 3


def test_of_what_is_not_there_nothing_is_made(db: Any) -> None:
    assert faces.stored(1, "pdf") is None
    for read in (
        lambda: faces.document_of(1),
        lambda: list(faces.lines_of(1)),
        lambda: faces.ensure(statement_id=1, kind="csv", now=NOON),
    ):
        with pytest.raises(NoSuchStatement, match="choose one from the list"):
            read()


def test_no_other_file_is_made(statement: Statement) -> None:
    with pytest.raises(ValueError, match="xlsx is no file"):
        faces.ensure(statement_id=statement.pk, kind="xlsx", now=NOON)


# -- made once, of the stored document alone --------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_made_once(statement: Statement, kind: str) -> None:
    first = faces.ensure(statement_id=statement.pk, kind=kind, now=NOON)

    assert faces.ensure(statement_id=statement.pk, kind=kind, now=LATER) == first
    assert Face.objects.get(kind=kind).made_at == NOON


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_the_stored_statement_is_read(statement: Statement, kind: str) -> None:
    with CaptureQueriesContext(connection) as asked:
        faces.ensure(statement_id=statement.pk, kind=kind, now=NOON)

    tables = {word for each in asked for word in each["sql"].split('"') if word in _all_tables()}
    assert tables == {"statement", "statement_face", "statement_part"}


def _all_tables() -> set[str]:
    return set(connection.introspection.table_names())


@pytest.mark.parametrize("kind", KINDS)
def test_a_renamed_broker_other_terms_and_a_later_clock_do_not_reach_it(
    committed_db: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = issuing.october(make.broker())
    before = {each: made(statement, each) for each in ("json", kind)}

    with owner.connected() as hand:
        hand.execute("UPDATE broker SET name = 'Renamed Ltd'")
    monkeypatch.setattr("payouts.program.terms.ENTRIES", ())
    monkeypatch.setattr("payouts.statements.document.FORMULA", {})
    make.fills(make.record(price="9000000"))

    assert {each: made(statement, each, now=NOON + timedelta(days=4000)) for each in before} == before
    assert b"Renamed" not in b"".join(before.values())


ELSEWHERE = (
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C.utf8", "LANG": "C.utf8", "PYTHONHASHSEED": "1"},
    {"TZ": "America/Los_Angeles", "LC_ALL": "POSIX", "LANG": "POSIX", "PYTHONHASHSEED": "2"},
)


def test_processes_in_other_zones_and_locales_make_the_same_bytes(committed_db: str) -> None:
    _, statement = issuing.corrected(make.broker(name="Möbius & Söhne 株式会社"))
    here = b"".join(made(statement, kind) for kind in KINDS)

    for language, elsewhere in zip(("de", "ar"), ELSEWHERE, strict=True):
        said = subprocess.run(
            [sys.executable, "-m", "tests.payouts.statements.rendering", str(statement.pk), language],
            cwd=PROJECT,
            env=os.environ | elsewhere | {"DATABASE_URL": committed_db},
            capture_output=True,
            timeout=180,
            check=False,
        )
        assert (said.returncode, said.stderr) == (0, b"")
        assert said.stdout == here
    assert list(Face.objects.filter(statement=statement).values_list("kind", flat=True)) == ["json"]


# -- two at once, killed ----------------------------------------------------------------------


def two_at_once(statement: Statement, kind: str) -> list[StoredFace]:
    """Both have found none and made it before either keeps it."""
    with side_by_side() as begin:
        with gate_before_writing("statement_part"):
            begun = [
                begin(lambda: faces.ensure(statement_id=statement.pk, kind=kind, now=NOON)) for _ in range(2)
            ]
            until_waiting(2, AT_THE_GATE)
        return [each.result(timeout=60) for each in begun]


@pytest.mark.parametrize("kind", KINDS)
def test_of_two_at_once_one_is_kept_and_both_get_it(committed_db: str, kind: str) -> None:
    statement = issuing.october(make.broker())

    first, second = two_at_once(statement, kind)

    assert first == second == faces.stored(statement.pk, kind)
    assert Face.objects.filter(kind=kind).count() == 1
    assert set(FacePart.objects.values_list("face", flat=True)) == set(
        Face.objects.values_list("pk", flat=True)
    )


def test_without_the_constraint_two_would_be_kept(committed_db: str) -> None:
    """Twin."""
    statement = issuing.october(make.broker())
    with owner.connected() as hand:
        hand.execute("ALTER TABLE statement_face DROP CONSTRAINT a_statement_has_a_face_once")

    first, second = two_at_once(statement, "csv")

    assert first != second
    assert Face.objects.filter(kind="csv").count() == 2


def test_what_the_database_refuses_for_what_it_is_is_not_taken_for_a_race(
    statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "rows", lambda *_: iter([b""]))

    with pytest.raises(Exception, match="a_face_is_known_by_its_bytes"):
        faces.ensure(statement_id=statement.pk, kind="csv", now=NOON)


@pytest.mark.parametrize("point", faces.CRASH_POINTS)
def test_a_process_that_is_killed_leaves_all_of_a_file_or_nothing(committed_db: str, point: str) -> None:
    statement = issuing.october(make.broker())
    killed = subprocess.run(
        [sys.executable, "-m", "tests.payouts.statements.sweeping"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": committed_db, "CRASH_POINT": point},
        capture_output=True,
        timeout=180,
        check=False,
    )

    kept = 1 if point == "faces: committed" else 0
    assert killed.returncode == -9
    assert Face.objects.exclude(kind="json").count() == kept
    assert set(FacePart.objects.values_list("face", flat=True)) == set(
        Face.objects.values_list("pk", flat=True)
    )
    # Its lock went with it.
    assert faces.make_due(clock=lambda: LATER) == 2 - kept
    assert set(issuing.all_bytes_of(statement)) == {"json", "csv", "pdf"}


# -- the sweep --------------------------------------------------------------------------------


class Ticking:
    """A clock that goes on by so many seconds whenever it is read."""

    def __init__(self, seconds: float) -> None:
        self.now, self.step = LATER, timedelta(seconds=seconds)

    def __call__(self) -> Any:
        self.now += self.step
        return self.now


def kept() -> list[tuple[int, str]]:
    """Which files were made, in their order: broker and kind."""
    rows = Face.objects.exclude(kind="json").order_by("pk")
    return list(rows.values_list("statement__broker", "kind"))


def test_every_statement_gets_its_csv_and_pdf_the_newest_first(statement: Statement) -> None:
    issuing.october(make.broker(code=1500))

    assert faces.make_due(clock=lambda: LATER) == 4

    assert kept() == [(1500, "csv"), (1500, "pdf"), (1400, "csv"), (1400, "pdf")]
    assert set(Face.objects.exclude(kind="json").values_list("made_at", flat=True)) == {LATER}
    assert faces.make_due(clock=lambda: LATER) == 0


def test_only_what_is_missing_is_made(statement: Statement) -> None:
    faces.ensure(statement_id=statement.pk, kind="csv", now=NOON)

    assert faces.make_due(clock=lambda: LATER) == 1
    assert kept() == [(1400, "csv"), (1400, "pdf")]


def test_the_task_makes_them(statement: Statement) -> None:
    tasks.make_faces()

    assert kept() == [(1400, "csv"), (1400, "pdf")]


def test_a_turn_ends_and_the_next_goes_on(statement: Statement) -> None:
    assert faces.make_due(clock=Ticking(7), turn=timedelta(seconds=10)) == 1
    assert faces.make_due(clock=Ticking(7), turn=timedelta(seconds=10)) == 1
    assert kept() == [(1400, "csv"), (1400, "pdf")]


def test_one_that_cannot_be_made_is_told_in_a_line_and_stops_no_other(
    statement: Statement, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable = unreadable_statement()

    with caplog.at_level(logging.ERROR, logger="payouts.statements.faces"):
        assert faces.make_due(clock=lambda: LATER) == 2

    assert kept() == [(1400, "csv"), (1400, "pdf")]
    assert [each.getMessage() for each in caplog.records] == [
        f"the csv of statement {unreadable.pk} cannot be made: KeyError: 'month'",
        f"the pdf of statement {unreadable.pk} cannot be made: KeyError: 'calculated_at'",
    ]
    assert not any("\n" in each.getMessage() or each.exc_info for each in caplog.records)


def test_it_is_tried_again_a_minute_later_and_then_ever_more_rarely(
    db: Any, caplog: pytest.LogCaptureFixture
) -> None:
    unreadable_statement()
    told = []

    for minutes in (0, 0.5, 1, 2, 3, 6, 7, 14.5, 15):
        caplog.clear()
        assert faces.make_due(clock=lambda: LATER + timedelta(minutes=minutes)) == 0  # noqa: B023 - at once
        told.append((minutes, len(caplog.records)))

    assert told == [(0, 2), (0.5, 0), (1, 2), (2, 0), (3, 2), (6, 0), (7, 2), (14.5, 0), (15, 2)]


def test_one_that_could_not_be_made_is_made_once_it_can(
    statement: Statement, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.delattr(sheet, "rows")
        assert faces.make_due(clock=lambda: LATER) == 1

    assert faces.make_due(clock=lambda: LATER + timedelta(seconds=59)) == 0
    assert faces.make_due(clock=lambda: LATER + timedelta(seconds=60)) == 1
    assert faces._failed == {}


def unreadable_statement() -> Statement:
    """One whose document holds nothing."""
    make.approved(make.payout(make.broker(code=1500)))
    return Statement.objects.get(broker=1500)


def test_sweeps_at_the_same_time_share_the_work(committed_db: str) -> None:
    """What another one is at is left to it."""
    issuing.october(make.broker())
    other = issuing.october(make.broker(code=1500))

    with owner.connected() as hand:
        hand.execute("SELECT pg_advisory_lock(7230062, %s)", [other.pk])
        assert faces.make_due(clock=lambda: LATER) == 2
        assert kept() == [(1400, "csv"), (1400, "pdf")]

    assert faces.make_due(clock=lambda: LATER) == 2


def test_a_database_that_is_gone_is_nothing_about_a_statement(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuing.october(make.broker())
    rows = sheet.rows

    def gone(*given: Any) -> Any:
        with psycopg.connect(committed_db) as another:
            another.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = 'portal_app' AND pid <> pg_backend_pid()"
            )
        return rows(*given)

    with monkeypatch.context() as patched:
        patched.setattr(sheet, "rows", gone)
        with pytest.raises((OperationalError, InterfaceError)):
            faces.make_due(clock=lambda: LATER)
    connections.close_all()

    assert faces._failed == {}
    assert faces.make_due(clock=lambda: LATER) == 2


# -- long ones --------------------------------------------------------------------------------


def test_a_long_statement_is_stored_in_stretches_and_reads_the_same(db: Any) -> None:
    document, lines = documents.issued(documents.many(3_000))
    statement = issuing.written(make.payout(make.broker()), document, lines)
    assert FacePart.objects.count() > 4

    assert faces.document_of(statement.pk) == document
    assert list(faces.lines_of(statement.pk)) == lines
    assert issuing.bytes_of(statement, "csv") == b"".join(sheet.rows(document, lines))
    face = Face.objects.get(kind="csv")
    assert FacePart.objects.filter(face=face).count() == -(-face.size // building.STRETCH)


def test_a_csv_takes_the_same_memory_however_long_it_is(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of short stretches, so that few lines have many of them."""
    monkeypatch.setattr(building, "STRETCH", 8 * 1024)
    monkeypatch.setattr(faces, "STRETCH", 8 * 1024)
    peaks, sizes = [], []
    for code, count in ((1400, 1_000), (1500, 1_000), (1600, 8_000)):
        made = documents.issued(documents.many(count, seed=code))
        written = issuing.written(make.payout(make.broker(code=code)), *made)
        tracemalloc.start()
        face = faces.ensure(statement_id=written.pk, kind="csv", now=NOON)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        sizes.append(face.size)

    # The first one also filled caches.
    assert sizes[2] > 7 * sizes[1]
    assert peaks[2] < 1.2 * peaks[1]
