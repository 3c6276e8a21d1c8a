"""Reads the file of brokers whose codes exist already: `code,name,account_id,enrolled_at`. Pure."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import datetime

from payouts.month import read_instant
from payouts.program import broker_code
from payouts.refusal import Refusal

COLUMNS = ("code", "name", "account_id", "enrolled_at")
LONGEST_TEXT = 200
_CODE = re.compile(r"0|[1-9][0-9]{0,4}")


class InvalidRow(Refusal):
    """A row cannot be used; the text names its line. Nothing of the file is imported."""


@dataclass(frozen=True, slots=True)
class BrokerRow:
    """One broker of the file and the line it stands on."""

    code: int
    name: str
    account_id: str
    enrolled_at: datetime
    line: int

    @property
    def values(self) -> tuple[int, str, str, datetime]:
        return (self.code, self.name, self.account_id, self.enrolled_at)


def read(content: bytes) -> list[BrokerRow]:
    """Every row of the file. Raises `InvalidRow` at the first one that cannot be used."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRow("the file is not UTF-8; nothing was imported") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = []
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            raise InvalidRow(f"line 1: the header must be {','.join(COLUMNS)}")
        for cells in reader:
            if cells:
                rows.append(_row(cells, reader.line_num))
    except csv.Error as problem:
        raise InvalidRow(f"line {reader.line_num}: {problem}; nothing was imported") from None
    return rows


def _row(cells: list[str], line: int) -> BrokerRow:
    if len(cells) != len(COLUMNS):
        raise _invalid(line, f"it has {len(cells)} cells, not {len(COLUMNS)}")
    code, name, account_id, enrolled_at = cells
    if _CODE.fullmatch(code) is None or not broker_code.is_code(int(code)):
        raise _invalid(line, f"'{code[:20]}' is not a code from 0 to 65535")
    for column, text in (("name", name), ("account_id", account_id)):
        if not 1 <= len(text) <= LONGEST_TEXT or "\0" in text:
            raise _invalid(line, f"{column} must have 1 to {LONGEST_TEXT} characters")
    try:
        moment = read_instant(enrolled_at)
    except ValueError as problem:
        raise _invalid(line, f"enrolled_at: {problem}") from None
    return BrokerRow(int(code), name, account_id, moment, line)


def _invalid(line: int, what: str) -> InvalidRow:
    return InvalidRow(f"line {line}: {what}; nothing was imported")
