"""Where the money goes, changed in a real browser: asked, checked, confirmed; then stopped, or done."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import expect

from payouts.desk import account_change
from payouts.exchange.port import Account
from portal.simulator.outages import Outage
from portal.simulator.people import code_at
from tests import make
from tests.journeys import people, town
from tests.journeys.town import Place
from tests.journeys.world import entered

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(300)]

OLGA, OMAR = "olga@gridwright.example", "omar@gridwright.example"
PIA, ABE = "pia@exchange.example", "abe@exchange.example"
HOME = "/brokers/1500/account/"
OLD, NEW = "BP-900015", "BP-900077"


@pytest.fixture
def place(
    committed_db: str, real_passwords: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """A broker with two owners; one who checks and one who confirms. Asked for as `confirmed`, with a change
    that was confirmed 73 hours ago by the desk's own acts, while the exchange does not answer.
    """
    gridwright = make.broker(code=1500, name="Gridwright Bots", account_id=OLD)
    logins: dict[str, Any] = {
        email: make.login(email=email, password=people.PASSWORD) for email in (OLGA, OMAR)
    }
    for login in logins.values():
        make.membership(login, gridwright)
    for email, role in ((PIA, "finance preparer"), (ABE, "finance approver")):
        logins[email] = make.login(email=email, password=people.PASSWORD, is_staff=True)
        logins[email].groups.add(Group.objects.get(name=role))
    sessions = {email: entered(login) for email, login in logins.items()}
    is_confirmed = getattr(request, "param", "") == "confirmed"
    if is_confirmed:
        confirmed_long_ago({email: login.pk for email, login in logins.items()})
    outage = Outage.ERROR if is_confirmed else None
    with town.place(committed_db, tmp_path, request, sessions=sessions, outage=outage) as made_place:
        yield made_place


def confirmed_long_ago(logins: dict[str, int]) -> None:
    then, account = timezone.now() - timedelta(hours=73), Account(NEW, is_business=True, is_affiliate=False)
    change = account_change.ask(
        broker_code=1500, new_account_id=NEW, account=account, by=logins[OLGA], address="192.0.2.7", now=then
    )
    account_change.prepare(reference=change.reference, account=account, by=logins[PIA], now=then)
    shown = account_change.shown(change.reference)
    account_change.confirm(reference=change.reference, shown=shown, account=account, by=logins[ABE], now=then)


def test_asked_by_one_owner_checked_by_two_and_stopped_by_the_other_owner(place: Place) -> None:
    here, olga = place.town, place.page_of(OLGA, HOME)
    expect(olga.get_by_role("region", name="Payouts go to")).to_contain_text(OLD)
    olga.get_by_role("link", name="Ask for another account…").click()
    # With the second factor: a password alone moves no money.
    assert "/accounts/2fa/reauthenticate/" in olga.url
    olga.get_by_label("Code").fill(code_at(make.TOTP_SECRET, datetime.now(UTC)))
    people.press(olga, "Go on")
    # Whatever is wrong with an account of others, the sentence is the same.
    said = []
    for account in ("BP-910001", "BP-920001", "BP-940001"):
        olga.get_by_label("Id of the new account").fill(account)
        with place.reader.refused(409):
            people.press(olga, "Ask for this account")
            said.append(olga.locator(".errorlist").inner_text())
    assert len(set(said)) == 1
    assert "This account cannot be used" in said[0]
    olga.get_by_label("Id of the new account").fill(NEW)
    people.press(olga, "Ask for this account")
    expect(olga.get_by_text("The change is asked for. Every owner gets a letter.")).to_be_visible()
    under_way = olga.get_by_role("region", name="A change is under way")
    expect(under_way).to_contain_text(NEW)
    for owner in (OLGA, OMAR):
        letter = here.mailbox.letter(owner, "Gridwright Bots: payouts are to go to another account")
        assert OLGA in letter

    pia = place.page_of(PIA, "/staff/payouts/accountchange/")
    pia.get_by_role("link", name="Gridwright Bots").click()
    pia.get_by_role("link", name="Say that it is checked…").click()
    pia.get_by_label("What you did to be sure").fill("Called Omar on the number in the contract.")
    people.press(pia, "It is checked")
    expect(
        pia.get_by_text("You have checked it yourself: another member of staff confirms it.")
    ).to_be_visible()
    expect(pia.get_by_role("link", name="Confirm it…")).to_have_count(0)
    own = pia.context.request.get(pia.url.replace("/change/", "/confirm/"))
    assert own.status == 403

    abe = place.page_of(ABE, pia.url.removeprefix(here.address))
    abe.get_by_role("link", name="Confirm it…").click()
    people.confirms_password(abe)
    expect(abe.get_by_text("Called Omar on the number in the contract.")).to_be_visible()
    people.press(abe, "Confirm it")
    expect(abe.get_by_text("It takes effect in 72 hours")).to_be_visible()

    olga.reload()
    expect(under_way).to_contain_text("It takes effect on")
    expect(under_way).to_contain_text("unless an owner cancels it")
    for staff in (PIA, ABE):
        expect(olga.get_by_text(staff)).to_have_count(0)
    for owner in (OLGA, OMAR):
        assert "UTC" in here.mailbox.letter(owner, "Gridwright Bots: another account from")

    omar = place.page_of(OMAR, HOME)
    omar.get_by_role("link", name="Cancel this change…").click()
    omar.get_by_label("Why, if you like").fill("Nobody asked me.")
    people.press(omar, "Cancel the change")
    expect(omar.get_by_text("The change is cancelled. Payouts go where they went before.")).to_be_visible()
    expect(omar.get_by_role("region", name="Payouts go to")).to_contain_text(OLD)
    expect(omar.get_by_role("region", name="Earlier changes")).to_contain_text("Nobody asked me.")
    for owner in (OLGA, OMAR):
        letter = here.mailbox.letter(owner, "Gridwright Bots: the change of account is cancelled")
        assert OMAR in letter
    abe.reload()
    expect(abe.locator(".badge").get_by_text("cancelled").first).to_be_visible()


@pytest.mark.parametrize("place", ["confirmed"], indirect=True)
def test_after_72_hours_the_exchange_is_asked_once_more_and_the_account_is_another(place: Place) -> None:
    here = place.town
    olga = place.page_of(OLGA, HOME)
    people.until(olga, "Backpack Exchange has not answered since")
    expect(olga.get_by_role("region", name="Payouts go to")).to_contain_text(OLD)

    here.exchange.outage = None
    people.until(olga, f"Payouts go to {NEW}")
    expect(olga.get_by_role("region", name="Earlier changes")).to_contain_text(OLD)
    expect(olga.get_by_role("region", name="A change is under way")).to_have_count(0)
    for owner in (OLGA, OMAR):
        letter = here.mailbox.letter(owner, "Gridwright Bots: payouts go to another account now")
        assert OLGA in letter
