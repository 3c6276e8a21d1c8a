"""The page of statements and the documents that it hands out."""

import csv
import json
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.models import Payout
from payouts.month import Month
from payouts.monthend import actions
from tests import make
from tests.portal.page_text import links_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Iterator[Client]:
    finance = make.login()
    make.membership(finance, make.broker(code=1400, name="=Meridian"), role="finance")
    make.fills(
        make.record(timestamp="2026-10-15T12:00:00Z", quantity="3.0000001"),
        make.record(timestamp="2026-11-15T12:00:00Z", quantity="2"),
    )
    client = Client()
    client.force_login(finance)
    with time_machine.travel(make.NOW, tick=False):
        yield client


def test_the_month_in_progress_stands_above_the_finished_ones(client: Client) -> None:
    actions.calculate(month=Month(2026, 10), now=make.NOW)

    response = client.get("/brokers/1400/statements/")

    assert (
        "November 2026 $200.00 BKR 0 20% $0.20 $0.04 in progress 2026-11-22 12:00:00 UTC JSON CSV"
        " October 2026 $300.00… BKR 0 20% $0.30… $0.06 draft 2026-11-22 12:00:00 UTC JSON CSV"
    ) in text_of(response)
    assert [link for link in links_of(response) if link.endswith((".json", ".csv"))] == [
        "/brokers/1400/statements/2026-11.json",
        "/brokers/1400/statements/2026-11.csv",
        "/brokers/1400/statements/2026-10.json",
        "/brokers/1400/statements/2026-10.csv",
    ]


def test_without_a_finished_month_the_page_says_when_one_comes(client: Client) -> None:
    text = text_of(client.get("/brokers/1400/statements/"))

    assert "November 2026 $200.00" in text
    assert "No month is finished yet. On the first day of every month" in text


@pytest.mark.parametrize("is_calculated", [True, False])
def test_the_json_is_the_draft_of_the_month(client: Client, is_calculated: bool) -> None:
    if is_calculated:
        actions.calculate(month=Month(2026, 10), now=make.NOW)

    response = client.get("/brokers/1400/statements/2026-10.json")
    document = json.loads(response.content)

    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="backpack-broker-1400-2026-10-draft.json"'
    )
    assert document["status"] == "draft"
    assert document["volume"] == "300.00001"
    assert document["payout"] == "0.06"
    assert [line["amount"] for line in document["lines"]] == ["0.060000002"]


def test_the_csv_shows_the_same_and_starts_no_formula(client: Client) -> None:
    response = client.get("/brokers/1400/statements/2026-10.csv")
    rows = list(csv.DictReader(response.content.decode().splitlines()))

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="backpack-broker-1400-2026-10-draft.csv"'
    )
    assert [row["row"] for row in rows] == ["line", "total"]
    assert rows[0]["broker_name"] == "'=Meridian"
    assert (rows[1]["volume"], rows[1]["payout"]) == ("300.00001", "0.06")


def test_the_exchanges_number_of_a_trader_is_in_no_document(client: Client) -> None:
    make.fills(make.record(timestamp="2026-10-16T12:00:00Z", userId=987654321012345))

    for kind in ("json", "csv"):
        content = client.get(f"/brokers/1400/statements/2026-10.{kind}").content
        assert b"987654321012345" not in content


@pytest.mark.parametrize("months", [1, 3])
def test_the_page_costs_the_same_for_any_number_of_months(
    client: Client, months: int, django_assert_num_queries: Any
) -> None:
    for number in range(months):
        actions.calculate(month=Month(2026, 10 - number), now=make.NOW)

    with django_assert_num_queries(11):  # 7 reads inside one savepoint
        client.get("/brokers/1400/statements/")


def test_an_approved_month_says_so_and_its_document_has_what_is_due(client: Client) -> None:
    actions.calculate(month=Month(2026, 10), now=make.NOW)
    make.approved(Payout.objects.get(broker=1400))

    page = text_of(client.get("/brokers/1400/statements/"))
    response = client.get("/brokers/1400/statements/2026-10.json")
    document = json.loads(response.content)

    assert "October 2026 $300.00… BKR 0 20% $0.30… $0.06 approved 2026-11-22 12:00:00 UTC" in page
    assert (
        response.headers["Content-Disposition"] == 'attachment; filename="backpack-broker-1400-2026-10.json"'
    )
    shown = ("status", "payout", "corrections", "adjustments", "carried", "due")
    assert [document[name] for name in shown] == ["approved", "0.06", "0.00", "0.00", "0.00", "0.06"]
