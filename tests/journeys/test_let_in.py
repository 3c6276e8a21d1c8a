"""How a business is let in, in a real browser: every step from the sign-up to the code on the screen."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from playwright.sync_api import expect

from portal.simulator.outages import Outage
from tests import make
from tests.journeys import people, town
from tests.journeys.town import Place

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(300)]

NADIA = "nadia@nadir.example"
RITA = "rita@exchange.example"
OLEG = "oleg@exchange.example"


@pytest.fixture
def place(committed_db: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A town with two members of staff and an imported broker; the browser comes last."""
    for email, role in ((RITA, "reviewer"), (OLEG, "operations")):
        made = make.login(email=email, password=people.PASSWORD, is_staff=True)
        made.groups.add(Group.objects.get(name=role))
    make.broker(code=1500, name="Gridwright Bots", account_id="BP-900015")
    with town.place(committed_db, tmp_path, request) as made_place:
        yield made_place


def test_from_the_sign_up_to_the_code_on_the_screen(place: Place) -> None:
    here, page = place.town, place.reader.open()
    people.sign_up(page, here, NADIA, "Nadia Okafor")
    people.set_up_app(page, here)
    with people.authenticator(page):
        page.goto(f"{here.address}/accounts/2fa/webauthn/add/")
        page.get_by_label("Name of the passkey").fill("Nadia's laptop")
        people.press(page, "Add a passkey")
        expect(page.get_by_text("Nadia's laptop")).to_be_visible()

        people.apply(page, here, account="BP-900001")
        people.finish_application(page)
        expect(page.get_by_role("heading", name="Nadir Terminal GmbH")).to_be_visible()
        expect(page.locator(".badge").first).to_have_text("submitted")

        staff = place.reader.open()
        people.staff_logs_in(staff, here, RITA)
        people.opens_application(staff, here, "Nadir Terminal GmbH")
        staff.get_by_role("link", name="Ask for information…").click()
        staff.get_by_label("What do you need?").fill("Which countries are your users in?")
        people.press(staff, "Ask")

        page.goto(here.mailbox.link(NADIA, "A question about your application"))
        page.get_by_label("Your answer").fill("Germany, Austria and Switzerland.")
        people.press(page, "Send the answer")

        staff.get_by_role("link", name="Applications").first.click()
        staff.get_by_role("link", name="Nadir Terminal GmbH").first.click()
        expect(staff.get_by_text("Germany, Austria and Switzerland.").first).to_be_visible()
        staff.get_by_role("link", name="Approve…").click()
        people.confirms_password(staff)
        for acknowledged in staff.get_by_label("I have looked at each finding above").all():
            acknowledged.check()
            staff.get_by_label("Why is the business let in nevertheless?").fill("Called them; all is well.")
        people.press(staff, "Approve with code 2300")
        expect(staff.get_by_text("Nadir Terminal GmbH (2300)").first).to_be_visible()

        assert "2300" in here.mailbox.letter(NADIA, "Approved: your broker code is 2300")
        page.reload()
        expect(page.get_by_text("X-BROKER-ID: 2300")).to_be_visible()
        page.get_by_role("link", name="Open your dashboard").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Nadir Terminal GmbH")

        # The passkey alone opens the login elsewhere.
        page.get_by_text(NADIA).click()
        people.press(page, "Log out")
        page.goto(f"{here.address}/accounts/login/")
        people.press(page, "Log in with a passkey")
        page.wait_for_url("**/brokers/2300/")
    assert here.mailbox.subjects(NADIA).count("Approved: your broker code is 2300") == 1


def test_who_was_rejected_applies_again_from_the_date_given_with_everything_filled_in(place: Place) -> None:
    here, page = place.town, place.reader.open()
    people.sign_up(page, here, NADIA, "Nadia Okafor")
    people.apply(page, here, account="BP-900002")
    people.finish_application(page)

    staff = place.reader.open()
    people.staff_logs_in(staff, here, RITA)
    people.opens_application(staff, here, "Nadir Terminal GmbH")
    staff.get_by_role("link", name="Reject…").click()
    people.confirms_password(staff)
    staff.get_by_role("link", name="The business could not be verified").click()
    staff.get_by_label("What the applicant is told").fill("The register knows no HRB 204518.")
    proposed = date.fromisoformat(staff.get_by_label("May apply again from").input_value())
    assert proposed > datetime.now(UTC).date()
    staff.get_by_label("May apply again from").fill(f"{datetime.now(UTC):%Y-%m-%d}")
    people.press(staff, "Reject the application")

    page.goto(here.mailbox.link(NADIA, "Your application was not accepted"))
    expect(page.get_by_text("The register knows no HRB 204518.").first).to_be_visible()
    page.goto(f"{here.address}/apply/")
    people.press(page, "Start the application")
    expect(page.get_by_label("Legal name")).to_have_value("Nadir Terminal GmbH")
    page.get_by_label("Registration number").fill("HRB 204519")
    people.press(page, "Save and continue")
    people.press(page, "Save and continue")
    people.press(page, "Save and continue")
    people.finish_application(page)
    expect(page.locator(".badge").first).to_have_text("submitted")


def test_an_affiliate_is_refused_in_the_programs_own_words(place: Place) -> None:
    here, page = place.town, place.reader.open()
    here.exchange.accounts.tell("BP-900003", is_affiliate=True)
    people.sign_up(page, here, NADIA, "Nadia Okafor")

    people.apply(page, here, account="BP-900003")

    expect(
        page.get_by_text("Enrollment in one program will preclude enrollment in the other.").first
    ).to_be_visible()
    page.goto(f"{page.url.rsplit('/', 2)[0]}/submit/")
    expect(page.get_by_role("button", name="Submit the application")).to_have_count(0)


def test_an_exchange_that_is_down_decides_nothing_and_is_asked_again(place: Place) -> None:
    here, page = place.town, place.reader.open()
    here.exchange.outage = Outage.ERROR
    people.sign_up(page, here, NADIA, "Nadia Okafor")
    people.apply(page, here, account="BP-900004")
    expect(page.get_by_text("does not answer").first).to_be_visible()
    page.get_by_role("link", name="Integration").first.click()
    people.finish_application(page)
    expect(page.locator(".badge").first).to_have_text("submitted")

    staff = place.reader.open()
    people.staff_logs_in(staff, here, RITA)
    people.opens_application(staff, here, "Nadir Terminal GmbH")
    staff.get_by_role("link", name="Approve…").click()
    people.confirms_password(staff)
    expect(staff.get_by_text("Nothing was changed.").first).to_be_visible()
    expect(staff.get_by_role("button", name=re.compile("Approve with code"))).to_have_count(0)

    here.exchange.outage = None
    staff.get_by_role("link", name="Ask again").click()
    expect(staff.get_by_role("button", name="Approve with code 2300")).to_be_visible()


def test_an_imported_brokers_first_owner_is_invited_and_let_in(place: Place) -> None:
    here, staff = place.town, place.reader.open()
    people.staff_logs_in(staff, here, OLEG)
    staff.goto(f"{here.address}/staff/payouts/broker/1500/change/")
    staff.get_by_role("link", name="Invite the first owner…").click()
    people.confirms_password(staff)
    staff.get_by_label("E-mail address").fill("gwen@gridwright.example")
    people.press(staff, "Send the invitation")

    page = place.reader.open()
    invitation = here.mailbox.link("gwen@gridwright.example", "You are invited to Gridwright Bots")
    page.goto(invitation)
    expect(page.get_by_text("Gridwright Bots")).to_have_count(0)
    page.get_by_role("link", name="Make a login").click()
    people.sign_up(page, here, "gwen@gridwright.example", "Gwen Ferris")
    page.goto(invitation)
    page.get_by_label("Our business is not enrolled").check()
    page.get_by_label("We accept the terms").check()
    people.press(page, "Accept and become the owner")
    # The role needs a second factor before anything is seen.
    page.wait_for_url("**/accounts/2fa/**")
    people.set_up_app(page, here)
    page.goto(f"{here.address}/")
    page.wait_for_url("**/brokers/1500/")
    used = page.context.request.get(invitation)
    assert used.status == 410
    assert "Accept and become the owner" not in used.text()
