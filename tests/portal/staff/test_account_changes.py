"""Changes of account on the staff site: what waits, what tells a thief from an owner, the two who look."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.models import AccountChange
from portal.accounts.models import Device
from portal.accounts.staff_roles import StaffRole
from portal.simulator.answering import AnsweringExchange
from portal.staff import account_change_actions as actions
from portal.staff import account_change_facts as facts
from portal.team import members
from portal.team.models import Membership
from tests import make
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, NOW, OLD
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
LIST = "/staff/payouts/accountchange/"
HOW = "Called Otto on the number of the contract."


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def of(clock: Any, exchange: AnsweringExchange) -> make_.People:
    broker, found = make_.broker(), make_.people()
    make.membership(found.olga, broker)
    make.membership(found.otto, broker)
    return found


def page(change: AccountChange, act: str = "change") -> str:
    return f"{LIST}{change.pk}/{act}/"


def client_of(role: str, **fields: Any) -> Client:
    return at(staff(role, **fields), proven=True)


def confirm(client: Client, change: AccountChange) -> Any:
    """As a browser does: with the digest that the page holds."""
    shown = client.get(page(change, "confirm")).context["form"].initial["shown"]
    return client.post(page(change, "confirm"), {"shown": shown})


def state(change: AccountChange) -> str:
    change.refresh_from_db()
    return change.state


# -- who may what -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "sees", "checks", "confirms"),
    [
        ("superuser", 200, 200, 200),
        ("operations", 200, 200, 200),
        ("finance preparer", 200, 200, 403),
        ("finance approver", 200, 403, 200),
        ("auditor", 200, 403, 403),
        ("reviewer", 403, 403, 403),
        ("none", 403, 403, 403),
    ],
)
def test_each_role_may_what_its_acts_say(of: Any, role: str, sees: int, checks: int, confirms: int) -> None:
    change = make_.asked(of.olga)
    client = client_of(role)

    assert [client.get(address).status_code for address in (LIST, page(change))] == [sees, sees]
    assert client.get(page(change, "check")).status_code == checks
    assert client.get(page(change, "confirm")).status_code == confirms
    assert client.get(page(change, "refuse")).status_code == (200 if 200 in (checks, confirms) else 403)
    if checks == 403:
        assert client.post(page(change, "check"), {"how": HOW}).status_code == 403
    if confirms == 403:
        assert client.post(page(change, "confirm"), {"shown": "x"}).status_code == 403
    assert state(change) == "asked"


def test_the_test_knows_every_role() -> None:
    assert {role.value for role in StaffRole} == {
        "operations",
        "finance preparer",
        "finance approver",
        "auditor",
        "reviewer",
    }


def test_owners_and_nobody_get_no_further_than_the_door(of: Any) -> None:
    change = make_.asked(of.olga)

    assert at(of.olga).get(page(change)).status_code == 403
    assert Client().get(page(change)).headers["Location"] == f"/accounts/login/?next={page(change)}"


def test_a_change_of_ones_own_broker_is_not_there(of: Any) -> None:
    change = make_.asked(of.olga)
    login = staff("operations")
    make.membership(login, change.broker)
    client = at(login, proven=True)

    assert "Altair Terminal" not in text_of(client.get(LIST))
    for act in ("change", "check", "confirm", "refuse"):
        assert client.get(page(change, act)).status_code == 404


def test_confirming_takes_a_fresh_proof(of: Any) -> None:
    change = make_.asked(of.olga)

    answer = at(staff("finance approver")).get(page(change, "confirm"))

    assert answer.status_code == 302
    assert "/reauthenticate/" in answer.headers["Location"]


# -- the list and the page --------------------------------------------------------------------


def test_what_waits_for_staff_stands_first(of: Any) -> None:
    make_.waiting(of)
    make.broker(code=1500, name="Boreas")
    make_.asked(of.otto, broker_code=1500, new_account_id="BP-900002", now=NOW - timedelta(days=1))
    make.broker(code=1600, name="Corvus")
    over = make_.asked(of.otto, broker_code=1600, new_account_id="BP-900003", now=NOW + timedelta(hours=3))
    AccountChange.objects.filter(pk=over.pk).update(state="cancelled", ended_at=NOW)
    client = client_of("operations")

    text = text_of(client.get(LIST))
    assert text.index("Boreas") < text.index("Altair Terminal") < text.index("Corvus")
    only = text_of(client.get(f"{LIST}?state=open"))
    assert "Corvus" not in only
    assert "Boreas" in only
    assert "Corvus" in text_of(client.get(f"{LIST}?state=cancelled"))


def test_the_page_shows_what_tells_a_thief_from_an_owner(of: Any) -> None:
    Membership.objects.filter(login=of.otto).update(joined_at=NOW - timedelta(days=90))
    change = make_.asked(of.olga)

    answer = client_of("operations").get(page(change))

    text = text_of(answer)
    for fact in (OLD, NEW, "olga@example.com, owner", "from 203.0.113.7", "address not seen before", "None."):
        assert fact in text
    assert "The login had not been used from this address before." in text
    assert (
        "olga@example.com is new here, or has changed the second factor or the address within 30 days" in text
    )
    assert {page(change, "check"), page(change, "refuse")} <= set(links_of(answer))
    assert page(change, "confirm") not in links_of(answer)

    Device.objects.create(
        login=of.olga,
        token_hash="x",
        address="203.0.113.7",
        first_seen_at=NOW - timedelta(days=2),
        last_seen_at=NOW,
    )
    assert "address not seen before" not in text_of(client_of("finance preparer").get(page(change)))


def test_owners_who_were_sent_away_shortly_before_are_named_and_confirmed(of: Any) -> None:
    """Otto, removed, could have cancelled it; so could Omar, who is a viewer now."""
    omar = make.membership(make.login(email="omar@example.com"), Membership.objects.get(login=of.olga).broker)
    members.remove(broker_code=1400, member_id=Membership.objects.get(login=of.otto).pk, by=of.olga, now=NOW)
    change = make_.asked(of.olga)
    before = actions.shown(change)
    Membership.objects.filter(pk=omar.pk).update(role="viewer")
    make_.prepared(change, of.pia)

    client = client_of("finance approver")
    for act in ("change", "confirm"):
        text = text_of(client.get(page(change, act)))
        assert "otto@example.com was an owner and was removed at 20" in text
        assert "omar@example.com was an owner until 20" in text
        assert "reach them; letters go to them as well." in text
    assert actions.shown(change) != before
    found = facts.people(change)
    assert [(each.email, each.is_removed) for each in found.former_owners] == [
        ("omar@example.com", False),
        ("otto@example.com", True),
    ]
    assert facts.digest(found) != facts.digest(replace(found, former_owners=found.former_owners[:1]))


def test_a_broker_with_one_owner_is_marked(of: Any) -> None:
    Membership.objects.filter(login=of.otto).update(role="viewer")
    change = make_.asked(of.olga)

    assert "The broker has no second owner who could cancel it" in text_of(
        client_of("operations").get(page(change))
    )


# -- the acts ---------------------------------------------------------------------------------


def test_one_checks_another_confirms_and_it_holds_72_hours_later(
    of: Any, exchange: AnsweringExchange, clock: Any
) -> None:
    change = make_.asked(of.olga)
    first, second = client_of("finance preparer"), client_of("finance approver")

    assert "Nothing changes yet: somebody else confirms it, and then 72 hours pass." in text_of(
        first.get(page(change, "check"))
    )
    assert first.post(page(change, "check"), {"how": HOW}).headers["Location"] == page(change)
    assert state(change) == "prepared"
    shown = text_of(second.get(page(change, "confirm")))
    assert f"finance-preparer@exchange.example checked it at 2026-11-22 12:00 UTC: “{HOW}”" in shown
    assert confirm(second, change).headers["Location"] == page(change)

    assert state(change) == "confirmed"
    assert change.effective_at == NOW + timedelta(hours=72)
    assert exchange.asked == [NEW, NEW]
    clock.move_to(NOW + timedelta(hours=72))
    make_.sweep(NOW + timedelta(hours=72))
    assert make_.account() == NEW


def test_who_checked_it_does_not_confirm_it(of: Any) -> None:
    change = make_.asked(of.olga)
    client = client_of("operations")
    client.post(page(change, "check"), {"how": HOW})

    detail = client.get(page(change))
    assert "You have checked it yourself: another member of staff confirms it." in text_of(detail)
    assert page(change, "confirm") not in links_of(detail)
    refused = confirm(client, change)

    assert refused.status_code == 409
    assert "another member of staff has to do this" in text_of(refused)
    assert state(change) == "prepared"


def test_nothing_is_checked_without_saying_how(of: Any) -> None:
    change = make_.asked(of.olga)

    assert client_of("operations").post(page(change, "check"), {"how": " "}).status_code == 422
    assert state(change) == "asked"


def test_a_page_that_shows_another_team_confirms_nothing(of: Any) -> None:
    """An owner who could have cancelled was removed after the page was opened."""
    change = make_.asked(of.olga)
    make_.prepared(change, of.pia)
    client = client_of("finance approver")
    shown = client.get(page(change, "confirm")).context["form"].initial["shown"]
    Membership.objects.filter(login=of.otto).delete()

    answer = client.post(page(change, "confirm"), {"shown": shown}, follow=True)

    assert "Something has changed since this page was shown: look at it again." in text_of(answer)
    assert state(change) == "prepared"
    assert client.post(page(change, "confirm"), {}).status_code == 422


def test_what_an_owner_asked_who_is_none_any_more_can_only_be_refused(of: Any) -> None:
    change = make_.asked(of.olga)
    Membership.objects.filter(login=of.olga).delete()
    client = client_of("operations")

    answer = client.post(page(change, "check"), {"how": HOW})

    assert answer.status_code == 409
    assert "Whoever asked for it is no owner of the broker any more: refuse the change." in text_of(answer)
    assert client.post(page(change, "refuse"), {"why": "Olga has left."}).status_code == 302
    assert state(change) == "refused"


@pytest.mark.parametrize("act", ["check", "confirm"])
def test_an_outage_or_a_bad_answer_does_nothing_and_says_so(
    of: Any, exchange: AnsweringExchange, act: str
) -> None:
    change = make_.asked(of.olga)
    if act == "confirm":
        make_.prepared(change, of.pia)
    before, client = state(change), client_of("operations")

    def sent() -> Any:
        return confirm(client, change) if act == "confirm" else client.post(page(change, act), {"how": HOW})

    with exchange.away():
        down = sent()
    exchange.accounts.tell(NEW, is_affiliate=True)
    affiliate = sent()

    assert (down.status_code, affiliate.status_code) == (409, 409)
    assert "Backpack Exchange does not answer at the moment: nothing was done" in text_of(down)
    assert "mutually exclusive" in text_of(affiliate)
    assert state(change) == before


def test_a_refusal_is_read_by_the_owners(of: Any) -> None:
    change = make_.waiting(of)
    client = client_of("finance approver")

    done = client.post(page(change, "refuse"), {"why": "Nobody at Altair knows of it."}, follow=True)

    assert "Nobody at Altair knows of it." in text_of(done)
    assert "Nobody at Altair knows of it." in text_of(at(of.otto).get("/brokers/1400/account/"))
    assert not [link for link in links_of(done) if link.endswith("/refuse/")]


def test_a_change_that_waits_for_the_exchange_says_since_when(of: Any, clock: Any) -> None:
    change = make_.waiting(of)
    clock.move_to(EFFECTIVE)
    make_.sweep(EFFECTIVE, make_.Scripted(is_down=True))

    assert "the exchange has not answered since 2026-11-25 14:00 UTC" in text_of(
        client_of("operations").get(page(change))
    )


def test_there_is_no_page_of_a_change_that_is_not_there(of: Any) -> None:
    client = client_of("superuser")
    for number in ("77", "9" * 30, "x"):
        assert client.get(f"{LIST}{number}/change/").status_code == 404
