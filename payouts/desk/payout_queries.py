"""A payout as staff open it: its figures, what it carries, what stands in its way, and who did what."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.apps import apps

from payouts.desk.models import PayoutHold
from payouts.desk.payout_facts import Adjusted, Corrected, Held, PayoutFacts, facts_of
from payouts.ledger.queries import BookedTransaction, transactions_with
from payouts.money import ZERO
from payouts.monthend.bounding import BoundRow
from payouts.monthend.models import Payout, WorkItem
from payouts.settlement.models import Attempt


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try to credit the payout."""

    id: int
    number: int
    key: str
    account_id: str
    amount: Decimal
    state: str
    state_label: str
    created_at: datetime
    sent_at: datetime | None
    decided_at: datetime | None
    credit_id: str
    detail: str


@dataclass(frozen=True, slots=True)
class StateChange:
    """When the payout became what it was, by whose act and why."""

    at: datetime
    state: str
    state_label: str
    #: The login of whoever did it; None: the portal itself.
    by: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class PayoutPage:
    """Everything that the page of a payout shows. Dollars; whole cents where money moves."""

    id: int
    broker_code: int
    broker_name: str
    #: The first day of its month.
    month: date
    state: str
    state_label: str
    #: The account to be credited, and the broker's now if that is another one.
    account_id: str
    account_changed_to: str
    terms: str
    tier: str
    rebate: Decimal
    spot_volume: Decimal
    futures_volume: Decimal
    volume: Decimal
    preceding_volume: Decimal | None
    fills: int
    fees: Decimal
    amount: Decimal
    payout: Decimal
    corrections: Decimal
    corrected: tuple[Corrected, ...]
    adjustments: Decimal
    adjusted: tuple[Adjusted, ...]
    carried: Decimal
    due: Decimal
    withheld: Decimal
    #: What is sent, or was.
    to_send: Decimal
    holds: tuple[Held, ...]
    bounds: tuple[BoundRow, ...]
    #: Why its calculation is parked, and what to do; both empty if it is not.
    parked_reason: str
    next_step: str
    calculated_at: datetime
    prepared_by: int | None
    prepared_at: datetime | None
    approved_by: int | None
    approved_at: datetime | None
    input_digest: str
    digest: str
    attempts: list[AttemptRow]
    transactions: list[BookedTransaction]
    history: list[StateChange]

    @property
    def is_held(self) -> bool:
        return bool(self.holds)

    @property
    def waiting_bounds(self) -> list[BoundRow]:
        """Those that nobody has acknowledged."""
        return [each for each in self.bounds if not each.is_acknowledged]


def payout_page(payout_id: int) -> PayoutPage | None:
    """A payout with all that belongs to it; None if there is none. A fixed number of queries.

    Before it is prepared, what is carried, adjusted and due is as it would be if it were prepared now.
    """
    row = Payout.objects.select_related("run", "broker").filter(pk=payout_id).first()
    if row is None:
        return None
    facts = facts_of([row])[row.pk]
    item = WorkItem.objects.filter(run=row.run_id, broker=row.broker_id).first()
    # What was prepared stands until it is taken back, even where something has changed since.
    due = facts.due if row.due is None else row.due
    return PayoutPage(
        id=row.pk,
        broker_code=row.broker_id,
        broker_name=row.broker.name,
        month=row.run.month,
        state=row.state,
        state_label=str(row.get_state_display()),
        account_id=row.account_id,
        account_changed_to="" if facts.account_now == row.account_id else facts.account_now,
        terms=row.terms,
        tier=row.tier,
        rebate=row.rebate,
        spot_volume=row.spot_volume,
        futures_volume=row.futures_volume,
        volume=row.volume,
        preceding_volume=row.preceding_volume,
        fills=row.fills,
        fees=row.fees,
        amount=row.amount,
        payout=row.payout,
        corrections=row.corrections,
        corrected=facts.corrected,
        adjustments=_either(row.adjustments, facts.adjustments),
        adjusted=facts.adjusted,
        carried=_either(row.carried, facts.carried),
        due=due,
        withheld=row.withheld,
        to_send=max(due - row.withheld, ZERO),
        holds=facts.holds,
        bounds=facts.bounds,
        parked_reason=item.reason if item else "",
        next_step=item.next_step if item else "",
        calculated_at=row.run.calculated_at,
        prepared_by=row.prepared_by_id,
        prepared_at=row.prepared_at,
        approved_by=row.approved_by_id,
        approved_at=row.approved_at,
        input_digest=row.input_digest,
        digest=row.digest,
        attempts=_attempts(payout_id),
        transactions=transactions_with(_references(row, facts)),
        history=_history(payout_id),
    )


def _either(written: Decimal | None, now: Decimal) -> Decimal:
    return now if written is None else written


def _references(row: Payout, facts: PayoutFacts) -> list[str]:
    """What the ledger calls that belongs to the payout."""
    of = f"payout:{row.pk}"
    holds = PayoutHold.objects.filter(payout=row).values_list("pk", flat=True)
    return [
        of,
        *(f"{of}:{each.month:%Y-%m}" for each in facts.corrected),
        *(f"{of}:hold:{hold}" for hold in holds),
    ]


def _attempts(payout_id: int) -> list[AttemptRow]:
    return [
        AttemptRow(
            id=each.pk,
            number=each.number,
            key=str(each.key),
            account_id=each.account_id,
            amount=each.amount,
            state=each.state,
            state_label=str(each.get_state_display()),
            created_at=each.created_at,
            sent_at=each.sent_at,
            decided_at=each.decided_at,
            credit_id=each.credit_id,
            detail=each.detail,
        )
        for each in Attempt.objects.filter(payout=payout_id).order_by("number")
    ]


def _history(payout_id: int) -> list[StateChange]:
    """Every change of state, oldest first; what was written while it stayed as it was is left out."""
    recorded: Any = apps.get_model("payouts", "PayoutHistory")
    rows = recorded.objects.filter(pgh_obj_id=payout_id).order_by("pgh_id")
    found: list[StateChange] = []
    for row in rows:
        if found and found[-1].state == row.state:
            continue
        said = row.pgh_context or {}
        found.append(
            StateChange(
                at=row.pgh_created_at,
                state=row.state,
                state_label=str(Payout.State(row.state).label),
                by=said.get("by") or said.get("user"),
                reason=said.get("reason", ""),
            )
        )
    return found
