"""Whatever is logged, a line stays one line, stays JSON, and shows no secret."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.quiet_logs import Line


def line(message: str, *arguments: object, as_json: bool = True, **extra: Any) -> str:
    record = logging.LogRecord("portal.x", logging.WARNING, "file", 1, message, arguments, None)
    for name, value in extra.items():
        setattr(record, name, value)
    return Line(as_json=as_json).format(record)


def event(message: str) -> str:
    return str(json.loads(line(message))["event"])


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=3))
def test_any_text_is_one_line_of_json(text: str, reasons: dict[str, str]) -> None:
    said = line("%s", f"{text}\nolga@example.com", excluded=reasons)

    assert len(said.splitlines()) == 1
    assert "olga" not in said
    json.loads(said)


@given(st.text())
def test_any_text_is_one_line_for_people(text: str) -> None:
    assert len(line("%s", text, as_json=False).splitlines()) == 1


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("refused:\nolga@example.com is unknown", "refused:\n…@… is unknown"),
        ("jürgen@exämple.com", "…@…"),
        ("postgres://portal_app:hunter2!x@db:5432/portal", "postgres://…@db:5432/portal"),
        ("{'password': 'correct horse', 'city': 'Bonn'}", "{'password': '…', 'city': 'Bonn'}"),
        ("Cookie: sessionid=abcdefgh12345; theme=dark", "Cookie: …; theme=dark"),
        ("/accounts/password/reset/key/3-abc-def/", "/accounts/password/reset/key/…/"),
        ("3 letters of 12 went out", "3 letters of 12 went out"),
    ],
)
def test_what_is_secret_is_cut_out_and_the_rest_stays(said: str, kept: str) -> None:
    assert event(said) == kept


def test_a_stranger_cannot_write_a_line_of_the_log() -> None:
    said = line("said: %s", "x\n2026-11-23T00:00:00Z ERROR portal.api forged", as_json=False)

    assert said.endswith("said: x\\x0a2026-11-23T00:00:00Z ERROR portal.api forged")
