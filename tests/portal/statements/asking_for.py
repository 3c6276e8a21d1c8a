"""Members who ask for files, and the sweeps that make them."""

from datetime import timedelta
from typing import Any

from django.test import Client

from payouts.month import Month
from payouts.statements import queries as engine
from portal.models import Export
from portal.statements import making
from tests import make

PREPARE = "/brokers/1400/statements/prepare/"
NOVEMBER_CSV = {"kind": "draft", "of": "2026-11", "file_format": "csv"}
YEAR = {"kind": "year", "of": "2026", "file_format": ""}


def broker() -> Any:
    return make.broker(code=1400, name="Meridian")


def november(traders: int = 3) -> None:
    make.fills(
        *(make.record(userId=number, timestamp="2026-11-15T12:00:00Z") for number in range(1, traders + 1))
    )


def asked(client: Client, **what: str) -> Export:
    answer = client.post(PREPARE, what or NOVEMBER_CSV)
    assert answer.status_code == 302, answer.content.decode()
    export = Export.objects.latest("pk")
    assert answer.headers["Location"] == page_of(export)
    return export


def page_of(export: Export) -> str:
    return f"/brokers/1400/statements/files/{export.reference}/"


def made_all() -> int:
    """One sweep whose clock goes on a little with every look at it."""
    ticks = iter(range(1_000_000))
    return making.make_due(clock=lambda: make.NOW + timedelta(milliseconds=next(ticks)))


def taken(client: Client, export: Export) -> bytes:
    return b"".join(client.get(f"{page_of(export)}file").streaming_content)


def whole_draft(kind: str) -> bytes:
    draft = engine.draft(broker_code=1400, month=Month(2026, 11), with_pseudonyms=True)
    content: bytes = {"json": draft.as_json, "csv": draft.as_csv}[kind]()
    return content
