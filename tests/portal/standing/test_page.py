"""The banner and the page of a broker's standing: what members read, from the very next request on."""

from datetime import UTC, datetime, timedelta

import pytest

from payouts.desk import hold, suspend
from payouts.month import Month
from payouts.monthend import actions as monthend
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.standing.conftest import colleague

STANDING = "/brokers/1400/standing/"
DAY = timedelta(days=1)
PAGES = [
    "/brokers/1400/",
    "/brokers/1400/statements/",
    "/brokers/1400/team/",
    "/brokers/1400/account/",
    "/brokers/1400/activity/",
    STANDING,
]
FILES = ["/brokers/1400/statements/2026-10.json", "/brokers/1400/statements/2026-10.csv"]
ROLES = ["owner", "finance", "developer", "viewer"]
BANNER = "Nordlicht is suspended since 2026-11-21 12:00:00 UTC. Fills still count; payouts are held."


@pytest.fixture
def suspension(broker):
    return make.suspended(broker, make.NOW - DAY)


def test_an_active_broker_is_said_to_be_active_and_bears_no_banner(broker, owner):
    text = text_of(at(owner).get(STANDING))

    assert "Your broker is active" in text
    assert "Nothing is decided against it, and no payout is held." in text
    assert "Enrolled from 2020-01-01 00:00:00 UTC" in text
    assert "suspended since" not in text


@pytest.mark.parametrize("page", PAGES)
def test_every_page_bears_the_banner_at_the_very_next_request(broker, owner, staff, page):
    client = at(owner)
    assert BANNER not in text_of(client.get(page))
    suspend.suspend(
        broker_code=1400, reason="fraud", note="n", message="Stop.", starts_at=make.NOW - DAY, case_id=None,
        by=staff.pk, now=make.NOW,
    )  # fmt: skip

    answer = client.get(page)
    assert answer.status_code == 200
    assert BANNER in text_of(answer)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("stop", [make.suspended, make.terminated])
def test_members_still_read_what_is_theirs(broker, owner, stop, file):
    make.fills(make.record())
    monthend.calculate(month=Month(2026, 10), now=make.NOW)
    stop(broker, make.NOW)

    assert at(owner).get(file).status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads_why_since_when_and_what_it_means(broker, suspension, role):
    text = text_of(at(colleague(broker, role)).get(STANDING))

    for words in (
        "Your broker is suspended",
        "Since 2026-11-21 12:00:00 UTC",
        "Reason Conduct deemed harmful to the platform or its users",
        "Orders were sent that nobody had asked for.",
        "Backpack reserves the right, at its sole discretion, to suspend or terminate any participant’s"
        " access to the program",
        "Fills during the suspension are recorded and count for volume and tier as always.",
    ):
        assert words in text
    can_appeal = "Send the appeal" in text
    assert can_appeal == (role == "owner")
    assert ("Owners of your broker's team can appeal: ask one of them." in text) != can_appeal


def test_staff_are_never_named_nor_their_notes_or_evidence(broker, owner, staff):
    from payouts.desk.evidence import NewFile

    suspend.suspend(
        broker_code=1400, reason="fraud", note="SECRET NOTE", message="Stop.", starts_at=None, case_id=None,
        evidence=[NewFile("SECRET EVIDENCE.pdf", "application/pdf", b"%PDF-1.4 x")],
        by=staff.pk, now=make.NOW,
    )  # fmt: skip

    page = at(owner).get(STANDING).content.decode()
    assert "SECRET" not in page
    assert "sue@" not in page


def test_payouts_that_the_case_holds_stand_by_month_with_their_sum(broker, owner, suspension):
    make.fills(
        make.record(timestamp="2026-09-15T12:00:00Z", price="1000000"),
        make.record(timestamp="2026-10-15T12:00:00Z", price="2000000"),
    )
    for month in (Month(2026, 9), Month(2026, 10)):
        monthend.calculate(month=month, now=make.NOW)
    hold.hold_due(now=make.NOW)

    text = text_of(at(owner).get(STANDING))
    assert "September 2026 $200.00 October 2026 $400.00 Together $600.00" in text


def test_what_a_lifted_suspension_held_is_still_said_to_be_held(broker, owner, suspension):
    make.fills(make.record(price="1000000"))
    monthend.calculate(month=Month(2026, 10), now=make.NOW)
    hold.hold_due(now=make.NOW)
    make.lifted(suspension, make.NOW)

    text = text_of(at(owner).get(STANDING))
    assert "Your broker is active Active" not in text
    assert "Held by other cases Month Payout, US dollars October 2026 $200.00" in text
    assert "no payout is held" not in text
    assert BANNER not in text


def test_what_is_planned_is_said_before_it_begins(broker, owner):
    make.suspended(broker, make.NOW + DAY, recorded_at=make.NOW)
    client = at(owner)

    assert "Nordlicht will be suspended from 2026-11-23 12:00:00 UTC on." in text_of(
        client.get("/brokers/1400/")
    )
    text = text_of(client.get(STANDING))
    assert "Your broker is active" in text
    assert "A suspension is planned Begins 2026-11-23 12:00:00 UTC" in text
    assert "Suspended planned from 2026-11-23 12:00:00 UTC" in text


def test_a_planned_suspension_that_was_cancelled_is_history(broker, owner):
    planned = make.suspended(broker, make.NOW + DAY, recorded_at=make.NOW)
    make.lifted(planned, make.NOW + DAY)

    text = text_of(at(owner).get(STANDING))
    assert "A suspension is planned" not in text
    assert "Planned suspension cancelled on 2026-11-23" in text
    assert "Suspension planned, and cancelled before it began from 2026-11-23 12:00:00 UTC" in text


def test_a_termination_says_that_it_is_final(broker, owner):
    make.terminated(broker, make.NOW)
    text = text_of(at(owner).get(STANDING))

    assert "Nordlicht is terminated since 2026-11-22 12:00:00 UTC." in text
    assert "Later fills do not count; money that is not paid yet is held." in text
    assert "forfeited with a reason that we tell you" in text
    assert "The code is never given to anybody else." in text


def test_another_broker_of_the_same_login_bears_no_banner(broker, owner, suspension):
    make.membership(owner, make.broker(code=1500))

    assert "suspended" not in text_of(at(owner).get("/brokers/1500/"))
    assert "/brokers/1400/standing/" not in links_of(at(owner).get("/brokers/1500/"))


@pytest.mark.parametrize("address", [STANDING, "/brokers/1400/live/"])
def test_strangers_and_staff_find_nothing_and_nobody_logs_in(broker, staff, client, address):
    stranger = make.login(email="stranger@example.com")
    make.membership(stranger, make.broker(code=1500))
    boss = make.login(email="boss@backpack.exchange", is_staff=True, is_superuser=True)

    assert [at(login).get(address).status_code for login in (stranger, staff, boss)] == [404] * 3
    assert client.get(address).headers["Location"] == f"/accounts/login/?next={address}"


@pytest.mark.parametrize("times", [1, 6])
def test_the_page_costs_the_same_however_much_has_happened(broker, owner, times, django_assert_num_queries):
    for number in range(times):
        begun = make.NOW - timedelta(days=60 - 2 * number)
        make.lifted(make.suspended(broker, begun), begun + DAY)
    client = at(owner)

    # session, login, second factor, seats, standing for the banner; changes, told, held and by what, appeals,
    # this month's suspensions
    with django_assert_num_queries(11):
        client.get(STANDING)


def test_what_was_executed_while_suspended_is_told_apart(broker, owner):
    make.fills(
        make.record(timestamp="2026-11-20T11:59:59.999999Z"),
        make.record(timestamp="2026-11-20T12:00:00Z"),
        make.record(timestamp="2026-11-22T11:00:00Z"),
    )
    make.suspended(broker, datetime(2026, 11, 20, 12, tzinfo=UTC))

    text = text_of(at(owner).get("/brokers/1400/standing/"))

    assert "Executed while suspended this month, and counted: 2 fills, $200.00 of API volume." in text
