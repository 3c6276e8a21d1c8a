"""The whole portal around a browser: web, worker, beat, a mail server and an exchange, all real."""

import email
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope
from django.conf import settings
from playwright.sync_api import Browser, Page

from portal.simulator.answering import AnsweringExchange
from portal.simulator.outages import Outage
from tests import exchange as exchanges
from tests.journeys.conftest import ROOT, Reader, free_port, wait_for

_LINK = re.compile(r"http://localhost:\d+/\S+")


@dataclass
class Mailbox:
    """What a mail server took, for everybody."""

    letters: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - its name
        message = email.message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.letters.append(message)
        return "250 taken"

    def letter(self, to: str, about: str, *, patience: float = 30) -> str:
        """The text of the newest letter to an address whose subject says so; waits for it."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            for each in reversed(self.letters):
                if to in each["To"] and about.lower() in each["Subject"].lower():
                    body = each.get_body(("plain",))
                    assert body is not None
                    return str(body.get_content())
            time.sleep(0.1)
        raise AssertionError(f"no letter to {to} about {about!r}; there are {self.subjects(to)}")

    def link(self, to: str, about: str) -> str:
        found = _LINK.search(self.letter(to, about))
        assert found is not None
        return found.group()

    def subjects(self, to: str) -> list[str]:
        return [str(each["Subject"]) for each in self.letters if to in each["To"]]


@dataclass(frozen=True)
class Town:
    address: str
    mailbox: Mailbox
    exchange: AnsweringExchange


@contextmanager
def town(
    database: str, folder: Path, *, outage: Outage | None = None, credits_file: Path | None = None
) -> Iterator[Town]:
    """Everything that makes the portal, queue, letters and exchange its own; that one may be out at first.

    Its list of credits goes on from a file, if there is one.
    """
    mailbox = Mailbox()
    mail = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    mail.start()
    port = free_port()
    address = f"http://localhost:{port}"
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    running: list[subprocess.Popen[bytes]] = []
    with exchanges.answering(credits_file=credits_file) as exchange:
        exchange.outage = outage
        environment = (
            os.environ
            | exchanges.environment(exchange)
            | {
                "DATABASE_URL": database,
                "BROKER_URL": f"{settings.CELERY_BROKER_URL.rsplit('/', 1)[0]}/{8 + worker}",
                "EMAIL_URL": f"smtp://127.0.0.1:{mail.port}",
                "PORTAL_URL": address,
                # Sessions that a test makes beforehand open these pages too.
                "SECRET_KEY": settings.SECRET_KEY,
            }
        )
        celery = ["celery", "--quiet", "--app", "portal.celery", "worker", "--beat"]
        ticks = ["--schedule", str(folder / "ticks"), "--concurrency", "1", "--without-mingle"]
        try:
            for command in (
                ["uvicorn", "portal.asgi:application", "--port", str(port), "--log-level", "warning"],
                [*celery, *ticks, "--loglevel", "WARNING"],
            ):
                with (folder / f"{command[0]}.log").open("wb") as log:
                    running.append(
                        subprocess.Popen(
                            [sys.executable, "-m", *command],
                            cwd=ROOT,
                            env=environment,
                            stdout=log,
                            stderr=subprocess.STDOUT,
                        )
                    )
            wait_for(address, running[0])
            yield Town(address, mailbox, exchange)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(timeout=30)
            mail.stop()


@dataclass(frozen=True)
class Place:
    """A town, and who reads its pages."""

    town: Town
    reader: Reader
    #: Sessions that were made beforehand, by the login's address.
    sessions: Mapping[str, str]

    def page_of(self, email: str, path: str) -> Page:
        """A page in a browser of its own, in the session of a login."""
        page = self.reader.open(session=self.sessions[email])
        self.goes(page, path)
        return page

    def goes(self, page: Page, path: str) -> None:
        page.goto(f"{self.town.address}{path}")


@contextmanager
def place(
    database: str,
    folder: Path,
    request: pytest.FixtureRequest,
    *,
    sessions: Mapping[str, str] | None = None,
    outage: Outage | None = None,
    credits_file: Path | None = None,
) -> Iterator[Place]:
    """A town with a browser, which comes last: its loop forbids the database from then on.

    Nothing that the browser complained of may be left at the end.
    """
    with town(database, folder, outage=outage, credits_file=credits_file) as made:
        browser: Browser = request.getfixturevalue("browser")
        reader = Reader(browser, made.address)
        yield Place(made, reader, sessions or {})
        for number, page in enumerate(page for context in browser.contexts for page in context.pages):
            page.screenshot(path=folder / f"at_the_end_{number}.png", full_page=True)
        assert reader.complaints == []
