"""Each finished day of the exchange's list beside ours: on time, caught up, and what differs freezes."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from payouts.models import Attempt, Difference, ExchangeCredit, Reconciliation
from payouts.settlement import queries, reconciling
from payouts.settlement.models import Reconciliation as Day
from portal.simulator.credit_faults import Fault
from portal.simulator.credits import Order
from tests.payouts.settlement.scene import Scene, attempt, differences, state, tries
from tests.payouts.settlement.test_sending import at

#: The scene begins on 22 November at noon.
FIRST = date(2026, 11, 22)


def midnight(day: int, *, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def rows() -> list[tuple[int, bool]]:
    """The days, and whether each is compared."""
    return [(row.day.day, row.done_at is not None) for row in Reconciliation.objects.order_by("day")]


def test_a_day_is_compared_ten_minutes_after_its_end(scene: Scene) -> None:
    scene.payout()
    scene.send()

    scene.clock.to(midnight(23, minute=9))
    assert (scene.reconcile(), rows()) == (0, [])
    scene.clock.to(midnight(23, minute=10))
    assert (scene.reconcile(), rows()) == (1, [(22, True)])
    assert scene.reconcile() == 0

    found = Day.objects.get()
    assert (found.listed, found.listed_total) == (1, Decimal("100.00"))
    assert (found.confirmed, found.confirmed_total) == (1, Decimal("100.00"))
    assert (differences(), ExchangeCredit.objects.get().key) == ([], str(Attempt.objects.get().key))


def test_before_the_first_attempt_there_is_nothing_to_compare(scene: Scene) -> None:
    scene.next_day(3)

    assert (scene.reconcile(), rows(), scene.asked("list")) == (0, [], 0)


def test_missed_days_are_caught_up_with_in_order(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.payout()
    scene.send()
    scene.next_day(4)

    assert scene.reconcile() == 4

    assert rows() == [(22, True), (23, True), (24, True), (25, True)]


def test_a_day_is_compared_once_more_a_day_later_and_then_never(scene: Scene) -> None:
    scene.payout()
    scene.send()
    compared = []
    for _ in range(4):
        scene.next_day()
        compared.append(scene.reconcile())

    assert compared == [1, 2, 2, 2]


def test_what_is_listed_late_is_found_the_second_time(scene: Scene) -> None:
    payout = scene.payout()
    scene.send()
    scene.next_day()
    scene.reconcile()
    assert differences() == []

    double = Order(str(attempt(payout).key), payout.account_id, Decimal("100.00"), "late")
    now = scene.clock()
    scene.clock.to(midnight(22, hour=13))
    scene.there.credits.book(double)
    scene.clock.to(now)
    scene.next_day()
    scene.reconcile()

    assert differences() == [("twice", 1400)]


def test_one_key_credited_on_two_days_is_found(scene: Scene) -> None:
    payout = scene.payout()
    scene.send()
    scene.next_day()
    scene.reconcile()
    scene.there.credits.book(
        Order(str(attempt(payout).key), payout.account_id, Decimal("100.00"), "a day later")
    )
    scene.next_day()
    scene.reconcile()

    assert differences() == [("twice", 1400)]


def test_while_the_exchange_is_away_the_day_says_since_when(scene: Scene) -> None:
    scene.payout()
    scene.send()
    scene.next_day()
    began = scene.clock()
    with scene.there.away():
        for _ in range(30):
            scene.reconcile()
            scene.clock.forward(minutes=10)

    day = Day.objects.get()
    assert (day.done_at, day.failing_since) == (None, began)
    assert queries.last_reconciliation().failing_since == began
    assert queries.last_reconciliation().missing_days == [FIRST]
    assert scene.reconcile() == 1
    told = queries.last_reconciliation()
    assert (told.day, told.failing_since, told.missing_days) == (FIRST, None, [])


def test_a_credit_that_is_still_unknown_is_no_difference(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.there.faults.always["lookup"] = Fault.DOWN
    scene.send()
    scene.next_day()

    assert scene.reconcile() == 1

    assert (differences(), tries(payout), state(payout)) == ([], ["unknown"], "sending")
    day = Day.objects.get()
    assert (day.listed, day.confirmed) == (1, 0)
    [tried] = queries.in_flight(now=scene.clock())
    assert [each.credit_id for each in tried.listed] == ["CR-000000001"]
    scene.there.faults.clear()
    scene.ask_until_quiet()
    assert state(payout) == "credited"


def test_a_credit_confirmed_days_after_it_was_sent_is_looked_for_since_then(scene: Scene) -> None:
    scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.send()
    scene.next_day(2)
    scene.reconcile()
    scene.ask_until_quiet()

    scene.next_day()
    scene.reconcile()

    assert differences() == []


def test_a_credit_to_an_account_of_no_broker_stops_everybody(scene: Scene) -> None:
    scene.payout()
    scene.send()
    scene.there.credits.book(Order("whose", "BP-909090", Decimal("1.00"), "?"))
    scene.next_day()
    scene.reconcile()
    later = scene.payout("6.00", code=1500)

    assert (differences(), scene.send(), state(later)) == ([("unknown", None)], 0, "approved")
    found = Difference.objects.get()
    assert found.detail == (
        "The exchange lists credit CR-000000002 of 1.00 USD to account BP-909090, which was never asked for."
        " The account is of no broker, so nothing is sent to anybody."
    )
    [waits] = queries.waiting_for_a_person(now=scene.clock())
    assert (waits.kind, waits.difference_id, waits.amount) == ("difference", found.pk, Decimal("1.00"))


def test_a_credit_to_a_brokers_account_that_we_never_sent_stops_that_broker(scene: Scene) -> None:
    scene.payout()
    scene.send()
    scene.there.credits.book(Order("whose", "BP-901400", Decimal("1.00"), "?"))
    scene.next_day()
    scene.reconcile()
    first, second = scene.payout("5.00", month="2026-09"), scene.payout("6.00", code=1500)

    assert differences() == [("unknown", 1400)]
    assert (scene.send(), state(first), state(second)) == (1, "approved", "credited")


def test_a_credit_of_an_attempt_that_was_rejected_is_found(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.REJECTS)
    scene.send()
    scene.there.credits.book(
        Order(str(attempt(payout).key), payout.account_id, Decimal("100.00"), "after all")
    )
    scene.next_day()
    scene.reconcile()

    assert differences() == [("unknown", 1400)]
    assert Difference.objects.get().attempt == attempt(payout)


def test_who_is_overtaken_while_the_list_comes_writes_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.payout()
    scene.send()
    scene.next_day()

    def another_sweep() -> None:
        scene.clock.forward(minutes=6)
        assert scene.reconcile() == 1

    at(monkeypatch, "reconciling: after the list", another_sweep)

    assert scene.reconcile() == 0
    assert Day.objects.get().fence == 2


def test_a_list_of_many_pages_is_compared_whole(scene: Scene) -> None:
    scene.there.credit_door.largest_page = 2
    for number in range(7):
        scene.payout(f"{number + 1}.00", code=1400 + number)
    assert scene.send() == 7
    scene.next_day()

    assert scene.reconcile() == 1

    assert (Day.objects.get().listed, Day.objects.get().listed_total) == (7, Decimal("28.00"))
    assert differences() == []


def test_the_database_finds_a_difference_once(scene: Scene) -> None:
    payout = scene.payout()
    scene.send()
    given = {"kind": "missing", "broker_id": 1400, "attempt": attempt(payout), "detail": "gone"}
    Difference.objects.create(**given, found_at=scene.clock())

    with pytest.raises(IntegrityError, match="a_difference_is_found_once"), transaction.atomic():
        Difference.objects.create(**given, found_at=scene.clock())


def test_a_resolved_difference_is_not_found_again(scene: Scene) -> None:
    from tests.payouts.desk.test_resolve import confirm, difference

    scene.payout()
    scene.there.faults.will(Fault.ONLY_SAYS)
    scene.send()
    scene.next_day()
    scene.reconcile()
    confirm(scene, difference(scene, Difference.objects.get()))
    scene.next_day()
    scene.reconcile()

    assert list(Difference.objects.values_list("state", flat=True)) == ["resolved"]


def test_the_span_reaches_over_both_midnights(scene: Scene) -> None:
    """Clocks differ: what was credited just after midnight by the exchange's is looked for too."""
    scene.clock.to(midnight(22, hour=23, minute=59) + timedelta(seconds=59))
    scene.payout()
    scene.send()
    entry = scene.there.credits._listed[0]
    scene.there.credits._listed[0] = type(entry)(
        **{name: getattr(entry, name) for name in entry.__struct_fields__ if name != "credited_at"},
        credited_at=midnight(23) + timedelta(seconds=2),
    )
    scene.next_day()

    assert (scene.reconcile(), differences()) == (1, [])
    assert reconciling.WAIT > reconciling.attempts.SKEW
