"""What a person reads on a page: its text without tags, and the addresses it links to."""

import re
from html.parser import HTMLParser

from django.http import HttpResponse


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.links: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in ("script", "style")
        if tag == "br":
            self.pieces.append(" ")
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action")]

    def handle_endtag(self, tag: str) -> None:
        self._silent = False
        if tag not in ("span", "data", "strong", "code", "time", "a"):
            self.pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _read(response: HttpResponse) -> _Reader:
    reader = _Reader()
    reader.feed(response.content.decode())
    return reader


def text_of(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", "".join(_read(response).pieces)).strip()


def links_of(response: HttpResponse) -> list[str]:
    return _read(response).links
