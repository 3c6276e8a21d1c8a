"""Whether bytes are a whole PDF that only shows pages. Bytes in."""

import re
import zlib
from collections.abc import Iterator

from django.utils.translation import gettext as _

from portal.application.file_refusal import FileRefused

#: What makes a PDF do things or carry files. `/JS` is too short to be looked for in compressed data.
_ACTIVE = frozenset(
    {b"JavaScript", b"JS", b"Launch", b"EmbeddedFile", b"EmbeddedFiles", b"XFA", b"RichMedia"}
)
_LOCKED = b"Encrypt"
_NAME = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]{2,64})")
_ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb"(?<!end)stream\r?\n")
_STREAM_END = b"endstream"
_END = b"%%EOF"
_END_WITHIN = 1024
#: A dictionary before its stream is looked for in so many bytes.
_DICTIONARY_WITHIN = 4096
#: Objects may be packed; together they never unpack to more.
_UNPACKED_LIMIT = 32 * 1024 * 1024


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
    found = set(_names(content)) - {b"JS"}
    found |= set(_names(_outside_streams(content)))
    for packed in _packed_objects(content):
        found |= set(_names(packed))
    if _LOCKED in found:
        raise FileRefused(_("The PDF is protected: save it without password and restrictions."))
    if found & _ACTIVE:
        raise FileRefused(
            _("The PDF holds scripts, forms that run or files inside: print it to a new PDF without them.")
        )


def _names(content: bytes) -> Iterator[bytes]:
    """Every name, also one whose letters are written as `#` and two digits."""
    for found in _NAME.finditer(content):
        name = found[1]
        yield _ESCAPED.sub(lambda code: bytes([int(code[1], 16)]), name) if b"#" in name else name


def _streams(content: bytes) -> Iterator[tuple[int, int]]:
    place = 0
    while begun := _STREAM.search(content, place):
        end = content.find(_STREAM_END, begun.end())
        if end < 0:
            return
        yield begun.end(), end
        place = end + len(_STREAM_END)


def _outside_streams(content: bytes) -> bytes:
    pieces, place = [], 0
    for start, end in _streams(content):
        pieces.append(content[place:start])
        place = end
    return b"\n".join([*pieces, content[place:]])


def _packed_objects(content: bytes) -> Iterator[bytes]:
    """The objects that lie compressed in streams of objects, unpacked."""
    left = _UNPACKED_LIMIT
    # Every place where a stream may begin: a false beginning in a comment must not hide a true one.
    for begun in _STREAM.finditer(content):
        before = content[max(0, begun.start() - _DICTIONARY_WITHIN) : begun.start()]
        names = set(_names(before.rpartition(b"obj")[2]))
        if b"ObjStm" not in names and not {b"First", b"N"} <= names:
            continue
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(content[begun.end() :], left)
        except zlib.error:
            raise FileRefused(_("Parts of the PDF cannot be read: print it to a new PDF.")) from None
        if unpacker.unconsumed_tail:
            raise FileRefused(_("The PDF unpacks to far more than it is: print it to a new PDF."))
        left -= len(unpacked)
        if left <= 0:
            raise FileRefused(_("The PDF unpacks to far more than it is: print it to a new PDF."))
        yield unpacked
