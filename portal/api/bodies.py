"""Reads the body of a push: plain or gzip, and never more of it than a push may bring."""

import zlib
from collections.abc import Iterator
from typing import Protocol

from payouts.refusal import Refusal

_PIECE = 256 * 1024
#: zlib's word for "gzip, with its header and its checksum".
_GZIP = 16 + zlib.MAX_WBITS
#: Of gzip pieces one behind the other. Even an empty one costs time, and there is room for millions.
_MOST_MEMBERS = 1_000


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class TooLarge(Refusal):
    """More bytes than the limit, as they are or unzipped."""


class NotGzip(Refusal):
    """It says that it is gzip, and is not, ends in the middle, or is in more pieces than anybody needs."""


def read(stream: Readable, *, is_gzip: bool, most: int) -> bytes:
    """The whole body, unzipped. Refuses `TooLarge` as soon as the limit is passed, and `NotGzip`."""
    pieces, size = [], 0
    for piece in _unzipped(stream, most) if is_gzip else _plain(stream):
        size += len(piece)
        if size > most:
            raise TooLarge(f"A push brings at most {most // 1024 // 1024} MB, unzipped: send it in parts.")
        pieces.append(piece)
    return b"".join(pieces)


def _plain(stream: Readable) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


def _unzipped(stream: Readable, most: int) -> Iterator[bytes]:
    """Piece by piece, so that a small body that unzips to a huge one costs no more than the limit."""
    member, members, has_begun = zlib.decompressobj(_GZIP), 1, False
    for piece in _plain(stream):
        rest = piece
        while rest:
            if member.eof:  # a gzip file may be several, one behind the other
                member, members = zlib.decompressobj(_GZIP), members + 1
                if members > _MOST_MEMBERS:
                    raise NotGzip(f"The gzip of the body is in over {_MOST_MEMBERS:,} pieces: zip it as one.")
            try:
                yield member.decompress(rest, _PIECE)
            except zlib.error:
                raise NotGzip("The body is not gzip, as its Content-Encoding says: send it again.") from None
            has_begun = True
            rest = member.unused_data if member.eof else member.unconsumed_tail
    yield member.flush()  # a few bytes, where the last piece was full
    if not member.eof or not has_begun:
        raise NotGzip("The gzip of the body ends in the middle: send it again.")
