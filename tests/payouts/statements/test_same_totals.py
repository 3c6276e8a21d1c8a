"""Over random months JSON, CSV, PDF, ledger and screen show the same totals, and the verifier agrees."""

import io
import json
from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from pypdf import PdfReader

from payouts.ledger import queries as ledger
from payouts.models import Statement
from payouts.statements import sheet, verify_statement
from payouts.statements.keys import keys_by_id
from portal.templatetags.figures import money
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.desk.money_acts import NOON, OCTOBER
from tests.payouts.statements.issuing import SEPTEMBER, bytes_of, issued
from tests.portal.page_text import text_of

pytestmark = pytest.mark.django_db

fills = some.lists(
    some.tuples(
        some.sampled_from(["3.01", "77.7", "4999999", "1", "9000000.5", "40000000"]),
        some.sampled_from(["0.001", "0.00037", "0", "-0.0002"]),
        some.sampled_from([None, "0.1", "0.3", "0.5"]),
        some.sampled_from([7, 8]),
        some.sampled_from(["SPOT", "PERP"]),
    ),
    max_size=6,
)


class Undone(Exception):
    """Ends an example and takes back what it wrote."""


def arrive(month, of):
    for price, fee_rate, affiliate_rate, trader, market in of:
        make.fills(
            make.record(
                price=price,
                feeRate=fee_rate,
                affiliateRate=affiliate_rate,
                userId=trader,
                marketType=market,
                timestamp=f"{month}-15T12:00:00Z",
            )
        )


def faces_agree(statement: Statement, screen: str) -> None:
    document = json.loads(bytes_of(statement, "json"))
    assert verify_statement.check(document, keys_by_id()) == []
    added, total = sheet.sums([bytes_of(statement, "csv")])
    assert {name: str(document[name]) for name in total} == total
    assert {name: Decimal(document[name]) for name in added} == added
    printed = " ".join(
        page.extract_text() for page in PdfReader(io.BytesIO(bytes_of(statement, "pdf"))).pages
    )
    for name in ("payout", "corrections", "adjustments", "carried", "due", "closing_balance"):
        amount = Decimal(document[name])
        assert f"{amount:,.2f}" in printed.replace("−", "-"), name
        assert money(abs(amount)) in screen, name
    assert document["signature"]["digest"] in printed
    assert document["signature"]["digest"] in screen


def live_through(client, september, late, october, adjustment):
    broker = make.broker()
    arrive(SEPTEMBER, september)
    first = issued(money_acts.calculated(broker, SEPTEMBER))
    arrive(SEPTEMBER, late)
    if adjustment:
        money_acts.done("adjust", broker_code=1400, amount=adjustment)
    arrive(OCTOBER, october)
    second = issued(money_acts.calculated(broker, OCTOBER), at=money_acts.LATER)
    for statement, month in ((first, SEPTEMBER), (second, OCTOBER)):
        faces_agree(statement, text_of(client.get(f"/brokers/1400/statements/{month}/")))
    # Nothing was sent yet: what the ledger owes is the sum of what the statements made payable.
    said = [json.loads(bytes_of(each, "json")) for each in (first, second)]
    balance = sum(Decimal(each["due"]) for each in said) - Decimal(said[1]["carried"])
    assert ledger.balance(1400) == balance


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fills, fills, fills, some.sampled_from([None, Decimal("-3.50"), Decimal("0.01"), Decimal("-90000")]))
def test_every_face_of_every_month_says_the_same(client, september, late, october, adjustment):
    with suppress(Undone), transaction.atomic():
        login = make.login()
        make.membership(login, make.broker())
        client.force_login(login)
        live_through(client, september, late, october, adjustment)
        raise Undone


def test_a_changed_figure_in_one_face_is_noticed(client):
    """Twin: the comparison itself can fail."""
    login, broker = make.login(), make.broker()
    make.membership(login, broker)
    client.force_login(login)
    arrive(OCTOBER, [("4999999", "0.001", None, 7, "SPOT")])
    statement = issued(money_acts.calculated(broker, OCTOBER), at=NOON)
    screen = text_of(client.get("/brokers/1400/statements/2026-10/"))

    faces_agree(statement, screen)
    with pytest.raises(AssertionError):
        faces_agree(statement, screen.replace("999.99", "999.98").replace("1,000.00", "1,000.01"))
