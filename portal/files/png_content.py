"""Whether bytes are a whole PNG: its chunks, and as many rows of pixels as it says. Bytes in."""

import struct
import zlib
from functools import partial

from portal.files.picture_parts import Broken, Picture, Unreadable
from portal.files.refusal import too_complicated
from portal.files.unpacking import unpacked

_START = 8
_MOST_CHUNKS = 10_000
#: Values of a pixel by the type of colour, and how many bits one may have.
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_VALUES = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGBA: 4}
_BITS = {
    _GREY: (1, 2, 4, 8, 16),
    _RGB: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GREY_ALPHA: (8, 16),
    _RGBA: (8, 16),
}
#: The seven passes of an interlaced picture: first column and row, steps between columns and rows.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_FILTERS = b"\0\1\2\3\4"


def measured(content: bytes) -> Picture:
    """The picture by its chunks. Raises `Broken`; refuses (`FileRefused`) more chunks than pictures have."""
    view = memoryview(content)
    place, header, pixels, has_palette = _START, b"", [], False
    for _chunk in range(_MOST_CHUNKS):
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if not kind.isalpha() or end > len(content):
            raise Broken
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(view[place + 4 : end - 4]) != checksum:
            raise Broken
        inside = view[place + 8 : end - 4]
        if not header:
            if kind != b"IHDR" or length != 13:
                raise Broken
            header = bytes(inside)
        place = end
        if kind == b"IDAT":
            pixels.append(inside)
        elif kind == b"PLTE":
            has_palette = True
        elif kind == b"IEND":
            width, height = struct.unpack_from(">II", header)
            whole = partial(_must_be_whole, header, pixels, has_palette=has_palette)
            return Picture(width, height, place, whole)
    raise too_complicated()


def _must_be_whole(header: bytes, pixels: list[memoryview], *, has_palette: bool) -> None:
    """Unpack every row and throw it away: 50 million pixels never lie in memory.

    What else is packed in the file, texts or profiles of colour, is not unpacked: nobody here reads it.
    """
    width, height, bits, colour, packing, filtering, interlace = struct.unpack(">IIBBBBB", header)
    if bits not in _BITS.get(colour, ()) or (packing, filtering) != (0, 0) or interlace not in (0, 1):
        raise Unreadable
    if colour == _PALETTE and not has_palette:
        raise Unreadable
    columns_and_rows = [(width, height)]
    if interlace:
        columns_and_rows = [
            ((width - left + across - 1) // across, (height - top + down - 1) // down)
            for left, top, across, down in _PASSES
        ]
    bits_of_pixel = bits * _VALUES[colour]
    passes = [(1 + (columns * bits_of_pixel + 7) // 8, rows) for columns, rows in columns_and_rows if columns]
    try:
        _must_hold(b"".join(pixels), passes)
    except zlib.error:
        raise Unreadable from None


def _must_hold(packed: bytes, passes: list[tuple[int, int]]) -> None:
    """Every row begins with the number of its filter. Raises `Unreadable` where rows are missing or wrong."""
    left = [(row, row * rows) for row, rows in passes if rows]
    row, ahead = left.pop(0)
    first = 0
    for piece, _read in unpacked(memoryview(packed)):
        while piece:
            now, piece = piece[:ahead], piece[ahead:]
            if now[first::row].translate(None, _FILTERS):
                raise Unreadable
            first = (first - len(now)) % row
            ahead -= len(now)
            if ahead:
                continue
            if not left:
                return
            (row, ahead), first = left.pop(0), 0
    raise Unreadable
