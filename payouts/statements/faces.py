"""The files of a statement: its document as it was stored, and CSV and PDF made from nothing else."""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import SpooledTemporaryFile

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from payouts import crash
from payouts.refusal import Refusal
from payouts.statements import actions, document, sheet
from payouts.statements.building import STRETCH
from payouts.statements.document import Document
from payouts.statements.models import Face, FacePart, Statement
from payouts.statements.pdf import pdf

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

#: How long a sweep goes on; what is left the next one does.
TURN = timedelta(seconds=20)
_AGAIN = timedelta(minutes=1)
_AT_LATEST = timedelta(hours=1)
_MOST_TOLD = 300
_LOCK = 7_230_062
#: Newest first: of a month just approved people wait for the files.
_MISSING = """
    SELECT statement.id, wanted.kind
    FROM statement CROSS JOIN (VALUES ('csv', 1), ('pdf', 2)) AS wanted (kind, place)
    WHERE NOT EXISTS (SELECT FROM statement_face AS face
                      WHERE face.statement_id = statement.id AND face.kind = wanted.kind)
    ORDER BY statement.id DESC, wanted.place
"""

CRASH_POINTS = ("faces: made", "faces: before it is committed", "faces: committed")


class NoSuchStatement(Refusal):
    """No statement has this number."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """How often a file could not be made, and when it is tried again."""

    failures: int
    again_at: datetime


_NEVER = _Failed(0, datetime.min.replace(tzinfo=UTC))
#: Of this process: what is wrong with one may be right after an update, with which it starts anew.
_failed: dict[tuple[int, str], _Failed] = {}


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A statement as a file that is kept as bytes."""

    id: int
    statement_id: int
    #: json, csv or pdf.
    kind: str
    sha256: str
    #: Bytes.
    size: int


def stored_of(statement_ids: Iterable[int]) -> dict[int, dict[str, StoredFace]]:
    """The files that are made of each statement, by kind. One query."""
    found: dict[int, dict[str, StoredFace]] = defaultdict(dict)
    for each in Face.objects.filter(statement__in=list(statement_ids)):
        found[each.statement_id][each.kind] = _stored(each)
    return dict(found)


def stored(statement_id: int, kind: str) -> StoredFace | None:
    """The file of a kind; None if it is not made yet, or there is no such statement."""
    row = Face.objects.filter(statement=statement_id, kind=kind).first()
    return None if row is None else _stored(row)


def stream(face_id: int) -> Iterator[bytes]:
    """The bytes of a file, stretch by stretch: one query and one stretch in memory each."""
    number = 0
    while (content := _part(face_id, number)) is not None:
        yield content
        number += 1


def document_of(statement_id: int) -> Document:
    """The document as it was stored, signature included, without its lines. Refuses `NoSuchStatement`."""
    face, last = _document_face(statement_id)
    before, after = _part(face, 0) or b"", _part(face, last) or b""
    found: Document = json.loads(before + after if last else before)
    found.pop("lines", None)
    return found


def lines_of(statement_id: int) -> Iterator[Document]:
    """The lines of the document as it was stored, in its order, in constant memory."""
    face, last = _document_face(statement_id)
    for number in range(1, last):
        yield from document.lines_in((_part(face, number) or b"").decode())


def ensure(*, statement_id: int, kind: str, now: datetime) -> StoredFace:
    """The file of a kind, made from the stored document and kept if it is missing. Refuses `NoSuchStatement`.

    It is made outside of a transaction and kept in a short one. Of two at once the unique constraint keeps
    one, and both get that.
    """
    found = stored(statement_id, kind)
    if found is not None:
        return found
    with SpooledTemporaryFile(max_size=STRETCH) as spool:
        for piece in _made(statement_id, kind):
            spool.write(piece)
        spool.seek(0)
        crash.point("faces: made")
        return _kept(statement_id, kind, iter(lambda: spool.read(STRETCH), b""), now=now)


def make_due(*, clock: Clock, turn: timedelta = TURN) -> int:
    """Make the files that statements still lack, of the newest first, for at most `turn`; how many.

    One that cannot be made is told to the log and does not stop the others: this process tries it again a
    minute later, then after ever longer times, up to an hour. Sweeps at the same time share the work.
    """
    made, ends = 0, clock() + turn
    for statement_id, kind in _missing():
        now = clock()
        if now > ends:
            break
        if now >= _failed.get((statement_id, kind), _NEVER).again_at:
            made += _make(statement_id, kind, now=now)
    return made


def _make(statement_id: int, kind: str, *, now: datetime) -> bool:
    with _by_us_alone(statement_id) as is_ours:
        if not is_ours or stored(statement_id, kind) is not None:
            return False
        try:
            ensure(statement_id=statement_id, kind=kind, now=now)
        except (OperationalError, InterfaceError):
            raise  # the database is gone: nothing about this statement
        except Exception as problem:
            failures = _failed.get((statement_id, kind), _NEVER).failures
            _failed[statement_id, kind] = _Failed(
                failures + 1, now + min(_AGAIN * 2 ** min(failures, 9), _AT_LATEST)
            )
            said = " ".join(str(problem).split())[:_MOST_TOLD]
            log.error(
                "the %s of statement %d cannot be made: %s: %s",
                kind, statement_id, type(problem).__name__, said,
            )  # fmt: skip
            return False
        _failed.pop((statement_id, kind), None)
        return True


def _made(statement_id: int, kind: str) -> Iterable[bytes]:
    of, lines = document_of(statement_id), lines_of(statement_id)
    if kind == Face.Kind.CSV:
        return sheet.rows(of, lines)
    if kind == Face.Kind.PDF:
        return [pdf(of, lines)]
    raise ValueError(f"{kind} is no file that is made of a statement")


def _kept(statement_id: int, kind: str, stretches: Iterable[bytes], *, now: datetime) -> StoredFace:
    statement = Statement.objects.get(pk=statement_id)
    try:
        with transaction.atomic():
            face = actions.keep(statement=statement, kind=kind, stretches=stretches, now=now)
            crash.point("faces: before it is committed")
    except IntegrityError:
        # Somebody kept it meanwhile, or it is refused for what it is.
        winner = stored(statement_id, kind)
        if winner is None:
            raise
        return winner
    crash.point("faces: committed")
    return _stored(face)


def _missing() -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_MISSING)
        return list(cursor.fetchall())


@contextmanager
def _by_us_alone(statement_id: int) -> Iterator[bool]:
    """Whether no other sweep is at this statement."""
    key = [_LOCK, statement_id % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        is_ours = cursor.fetchone()[0]
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _document_face(statement_id: int) -> tuple[int, int]:
    """The file with the document, and the number of its last part."""
    rows = FacePart.objects.filter(face__statement=statement_id, face__kind=Face.Kind.JSON)
    found = rows.order_by("-number").values_list("face", "number").first()
    if found is None:
        raise NoSuchStatement(f"There is no statement {statement_id}: choose one from the list.")
    return found


def _part(face_id: int, number: int) -> bytes | None:
    content = FacePart.objects.filter(face=face_id, number=number).values_list("content", flat=True).first()
    return None if content is None else bytes(content)


def _stored(row: Face) -> StoredFace:
    return StoredFace(row.pk, row.statement_id, row.kind, row.sha256, row.size)
