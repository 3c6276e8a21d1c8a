"""A real web process with a database of its own, and Debian's Chromium to look at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from django.conf import settings
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from portal.simulator.people import code_at
from tests import make
from tests.hashing import REAL_HASHERS

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOW_TO_GET_IT = "no Chromium: `apt-get install chromium` brings it, then run this again"
#: A browser for tests talks to the page and to nobody else.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture
def web(committed_db: str) -> Iterator[Callable[[], str]]:
    """Starts uvicorn on a free port and gives its address; called once the database is as wanted."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        port = free_port()
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(port)],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": committed_db, "BROKER_URL": settings.CELERY_BROKER_URL},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        address = f"http://localhost:{port}"
        wait_for(address, running[0])
        return address

    yield start
    for process in running:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def real_passwords(settings: Any) -> None:
    """Hashes that cost what the portal's cost: it makes those of tests anew, which ends their sessions."""
    settings.PASSWORD_HASHERS = REAL_HASHERS


@pytest.fixture
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Reader:
    """Opens pages and keeps everything that the browser complains about."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self.address = address
        self.complaints: list[str] = []
        self._logged_in: dict[str, Any] = {}

    def open(
        self,
        *,
        width: int = 1280,
        scheme: str = "dark",
        scripts: bool = True,
        email: str = "",
        session: str = "",
    ) -> Page:
        """A page in a browser of its own, logged in if a login is named, or a session that there is."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
            # A code of the second factor is good once: later browsers go on with the first one's cookies.
            storage_state=self._logged_in.get(email),
        )
        if session:
            context.add_cookies([{"name": "sessionid", "value": session, "url": self.address}])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if email:
            if email in self._logged_in:
                page.goto(f"{self.address}/")
            else:
                self.log_in(page, email)
            page.wait_for_url("**/brokers/**")
            self._logged_in[email] = context.storage_state()
        return page

    def log_in(self, page: Page, email: str, *, password: str = "correct horse battery") -> None:
        """With the password, and the code of the app that `make.totp` enrols where one is asked for."""
        page.goto(f"{self.address}/accounts/login/")
        page.get_by_label("Email").fill(email)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in", exact=True).click()
        page.wait_for_url(lambda address: not address.endswith("/accounts/login/"))
        if page.url.endswith("/2fa/authenticate/"):
            page.get_by_label("Code").fill(code_at(make.TOTP_SECRET, datetime.now(UTC)))
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url(lambda address: not address.endswith("/2fa/authenticate/"))

    @contextmanager
    def refused(self, *statuses: int) -> Iterator[None]:
        """Within the block pages answer with these: that the browser says so is no complaint."""
        before = len(self.complaints)
        yield
        words = tuple(f"responded with a status of {status} " for status in statuses)
        self.complaints[before:] = [
            each for each in self.complaints[before:] if not any(word in each for word in words)
        ]

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert") or "Content Security" in message.text:
            self.complaints.append(message.text)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        if process.poll() is not None:
            pytest.fail(f"the web process ended with {process.returncode}")
        try:
            with urlopen(f"{address}/accounts/login/", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    pytest.fail("the web process did not answer within 30 seconds")
