"""The list of months: what each is, how it stands, and its files."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.template.defaultfilters import filesizeformat
from django.test import Client

from payouts.models import Payout, WorkItem
from payouts.month import Month
from payouts.monthend import actions
from payouts.statements import faces
from portal.statements import lengths
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.statements import issuing
from tests.portal.page_text import links_of, text_of

pytestmark = pytest.mark.django_db
LIST = "/brokers/1400/statements/"


@pytest.fixture
def client() -> Iterator[Client]:
    finance = make.login()
    make.membership(finance, make.broker(code=1400, name="Meridian"), role="finance")
    client = Client()
    client.force_login(finance)
    with time_machine.travel(make.NOW, tick=False):
        yield client


def traded() -> None:
    make.fills(
        make.record(timestamp="2026-10-15T12:00:00Z", quantity="3.0000001"),
        make.record(timestamp="2026-11-15T12:00:00Z", quantity="2"),
    )


def broker() -> Any:
    return make.broker(code=1400, name="Meridian")


def test_the_month_in_progress_stands_above_the_finished_ones(client: Client) -> None:
    traded()
    actions.calculate(month=Month(2026, 10), now=make.NOW)

    response = client.get(LIST)

    assert (
        "November 2026 live $200.00 BKR 0 20% $0.04 – PDF CSV JSON"
        " October 2026 under review $300.00… BKR 0 20% $0.06 – PDF CSV JSON"
    ) in text_of(response)
    assert [link for link in links_of(response) if link.startswith(f"{LIST}2026")] == [
        "/brokers/1400/statements/2026-11/",
        "/brokers/1400/statements/2026-11.pdf",
        "/brokers/1400/statements/2026-11.csv",
        "/brokers/1400/statements/2026-11.json",
        "/brokers/1400/statements/2026-10/",
        "/brokers/1400/statements/2026-10.pdf",
        "/brokers/1400/statements/2026-10.csv",
        "/brokers/1400/statements/2026-10.json",
    ]


def test_without_a_finished_month_the_page_says_when_one_comes(client: Client) -> None:
    text = text_of(client.get(LIST))

    assert "November 2026 live $0.00 BKR 0 20% $0.00 – PDF CSV JSON" in text
    assert "No month is finished yet. On the first day of every month" in text
    assert "(ZIP)" not in text


def test_an_issued_statement_shows_its_number_what_is_due_and_the_sizes_of_its_files(client: Client) -> None:
    statement = issuing.october(broker())
    for kind in ("csv", "pdf"):
        faces.ensure(statement_id=statement.pk, kind=kind, now=make.NOW)
    sizes = {kind: face.size for kind, face in faces.stored_of([statement.pk])[statement.pk].items()}
    shown = {kind: filesizeformat(size).replace("\xa0", " ") for kind, size in sizes.items()}

    text = text_of(client.get(LIST))

    assert (
        f"October 2026 No. 1 approved $4,999,990.00 BKR 0 20% $900.00 $900.00"
        f" PDF {shown['pdf']} CSV {shown['csv']} JSON {shown['json']}"
    ) in text
    assert "1 statement: $900.00 due, $0.00 credited. Statements of 2026 (ZIP) All statements (ZIP)" in text


def test_a_statement_that_a_later_one_corrects_says_by_which(client: Client) -> None:
    issuing.corrected(broker())

    text = text_of(client.get(LIST))

    assert "September 2026 No. 1 approved corrected by No. 2" in text
    assert "October 2026 No. 2 approved $" in text


def test_a_held_month_says_what_holds_it(client: Client) -> None:
    traded()
    payout = money_acts.calculated(broker())
    suspension = make.suspended(broker(), make.NOW)
    payout.holds.create(case=suspension.case, held_at=make.NOW)

    text = text_of(client.get(LIST))

    assert "October 2026 under review held: suspension" in text


@pytest.mark.parametrize(("amount", "word"), [("0", "nothing to pay"), ("1", "approved")])
def test_a_month_with_nothing_to_pay_says_so(client: Client, amount: str, word: str) -> None:
    money_acts.row(broker(), amount)

    assert f"October 2026 No. 1 {word} $" in text_of(client.get(LIST))


def test_what_is_owed_the_other_way_is_carried_forward(client: Client) -> None:
    money_acts.done("adjust", broker_code=broker().code, amount=Decimal("-3.50"))
    money_acts.row(broker(), "1", at=money_acts.LATER)

    assert "October 2026 No. 1 carried forward $1,000.00 BKR 0 20% $1.00 −$2.50" in text_of(client.get(LIST))


def test_a_parked_month_is_being_checked(client: Client) -> None:
    traded()
    actions.calculate(month=Month(2026, 10), now=make.NOW)
    Payout.objects.filter(broker=1400).update(state="parked")
    WorkItem.objects.filter(broker=1400).update(state="parked", reason="It is odd.", next_step="Look.")

    assert "October 2026 being checked $300.00" in text_of(client.get(LIST))


def test_the_list_is_narrowed_to_a_year(client: Client) -> None:
    actions.calculate(month=Month(2025, 12), now=make.NOW)
    actions.calculate(month=Month(2026, 10), now=make.NOW)

    every, of_2025 = text_of(client.get(LIST)), text_of(client.get(f"{LIST}?year=2025"))

    assert "All 2026 2025" in every
    assert "December 2025" in every
    assert "Months of 2025, newest first" in of_2025
    assert "December 2025" in of_2025
    assert "October 2026" not in of_2025


@pytest.mark.parametrize("year", ["1999", "20", "²⁰²⁵", "2025;", ""])
def test_a_year_without_months_breaks_nothing(client: Client, year: str) -> None:
    response = client.get(LIST, {"year": year})

    assert response.status_code == 200
    assert ("There is no month of 1999 here" in text_of(response)) == (year == "1999")


def test_a_long_draft_is_asked_for_on_the_page_of_its_month(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    traded()
    monkeypatch.setattr(lengths, "LONG", 0)

    response = client.get(LIST)

    assert "November 2026 live $200.00 BKR 0 20% $0.04 – PDF… CSV… JSON…" in text_of(response)
    assert "/brokers/1400/statements/2026-11/#files-heading" in links_of(response)
    assert "/brokers/1400/statements/2026-11.csv" not in links_of(response)


@pytest.mark.parametrize("months", [2, 4])
def test_the_page_costs_the_same_for_any_number_of_months(
    client: Client, months: int, django_assert_num_queries: Any
) -> None:
    for number in range(months):
        month = Month(2026, 10 - number)
        if number % 2:
            money_acts.row(broker(), "1", str(month))
        else:
            actions.calculate(month=month, now=make.NOW)

    with django_assert_num_queries(19):
        client.get(LIST)


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("viewer", 200), ("developer", 403)])
def test_roles_that_see_statements_open_the_list(role: str, status: int) -> None:
    member = make.login(email="mia@example.com")
    make.membership(member, broker(), role=role)
    client = Client()
    client.force_login(member)

    assert client.get(LIST).status_code == status


def test_to_strangers_there_is_no_such_list() -> None:
    broker()
    client = Client()
    assert client.get(LIST).status_code == 302  # nobody: to the login page
    client.force_login(make.login(email="sam@example.com"))
    assert client.get(LIST).status_code == 404
