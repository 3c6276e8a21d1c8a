"""What happened to a statement after it was issued: shown beside it, never in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payouts.desk import hold
from payouts.desk.money_models import PayoutRelease
from payouts.month import Month
from payouts.settlement.models import Attempt
from payouts.statements.queries import Issued


@dataclass(frozen=True, slots=True)
class Credit:
    """The money that was sent for it, under the number that the exchange gave it."""

    at: datetime
    amount: Decimal
    number: str


@dataclass(frozen=True, slots=True)
class Release:
    """The end of a hold: `mode` as the engine names it, `withheld` in whole cents."""

    at: datetime
    mode: str
    withheld: Decimal


@dataclass(frozen=True, slots=True)
class Since:
    """Everything that came later, as it stands now."""

    #: Of the payout: approved, sending, credited, forfeited, nil or carried.
    state: str
    #: What holds it now, "suspended" or "terminated"; empty where nothing does.
    held: str
    credit: Credit | None
    releases: list[Release]
    #: The later statements that carry a correction of its month: number and month.
    corrected_by: list[tuple[int, Month]]


def since(of: Issued, every: Sequence[Issued]) -> Since:
    """What came after a statement; `every` are all statements of its broker. Three queries."""
    attempt = Attempt.objects.filter(payout__statement=of.id, state=Attempt.State.CONFIRMED).first()
    releases = PayoutRelease.objects.filter(hold__payout__statement=of.id).order_by("released_at", "pk")
    months = {each.number: each.month for each in every}
    return Since(
        state=of.state,
        held=hold.held_months(of.broker).get(of.month, ""),
        credit=None
        if attempt is None or attempt.decided_at is None
        else Credit(of.credited_at or attempt.decided_at, attempt.amount, attempt.credit_id),
        releases=[Release(each.released_at, each.mode, each.withheld) for each in releases],
        corrected_by=[(number, months[number]) for number in of.corrected_by],
    )
