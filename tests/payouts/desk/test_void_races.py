"""Voids beside intakes, calculations and each other: no fill goes twice, and no total is wrong."""

import random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from payouts import books
from payouts.desk import void
from payouts.desk.void import Selection
from payouts.feed.invariants import INVARIANTS
from payouts.models import Broker, Fill, FillVoid, Proposal, TotalByRate
from tests import make
from tests.payouts import owner
from tests.payouts.desk.money_acts import LATER, done, prepare, quentin
from tests.payouts.desk.test_standing_races import all_at_once, without
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ANOTHERS_ROW,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)


@pytest.fixture
def broker(committed_db: str) -> Broker:
    return make.broker()


def numbers() -> list[int]:
    return list(Fill.objects.order_by("pk").values_list("pk", flat=True))


def waiting(*ids: int) -> tuple[Proposal, str]:
    """A void that waits for its second person, and what was shown."""
    made = prepare("void", broker_code=1400, selection=Selection(ids=ids))
    return made, void.shown(made.pk)


def kinds(found: list[Any]) -> list[str]:
    return sorted(type(each).__name__ for each in found)


def test_of_two_acts_that_void_the_same_fill_one_does(broker: Broker) -> None:
    """Both have read it as a fill that counts before either writes; the second waits, and is told."""
    found = _two_of_one()

    assert kinds(found) == ["AlreadyVoided", "Voided"]
    assert FillVoid.objects.count() == 1
    assert books.breaches() == []


def test_without_the_constraint_it_would_be_subtracted_twice(broker: Broker) -> None:
    """Twin."""
    with owner.connected() as hand:
        hand.execute("ALTER TABLE fill_void DROP CONSTRAINT fill_void_fill_id_key")

    found = _two_of_one()

    assert kinds(found) == ["Voided", "Voided"]
    assert TotalByRate.objects.get().fills == -1


def _two_of_one() -> list[Any]:
    make.fills(make.record())
    [number] = numbers()
    both, by = [waiting(number), waiting(number)], quentin()
    with side_by_side() as begin, gate_before_writing("fill_void"):
        begun = [
            begin(
                lambda made=made, shown=shown: void.confirm(
                    proposal_id=made.pk, shown=shown, by=by, now=LATER
                )
            )  # type: ignore[misc]
            for made, shown in both
        ]
        until_waiting(2, AT_THE_GATE)
    return [each.exception() or each.result() for each in begun]


def test_voids_and_intakes_of_one_broker_wait_for_each_other_and_none_dies(broker: Broker) -> None:
    """Five voids and five intakes of the same traders and hours at once: no deadlock, exact totals."""
    records = [make.record(userId=7 + n % 3, symbol=("SOL_USDC", "BTC_USDC")[n % 2]) for n in range(60)]
    make.fills(*records)
    chosen = random.Random(1)
    ids = numbers()
    chosen.shuffle(ids)
    acts = [waiting(*ids[n * 10 : n * 10 + 10]) for n in range(5)]
    by = quentin()
    more = [
        [make.record(userId=7 + n % 3, symbol=("BTC_USDC", "SOL_USDC")[n % 2]) for n in range(20)]
        for _ in range(5)
    ]

    found = all_at_once(
        [
            *(
                lambda made=made, shown=shown: void.confirm(  # type: ignore[misc]
                    proposal_id=made.pk, shown=shown, by=by, now=LATER
                )
                for made, shown in acts
            ),
            *(lambda batch=batch: make.fills(*batch) for batch in more),  # type: ignore[misc]
        ]
    )

    assert kinds(found) == ["Tally"] * 5 + ["Voided"] * 5
    assert sum(row.fills for row in TotalByRate.objects.all()) == 60 - 50 + 100
    assert books.breaches() == []


def test_a_void_is_subtracted_from_what_an_intake_under_way_adds(broker: Broker) -> None:
    make.fills(make.record())
    made, shown = waiting(*numbers())
    by = quentin()

    with side_by_side() as begin, gate_before_writing("feed_batch"):
        intake = begin(lambda: make.fills(make.record()))
        until_waiting(1, AT_THE_GATE)  # it has added to the totals, and nothing is committed
        voiding = begin(lambda: void.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER))
        until_waiting(1, FOR_ANOTHERS_ROW)

    assert (intake.result().accepted, voiding.result().fills) == (1, 1)
    assert TotalByRate.objects.get().fills == 1
    assert books.breaches() == []


def test_who_enters_alone_waits_for_a_void(broker: Broker) -> None:
    """A termination reads the clock only when the books stand still."""
    from payouts.feed import booking

    make.fills(make.record())
    made, shown = waiting(*numbers())
    by = quentin()

    def alone() -> int:
        with transaction.atomic():
            booking.enter(alone=True)
            return FillVoid.objects.count()

    with side_by_side() as begin, gate_before_writing("total_by_rate"):
        voiding = begin(lambda: void.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER))
        until_waiting(1, AT_THE_GATE)
        entering = begin(alone)
        until_waiting(1, FOR_ITS_TURN)

    assert (voiding.result().fills, entering.result()) == (1, 1)


def test_without_the_lock_it_would_not_wait(broker: Broker) -> None:
    """Twin."""
    from payouts.feed import booking

    make.fills(make.record())
    made, shown = waiting(*numbers())
    by = quentin()
    without("pg_advisory_xact_lock_shared(bigint)")

    def alone() -> int:
        with transaction.atomic():
            booking.enter(alone=True)
            return FillVoid.objects.count()

    with side_by_side() as begin, gate_before_writing("total_by_rate"):
        voiding = begin(lambda: void.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER))
        until_waiting(1, AT_THE_GATE)
        assert begin(alone).result(timeout=60) == 0
    assert voiding.result().fills == 1


# -- what the database itself refuses ---------------------------------------------------------


def test_the_database_takes_only_voids_that_two_confirmed_and_as_the_fill_was(broker: Broker) -> None:
    make.fills(make.record(), make.record())
    first, second = numbers()
    made, _ = waiting(first)

    def write(number: int, **changes: Any) -> None:
        of = Fill.objects.get(pk=number)
        kept = {
            name: getattr(of, name)
            for name in (
                "executed_at", "broker_code", "trader", "symbol", "market", "fee_rate", "affiliate_rate",
                "fee", "batch_id",
            )
        }  # fmt: skip
        kept |= {"volume": of.price * of.quantity, "proposal": made, "voided_at": LATER}
        with transaction.atomic():
            FillVoid.objects.create(fill_id=number, **kept | changes)

    with pytest.raises(IntegrityError, match="as two people confirmed"):
        write(first)
    Proposal.objects.update(state="confirmed", decided_by=quentin(), decided_at=LATER)
    with pytest.raises(IntegrityError, match="as two people confirmed"):
        write(second)
    with pytest.raises(IntegrityError, match="and as it was"):
        write(first, volume=1)

    with owner.connected() as hand:  # twin
        hand.execute("DROP TRIGGER fill_void_is_confirmed ON fill_void")
    write(second, volume=1)
    assert {each.invariant for each in books.breaches()} >= {
        "a voided fill was accepted, and is kept as it was"
    }


def test_no_fill_is_named_after_the_confirmation(broker: Broker) -> None:
    from payouts.models import ProposedVoid

    make.fills(make.record(), make.record())
    first, second = numbers()
    made, shown = waiting(first)
    void.confirm(proposal_id=made.pk, shown=shown, by=quentin(), now=LATER)
    of = Fill.objects.get(pk=second)

    with pytest.raises(IntegrityError, match="before an act is confirmed"), transaction.atomic():
        ProposedVoid.objects.create(proposal=made, fill_id=second, executed_at=of.executed_at)


# -- arithmetic -------------------------------------------------------------------------------

A_RECORD = st.fixed_dictionaries(
    {
        "userId": st.integers(1, 3),
        "symbol": st.sampled_from(["SOL_USDC", "BTC_USDC"]),
        "price": st.decimals("0.000001", "99999999", places=6).map(lambda number: f"{number:f}"),
        "quantity": st.decimals("0.000001", "9999", places=6).map(lambda number: f"{number:f}"),
        "feeRate": st.sampled_from(["0.001", "0", "-0.0001"]),
        "affiliateRate": st.sampled_from([None, "0.3"]),
        "timestamp": st.sampled_from(
            ["2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00Z", "2026-10-15T12:30:00Z"]
        ),
    }
)
A_STEP = st.one_of(
    st.lists(A_RECORD, min_size=1, max_size=4), st.tuples(st.integers(0, 50), st.integers(1, 3))
)


@pytest.mark.django_db
@settings(max_examples=25)
@given(steps=st.lists(A_STEP, min_size=1, max_size=8))
def test_totals_are_the_sum_of_what_is_not_voided(steps: list[Any]) -> None:
    with transaction.atomic():
        _do(steps)
        assert [name for name, invariant in INVARIANTS.items() if _rows(invariant.query)] == []
        transaction.set_rollback(True)


def _rows(query: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def _do(steps: list[Any]) -> None:
    make.broker()
    for step in steps:
        if isinstance(step, list):
            make.fills(*(make.record(**each) for each in step))
            continue
        first, count = step
        gone = set(FillVoid.objects.values_list("fill_id", flat=True))
        left = [number for number in numbers() if number not in gone]
        if chosen := left[first % max(len(left), 1) :][:count]:
            assert done("void", broker_code=1400, selection=Selection(ids=tuple(chosen))).fills == len(chosen)
