"""The page of the exchange account: who sees it, how an owner asks for another one, and how it is stopped."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from payouts.models import AccountChange, Broker
from portal.exchange_account import actions
from portal.simulator.answering import AnsweringExchange
from portal.team.models import Membership
from tests import make
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, NOW, OLD
from tests.portal.page_text import links_of, text_of

pytestmark = pytest.mark.django_db
PAGE, ASK = "/brokers/1400/account/", "/brokers/1400/account/change/"
UNUSABLE = "This account cannot be used: give the id of a business account of your own"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def broker(clock: Any) -> Broker:
    return make_.broker()


@pytest.fixture
def of(broker: Broker) -> make_.People:
    found = make_.people()
    make.membership(found.olga, broker)
    make.membership(found.otto, broker)
    return found


def at(login: Any, *, factor: bool = False, password: bool = False) -> Client:
    """A browser of a login; `factor` and `password`: by what it has just proved itself."""
    client = Client(REMOTE_ADDR="203.0.113.7")
    client.force_login(login)
    if password:
        done = client.post("/accounts/reauthenticate/?next=/", {"password": "correct horse battery"})
        assert done.status_code == 302
    if factor:
        done = client.post("/accounts/2fa/reauthenticate/?next=/", {"code": make.totp_code(login, NOW)})
        assert done.status_code == 302, done.content.decode()
    return client


def ask(client: Client, account: str = NEW) -> Any:
    return client.post(ASK, {"account_id": account})


def cancel_page(change: AccountChange, code: int = 1400) -> str:
    return f"/brokers/{code}/account/change/{change.reference}/cancel/"


# -- who sees what ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("owner", (200, 302, 200)),
        ("finance", (200, 403, 403)),
        ("developer", (403, 403, 403)),
        ("viewer", (403, 403, 403)),
    ],
)
def test_each_role_sees_what_the_table_says(of: Any, broker: Broker, role: str, statuses: Any) -> None:
    login = make.login(email="mia@example.com")
    make.membership(login, broker, role=role)
    client = at(login)
    asks = client.get(ASK).status_code
    change = make_.asked(of.olga)

    found = (client.get(PAGE).status_code, asks, client.get(cancel_page(change)).status_code)
    assert found == statuses
    if role != "owner":
        assert client.post(cancel_page(change)).status_code == 403
        assert ask(client).status_code == 403


@pytest.mark.parametrize("who", ["stranger", "owner of another", "staff"])
def test_for_everybody_else_there_is_no_such_page(of: Any, who: str) -> None:
    login = make.login(email="eve@example.com", is_staff=who == "staff")
    if who == "owner of another":
        make.membership(login, make.broker(code=1500))
    change = make_.asked(of.olga)
    client = at(login)

    for address in (PAGE, ASK, cancel_page(change)):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404
    change.refresh_from_db()
    assert change.state == "asked"


def test_a_change_of_another_broker_is_not_found_under_ones_own_code(of: Any) -> None:
    eve = make.login(email="eve@example.com")
    make.membership(eve, make.broker(code=1500))
    change = make_.asked(of.olga)

    assert at(eve).post(cancel_page(change, 1500)).status_code == 404


def test_nobody_is_led_to_the_login_page(of: Any) -> None:
    for address in (PAGE, ASK):
        answer = Client().get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/accounts/login/?next={address}")


# -- proving to be there ----------------------------------------------------------------------


def test_asking_takes_the_second_factor_and_not_only_the_password(of: Any) -> None:
    for client in (at(of.olga), at(of.olga, password=True)):
        for answer in (client.get(ASK), ask(client)):
            assert answer.status_code == 302
            assert answer.headers["Location"] == (
                "/accounts/2fa/reauthenticate/?next=%2Fbrokers%2F1400%2Faccount%2Fchange%2F"
            )
    assert not AccountChange.objects.exists()


def test_a_proof_of_the_second_factor_holds_five_minutes(of: Any, clock: Any) -> None:
    client = at(of.olga, factor=True)
    assert client.get(ASK).status_code == 200

    clock.shift(timedelta(minutes=5, seconds=1))

    assert client.get(ASK).status_code == 302


def test_stopping_a_change_takes_no_fresh_proof(of: Any) -> None:
    change = make_.waiting(of)
    client = at(of.otto)

    shown = text_of(client.get(cancel_page(change)))
    assert "Cancel the change of the account?" in shown
    assert f"Payouts go on to {OLD}." in shown
    done = client.post(cancel_page(change), {"why": "It was not us."})

    assert (done.status_code, done.headers["Location"]) == (302, PAGE)
    change.refresh_from_db()
    assert (change.state, change.ended_by_id, change.ended_why) == (
        "cancelled",
        of.otto.pk,
        "It was not us.",
    )
    page = text_of(client.get(PAGE))
    assert "The change is cancelled. Payouts go where they went before." in page
    assert "Cancelled otto@example.com, 2026-11-22 12:00:00 UTC It was not us." in page


# -- asking -----------------------------------------------------------------------------------


def test_an_owner_asks_and_the_page_says_what_comes_next(of: Any, exchange: AnsweringExchange) -> None:
    client = at(of.olga, factor=True)
    first = text_of(client.get(ASK))
    assert OLD in first
    assert "Every owner gets a letter now, when it is confirmed and when it takes effect" in first
    assert "effect: olga@example.com, otto@example.com." in first

    done = ask(client, f" {NEW} ")

    assert (done.status_code, done.headers["Location"]) == (302, PAGE)
    change = AccountChange.objects.get()
    assert (change.new_account_id, change.asked_by_id, change.asked_from) == (NEW, of.olga.pk, "203.0.113.7")
    assert exchange.asked == [NEW]
    page = client.get(PAGE)
    text = text_of(page)
    assert "The change is asked for. Every owner gets a letter." in text
    assert (
        "Nothing has changed yet. Two members of Backpack's staff check it, one after the other; then 72"
        " hours pass before it takes effect."
    ) in text
    assert "from the address 203.0.113.7" in text
    assert cancel_page(change) in links_of(page)
    assert ASK not in links_of(page)


def test_the_page_says_from_when_it_holds_and_names_nobody_of_the_staff(of: Any, clock: Any) -> None:
    change = make_.waiting(of)
    client = at(of.olga)
    text = text_of(client.get(PAGE))
    assert "It takes effect on 2026-11-25 14:00:00 UTC unless an owner cancels it." in text
    assert "Confirmed Backpack, 2026-11-22 14:00:00 UTC" in text
    assert "pia@" not in text
    assert "quentin@" not in text

    clock.move_to(EFFECTIVE)
    client = at(of.olga)
    assert "Its time has come: it takes effect within seconds." in text_of(client.get(PAGE))
    make_.sweep(EFFECTIVE, make_.Scripted(is_down=True))
    assert "Backpack Exchange has not answered since 2026-11-25 14:00:00 UTC." in text_of(client.get(PAGE))
    make_.sweep(EFFECTIVE + timedelta(minutes=1))
    page = client.get(PAGE)
    assert f"Payouts go to {NEW}" in text_of(page)
    assert "In effect the portal, 2026-11-25 14:01:00 UTC" in text_of(page)
    assert cancel_page(change) not in links_of(page)
    late = client.post(cancel_page(change), follow=True)
    assert "This change is in effect by now: open its page again." in text_of(late)


def test_finance_reads_who_can_cancel(of: Any, broker: Broker) -> None:
    make_.waiting(of)
    fay = make.login(email="fay@example.com")
    make.membership(fay, broker, role="finance")

    page = at(fay).get(PAGE)

    assert (
        "An owner can cancel it at any moment before it takes effect: olga@example.com, otto@example.com."
        in (text_of(page))
    )
    assert not [link for link in links_of(page) if link.endswith("/cancel/")]


@pytest.mark.parametrize("account", ["BP-910001", "BP-920001", "BP-940001", "BP-1500", "BP-900077", "a b"])
def test_every_account_that_is_not_theirs_gets_the_same_answer(
    of: Any, exchange: AnsweringExchange, account: str
) -> None:
    """Personal, an affiliate's, unknown, another broker's, wanted by another broker, no id at all."""
    make.broker(code=1500, account_id="BP-1500")
    exchange.accounts.tell("BP-1500")
    make_.asked(of.otto, broker_code=1500, new_account_id="BP-900077")

    answer = ask(at(of.olga, factor=True), account)

    assert answer.status_code == 409
    assert UNUSABLE in text_of(answer)
    assert f'value="{account}"' in answer.content.decode()
    assert not AccountChange.objects.filter(broker=1400).exists()


def test_the_exchange_is_asked_even_about_another_brokers_account(
    of: Any, exchange: AnsweringExchange
) -> None:
    """So that the time until the answer tells nothing either."""
    make.broker(code=1500, account_id="BP-1500")

    ask(at(of.olga, factor=True), "BP-1500")

    assert exchange.asked == ["BP-1500"]


def test_an_outage_asks_for_nothing(of: Any, exchange: AnsweringExchange) -> None:
    client = at(of.olga, factor=True)
    with exchange.away():
        answer = ask(client)

    assert answer.status_code == 503
    assert (
        "Backpack Exchange does not answer at the moment, so nothing was asked for: try again later."
        in text_of(answer)
    )
    assert not AccountChange.objects.exists()


def test_few_accounts_can_be_tried(of: Any, exchange: AnsweringExchange) -> None:
    client = at(of.olga, factor=True)
    statuses = [ask(client, f"BP-91000{number}").status_code for number in range(6)]

    assert statuses == [409] * 5 + [429]
    assert len(exchange.asked) == 5


def test_all_owners_together_try_few_accounts(of: Any, exchange: AnsweringExchange, broker: Broker) -> None:
    statuses = []
    for number in range(4):
        owner = make.login(email=f"owner{number}@example.com")
        make.membership(owner, broker)
        client = at(owner, factor=True)
        statuses += [ask(client, f"BP-9100{number}{each}").status_code for each in range(4)]

    assert statuses == [409] * 15 + [429]


def test_a_suspended_brokers_owner_cannot_ask_but_can_stop(of: Any, broker: Broker) -> None:
    change = make_.waiting(of)
    make.suspended(broker, NOW - timedelta(hours=1))
    client = at(of.olga, factor=True)

    assert "the change waits until the suspension is lifted" in text_of(client.get(PAGE))
    assert client.post(cancel_page(change)).status_code == 302
    page = client.get(PAGE)
    assert "While the broker is suspended, its account cannot be changed." in text_of(page)
    assert ASK not in links_of(page)
    assert ask(client).status_code == 302
    assert AccountChange.objects.count() == 1


def test_an_owner_who_lost_the_role_while_the_exchange_answered_asks_for_nothing(
    of: Any,
) -> None:
    def meanwhile() -> None:
        Membership.objects.filter(login=of.olga).update(role="viewer")

    with pytest.raises(actions.NotYours):
        actions.ask(
            broker_code=1400,
            account_id=NEW,
            by=of.olga,
            address="203.0.113.7",
            exchange=make_.Scripted(meanwhile=meanwhile),
            clock=lambda: NOW,
        )
    assert not AccountChange.objects.exists()
