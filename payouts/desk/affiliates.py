"""Asks the exchange every day whether a broker has become an affiliate. A sweep, often; rows are the queue.

"Please note that the API Broker Program and the Backpack Affiliate Program are mutually exclusive." Nothing
is cut by an answer: a new affiliate opens one flagged case, and people decide.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pghistory
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from payouts.desk import cases
from payouts.desk.models import AffiliateCheck, Case, CaseEntry
from payouts.exchange.eligibility import AFFILIATE
from payouts.exchange.port import Account, Exchange, ExchangeUnavailable
from payouts.program.models import Broker, StandingChange, StandingRange
from payouts.refusal import Refusal

Answer = AffiliateCheck.Answer

DAILY = timedelta(days=1)
#: After an outage: so long, then twice as long each time, up to the second.
SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)
#: So long past its time, a question says that the sweep itself does not run.
OVERDUE = timedelta(hours=1)
#: Questions and time of one sweep; the next one goes on, and others get their turn at the workers.
_AT_MOST = 100
_TURN = timedelta(seconds=20)
TITLE = "Enrolled in the Affiliate Program"


class NotAsked(Refusal):
    """The sweep does not ask about this broker."""


@dataclass(frozen=True, slots=True)
class Check:
    """What the exchange last said about a broker's account, and how asking goes."""

    broker_code: int
    broker_name: str
    account_id: str
    answer: str
    answer_label: str
    answered_at: datetime | None
    #: Since when it has not answered, how often, and when it is asked again.
    failing_since: datetime | None
    failures: int
    due_at: datetime
    #: Nobody has asked for so long that the sweep itself cannot be running.
    is_overdue: bool


def check_due(*, exchange: Exchange, clock: Callable[[], datetime]) -> int:
    """Ask about every broker whose time has come; how many were answered. Terminated brokers are not asked.

    A question is claimed by setting its repetition before it is asked: who is killed while asking loses
    nothing. An outage decides nothing; it ends the sweep, so that a sweep stays short.
    """
    _add_missing(clock())
    answered, began = 0, clock()
    for _ in range(_AT_MOST):
        if clock() - began > _TURN:
            break
        claimed = _claim(clock())
        if claimed is None:
            break
        try:
            account = exchange.account(claimed.account_id)
        except ExchangeUnavailable:
            _fail(claimed, now=clock())
            break
        answered += _keep(claimed, answer_of(account), now=clock())
    return answered


def ask_now(*, broker_code: int, now: datetime) -> None:
    """Let the next sweep ask about a broker, whenever it was asked last. Refuses `NotAsked`."""
    if not _asked(now).filter(broker_id=broker_code).update(due_at=now):
        raise NotAsked(
            "The exchange is not asked about this broker: it is terminated, or its code is too new."
        )


def answer_of(account: Account | None) -> Answer:
    """What an answer of the exchange means for a broker. Pure."""
    if account is None:
        return Answer.MISSING
    if account.is_affiliate:
        return Answer.AFFILIATE
    return Answer.BUSINESS if account.is_business else Answer.NOT_BUSINESS


def pause_after(failures: int) -> timedelta:
    """How long the exchange is left alone after so many failures in a row: 1, 2, 4 … 60 minutes. Pure."""
    doublings = min(failures - 1, 10)
    return min(SOONEST * (1 << doublings), LATEST)


def check_of(broker_code: int, *, now: datetime) -> Check | None:
    """A broker's check; None before the first sweep since its enrolment."""
    return next(iter(_views(AffiliateCheck.objects.filter(broker_id=broker_code), now)), None)


def failing(*, now: datetime) -> list[Check]:
    """Checks of brokers that are not terminated and get no answer, or are overdue; the longest first."""
    late = Q(failing_since__isnull=False) | Q(due_at__lt=now - OVERDUE)
    return _views(_asked(now).filter(late).order_by(F("failing_since").asc(nulls_last=True), "due_at"), now)


def concerning(*, now: datetime) -> list[Check]:
    """Checks whose answer is not what a broker should be: an affiliate, no business account, no account."""
    return _views(_asked(now).exclude(answer__in=[Answer.NONE, Answer.BUSINESS]).order_by("broker_id"), now)


def _add_missing(now: datetime) -> None:
    without = Broker.objects.filter(affiliate_check__isnull=True).exclude(code__in=_terminated(now))
    AffiliateCheck.objects.bulk_create(
        [AffiliateCheck(broker_id=code, due_at=now) for code in without.values_list("code", flat=True)],
        ignore_conflicts=True,  # another sweep adds the same
    )


def _terminated(now: datetime) -> QuerySet[StandingRange, int]:
    return StandingRange.objects.filter(kind=StandingChange.Kind.TERMINATED, starts_at__lte=now).values_list(
        "broker_id", flat=True
    )


def _asked(now: datetime) -> QuerySet[AffiliateCheck]:
    ended = StandingRange.objects.filter(
        broker_id=OuterRef("broker_id"), kind=StandingChange.Kind.TERMINATED, starts_at__lte=now
    )
    return AffiliateCheck.objects.filter(~Exists(ended)).select_related("broker")


def _claim(now: datetime) -> AffiliateCheck | None:
    """The next question, its repetition set; `account_id` is the account to ask about.

    A broker that has another account since it was asked about is due at once, and the old answer is gone.
    """
    moved = ~Q(account_id="") & ~Q(account_id=F("broker__account_id"))
    due = _asked(now).filter(Q(due_at__lte=now) | moved)
    with transaction.atomic():
        found = due.select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk").first()
        if found is None:
            return None
        if found.account_id != found.broker.account_id:
            found.account_id = found.broker.account_id
            found.answer, found.answered_at = Answer.NONE, None
        found.due_at = now + SOONEST
        found.save(update_fields=["account_id", "answer", "answered_at", "due_at"])
    return found


def _still(claimed: AffiliateCheck) -> AffiliateCheck | None:
    """The row, locked, unless another sweep has taken the question over or the account is another one."""
    rows = AffiliateCheck.objects.select_for_update(of=("self",)).filter(
        pk=claimed.pk, due_at=claimed.due_at, account_id=claimed.account_id
    )
    found = rows.first()
    # The account is read after the lock: a change that comes later finds the row and asks anew.
    if found is None or not Broker.objects.filter(pk=found.pk, account_id=found.account_id).exists():
        return None
    return found


@transaction.atomic
def _fail(claimed: AffiliateCheck, *, now: datetime) -> None:
    check = _still(claimed)
    if check is None:
        return
    check.failures += 1
    check.failing_since = check.failing_since or now
    check.due_at = now + pause_after(check.failures)
    check.save(update_fields=["failures", "failing_since", "due_at"])


@transaction.atomic
def _keep(claimed: AffiliateCheck, answer: Answer, *, now: datetime) -> bool:
    """Keep an answer with what follows from it; whether anybody still waited for it."""
    check = _still(claimed)
    if check is None:
        return False
    before, check.answer, check.answered_at = check.answer, answer, now
    check.failing_since, check.failures, check.due_at = None, 0, now + DAILY
    check.save(update_fields=["answer", "answered_at", "failing_since", "failures", "due_at"])
    with pghistory.context(reason="the exchange answered"):
        if answer == Answer.AFFILIATE:
            _tell_affiliate(check, is_new=before != answer, now=now)
        else:
            _tell_no_affiliate(check, answer, now=now)
    return True


def _tell_affiliate(check: AffiliateCheck, *, is_new: bool, now: datetime) -> None:
    """One open conflict per broker: a new one, flagged, or the one that there is."""
    case = cases.open_conflict(check.broker_id)
    if case is None:
        try:
            case = cases.open_case(
                broker_code=check.broker_id,
                kind=Case.Kind.AFFILIATE,
                title=TITLE,
                text=AFFILIATE,
                by=None,
                now=now,
                is_flagged=True,
            )
            is_new = True
        except cases.ConflictIsOpen:  # staff opened it in this very moment
            case = cases.open_conflict(check.broker_id)
    if case is not None and is_new:
        cases.entry(case, CaseEntry.Kind.AFFILIATE, by=None, now=now, text=check.account_id)


def _tell_no_affiliate(check: AffiliateCheck, answer: Answer, *, now: datetime) -> None:
    """An open conflict hears that it is over, once: its last word from the exchange was another one."""
    case = cases.open_conflict(check.broker_id)
    if case is None:
        return
    said = CaseEntry.objects.filter(
        case=case, kind__in=[CaseEntry.Kind.AFFILIATE, CaseEntry.Kind.NO_AFFILIATE]
    ).order_by("-pk")
    last = said.first()
    if last is not None and last.kind == CaseEntry.Kind.AFFILIATE:
        text = f"{check.account_id}: {answer.label}"
        cases.entry(case, CaseEntry.Kind.NO_AFFILIATE, by=None, now=now, text=text)


def _views(rows: QuerySet[AffiliateCheck], now: datetime) -> list[Check]:
    return [
        Check(
            broker_code=row.broker_id,
            broker_name=row.broker.name,
            account_id=row.account_id or row.broker.account_id,
            answer=row.answer,
            answer_label=str(row.get_answer_display()),
            answered_at=row.answered_at,
            failing_since=row.failing_since,
            failures=row.failures,
            due_at=row.due_at,
            is_overdue=row.due_at < now - OVERDUE,
        )
        for row in rows.select_related("broker")
    ]
