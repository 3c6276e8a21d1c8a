"""A broker on one screen of the staff site: standing, account, people, months, payouts, cases, letters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payouts.desk.models import AffiliateCheck, Case, CaseEntry, PayoutHold, Termination
from payouts.month import Month
from payouts.monthend import actions
from payouts.monthend.models import Payout
from payouts.program.models import Broker
from portal.letters import actions as letters
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
LIST, PAGE = "/staff/payouts/broker/", "/staff/payouts/broker/1400/change/"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(make.NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def altair() -> Broker:
    altair = make.broker(code=1400, name="Altair Terminal", account_id="BP-1400")
    olga = make.login(last_login=datetime(2026, 11, 21, 8, 0, tzinfo=UTC))
    make.membership(olga, altair)
    make.membership(make.login(email="vera@example.com", is_active=False), altair, role="viewer")
    return altair


def of(role: str) -> Client:
    return at(staff(role), proven=True)


def held(broker: Broker) -> Any:
    """October, calculated and held by the case of a suspension that began two days ago."""
    make.fills(make.record(price="1000000", quantity="6"))
    actions.calculate(month=Month(2026, 10), now=make.NOW - 3 * DAY)
    suspension = make.suspended(broker, make.NOW - 2 * DAY)
    payout = Payout.objects.get(broker=broker)
    PayoutHold.objects.create(payout=payout, case=suspension.case, held_at=make.NOW - 2 * DAY)
    return suspension


def prepared(broker: Broker, *, by: Any) -> Termination:
    case = Case.objects.create(broker=broker, kind="termination", title="The end", opened_at=make.NOW)
    return Termination.objects.create(
        broker=broker,
        case=case,
        reason="agreement",
        note="for staff",
        message="The agreement was violated.",
        prepared_by=by,
        prepared_at=make.NOW,
    )


# -- the page ----------------------------------------------------------------------------------------


def test_the_page_holds_everything_and_says_where(altair: Broker) -> None:
    suspension = held(altair)
    CaseEntry.objects.create(
        case=suspension.case, kind="note", at=make.NOW, by=staff("reviewer"), text="Olga called."
    )
    AffiliateCheck.objects.create(
        broker=altair,
        due_at=make.NOW + DAY,
        account_id="BP-1400",
        answer="affiliate",
        answered_at=make.NOW - 2 * DAY,
        failing_since=make.NOW - DAY,
        failures=7,
    )
    letters.write(key="1", kind="password_changed", to="olga@example.com", now=make.NOW, facts={
        "at": make.NOW.isoformat(), "address": "", "browser": "",
    })  # fmt: skip

    page = of("superuser").get(PAGE)

    text, number = text_of(page), suspension.case_id
    for fact in (
        "Now suspended since 2026-11-20 12:00:00 UTC",
        "To the broker: Orders were sent that nobody had asked for.",
        "Note for staff: for staff",
        "Payouts go to BP-1400",
        "enrolled in the Affiliate Program asked 2026-11-20 12:00:00 UTC",
        "Does not answer since 2026-11-21 12:00:00 UTC asked 7 times in vain",
        "olga@example.com owner yes 2026-11-21 08:00:00 UTC",
        "vera@example.com switched off viewer no never",
        "2026-11 so far 0 $0.00 BKR 0 $0.00 $0.00",
        "2026-10 1 $6,000,000.00 BKR 1 $6,000.00 $1,800.00",
        f"held by case {number} since 2026-11-20 12:00:00 UTC $1,800.00 BP-1400",
        f"{number}: A suspension suspension open – 2026-11-20 12:00:00 UTC –",
        "Olga called.",
        "Password changed olga@example.com waits to be sent",
        "suspended from 2026-11-20 12:00:00 UTC",
    ):
        assert fact in text, fact
    assert f"/staff/payouts/case/{number}/change/" in links_of(page)
    anchors = [link[1:] for link in links_of(page) if link.startswith("#") and link != "#content"]
    assert anchors == [
        "standing", "account", "team", "months", "payouts", "cases", "notes", "letters", "timeline",
        "looks", "history",
    ]  # fmt: skip
    assert [each for each in anchors if f'id="{each}"' not in page.content.decode()] == []


def test_a_lifting_and_what_is_planned_are_told(altair: Broker) -> None:
    make.lifted(make.suspended(altair, make.NOW - 9 * DAY), make.NOW - 8 * DAY)
    make.suspended(altair, make.NOW + DAY, recorded_at=make.NOW)

    text = text_of(of("operations").get(PAGE))

    assert "Now active since 2026-11-14 12:00:00 UTC" in text
    assert "Planned suspended from 2026-11-23 12:00:00 UTC: conduct deemed harmful" in text
    assert "suspended from 2026-11-13 12:00:00 UTC until 2026-11-14 12:00:00 UTC" in text


QUERIES = 27


@pytest.mark.parametrize("size", [1, 30])
def test_the_page_costs_the_same_for_any_size_of_broker(altair: Broker, size: int) -> None:
    for number in range(size):
        make.membership(make.login(email=f"m{number}@example.com"), altair, role="viewer")
        case = Case.objects.create(broker=altair, kind="other", title="x", opened_at=make.NOW)
        CaseEntry.objects.create(case=case, kind="note", at=make.NOW, text="x")
    held(altair)
    client = of("superuser")
    client.get(PAGE)

    with CaptureQueriesContext(connection) as asked:
        assert client.get(PAGE).status_code == 200

    assert len(asked) == QUERIES


# -- the buttons -------------------------------------------------------------------------------------


def buttons(client: Client) -> list[str]:
    """The doors to acts, without their common beginning."""
    kinds = ("suspend/", "terminate/", "/lift/", "confirm/", "withdraw/", "view-as/", "case/open/", "invite/")
    return [
        link.removeprefix("/staff/payouts/")
        for link in links_of(client.get(PAGE))
        if any(kind in link for kind in kinds)
    ]


@pytest.mark.parametrize(
    ("role", "doors"),
    [
        ("reviewer", ["broker/1400/view-as/"]),
        (
            "operations",
            ["broker/1400/view-as/", "case/open/1400/", "broker/1400/suspend/", "broker/1400/terminate/"],
        ),
        ("finance preparer", []),
        ("finance approver", []),
        ("auditor", ["broker/1400/view-as/"]),
        (
            "superuser",
            ["broker/1400/view-as/", "case/open/1400/", "broker/1400/suspend/", "broker/1400/terminate/"],
        ),
    ],
)
def test_only_what_the_roles_may_do_is_offered(altair: Broker, role: str, doors: list[str]) -> None:
    assert buttons(of(role)) == doors


def test_what_is_offered_follows_the_standing(altair: Broker) -> None:
    operator = of("operations")
    suspension = make.suspended(altair, make.NOW - DAY)
    assert f"broker/1400/standing/{suspension.pk}/lift/" in buttons(operator)
    assert "broker/1400/suspend/" not in buttons(operator)

    make.terminated(altair, make.NOW)

    assert buttons(operator) == ["broker/1400/view-as/", "case/open/1400/"]


def test_a_prepared_termination_is_confirmed_by_another_only(altair: Broker) -> None:
    first = staff("operations")
    found = prepared(altair, by=first)
    own, other = at(first), at(staff("operations", email="second@exchange.example"))

    assert [door for door in buttons(own) if "terminat" in door] == [
        f"broker/1400/terminations/{found.pk}/withdraw/"
    ]
    assert [door for door in buttons(other) if "terminat" in door] == [
        f"broker/1400/terminations/{found.pk}/confirm/",
        f"broker/1400/terminations/{found.pk}/withdraw/",
    ]
    assert "A termination is prepared and waits for a second person." in text_of(other.get(PAGE))


def test_of_their_own_broker_staff_see_what_members_see(altair: Broker) -> None:
    suspension = held(altair)
    prepared(altair, by=staff("reviewer"))
    CaseEntry.objects.create(case=suspension.case, kind="note", at=make.NOW, text="A secret of ours.")
    root = staff("superuser")
    make.membership(root, altair, role="viewer")
    client = at(root, proven=True)

    text = text_of(client.get(PAGE))

    assert "You are a member of this broker's team" in text
    assert buttons(client) == []
    for hidden in (
        "A secret of ours.",
        "Note for staff",
        "is prepared",
        "Timeline",
        "Latest notes",
        "by case",
    ):
        assert hidden not in text


# -- the list ----------------------------------------------------------------------------------------


def test_the_list_says_and_filters_standing_conflicts_and_held_dollars(altair: Broker) -> None:
    held(altair)
    zebra, yak = make.broker(code=1500, name="Zebra"), make.broker(code=1600, name="Yak")
    make.terminated(zebra, make.NOW - DAY)
    make.suspended(yak, make.NOW + DAY, recorded_at=make.NOW)
    make.lifted(make.suspended(make.broker(code=1700, name="Xerus"), make.NOW - DAY), make.NOW)
    AffiliateCheck.objects.create(broker=yak, due_at=make.NOW, answer="affiliate", failing_since=make.NOW)
    prepared(yak, by=staff("operations"))
    client = of("reviewer")

    text = text_of(client.get(LIST))
    for row in (
        "1400 Altair Terminal suspended BP-1400 $1,800.00",
        "1500 Zebra terminated ACC01500 –",
        "1600 Yak active to be stopped affiliate conflict ACC01600 –",
        "1700 Xerus active ACC01700 –",
    ):
        assert row in text, row
    names = ("Altair Terminal", "Zebra", "Yak", "Xerus")
    found = {
        asked: [name for name in names if name in text_of(client.get(f"{LIST}?{asked}"))]
        for asked in (
            "standing=active",
            "standing=suspended",
            "standing=terminated",
            "standing=planned",
            "concern=affiliate",
            "concern=held",
            "concern=termination",
            "concern=unanswered",
            "concern=account",
            "concern=nothing",
        )
    }
    assert found == {
        "standing=active": ["Yak", "Xerus"],
        "standing=suspended": ["Altair Terminal"],
        "standing=terminated": ["Zebra"],
        "standing=planned": ["Yak"],
        "concern=affiliate": ["Yak"],
        "concern=held": ["Altair Terminal"],
        "concern=termination": ["Yak"],
        "concern=unanswered": ["Yak"],
        "concern=account": [],
        "concern=nothing": list(names),
    }


def test_a_cancelled_suspension_is_not_planned_any_more(altair: Broker) -> None:
    later = make.NOW + DAY
    make.lifted(make.suspended(altair, later, recorded_at=make.NOW), later)

    assert "Altair Terminal" not in text_of(of("reviewer").get(f"{LIST}?standing=planned"))
