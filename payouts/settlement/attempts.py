"""What an attempt to credit may become, and what the exchange's answers mean for it. Pure.

A timeout is never a failure: it is *unknown* until the exchange is asked by the attempt's key. A new key is
made only after proof that nothing moved under the old one: the exchange's own record, or two people.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from payouts.exchange.port import Credited, CreditRejected
from payouts.money import two_places

State = Literal["pending", "sending", "confirmed", "rejected", "unknown"]

#: From which state to which. A pending one that may not be sent any more is rejected: it never was sent.
GRAPH: dict[State, frozenset[State]] = {
    "pending": frozenset({"sending", "rejected"}),
    "sending": frozenset({"confirmed", "rejected", "unknown"}),
    "unknown": frozenset({"confirmed", "rejected", "unknown"}),
    "confirmed": frozenset(),
    "rejected": frozenset(),
}

#: How long whoever claimed an attempt may be at work. Longer than a question to the exchange takes at most:
#: its deadline, and the half minute that a resolver of names may need on top.
LEASE = timedelta(seconds=60)
#: What must be left of the lease before the first byte: who was stopped in between sends nothing any more.
NEEDED = timedelta(seconds=40)
#: The exchange knows a key for 24 hours. Four hours before that it is not sent again: a request may be slow,
#: clocks may differ, and a key that was forgotten would credit twice.
KEY_IS_SAFE_FOR = timedelta(hours=20)
#: By how much the exchange's clock and ours may differ.
SKEW = timedelta(minutes=5)
#: Between two questions about one attempt: at first seconds, in the end minutes.
SOONEST, LATEST = timedelta(seconds=2), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The exchange has credited what was asked for."""

    credit_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The exchange says that no money moved; `why` is for staff."""

    why: str


@dataclass(frozen=True, slots=True)
class Differs:
    """The exchange credited, but something else than was asked for: a person has to look."""

    kind: Literal["amount", "account"]
    why: str
    credit: Credited


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The exchange knows no such key. No proof that nothing was credited: it forgets keys."""


Meaning = Confirmed | Rejected | Differs | NotKnown


def may_become(before: State, after: State) -> bool:
    """Whether an attempt may go from one state to the other."""
    return after in GRAPH[before]


def meaning(answer: Credited | CreditRejected | None, *, account_id: str, amount: Decimal) -> Meaning:
    """What the exchange's word about an attempt's key means. `amount` in dollars."""
    if answer is None:
        return NotKnown()
    if isinstance(answer, CreditRejected):
        return Rejected(f"{answer.code}: {answer.message}" if answer.message else answer.code)
    if answer.account_id != account_id:
        return Differs(
            "account",
            f"Backpack Exchange says that credit {answer.credit_id} went to account {answer.account_id}"
            f" and not to {account_id}.",
            answer,
        )
    if answer.amount != amount:
        return Differs(
            "amount",
            f"Backpack Exchange says that credit {answer.credit_id} was {two_places(answer.amount)} USD"
            f" and not {two_places(amount)} USD.",
            answer,
        )
    return Confirmed(answer.credit_id)


def ask_again_after(asks: int, *, jitter: float) -> timedelta:
    """How long to wait before question `asks` + 1: doubled each time, within `SOONEST` and `LATEST`.

    `jitter`, from 0 to 1, is the caller's: it takes up to a quarter off, so that what failed together does
    not come back together.
    """
    if asks < 0 or not 0 <= jitter <= 1:
        raise ValueError("a number of questions and a share of one")
    doubled = min(SOONEST * (1 << min(asks, 20)), LATEST)
    return max(doubled * (1 - jitter / 4), SOONEST)


def too_old(sent_at: datetime, now: datetime) -> bool:
    """Whether the exchange may soon have forgotten the key of what was first sent then."""
    return now - sent_at >= KEY_IS_SAFE_FOR


def may_send_again(sent_at: datetime, now: datetime) -> bool:
    """Whether the same key may be sent once more. Not when the clock went back behind the first sending."""
    return not too_old(sent_at, now) and now >= sent_at


def time_is_left(lease_until: datetime, now: datetime) -> bool:
    """Whether a question that begins now ends before somebody else may claim the attempt."""
    return now + NEEDED <= lease_until
