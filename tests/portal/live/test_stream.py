"""The stream of a page behind the real server: told of a change within 15 seconds, ended with the seat."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import connection

from payouts.desk import suspend
from portal.team import view_as
from portal.team.models import Membership
from tests import make
from tests.payouts.owner import connected as owner
from tests.portal.live.conftest import cookie_of
from tests.portal.staff.browsing import at

ACTIVE = "active 2020-01-01T00:00:00+00:00"


def mark(told):
    kind, data = [line for line in told.split("\n") if not line.startswith("retry")]
    assert kind == "event: standing"
    return json.loads(data.removeprefix("data: "))["mark"]


@pytest.fixture
def broker(committed_db):
    return make.broker(code=1400)


@pytest.fixture
def member(broker):
    login = make.login()
    make.membership(login, broker, role="viewer")
    return login


def test_it_says_how_the_standing_is_and_keeps_nothing(open_page, member):
    page = open_page(cookie_of(member))

    assert page.answer.status == 200
    headers = {name: page.answer.getheader(name) for name in ("Content-Type", "X-Accel-Buffering")}
    assert headers == {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    assert "no-store" in page.answer.getheader("Cache-Control")
    first = page.next()
    assert first.startswith("retry: 1000\n")
    assert mark(first) == ACTIVE


def test_a_suspension_is_told_within_fifteen_seconds_to_every_page(open_page, broker, member):
    staff = make.login(email="sue@backpack.exchange", is_staff=True)
    pages = [open_page(cookie_of(member)) for _page in range(3)]
    assert [mark(page.next()) for page in pages] == [ACTIVE] * 3
    now = datetime.now(UTC)

    suspend.suspend(
        broker_code=1400, reason="fraud", note="n", message="Stop.", starts_at=None, case_id=None,
        by=staff.pk, now=now,
    )  # fmt: skip

    assert [page.event("standing")["mark"] for page in pages] == [f"suspended {now.isoformat()}"] * 3


@pytest.mark.long
def test_a_planned_suspension_is_told_when_it_is_planned_and_when_it_begins(open_page, broker, member):
    page = open_page(cookie_of(member))
    page.next()
    # Later than the next look, which finds it planned.
    begins = datetime.now(UTC) + timedelta(seconds=11)
    make.suspended(broker, begins, recorded_at=datetime.now(UTC))

    assert page.event("standing")["mark"] == f"{ACTIVE} suspended {begins.isoformat()}"
    assert page.event("standing", within=23)["mark"] == f"suspended {begins.isoformat()}"


def removed(member):
    Membership.objects.filter(login=member).delete()


def switched_off(member):
    member.is_active = False
    member.save()


def logged_out(member):
    Session.objects.all().delete()


def given_another_password(member):
    member.set_password("another horse battery")
    member.save()


def made_an_owner_without_a_second_factor(member):
    Membership.objects.filter(login=member).update(role="owner")


@pytest.mark.parametrize(
    "lost",
    [removed, switched_off, logged_out, given_another_password, made_an_owner_without_a_second_factor],
)
def test_the_stream_ends_within_fifteen_seconds_when_the_login_may_not_look_any_more(
    open_page, server, member, lost
):
    cookie = cookie_of(member)
    page = open_page(cookie)
    page.next()
    lost(member)

    assert [page.next(within=15), page.next(within=1)] == ["event: ended\ndata: {}", None]
    assert server.asked("HEAD", "/brokers/1400/live/", Cookie=cookie)[0] != 200


@pytest.mark.fault
def test_another_members_stream_goes_on(open_page, broker, member):
    other = make.login(email="other@example.com")
    make.membership(other, broker, role="developer")
    page, others = open_page(cookie_of(member)), open_page(cookie_of(other))
    page.next(), others.next()
    removed(member)
    assert page.next() == "event: ended\ndata: {}"
    now = datetime.now(UTC)
    make.suspended(broker, now)

    assert others.event("standing")["mark"] == f"suspended {now.isoformat()}"


def test_a_look_of_staff_that_is_ended_ends_its_stream(open_page, broker):
    staff = make.login(email="sue@backpack.exchange", is_staff=True, is_superuser=True)
    client = at(staff)
    look = view_as.begin(
        broker_code=1400, reason="They asked us.", by=staff, address="", now=datetime.now(UTC)
    )
    session = client.session
    session["view_as"] = look.pk
    session.save()
    page = open_page(f"sessionid={session.session_key}")
    assert mark(page.next()) == ACTIVE
    view_as.end(by=staff, now=datetime.now(UTC))

    assert page.next(within=15) == "event: ended\ndata: {}"


def test_a_stranger_finds_no_stream_and_nobody_is_sent_to_the_login_page(server, broker):
    stranger = make.login(email="stranger@example.com")

    assert server.asked("GET", "/brokers/1400/live/", Cookie=cookie_of(stranger))[0] == 404
    assert server.asked("GET", "/brokers/1400/live/")[0] == 302


def connections():
    with owner() as hand:
        row = hand.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'portal' AND pid <> pg_backend_pid()"
        ).fetchone()
    return row[0]


def test_many_open_streams_hold_no_connection_of_the_pool(open_page, server, broker):
    """The pool has ten: were one held a stream, the eleventh page would wait for ever."""
    cookies = []
    for number in range(3):
        login = make.login(email=f"{number}@example.com")
        make.membership(login, broker, role="viewer")
        cookies.append(cookie_of(login))
    pages = [open_page(cookies[number % 3]) for number in range(30)]
    assert {mark(page.next()) for page in pages} == {ACTIVE}

    began = time.monotonic()
    assert server.asked("GET", "/brokers/1400/", Cookie=cookies[0])[0] == 200
    assert time.monotonic() - began < 5
    assert connections() <= 10


def test_a_login_has_at_most_twenty_streams_and_gets_a_place_back(open_page, server, member):
    cookie = cookie_of(member)
    pages = [open_page(cookie) for _number in range(20)]
    assert {mark(page.next()) for page in pages} == {ACTIVE}

    status, headers, _body = server.asked("GET", "/brokers/1400/live/", Cookie=cookie)
    assert (status, headers["retry-after"]) == (429, "60")
    assert server.asked("HEAD", "/brokers/1400/live/", Cookie=cookie)[0] == 429
    pages[0].leave()
    time.sleep(1)
    assert mark(open_page(cookie).next()) == ACTIVE


@pytest.mark.fault
def test_a_quiet_stream_says_that_it_lives(open_page, member):
    page = open_page(cookie_of(member))
    page.next()

    assert page.next(within=17) == ": still here"


def test_a_server_that_is_asked_to_stop_does_not_wait_for_its_streams(open_page, server, member):
    page = open_page(cookie_of(member))
    page.next()
    server.process.send_signal(signal.SIGTERM)

    assert page.next(within=3) is None
    assert server.process.wait(timeout=10) in (0, -signal.SIGTERM)


@pytest.mark.fault
def test_when_the_database_cannot_be_asked_streams_end_and_the_browser_comes_back(
    open_page, server, member, committed_db
):
    page = open_page(cookie_of(member))
    page.next()
    name = committed_db.rsplit("/", 1)[-1]
    with owner() as hand, psycopg.connect(committed_db, autocommit=True) as own:
        app = own.info.user
        hand.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC, {app}")
        own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        try:
            # Not `ended`: nobody knows that the seat is lost.
            assert page.next(within=25) is None
        finally:
            hand.execute(f"GRANT CONNECT ON DATABASE {name} TO PUBLIC, {app}")
    connection.close()
    cookie = cookie_of(member)
    # The server may still hand out connections that are dead; a browser asks again too.
    until = time.monotonic() + 30
    while (again := open_page(cookie)).answer.status != 200 and time.monotonic() < until:
        time.sleep(0.5)
    assert mark(again.next()) == ACTIVE


def test_nothing_is_complained_about(server, open_page, member):
    page = open_page(cookie_of(member))
    page.next()
    page.leave()
    time.sleep(1)
    server.process.send_signal(signal.SIGTERM)
    said, _nothing = server.process.communicate(timeout=20)

    lines = [line for line in said.splitlines() if "INFO" not in line]
    assert lines == [], os.linesep.join(lines)
