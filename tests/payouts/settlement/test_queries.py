"""What staff read of settlement: attempts, what is under way, totals of a month."""

from decimal import Decimal

from payouts.month import Month
from payouts.settlement import queries
from portal.simulator.credit_faults import Fault
from tests.payouts.settlement.scene import Scene, attempt

HUNDRED = Decimal("100.00")


def test_the_attempts_of_a_payout_tell_their_story(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.send()

    [tried] = queries.attempts_of(payout.pk, now=scene.clock())

    assert (tried.number, tried.state, tried.amount, tried.account_id) == (1, "unknown", HUNDRED, "BP-901400")
    assert (tried.key, tried.needs_people, tried.decided_by) == (str(attempt(payout).key), False, None)
    assert tried.next_ask_at is not None
    assert queries.in_flight(now=scene.clock()) == [tried]
    scene.ask_until_quiet()
    [tried] = queries.attempts_of(payout.pk, now=scene.clock())
    assert (tried.state, tried.credit_id, tried.detail) == ("confirmed", "CR-000000001", "")
    assert queries.in_flight(now=scene.clock()) == []


def test_reading_costs_the_same_for_one_payout_and_for_many(
    scene: Scene, django_assert_num_queries: object
) -> None:
    for number in range(3):
        scene.payout(code=1400 + number)
    scene.there.faults.always["credit"] = Fault.DOWN
    for _ in range(3):
        scene.send()

    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len(queries.in_flight(now=scene.clock())) == 3


def test_totals_of_a_month(scene: Scene) -> None:
    assert queries.totals(Month.parse("2026-10")) == queries.Totals(
        0, Decimal("0.00"), 0, Decimal("0.00"), 0, Decimal("0.00")
    )
    scene.payout("1.00", code=1400)
    scene.send()
    scene.payout("2.00", code=1500)
    scene.there.faults.will(Fault.DOWN)
    scene.send()
    scene.payout("4.00", code=1600)
    scene.payout("8.00", code=1600, month="2026-09")

    assert queries.totals(Month.parse("2026-10")) == queries.Totals(
        1, Decimal("4.00"), 1, Decimal("2.00"), 1, Decimal("1.00")
    )


def test_nothing_was_reconciled_yet(scene: Scene) -> None:
    told = queries.last_reconciliation()

    assert (told.day, told.listed, told.missing_days, told.open_differences) == (None, 0, [], 0)


def test_an_unknown_credit_needs_people_once_its_key_is_old(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.DOWN)
    scene.send()
    assert queries.waiting_for_a_person(now=scene.clock()) == []

    scene.clock.forward(hours=20)

    [waits] = queries.waiting_for_a_person(now=scene.clock())
    assert (waits.kind, waits.payout_id, waits.broker_name) == ("unknown", payout.pk, "Broker 1400")
    [tried] = queries.in_flight(now=scene.clock())
    assert tried.needs_people
