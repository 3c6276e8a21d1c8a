"""Statements as approvals issue and keep them, month after month: the verifier and the keys suffice."""

from datetime import UTC, datetime

import pytest

from payouts.models import FacePart, Payout, SigningKey, Statement
from payouts.month import Month
from payouts.monthend import actions
from payouts.statements.verify_statement import check, read, summary
from tests import make
from tests.payouts.desk import approving
from tests.payouts.monthend.voids import void

pytestmark = pytest.mark.django_db
LATER = datetime(2027, 2, 1, tzinfo=UTC)


def fill(month, price, **more):
    made = make.record(price=price, timestamp=f"{month}-15T12:00:00Z", **more)
    make.fills(made, now=LATER)
    return made["tradeId"]


def issued(month):
    """A month calculated and approved by two people; the document of the statement that it got, as stored."""
    actions.calculate(month=Month.parse(month), now=LATER)
    payout = Payout.objects.get(broker=1400, run__month=f"{month}-01")
    approving.acknowledge_all(payout)
    approving.approved(payout)
    statement = Statement.objects.get(month=f"{month}-01")
    parts = FacePart.objects.filter(face__statement=statement, face__kind="json").order_by("number")
    return read(b"".join(bytes(part.content) for part in parts))


def test_every_month_of_a_broker_is_valid_with_what_was_corrected_and_adjusted():
    make.broker(name="Möbius, Ltd")
    fill("2026-09", "3000000", userId=7)
    gone = fill("2026-09", "1000", userId=8, affiliateRate="0.3")
    first = issued("2026-09")

    void(gone)
    for trader in range(20, 30):
        fill("2026-09", "250000.0000001", userId=trader, marketType="PERP", affiliateRate="0.45")
    fill("2026-10", "12.3", userId=7, feeRate="-0.0001")
    approving.adjust(1400, "-250000.00")
    second = issued("2026-10")
    third = issued("2026-11")

    keys = dict(SigningKey.objects.values_list("key_id", "public_key"))
    assert [check(each, keys) for each in (first, second, third)] == [[], [], []]
    assert [each["number"] for each in (first, second, third)] == [1, 2, 3]
    assert [each["previous"] for each in (first, second, third)] == [
        None,
        {"number": 1, "digest": first["signature"]["digest"]},
        {"number": 2, "digest": second["signature"]["digest"]},
    ]
    [corrected] = second["corrected"]
    assert {line["kind"] for line in corrected["lines"]} >= {"late volume", "voided fills", "tier repricing"}
    assert second["due"].startswith("-")
    assert third["carried"] == second["closing_balance"] == second["due"]
    assert (third["lines"], third["due"]) == ([], second["due"])
    assert summary(first)[0] == "broker 1400, Möbius, Ltd"
