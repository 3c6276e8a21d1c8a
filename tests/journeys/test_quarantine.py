"""Staff find a record that waits, import its broker, replay it and see it accepted; another is discarded."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, Page, expect

from payouts.feed.models import Fill
from payouts.feed.quarantine_models import QuarantinePlace
from tests import make
from tests.journeys.axe import serious_violations
from tests.journeys.conftest import ROOT, Reader
from tests.portal.staff import make_review
from tests.portal.staff.make_quarantine import waits

pytestmark = [pytest.mark.journey, pytest.mark.long]
MIA = "mia@exchange.example"


@pytest.fixture
def address(web: Callable[[], str]) -> str:
    """Two records wait: one of a code that is not enrolled, one whose fee does not fit."""
    make.broker(code=1400, name="Altair Terminal")
    make_review.staff("operations", email=MIA)
    waits("unknown_broker", orderId="the-first", userId=4711)
    waits("fee_mismatch", orderId="the-second")
    return web()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (360, "light")])
def test_a_record_is_replayed_once_its_code_is_there_and_another_is_discarded(
    address: str, browser: Browser, committed_db: str, tmp_path: Path, width: int, scheme: str
) -> None:
    reader = Reader(browser, address)
    page = reader.open(width=width, scheme=scheme)
    reader.log_in(page, MIA)

    page.goto(f"{address}/staff/")
    page.get_by_role("link", name="Open the quarantine").click()
    heading(page, "Quarantine")
    expect(page.get_by_text("Was the code issued? Then enrol its broker, and replay.")).to_be_visible()
    looks_right(page)
    page.get_by_role("link", name="1 waiting: unknown broker code").click()
    page.get_by_label("Trader").fill("4711")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="1 record", exact=True)).to_be_visible()
    looks_right(page)
    page.locator("tbody").get_by_role("link").click()
    expect(page.get_by_text("What is wrong: unknown broker code")).to_be_visible()
    looks_right(page)

    enrol(1500, tmp_path, committed_db)
    page.reload()
    expect(page.get_by_text("is enrolled by now: replay it.")).to_be_visible()
    page.get_by_role("link", name="Replay…", exact=True).click()
    page.get_by_role("button", name="Replay").click()
    expect(page.get_by_text("Accepted: they count now")).to_be_visible()
    looks_right(page)
    page.get_by_role("link", name="Open the record").click()
    expect(page.locator(".heading .badge")).to_have_text("accepted")
    expect(page.get_by_text("unknown_broker → accepted")).to_be_visible()
    assert in_a_thread(lambda: Fill.objects.get(broker_code=1500).order_id) == "the-first"

    page.get_by_role("link", name="Records", exact=True).click()
    page.get_by_role("checkbox").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Ask about selected…").click()
        page.get_by_role("button", name="Download, and mark as asked").click()
    rows = csv.DictReader(download.value.path().read_text().splitlines())
    assert [row["reason"] for row in rows] == ["fee_mismatch"]
    page.goto(f"{address}/staff/payouts/quarantineplace/")
    page.get_by_role("link", name="Discard all of “fee does not fit”").click()
    page.get_by_label("Why").fill("The exchange says that it never was.")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("1 record is discarded.")).to_be_visible()
    expect(page.get_by_role("heading", name="0 records wait")).to_be_visible()
    looks_right(page)
    places = in_a_thread(lambda: sorted(QuarantinePlace.objects.values_list("state", flat=True)))
    assert places == ["accepted", "discarded"]
    assert reader.complaints == []


def enrol(code: int, folder: Path, database: str) -> None:
    """As operators do: by the command, from a file."""
    row = f"{code},Gridwright Bots,BP-900015,2026-01-01T00:00:00Z"
    (folder / "brokers.csv").write_text(f"code,name,account_id,enrolled_at\n{row}\n")
    done = subprocess.run(
        [sys.executable, "manage.py", "import_brokers", str(folder / "brokers.csv")],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        check=True,
    )
    assert done.stdout == b'{"imported": 1, "unchanged": 0}\n'


def in_a_thread(ask: Callable[[], Any]) -> Any:
    """The browser's loop forbids the database here."""

    def asked() -> Any:
        try:
            return ask()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asked).result()


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def looks_right(page: Page) -> None:
    assert serious_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
