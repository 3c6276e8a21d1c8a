"""The facts of bounds as they lie in the database, their rows, and what is behind them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payouts.feed import replaying
from payouts.models import AffiliateCheck, BoundAcknowledgement, Payout, PayoutBound
from payouts.month import Month
from payouts.monthend import actions, bounding, drill
from payouts.monthend.bound_facts import facts_of
from payouts.monthend.bounding import bounds_of
from tests import make
from tests.payouts.feed.test_replaying import with_options
from tests.payouts.feed.waiting import discard, reopen, waits

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
OCTOBER = Month(2026, 10)


def calculated(code: int = 1400) -> Payout:
    actions.calculate(month=OCTOBER, now=NOW)
    return Payout.objects.get(broker=code, run__month=OCTOBER.first_date)


def values(payout: Payout) -> dict[str, str]:
    return {each.name: each.value for each in bounds_of(payout.pk)}


def usual(number: int = 10, **changes: Any) -> list[dict[str, Any]]:
    """Fills of as many traders, 5,000 USD each."""
    return [make.record(userId=100 + each, price="5000", **changes) for each in range(number)]


@pytest.fixture(autouse=True)
def _broker(db: None) -> None:
    """A broker with three usual months behind it."""
    broker = make.broker()
    for month in ("2026-07", "2026-08", "2026-09"):
        make.payout(broker, month, "9.00")


def test_a_usual_month_breaks_no_bound() -> None:
    make.fills(*usual())

    assert values(calculated()) == {}


def test_the_first_payouts_of_a_broker_are_looked_at() -> None:
    make.broker(code=1500)
    make.fills(*usual(brokerId=1500))

    assert values(calculated(1500)) == {"one of its first payouts": "payout 1"}


def test_a_payout_far_above_the_mean_and_a_jump_of_the_tier_are_found() -> None:
    make.fills(*(make.record(userId=each, price="1000000", quantity="2.5") for each in range(10)))

    assert values(calculated()) == {
        "far above its mean": "10000.00 USD",
        "tier moved far": "from BKR 0 to BKR 3",
    }


def test_one_trader_and_volume_without_fees_are_found_with_their_traders() -> None:
    make.fills(*usual(), make.record(price="100000", feeRate="0", userId=7))

    payout = calculated()

    assert values(payout) == {"one trader dominates": "66.67 %", "volume without fees": "66.67 %"}
    assert [each.detail for each in bounds_of(payout.pk)] == [{"traders": [7]}, {"traders": [7]}]
    (fill,) = drill.fills_behind(payout_id=payout.pk, bound_name="volume without fees", limit=10)
    assert (fill.trader, fill.volume, fill.fee, fill.is_voided) == (7, 100_000, 0, False)


def test_maker_rebates_are_volume_without_fees_too() -> None:
    make.fills(*usual(), make.record(price="20000", feeRate="-0.0001", userId=7, isMaker=True))

    assert values(calculated()) == {"volume without fees": "28.58 %"}


def test_both_sides_of_trades_under_one_code_are_found() -> None:
    make.broker(code=1500)
    both = [
        make.record(price="6000", tradeId=77, userId=7, side="Bid"),
        make.record(price="6000", tradeId=77, userId=8, side="Ask"),
    ]
    beside = [  # the same trade's other side under another code; two fills of one side
        make.record(price="6000", tradeId=78, userId=7, side="Bid"),
        make.record(price="6000", tradeId=78, userId=8, side="Ask", brokerId=1500),
        make.record(price="6000", tradeId=79, userId=7, side="Bid"),
        make.record(price="6000", tradeId=79, userId=9, side="Bid"),
    ]
    make.fills(*usual(), *both, *beside)

    payout = calculated()

    assert values(payout) == {"both sides under one code": "15.00 %"}
    (found,) = bounds_of(payout.pk)
    assert found.detail == {"trades": [{"symbol": "SOL_USDC", "trade": 77}]}
    behind = drill.fills_behind(payout_id=payout.pk, bound_name=found.name, limit=10)
    assert sorted((each.trade_id, each.trader, each.side) for each in behind) == [
        (77, 7, "Bid"),
        (77, 8, "Ask"),
    ]


def test_a_very_large_fill_is_found_by_its_number() -> None:
    fills = [make.record(userId=each, price="10000000") for each in range(5)]
    make.fills(*fills, make.record(userId=9, price="10000001"), make.record(userId=10, price="12000000"))

    payout = calculated()

    found = {each.name: each for each in bounds_of(payout.pk)}["very large fill"]
    assert found.value == "2 fills, the largest of 12000000 USD"
    behind = drill.fills_behind(payout_id=payout.pk, bound_name=found.name, limit=10)
    assert [(each.id, each.trader) for each in behind] == [
        (found.detail["fills"][0], 10),
        (found.detail["fills"][1], 9),
    ]


def test_an_affiliate_is_found_by_the_account_that_it_has_now() -> None:
    make.fills(*usual())
    AffiliateCheck.objects.create(
        broker_id=1400, due_at=NOW, account_id="ACC99999", answer="affiliate", answered_at=NOW
    )
    assert values(calculated()) == {}

    AffiliateCheck.objects.update(account_id="ACC01400")
    assert values(calculated()) == {"affiliate conflict": "account ACC01400 is an affiliate"}


def test_quarantined_records_count_for_whom_they_name_and_for_their_month() -> None:
    def broken(**changes: Any) -> dict[str, Any]:
        return make.record(price="-1", fee="1", **changes)

    make.fills(
        *usual(),
        broken(),
        broken(timestamp="2026-09-15T12:00:00Z"),
        broken(brokerId=1500),
        broken(brokerId=None),
    )

    assert values(calculated()) == {"many quarantined records": "9.10 %: 1 of 11 records"}


def test_records_that_were_discarded_count_no_more_until_they_are_reopened() -> None:
    make.fills(*usual())
    number = waits(price="-1", fee="1")

    discard([number])
    assert values(calculated()) == {}

    reopen(number)
    assert values(calculated()) == {"many quarantined records": "9.10 %: 1 of 11 records"}


def test_records_that_were_replayed_count_no_more() -> None:
    make.fills(*usual())
    number = waits(timestamp="2026-10-15T12:00:00Z", marketType="OPTION")
    assert values(calculated()) == {"many quarantined records": "9.10 %: 1 of 11 records"}

    replaying.ask(record=number, by=None, now=NOW)
    replaying.work(clock=lambda: NOW, terms=with_options)

    assert values(calculated()) == {}


def test_bounds_are_written_anew_and_what_was_acknowledged_stays_so() -> None:
    make.fills(*usual(), make.record(price="80000", userId=7))
    payout = calculated()
    BoundAcknowledgement.objects.create(
        payout=payout,
        name="one trader dominates",
        value="61.54 %",
        note="a fund, known",
        by=make.login(),
        at=NOW,
    )

    assert bounding.write_bounds(payout_ids=[payout.pk], now=NOW) == 1
    assert [each.is_acknowledged for each in bounds_of(payout.pk)] == [True]

    make.fills(make.record(price="5000", userId=7))
    calculated()
    assert [(each.value, each.is_acknowledged) for each in bounds_of(payout.pk)] == [("62.97 %", False)]


def test_of_an_approved_payout_no_bound_is_written() -> None:
    make.fills(*usual())
    payout = calculated()
    for each in Payout.objects.order_by("run__month"):
        make.approved(each)
    make.fills(make.record(price="100000", userId=7))

    assert bounding.write_bounds(payout_ids=[payout.pk], now=NOW) == 0
    assert PayoutBound.objects.count() == 0


def test_facts_of_many_payouts_take_as_many_queries_as_of_one(django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        make.broker(code=1500 + number)
        make.fills(*usual(brokerId=1500 + number))
    calculated()
    numbers = list(Payout.objects.filter(run__month=OCTOBER.first_date).values_list("pk", flat=True))

    with django_assert_max_num_queries(7):
        found = facts_of(numbers, now=NOW)

    assert sorted(each.fills for each in found.values()) == [0, 10, 10, 10, 10, 10]
    assert found[Payout.objects.get(broker=1500).pk].volume == 50_000


def test_a_line_opens_down_to_the_fills_it_was_calculated_from() -> None:
    make.fills(*usual(3), make.record(userId=100, price="6000"), make.record(userId=100, feeRate="0.002"))
    payout = calculated()
    make.fills(make.record(userId=100, price="7000"))  # late: in no line of it

    def of_line(**changes: Any) -> list[str]:
        given: dict[str, Any] = {
            "trader": 100,
            "market": "spot",
            "fee_rate": Decimal("0.001"),
            "affiliate_rate": Decimal(0),
            "limit": 10,
        }
        rows = drill.fills_of_line(payout_id=payout.pk, **given | changes)
        return [format(each.volume.normalize(), "f") for each in rows]

    assert of_line() == ["5000", "6000"]
    assert of_line(limit=1, offset=1) == ["6000"]
    assert of_line(fee_rate=Decimal("0.002")) == ["100"]
    assert of_line(trader=999) == []
    assert (
        drill.fills_of_line(
            payout_id=0, trader=1, market="spot", fee_rate=Decimal(0), affiliate_rate=Decimal(0), limit=1
        )
        == []
    )


def test_a_bound_about_no_fill_opens_to_none_and_others_to_the_largest() -> None:
    make.fills(*(make.record(userId=each, price="1000000", quantity="2.5") for each in range(10)))
    payout = calculated()
    PayoutBound.objects.create(payout=payout, name="negative total", value="x", limit="y")

    def behind(name: str) -> int:
        return len(drill.fills_behind(payout_id=payout.pk, bound_name=name, limit=4))

    assert behind("far above its mean") == 4
    assert behind("negative total") == 0
    assert behind("volume without fees") == 0  # it does not break that one
