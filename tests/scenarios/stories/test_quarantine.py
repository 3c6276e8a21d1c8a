"""Stories of records that waited in quarantine while their month was closed and paid."""

import pytest

from payouts.models import Batch, Fill, Payout
from tests import make
from tests.payouts.feed.waiting import counted, place, replay, waits, went
from tests.scenarios.stories.telling import told

pytestmark = pytest.mark.django_db


def test_a_fill_that_waited_when_its_month_was_approved_is_late_volume_of_the_next_statement() -> None:
    """4,000,000 USD are paid at BKR 0; 1,500,000 that waited for a clock that was wrong come to 5,500,000."""
    with told() as story:
        story.fills("09-10", 4_000_000)
        early = make.record(price="1500000", timestamp="2026-09-30T12:00:00Z")
        assert make.fills(early, now=story.now).quarantined == {"future_timestamp": 1}
        story.on("10-01T00:30")
        story.close("2026-09")
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.send()

        story.on("10-20T09:00")
        assert went(replay(reason="future_timestamp", now=story.now)) == {"accepted": 1}
        story.on("11-01T00:30")
        story.close("2026-10")
        story.on("11-02T09:00")
        story.approve("2026-10")
        story.send()

        assert story.statement("2026-09") == [
            "7 spot 0.001: 1 fills 4000000 USD, fees 4000 x 0.2 = 800",
            "BKR 0: carried 0.00, adjustments 0.00, month 800.00, corrections 0.00, due 800.00",
        ]
        assert story.statement("2026-10") == [
            "2026-09 late volume: 1 fills, 1500 x 0.2 = 300",
            "2026-09 tier repricing: 0 fills, 5500 x 0.1 = 550",
            "BKR 0: carried 0.00, adjustments 0.00, month 0.00, corrections 850.00, due 850.00",
        ]
        assert story.credits() == ["BP-901400 800.00", "BP-901400 850.00"]
        late = Batch.objects.get(is_replay=True)
        assert Fill.objects.get(batch_id=late.pk).price == 1_500_000
        assert counted() == {"received": 2, "accepted": 2}


def test_a_code_issued_after_the_others_were_paid_has_its_month_once_that_is_calculated() -> None:
    """Nothing of its month was ever approved, so there is nothing to correct: it gets the month itself."""
    with told() as story:
        story.fills("09-10", 1_000_000)
        story.on("09-20T09:00")
        number = waits(brokerId=1500, price="2000", timestamp="2026-09-15T12:00:00Z")
        story.on("10-01T00:30")
        story.close("2026-09")
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.send()

        story.on("10-20T09:00")
        make.broker(code=1500)
        assert went(replay(reason="unknown_broker", now=story.now)) == {"accepted": 1}
        assert place(number) == "accepted"
        story.close("2026-09")

        [late] = Payout.objects.filter(broker=1500)
        assert (str(late.run.month), str(late.payout), late.state) == ("2026-09-01", "0.40", "calculated")
        assert story.statement("2026-09") == [
            "7 spot 0.001: 1 fills 1000000 USD, fees 1000 x 0.2 = 200",
            "BKR 0: carried 0.00, adjustments 0.00, month 200.00, corrections 0.00, due 200.00",
        ]
        assert counted() == {"received": 2, "accepted": 2}
