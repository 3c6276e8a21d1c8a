"""The month that is killed: ten brokers at the end of October, and what its books come to as plain data.

September is approved and not sent yet. Then of one broker fills came late, of another a fill was voided, one
is suspended, one has traded nothing in October. The others are there so that every step has a payout to be
killed at.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import F

from payouts import books
from payouts.desk import approve, hold, prepare
from payouts.models import (
    Attempt,
    BooksCheck,
    BoundAcknowledgement,
    Correction,
    CorrectionLine,
    Difference,
    Entry,
    ExchangeCredit,
    Line,
    Payout,
    PayoutBound,
    PayoutHold,
    Reconciliation,
    Run,
    Transaction,
    WorkItem,
)
from payouts.month import Month
from payouts.monthend import actions as monthend
from portal.simulator.answering import AnsweringExchange
from tests import databases, make
from tests.faults.copies import kept_copy_of
from tests.payouts.desk import standing_acts as acts
from tests.payouts.monthend.voids import void

SEPTEMBER, OCTOBER = Month(2026, 9), Month(2026, 10)
LATE, VOIDED, SUSPENDED, IDLE = 2002, 2003, 2004, 2005
CODES = range(2001, 2011)
#: Of nobody but the suspended one is anything kept back, and of these two nothing is due for October.
CREDITS = 2 * (len(CODES) - 1) - 2

Rows = list[tuple[Any, ...]]


def built() -> str:
    """A database in which October is due, made anew: to be copied, and then dropped. Its name."""
    with kept_copy_of(databases.template(), "due") as name:
        build()
    return name


def build() -> None:
    """Everything that has happened until somebody closes October."""
    brokers = {code: make.broker(code=code, account_id=f"BP-90{code}") for code in CODES}
    in_september = {code: _fill(code, "09", price=f"{code}0") for code in CODES}
    make.fills(*in_september.values())
    monthend.calculate(month=SEPTEMBER, now=make.NOW)
    approve_month(SEPTEMBER, at=make.NOW)
    make.fills(
        _fill(LATE, "09", price="9000000", feeRate="0.0003"),
        _fill(LATE, "09", price="777.77", userId=8, affiliateRate="0.4"),
        *(_fill(code, "10", price=f"{code}3.17") for code in CODES if code not in (VOIDED, IDLE)),
        *(
            _fill(code, "10", price="350.5", userId=9, marketType="PERP", symbol="SOL_USDC_PERP")
            for code in CODES
            if code != IDLE
        ),
    )
    void(in_september[VOIDED]["tradeId"])
    acts.suspend(brokers[SUSPENDED], now=make.NOW)
    hold.hold_due(now=make.NOW)


def approve_month(month: Month, *, at: datetime) -> None:
    """Prepared by one and approved by another, all of it in one act, whatever is unusual about it."""
    payouts = prepare_month(month, by=acts.person("pia"), at=at)
    approve.approve(payout_ids=payouts, shown=approve.shown(payouts), by=acts.person("quentin"), now=at)


def prepare_month(month: Month, *, by: int, at: datetime) -> list[int]:
    payouts = Payout.objects.filter(run__month=month.first_date, approved_at=None)
    numbers = list(payouts.values_list("pk", flat=True))
    BoundAcknowledgement.objects.bulk_create(
        BoundAcknowledgement(
            payout_id=each.payout_id, name=each.name, value=each.value, note="seen", by_id=by, at=at
        )
        for each in PayoutBound.objects.filter(payout__in=numbers)
    )
    prepare.prepare(payout_ids=numbers, by=by, now=at)
    return numbers


def is_held() -> bool:
    """Whether the suspended broker's October is held by its case."""
    return PayoutHold.objects.filter(payout__broker=SUSPENDED, payout__run__month=OCTOBER.first_date).exists()


def drafts() -> dict[str, Rows]:
    """What a run has written, by names that mean the same in every database."""
    return {
        "runs": _rows(Run, "month", "terms"),
        "items": _rows(WorkItem, "run__month", "broker", "state", "reason"),
        "payouts": _rows(
            Payout, "run__month", "broker", "account_id", "tier", "rebate", "spot_volume", "futures_volume",
            "fills", "fees", "amount", "payout", "state", "terms", "preceding_volume", "watermark", "voids",
            "corrections", "adjustments", "carried", "due", "withheld", "prepared_by", "approved_by",
            "input_digest",
        ),
        "lines": _rows(
            Line, "payout__run__month", "payout__broker", "trader", "market", "fee_rate", "affiliate_rate",
            "fills", "volume", "fees", "applied_rate", "bound_by", "amount",
        ),
        "corrections": _rows(
            Correction, "payout__run__month", "payout__broker", "month", "tier_before", "tier_after",
            "amount", "cents", "suspended",
        ),
        "correction lines": _rows(
            CorrectionLine, "correction__payout__run__month", "correction__payout__broker",
            "correction__month", "kind", "trader", "market", "fee_rate", "affiliate_rate", "fills", "volume",
            "fees", "rate", "amount",
        ),
        "bounds": _rows(
            PayoutBound, "payout__run__month", "payout__broker", "name", "value", "limit", "detail"
        ),
        "holds": _rows(PayoutHold, "payout__run__month", "payout__broker", "case"),
    }  # fmt: skip


def final_books() -> dict[str, Rows]:
    """All of it, with what is booked and what was sent."""
    return drafts() | {
        "ledger": _rows(Transaction, "broker", "kind", "month", "note", "by", "reverses"),
        "entries": _rows(
            Entry, "broker", "transaction__kind", "transaction__month", "account", "amount"
        ),
        "attempts": _rows(
            Attempt, "payout__run__month", "payout__broker", "number", "account_id", "amount", "state",
            "next_ask_at", "decided_by",
        ),
        "exchange's credits": _rows(ExchangeCredit, "account_id", "amount"),
        "reconciled": _rows(
            Reconciliation, "day", "listed", "listed_total", "confirmed", "confirmed_total", "failures"
        ),
        "differences": _rows(Difference, "kind", "broker"),
    }  # fmt: skip


def assert_all_is_well(there: AnsweringExchange, control: dict[str, Rows]) -> None:
    """The books of a month without kills, each sound, each key listed once, each payout credited once."""
    found = final_books()
    assert {name: rows for name, rows in found.items() if rows != control[name]} == {}
    assert_money_moved_once(there)


def assert_money_moved_once(there: AnsweringExchange) -> None:
    assert books.breaches() == []
    assert not BooksCheck.objects.exclude(breaches=[]).exists()
    listed = there.credits.listed()
    keys = {str(key): 1 for key in Attempt.objects.values_list("key", flat=True)}
    assert Counter(each.key for each in listed) == keys
    credited = Payout.objects.filter(state=Payout.State.CREDITED)
    sent = [
        (account, f"{amount:f}", f"Broker Program rebates {month:%Y-%m}, broker {broker}")
        for account, amount, month, broker in credited.annotate(sent=F("due") - F("withheld")).values_list(
            "account_id", "sent", "run__month", "broker"
        )
    ]
    assert sorted((each.account_id, f"{each.amount:f}", each.reference) for each in listed) == sorted(sent)


def _fill(code: int, month: str, **changes: Any) -> dict[str, Any]:
    return make.record(brokerId=code, timestamp=f"2026-{month}-15T12:00:00Z", **changes)


def _rows(model: Any, *columns: str) -> Rows:
    return sorted(model.objects.values_list(*columns), key=repr)
