"""Every page of the portal in a real browser: dark and light, wide and narrow, and nothing to complain of."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from django.conf import settings as portal_settings
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, ConsoleMessage, Page, TimeoutError

from tests import exchange as exchanges
from tests.journeys import world as worlds
from tests.journeys import world_desk, world_money, world_quarantine, world_statements
from tests.journeys.axe import serious_violations
from tests.journeys.conftest import ROOT, free_port, wait_for
from tests.journeys.every_page import (
    APPLICANTS,
    BROKERS,
    CASES,
    MEMBERS,
    MONEY,
    STAFF,
    STANDINGS,
    STATEMENTS,
    VISITORS,
    Visit,
)
from tests.journeys.every_page_of_quarantine import QUARANTINE
from tests.journeys.world import World
from tests.portal.matrix.addresses import addresses

WIDTHS, SCHEMES = (1280, 360), ("dark", "light")
#: Pages of errors that no visit can bring about in a healthy portal: shown as their templates are.
BROKEN = {"400.html": 400, "403_csrf.html": 403, "429.html": 429, "500.html": 500}
_NOT_FOR_READING = "answers with a file or with data"
_A_BUTTON = "takes POST alone; its button is on a page that is visited"
#: Addresses that no visit opens, and why.
NO_PAGE = {
    "application_document": _NOT_FOR_READING,
    "admin:application_document": _NOT_FOR_READING,
    "statement_csv": _NOT_FOR_READING,
    "statement_json": _NOT_FOR_READING,
    "statement_pdf": _NOT_FOR_READING,
    "explain_month_csv": _NOT_FOR_READING,
    "explain_lines_csv": _NOT_FOR_READING,
    "explain_fills_csv": _NOT_FOR_READING,
    "explain_caps_csv": _NOT_FOR_READING,
    "statements_year": _NOT_FOR_READING,
    "statements_all": _NOT_FOR_READING,
    "export_file": _NOT_FOR_READING,
    "admin:payout_statement": _NOT_FOR_READING,
    "statement_keys": _NOT_FOR_READING,
    "verify_statement": _NOT_FOR_READING,
    "mfa_login_webauthn": _NOT_FOR_READING,
    "appeal_file": _NOT_FOR_READING,
    "admin:case_file": _NOT_FOR_READING,
    "broker_live": _NOT_FOR_READING,
    "broker_live_figures": _NOT_FOR_READING,
    "feed_codes": _NOT_FOR_READING,
    "feed_fills": _NOT_FOR_READING,
    "feed_watermark": _NOT_FOR_READING,
    "feed_schema": _NOT_FOR_READING,
    "healthz": _NOT_FOR_READING,
    "metrics": _NOT_FOR_READING,
    "readyz": _NOT_FOR_READING,
    "status": _NOT_FOR_READING,
    "admin:proposal_file": _NOT_FOR_READING,
    "admin:run_pack_csv": _NOT_FOR_READING,
    "admin:run_progress": _NOT_FOR_READING,
    "admin:payout_acknowledge": _A_BUTTON,
    "application_remove_document": _A_BUTTON,
    "usersessions_end": _A_BUTTON,
    "admin:application_take": _A_BUTTON,
    "admin:application_release": _A_BUTTON,
    "admin:application_note": _A_BUTTON,
    "admin:application_ask_exchange": _A_BUTTON,
    "admin:case_take": _A_BUTTON,
    "admin:view_as_end": _A_BUTTON,
    "appeal_withdraw": _A_BUTTON,
    "export_ask": _A_BUTTON,
    "admin:login": "leads to the portal's own log-in",
}


def journey(test: Any) -> Any:
    return pytest.mark.journey(pytest.mark.long(pytest.mark.timeout(600)(test)))


@pytest.fixture
def show(
    committed_db: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., list[str]]]:
    """Starts the portal as the demo runs it and opens pages; gives back whatever was wrong."""
    port = free_port()
    with exchanges.answering() as exchange:
        environment = (
            os.environ
            | exchanges.environment(exchange)
            | {
                "DATABASE_URL": committed_db,
                "BROKER_URL": portal_settings.CELERY_BROKER_URL,
                "SECRET_KEY": portal_settings.SECRET_KEY,
                "PSEUDONYM_KEY": portal_settings.PSEUDONYM_KEY.decode(),
                "DATA_DIR": str(tmp_path),
                "PORTAL_DEMO": "True",
            }
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            address = f"http://localhost:{port}"
            wait_for(address, process)

            def visited(
                world: World, visits: tuple[Visit, ...], broken: dict[str, tuple[int, str]] | None = None
            ) -> list[str]:
                visitor = _Visitor(request.getfixturevalue("browser"), address, world)
                visitor.opens(visits)
                for name, (status, page_text) in (broken or {}).items():
                    visitor.shows(name, status, page_text)
                return visitor.wrong

            yield visited
        finally:
            process.terminate()
            process.wait(timeout=20)


class _Visitor:
    """Opens pages one after the other and writes down what is wrong with each."""

    def __init__(self, browser: Browser, address: str, world: World) -> None:
        self._browser, self._address, self._world = browser, address, world
        self._pages: dict[str, Page] = {}
        self._here = ""
        self._is_error_page = False
        self.wrong: list[str] = []

    def opens(self, visits: tuple[Visit, ...]) -> None:
        for number, visit in enumerate(visits):
            self._open(visit, number)

    def shows(self, name: str, status: int, page_text: str) -> None:
        """A page that the portal would answer if something had happened."""
        self._here, self._is_error_page = name, True
        page = self._page_of("")
        address = f"{self._address}/{name}"
        page.route(
            address, lambda route: route.fulfill(status=status, content_type="text/html", body=page_text)
        )
        page.goto(address)
        self._look(page, f"visitor-99-{name}")

    def _open(self, visit: Visit, number: int) -> None:
        path = visit.path.format_map(self._world.facts)
        path += visit.asked.format_map(self._world.facts)
        self._here = f"{visit.who}{path} {visit.press}"
        self._is_error_page = bool(visit.press) or visit.status >= 400
        page = self._page_of(visit.who)
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        answer = page.goto(f"{self._address}{path}")
        if visit.press:
            try:
                self._press(page, visit)
            except TimeoutError as nothing:
                self._say(f"pressed in vain: {nothing.message}")
        elif answer is None or answer.status != visit.status:
            self._say(f"answered {answer.status if answer else 'nothing'}, not {visit.status}")
        landed = (visit.lands or visit.path).format_map(self._world.facts).partition("?")[0]
        if urlsplit(page.url).path != landed:
            self._say(f"led to {page.url}")
        self._look(page, f"{visit.who or 'visitor'}-{number:02d}-{visit.path}-{visit.asked}-{visit.press}")

    def _press(self, page: Page, visit: Visit) -> None:
        for label, text in visit.fill:
            page.get_by_label(label).first.fill(text)
        # What the browser itself would not send is to be seen as the portal answers it.
        page.evaluate("document.querySelectorAll('form').forEach(form => { form.noValidate = true })")
        with page.expect_navigation():
            page.locator("main").get_by_role("button", name=visit.press, exact=True).first.click()

    def _look(self, page: Page, name: str) -> None:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
                if not _fits(page):
                    self._say(f"scrolls sideways at {width} px")
                for each in serious_violations(page):
                    self._say(f"{scheme} at {width} px: {each}")
                self._picture(page, f"{name}-{width}-{scheme}")

    def _picture(self, page: Page, name: str) -> None:
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            file = re.sub(r"[^a-zA-Z0-9{}]+", "-", name)
            page.screenshot(path=Path(folder) / f"{file}.png", full_page=True)

    def _page_of(self, who: str) -> Page:
        """A browser for each person, and one for whoever is nobody."""
        if who in self._pages:
            return self._pages[who]
        context = self._browser.new_context(reduced_motion="reduce")
        if who:
            session = {"name": "sessionid", "value": self._world.sessions[who], "url": self._address}
            context.add_cookies([session])  # type: ignore[list-item]
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._say(str(error)))
        page.on("request", lambda request: self._asked_for(request.url))
        self._pages[who] = page
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning", "assert") and "Content Security" not in message.text:
            return
        if self._is_error_page and message.text.startswith("Failed to load resource"):
            return
        self._say(f"console: {message.text}")

    def _asked_for(self, address: str) -> None:
        if not address.startswith((f"{self._address}/", "data:", "blob:")):
            self._say(f"asks {address}")

    def _say(self, what: str) -> None:
        self.wrong.append(f"{self._here}: {what}")


def _fits(page: Page) -> bool:
    """Whether the page is no wider than the window; a chart is drawn anew a moment after it has shrunk."""
    for _ in range(30):
        if page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
            return True
        page.wait_for_timeout(100)
    return False


@journey
def test_pages_of_visitors(show: Any, tmp_path: Path, settings: Any) -> None:
    world = worlds.visitors(tmp_path, settings)
    broken = {name: (status, render_to_string(name)) for name, status in BROKEN.items()}
    assert show(world, VISITORS, broken) == []


@journey
def test_pages_of_members(show: Any) -> None:
    world = worlds.members()
    assert show(world, MEMBERS) == []


@journey
def test_pages_of_applicants(show: Any) -> None:
    world = worlds.applicants()
    assert show(world, APPLICANTS) == []


@journey
def test_pages_of_staff(show: Any) -> None:
    world = worlds.staff()
    assert show(world, STAFF) == []


@journey
def test_pages_of_brokers_and_their_teams(show: Any) -> None:
    world = world_desk.brokers()
    assert show(world, BROKERS) == []


@journey
@pytest.mark.parametrize("visits", [CASES, STANDINGS], ids=["cases", "standings"])
def test_pages_of_the_desk(show: Any, visits: tuple[Visit, ...]) -> None:
    world = world_desk.desk()
    assert show(world, visits) == []


@journey
@pytest.mark.parametrize("part", [0, 1])
def test_pages_of_money(show: Any, part: int) -> None:
    world = world_money.months()
    assert show(world, MONEY[part::2]) == []


@journey
def test_pages_of_quarantine(show: Any) -> None:
    world = world_quarantine.quarantine()
    assert show(world, QUARANTINE) == []


@journey
def test_pages_of_statements(show: Any) -> None:
    world = world_statements.statements()
    assert show(world, STATEMENTS) == []


class _AnyFact(dict[str, str]):
    def __missing__(self, fact: str) -> str:
        if fact.endswith("month"):
            return "2026-10"
        if fact in ("line", "fill"):
            return {"line": "T-AAAAAAAAAAAA~spot~0.001~0", "fill": "SOL_USDC~1~A-1"}[fact]
        return "1" if fact.endswith("_pk") else str(UUID(int=0))


def test_each_address_is_visited_or_has_a_reason_not_to_be() -> None:
    visited = set()
    of_all = (VISITORS, MEMBERS, APPLICANTS, STAFF, BROKERS, CASES, STANDINGS, MONEY, STATEMENTS)
    of_all += (QUARANTINE,)
    for visit in chain.from_iterable(of_all):
        for path in {visit.path, visit.lands or visit.path}:
            try:
                visited.add(resolve(path.format_map(_AnyFact()).partition("?")[0]).view_name)
            except Resolver404:
                assert visit.status == 404 or path.startswith("/demo/"), visit
    named = {each.name for each in addresses()} - {""}

    assert named - visited - NO_PAGE.keys() == set()
    assert visited & NO_PAGE.keys() == set()
    assert NO_PAGE.keys() - named == set()
