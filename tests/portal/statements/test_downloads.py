"""The files of a month: bytes as they are kept, or the draft as it stands; every taking is written down."""

import asyncio
import csv
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payouts.models import FacePart
from payouts.month import Month
from payouts.monthend import actions
from payouts.statements import building, faces
from portal.models import Activity
from portal.statements import handing, lengths
from tests import make
from tests.payouts.statements import issuing
from tests.portal.page_text import text_of
from tests.portal.statements.looking import looking, pages_of

pytestmark = pytest.mark.django_db
KINDS = ("json", "csv", "pdf")
TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}


@pytest.fixture
def client() -> Iterator[Client]:
    finance = make.login()
    make.membership(finance, make.broker(code=1400, name="=Meridian"), role="finance")
    client = Client()
    client.force_login(finance)
    with time_machine.travel(make.NOW, tick=False):
        yield client


def broker() -> Any:
    return make.broker(code=1400, name="=Meridian")


def address(kind: str, month: str = "2026-10") -> str:
    return f"/brokers/1400/statements/{month}.{kind}"


def sent(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def taken() -> list[tuple[str, str]]:
    return list(Activity.objects.filter(kind="downloaded").order_by("pk").values_list("about", "by__email"))


def october() -> None:
    make.fills(make.record(timestamp="2026-10-15T12:00:00Z", quantity="3.0000001"))


class TestIssued:
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_bytes_are_those_that_are_kept(self, client: Client, kind: str) -> None:
        statement = issuing.october(broker())
        kept = issuing.bytes_of(statement, kind)

        response = client.get(address(kind))

        assert sent(response) == kept
        assert {
            name: response.headers[name]
            for name in (
                "Content-Type",
                "Content-Length",
                "ETag",
                "Content-Disposition",
                "X-Content-Type-Options",
            )
        } == {
            "Content-Type": TYPES[kind],
            "Content-Length": str(len(kept)),
            "ETag": f'"{sha256(kept).hexdigest()}"',
            "Content-Disposition": f'attachment; filename="backpack-broker-1400-2026-10-statement-1.{kind}"',
            "X-Content-Type-Options": "nosniff",
        }
        assert {"no-store", "private"} <= set(response.headers["Cache-Control"].split(", "))
        assert taken() == [(f"backpack-broker-1400-2026-10-statement-1.{kind}", "olga@example.com")]

    @pytest.mark.parametrize("kind", ["csv", "pdf"])
    def test_a_short_file_that_is_not_made_yet_is_made_at_once(self, client: Client, kind: str) -> None:
        statement = issuing.october(broker())
        assert faces.stored(statement.pk, kind) is None

        content = sent(client.get(address(kind)))

        found = faces.stored(statement.pk, kind)
        assert found is not None
        assert (found.sha256, found.size) == (sha256(content).hexdigest(), len(content))

    def test_who_has_it_already_gets_no_bytes_and_nothing_is_written_down(self, client: Client) -> None:
        kept = issuing.bytes_of(issuing.october(broker()), "json")
        known = f'"{sha256(kept).hexdigest()}"'

        response = client.get(address("json"), headers={"If-None-Match": known})

        assert (response.status_code, response.content) == (304, b"")
        assert response.headers["ETag"] == known
        assert taken() == []

    def test_head_tells_everything_but_the_bytes(self, client: Client) -> None:
        kept = issuing.bytes_of(issuing.october(broker()), "json")

        response = client.head(address("json"))

        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["Content-Length"] == str(len(kept))
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["ETag"] == f'"{sha256(kept).hexdigest()}"'
        assert taken() == []

    def test_it_is_read_part_by_part(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(building, "STRETCH", 300)
        statement = issuing.october(broker())
        parts = FacePart.objects.filter(face__statement=statement, face__kind="json").count()
        response = client.get(address("json"))

        with CaptureQueriesContext(
            connection,
        ) as queries:
            pieces = list(response.streaming_content)

        assert parts == 4
        assert len(pieces) == parts
        assert len(queries) == parts + 1

    def test_under_asgi_too_one_stretch_is_read_at_a_time(self) -> None:
        read: list[int] = []

        def stretches() -> Iterator[bytes]:
            for number in range(3):
                read.append(number)
                yield b"x"

        async def first_of(file: handing.File) -> tuple[bytes, list[int]]:
            pieces = aiter(handing.Streamed(file))
            return await anext(pieces), list(read)

        assert asyncio.run(first_of(handing.File("x", "text/csv", 3, "", stretches))) == (b"x", [0])

    def test_a_correction_leaves_the_bytes_of_the_old_one_as_they_were(self, client: Client) -> None:
        issuing.october(broker(), month=issuing.SEPTEMBER)
        before = {kind: sent(client.get(address(kind, "2026-09"))) for kind in KINDS}

        make.fills(make.record(price="50", timestamp="2026-09-20T12:00:00Z"))
        issuing.october(broker())

        assert {kind: sent(client.get(address(kind, "2026-09"))) for kind in KINDS} == before

    @pytest.mark.parametrize("kind", ["csv", "pdf"])
    def test_a_long_file_that_is_not_made_yet_is_asked_for(
        self, client: Client, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        statement = issuing.october(broker())
        monkeypatch.setattr(lengths, "LONG", 2)

        response = client.get(address(kind))

        assert response.status_code == 409
        assert "This file is long" in text_of(response)
        assert faces.stored(statement.pk, kind) is None
        assert sent(client.get(address("json"))) == issuing.bytes_of(statement, "json")


class TestDrafts:
    @pytest.mark.parametrize("is_calculated", [True, False])
    def test_the_json_is_the_draft_of_the_month(self, client: Client, is_calculated: bool) -> None:
        october()
        if is_calculated:
            actions.calculate(month=Month(2026, 10), now=make.NOW)

        response = client.get(address("json"))
        document = json.loads(sent(response))

        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Content-Disposition"] == (
            'attachment; filename="backpack-broker-1400-2026-10-draft.json"'
        )
        assert document["status"] == "draft"
        assert document["volume"] == "300.00001"
        assert document["payout"] == "0.06"
        assert [line["amount"] for line in document["lines"]] == ["0.060000002"]

    def test_the_csv_shows_the_same_and_starts_no_formula(self, client: Client) -> None:
        october()

        response = client.get(address("csv"))
        rows = list(csv.DictReader(sent(response).decode().splitlines()))

        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert [row["row"] for row in rows] == ["line", "subtotal", "total"]
        assert rows[0]["broker_name"] == "'=Meridian"
        assert (rows[2]["volume"], rows[2]["payout"]) == ("300.00001", "0.06")

    def test_the_pdf_is_one_and_says_in_its_name_that_it_is_a_draft(self, client: Client) -> None:
        october()

        response = client.get(address("pdf"))

        assert sent(response).startswith(b"%PDF-1.")
        assert response.headers["Content-Disposition"] == (
            'attachment; filename="backpack-broker-1400-2026-10-draft.pdf"'
        )
        assert taken() == [("backpack-broker-1400-2026-10-draft.pdf", "olga@example.com")]

    def test_the_exchanges_number_of_a_trader_is_in_no_document(self, client: Client) -> None:
        make.fills(make.record(timestamp="2026-10-16T12:00:00Z", userId=987654321012345))

        for kind in ("json", "csv"):
            assert b"987654321012345" not in sent(client.get(address(kind)))

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("is_calculated", [True, False])
    def test_a_long_draft_is_asked_for(
        self, client: Client, kind: str, is_calculated: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        october()
        if is_calculated:
            actions.calculate(month=Month(2026, 10), now=make.NOW)
        monkeypatch.setattr(lengths, "LONG", 0)

        response = client.get(address(kind))

        assert response.status_code == 409
        assert "This file is long" in text_of(response)
        assert taken() == []

    @pytest.mark.parametrize("kind", [*(f".{kind}" for kind in KINDS), "/"])
    def test_a_month_that_has_not_begun_is_no_page(self, client: Client, kind: str) -> None:
        assert client.get(f"/brokers/1400/statements/2026-12{kind}").status_code == 404
        assert client.get(f"/brokers/1400/statements/2026-13{kind}").status_code == 404


class TestWhoMayTake:
    @pytest.mark.parametrize(("role", "status"), [("owner", 200), ("viewer", 200), ("developer", 403)])
    def test_the_roles_that_see_statements(self, role: str, status: int) -> None:
        issuing.october(broker())
        member = make.login(email="mia@example.com")
        make.membership(member, broker(), role=role)
        client = Client()
        client.force_login(member)

        for kind in ("json", "csv", "pdf"):
            assert client.get(address(kind)).status_code == status
        assert client.get("/brokers/1400/statements/2026-10/").status_code == status
        packed = client.get("/brokers/1400/statements/2026.zip")
        if status == 200:
            sent(packed)
        assert packed.status_code == status

    def test_nobody_else(self) -> None:
        issuing.october(broker())
        client = Client()
        assert client.get(address("pdf")).status_code == 302
        other = make.login(email="sam@example.com")
        make.membership(other, make.broker(code=1500))
        client.force_login(other)
        assert client.get(address("pdf")).status_code == 404

    def test_staff_who_look_take_it_and_the_look_says_so(self) -> None:
        issuing.october(broker())
        client, look = looking()

        assert client.get(address("pdf")).status_code == 200

        assert taken() == []
        assert pages_of(look) == ["/brokers/1400/statements/2026-10.pdf"]
