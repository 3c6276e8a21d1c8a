"""A broker's ledger is adjusted by whole cents, with a document, and its payouts know."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from payouts.desk import approve, prepare
from payouts.desk.adjust import NoDocument, NotAnAdjustment
from payouts.desk.cases import NoSuchBroker
from payouts.desk.wording import NotSaid
from payouts.models import Adjustment, Broker, Proposal
from tests import make
from tests.payouts import owner
from tests.payouts.desk import money_acts
from tests.payouts.desk.money_acts import LATER, NOON, accounts, booked, done, pia, quentin


@pytest.fixture
def broker() -> Broker:
    return make.broker()


@pytest.mark.django_db
class TestAdjusting:
    @pytest.mark.parametrize("amount", ["12.50", "-12.50", "0.01", "-0.01", "5", "1000000000"])
    def test_it_is_owed_or_taken_and_is_a_cost_of_the_program(self, broker: Broker, amount: str) -> None:
        made = done("adjust", broker_code=1400, amount=Decimal(amount))

        assert (made.amount, made.text, made.at) == (Decimal(amount), "Agreed in writing", LATER)
        assert booked(broker) == [
            (
                "adjustment",
                f"proposal:{made.proposal_id}",
                {"owed": Decimal(amount), "rebates": -Decimal(amount)},
            )
        ]
        assert accounts(broker) == {"owed": Decimal(amount), "rebates": -Decimal(amount)}

    @pytest.mark.parametrize(
        ("amount", "says"),
        [
            ("0", "changes nothing"),
            ("0.001", "whole cents"),
            ("-0.005", "whole cents"),
            ("1000000000.01", "at most 1,000,000,000 USD"),
            ("NaN", "at most"),
            ("-Infinity", "at most"),
        ],
    )
    def test_another_amount_is_refused(self, broker: Broker, amount: str, says: str) -> None:
        with pytest.raises(NotAnAdjustment, match=says):
            money_acts.prepare("adjust", broker_code=1400, amount=Decimal(amount))

        assert Proposal.objects.count() == 0

    def test_it_has_a_document_a_line_and_a_broker(self, broker: Broker) -> None:
        with pytest.raises(NoDocument):
            money_acts.prepare("adjust", broker_code=1400, amount=Decimal(1), evidence=[])
        with pytest.raises(NotSaid):
            money_acts.prepare("adjust", broker_code=1400, amount=Decimal(1), text=" ")
        with pytest.raises(NotSaid, match="300 is the most"):
            money_acts.prepare("adjust", broker_code=1400, amount=Decimal(1), text="x" * 301)
        with pytest.raises(NoSuchBroker):
            money_acts.prepare("adjust", broker_code=1500, amount=Decimal(1))

    def test_it_stands_on_the_next_payout_that_is_approved(self, broker: Broker) -> None:
        done("adjust", broker_code=1400, amount=Decimal("-5.00"))

        payout = money_acts.row(broker, "30.50")

        assert (payout.adjustments, payout.due) == (Decimal("-5.00"), Decimal("25.50"))
        [shown] = payout.shown_adjustments.all()
        assert shown.adjustment.amount == Decimal("-5.00")
        assert accounts(broker) == {"owed": Decimal("25.50"), "rebates": Decimal("-25.50")}

    def test_a_payout_prepared_before_it_has_to_be_prepared_anew(self, broker: Broker) -> None:
        payout = make.payout(broker, amount="30.50")
        prepare.prepare(payout_ids=[payout.pk], by=pia(), now=NOON)
        done("adjust", broker_code=1400, amount=Decimal("-5.00"))

        with pytest.raises(approve.Changed, match="changed since it was prepared"):
            approve.approve(payout_ids=[payout.pk], shown=approve.shown([payout.pk]), by=quentin(), now=LATER)


@pytest.fixture
def waiting(committed_db: str) -> Proposal:
    return money_acts.prepare("adjust", broker_code=make.broker().code, amount=Decimal("12.50"))


def test_the_database_takes_only_what_two_confirmed(waiting: Proposal) -> None:
    written = {"proposal": waiting, "broker": waiting.broker, "text": waiting.text, "at": LATER}

    with pytest.raises(IntegrityError, match="what two people confirmed"), transaction.atomic():
        Adjustment.objects.create(amount="12.50", **written)
    Proposal.objects.update(state="confirmed", decided_by=quentin(), decided_at=LATER)
    with pytest.raises(IntegrityError, match="what two people confirmed"), transaction.atomic():
        Adjustment.objects.create(amount="1250.00", **written)

    with owner.connected() as hand:  # twin
        hand.execute("DROP TRIGGER adjustment_is_confirmed ON adjustment")
    Adjustment.objects.create(amount="1250.00", **written)
    assert Adjustment.objects.get().amount == 1250
