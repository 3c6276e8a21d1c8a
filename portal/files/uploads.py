"""Bounds what an upload may cost: a file beyond its limit is not kept, however much of it is sent."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler

from portal.files.checking import LARGEST

#: All files of one request together.
MOST_A_REQUEST = 2 * LARGEST


class Bounded(FileUploadHandler):
    """Stands before Django's own handlers, which keep a file in memory or beside it on disk.

    A file that is too large reaches them with at most one piece more than is allowed, so that its size
    still says what was wrong; the rest is read and dropped.
    """

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self._kept = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if start > LARGEST or self._kept > MOST_A_REQUEST + self.chunk_size:
            return None
        self._kept += len(raw_data)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """The handlers after this one make the file."""
