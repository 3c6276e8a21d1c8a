"""Whether bytes are one whole picture, PNG or JPEG, with nothing after it. Bytes in."""

import io
import struct
import zlib

from django.utils.translation import gettext as _
from PIL import Image

from portal.application.file_refusal import FileRefused

#: Width times height; a page scanned at 600 dots an inch has 35 million.
MOST_PIXELS = 50_000_000

_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
_PNG_START = 8
#: JPEG: markers of a frame's size, and those that stand alone.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOI, _EOI, _SOS, _RESTARTS = 0xD8, 0xD9, 0xDA, frozenset(range(0xD0, 0xD8))


class _Broken(Exception):
    """The structure does not hold."""


def check(content: bytes, media_type: str) -> None:
    """Refuse (`FileRefused`) a picture that is cut off, broken, too large, or followed by something."""
    measure = _png if media_type == "image/png" else _jpeg
    try:
        width, height, end = measure(content)
    except (_Broken, struct.error, IndexError):
        raise FileRefused(_("The picture is cut off or damaged: save it anew and choose it again.")) from None
    if content[end:].strip(b"\0" if media_type == "image/jpeg" else b""):
        raise FileRefused(
            _("There is something after the end of the picture: save it anew, or print it to a PDF.")
        )
    if not 0 < width * height <= MOST_PIXELS:
        raise FileRefused(_("The picture has more than 50 million pixels: make it smaller."))
    try:
        with Image.open(io.BytesIO(content), formats=[_FORMATS[media_type]]) as image:
            if image.size != (width, height):
                raise _Broken
            image.load()
    except Exception:  # whatever the decoder trips over, it is no picture for us
        raise FileRefused(_("The picture cannot be read: save it anew and choose it again.")) from None


def _png(content: bytes) -> tuple[int, int, int]:
    """Width, height, and where the file ends by its chunks."""
    place, size = _PNG_START, None
    while True:
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 12 + length
        if not kind.isalpha() or end > len(content):
            raise _Broken
        (checksum,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(content[place + 4 : end - 4]) != checksum:
            raise _Broken
        if size is None:
            if kind != b"IHDR" or length != 13:
                raise _Broken
            size = struct.unpack_from(">II", content, place + 8)
        place = end
        if kind == b"IEND":
            return size[0], size[1], place


def _jpeg(content: bytes) -> tuple[int, int, int]:
    """Width, height, and where the file ends by its segments."""
    place, size = 2, None
    while True:
        if content[place] != 0xFF:
            raise _Broken
        while content[place] == 0xFF:
            place += 1
        marker = content[place]
        place += 1
        if marker == _EOI:
            if size is None:
                raise _Broken
            return size[1], size[0], place
        if marker in _RESTARTS or marker in (_SOI, 0x00, 0x01):
            raise _Broken
        (length,) = struct.unpack_from(">H", content, place)
        if length < 2 or place + length > len(content):
            raise _Broken
        if marker in _SOF:
            size = struct.unpack_from(">HH", content, place + 3)
        place += length
        if marker == _SOS:
            place = _after_scan(content, place)


def _after_scan(content: bytes, place: int) -> int:
    """Where the next marker stands after a scan's compressed data."""
    while True:
        place = content.find(b"\xff", place)
        if place < 0 or place + 1 >= len(content):
            raise _Broken
        following = content[place + 1]
        if following != 0x00 and following not in _RESTARTS and following != 0xFF:
            return place
        place += 1 if following == 0xFF else 2
