"""What the guards of lines keep out comes in without them."""

from datetime import UTC, datetime
from decimal import Decimal

from payouts.month import Month
from payouts.monthend import actions
from payouts.monthend.models import Line, Payout
from tests import make
from tests.payouts import owner


def test_without_its_trigger_a_line_of_no_payout_would_be_taken(committed_db: str) -> None:
    make.broker()
    make.fills(make.record())
    actions.calculate(month=Month(2026, 10), now=datetime(2026, 11, 1, 0, 30, tzinfo=UTC))
    nowhere = Payout.objects.get().pk + 1_000
    with owner.connected() as server:
        server.execute("DROP TRIGGER payout_line_has_its_payout ON payout_line")

    Line.objects.bulk_create(
        [
            Line(
                payout_id=nowhere,
                trader=8,
                market="spot",
                fee_rate=Decimal("0.001"),
                affiliate_rate=Decimal(0),
                fills=1,
                volume=Decimal(1000),
                fees=Decimal(1),
                applied_rate=Decimal("0.2"),
                bound_by="tier",
                amount=Decimal("0.2"),
            )
        ]
    )

    assert Line.objects.filter(payout_id=nowhere).count() == 1
