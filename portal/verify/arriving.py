"""A file while it arrives: its digest is computed and its bytes are dropped, however many come."""

from hashlib import sha256
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

#: Bytes of a file that the form takes; with what stands around it this is less than a request may have.
LARGEST = 25_000_000
#: Up to here a file is also read by what it says: an editor may have written it in other lines.
READ_UP_TO = 5_000_000
FIELD = "file"


class Arrived(UploadedFile):  # type: ignore[type-arg]  # generic for mypy alone
    """What is known of a file; its name is not."""

    def __init__(self, *, size: int, digest: str, content: bytes) -> None:
        """`content` is empty of a file that is too large to be read."""
        super().__init__(file=BytesIO(content), name="statement", size=size)
        self.digest = digest
        self.content = content


class Hashing(FileUploadHandler):
    """Takes the place of Django's own handlers, which keep a file in memory or beside it on disk."""

    def new_file(self, field_name: str, *of: Any, **more: Any) -> None:
        super().new_file(field_name, *of, **more)
        self._is_asked_for = field_name == FIELD
        self._hashed, self._size, self._start = sha256(), 0, bytearray()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._size += len(raw_data)
        if not self._is_asked_for or self._size > LARGEST:
            return
        self._hashed.update(raw_data)
        if self._size <= READ_UP_TO:
            self._start += raw_data
        else:
            self._start.clear()

    def file_complete(self, file_size: int) -> Arrived | None:
        if not self._is_asked_for:
            return None
        return Arrived(size=self._size, digest=self._hashed.hexdigest(), content=bytes(self._start))
