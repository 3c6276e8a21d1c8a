"""The dashboard: its figures to the digit, its empty states, and what it costs the database."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.test import Client

from payouts.desk import hold
from payouts.models import Broker
from payouts.month import Month
from payouts.monthend import actions
from payouts.program.terms import terms_for
from tests import make
from tests.portal.page_text import links_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Iterator[Client]:
    """The owner of broker 1400, on 22 November 2026 at noon."""
    owner = make.login()
    make.membership(owner, make.broker(code=1400, name="Meridian <Terminal>"))
    client = Client()
    client.force_login(owner)
    with time_machine.travel(make.NOW, tick=False):
        yield client


def a_month() -> None:
    """$6,100,000.0001 of volume: BKR 1; one trader's affiliate leaves only 20 % of the fees."""
    make.fills(
        make.record(timestamp="2026-11-03T10:00:00Z", quantity="60000.000001"),
        make.record(
            timestamp="2026-11-22T11:30:00Z",
            symbol="SOL_USDC_PERP",
            marketType="PERP",
            quantity="1000",
            feeRate="0.0005",
            affiliateRate="0.3",
            userId=8,
        ),
    )


def test_the_month_so_far_to_the_digit(client: Client) -> None:
    a_month()

    text = text_of(client.get("/brokers/1400/"))

    assert "Meridian <Terminal> Code 1400" in text
    assert "November 2026 so far US dollars, as of 2026-11-22 12:00:00 UTC · 30 min behind" in text
    assert "API volume $6,100,000.00… Spot $6,000,000.00… Futures $100,000.00" in text
    assert "Tier now BKR 1 Rebate 30%" in text
    assert "Volume missing to BKR 2 $3,899,999.99… From $10,000,000 the rebate is 35%" in text
    assert "Payout so far $1,810.00 At BKR 1, not final" in text
    assert "Fees paid by traders $6,050.00…" in text
    assert "Effective rate 29.91%" in text
    assert "Active traders 2" in text
    assert "Fills 2" in text
    assert "Last fill 2026-11-22 11:30:00 UTC" in text
    assert "Exchange last heard 0 seconds ago" in text


def test_every_digit_is_there_to_copy(client: Client) -> None:
    a_month()

    response = client.get("/brokers/1400/")
    text = text_of(response)

    assert "API volume $6,100,000.0001" in text
    assert "Volume missing $3,899,999.9999" in text
    assert "Fees paid by traders $6,050.0000001" in text
    assert "Sum of all lines $1,810.00000003 Payout: the sum rounded once $1,810.00" in text
    assert '<data class="figure" value="6100000.0001" title="$6,100,000.0001">' in (response.content.decode())


def test_the_days_stand_in_a_table_and_in_the_charts_data(client: Client) -> None:
    a_month()

    response = client.get("/brokers/1400/")
    text = text_of(response)
    found = re.search(
        r'<script id="days-chart" type="application/json">(.*?)</script>', response.content.decode()
    )
    assert found is not None
    futures, spot = json.loads(found[1])["data"]

    assert "Day Total Spot Futures Fills Sun 22 Nov $100,000.00 $0.00 $100,000.00 1" in text
    assert "Tue 3 Nov $6,000,000.00… $6,000,000.00… $0.00 1" in text
    assert "Sun 1 Nov $0.00 $0.00 $0.00 0" in text
    assert (futures["name"], futures["x"][21], futures["y"][21]) == (
        "Futures",
        "2026-11-22",
        "100000",
    )
    assert (spot["name"], spot["x"][2], spot["y"][2]) == ("Spot", "2026-11-03", "6000000.0001")
    assert len(spot["x"]) == 22


def test_the_ladder_marks_the_tier_now(client: Client) -> None:
    a_month()

    page = client.get("/brokers/1400/").content.decode()

    assert page.count('aria-current="true"') == 1
    assert re.search(r'class="current" aria-current="true">\s*<p class="tier">BKR 1', page)
    assert re.findall(r'max="1000" value="(\d+)"', page) == ["1000", "220", "0", "0", "0", "0"]


def test_the_highest_tier_has_no_next_one(client: Client) -> None:
    make.fills(make.record(timestamp="2026-11-03T10:00:00Z", quantity="1000000"))

    text = text_of(client.get("/brokers/1400/"))

    assert "Tier now BKR 5 Rebate 50%" in text
    assert "Next tier None This is the highest tier" in text


def test_with_the_month_before_as_basis_the_paying_tier_is_named(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_month()
    terms = replace(terms_for(Month(2026, 11)), tier_basis="preceding_month")
    monkeypatch.setattr("payouts.monthend.queries.terms_for", lambda month: terms)

    text = text_of(client.get("/brokers/1400/"))

    assert "Tier that pays this month BKR 0 Rebate 20%" in text
    assert "This month's makes BKR 1 for the next one." in text
    assert "Payout so far $1,210.00 At BKR 0" in text


def test_before_the_first_fill_the_page_teaches_the_header(client: Client) -> None:
    response = client.get("/brokers/1400/")
    text = text_of(response)

    assert "No fill has arrived yet. Send your code with every order" in text
    assert "X-BROKER-ID: 1400" in text
    assert "The exchange has not reported any fills to the portal yet." in text
    assert "None yet. On the first day of every month" in text
    assert "Payout so far" not in text
    assert not [link for link in links_of(response) if "plotly" in link]


def test_before_the_first_fill_others_show_that_the_feed_lives(client: Client) -> None:
    make.broker(code=1500)
    make.fills(make.record(brokerId=1500))

    text = text_of(client.get("/brokers/1400/"))

    assert "The exchange was last heard 0 seconds ago, with no fill of yours." in text


def test_a_month_without_fills_says_what_to_look_at(client: Client) -> None:
    make.fills(make.record(timestamp="2026-10-15T12:00:00Z"))

    response = client.get("/brokers/1400/")
    text = text_of(response)

    assert "API volume $0.00 Spot $0.00 Futures $0.00" in text
    assert "Effective rate –" in text
    assert "No fill with code 1400 has arrived this month." in text
    assert "API volume by day" not in text
    assert not [link for link in links_of(response) if "plotly" in link]


def test_finished_months_stand_below_newest_first(client: Client) -> None:
    make.fills(
        make.record(timestamp="2026-09-15T12:00:00Z", quantity="3"),
        make.record(timestamp="2026-10-15T12:00:00Z", quantity="60000.5"),
    )
    for number in (9, 10):
        actions.calculate(month=Month(2026, number), now=make.NOW)

    response = client.get("/brokers/1400/")
    text = text_of(response)

    assert (
        "October 2026 $6,000,050.00 BKR 1 30% $6,000.05 $1,800.02 under review 2026-11-22 12:00:00 UTC"
        " JSON CSV September 2026 $300.00 BKR 0 20% $0.30 $0.06 under review"
    ) in re.sub(r"\s+", " ", text)
    assert "/brokers/1400/statements/2026-10.csv" in links_of(response)
    assert "/brokers/1400/statements/2026-09.json" in links_of(response)


def test_more_than_six_finished_months_are_counted_not_shown(client: Client) -> None:
    for number in range(3, 11):
        actions.calculate(month=Month(2026, number), now=make.NOW)

    text = text_of(client.get("/brokers/1400/"))

    assert "2 more months and the one in progress" in text
    assert "May 2026" in text
    assert "April 2026" not in text


@pytest.mark.parametrize("months", [1, 3])
def test_the_page_costs_the_same_for_any_number_of_months(
    client: Client, months: int, django_assert_num_queries: Any
) -> None:
    a_month()
    for number in range(months):
        actions.calculate(month=Month(2026, 10 - number), now=make.NOW)

    with django_assert_num_queries(15):  # 11 reads inside one savepoint
        client.get("/brokers/1400/")


def test_a_payout_that_a_case_holds_is_shown_as_held(client: Client) -> None:
    a_month()
    make.fills(make.record(timestamp="2026-10-15T12:00:00Z"))
    actions.calculate(month=Month(2026, 10), now=make.NOW)
    before = text_of(client.get("/brokers/1400/"))
    make.suspended(Broker.objects.get(code=1400), make.NOW)
    hold.hold_due(now=make.NOW)

    after = text_of(client.get("/brokers/1400/"))
    statements = text_of(client.get("/brokers/1400/statements/"))

    assert "held: suspension" not in before
    assert "under review held: suspension" in after
    assert "Held once it is calculated, while the suspension lasts" in after
    assert statements.count("held: suspension") == 1
