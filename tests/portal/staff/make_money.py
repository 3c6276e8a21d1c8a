"""What tests of money on the staff site share: months with payouts, prepared and approved by real acts."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from payouts.desk import approve, prepare
from payouts.desk.models import PayoutHold
from payouts.ledger import actions as ledger
from payouts.ledger import entries
from payouts.models import Broker, Case, Payout, PayoutBound
from tests import make
from tests.portal.staff import make_standing as the

NOTE = "Seen by two of us."
THEN = datetime(2026, 11, 10, 12, 0, tzinfo=UTC)


def payout(broker: Broker, month: str = "2026-10", amount: str = "123.45", **fields: Any) -> Payout:
    """A calculated payout of $1,000 of fees, written as a row, without a line."""
    return the.payout(broker, month, amount, **fields)


def prepared(*payouts: Payout, by: Any) -> list[Payout]:
    """By the desk's own act."""
    return prepare.prepare(payout_ids=[each.pk for each in payouts], by=by.pk, now=THEN)


def approved(*payouts: Payout, first: Any, second: Any) -> list[Payout]:
    """Prepared by the first and approved by the second, with its booking."""
    numbers = [each.pk for each in prepared(*payouts, by=first)]
    return approve.approve(payout_ids=numbers, shown=approve.shown(numbers), by=second.pk, now=THEN)


def bound(payout: Payout, name: str = "one trader dominates", value: str = "80.00 %") -> PayoutBound:
    return PayoutBound.objects.create(
        payout=payout,
        name=name,
        value=value,
        limit="at most 60 % of the volume",
        detail={"traders": [7]},
    )


def held(payout: Payout) -> PayoutHold:
    """Held by a case whose suspension is over; of an approved payout the ledger knows it."""
    case = Case.objects.create(broker=payout.broker, kind="fraud", title="Orders at night", opened_at=THEN)
    made = PayoutHold.objects.create(payout=payout, case=case, held_at=THEN)
    if payout.approved_at is not None and payout.due is not None:
        ledger.post(
            kind="hold",
            broker_code=payout.broker_id,
            postings=entries.hold(payout.due),
            reference=f"payout:{payout.pk}",
            at=THEN,
            by=None,
        )
    return made


def at_run(payout: Payout, act: str = "change") -> str:
    return f"/staff/payouts/run/{payout.run_id}/{act}/"


def at_payout(payout: Payout, act: str = "change") -> str:
    return f"/staff/payouts/payout/{payout.pk}/{act}/"


def at_proposal(proposal: Any, act: str = "change") -> str:
    return f"/staff/payouts/proposal/{proposal.pk}/{act}/"


def shown_by(answer: Any) -> str:
    """The digest that a page carries; empty if it carries none."""
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', answer.content.decode())
    return found[1] if found else ""


def refused(answer: Any) -> str:
    """The sentence of a refusal, as its page tells it."""
    found = re.search(r'role="alert">(.*?)</p>', answer.content.decode(), re.S)
    if found is None:
        found = re.search(r'errorlist nonfield"[^>]*><li>(.*?)</li>', answer.content.decode(), re.S)
    return "" if found is None else the.text(found[1])


def cents(amount: str) -> Decimal:
    return Decimal(amount)


def month_of_fills(*codes: int, month: str = "2026-10") -> None:
    """One fill of $100 for each broker."""
    make.fills(*(make.record(brokerId=code, timestamp=f"{month}-15T12:00:00Z") for code in codes))
