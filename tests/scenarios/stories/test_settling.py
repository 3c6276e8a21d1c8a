"""Stories of payouts that did not go their way at once: carried, parked, rejected."""

import pytest
from django.db import connection

from payouts.models import Payout
from payouts.month import Month
from payouts.monthend import actions as monthend
from tests import make
from tests.scenarios.stories.telling import told

pytestmark = pytest.mark.django_db


def test_a_negative_month_is_carried_and_adjustments_are_shown_once() -> None:
    with told() as story:
        story.fills("09-10")
        story.adjust("-5.00", "September 2025 was paid twice")
        story.on("10-01T00:30")
        story.close("2026-09")
        story.approve("2026-09")
        assert story.send() == 0
        story.fills("10-10", 20_000)
        story.on("11-01T00:30")
        story.close("2026-10")
        story.approve("2026-10")
        story.send()

        assert story.statement("2026-09")[-1] == (
            "BKR 0: carried 0.00, adjustments -5.00, month 2.00, corrections 0.00, due -3.00"
        )
        assert story.statement("2026-10")[-1] == (
            "BKR 0: carried -3.00, adjustments 0.00, month 4.00, corrections 0.00, due 1.00"
        )
        assert [story.state(month) for month in ("2026-09", "2026-10")] == ["carried", "credited"]
        assert story.ledger() == [
            "adjustment: owed -5.00, rebates +5.00",
            "accrual 2026-09: owed +2.00, rebates -2.00",
            "accrual 2026-10: owed +4.00, rebates -4.00",
            "credit 2026-10: credited +1.00, owed -1.00",
        ]
        assert story.credits() == ["BP-901400 1.00"]


def test_a_rejected_credit_is_paid_to_the_account_that_it_was_corrected_to() -> None:
    with told() as story:
        story.fills("09-10")
        story.on("10-01T00:30")
        story.close("2026-09")
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.rejects_the_next_credit()
        assert story.send() == 0
        assert story.state("2026-09") == "approved"
        assert story.send() == 0
        story.scene.change_account(to="BP-905555")
        story.retry("2026-09")
        assert story.send() == 1

        assert story.ledger() == [
            "accrual 2026-09: owed +2.00, rebates -2.00",
            "credit 2026-09: credited +2.00, owed -2.00",
        ]
        assert story.credits() == ["BP-905555 2.00"]


def turn_the_fees_of_september() -> None:
    """Fees below zero: no payout can be made of them, and no action of the engine writes them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE total_by_rate SET fees = -fees WHERE broker_code = 1400 AND month = '2026-09-01'"
        )


def test_a_parked_broker_is_repaired_while_the_others_go_on() -> None:
    with told() as story:
        make.broker(code=1500)
        story.fills("09-10")
        story.fills("09-10", brokerId=1500)
        story.on("10-01T00:30")
        turn_the_fees_of_september()
        story.close("2026-09")
        parked = story.item("2026-09")
        assert (parked.state, story.state("2026-09"), story.ledger()) == ("parked", "parked", [])
        assert parked.reason == ("The database refuses the figures: payout is within tier and half the fees.")
        assert Payout.objects.get(broker=1500).state == "calculated"

        turn_the_fees_of_september()
        story.on("10-01T09:00")
        monthend.recalculate_one(month=Month(2026, 9), broker_code=1400, now=story.now)
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.send()

        assert story.item("2026-09").state == "done"
        assert story.statement("2026-09") == [
            "7 spot 0.001: 1 fills 10000 USD, fees 10 x 0.2 = 2",
            "BKR 0: carried 0.00, adjustments 0.00, month 2.00, corrections 0.00, due 2.00",
        ]
        assert story.ledger() == [
            "accrual 2026-09: owed +2.00, rebates -2.00",
            "credit 2026-09: credited +2.00, owed -2.00",
        ]
        assert story.credits() == ["BP-901400 2.00"]
