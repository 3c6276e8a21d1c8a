"""Whether a payout may be sent at this moment, and if not, why: what the triggers refuse too, in words."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Q

from payouts.ledger.queries import books_breached
from payouts.settlement.models import Attempt

#: The first number of the advisory lock, as the triggers on changes of standing and on attempts take it.
_STANDING_LOCK = 7_230_031

#: As the trigger `credit_may_be_sent` has it. What is terminated is sent only once the hold of that very
#: case was released.
_FACTS = """
    SELECT payout.id, payout.broker_id, payout.state, payout.due - payout.withheld AS amount,
           payout.account_id, broker.account_id AS present_account_id, payout.approved_at,
           EXISTS (SELECT FROM payout_hold AS held WHERE held.payout_id = payout.id
                   AND NOT EXISTS (SELECT FROM payout_release WHERE hold_id = held.id)) AS is_held,
           EXISTS (SELECT FROM standing_range AS stopped WHERE stopped.broker_id = payout.broker_id
                   AND stopped.starts_at <= %(at)s AND (stopped.ends_at IS NULL OR stopped.ends_at > %(at)s)
                   AND (stopped.kind = 'suspended' OR NOT EXISTS (
                        SELECT FROM standing_change AS ended
                        JOIN payout_hold AS held ON held.payout_id = payout.id
                             AND held.case_id = ended.case_id
                        JOIN payout_release ON payout_release.hold_id = held.id
                        WHERE ended.id = stopped.change_id))) AS is_stopped,
           EXISTS (SELECT FROM credit_difference AS open WHERE open.state = 'open'
                   AND (open.broker_id IS NULL OR open.broker_id = payout.broker_id)) AS is_frozen
    FROM payout JOIN broker ON broker.code = payout.broker_id
"""
#: What the exchange rejected, or two people called rejected, waits for a person's retry. An attempt that was
#: never sent proves nothing against sending.
_DUE = f"""
    SELECT id, broker_id FROM ({_FACTS} WHERE payout.state = 'approved') AS payout
    WHERE amount > 0 AND account_id = present_account_id AND NOT is_held AND NOT is_stopped AND NOT is_frozen
      AND NOT EXISTS (SELECT FROM credit_attempt AS tried WHERE tried.payout_id = payout.id
                      AND (tried.state <> 'rejected' OR tried.sent_at IS NOT NULL))
    ORDER BY approved_at, id LIMIT %(most)s
"""

HELD = "A case holds the payout: release or forfeit it first."
STOPPED = "The broker is suspended or terminated: nothing is sent to it."
FROZEN = "A difference with the exchange's list is open: two people have to resolve it first."
BREACHED = "The books are breached: nothing is sent until the latest check of the books finds them sound."
ACCOUNT_CHANGED = (
    "The broker's exchange account was changed after the payout was approved: send it with a retry, which"
    " pays the account that the broker has now."
)
NOTHING = "There is nothing to send: the payout is not more than nothing."
NOT_APPROVED = "The payout is not approved, or is past sending."


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether a payout may be sent."""

    payout_id: int
    broker_code: int
    state: str
    #: What would be credited: dollars, whole cents.
    amount: Decimal
    #: The payout's account, and the one that the broker has now.
    account_id: str
    present_account_id: str
    approved_at: datetime
    is_held: bool
    is_stopped: bool
    is_frozen: bool


def due(*, now: datetime, most: int) -> list[tuple[int, int]]:
    """Payouts that may be sent now for the first time, with their broker's code, earliest approved first."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"at": now, "most": most})
        return [(payout_id, code) for payout_id, code in cursor.fetchall()]


def is_first(payout_id: int) -> bool:
    """Whether nothing is under way for the payout, and nothing that was ever sent for it was rejected."""
    return not Attempt.objects.filter(
        ~Q(state="rejected") | Q(sent_at__isnull=False), payout=payout_id
    ).exists()


def facts(payout_id: int, *, at: datetime) -> Facts:
    """What decides about one payout at a moment."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_FACTS} WHERE payout.id = %(id)s", {"at": at, "id": payout_id})
        return Facts(*cursor.fetchone())


def why_not(found: Facts, *, account_id: str) -> str:
    """Why nothing may be sent to that account for the payout; empty if it may."""
    if found.state not in ("approved", "sending"):
        return NOT_APPROVED
    if found.amount <= 0:
        return NOTHING
    if found.is_held:
        return HELD
    if found.is_stopped:
        return STOPPED
    if account_id != found.present_account_id:
        return ACCOUNT_CHANGED
    if found.is_frozen:
        return FROZEN
    return BREACHED if books_breached() else ""


def settle_standing(broker_code: int) -> None:
    """Whoever changes the broker's standing waits until this transaction ends, or is waited for.

    Taken before the payout's row, as the triggers do.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_STANDING_LOCK, broker_code])
