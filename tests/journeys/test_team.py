"""A broker's team in a real browser: invited by letter, each role its own pages, changed, removed, left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.journeys import people, town
from tests.journeys.town import Place
from tests.journeys.world import entered

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(300)]

OLGA, VERA = "olga@gridwright.example", "vera@gridwright.example"
#: Colleagues who have a login already, by the role that they are invited to.
OMAR, FAY, DEV = (f"{name}@gridwright.example" for name in ("omar", "fay", "dev"))
HOME = "/brokers/1500/"
#: What the head of the pages leads to, role by role.
ROOMS = {
    "owner": ["Dashboard", "Statements", "Team", "Account", "Standing", "Activity"],
    "finance": ["Dashboard", "Statements", "Team", "Account", "Standing", "Activity"],
    "developer": ["Dashboard", "Team", "Standing"],
    "viewer": ["Dashboard", "Statements", "Team", "Standing"],
}
#: What the addresses themselves answer; 302 asks an owner for the password first.
ADDRESSES = (
    "",
    "statements/",
    "team/",
    "account/",
    "standing/",
    "activity/",
    "team/invite/",
    "account/change/",
)
ANSWERS = {
    "owner": [200, 200, 200, 200, 200, 200, 302, 302],
    "finance": [200, 200, 200, 200, 200, 200, 403, 403],
    "developer": [200, 403, 200, 403, 200, 403, 403, 403],
    "viewer": [200, 200, 200, 403, 200, 403, 403, 403],
}


@pytest.fixture
def place(
    committed_db: str, real_passwords: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Place]:
    gridwright = make.broker(code=1500, name="Gridwright Bots", account_id="BP-900015")
    altair = make.broker(code=1400, name="Altair Terminal", account_id="BP-900014")
    logins: dict[str, Any] = {
        email: make.login(email=email, password=people.PASSWORD) for email in (OLGA, OMAR, FAY, DEV)
    }
    make.membership(logins[OLGA], gridwright)
    make.membership(logins[FAY], altair, role="finance")
    make.totp(logins[OMAR])
    sessions = {email: entered(login) for email, login in logins.items()}
    with town.place(committed_db, tmp_path, request, sessions=sessions) as made_place:
        yield made_place


def invites(place: Place, page: Page, email: str, role: str) -> str:
    """Sends an invitation from the page of the team; the link of its letter."""
    place.goes(page, f"{HOME}team/")
    page.get_by_role("link", name="Invite a colleague").click()
    people.confirms_password(page)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Role").select_option(role)
    people.press(page, "Send the invitation")
    expect(page.get_by_role("row", name=email)).to_contain_text(role, ignore_case=True)
    return place.town.mailbox.link(email, "You are invited to Gridwright Bots")


def sees_its_table(place: Place, page: Page, role: str) -> None:
    """The head leads to the role's pages, each of which opens; no other address does."""
    place.goes(page, HOME)
    rooms = page.get_by_role("navigation", name="Pages of the broker").get_by_role("link")
    assert rooms.all_inner_texts() == ROOMS[role]
    for room in ROOMS[role]:
        rooms.get_by_text(room, exact=True).click()
        expect(rooms.get_by_text(room, exact=True)).to_have_attribute("aria-current", "page")
    answers = [
        page.context.request.get(f"{place.town.address}{HOME}{path}", max_redirects=0).status
        for path in ADDRESSES
    ]
    assert answers == ANSWERS[role], role


def test_each_role_is_invited_by_letter_and_sees_the_pages_of_its_table_alone(place: Place) -> None:
    here, olga = place.town, place.page_of(OLGA, HOME)
    sees_its_table(place, olga, "owner")
    links = {
        email: invites(place, olga, email, role)
        for email, role in ((OMAR, "owner"), (FAY, "finance"), (DEV, "developer"), (VERA, "viewer"))
    }

    vera = place.reader.open()
    vera.goto(links[VERA])
    vera.get_by_role("link", name="Make a login").click()
    people.sign_up(vera, here, VERA, "Vera Lind")
    vera.goto(links[VERA])
    pages = {"viewer": vera}
    for email, role in ((OMAR, "owner"), (FAY, "finance"), (DEV, "developer")):
        pages[role] = place.reader.open(session=place.sessions[email])
        pages[role].goto(links[email])
    for role, page in pages.items():
        expect(page.get_by_role("heading", level=1)).to_have_text("Join the team of Gridwright Bots")
        people.press(page, "Accept and join")
        page.wait_for_url(f"**{HOME}")
        sees_its_table(place, page, role)
    for email in (OMAR, FAY, DEV, VERA):
        assert here.mailbox.letter(OLGA, f"{email} joined the team of Gridwright Bots")
    used = vera.context.request.get(links[VERA])
    assert (used.status, "Accept and join" in used.text()) == (410, False)

    # Fay sits with two brokers, and changes between them.
    fay = pages["finance"]
    place.goes(fay, HOME)
    fay.get_by_text(FAY).first.click()
    fay.get_by_role("navigation", name="Change broker").get_by_role("link", name="Altair Terminal").click()
    fay.wait_for_url("**/brokers/1400/")
    expect(fay.get_by_role("heading", level=1)).to_contain_text("Altair Terminal")
    fay.get_by_text(FAY).first.click()
    fay.get_by_role("navigation", name="Change broker").get_by_role("link", name="Gridwright Bots").click()
    fay.wait_for_url(f"**{HOME}")


def test_another_role_holds_at_the_next_page_and_who_is_removed_is_told_on_the_open_one(place: Place) -> None:
    here, olga = place.town, place.page_of(OLGA, HOME)
    for email, role in ((OMAR, "owner"), (DEV, "developer")):
        link = invites(place, olga, email, role)
        page = place.reader.open(session=place.sessions[email])
        page.goto(link)
        people.press(page, "Accept and join")
        page.wait_for_url(f"**{HOME}")
        page.close()

    dev = place.page_of(DEV, HOME)
    place.goes(olga, f"{HOME}team/")
    olga.get_by_role("link", name=f"Change role of {DEV}").click()
    people.confirms_password(olga)
    olga.get_by_label("Role").select_option("viewer")
    people.press(olga, "Change the role")
    expect(olga.get_by_role("row", name=DEV)).to_contain_text("viewer", ignore_case=True)
    assert OLGA in here.mailbox.letter(DEV, "Your role at Gridwright Bots was changed")
    sees_its_table(place, dev, "viewer")

    place.goes(dev, HOME)
    place.goes(olga, f"{HOME}team/")
    olga.get_by_role("link", name=f"Remove {DEV}").click()
    people.press(olga, "Remove from the team")
    expect(olga.get_by_role("row", name=DEV)).to_have_count(0)
    with place.reader.refused(404):
        gone = "You are no longer a member of Gridwright Bots: its pages do not open any more."
        expect(dev.get_by_role("status").get_by_text(gone)).to_be_visible(timeout=15_000)
        answer = dev.goto(f"{here.address}{HOME}team/")
        assert answer is not None
        assert answer.status == 404
    assert "Gridwright Bots" in here.mailbox.letter(DEV, "You were removed from the team of Gridwright Bots")
    assert place.reader.complaints == []

    # The last owner stays: of two, one may go.
    omar = place.page_of(OMAR, HOME)
    place.goes(omar, f"{HOME}team/")
    omar.get_by_role("link", name="Leave this team").click()
    people.press(omar, "Leave the team")
    expect(omar.get_by_text("You have left the team of Gridwright Bots.")).to_be_visible()
    place.goes(olga, f"{HOME}team/leave/")
    with place.reader.refused(409):
        people.press(olga, "Leave the team")
        expect(olga.get_by_role("alert")).to_contain_text("is the last owner of Gridwright Bots")
    place.goes(olga, f"{HOME}team/")
    expect(olga.get_by_role("row", name=OLGA)).to_be_visible()
