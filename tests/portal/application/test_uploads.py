"""What an upload may cost: nothing beyond the limit is kept, however much of it is sent."""

import pytest
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser
from django.test import RequestFactory

from portal.files.checking import LARGEST
from portal.files.uploads import MOST_A_REQUEST, Bounded

PIECE = 64 * 1024


class Zeros:
    """A request's body that is as long as it says, and lies nowhere."""

    def __init__(self, *files: int) -> None:
        self._pieces: list[bytes | int] = []
        for number, size in enumerate(files):
            name = f'name="file"; filename="{number}.pdf"'
            head = f"--edge\r\nContent-Disposition: form-data; {name}\r\nContent-Type: a/b\r\n\r\n"
            self._pieces += [head.encode(), size, b"\r\n"]
        self._pieces.append(b"--edge--\r\n")
        self.length = sum(each if isinstance(each, int) else len(each) for each in self._pieces)

    def read(self, size: int = PIECE) -> bytes:
        while self._pieces:
            first = self._pieces.pop(0)
            if isinstance(first, bytes):
                return first
            if first > size:
                self._pieces.insert(0, first - size)
            if first:
                return bytes(min(first, size))
        return b""


def kept(*files: int) -> list[int]:
    """How many bytes of each file reach the handlers that keep them."""
    body = Zeros(*files)
    request = RequestFactory().post("/")
    meta = {"CONTENT_TYPE": "multipart/form-data; boundary=edge", "CONTENT_LENGTH": str(body.length)}
    keeps = MemoryFileUploadHandler(request)
    keeps.activated = True
    keeps.handle_raw_input = lambda *_, **__: None  # type: ignore[method-assign]
    found = MultiPartParser(meta, body, [Bounded(request), keeps], "utf-8").parse()[1]
    return [file.size for file in found.getlist("file")]


@pytest.mark.parametrize("size", [0, 1, LARGEST - 1, LARGEST])
def test_a_file_within_the_limit_is_kept_whole(size: int) -> None:
    assert kept(size) == [size]


@pytest.mark.parametrize("size", [LARGEST + 1, 3 * LARGEST, 20 * LARGEST])
def test_of_a_larger_one_little_more_than_the_limit_is_kept(size: int) -> None:
    (found,) = kept(size)

    assert LARGEST < found <= LARGEST + 2 * PIECE


def test_many_files_together_are_bounded_too() -> None:
    found = kept(*[LARGEST] * 8)

    assert MOST_A_REQUEST < sum(found) <= MOST_A_REQUEST + 3 * PIECE
