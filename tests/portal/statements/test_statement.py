"""The statement of a month on the screen: its own figures, and beside it what came later."""

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.models import Attempt, Payout
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.settlement import allowed, sending
from portal.statements import lengths, showing
from portal.statements.reading import readable
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.statements import issuing
from tests.portal.page_text import links_of, text_of
from tests.portal.statements.looking import looking, member

pytestmark = pytest.mark.django_db
OCTOBER, SEPTEMBER = "/brokers/1400/statements/2026-10/", "/brokers/1400/statements/2026-09/"
NOVEMBER = "/brokers/1400/statements/2026-11/"


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(money_acts.LATER, tick=False) as traveller:
        make.broker(code=1400, name="Meridian")
        yield traveller


@pytest.fixture
def client() -> Client:
    return member()[0]


def broker() -> Any:
    return make.broker(code=1400, name="Meridian")


def test_it_adds_up_to_what_is_due_from_the_stored_document(client: Client) -> None:
    _, second = issuing.corrected(broker())
    said = issuing.document_of(second)

    text = text_of(client.get(OCTOBER))

    assert "October 2026, statement No. 2" in text
    assert "Meridian, code 1400, exchange account •••1400" in text
    assert (
        "Lines of the futures market, 1 fill $0.00 Lines of the spot market, 2 fills $900.00"
        " Sum of the lines, exact $900.00 Rounding to the cent $0.00 Payout of October 2026 $900.00"
        " Corrections of earlier months +$400.02 Adjustments −$3.50 Opening balance, brought forward $0.00"
        " Due $1,296.52 To be credited $1,296.52 Closing balance, carried forward $0.00"
    ) in text
    assert said["due"] == "1296.52"
    assert "Tier BKR 0, 20%" in text
    assert "September 2026: +$400.02 tier BKR 0 → BKR 1" in text
    assert "late volume T-" in text
    assert "Adjustments −$3.50 Agreed in writing" in text


def test_each_line_shows_its_rates_and_what_bound_it(client: Client) -> None:
    statement = issuing.october(broker())
    line = next(each for each in issuing.document_of(statement)["lines"] if each["affiliate_rate"] == "0.25")

    text = text_of(client.get(OCTOBER))

    assert f"{line['trader']} spot 1 $1,000,000.00 0.1% $1,000.00 25% 20% 20% tier $200.00" in text


def test_what_came_later_stands_beside_it(client: Client) -> None:
    first, _ = issuing.corrected(broker())
    payout = first.payout
    made = sending.make(
        allowed.facts(payout.pk, at=money_acts.LATER),
        account_id=payout.account_id,
        ready_until=money_acts.LATER,
        now=money_acts.LATER,
    )
    rows = Attempt.objects.filter(pk=made.pk)
    rows.update(sent_at=money_acts.LATER, lease_until=None, next_ask_at=None, state="sending")
    rows.update(state="confirmed", decided_at=money_acts.LATER, credit_id="CR-20417")
    Payout.objects.filter(pk=payout.pk).update(state="credited")

    page = client.get(SEPTEMBER)

    text = text_of(page)
    assert (
        "What happened since credited $900.00 credited 2026-11-22 13:00:00 UTC"
        " The exchange's number of the credit: CR-20417 Corrected by statement No. 2, October 2026"
    ) in text
    assert OCTOBER in links_of(page)
    assert "No. 2, October 2026 →" in text


def test_the_proof_names_digest_key_and_signature(client: Client) -> None:
    statement = issuing.october(broker())

    page = client.get(OCTOBER)

    assert (
        f"Digest (SHA-256) {statement.digest} Key {statement.key_id}"
        f" Signature (Ed25519) {statement.signature}" in text_of(page)
    )
    assert {"/verify", "/verify/keys.json", "/verify/verify_statement.py"} <= set(links_of(page))


def test_a_held_statement_says_so_and_a_release_when_it_ended(client: Client) -> None:
    payout = issuing.october(broker()).payout
    suspension = make.suspended(broker(), money_acts.NOON)
    hold = payout.holds.create(case=suspension.case, held_at=money_acts.NOON)
    assert "It is held because of the suspension." in text_of(client.get(OCTOBER))

    make.lifted(suspension, money_acts.NOON)
    money_acts.done("release", hold_id=hold.pk, mode="in full")

    text = text_of(client.get(OCTOBER))
    assert "It is held because" not in text
    assert "2026-11-22 13:00:00 UTC: released in full" in text


def test_a_draft_says_how_it_stands_and_has_no_proof(client: Client) -> None:
    make.fills(make.record(timestamp="2026-11-15T12:00:00Z", quantity="2"))
    make.fills(make.record(timestamp="2026-10-15T12:00:00Z"))
    monthend.calculate(month=Month(2026, 10), now=make.NOW)

    live, over = text_of(client.get(NOVEMBER)), text_of(client.get(OCTOBER))

    assert "November 2026, draft" in live
    assert "How it stands live The month goes on: every fill changes these figures. As of" in live
    assert "Sum of the lines, exact $0.04 Rounding to the cent $0.00 Payout of November 2026 $0.04" in live
    assert "under review The month is over and calculated. We look at it before it is approved." in over
    assert "Calculated 2026-11-22 12:00:00 UTC" in over
    assert "Proof" not in live + over


def test_a_month_without_fills_says_what_comes(client: Client) -> None:
    assert "No fill of this month counts yet." in text_of(client.get(NOVEMBER))


def test_beyond_two_hundred_lines_the_csv_has_the_rest(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(showing, "LINES_SHOWN", 2)
    issuing.october(broker())
    assert "The first 2 of 3 lines. The CSV has them all" in text_of(client.get(OCTOBER))


def test_a_long_draft_shows_its_totals_and_the_buttons_that_ask(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.fills(make.record(timestamp="2026-11-15T12:00:00Z", quantity="2"))
    monkeypatch.setattr(lengths, "LONG", 0)

    text = text_of(client.get(NOVEMBER))

    assert "Payout of November 2026 $0.04" in text
    assert "These are too many lines for a page: the CSV has them all." in text
    assert "Ask for the PDF Ask for the CSV Ask for the JSON" in text
    staff, _ = looking()
    assert "Ask for the PDF" not in text_of(staff.get(NOVEMBER))


@pytest.mark.parametrize("traders", [1, 30])
def test_the_page_costs_the_same_for_any_number_of_lines(
    client: Client, traders: int, django_assert_num_queries: Any
) -> None:
    issuing.of_many(broker(), traders)

    with django_assert_num_queries(17):
        client.get(OCTOBER)


def test_figures_are_read_and_nothing_else_is_changed() -> None:
    from datetime import UTC, datetime
    from decimal import Decimal

    assert readable(
        {
            "payout": "1.10",
            "month": "2026-10",
            "number": 7,
            "preceding_volume": None,
            "lines": [{"amount": "-0.5", "trader": "T-1"}],
            "approved_at": "2026-11-22T12:00:00Z",
            "period": {"from": "2026-10-01T00:00:00Z"},
        }
    ) == {
        "payout": Decimal("1.10"),
        "month": "2026-10",
        "number": 7,
        "preceding_volume": None,
        "lines": [{"amount": Decimal("-0.5"), "trader": "T-1"}],
        "approved_at": datetime(2026, 11, 22, 12, tzinfo=UTC),
        "period": {"from": datetime(2026, 10, 1, tzinfo=UTC)},
    }
