"""Who may still look: a stream's answer is the door's, for any number of streams in a few questions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.live import queries
from portal.live.queries import Watched
from portal.team import view_as
from portal.team.models import Membership
from portal.team.roles import May
from tests import make
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db


def watched(login, code=1400, look=None):
    session = at(login).session
    return Watched(
        login=login.pk,
        broker=code,
        session=session.session_key,
        password=session["_auth_user_hash"],
        is_from_before_the_factor=False,
        look=look,
    )


def seated(*streams, now=make.NOW):
    return [each in queries.state(streams, now=now).seated for each in streams]


@pytest.fixture
def broker():
    return make.broker(code=1400)


@pytest.mark.parametrize("role", ["owner", "finance", "developer", "viewer"])
def test_a_member_of_any_role_may_look(broker, role):
    login = make.login()
    make.membership(login, broker, role=role)

    assert seated(watched(login)) == [True]


def test_a_stranger_a_member_elsewhere_and_staff_may_not(broker):
    other = make.login(email="other@example.com")
    make.membership(other, make.broker(code=1500), role="viewer")
    staff = make.login(email="sue@backpack.exchange", is_staff=True, is_superuser=True)

    assert seated(watched(other), watched(other, 1500), watched(staff)) == [False, True, False]


@pytest.mark.parametrize(
    ("role", "has_factor", "is_from_before", "may_look"),
    [
        ("owner", True, False, True),
        ("owner", False, False, False),
        ("finance", False, False, False),
        ("viewer", False, False, True),
        ("viewer", True, False, True),
        ("viewer", True, True, False),
        ("viewer", False, True, True),
    ],
)
def test_the_second_factor_is_asked_for_as_pages_ask(broker, role, has_factor, is_from_before, may_look):
    login = make.login()
    make.membership(login, broker, role=role, mfa=False)
    if has_factor:
        make.totp(login)
    stream = watched(login)
    stream = Watched(
        stream.login, stream.broker, stream.session, stream.password, is_from_before, stream.look
    )

    assert seated(stream) == [may_look]


def test_a_look_lasts_as_long_as_it_says_and_the_role(broker):
    staff = make.login(email="sue@backpack.exchange", is_staff=True, is_superuser=True)
    look = view_as.begin(broker_code=1400, reason="They asked.", by=staff, address="", now=make.NOW)
    stream = watched(staff, look=look.pk)

    assert seated(stream) == [True]
    assert seated(stream, now=look.expires_at) == [False]
    assert seated(watched(staff, 1500, look=look.pk)) == [False]
    staff.is_superuser = False
    staff.save()
    assert seated(stream) == [False]


def test_a_role_that_no_longer_includes_the_figures_ends_the_streams_that_tell_them(broker, monkeypatch):
    login = make.login()
    make.membership(login, broker, role="viewer")
    standing = watched(login)
    figures = replace(standing, needs=frozenset({May.SEE_STANDING, May.SEE_DASHBOARD}))

    assert seated(standing, figures) == [True, True]
    monkeypatch.setitem(queries.ROLES, "viewer", frozenset({May.SEE_STANDING}))
    assert seated(standing, figures) == [True, False]


def test_a_session_that_ran_out_ends_its_stream(broker):
    login = make.login()
    make.membership(login, broker, role="viewer")

    assert seated(watched(login), now=make.NOW + timedelta(days=400)) == [False]


def test_one_login_of_two_brokers_loses_the_one_and_keeps_the_other(broker):
    login = make.login()
    make.membership(login, broker, role="viewer")
    make.membership(login, make.broker(code=1500), role="viewer")
    Membership.objects.filter(broker=broker).delete()

    assert seated(watched(login), watched(login, 1500)) == [False, True]


def test_marks_are_each_brokers_own(broker):
    login = make.login()
    for each in (broker, make.broker(code=1500)):
        make.membership(login, each, role="viewer")
    make.suspended(broker, make.NOW)

    assert queries.state([watched(login), watched(login, 1500)], now=make.NOW).marks == {
        1400: "suspended 2026-11-22T12:00:00+00:00",
        1500: "active 2020-01-01T00:00:00+00:00",
    }


@pytest.mark.parametrize("many", [1, 40])
def test_any_number_of_streams_is_asked_for_in_four_questions(broker, many, django_assert_num_queries):
    streams = []
    for number in range(many):
        login = make.login(email=f"{number}@example.com")
        make.membership(login, broker, role="viewer")
        streams.append(watched(login))

    with django_assert_num_queries(4):  # logins, sessions, seats, standings
        assert seated_at_once(streams) == many


def seated_at_once(streams):
    return len(queries.state(streams, now=make.NOW).seated)


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_server_that_cannot_stream_says_so_once(broker, method):
    login = make.login()
    make.membership(login, broker, role="viewer")

    assert getattr(at(login), method)("/brokers/1400/live/").status_code == 204
    assert at(login).post("/brokers/1400/live/").status_code == 405
