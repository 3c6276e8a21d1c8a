"""Releases beside holds and each other; and what the database refuses whoever asks."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts import books
from payouts.desk import hold, release
from payouts.models import PayoutHold, PayoutRelease
from tests import make
from tests.payouts import owner
from tests.payouts.desk.money_acts import LATER, NOON, accounts, booked, done, earned, prepare, quentin
from tests.payouts.desk.test_standing_races import all_at_once, without_waiting
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ITS_TURN,
    gate_before_writing,
    side_by_side,
    until_waiting,
)


@pytest.fixture
def lifted(committed_db: str) -> PayoutHold:
    """An approved payout that a case still holds whose suspension is lifted."""
    broker = make.broker()
    earned(broker, "30.50")
    suspension = make.suspended(broker, NOON)
    hold.hold_due(now=NOON)
    make.lifted(suspension, LATER)
    return PayoutHold.objects.get()


def test_a_release_and_a_hold_of_another_case_at_once_leave_it_held_once(lifted: PayoutHold) -> None:
    broker = lifted.payout.broker
    made = prepare("release", hold_id=lifted.pk, mode="in full", now=LATER)
    shown, by = release.shown(made.pk), quentin()
    make.suspended(broker, LATER)

    def let_go() -> PayoutRelease:
        return release.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER)

    with side_by_side() as begin, gate_before_writing("payout_release"):
        releasing = begin(let_go)
        until_waiting(1, AT_THE_GATE)
        holding = begin(lambda: hold.hold_due(now=LATER))
        until_waiting(1, FOR_ITS_TURN)

    assert (releasing.result().mode, holding.result()) == ("in full", 1)
    assert accounts(broker) == {"held": Decimal("30.50"), "rebates": Decimal("-30.50")}
    assert [kind for kind, _, _ in booked(broker)] == ["accrual", "hold", "release", "hold"]
    assert books.breaches() == []


def test_without_any_lock_the_money_would_be_owed_and_held(lifted: PayoutHold) -> None:
    """Twin: the hold found the first case still holding, and moved nothing. Each row's lock guards it too."""
    broker = lifted.payout.broker
    made = prepare("release", hold_id=lifted.pk, mode="in full", now=LATER)
    shown, by = release.shown(made.pk), quentin()
    make.suspended(broker, LATER)
    without_waiting()
    with owner.connected() as hand:
        hand.execute("DROP TRIGGER payout_hold_comes_before_sending ON payout_hold")
        hand.execute(f"ALTER TABLE payout_hold DROP CONSTRAINT {foreign_key_of_payouts(hand)}")

    with side_by_side() as begin:
        with gate_before_writing("payout_release"):
            releasing = begin(lambda: release.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER))
            until_waiting(1, AT_THE_GATE)
            assert begin(lambda: hold.hold_due(now=LATER)).result(timeout=60) == 1
        releasing.result(timeout=60)

    assert accounts(broker) == {"owed": Decimal("30.50"), "rebates": Decimal("-30.50")}
    assert "what is held in the ledger = what cases hold" in [each.invariant for each in books.breaches()]


def foreign_key_of_payouts(hand: Any) -> str:
    """Its look at the payout waits for the payout's row."""
    [(name,)] = hand.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'payout_hold'::regclass AND contype = 'f'"
        " AND confrelid = 'payout'::regclass"
    ).fetchall()
    return str(name)


def test_of_many_who_release_at_once_one_does(lifted: PayoutHold) -> None:
    made = prepare("release", hold_id=lifted.pk, mode="in full", now=LATER)
    shown, by = release.shown(made.pk), quentin()

    found = all_at_once([lambda: release.confirm(proposal_id=made.pk, shown=shown, by=by, now=LATER)] * 10)

    assert sorted(type(each).__name__ for each in found) == ["AlreadyDecided"] * 9 + ["PayoutRelease"]
    assert accounts(lifted.payout.broker) == {"owed": Decimal("30.50"), "rebates": Decimal("-30.50")}


def test_a_hold_ends_by_an_act_that_two_confirmed_alone(lifted: PayoutHold) -> None:
    made = prepare("release", hold_id=lifted.pk, mode="in full", now=LATER)
    written = {"hold": lifted, "proposal": made, "mode": "in full", "released_at": LATER}

    with pytest.raises(IntegrityError, match="two people confirmed"), transaction.atomic():
        PayoutRelease.objects.create(**written)

    with owner.connected() as hand:  # twin
        hand.execute("DROP TRIGGER payout_release_is_confirmed ON payout_release")
    PayoutRelease.objects.create(**written)
    assert hold.held(lifted.payout.broker_id) == []


def test_a_hold_ends_once(lifted: PayoutHold) -> None:
    made = done("release", hold_id=lifted.pk, mode="in full", now=LATER)
    written = {"hold": lifted, "proposal": made.proposal, "mode": "in full", "released_at": LATER}

    with pytest.raises(IntegrityError, match="payout_release_hold_id"), transaction.atomic():
        PayoutRelease.objects.create(**written)

    with owner.connected() as hand:  # twin
        hand.execute("ALTER TABLE payout_release DROP CONSTRAINT payout_release_hold_id_key")
    PayoutRelease.objects.create(**written)
    assert PayoutRelease.objects.count() == 2
