"""Bytes and texts from outside as a page may show them: nothing hides, nothing turns lines around. Pure."""

import unicodedata
from dataclasses import dataclass
from itertools import groupby

#: Of a record so much is shown; its length is told.
LONGEST_SHOWN = 64 * 1024
#: Bytes that are less text than this are shown as hexadecimal digits.
_LEAST_TEXT = 0.6
_A_LINE = 16
#: They break a line of a record as they break one of a page.
_LAYOUT = "\n\t"
#: Letters by Unicode's book that show as nothing at all.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, or the escapes that stand for what cannot be seen."""

    text: str
    is_escape: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a record: as text with escapes, or as hexadecimal digits."""

    pieces: list[Piece]
    is_hex: bool
    #: All bytes there are, and how many of them are shown.
    length: int
    shown: int

    @property
    def is_cut(self) -> bool:
        return self.shown < self.length

    @property
    def has_escapes(self) -> bool:
        return any(each.is_escape for each in self.pieces)


def raw(content: bytes, length: int | None = None) -> Raw:
    """The bytes for a page; `length` is how many there were, where only the first are at hand."""
    shown = content[:LONGEST_SHOWN]
    is_hex = not _is_text(shown)
    pieces = [Piece(hexadecimal(shown))] if is_hex else visible(shown.decode(errors="surrogateescape"))
    return Raw(pieces, is_hex, len(content) if length is None else length, len(shown))


def visible(text: str) -> list[Piece]:
    r"""Controls, NUL, overrides of direction, marks on letters, and bytes that are no UTF-8 (as
    surrogates U+DC80 to U+DCFF, shown `\x80` to `\xff`) as escapes; everything else as it is."""
    if text.isascii() and text.isprintable():
        return [Piece(text)] if text else []
    return [
        Piece("".join(_escape(sign) for sign in signs) if is_escape else "".join(signs), is_escape)
        for is_escape, signs in groupby(text, key=_is_hidden)
    ]


def plainly(text: str) -> str:
    """`visible` as one text, for where nothing can be marked."""
    return "".join(each.text for each in visible(text))


def hexadecimal(content: bytes) -> str:
    """Lines of sixteen bytes: where they stand, their digits, and what of them is ASCII."""
    return "\n".join(
        f"{start:08x}  {line.hex(' '):<{3 * _A_LINE - 1}}  "
        + "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in line)
        for start in range(0, len(content), _A_LINE)
        for line in [content[start : start + _A_LINE]]
    )


def _is_text(content: bytes) -> bool:
    text = content.decode(errors="surrogateescape")
    seen = sum(1 for sign in text if sign in _LAYOUT or sign.isprintable())
    return not text or seen >= _LEAST_TEXT * len(text)


def _is_hidden(sign: str) -> bool:
    if sign in _LAYOUT:
        return False
    return not sign.isprintable() or sign in _BLANK or unicodedata.category(sign)[0] == "M"


def _escape(sign: str) -> str:
    number = ord(sign)
    if 0xDC80 <= number <= 0xDCFF:
        return f"\\x{number - 0xDC00:02x}"
    if number <= 0xFF:
        return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
