"""PostgreSQL killed, restarted and blocked under open pages: they say so, and go on by themselves."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from tests import databases, make
from tests.faults.copies import kept_copy_of
from tests.faults.pushing import Web, web
from tests.faults.servers import Servers, own_servers
from tests.payouts.owner import connected as owner
from tests.portal.live.conftest import Page, cookie_of

pytestmark = pytest.mark.fault


@pytest.fixture
def town(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Servers, Web, str]]:
    with (
        django_db_blocker.unblock(),
        own_servers(tmp_path / "var") as servers,
        kept_copy_of(databases.template(), "live"),
    ):
        login = make.login()
        make.membership(login, make.broker(code=1400), role="viewer")
        # The folder of these servers has a key of its own, which would not know our session.
        own = {"DATABASE_POOL": "True", "SECRET_KEY": settings.SECRET_KEY}
        with web(servers.environment | own, tmp_path / "web.log") as there:
            yield servers, there, cookie_of(login)
        connections.close_all()


def fill() -> None:
    now = datetime.now(UTC)
    make.fills(make.record(timestamp=f"{now:%Y-%m-%dT%H:%M:%S.%fZ}"), now=now)


def test_a_restart_of_postgresql_is_over_for_open_pages_within_five_seconds(
    town: tuple[Servers, Web, str],
) -> None:
    servers, there, cookie = town
    page = Page(there, cookie, path="?figures=")
    assert page.event("figures")["fills"] == 0
    for fills in range(1, 6):
        servers.kill("postgres")
        back = time.monotonic()
        page.event("trouble", within=3)
        connections.close_all()  # ours died too
        fill()

        assert page.event("figures", within=5)["fills"] == fills
        assert time.monotonic() - back < 5
    page.leave()


def test_a_database_that_does_not_answer_ends_streams_when_nobody_knows_who_may_look(
    open_page: Callable[..., Page], committed_db: str
) -> None:
    login = make.login()
    make.membership(login, make.broker(code=1400), role="viewer")
    cookie = cookie_of(login)
    page = open_page(cookie, path="?figures=")
    page.event("beat")
    began = time.monotonic()
    with owner() as hand:
        hand.execute("BEGIN; LOCK TABLE total_by_month, django_session")
        page.event("trouble", within=6)
        while page.next(within=16) is not None:
            pass
        # It was asked no more than eight seconds before who may look; twelve without an answer are too many.
        assert 3 < time.monotonic() - began < 16
        hand.execute("ROLLBACK")

    # Whoever comes back is served again, by the same process, and hears of what came meanwhile.
    fill()
    assert open_page(cookie, path="?figures=").event("figures", within=5)["fills"] == 1
