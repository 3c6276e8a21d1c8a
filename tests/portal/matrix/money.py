"""Money in the world of the matrix: the payout of `BROKER` in each state, acts that wait, a credit."""

from decimal import Decimal

from payouts.desk import adjust, approve, prepare, review
from payouts.desk.models import PayoutHold
from payouts.models import (
    Attempt,
    Case,
    Difference,
    ExchangeCredit,
    Payout,
    PayoutBound,
    Proposal,
    Reconciliation,
    Run,
    Transaction,
)
from payouts.settlement import allowed, sending
from tests.portal.matrix.desk import BEFORE, BROKER, paper


def payout() -> Payout:
    return Payout.objects.get(broker=BROKER)


def run() -> Run:
    return payout().run


def hold() -> PayoutHold:
    return PayoutHold.objects.get(payout=payout())


def attempt() -> Attempt:
    return Attempt.objects.get(payout=payout())


def difference() -> Difference:
    return Difference.objects.get()


def proposal() -> Proposal:
    return Proposal.objects.latest("pk")


def transaction() -> Transaction:
    return Transaction.objects.filter(broker=BROKER).earliest("pk")


def compared() -> Reconciliation:
    return Reconciliation.objects.get(day="2026-11-20")


# -- in which state it is before it is asked --------------------------------------------------------


def looked_at(first: int) -> None:
    """Nothing about it is unusual any more."""
    for each in PayoutBound.objects.filter(payout=payout()):
        review.acknowledge(
            payout_id=each.payout_id, name=each.name, value=each.value, note="Seen.", by=first, now=BEFORE
        )


def unusual(_first: int) -> None:
    PayoutBound.objects.create(payout=payout(), name="negative total", value="0.00 USD", limit="none")


def prepared(first: int) -> None:
    looked_at(first)
    prepare.prepare(payout_ids=[payout().pk], by=first, now=BEFORE)


def approved(first: int, second: int) -> None:
    prepared(first)
    number = payout().pk
    approve.approve(payout_ids=[number], shown=approve.shown([number]), by=second, now=BEFORE)


def held(first: int, second: int) -> None:
    """By a case of nothing in particular, so that it may be released."""
    case = Case.objects.create(broker_id=BROKER, kind="fraud", title="Orders at night", opened_at=BEFORE)
    PayoutHold.objects.create(payout=payout(), case=case, held_at=BEFORE)
    approved(first, second)


def sent(first: int, second: int) -> None:
    """Nobody knows what became of it."""
    approved(first, second)
    of = payout()
    made = sending.make(
        allowed.facts(of.pk, at=BEFORE), account_id=of.account_id, ready_until=BEFORE, now=BEFORE
    )
    rows = Attempt.objects.filter(pk=made.pk)
    rows.update(state="sending", sent_at=BEFORE, lease_until=None, next_ask_at=None)
    rows.update(state="unknown")


def rejected(first: int, second: int) -> None:
    sent(first, second)
    Attempt.objects.update(state="rejected", decided_at=BEFORE)
    Payout.objects.filter(pk=payout().pk).update(state="approved")


def differs(_first: int) -> None:
    credit = ExchangeCredit.objects.create(
        credit_id="CR-1",
        key="k",
        account_id="BP-1",
        amount=Decimal("1.00"),
        credited_at=BEFORE,
        seen_at=BEFORE,
    )
    Difference.objects.create(
        kind="unknown", broker_id=BROKER, credit=credit, detail="CR-1 is not ours.", found_at=BEFORE
    )


def proposed(first: int) -> None:
    """An adjustment of `BROKER` waits for its second person."""
    adjust.prepare(
        broker_code=BROKER,
        amount=Decimal("-1.00"),
        text="A fee",
        note="Seen.",
        evidence=[paper("why")],
        by=first,
        now=BEFORE,
    )


def compare() -> None:
    """A day of the exchange's list is compared with ours."""
    Reconciliation.objects.create(day="2026-11-20", done_at=BEFORE, due_at=BEFORE)
