"""What waits, on the first page of the staff site: counts with links, for who may, not of own brokers."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.desk.models import AccountChange, AffiliateCheck, Appeal, AppealMessage, Case, Termination
from payouts.program.models import Broker
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
CASES, BROKERS = "/staff/payouts/case/", "/staff/payouts/broker/"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def altair() -> Broker:
    """A broker about which one of everything waits."""
    altair, olga = make.broker(code=1400, name="Altair Terminal"), make.login()
    make.membership(olga, altair)
    suspension = make.suspended(altair, make.NOW)
    Case.objects.create(broker=altair, kind="affiliate", title="x", is_flagged=True, opened_at=make.NOW)
    appeal = Appeal.objects.create(
        broker=altair, case=suspension.case, change=suspension, opened_by=olga, opened_at=make.NOW
    )
    AppealMessage.objects.create(appeal=appeal, by=olga, is_from_exchange=False, text="Why?", at=make.NOW)
    Termination.objects.create(
        broker=altair,
        case=suspension.case,
        reason="agreement",
        note="x",
        message="x",
        prepared_by=staff("none"),
        prepared_at=make.NOW,
    )
    AccountChange.objects.create(
        broker=altair, old_account_id="ACC01400", new_account_id="N", asked_by=olga, asked_at=make.NOW
    )
    AffiliateCheck.objects.create(
        broker=altair, due_at=make.NOW, failing_since=make.NOW - timedelta(hours=3), failures=2
    )
    return altair


def waits(client: Client) -> list[tuple[str, str, str]]:
    """Each number with what it counts and where it leads."""
    page = client.get("/staff/").content.decode()
    panel = page.partition('id="desk-heading"')[2].partition("</section>")[0]
    return re.findall(r'<dt>(.*?)</dt><dd><a href="(.*?)">(.*?)</a>', panel)


FLAGGED = ("Cases that nobody has looked at", f"{CASES}?flagged=yes", "1")
APPEALS = ("Appeals to answer", f"{CASES}?appeal=yes", "1")
TERMINATIONS = ("Terminations to confirm", f"{BROKERS}?concern=termination", "1")
CHANGES = ("Changes of account", "/staff/payouts/accountchange/", "1")
UNANSWERED = ("The exchange does not answer about", f"{BROKERS}?concern=unanswered", "1 broker")


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        ("reviewer", [FLAGGED, APPEALS, UNANSWERED]),
        ("operations", [FLAGGED, APPEALS, TERMINATIONS, CHANGES, UNANSWERED]),
        ("finance preparer", [FLAGGED, APPEALS, CHANGES, UNANSWERED]),
        ("finance approver", [FLAGGED, APPEALS, UNANSWERED]),  # nothing is checked yet, so nothing to confirm
        ("auditor", [FLAGGED, APPEALS, UNANSWERED]),
        ("superuser", [FLAGGED, APPEALS, TERMINATIONS, CHANGES, UNANSWERED]),
    ],
)
def test_each_role_sees_what_waits_for_it(altair: Broker, role: str, shown: list[Any]) -> None:
    client = at(staff(role))

    assert waits(client) == shown
    assert [client.get(address).status_code for _, address, _ in shown] == [200] * len(shown)
    assert "1 broker since 2026-11-22 09:00:00 UTC" in text_of(client.get("/staff/"))


def test_each_link_leads_to_the_thing_that_was_counted(altair: Broker) -> None:
    make.broker(code=1500, name="Zebra")
    Case.objects.create(broker_id=1500, kind="other", title="Nothing waits here", opened_at=make.NOW)
    client = at(staff("operations"))

    for _, address, _ in waits(client):
        text = text_of(client.get(address))
        assert "Altair Terminal" in text, address
        assert "Zebra" not in text, address


def test_what_concerns_ones_own_broker_is_not_counted(altair: Broker) -> None:
    root = staff("superuser")
    make.membership(root, altair, role="viewer")

    assert waits(at(root)) == [UNANSWERED]


def test_nothing_waits_is_said() -> None:
    text = text_of(at(staff("operations")).get("/staff/"))

    assert "Nothing waits: no case is flagged, no appeal is unanswered" in text
