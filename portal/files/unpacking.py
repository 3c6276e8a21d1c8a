"""Compressed bytes unpacked piece by piece: memory stays small however much comes out. Bytes in."""

import zlib
from collections.abc import Iterator

_FED = 16 * 1024
_PIECE = 256 * 1024


def unpacked(packed: memoryview) -> Iterator[tuple[bytes, int]]:
    """What one zlib stream holds, each piece with how many packed bytes it took; who has enough stops asking.

    A piece may be empty: packed bytes can say nothing for long. It ends where the stream or the bytes do.
    Raises `zlib.error` where the bytes are no such stream.
    """
    unpacker = zlib.decompressobj()
    for place in range(0, len(packed), _FED):
        fed: memoryview | bytes = packed[place : place + _FED]
        # The unpacker gives back what it did not take for want of room: at most as much as it was fed.
        while True:
            piece = unpacker.decompress(fed, _PIECE)
            left = len(unpacker.unconsumed_tail)
            yield piece, len(fed) - left
            fed = unpacker.unconsumed_tail
            if unpacker.eof:
                return
            if not fed and len(piece) < _PIECE:
                break
