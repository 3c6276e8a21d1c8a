"""Suspended, appealed, lifted, terminated: what staff do and what a broker sees of it, in a real browser."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from playwright.sync_api import Page, expect

from portal.api import actions as tokens
from tests import make
from tests.journeys import people, town
from tests.journeys.people import cookie, fact
from tests.journeys.town import Place
from tests.journeys.world import entered, fills

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(300)]

OLGA, VIC = "olga@gridwright.example", "vic@gridwright.example"
OLEG, ROSA = "oleg@exchange.example", "rosa@exchange.example"
HOME, DESK = "/brokers/1500/", "/staff/payouts/broker/1500/"
CHANGED = "The standing of Gridwright Bots has changed since this page was loaded."
TOLD = "Orders with your code were placed and taken back within a second.\nSend the log of that day."


@dataclass(frozen=True)
class Stage:
    place: Place
    #: Of the exchange's order gateway.
    token: str

    def codes(self, page: Page) -> tuple[dict[int, str], str]:
        """What the gateway is told: code → state, and the ETag."""
        answer = page.context.request.get(
            f"{self.place.town.address}/feed/v1/codes", headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status == 200, answer.text()
        return {each["code"]: each["state"] for each in answer.json()["codes"]}, answer.headers["etag"]


@pytest.fixture
def stage(
    committed_db: str, real_passwords: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    """A broker with last month's payout, its owner and a viewer; two of operations; a gateway's token."""
    gridwright = make.broker(code=1500, name="Gridwright Bots", account_id="BP-900015")
    logins: dict[str, Any] = {}
    for email, role in ((OLGA, "owner"), (VIC, "viewer")):
        logins[email] = make.login(email=email, password=people.PASSWORD)
        make.membership(logins[email], gridwright, role=role)
    for email in (OLEG, ROSA):
        logins[email] = make.login(email=email, password=people.PASSWORD, is_staff=True)
        logins[email].groups.add(Group.objects.get(name="operations"))
    fills(1500)
    token = tokens.make_token(
        name="order gateway", scope="codes:read", days=30, by=None, now=timezone.now()
    ).secret.reveal()
    sessions = {email: entered(login) for email, login in logins.items()}
    with town.place(committed_db, tmp_path, request, sessions=sessions) as place:
        yield Stage(place, token)


def told_on_the_open_page(page: Page) -> None:
    """Within 15 seconds, by the stream; then the page is loaded again."""
    expect(page.get_by_role("status").get_by_text(CHANGED)).to_be_visible(timeout=15_000)
    page.get_by_role("link", name="Load the page again").click()
    expect(page.get_by_text(CHANGED)).to_have_count(0)


def test_suspended_appealed_answered_and_lifted(stage: Stage) -> None:
    here, olga = stage.place.town, stage.place.page_of(OLGA, HOME)
    assert stage.codes(olga)[0] == {1500: "live"}

    # The desk: the password again, a reason, what follows from it, evidence, done.
    oleg = stage.place.page_of(OLEG, f"{DESK}change/")
    oleg.get_by_role("link", name="Suspend…").click()
    assert "/reauthenticate/" in oleg.url
    people.confirms_password(oleg)
    oleg.get_by_role("link", name="Conduct deemed harmful").click()
    oleg.get_by_label("What the broker is told").fill(TOLD)
    oleg.get_by_label("Internal note").fill("Seen by the desk in Zug.")
    people.press(oleg, "Preview")
    assert fact(oleg, "The gateway is told now").startswith("live since")
    assert fact(oleg, "And then") == "suspended from the moment it is done"
    held = oleg.get_by_role("table").filter(has_text="Together")
    total = held.locator("tfoot td.num").inner_text()
    assert total.startswith("$")
    assert total != "$0.00"
    expect(held).to_contain_text("BP-900015")
    assert f"{OLGA}, {VIC}" == fact(oleg, "Letters go to")
    oleg.get_by_label("Evidence, if there is any").set_input_files(people.SCAN)
    people.press(oleg, "Suspend code 1500")
    expect(oleg.get_by_text("Suspended from").first).to_be_visible()

    # The broker: on the page that is open, on every page, in letters to every member.
    told_on_the_open_page(olga)
    banner = olga.get_by_role("region", name="Standing of the broker")
    expect(banner).to_contain_text("Gridwright Bots is suspended")
    expect(banner).to_contain_text("Fills still count; payouts are held.")
    for email in (OLGA, VIC):
        letter = here.mailbox.letter(email, "Gridwright Bots is suspended")
        assert "taken back within a second" in letter
        assert "Zug" not in letter
    after, _etag = stage.codes(olga)
    assert after == {1500: "suspended"}
    banner.get_by_role("link", name="Why, what it means and how to appeal").click()
    assert fact(olga, "Reason") == "Conduct deemed harmful to the platform or its users"
    assert fact(olga, "Since").endswith("UTC")
    expect(olga.get_by_text("Send the log of that day.").first).to_be_visible()
    money = olga.get_by_role("region", name="What happens to the money")
    expect(money).to_contain_text("count for volume and tier as always")
    expect(money.locator("tfoot")).to_contain_text(total)
    olga.get_by_label("Your message").fill("Our order service retried after a time-out of yours.")
    olga.get_by_label("Files").set_input_files(people.SCAN)
    people.press(olga, "Send the appeal")
    expect(olga.get_by_text("Your appeal is sent.")).to_be_visible()
    # A viewer reads the same, and finds no form.
    vic = stage.place.page_of(VIC, f"{HOME}standing/")
    expect(vic.get_by_text("Our order service retried").first).to_be_visible()
    expect(vic.get_by_role("main").get_by_role("button")).to_have_count(0)

    # The appeal waits on the first page of the staff, with its file.
    stage.place.goes(oleg, "/staff/")
    expect(oleg.locator(".numbers div", has_text="Appeals to answer")).to_contain_text("1")
    oleg.locator(".numbers div", has_text="Appeals to answer").get_by_role("link").click()
    oleg.get_by_role("link", name="Suspension from").click()
    for file in oleg.locator("main a[download]").all():
        got = oleg.context.request.get(f"{here.address}{file.get_attribute('href')}")
        assert (got.status, got.body()) == (200, people.SCAN.read_bytes())
    oleg.get_by_label("Your answer").fill("Thank you: since when is it mended?")
    people.press(oleg, "Send the answer")
    assert "since when is it mended?" in here.mailbox.letter(OLGA, "An answer to your appeal")
    oleg.get_by_role("link", name="Grant it by lifting…").click()
    people.confirms_password(oleg)
    oleg.get_by_label("What the broker is told").fill("The log explains it: your code is live again.")
    oleg.get_by_label("Internal note").fill("Compared with the gateway's log.")
    people.press(oleg, "Lift it")
    expect(oleg.get_by_text("The suspension is lifted.")).to_be_visible()

    told_on_the_open_page(olga)
    expect(olga.get_by_role("heading", name="Your broker is active")).to_be_visible()
    expect(olga.get_by_role("region", name="Standing of the broker")).to_have_count(0)
    expect(olga.get_by_role("region", name="Appeal against the suspension")).to_contain_text("granted")
    for email in (OLGA, VIC):
        assert "The log explains it" in here.mailbox.letter(email, "Gridwright Bots is active again")
    assert stage.codes(olga)[0] == {1500: "live"}


def test_terminated_by_two_people_and_never_by_one(stage: Stage) -> None:
    here, olga = stage.place.town, stage.place.page_of(OLGA, HOME)
    before, etag = stage.codes(olga)
    assert before == {1500: "live"}

    oleg = stage.place.page_of(OLEG, f"{DESK}change/")
    oleg.get_by_role("link", name="Terminate…").click()
    people.confirms_password(oleg)
    oleg.get_by_role("link", name="Violation of the User Agreement").click()
    oleg.get_by_label("What the broker is told").fill("You sold access to your code to others.")
    oleg.get_by_label("Internal note").fill("Three offers on a forum, see the evidence.")
    people.press(oleg, "Preview")
    oleg.get_by_label("Evidence, if there is any").set_input_files(people.SCAN)
    people.press(oleg, "Prepare the termination of code 1500")
    expect(oleg.get_by_text("waits for a second person")).to_be_visible()
    expect(oleg.get_by_role("link", name="Look at it and confirm…")).to_have_count(0)
    assert stage.codes(olga) == (before, etag)

    rosa = stage.place.page_of(ROSA, "/staff/")
    rosa.locator(".numbers div", has_text="Terminations to confirm").get_by_role("link").click()
    rosa.get_by_role("link", name="Gridwright Bots").click()
    rosa.get_by_role("link", name="Look at it and confirm…").click()
    people.confirms_password(rosa)
    # Whoever prepared it finds the same page without the button, and what it would send is refused.
    stage.place.goes(oleg, rosa.url.removeprefix(here.address))
    expect(oleg.get_by_text("You prepared it: another person has to confirm it.")).to_be_visible()
    expect(oleg.get_by_role("main").get_by_role("button")).to_have_count(0)
    refused = oleg.context.request.post(
        oleg.url,
        form={
            "shown": rosa.locator("main input[name=shown]").input_value(),
            "csrfmiddlewaretoken": cookie(oleg, "csrftoken"),
        },
    )
    assert refused.status == 409, refused.text()
    assert stage.codes(olga) == (before, etag)

    people.press(rosa, "Terminate code 1500 for ever")
    expect(rosa.get_by_text("The letters go out within seconds.")).to_be_visible()
    told_on_the_open_page(olga)
    expect(olga.get_by_role("region", name="Standing of the broker")).to_contain_text(
        "Gridwright Bots is terminated"
    )
    for room in ("Statements", "Team", "Account", "Activity", "Standing", "Dashboard"):
        olga.get_by_role("navigation", name="Pages of the broker").get_by_text(room, exact=True).click()
        expect(olga.get_by_role("region", name="Standing of the broker")).to_contain_text("is terminated")
    stage.place.goes(olga, f"{HOME}standing/")
    expect(olga.get_by_role("heading", name="Your broker is terminated")).to_be_visible()
    expect(olga.get_by_text("You sold access to your code to others.").first).to_be_visible()
    expect(olga.get_by_role("heading", name="Appeal against the termination")).to_be_visible()
    stage.place.goes(olga, f"{HOME}statements/")
    with olga.expect_download() as waiting:
        olga.get_by_role("link", name="as CSV").first.click()
    assert waiting.value.suggested_filename.startswith("backpack-broker-1500-")
    for email in (OLGA, VIC):
        assert "You sold access" in here.mailbox.letter(email, "Gridwright Bots is terminated")
    after, new_etag = stage.codes(olga)
    assert after == {1500: "terminated"}
    assert new_etag != etag
    # Nothing leads back.
    stage.place.goes(oleg, f"{DESK}change/")
    for door in ("Suspend…", "Terminate…", "Lift the suspension…"):
        expect(oleg.get_by_role("link", name=door)).to_have_count(0)
