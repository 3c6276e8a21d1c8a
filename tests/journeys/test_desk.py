"""An affiliate found by the sweep, and a look at a broker's own pages: what staff do, in a real browser."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone
from playwright.sync_api import expect

from payouts.desk import affiliates
from tests import make
from tests.journeys import people, town
from tests.journeys.town import Place
from tests.journeys.world import entered, fills

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(300)]

OLEG, OLGA = "oleg@exchange.example", "olga@gridwright.example"
ACCOUNT = "BP-900015"


@pytest.fixture
def place(
    committed_db: str, real_passwords: None, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """A broker with an owner and fills, another broker, and one of operations."""
    gridwright = make.broker(code=1500, name="Gridwright Bots", account_id=ACCOUNT)
    make.broker(code=1400, name="Altair Terminal", account_id="BP-900014")
    logins: dict[str, Any] = {
        OLGA: make.login(email=OLGA, password=people.PASSWORD),
        OLEG: make.login(email=OLEG, password=people.PASSWORD, is_staff=True),
    }
    make.membership(logins[OLGA], gridwright)
    logins[OLEG].groups.add(Group.objects.get(name="operations"))
    fills(1500)
    sessions = {email: entered(login) for email, login in logins.items()}
    with town.place(committed_db, tmp_path, request, sessions=sessions) as made_place:
        yield made_place


def a_day_passes(code: int) -> None:
    """The next sweep asks anew. In a thread, as the browser's loop forbids the database here."""

    def ask() -> None:
        affiliates.ask_now(broker_code=code, now=timezone.now())
        connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(ask).result()


def test_a_new_affiliate_is_one_flagged_case_and_nothing_is_cut(place: Place) -> None:
    oleg = place.page_of(OLEG, "/staff/payouts/broker/1500/change/")
    people.until(oleg, "a business account, no affiliate")
    place.goes(oleg, "/staff/")
    expect(oleg.get_by_text("Cases that nobody has looked at")).to_have_count(0)

    place.town.exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    for _ in range(2):  # the second answer opens no second case
        a_day_passes(1500)
        place.goes(oleg, "/staff/")
        people.until(oleg, "Cases that nobody has looked at")
    waiting = oleg.locator(".numbers div", has_text="Cases that nobody has looked at")
    assert waiting.get_by_role("link").inner_text() == "1"
    waiting.get_by_role("link").click()
    oleg.get_by_role("link", name="Enrolled in the Affiliate Program").click()
    expect(oleg.get_by_text("flagged: nobody has looked at it")).to_be_visible()
    people.press(oleg, "Take")
    expect(oleg.get_by_text("It is yours now.")).to_be_visible()
    expect(oleg.get_by_text("flagged: nobody has looked at it")).to_have_count(0)
    oleg.get_by_label("Note", exact=True).fill("Wrote to the owner: one of the two programs has to end.")
    people.press(oleg, "Keep the note")
    expect(oleg.get_by_text("Wrote to the owner: one of the two programs has to end.")).to_be_visible()
    case = oleg.url

    # It is not closed while the exchange still says so; and for the broker nothing has changed.
    oleg.get_by_role("link", name="Close…").click()
    oleg.get_by_label("Outcome").fill("They promised.")
    with place.reader.refused(409):
        people.press(oleg, "Close it")
        expect(oleg.locator(".errorlist")).to_contain_text("still says that this broker is enrolled")
    olga = place.page_of(OLGA, "/brokers/1500/standing/")
    expect(olga.get_by_role("heading", name="Your broker is active")).to_be_visible()

    place.town.exchange.accounts.tell(ACCOUNT, is_affiliate=False)
    a_day_passes(1500)
    oleg.goto(case)
    people.until(oleg, f"{ACCOUNT}: a business account, no affiliate")
    oleg.get_by_role("link", name="Close…").click()
    oleg.get_by_label("Outcome").fill("They have left the Affiliate Program.")
    people.press(oleg, "Close it")
    expect(oleg.get_by_text("The case is closed.")).to_be_visible()
    expect(oleg.get_by_text("They have left the Affiliate Program.").first).to_be_visible()


def test_staff_look_at_a_brokers_pages_with_a_banner_and_without_a_button(place: Place) -> None:
    here = place.town
    oleg = place.page_of(OLEG, "/staff/payouts/broker/1500/change/")
    oleg.get_by_role("link", name="View as this broker…").click()
    people.confirms_password(oleg)
    oleg.get_by_label("Why do you look?").fill("They asked what the page says.")
    people.press(oleg, "Begin to look")
    oleg.wait_for_url("**/brokers/1500/")
    look = oleg.get_by_role("complementary", name="You look as staff")
    rooms = oleg.get_by_role("navigation", name="Pages of the broker").get_by_role("link")
    assert rooms.all_inner_texts() == ["Dashboard", "Statements", "Team", "Account", "Standing", "Activity"]
    for room in rooms.all_inner_texts():
        rooms.get_by_text(room, exact=True).click()
        expect(rooms.get_by_text(room, exact=True)).to_have_attribute("aria-current", "page")
        expect(look).to_contain_text(f"{OLEG}, you look at Gridwright Bots (1500) as its members do.")
        assert oleg.locator("main form").count() == 0, room
        assert oleg.locator("main a.button").all_inner_texts() == [], room
    token = people.cookie(oleg, "csrftoken")
    for path in ("team/invite/", "team/leave/", "account/change/", "standing/appeal/"):
        sent = oleg.context.request.post(
            f"{here.address}/brokers/1500/{path}", form={"csrfmiddlewaretoken": token}
        )
        assert sent.status == 403, path
    assert oleg.context.request.get(f"{here.address}/brokers/1400/").status == 404

    people.press(look.page, "End the look")
    expect(oleg.get_by_text("The look has ended.")).to_be_visible()
    assert oleg.url.endswith("/staff/payouts/broker/1500/change/")
    with place.reader.refused(404):
        answer = oleg.goto(f"{here.address}/brokers/1500/")
    assert answer is not None
    assert answer.status == 404
