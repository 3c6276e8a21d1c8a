"""Whether bytes are a whole PDF that only shows pages. Bytes in."""

import re
import zlib
from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from portal.files.refusal import FileRefused, too_complicated
from portal.files.unpacking import unpacked

#: What makes a PDF do things or carry files.
_ACTIVE = (b"JavaScript", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"XFA", b"RichMedia")
_LETTER_OF_NO_NAME = rb"[\x00\t\n\f\r ()<>\[\]{}/%]"
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_STREAM_END = b"endstream"
_END = b"%%EOF"
_END_WITHIN = 1024
#: A dictionary before its stream is looked for in so many bytes; in all of them together in so many.
_DICTIONARY_WITHIN = 4096
_DICTIONARIES_LIMIT = 16 * 1024 * 1024
_MOST_STREAMS = 50_000
#: Objects may be packed: together they never unpack to more, nor are more packed bytes read for them.
_MOST_PACKED = 10_000
_UNPACKED_LIMIT = 24 * 1024 * 1024
_PACKED_LIMIT = 20 * 1024 * 1024


def _any_name(*names: bytes) -> re.Pattern[bytes]:
    """One of the names, also with letters written as `#` and two digits.

    One search by the engine tells, however many names there are: nothing is gathered. The first letters stand
    in front once more, so that other names are passed over quickly.
    """
    spelled = [b"".join(_spelled(letter) for letter in name) for name in names]
    firsts = b"|".join(sorted({_spelled(name[0]) for name in names}))
    return re.compile(b"/(?=%b)(?:%b)(?=%b|$)" % (firsts, b"|".join(spelled), _LETTER_OF_NO_NAME))


def _spelled(letter: int) -> bytes:
    high, low = (
        b"[%b%b]" % (digit, digit.upper()) if digit.isalpha() else digit
        for digit in (b"%x" % (letter >> 4), b"%x" % (letter & 15))
    )
    return b"(?:%c|#%b%b)" % (letter, high, low)


_LOCKED = _any_name(b"Encrypt")
#: `/JS` is too short to be looked for in compressed data.
_SCRIPT = _any_name(b"JS")
_UNWANTED_ANYWHERE = _any_name(b"Encrypt", *_ACTIVE)
_UNWANTED = _any_name(b"Encrypt", b"JS", *_ACTIVE)
_PACKS, _FIRST, _COUNT = _any_name(b"ObjStm"), _any_name(b"First"), _any_name(b"N")


def check(content: bytes) -> None:
    """Refuse (`FileRefused`) a PDF that is cut off, locked, or does more than show pages."""
    if not re.match(rb"%PDF-[12]\.\d[\r\n\t ]", content):
        raise FileRefused(_("The PDF does not begin like one: print it to a new PDF."))
    tail = content[-_END_WITHIN:]
    place = tail.rfind(_END)
    if place < 0 or b"startxref" not in content:
        raise FileRefused(_("The PDF is cut off: open it, save it anew and choose it again."))
    if tail[place + len(_END) :].strip(b"\0\t\n\f\r "):
        raise FileRefused(_("There is something after the end of the PDF: print it to a new PDF."))
    streams = _streams(content)
    if _UNWANTED_ANYWHERE.search(content):
        raise _unwanted(content)
    if any(_SCRIPT.search(content, *piece) for piece in _outside_streams(content, streams)):
        raise _unwanted(content)
    for packed in _packed_objects(content, streams):
        if _UNWANTED.search(packed):
            raise _unwanted(packed)


def _unwanted(content: bytes) -> FileRefused:
    if _LOCKED.search(content):
        return FileRefused(_("The PDF is protected: save it without password and restrictions."))
    return FileRefused(
        _("The PDF holds scripts, forms that run or files inside: print it to a new PDF without them.")
    )


def _streams(content: bytes) -> list[tuple[int, int]]:
    """Every place where a stream may begin: its keyword and its first byte."""
    places = []
    for begun in _STREAM.finditer(content):
        places.append(begun.span())
        if len(places) > _MOST_STREAMS:
            raise too_complicated()
    return places


def _outside_streams(content: bytes, streams: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    place = 0
    for keyword, start in streams:
        if keyword < place:
            continue
        end = content.find(_STREAM_END, start)
        if end < 0:
            break
        yield place, start
        place = end + len(_STREAM_END)
    yield place, len(content)


def _packed_objects(content: bytes, streams: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """The objects that lie compressed in streams of objects, unpacked."""
    number = 0
    looked_at, taken, made = 0, 0, 0
    view = memoryview(content)
    # Every place where a stream may begin: a false beginning in a comment must not hide a true one.
    for keyword, start in streams:
        earliest = max(0, keyword - _DICTIONARY_WITHIN)
        dictionary = max(earliest, content.rfind(b"obj", earliest, keyword))
        looked_at += keyword - dictionary
        if looked_at > _DICTIONARIES_LIMIT:
            raise too_complicated()
        if not _packs_objects(content, dictionary, keyword):
            continue
        number += 1
        if number > _MOST_PACKED:
            raise too_complicated()
        pieces = []
        try:
            for piece, read in unpacked(view[start:]):
                pieces.append(piece)
                made += len(piece)
                taken += read
                if made > _UNPACKED_LIMIT:
                    raise FileRefused(_("The PDF unpacks to far more than it is: print it to a new PDF."))
                if taken > _PACKED_LIMIT:
                    raise too_complicated()
        except zlib.error:
            raise FileRefused(_("Parts of the PDF cannot be read: print it to a new PDF.")) from None
        yield b"".join(pieces)


def _packs_objects(content: bytes, start: int, end: int) -> bool:
    return bool(
        _PACKS.search(content, start, end)
        or (_FIRST.search(content, start, end) and _COUNT.search(content, start, end))
    )
