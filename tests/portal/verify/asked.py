"""Asks /verify as a browser without a script does, and reads what it says."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

PATH = "/verify"


def about_file(content: bytes, *, name: str = "statement.json", client: Client | None = None) -> HttpResponse:
    return (client or Client()).post(PATH, {"file": SimpleUploadedFile(name, content), "digest": ""})


def about_digest(digest: str, *, client: Client | None = None) -> HttpResponse:
    return (client or Client()).post(PATH, {"digest": digest})


def outcome(response: Any) -> tuple[str, str]:
    """The answer: in one word for programs, and its heading for people."""
    assert response.status_code == 200, response.status_code
    found = re.findall(r'data-answer="([a-z]*)">\s*<h2>(.*?)</h2>', response.content.decode(), re.DOTALL)
    assert len(found) == 1
    word, heading = found[0]
    return word, heading


VALID = ("valid", "Valid")
UNKNOWN = ("unknown", "Unknown")
