"""Stories of brokers that are stopped: what is held, released and forfeited, row by row."""

import pytest

from tests.scenarios.stories.telling import Story, told

pytestmark = pytest.mark.django_db


def suspended_over_a_months_end(story: Story) -> None:
    """Two fills of 10 USD of fees in September: one before the suspension of 20 September to 5 October, one
    within. September is approved while it is held."""
    story.fills("09-10")
    story.on("09-20T00:00")
    suspension = story.suspend()
    story.on("09-25T00:00")
    story.fills("09-25")
    story.on("10-01T00:30")
    story.close("2026-09")
    story.on("10-02T09:00")
    story.approve("2026-09")
    assert story.send() == 0
    story.on("10-05T00:00")
    story.lift(suspension)
    assert story.send() == 0


def test_a_suspension_over_a_months_end_lifted_and_released_in_full() -> None:
    with told() as story:
        suspended_over_a_months_end(story)
        story.on("10-06T09:00")
        story.release("2026-09", "in full")
        story.send()

        assert story.statement("2026-09") == [
            "7 spot 0.001: 2 fills 20000 USD, fees 20 x 0.2 = 4",
            "BKR 0: carried 0.00, adjustments 0.00, month 4.00, corrections 0.00, due 4.00",
        ]
        assert story.ledger() == [
            "accrual 2026-09: owed +4.00, rebates -4.00",
            "hold 2026-09: held +4.00, owed -4.00",
            "release: held -4.00, owed +4.00",
            "credit 2026-09: credited +4.00, owed -4.00",
        ]
        assert story.credits() == ["BP-901400 4.00"]


def test_a_suspension_over_a_months_end_lifted_and_released_without_the_suspended_days() -> None:
    with told() as story:
        suspended_over_a_months_end(story)
        story.on("10-06T09:00")
        story.release("2026-09", "without suspended days")
        story.send()
        # October is held by nothing: the suspension was over when it was calculated.
        story.fills("10-10")
        story.on("11-01T00:30")
        story.close("2026-10")
        story.approve("2026-10")
        story.send()

        assert story.ledger() == [
            "accrual 2026-09: owed +4.00, rebates -4.00",
            "hold 2026-09: held +4.00, owed -4.00",
            "forfeit: held -2.00, rebates +2.00",
            "release: held -2.00, owed +2.00",
            "credit 2026-09: credited +2.00, owed -2.00",
            "accrual 2026-10: owed +2.00, rebates -2.00",
            "credit 2026-10: credited +2.00, owed -2.00",
        ]
        assert story.credits() == ["BP-901400 2.00", "BP-901400 2.00"]


def test_a_late_fill_of_suspended_days_that_were_not_released_is_worth_nothing() -> None:
    with told() as story:
        suspended_over_a_months_end(story)
        story.on("10-06T09:00")
        story.release("2026-09", "without suspended days")
        story.send()
        story.fills("09-26")
        story.fills("09-11")
        story.on("11-01T00:30")
        story.close("2026-10")
        story.approve("2026-10")
        story.send()

        # The truth is four fills at 2.00 less two of suspended days: 4.00, of which 2.00 are booked.
        assert story.statement("2026-10") == [
            "2026-09 late volume: 2 fills, 20 x 0.2 = 4",
            "2026-09 suspended days: 0 fills, -2",
            "BKR 0: carried 0.00, adjustments 0.00, month 0.00, corrections 2.00, due 2.00",
        ]
        assert story.ledger()[-2:] == [
            "correction 2026-09: owed +2.00, rebates -2.00",
            "credit 2026-10: credited +2.00, owed -2.00",
        ]


def test_a_termination_holds_what_is_unpaid_until_it_is_forfeited_or_released() -> None:
    with told() as story:
        story.fills("09-10")
        story.on("10-01T00:30")
        story.close("2026-09")
        story.on("10-02T09:00")
        story.approve("2026-09")
        story.fills("10-01")
        story.on("10-03T09:00")
        story.terminate()
        assert story.send() == 0
        story.on("11-01T00:30")
        story.close("2026-10")
        story.approve("2026-10")
        story.on("11-03T09:00")
        story.forfeit("2026-09")
        story.release("2026-10", "in full")
        story.send()

        assert [story.state(month) for month in ("2026-09", "2026-10")] == ["forfeited", "credited"]
        assert story.ledger() == [
            "accrual 2026-09: owed +2.00, rebates -2.00",
            "hold: held +2.00, owed -2.00",
            "accrual 2026-10: owed +2.00, rebates -2.00",
            "hold 2026-10: held +2.00, owed -2.00",
            "forfeit: held -2.00, rebates +2.00",
            "release: held -2.00, owed +2.00",
            "credit 2026-10: credited +2.00, owed -2.00",
        ]
        assert story.credits() == ["BP-901400 2.00"]
