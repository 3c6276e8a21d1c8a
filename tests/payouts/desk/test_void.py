"""Voided fills count no more, in any total, and their keys stay taken; two people see to it."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payouts import books
from payouts.desk import void
from payouts.desk.cases import NoSuchBroker
from payouts.desk.proposals import Changed
from payouts.desk.void import Selection
from payouts.desk.void_effects import MonthEffect
from payouts.desk.void_selection import NothingSelected, NotVoidable, TooMany
from payouts.feed.voiding import AlreadyVoided, Voided
from payouts.models import (
    Broker,
    Fill,
    FillVoid,
    ProposedVoid,
    TotalByDay,
    TotalByHour,
    TotalByRate,
    WorkItem,
)
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.volume import queries as volume
from tests import make
from tests.payouts.desk.money_acts import (
    LATER,
    NOON,
    OCTOBER,
    approved,
    calculated,
    confirm,
    done,
    prepare,
    quentin,
)

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def broker() -> Broker:
    return make.broker()


def fill(**changes: Any) -> int:
    """A booked fill's number."""
    before = set(Fill.objects.values_list("pk", flat=True))
    make.fills(make.record(**changes))
    [number] = set(Fill.objects.values_list("pk", flat=True)) - before
    return number


def totals() -> list[tuple[int, Decimal, Decimal]]:
    """Fills, volume and fees by the three totals."""
    found = []
    for table in (TotalByRate, TotalByHour, TotalByDay):
        rows = list(table.objects.values_list("fills", "volume", "fees"))
        found.append(tuple(sum((row[n] for row in rows), D(0)) for n in range(3)))
    return found  # type: ignore[return-value]


def voided(*ids: int, **more: Any) -> Voided:
    found: Voided = done("void", broker_code=1400, selection=Selection(ids=ids), **more)
    return found


class TestWhatIsDone:
    def test_a_voided_fill_is_in_no_total(self, broker: Broker) -> None:
        fill(price="100")
        wrong = fill(price="40", symbol="BTC_USDC", userId=8)

        assert voided(wrong) == Voided(1, D(40), D("0.04"))

        assert totals() == [(1, D(100), D("0.1"))] * 3
        assert volume.active_traders(broker_code=1400, month=OCTOBER) == 1
        assert books.breaches() == []

    def test_what_it_was_worth_is_kept_beside(self, broker: Broker) -> None:
        wrong = fill(price="40", quantity="0.5", feeRate="-0.0001", affiliateRate="0.1", userId=8)

        voided(wrong)

        [row] = FillVoid.objects.all()
        of = Fill.objects.get(pk=wrong)
        assert (row.fill_id, row.executed_at, row.broker_code, row.trader) == (wrong, of.executed_at, 1400, 8)
        assert (row.volume, row.fee, row.fee_rate, row.affiliate_rate, row.market) == (
            D(20),
            D("-0.002"),
            D("-0.0001"),
            D("0.1"),
            "spot",
        )
        assert (row.batch_id, row.voided_at) == (of.batch_id, LATER)
        assert totals() == [(0, 0, 0)] * 3

    def test_its_key_stays_taken(self, broker: Broker) -> None:
        record = make.record()
        make.fills(record)
        voided(Fill.objects.get().pk)

        again = make.fills(record)
        other = make.fills(record | {"price": "7", "fee": "0.007"})

        assert (again.accepted, again.duplicate) == (0, 1)
        assert (other.accepted, sum(other.quarantined.values())) == (0, 1)
        assert totals() == [(0, 0, 0)] * 3
        assert books.breaches() == []

    def test_the_hours_at_the_edges_are_without_it(self, broker: Broker) -> None:
        kept = fill(timestamp="2026-10-15T12:10:00Z", price="100")
        voided(fill(timestamp="2026-10-15T12:20:00Z", price="40"))

        def between(start: int, end: int) -> volume.Between:
            at = datetime(2026, 10, 15, 12, tzinfo=UTC)
            return volume.between(
                broker_code=1400, starts_at=at.replace(minute=start), ends_at=at.replace(minute=end)
            )

        assert between(5, 55) == volume.Between(1, D(100), D("0.1"))
        assert between(15, 55) == volume.Between(0, D(0), D(0))
        assert Fill.objects.filter(pk=kept).exists()

    def test_a_draft_is_calculated_again_without_it(self, broker: Broker) -> None:
        fill(price="100000")
        wrong = fill(price="50000")
        payout = calculated(broker)
        assert payout.payout == D("30.00")

        voided(wrong)

        [item] = WorkItem.objects.all()
        assert item.state == "due"
        monthend.work_due(clock=lambda: LATER)
        payout.refresh_from_db()
        assert (payout.payout, payout.fills) == (D("20.00"), 1)
        item.refresh_from_db()
        assert item.state == "done"

    def test_an_approved_month_stays_and_the_next_carries_its_correction(self, broker: Broker) -> None:
        fill(price="100000")
        wrong = fill(price="50000")
        payout = approved(calculated(broker))

        voided(wrong)

        payout.refresh_from_db()
        assert (payout.payout, payout.fills) == (D("30.00"), 2)
        november = calculated(broker, Month(2026, 11), now=datetime(2026, 12, 2, tzinfo=UTC))
        assert november.corrections == D("-10.00")

    def test_a_draft_after_an_approved_month_is_calculated_again(self, broker: Broker) -> None:
        wrong = fill(price="50000")
        approved(calculated(broker))
        calculated(broker, Month(2026, 11), now=datetime(2026, 12, 2, tzinfo=UTC))

        voided(wrong)

        states = WorkItem.objects.order_by("run__month").values_list("state", flat=True)
        assert list(states) == ["done", "due"]


class TestWhichFills:
    @pytest.fixture
    def fills(self, broker: Broker) -> dict[str, int]:
        make.broker(code=1500)
        return {
            "a": fill(userId=7, orderId="1", symbol="SOL_USDC", timestamp="2026-10-15T12:00:00Z"),
            "b": fill(userId=7, orderId="2", symbol="BTC_USDC", timestamp="2026-10-15T13:00:00Z"),
            "c": fill(userId=8, orderId="1", symbol="SOL_USDC", timestamp="2026-11-01T00:00:00Z"),
            "other": fill(userId=7, orderId="1", brokerId=1500),
        }

    @pytest.mark.parametrize(
        ("selection", "names"),
        [
            (Selection(trader=7), "ab"),
            (Selection(order_id="1"), "ac"),
            (Selection(symbol="SOL_USDC"), "ac"),
            (Selection(trader=7, symbol="SOL_USDC"), "a"),
            (Selection(starts_at=datetime(2026, 10, 15, 13, tzinfo=UTC)), "bc"),
            (Selection(ends_at=datetime(2026, 10, 15, 13, tzinfo=UTC)), "a"),
            (
                Selection(
                    starts_at=datetime(2026, 10, 15, 12, tzinfo=UTC),
                    ends_at=datetime(2026, 11, 1, tzinfo=UTC),
                ),
                "ab",
            ),
        ],
    )
    def test_all_that_is_said_is_true_of_each(
        self, fills: dict[str, int], selection: Selection, names: str
    ) -> None:
        found = void.preview(broker_code=1400, selection=selection)

        assert [each.id for each in found.first] == [fills[name] for name in names]
        assert found.fills == len(names)

    def test_what_is_voided_already_is_passed_over_unless_it_is_named(self, fills: dict[str, int]) -> None:
        voided(fills["a"])

        found = void.preview(broker_code=1400, selection=Selection(trader=7))
        assert [each.id for each in found.first] == [fills["b"]]
        with pytest.raises(NotVoidable, match=f"Fill {fills['a']} is voided already"):
            void.preview(broker_code=1400, selection=Selection(ids=(fills["a"], fills["b"])))

    def test_a_fill_that_is_not_this_brokers_is_told_of(self, fills: dict[str, int]) -> None:
        unknown = max(fills.values()) + 1
        for number in (fills["other"], unknown):
            with pytest.raises(NotVoidable, match=f"Fill {number} is none of this broker's"):
                void.preview(broker_code=1400, selection=Selection(ids=(fills["a"], number)))
        with pytest.raises(NotVoidable, match="and 2 more"):
            void.preview(broker_code=1400, selection=Selection(ids=tuple(range(10**9, 10**9 + 7))))

    def test_nothing_is_selected_by_nothing(self, fills: dict[str, int]) -> None:
        with pytest.raises(NothingSelected, match="Say which fills"):
            void.preview(broker_code=1400, selection=Selection())
        with pytest.raises(NothingSelected, match="No fill"):
            void.preview(broker_code=1400, selection=Selection(trader=9))
        with pytest.raises(NoSuchBroker):
            void.preview(broker_code=1600, selection=Selection(trader=7))

    def test_no_more_than_so_many_at_once(
        self, fills: dict[str, int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("payouts.desk.void_selection.MOST", 2)

        assert void.preview(broker_code=1400, selection=Selection(trader=7)).fills == 2
        with pytest.raises(TooMany, match="more than 2 fills"):
            void.preview(
                broker_code=1400, selection=Selection(order_id="", starts_at=NOON.replace(year=2020))
            )
        with pytest.raises(TooMany):
            void.preview(broker_code=1400, selection=Selection(ids=(1, 2, 3)))

    def test_what_arrives_after_it_was_prepared_is_not_meant(self, fills: dict[str, int]) -> None:
        made = prepare("void", broker_code=1400, selection=Selection(trader=7))
        fill(userId=7)

        assert confirm(made).fills == 2

        assert set(FillVoid.objects.values_list("fill_id", flat=True)) == {fills["a"], fills["b"]}
        assert ProposedVoid.objects.count() == 2


class TestWhatIsShown:
    def test_each_month_now_and_after(self, broker: Broker) -> None:
        fill(timestamp="2026-09-10T00:00:00Z", price="100000")
        fill(timestamp="2026-10-10T00:00:00Z", price="4000000")
        calculated_september = calculated(broker, Month(2026, 9))
        first = fill(timestamp="2026-09-20T00:00:00Z", price="50000", affiliateRate="0.4")
        second = fill(timestamp="2026-10-20T00:00:00Z", price="2000000", feeRate="-0.0001")
        approved(calculated_september)

        found = void.preview(broker_code=1400, selection=Selection(ids=(first, second)))

        assert (found.fills, found.volume, found.fees) == (2, D(2_050_000), D(50))
        assert found.months == [
            MonthEffect(
                Month(2026, 9), D(150_000), D(100_000), "BKR 0", "BKR 0", D("25.00"), D("20.00"), True
            ),
            MonthEffect(
                OCTOBER, D(6_000_000), D(4_000_000), "BKR 1", "BKR 0", D("1200.00"), D("800.00"), False
            ),
        ]

    def test_what_is_shown_is_what_then_is(self, broker: Broker) -> None:
        fill(price="4000000")
        wrong = fill(price="2000000", affiliateRate="0.45")
        made = prepare("void", broker_code=1400, selection=Selection(ids=(wrong,)))
        [shown] = void.preview_of(made.pk).months

        confirm(made)

        payout = calculated(broker)
        assert (payout.volume, payout.tier, payout.payout) == (
            shown.volume_after,
            shown.tier_after,
            shown.payout_after,
        )

    def test_new_fills_do_not_stand_in_the_way_but_an_approval_does(self, broker: Broker) -> None:
        """A broker that trades would never let a void be confirmed; an approved month is another matter."""
        wrong = fill()
        made = prepare("void", broker_code=1400, selection=Selection(ids=(wrong,)))
        shown = void.shown(made.pk)
        fill()
        assert void.shown(made.pk) == shown

        approved(calculated(broker))

        with pytest.raises(Changed, match="prepare it anew"):
            confirm(made)

    def test_what_another_act_voided_is_not_voided_again(self, broker: Broker) -> None:
        wrong = fill()
        made = prepare("void", broker_code=1400, selection=Selection(ids=(wrong,)))
        shown = void.shown(made.pk)
        voided(wrong)

        with pytest.raises(AlreadyVoided, match="choose again"):
            void.shown(made.pk)
        with pytest.raises(AlreadyVoided):
            void.confirm(proposal_id=made.pk, shown=shown, by=quentin(), now=LATER)
        assert totals() == [(0, 0, 0)] * 3
