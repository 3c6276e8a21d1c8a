"""Months of two brokers in whatever order Hypothesis likes, on real PostgreSQL and with real HTTP.

Each example is one transaction that is rolled back: tables about money cannot be emptied, and so every
example begins with an empty book. Constraints that wait for a commit are asked after every step instead.

Beside it stands a model that knows only which fills there are and which suspended days two people left
unpaid. It computes what each month is worth by the program's text, and knows of no drafts and corrections.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

from django.db import connection, transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from payouts import books, crash
from payouts.desk import adjust, approve, forfeit, hold, prepare, release, resolve, retry, review, void
from payouts.desk.void import Selection
from payouts.ledger import queries as ledger
from payouts.models import (
    Attempt,
    Broker,
    Difference,
    Fill,
    Payout,
    PayoutBound,
    PayoutHold,
    Run,
    StandingChange,
)
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.monthend import work
from payouts.refusal import Refusal
from payouts.settlement import asking, sending
from portal.simulator.credit_faults import Fault
from tests import make
from tests.payouts.desk import standing_acts as acts
from tests.payouts.desk.case_making import paper
from tests.payouts.desk.standing_acts import person
from tests.payouts.money_truth import Model, Truth
from tests.payouts.settlement.scene import on_stage

CODES = (1400, 1500)
BEGINS = datetime(2026, 1, 10, 9, tzinfo=UTC)
#: Those that take no time; the others have their own tests.
FAULTS = (
    None, Fault.DOWN, Fault.RESET_BEFORE, Fault.RESET_AFTER, Fault.ERROR_BEFORE, Fault.ERROR_AFTER,
    Fault.BUSY, Fault.BARE_404, Fault.GARBAGE_BEFORE, Fault.GARBAGE_AFTER, Fault.UNSEEN, Fault.KEY_FORGOTTEN,
    Fault.OTHER_AMOUNT, Fault.OTHER_AMOUNT_UNSAID, Fault.OTHER_ACCOUNT, Fault.TWICE, Fault.ONLY_SAYS,
    Fault.OTHER_KEY, Fault.REJECTS, Fault.REJECTS_UNSAID,
)  # fmt: skip

codes = st.sampled_from(CODES)
volumes = st.sampled_from(["3", "10000", "1234567.89", "2500000", "5000000"])
affiliate_rates = st.sampled_from(["0", "0.25", "0.4"])


class Crashed(BaseException):
    """The process is gone: what was not committed is undone, and nobody catches it."""


class Money(RuleBasedStateMachine):
    """The acts. What is refused changes nothing; what is done leaves every book sound."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example._from_testcase = True  # type: ignore[attr-defined]  # as Django's own tests: HTTP is let through
        self.example.__enter__()
        self.stage = on_stage()
        self.scene = self.stage.__enter__()
        self.model = Model()

    def teardown(self) -> None:
        try:
            self.all_comes_out()
        finally:
            self.stage.__exit__(None, None, None)
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @initialize()
    def two_brokers(self) -> None:
        self.scene.clock.to(BEGINS)
        for code in CODES:
            self.scene.broker(code)

    # Fills.

    @rule(code=codes, volume=volumes, rate=affiliate_rates)
    def a_fill(self, code: int, volume: str, rate: str) -> None:
        self.forward(hours=1)
        self.take_in(code, self.now - timedelta(minutes=1), volume, rate)

    @rule(code=codes, volume=volumes, rate=affiliate_rates, days=st.integers(20, 70))
    def a_late_fill(self, code: int, volume: str, rate: str, days: int) -> None:
        self.take_in(code, max(BEGINS, self.now - timedelta(days=days)), volume, rate)

    @precondition(lambda self: self.model.fills)
    @rule(data=st.data())
    def a_duplicate(self, data: st.DataObject) -> None:
        fill = data.draw(st.sampled_from(self.model.fills))
        before = Fill.objects.count()
        make.fills(self.record(fill), now=self.now)
        assert Fill.objects.count() == before

    @precondition(lambda self: any(each.counts for each in self.model.fills))
    @rule(data=st.data())
    def a_void(self, data: st.DataObject) -> None:
        fill = data.draw(st.sampled_from([each for each in self.model.fills if each.counts]))
        number = Fill.objects.get(trade_id=fill.trade).pk
        if self.by_two(void, broker_code=fill.broker, selection=Selection(ids=(number,))):
            fill.counts = False

    @rule(code=codes, cents=st.integers(-50_000, 50_000).filter(bool))
    def an_adjustment(self, code: int, cents: int) -> None:
        given = {"amount": Decimal(cents) / 100, "text": "agreed in writing", "evidence": [paper()]}
        self.by_two(adjust, broker_code=code, **given)

    # Standing.

    @rule(code=codes)
    def a_suspension(self, code: int) -> None:
        self.forward(hours=1)
        with suppress(Refusal):
            acts.suspend(Broker.objects.get(code=code), now=self.now)

    @rule(code=codes)
    def a_lifting(self, code: int) -> None:
        self.forward(hours=1)
        open_ = StandingChange.objects.filter(broker=code, kind="suspended", ended_by__isnull=True).first()
        if open_ is not None:
            with suppress(Refusal):
                acts.lift(open_, now=self.now)

    @rule(code=st.just(1500), really=st.integers(0, 3))
    def a_termination(self, code: int, really: int) -> None:
        self.forward(hours=1)
        if really == 0:
            with suppress(Refusal):
                acts.terminate(Broker.objects.get(code=code), now=self.now)
                self.model.ended[code] = self.now
                self.sweep()

    # Months.

    @rule()
    def a_month_ends(self) -> None:
        month = Month.of_date(self.now.date())
        self.scene.clock.to(month.ends_at + timedelta(minutes=30))
        self.calculate(month)

    @precondition(lambda self: Run.objects.exists())
    @rule(data=st.data())
    def a_recalculation(self, data: st.DataObject) -> None:
        months = list(Run.objects.order_by("month").values_list("month", flat=True))
        self.calculate(Month.of_date(data.draw(st.sampled_from(months))))

    @rule(code=codes)
    def a_preparation(self, code: int) -> None:
        self.prepare(code)

    @rule(code=codes)
    def an_approval(self, code: int) -> None:
        self.approve(code)

    @rule(code=codes)
    def a_preparation_and_approval(self, code: int) -> None:
        self.prepare(code)
        self.approve(code)

    # Holds.

    @rule(code=codes, mode=st.sampled_from(["in full", "without suspended days"]))
    def a_release(self, code: int, mode: str) -> None:
        held = PayoutHold.objects.filter(payout__broker=code, release__isnull=True).order_by("pk").first()
        if held is not None and self.by_two(release, hold_id=held.pk, mode=mode) and mode != "in full":
            days = self.model.unpaid.setdefault((code, held.payout.run.month), [])
            for each in StandingChange.objects.filter(case=held.case_id, kind="suspended"):
                lifted = StandingChange.objects.filter(ends=each).first()
                days.append((each.effective_at, lifted.effective_at if lifted else self.now))

    @rule(code=codes)
    def a_forfeiture(self, code: int) -> None:
        payout = Payout.objects.filter(broker=code, state="approved").order_by("run__month").first()
        if payout is not None:
            self.by_two(forfeit, payout_id=payout.pk)

    # Credits.

    @rule(fault=st.sampled_from(FAULTS))
    def a_sending(self, fault: Fault | None) -> None:
        self.forward(minutes=5)
        self.scene.there.faults.will(fault)
        self.scene.send()
        self.scene.there.faults.clear()

    @rule(minutes=st.sampled_from([5, 60, 1300]))
    def a_question(self, minutes: int) -> None:
        self.forward(minutes=minutes)
        self.scene.ask()

    @rule(code=codes)
    def a_retry(self, code: int) -> None:
        payout = Payout.objects.filter(broker=code, state="approved").order_by("run__month").first()
        if payout is not None:
            with suppress(Refusal):
                retry.retry(payout_id=payout.pk, by=person("walt"), now=self.now)

    @rule()
    def a_reconciliation(self) -> None:
        self.scene.next_day()
        self.sweep()
        self.scene.reconcile()

    @rule()
    def a_resolution(self) -> None:
        self.resolve_all()

    # Kills.

    @rule(point=st.sampled_from(work.CRASH_POINTS), skip=st.integers(0, 1))
    def a_crash_of_a_run(self, point: str, skip: int) -> None:
        run = Run.objects.order_by("month").last()
        if run is not None:
            self.killed(lambda: self.calculate(Month.of_date(run.month)), at=point, skip=skip)

    @rule(point=st.sampled_from(sending.CRASH_POINTS))
    def a_crash_of_a_sending(self, point: str) -> None:
        self.killed(self.scene.send, at=point)

    @rule(point=st.sampled_from(asking.CRASH_POINTS))
    def a_crash_of_a_question(self, point: str) -> None:
        self.forward(hours=1)
        self.killed(self.scene.ask, at=point)

    # What always holds.

    @invariant()
    def every_book_is_sound(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        assert books.breaches() == []

    def all_comes_out(self) -> None:
        """At the end everything is corrected, and Σ booked for each month = round(its truth)."""
        if not Broker.objects.exists():
            return
        for _ in range(2):
            self.a_month_ends()
            for code in CODES:
                self.take_back_preparations(code)
                while self.prepare(code):
                    assert self.approve(code), "nothing stands in the way"
                    self.sweep()
        self.every_book_is_sound()
        assert not Payout.objects.filter(approved_at=None).exists()
        for code in CODES:
            for month in Run.objects.order_by("month").values_list("month", flat=True):
                assert ledger.booked(code, Month.of_date(month)) == self.model.cents(code, month)

    # How.

    @property
    def now(self) -> datetime:
        return self.scene.clock()

    def forward(self, **time: float) -> None:
        self.scene.clock.forward(**time)
        self.sweep()

    def sweep(self) -> None:
        """What the timetable does every few seconds."""
        monthend.work_due(clock=self.scene.clock)
        hold.hold_due(now=self.now)

    def take_in(self, code: int, when: datetime, volume: str, rate: str) -> None:
        exact = Decimal(volume)
        fill = Truth(
            code, when.date().replace(day=1), when, exact, exact / 1000, Decimal(rate), next(make._numbers)
        )
        fill.counts = when < self.model.ended.get(code, when + timedelta(days=1))
        make.fills(self.record(fill), now=self.now)
        if fill.counts:
            self.model.fills.append(fill)

    def record(self, fill: Truth) -> dict[str, Any]:
        return make.record(
            brokerId=fill.broker, price=format(fill.volume, "f"), fee=format(fill.fee, "f"),
            affiliateRate=format(fill.affiliate_rate, "f"), tradeId=fill.trade, orderId=str(fill.trade),
            timestamp=fill.executed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )  # fmt: skip

    def calculate(self, month: Month) -> None:
        monthend.calculate(month=month, now=self.now)
        self.sweep()

    def prepare(self, code: int) -> bool:
        """The first month that is not approved, with all that is unusual acknowledged."""
        payout = Payout.objects.filter(broker=code, approved_at=None).order_by("run__month").first()
        if payout is None:
            return False
        with suppress(Refusal):
            for each in PayoutBound.objects.filter(payout=payout):
                said = {"name": each.name, "value": each.value, "note": "seen"}
                with suppress(Refusal):
                    review.acknowledge(payout_id=payout.pk, by=person("walt"), now=self.now, **said)
            prepare.prepare(payout_ids=[payout.pk], by=person("pia"), now=self.now)
        return Payout.objects.filter(pk=payout.pk, state="prepared").exists()

    def take_back_preparations(self, code: int) -> None:
        """What has changed since somebody prepared it is refused, and prepared anew."""
        numbers = Payout.objects.filter(broker=code, state="prepared").values_list("pk", flat=True)
        if numbers:
            prepare.unprepare(payout_ids=list(numbers), by=person("pia"), now=self.now)

    def approve(self, code: int) -> bool:
        payout = Payout.objects.filter(broker=code, state="prepared").order_by("run__month").first()
        if payout is None:
            return False
        with suppress(Refusal):
            shown = approve.shown([payout.pk])
            approve.approve(payout_ids=[payout.pk], shown=shown, by=person("quentin"), now=self.now)
            return True
        return False

    def by_two(self, act: Any, **given: Any) -> bool:
        """Whether one person could prepare it and another confirm it."""
        with suppress(Refusal):
            made = act.prepare(note="seen by two of us", by=person("pia"), now=self.now, **given)
            shown = act.shown(made.pk)
            act.confirm(proposal_id=made.pk, shown=shown, by=person("quentin"), now=self.now)
            return True
        return False

    def resolve_all(self) -> None:
        """Two people look the credit up in the exchange's own list, and decide; and every difference."""
        listed = {each.key: each.credit_id for each in self.scene.there.credits.listed()}
        for attempt in Attempt.objects.filter(state__in=["sending", "unknown"]):
            number = listed.get(str(attempt.key), "")
            mode = "credited" if number else "rejected"
            self.by_two(resolve, attempt_id=attempt.pk, mode=mode, credit_id=number)
        for each in Difference.objects.filter(state="open"):
            with suppress(Refusal):
                made = resolve.prepare_difference(
                    difference_id=each.pk, note="settled with the exchange", by=person("pia"), now=self.now
                )
                shown = resolve.shown(made.pk)
                resolve.confirm(proposal_id=made.pk, shown=shown, by=person("quentin"), now=self.now)

    def killed(self, what: Callable[[], Any], *, at: str, skip: int = 0) -> None:
        """Do something in a process that is killed at a named place; if it never comes there it is done."""
        left = [skip]

        def point(name: str) -> None:
            if name == at:
                left[0] -= 1
                if left[0] < 0:
                    raise Crashed

        with mock.patch.object(crash, "point", point), suppress(Crashed):
            what()
        self.forward(minutes=10)
