"""Whether bytes are a whole JPEG that can be decoded at little cost. Bytes in."""

import io
import re
import struct
from dataclasses import dataclass
from functools import partial

from PIL import Image

from portal.files.picture_parts import Broken, Picture, Unreadable
from portal.files.refusal import too_complicated

_SOI, _EOI, _SOS, _COMMENT = 0xD8, 0xD9, 0xDA, 0xFE
_RESTARTS, _ALONE = frozenset(range(0xD0, 0xD8)), frozenset((0x00, 0x01, _SOI))
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: What cameras, scanners and programs write: sequential and progressive, never arithmetic or lossless.
_USUAL_FRAMES, _PROGRESSIVE = frozenset((0xC0, 0xC1, 0xC2)), 0xC2
#: What programs note beside the picture; the decoder does without, but for Adobe's word on the colours.
_NOTES, _ADOBE = frozenset(range(0xE0, 0xF0)) | {_COMMENT}, 0xEE

_MOST_SEGMENTS = 10_000
#: All segments together that are neither notes nor scans: tables.
_TABLES_LIMIT = 256 * 1024
#: Usual programs write about ten.
_MOST_SCANS = 64
#: A picture of several scans lies in memory as coefficients of two bytes each: 50 million pixels with colours
#: at half the resolution, 26 million with full ones, 20 million for print.
_MOST_COEFFICIENTS = 80_000_000
#: Every scan goes over all coefficients of its colours; usual programs need about six times all of them.
_MOST_VISITS = 600_000_000

_FILL = re.compile(rb"\xff+")
_LONG_FILL = b"\xff" * 1_000
#: A marker inside of compressed data that ends it.
_ENDS_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True, slots=True)
class _Frame:
    width: int
    height: int
    is_progressive: bool
    #: How many coefficients each component has, by its number.
    coefficients: dict[int, int]


def measured(content: bytes) -> Picture:
    """The picture by its segments. Raises `Broken`; refuses (`FileRefused`) what no usual program writes."""
    view = memoryview(content)
    place, frame = 2, None
    tables, scans, visits = 0, 0, 0
    #: All that the decoder needs.
    needed: list[memoryview | bytes] = [b"\xff\xd8"]
    for _segment in range(_MOST_SEGMENTS):
        fill = _FILL.match(content, place)
        if fill is None:
            raise Broken
        place = fill.end() + 1
        marker = content[fill.end()]
        if marker == _EOI:
            if frame is None or not scans:
                raise Broken
            needed.append(b"\xff\xd9")
            return Picture(frame.width, frame.height, place, partial(_must_be_whole, frame, needed, visits))
        if marker in _RESTARTS or marker in _ALONE:
            raise Broken
        (length,) = struct.unpack_from(">H", content, place)
        if length < 2 or place + length > len(content):
            raise Broken
        segment = view[place : place + length]
        place += length
        if marker in _NOTES and marker != _ADOBE:
            continue
        needed += [b"\xff%c" % marker, segment]
        if marker != _SOS:
            tables += length
            if tables > _TABLES_LIMIT:
                raise too_complicated()
        if marker in _FRAMES:
            if frame is not None:
                raise Broken
            frame = _frame(marker, segment)
        if marker == _SOS:
            scans += 1
            if frame is None:
                raise Broken
            if scans > _MOST_SCANS:
                raise too_complicated()
            visits += _visited(frame, segment)
            after = _ENDS_SCAN.search(content, place)
            if after is None:
                raise Broken
            needed.append(content[place : after.start()].rstrip(b"\xff"))
            place = after.start()
    raise too_complicated()


def _frame(marker: int, segment: memoryview) -> _Frame:
    if marker not in _USUAL_FRAMES:
        raise too_complicated()
    _precision, height, width, number = struct.unpack_from(">BHHB", segment, 2)
    if not 1 <= number <= 4:
        raise Broken
    components = {}
    for place in range(8, 8 + 3 * number, 3):
        sampling = segment[place + 1]
        components[segment[place]] = (sampling >> 4, sampling & 15)
    most_across = max(across for across, _down in components.values())
    most_down = max(down for _across, down in components.values())
    if not all(1 <= size <= 4 for both in components.values() for size in both):
        raise Broken
    units = -(-width // (8 * most_across)) * -(-height // (8 * most_down))
    coefficients = {name: units * 64 * across * down for name, (across, down) in components.items()}
    return _Frame(width, height, marker == _PROGRESSIVE, coefficients)


def _visited(frame: _Frame, segment: memoryview) -> int:
    """How many coefficients a scan goes over."""
    names = [segment[3 + 2 * number] for number in range(segment[2])]
    if not names or not frame.coefficients.keys() >= set(names):
        raise Broken
    return sum(frame.coefficients[name] for name in set(names))


def _must_be_whole(frame: _Frame, needed: list[memoryview | bytes], visits: int) -> None:
    """Decode all of it at an eighth of its size: every byte is read, but few pixels are made."""
    coefficients = sum(frame.coefficients.values())
    if (frame.is_progressive or visits != coefficients) and (
        coefficients > _MOST_COEFFICIENTS or visits > _MOST_VISITS
    ):
        raise too_complicated()
    core = b"".join(needed)
    # Endless fill inside of a scan is read anew with each piece that the decoder is given.
    if _LONG_FILL in core:
        raise too_complicated()
    try:
        with Image.open(io.BytesIO(core), formats=["JPEG"]) as image:
            is_same = image.size == (frame.width, frame.height)
            image.draft(None, (1, 1))
            image.load()
    except Exception:  # whatever the decoder trips over, it is no picture for us
        raise Unreadable from None
    if not is_same:
        raise Unreadable
