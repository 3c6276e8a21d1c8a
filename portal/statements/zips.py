"""Packs statements into a ZIP: the same bytes for the same statements, one stretch of a file in memory."""

import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO

from payouts.statements import faces, verify_statement
from payouts.statements import keys as published
from payouts.statements import queries as engine
from payouts.statements.queries import Issued

#: The order of a statement's files.
_KINDS = ("pdf", "csv", "json")
#: A ZIP knows no instants before; when it was made says nothing about what it holds.
_ALWAYS = (1980, 1, 1, 0, 0, 0)
_VERIFIER = Path(verify_statement.__file__)

#: English, like the files that it explains.
_README = """\
Statements of the API Broker Program, broker {code}

Each statement is here three times, with the same figures:
  .pdf   for people
  .csv   for spreadsheets: one row a line, and a total that ties
  .json  the signed document itself

To verify one you need Python 3.11 or newer and `pip install cryptography`:

  python verify_statement.py {example}.json keys.json

It checks the signature and works out every line and total anew.
keys.json lists the public keys as they stood when this was packed. Your trust rests on
that list: compare it with the one on the portal, /verify/keys.json.

{listed}
"""


def statements(*, broker_code: int, year: int | None) -> list[Issued]:
    """What a ZIP of a year, or of all, holds: the oldest first."""
    return [
        each
        for each in reversed(engine.issued(broker_code=broker_code))
        if year is None or each.month.year == year
    ]


def file_name(*, broker_code: int, year: int | None) -> str:
    return f"backpack-broker-{broker_code}-{'' if year is None else f'{year}-'}statements.zip"


def files_in(of: Sequence[Issued]) -> int:
    """How many files of statements it holds."""
    return len(_KINDS) * len(of)


def pack(
    into: IO[bytes], of: Sequence[Issued], *, now: datetime, went_on: Callable[[int], object] = lambda _: None
) -> None:
    """Write the ZIP of these statements (at least one), making the files that are not made yet.

    `went_on` is told how many files are done, again with every stretch of the next one.
    """
    done = 0
    with zipfile.ZipFile(into, "w") as archive:
        listed = "\n".join(f"{each.month}  statement {each.number}  {each.digest}" for each in of)
        readme = _README.format(code=of[0].broker, example=of[-1].file_name, listed=listed)
        _write(archive, "README.txt", [readme.encode()])
        _write(archive, "keys.json", [_keys(of)])
        _write(archive, _VERIFIER.name, [_VERIFIER.read_bytes()])
        for each in of:
            for kind in _KINDS:
                face = faces.ensure(statement_id=each.id, kind=kind, now=now)
                with _entry(archive, f"{each.file_name}.{kind}", size=face.size) as entry:
                    for stretch in faces.stream(face.id):
                        entry.write(stretch)
                        went_on(done)
                done += 1
                went_on(done)


def _keys(of: Iterable[Issued]) -> bytes:
    """Those that signed these statements: a key that comes later changes no ZIP of earlier ones."""
    ids = {each.key_id for each in of}
    keys = [each for each in published.published_keys()["keys"] if each["key_id"] in ids]
    return json.dumps({"keys": keys}, indent=1).encode() + b"\n"


def _write(archive: zipfile.ZipFile, name: str, stretches: Iterable[bytes]) -> None:
    content = b"".join(stretches)
    with _entry(archive, name, size=len(content)) as entry:
        entry.write(content)


def _entry(archive: zipfile.ZipFile, name: str, *, size: int) -> IO[bytes]:
    entry = zipfile.ZipInfo(name, _ALWAYS)
    # A PDF is compressed in itself.
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(".pdf") else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3  # the same on whatever system it is packed
    entry.file_size = size
    return archive.open(entry, "w")
