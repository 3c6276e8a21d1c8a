"""Makes the files that were asked for, in the background, stretch by stretch. A sweep, often."""

import json
import logging
import textwrap
from collections.abc import Iterable, Iterator
from datetime import timedelta
from tempfile import TemporaryFile

from django.db import InterfaceError, OperationalError

from payouts import crash
from payouts.month import Month
from payouts.statements import document, faces, sheet
from payouts.statements import queries as engine
from payouts.statements.document import Document
from payouts.statements.queries import Draft, Issued
from portal.statements import claims, zips
from portal.statements.claims import Claim, ClaimLost, Clock, Writing
from portal.statements.handing import MEDIA_TYPES, STRETCH, stretches
from portal.statements.models import Export

log = logging.getLogger(__name__)

#: How long a sweep goes on to begin files; what is left the next one does.
TURN = timedelta(seconds=20)

CRASH_POINTS = ("export: claimed", "export: part kept", "export: before it is ready", "export: ready")


def make_due(*, clock: Clock, turn: timedelta = TURN) -> int:
    """Make the files that were asked for, the longest waiting first, for at most `turn`; how many.

    Any number of sweeps may run at once. Of one that is killed the file is begun anew when its lease is
    over; what it left is never part of it. One that cannot be made stops no other.
    """
    made, ends = 0, clock() + turn
    while clock() < ends:
        claim = claims.claim(now=clock())
        if claim is None:
            break
        crash.point("export: claimed")
        made += _made(claim, clock)
    return made


def _made(claim: Claim, clock: Clock) -> bool:
    try:
        _make(claim, Writing(claim, clock))
    except ClaimLost as lost:
        log.warning("%s", lost)
        return False
    except (OperationalError, InterfaceError):
        raise  # nothing could be noted either; the lease brings it back
    except Exception as problem:
        said = " ".join(str(problem).split())[:300]
        log.error("export %d cannot be made: %s: %s", claim.export_id, type(problem).__name__, said)
        claims.failed(claim, now=clock())
        return False
    crash.point("export: ready")
    return True


def _make(claim: Claim, writing: Writing) -> None:
    if claim.kind != Export.Kind.DRAFT:
        _pack(claim, writing)
        return
    month = Month.parse(claim.of)
    issued = engine.issued_of(broker_code=claim.broker_code, month=month)
    if issued is None:
        draft = engine.draft(broker_code=claim.broker_code, month=month, with_pseudonyms=True)
        writing.total = len(draft.document["lines"])
        writing.went_on(0)
        _keep(writing, _pieces_of(draft, claim.file_format, writing))
        name = draft.file_name
    else:
        _keep(writing, _stored(issued, claim.file_format, writing))
        name = issued.file_name
    _is_over(writing, f"{name}.{claim.file_format}", claim.file_format)


def _pack(claim: Claim, writing: Writing) -> None:
    """Built on the disk of this process; then its bytes are kept where the web processes find them."""
    year = int(claim.of) if claim.kind == Export.Kind.YEAR else None
    found = zips.statements(broker_code=claim.broker_code, year=year)
    writing.total = zips.files_in(found)
    writing.went_on(0)
    with TemporaryFile() as file:
        zips.pack(file, found, now=writing.clock(), went_on=writing.went_on)
        file.seek(0)
        _keep(writing, stretches(file))
    _is_over(writing, zips.file_name(broker_code=claim.broker_code, year=year), "zip")


def _stored(issued: Issued, kind: str, writing: Writing) -> Iterator[bytes]:
    """Of a statement that was issued meanwhile, or whose file was not made yet: the file as it is kept."""
    writing.total = issued.lines
    writing.went_on(0)
    face = faces.ensure(statement_id=issued.id, kind=kind, now=writing.clock())
    yield from faces.stream(face.id)


def _pieces_of(draft: Draft, kind: str, writing: Writing) -> Iterable[bytes]:
    if kind == "pdf":
        return [draft.as_pdf()]
    lines = _counted(draft.document["lines"], writing)
    return sheet.rows(draft.document, lines) if kind == "csv" else json_of(draft.document, lines)


def json_of(draft: Document, lines: Iterable[Document]) -> Iterator[bytes]:
    """The same bytes as the document as a whole (`document.as_json`), line by line: its lines come last."""
    around = document.as_json(
        {name: value for name, value in draft.items() if name != "lines"} | {"lines": []}
    )
    before, empty, after = around.rpartition(b'"lines": []')
    yield before
    comma = b'"lines": [\n'
    for line in lines:
        yield comma + textwrap.indent(json.dumps(line, ensure_ascii=False, indent=1), "  ").encode()
        comma = b",\n"
    yield (b"\n ]" if comma == b",\n" else empty) + after


def _counted(lines: Iterable[Document], writing: Writing) -> Iterator[Document]:
    for number, line in enumerate(lines, start=1):
        yield line
        if number % 500 == 0:
            writing.went_on(number)


def _keep(writing: Writing, pieces: Iterable[bytes]) -> None:
    """Small pieces together, so that a part is about a stretch long."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= STRETCH:
            writing.keep(bytes(gathered))
            gathered.clear()
            crash.point("export: part kept")
    if gathered:
        writing.keep(bytes(gathered))
        crash.point("export: part kept")


def _is_over(writing: Writing, name: str, kind: str) -> None:
    crash.point("export: before it is ready")
    writing.is_over(name=name, media_type=MEDIA_TYPES[kind])
