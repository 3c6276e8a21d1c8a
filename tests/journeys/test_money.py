"""A month of the demo from draft to credited, as preparer and approver, in a real browser."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from payouts.monthend.models import Payout, Run
from portal.accounts.models import User
from portal.simulator import money, seed
from tests.hashing import REAL_HASHERS
from tests.journeys import people, town
from tests.journeys.axe import serious_violations
from tests.journeys.every_page import PASSWORD
from tests.journeys.town import Place
from tests.journeys.world import entered

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(420)]

PREPARER, APPROVER = money.PREPARER, money.APPROVER
OPERATIONS, ADA = "operations@exchange.example", "admin@exchange.example"
HELD, PARKED, UNKNOWN, CORRECTED = 2600, money.PARKED, money.UNKNOWN, money.CORRECTED


@dataclass(frozen=True)
class Desk:
    place: Place
    month: date
    #: The pages of the draft's month and of the month before.
    run: str
    run_before: str
    #: The page of each payout, by the broker's code.
    payout: dict[int, str]
    unknown: str

    def page_of(self, email: str, path: str) -> Page:
        return self.place.page_of(email, path)


@pytest.fixture
def desk(
    committed_db: str,
    settings: Any,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Desk]:
    """The demo as it is seeded, of two months; four of its staff with passwords of the tests."""
    file = tmp_path / "exchange" / "credits.ndjson"
    seed.seed(now=timezone.now(), size=0.002, months=2, credits_file=file)
    settings.PASSWORD_HASHERS = REAL_HASHERS
    sessions = {}
    for email in (PREPARER, APPROVER, OPERATIONS, ADA):
        login = User.objects.get(email=email)
        login.set_password(PASSWORD)
        login.save()
        sessions[email] = entered(login, proven=True)
    before, draft = Run.objects.order_by("month")
    payouts = dict(Payout.objects.filter(run=draft).values_list("broker", "pk"))
    unknown = Payout.objects.get(run=before, broker=UNKNOWN)
    with town.place(committed_db, tmp_path, request, sessions=sessions, credits_file=file) as place:
        yield Desk(
            place,
            draft.month,
            f"/staff/payouts/run/{draft.pk}/change/",
            f"/staff/payouts/run/{before.pk}/change/",
            {code: f"/staff/payouts/payout/{number}/change/" for code, number in payouts.items()},
            f"/staff/payouts/payout/{unknown.pk}/change/",
        )


def row(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def state(page: Page) -> str:
    """The badge beside the heading."""
    return page.locator(".heading .badge").first.inner_text()


def presses_link(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    people.confirms_password(page)


def until_state(page: Page, wanted: str) -> None:
    """Loads the page again until its badge says so."""
    for _ in range(60):
        if state(page) == wanted:
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"it stays {state(page)}")


def looked_at(desk: Desk, folder: Path, name: str, email: str, path: str) -> None:
    """Dark and light, wide and on a telephone: a picture of each, and nothing that axe calls serious."""
    for scheme, width in (("dark", 1280), ("light", 1280), ("light", 360), ("dark", 360)):
        page = desk.place.reader.open(session=desk.place.sessions[email], scheme=scheme, width=width)
        desk.place.goes(page, path)
        assert serious_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=folder / f"{name}_{scheme}_{width}.png", full_page=True)
        page.context.close()


def acknowledges_all(page: Page, desk: Desk) -> int:
    """Opens every payout whose bounds are open, down to the fills, and says why each is in order."""
    said = 0
    for code, path in desk.payout.items():
        desk.place.goes(page, path)
        while (buttons := page.get_by_role("button", name=re.compile("^Acknowledge “"))).count():
            if not said:
                page.get_by_role("link", name=re.compile("^Fills behind")).first.click()
                expect(page.get_by_role("heading", level=1)).to_be_visible()
                page.go_back()
            page.get_by_label(re.compile("^Why “")).first.fill(f"Looked at with the desk of code {code}.")
            buttons.first.click()
            expect(page.get_by_text("It is acknowledged.")).to_be_visible()
            said += 1
    return said


def test_a_month_of_the_demo_from_draft_to_credited(desk: Desk, tmp_path: Path) -> None:
    shots = tmp_path / "shots"
    before = len(desk.place.town.exchange.credits.listed())
    pia = desk.page_of(PREPARER, desk.run)
    assert state(pia) == "some are parked"
    looked_at(desk, shots, "month_draft", PREPARER, desk.run)
    looked_at(desk, shots, "payout_corrected", PREPARER, desk.payout[CORRECTED])
    looked_at(desk, shots, "payout_parked", PREPARER, desk.payout[PARKED])

    # Parked: why, and what to do; calculated again by a button.
    desk.place.goes(pia, desk.payout[PARKED])
    expect(pia.get_by_text("The calculation was begun 5 times and never ended.")).to_be_visible()
    presses_link(pia, "Calculate again…")
    people.press(pia, "Calculate again")
    expect(pia.get_by_text("It is calculated.")).to_be_visible()
    assert state(pia) == "calculated"

    # Unusual: nothing can be prepared before somebody has said why it is in order.
    desk.place.goes(pia, desk.run)
    assert acknowledges_all(pia, desk) > 0

    prepares_with_the_keyboard(pia, desk)
    looked_at(desk, shots, "month_prepared", APPROVER, desk.run)
    own_preparation_is_refused(desk)
    amir = desk.page_of(APPROVER, desk.run)
    a_stale_page_is_refused(amir, pia, desk)

    # Approved in one act, and credited within seconds: all but what is held.
    people.press(amir, f"Approve {len(desk.payout)} payouts")
    expect(amir.get_by_text(f"{len(desk.payout)} payouts are approved and booked.")).to_be_visible()
    desk.place.goes(amir, f"{desk.run}?show=done")
    people.until(amir, f"Done {len(desk.payout) - 1}")
    desk.place.goes(amir, f"{desk.run}?show=held")
    expect(row(amir, "Perchwell Signals")).to_contain_text("approved")

    the_held_one_is_released_by_two(desk, pia, amir, shots)
    the_unknown_one_is_resolved_by_two(desk, pia, amir, shots)

    desk.place.goes(amir, desk.run)
    until_state(amir, "settled")
    desk.place.goes(pia, desk.run_before)
    until_state(pia, "settled")
    looked_at(desk, shots, "month_settled", APPROVER, desk.run)
    looked_at(desk, shots, "payout_credited", APPROVER, desk.payout[CORRECTED])
    looked_at(desk, shots, "pack", APPROVER, desk.run.replace("change/", "pack/"))
    the_pack_ties_and_the_exchange_lists_each_once(desk, amir, before)


def prepares_with_the_keyboard(page: Page, desk: Desk) -> None:
    """Down the table with j, each selected with x, then the button."""
    desk.place.goes(page, desk.run)
    page.locator("table[data-keys]").locator("xpath=ancestor::*[contains(@class, 'scroll-x')]").focus()
    for _ in desk.payout:
        page.keyboard.press("j")
        page.keyboard.press("x")
    assert page.locator("input[name=payout]:checked").count() == len(desk.payout)
    page.get_by_role("button", name="Prepare selected…").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/prepare/**")
    people.confirms_password(page)
    page.get_by_label("Note").fill("All bounds seen.")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{len(desk.payout)} payouts are prepared: another person")).to_be_visible()


def own_preparation_is_refused(desk: Desk) -> None:
    """Ada may do both by her role, and prepares one herself: then she does not approve it."""
    ada = desk.page_of(ADA, desk.payout[UNKNOWN])
    presses_link(ada, "Take the preparation back…")
    ada.get_by_role("button", name=re.compile("^Take")).click()
    desk.place.goes(ada, desk.payout[UNKNOWN])
    presses_link(ada, "Prepare…")
    people.press(ada, "Prepare 1 payout")
    desk.place.goes(ada, desk.payout[UNKNOWN])
    number = desk.payout[UNKNOWN].split("/")[-3]
    desk.place.goes(ada, f"{desk.run.replace('change/', 'approve/')}?payout={number}")
    people.confirms_password(ada)
    with desk.place.reader.refused(409):
        people.press(ada, "Approve 1 payout")
        expect(ada.get_by_role("alert")).to_contain_text(
            "was prepared by you: another person has to approve it."
        )


def a_stale_page_is_refused(amir: Page, pia: Page, desk: Desk) -> None:
    """One of them is prepared anew while the page is open."""
    amir.get_by_role("link", name=re.compile("^Approve all")).click()
    people.confirms_password(amir)
    desk.place.goes(pia, desk.payout[CORRECTED])
    presses_link(pia, "Take the preparation back…")
    pia.get_by_role("button", name=re.compile("^Take")).click()
    desk.place.goes(pia, desk.payout[CORRECTED])
    presses_link(pia, "Prepare…")
    people.press(pia, "Prepare 1 payout")
    with desk.place.reader.refused(409):
        people.press(amir, f"Approve {len(desk.payout)} payouts")
        expect(amir.get_by_role("alert")).to_contain_text("Something has changed since this page was made")


def the_held_one_is_released_by_two(desk: Desk, pia: Page, amir: Page, shots: Path) -> None:
    sam = desk.page_of(OPERATIONS, f"/staff/payouts/broker/{HELD}/change/")
    presses_link(sam, "Lift the suspension…")
    sam.get_by_label("What the broker is told").fill("The clicks explain it: your code is live again.")
    sam.get_by_label("Internal note").fill("Compared with the log.")
    people.press(sam, "Lift it")
    expect(sam.get_by_text("The suspension is lifted.", exact=True)).to_be_visible()

    desk.place.goes(pia, desk.payout[HELD])
    presses_link(pia, "Release…")
    pia.get_by_label("How").select_option("in full")
    pia.get_by_label("Why, for staff").fill("The case is explained; nothing is kept back.")
    people.press(pia, "Prepare it")
    proposal = pia.url.replace(desk.place.town.address, "").split("?")[0]
    looked_at(desk, shots, "proposal", APPROVER, proposal)
    desk.place.goes(amir, proposal)
    presses_link(amir, "Look at it and confirm…")
    people.press(amir, "Confirm it")
    desk.place.goes(amir, desk.payout[HELD])
    until_state(amir, "credited")


def the_unknown_one_is_resolved_by_two(desk: Desk, pia: Page, amir: Page, shots: Path) -> None:
    looked_at(desk, shots, "credits", APPROVER, "/staff/payouts/attempt/")
    desk.place.goes(pia, desk.unknown)
    pia.get_by_role("link", name="Attempt 1").click()
    looked_at(desk, shots, "credit_unknown", PREPARER, pia.url.replace(desk.place.town.address, ""))
    presses_link(pia, "Say what became of it…")
    pia.get_by_label("What became of it").select_option("rejected")
    pia.get_by_label("Why, for staff").fill("By telephone with the exchange: they never had this key.")
    people.press(pia, "Prepare it")
    proposal = pia.url.replace(desk.place.town.address, "").split("?")[0]
    desk.place.goes(amir, proposal)
    presses_link(amir, "Look at it and confirm…")
    people.press(amir, "Confirm it")
    desk.place.goes(pia, desk.unknown)
    assert state(pia) == "approved"
    presses_link(pia, "Send again…")
    people.press(pia, "Send it again")
    desk.place.goes(pia, desk.unknown)
    until_state(pia, "credited")
    expect(pia.get_by_role("link", name="Attempt 2")).to_be_visible()


def the_pack_ties_and_the_exchange_lists_each_once(desk: Desk, page: Page, before: int) -> None:
    desk.place.goes(page, desk.run)
    with page.expect_download() as download:
        page.get_by_role("link", name="Pack as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text())))
    payouts = [each for each in rows if each["row"] == "payout"]
    [total], [ledger] = ([each for each in rows if each["row"] == kind] for kind in ("total", "ledger"))
    assert len(payouts) == len(desk.payout)
    for column in ("payout", "corrections", "adjustments", "carried", "due", "credited"):
        assert sum(Decimal(each[column] or 0) for each in payouts) == Decimal(total[column]), column
    assert (ledger["payout"], ledger["corrections"], ledger["credited"], ledger["state"]) == (
        total["payout"],
        total["corrections"],
        total["credited"],
        "ties",
    )
    assert total["credited"] == total["due"]
    listed = desk.place.town.exchange.credits.listed()
    paid = {each["credit_number"]: Decimal(each["credited"]) for each in payouts if each["credit_number"]}
    made = listed[before:]
    assert len({each.key for each in listed}) == len(listed)
    assert {each.credit_id: each.amount for each in made if each.credit_id in paid} == paid
    # And the one of the month before that nobody had answered about.
    assert len(made) == len(paid) + 1
