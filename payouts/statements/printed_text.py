"""Texts and figures as statements print them: what people wrote is tamed, no figure is ever rounded."""

import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from payouts.money import EXACT, plain
from payouts.statements import fonts

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
#: Stands for a sign that no font of ours has.
_LACKING = "\ufffd"
#: Joiners that Persian and Indian scripts are spelled with.
_JOINERS = "\u200c\u200d"
_VARIATION = range(0xFE00, 0xFE10)
_MOST_MARKS = 3
#: A longer word may break after so many signs; nothing is shown there.
_LONGEST_WORD = 24
_MAY_BREAK = "\u200b"
#: Widths of FiraGO's tabular figures and signs, in thousandths of the size.
DIGIT, POINT, MINUS = 560, 240, 403
_PERCENT = 900
_USUAL = 1_000

#: A text of a table, or a text and its size in thousandths of the usual one.
Cell = str | list[str | int]


def tamed(text: str, *, longest: int) -> str:
    """What people wrote, on one line and as it reads: no control signs, no reordering, no towers of marks.

    A sign that the fonts lack becomes �. Beyond `longest` signs it ends with an ellipsis.
    """
    if text.isascii() and text.isprintable() and 0 < len(text) <= min(longest, _LONGEST_WORD):
        return text.strip() or "–"
    kept: list[str] = []
    marks, in_body = 0, False
    for sign in text:
        code = ord(sign)
        is_body = code in fonts.signs_of_body()
        if code in _VARIATION:
            continue
        if sign in _JOINERS or unicodedata.category(sign).startswith("M"):
            # A sign and its marks come from one font, or they would not be shown together.
            marks += 1
            if in_body and is_body and marks <= _MOST_MARKS:
                kept.append(sign)
            continue
        marks, in_body = 0, is_body
        if not sign.isprintable():
            kept.append(" ")
        elif is_body or code in fonts.signs_of_fallback():
            kept.append(sign)
        else:
            kept.append(_LACKING)
    words = "".join(kept).split()
    whole = " ".join(words) or "–"
    return broken(whole if len(whole) <= longest else whole[: longest - 1].rstrip() + "…")


def broken(text: str) -> str:
    """The text with places in its long words where a line may end."""
    return " ".join(
        _MAY_BREAK.join(word[at : at + _LONGEST_WORD] for at in range(0, len(word), _LONGEST_WORD))
        for word in text.split(" ")
    )


def lacks(text: str) -> bool:
    """Whether a tamed text shows less than was written because of the fonts."""
    return _LACKING in text


def figure(number: str) -> str:
    """All digits, with thousands separators: 18,204,651.418."""
    return f"{Decimal(number):,f}"


def percent(rate: str) -> str:
    """A rate as people say it, exactly: 0.00085 is 0.085%."""
    return plain(EXACT.multiply(Decimal(rate), Decimal(100))) + "%"


def month(value: str) -> str:
    """2026-10 is October 2026."""
    year, number = value.split("-")
    return f"{_MONTHS[int(number) - 1]} {year}"


def day(value: str) -> str:
    """The day of an instant, in UTC."""
    at = instant(value)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def moment(value: str | None) -> str:
    """An instant with all its digits."""
    return "–" if value is None else value.replace("T", " ").replace("Z", " UTC")


def instant(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def width(text: str) -> int:
    """How wide a figure is, in thousandths of its size."""
    return sum(
        POINT if sign in ".,:" else MINUS if sign == "-" else _PERCENT if sign == "%" else DIGIT
        for sign in text
    )


def column(figures: Sequence[str], *, room: int) -> list[Cell]:
    """Figures for a column that is set right, all with as many decimals, so that their points meet.

    `room` is the column's width in thousandths of the usual size. Where that many decimals have no room, each
    figure keeps its own, and is as small as it needs to be.
    """
    most = max((_decimals(one) for one in figures), default=0)
    same = [_with_decimals(one, most) for one in figures]
    if all(width(one) <= room for one in same):
        return list(same)
    return [one if width(one) <= room else [one, room * _USUAL // width(one)] for one in figures]


def _decimals(figure: str) -> int:
    return len(figure.rstrip("%").partition(".")[2])


def _with_decimals(figure: str, decimals: int) -> str:
    if not figure:
        return figure
    number, sign = (figure[:-1], "%") if figure.endswith("%") else (figure, "")
    lacking = decimals - _decimals(number)
    point = "." if lacking and "." not in number else ""
    return f"{number}{point}{'0' * lacking}{sign}"
