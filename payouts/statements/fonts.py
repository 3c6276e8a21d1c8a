"""The fonts of statements, from a pinned wheel: the same on every machine, whatever it has installed."""

import importlib
import os
import struct
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import typst

#: FiraGO has tabular figures, and Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Thai and Georgian.
BODY = ("FiraGO_Regular", "FiraGO_Bold")
_DIGITS = "FiraMono_Regular"
#: For single signs that FiraGO lacks, in this order; the template names the same families.
FALLBACK = ("NotoSans_Regular", "NotoSansSymbols2_Regular", "NotoSansMath_Regular")
_EACH_ONCE = '#text(font: "{family}", weight: {weight}, fallback: false)[0]'


def loaded() -> typst.Fonts:
    """The fonts, read into this process once. Nothing is left on disk.

    Raises `RuntimeError` in the fork of a process that has printed: Typst's threads are gone there, and it
    would wait for them for ever.
    """
    fonts, process = _loaded()
    if process != os.getpid():
        raise RuntimeError("This process was forked from one that has printed; print in a fresh one.")
    return fonts


@cache
def _loaded() -> tuple[typst.Fonts, int]:
    with tempfile.TemporaryDirectory(prefix="statement-fonts-") as folder:
        for name in (*BODY, _DIGITS, *FALLBACK):
            Path(folder, f"{name}.ttf").write_bytes(_content(name))
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
        # A font is read when it is first used, and kept.
        used = (_EACH_ONCE.format(family=font.family, weight=font.weight) for font in fonts.fonts())
        typst.compile("".join(used).encode(), font_paths=fonts, ignore_system_fonts=True)
    return fonts, os.getpid()


@cache
def signs_of_body() -> frozenset[int]:
    """The code points that FiraGO shows, in both weights."""
    return frozenset.intersection(*(frozenset(_signs(_content(name))) for name in BODY))


@cache
def signs_of_fallback() -> frozenset[int]:
    """The code points that only another font shows."""
    return frozenset(sign for name in FALLBACK for sign in _signs(_content(name))) - signs_of_body()


def _content(name: str) -> bytes:
    content: bytes = importlib.import_module(f"pymupdf_fonts.{name}").fontbuffer
    return content


def _signs(font: bytes) -> Iterator[int]:
    """The code points in the widest Unicode table of a TrueType font (`cmap`, formats 4 and 12)."""
    [tables] = struct.unpack_from(">H", font, 4)
    records = (struct.unpack_from(">4sxxxxII", font, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, offset, _ in records if tag == b"cmap")
    [subtables] = struct.unpack_from(">H", font, start + 2)
    found = {}
    for number in range(subtables):
        platform, encoding, offset = struct.unpack_from(">HHI", font, start + 4 + 8 * number)
        [form] = struct.unpack_from(">H", font, start + offset)
        if (platform, encoding) in ((0, 3), (0, 4), (3, 1), (3, 10)):
            found[form] = start + offset
    if 12 in found:
        return _of_format_12(font, found[12])
    return _of_format_4(font, found[4])


def _of_format_12(font: bytes, at: int) -> Iterator[int]:
    [groups] = struct.unpack_from(">I", font, at + 12)
    for number in range(groups):
        first, last, glyph = struct.unpack_from(">III", font, at + 16 + 12 * number)
        yield from (sign for sign in range(first, last + 1) if glyph + sign - first)


def _of_format_4(font: bytes, at: int) -> Iterator[int]:
    [doubled] = struct.unpack_from(">H", font, at + 6)
    count = doubled // 2
    ends = struct.unpack_from(f">{count}H", font, at + 14)
    starts = struct.unpack_from(f">{count}H", font, at + 16 + doubled)
    shifts = struct.unpack_from(f">{count}H", font, at + 16 + 2 * doubled)
    offsets_at = at + 16 + 3 * doubled
    offsets = struct.unpack_from(f">{count}H", font, offsets_at)
    for number, (first, last, shift, offset) in enumerate(zip(starts, ends, shifts, offsets, strict=True)):
        for sign in range(first, last + 1):
            glyph = sign
            if offset:
                place = offsets_at + 2 * number + offset + 2 * (sign - first)
                [glyph] = struct.unpack_from(">H", font, place)
            if (glyph and (glyph + shift) % 0x10000) and sign != 0xFFFF:
                yield sign
