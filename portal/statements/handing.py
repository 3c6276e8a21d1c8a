"""Hands out files that a browser saves: stretch by stretch, known by their SHA-256, kept in no cache."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from payouts.statements import faces
from payouts.statements.faces import StoredFace

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "pdf": "application/pdf",
    "zip": "application/zip",
}
#: Bytes of a file that are in memory at a time.
STRETCH = 256 * 1024


@dataclass(frozen=True, slots=True)
class File:
    """A file that is ready to be handed out."""

    name: str
    media_type: str
    #: Bytes.
    size: int
    sha256: str
    #: Reads it from its beginning; called only if the bytes are sent.
    read: Callable[[], Iterable[bytes]]
    #: What is closed when they are sent, or not needed.
    opened: IO[bytes] | None = None


class Streamed(StreamingHttpResponse):
    """Under ASGI too one stretch is in memory at a time, and no connection is held while it travels.

    Django gathers a plain iterator as a whole there before the first byte is sent.
    """

    def __init__(self, file: File) -> None:
        super().__init__(file.read())
        self._opened = file.opened

    def close(self) -> None:
        super().close()
        if self._opened is not None:
            self._opened.close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self.streaming_content)  # type: ignore[arg-type]  # ours is never asynchronous
        while (piece := await sync_to_async(_next)(pieces)) is not None:
            yield piece


def of_bytes(*, name: str, kind: str, content: bytes) -> File:
    """A file that was made just now."""
    return File(name, MEDIA_TYPES[kind], len(content), sha256(content).hexdigest(), lambda: [content])


def of_face(face: StoredFace, *, name: str) -> File:
    """A file of a statement as it is kept."""
    return File(name, MEDIA_TYPES[face.kind], face.size, face.sha256, lambda: faces.stream(face.id))


def of_temporary(*, name: str, kind: str, file: IO[bytes]) -> File:
    """A file that was made on the disk, and is gone when it is sent."""
    size = file.tell()
    file.seek(0)
    hashed = sha256()
    for piece in stretches(file):
        hashed.update(piece)
    file.seek(0)
    return File(name, MEDIA_TYPES[kind], size, hashed.hexdigest(), lambda: stretches(file), file)


def stretches(file: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: file.read(STRETCH), b"")


def hand_out(request: HttpRequest, file: File, *, taken: Callable[[], object]) -> HttpResponseBase:
    """The file, or that the browser has it already (304); `taken` is called when its bytes are sent.

    HEAD tells everything but the bytes. `If-None-Match` and `If-Match` are obeyed.
    """
    etag = f'"{file.sha256}"'
    answer: HttpResponseBase
    known = get_conditional_response(request, etag=etag)
    if known is None and request.method != "HEAD":
        taken()
        answer = Streamed(file)
    else:
        answer = HttpResponse() if known is None else known
        if file.opened is not None:
            file.opened.close()
    if known is None:
        answer.headers["Content-Type"] = file.media_type
        answer.headers["Content-Length"] = str(file.size)
    for name, value in _headers(file, etag).items():
        answer.headers[name] = value
    return answer


def _headers(file: File, etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Content-Disposition": content_disposition_header(True, file.name) or "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store, private",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _next(pieces: Iterator[Any]) -> Any:
    """The next stretch, None at the end; the connection goes back to the pool while it is sent."""
    try:
        return next(pieces, None)
    finally:
        close_old_connections()
