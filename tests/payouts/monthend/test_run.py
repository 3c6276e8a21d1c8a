"""The run: one item a broker, one that fails is parked and the others go on, and a zombie writes nothing."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pghistory
import pytest
from django.db import connection

from payouts.month import Month
from payouts.monthend import actions, bounding, chunk, correcting, overview, work
from payouts.monthend.chunk import Task
from payouts.monthend.models import Line, Payout, Run, WorkItem
from payouts.program.terms import terms_for
from payouts.refusal import Refusal
from tests import make
from tests.payouts.monthend.approving import approve
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    gate_before_writing,
    owner,
    side_by_side,
    until_waiting,
)

OCTOBER = Month(2026, 10)
NOW = datetime(2026, 11, 1, 0, 30, tzinfo=UTC)
MINUTE = timedelta(seconds=60)

# The one who does not obey the fence.
ZOMBIE = [pytest.param(True, id="fenced"), pytest.param(False, id="twin without the fence")]


def brokers(*codes):
    for code in codes:
        make.broker(code=code)
        make.fills(make.record(brokerId=code, price="1000"))


def calculate(now=NOW):
    return actions.calculate(month=OCTOBER, now=now)


def items():
    return list(WorkItem.objects.order_by("broker_id").values_list("broker_id", "state", "fence", "attempts"))


def states():
    return list(Payout.objects.order_by("broker_id").values_list("broker_id", "state", "payout"))


def task(clock=lambda: NOW):
    return Task(Run.objects.get(), OCTOBER, terms_for(OCTOBER), clock)


@pytest.fixture
def failing(monkeypatch):
    """Broker 1500 cannot be calculated, for whatever reason is put in; alone or among others."""
    problems = [ZeroDivisionError("boom")]
    real = correcting.find

    def find(*, month, broker_codes):
        if 1500 in broker_codes and problems:
            raise problems[0]
        return real(month=month, broker_codes=broker_codes)

    monkeypatch.setattr(correcting, "find", find)
    return problems


@pytest.mark.django_db
def test_a_calculated_run_has_an_item_done_for_each_broker():
    brokers(1400, 1500)
    calculate()
    assert items() == [(1400, "done", 1, 1), (1500, "done", 1, 1)]
    # Asking again overtakes whoever might be at work, so a fence is passed over.
    calculate()
    assert items() == [(1400, "done", 3, 1), (1500, "done", 3, 1)]


@pytest.mark.django_db
def test_one_broker_that_fails_is_parked_and_the_others_are_done(failing, caplog):
    brokers(1400, 1500, 1600)
    with caplog.at_level(logging.ERROR):
        calculate()
    assert states() == [
        (1400, "calculated", Decimal("0.20")),
        (1500, "parked", Decimal("0.00")),
        (1600, "calculated", Decimal("0.20")),
    ]
    assert overview.item_of(OCTOBER, 1500).reason == "The calculation failed: ZeroDivisionError."
    assert overview.item_of(OCTOBER, 1500).next_step == (
        "Look for “parked” and the broker's code in the log of the worker, and repair what it says."
        " Then press Calculate again."
    )
    assert [record.getMessage() for record in caplog.records] == ["parked broker 1500 of 2026-10"]
    assert "boom" in caplog.text


@pytest.mark.django_db
def test_a_parked_broker_is_calculated_after_the_repair(failing):
    brokers(1400, 1500)
    calculate()
    failing.clear()
    item = actions.recalculate_one(month=OCTOBER, broker_code=1500, now=NOW)
    assert (item.state, item.reason, item.next_step) == ("done", "", "")
    assert states() == [(1400, "calculated", Decimal("0.20")), (1500, "calculated", Decimal("0.20"))]
    # Of the other nothing was done.
    assert items() == [(1400, "done", 1, 1), (1500, "done", 3, 1)]


@pytest.mark.django_db
def test_a_broker_parked_after_it_was_calculated_keeps_its_figures_and_loses_its_preparation(failing):
    problem = failing.pop()
    brokers(1500)
    calculate()
    prepare()
    failing.append(problem)
    calculate()
    assert states() == [(1500, "parked", Decimal("0.20"))]
    assert Line.objects.count() == 1
    assert Payout.objects.values_list("prepared_by", "digest", "due").get() == (None, "", None)


def prepare():
    """As the desk leaves a prepared payout."""
    first = make.login(email="pia@exchange.example", mfa=False)
    Payout.objects.update(
        state="prepared",
        prepared_by=first,
        prepared_at=NOW,
        adjustments=0,
        carried=0,
        due="0.20",
        digest="0" * 64,
    )


class Explains(Refusal):
    pass


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("problem", "reason", "next_step"),
    [
        (
            Explains("the broker's account is unknown"),
            "the broker's account is unknown",
            "Do what it says. Then press Calculate again.",
        ),
        (
            ArithmeticError("what"),
            "The calculation failed: ArithmeticError.",
            "Look for “parked” and the broker's code in the log of the worker, and repair what it says."
            " Then press Calculate again.",
        ),
        (
            "SELECT 10::numeric ^ 200000",
            "A figure of this month is too large, or has too many digits, to be added exactly.",
            "Look for fills with absurd prices or quantities, and have them voided."
            " Then press Calculate again.",
        ),
        (
            "UPDATE payout SET payout = 1",
            "The database refuses the figures: payout is amount rounded once.",
            "Look for “parked” and the broker's code in the log of the worker, and repair what it says."
            " Then press Calculate again.",
        ),
        (
            "SET LOCAL statement_timeout = 5; SELECT pg_sleep(1)",
            "The calculation took longer than the database allows.",
            "Wait until the database is less busy. Then press Calculate again.",
        ),
    ],
    ids=["a refusal", "a fault", "a number out of range", "a constraint", "a timeout"],
)
def test_why_a_broker_is_parked_is_said_in_plain_words(monkeypatch, problem, reason, next_step):
    def bounds(**_):
        if isinstance(problem, Exception):
            raise problem
        with connection.cursor() as cursor:
            cursor.execute(problem)

    brokers(1400)
    monkeypatch.setattr(bounding, "write_bounds", bounds)
    calculate()
    assert WorkItem.objects.values_list("state", "reason", "next_step").get() == ("parked", reason, next_step)
    assert states()[0][1] == "parked"


@pytest.mark.django_db
def test_an_approved_payout_is_never_calculated_again():
    brokers(1400, 1500)
    calculate()
    approve(Payout.objects.get(broker=1400))
    make.fills(make.record(brokerId=1400, price="1000"), make.record(brokerId=1500, price="1000"))
    calculate()
    assert states() == [(1400, "approved", Decimal("0.20")), (1500, "calculated", Decimal("0.40"))]
    assert items() == [(1400, "done", 1, 1), (1500, "done", 3, 1)]
    with pytest.raises(
        actions.AlreadyApproved,
        match=r"^The payout of broker 1400 for 2026-10 is approved: what has changed since is corrected with"
        r" its next payout\.$",
    ):
        actions.recalculate_one(month=OCTOBER, broker_code=1400, now=NOW)


@pytest.mark.django_db
def test_calculating_again_voids_a_preparation():
    brokers(1400)
    calculate()
    prepare()
    calculate()
    assert Payout.objects.values_list("state", "prepared_by", "prepared_at", "due", "digest").get() == (
        "calculated",
        None,
        None,
        None,
        "",
    )


@pytest.mark.django_db
def test_recalculating_one_broker_of_no_run_or_no_broker_is_refused():
    brokers(1400)
    with pytest.raises(actions.NoRun, match=r"^2026-10 has no run yet: calculate the month first\.$"):
        actions.recalculate_one(month=OCTOBER, broker_code=1400, now=NOW)
    calculate()
    with pytest.raises(
        actions.NotInTheRun, match=r"^No broker has the code 7: look at the list of brokers\.$"
    ):
        actions.recalculate_one(month=OCTOBER, broker_code=7, now=NOW)


@pytest.mark.django_db
def test_an_item_is_claimed_once_and_again_only_when_its_lease_is_over():
    brokers(1400, 1500)
    run = calculate()
    work.ask(run_id=run.pk, now=NOW)
    first = work.claim(run_id=None, now=NOW, most=1)
    assert [(each.broker_code, each.fence, each.attempts) for each in first] == [(1400, 3, 1)]
    second = work.claim(run_id=run.pk, now=NOW, most=5)
    assert [(each.broker_code, each.fence) for each in second] == [(1500, 3)]
    almost = NOW + MINUTE - timedelta(microseconds=1)
    assert work.claim(run_id=None, now=almost, most=5) == []
    assert [
        (each.broker_code, each.fence, each.attempts)
        for each in work.claim(run_id=None, now=NOW + MINUTE, most=5)
    ] == [
        (1400, 4, 2),
        (1500, 4, 2),
    ]
    # The second attempt has twice the time, so that slow work is not begun for ever.
    assert work.claim(run_id=None, now=NOW + 3 * MINUTE - timedelta(microseconds=1), most=5) == []
    assert len(work.claim(run_id=None, now=NOW + 3 * MINUTE, most=5)) == 2
    for late in (first, second):
        with pytest.raises(work.Overtaken):
            work.finish(late, now=NOW)
        with pytest.raises(work.Overtaken):
            work.renew(late, now=NOW)


@pytest.mark.django_db
def test_a_sweep_does_what_somebody_left_behind():
    brokers(1400, 1500)
    run = calculate()
    make.fills(make.record(brokerId=1500, price="1000"))
    work.ask(run_id=run.pk, now=NOW)
    work.claim(run_id=None, now=NOW, most=5)
    assert actions.work_due(clock=lambda: NOW) == 0
    assert actions.work_due(clock=lambda: NOW + MINUTE) == 2
    assert states() == [(1400, "calculated", Decimal("0.20")), (1500, "calculated", Decimal("0.40"))]
    assert actions.work_due(clock=lambda: NOW + MINUTE) == 0


@pytest.mark.django_db
def test_a_run_that_was_left_behind_is_finished_when_months_are_closed():
    brokers(1400)
    run = calculate()
    make.fills(make.record(price="1000"))
    work.ask(run_id=run.pk, now=NOW)
    assert [str(month) for month in actions.close_due_months(now=NOW)] == ["2026-10"]
    assert states() == [(1400, "calculated", Decimal("0.40"))]
    assert actions.close_due_months(now=NOW) == []


@pytest.mark.django_db
def test_a_broker_that_kills_whoever_calculates_it_is_parked_after_five_attempts():
    brokers(1400)
    calculate()
    WorkItem.objects.update(state="due", attempts=5)
    assert actions.work_due(clock=lambda: NOW) == 1
    assert WorkItem.objects.values_list("state", "reason").get() == (
        "parked",
        "The calculation was begun 5 times and never ended.",
    )


@pytest.mark.django_db
def test_a_month_closes_past_its_parked_brokers(failing):
    brokers(1400, 1500)
    assert [str(month) for month in actions.close_due_months(now=NOW)] == ["2026-10"]
    assert [each.broker for each in overview.parked(OCTOBER)] == [1500]
    # It is for a person to say when: nothing tries again by itself.
    assert actions.close_due_months(now=NOW) == []
    assert actions.work_due(clock=lambda: NOW + 9 * MINUTE) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("is_fenced", ZOMBIE)
def test_who_comes_back_after_its_lease_writes_nothing(monkeypatch, caplog, is_fenced):
    brokers(1400)
    run = calculate()
    work.ask(run_id=run.pk, now=NOW)
    zombie = work.claim(run_id=run.pk, now=NOW, most=1)
    assert actions.work_due(clock=lambda: NOW + MINUTE) == 1
    prepare()  # the first of the two has looked at it meanwhile
    if not is_fenced:
        monkeypatch.setattr(work, "must_hold", lambda *_, **__: None)

    chunk.work_off(task(), zombie)

    assert states() == [(1400, "prepared" if is_fenced else "calculated", Decimal("0.20"))]
    assert WorkItem.objects.values_list("state", "fence").get() == ("done", 4)
    assert caplog.messages == ["broker 1400 of 2026-10 was claimed by another"]


def test_who_is_overtaken_while_it_calculates_writes_nothing(committed_db):
    brokers(1400)
    run = calculate()
    work.ask(run_id=run.pk, now=NOW)
    zombie = work.claim(run_id=run.pk, now=NOW, most=1)
    with side_by_side() as start:
        with gate_before_writing("payout"):
            late = start(lambda: chunk.work_off(task(), zombie))
            until_waiting(1, AT_THE_GATE)
            make.fills(make.record(price="4000"))
            [later] = work.claim(run_id=run.pk, now=NOW + MINUTE, most=1)
        late.result()
    assert WorkItem.objects.values_list("state", "fence").get() == ("working", later.fence)
    assert states() == [(1400, "calculated", Decimal("0.20"))]
    chunk.work_off(task(), [later])
    assert states() == [(1400, "calculated", Decimal("1.00"))]


def test_a_payout_that_is_approved_while_it_is_calculated_again_stays_as_it_was_approved(committed_db):
    brokers(1400, 1500)
    calculate()
    make.fills(make.record(brokerId=1400, price="1000"), make.record(brokerId=1500, price="1000"))
    with side_by_side() as start:
        with gate_before_writing("payout_line"):
            again = start(calculate)
            until_waiting(1, AT_THE_GATE)
            approving = start(lambda: approve(Payout.objects.get(broker=1400)))
        again.result()
        # It waited for the row: what it then saw is the draft that the calculation has made.
        approving.result()
    assert states() == [(1400, "approved", Decimal("0.40")), (1500, "calculated", Decimal("0.40"))]


def test_an_approval_that_comes_first_is_kept_by_a_calculation_under_way(committed_db, monkeypatch):
    brokers(1400, 1500)
    calculate()
    make.fills(make.record(brokerId=1400, price="1000"), make.record(brokerId=1500, price="1000"))
    real, to_approve = correcting.find, [Payout.objects.get(broker=1400)]

    def find(**wanted):
        with side_by_side() as start:  # after the calculation's snapshot, before it writes
            while to_approve:
                start(lambda: approve(to_approve.pop())).result()
        return real(**wanted)

    monkeypatch.setattr(correcting, "find", find)
    calculate()
    assert states() == [(1400, "approved", Decimal("0.20")), (1500, "calculated", Decimal("0.40"))]
    assert [state for _, state, *_ in items()] == ["done", "done"]


def test_many_brokers_are_calculated_side_by_side_and_the_history_says_by_what(committed_db):
    for code in range(1400, 1420):
        make.broker(code=code)
    make.fills(*(make.record(brokerId=code, price="1000") for code in range(1400, 1420)))
    with pghistory.context(command="month_end"):
        calculate()
    assert states() == [(code, "calculated", Decimal("0.20")) for code in range(1400, 1420)]
    assert {item[1] for item in items()} == {"done"}
    with owner() as hand:
        said = hand.execute("SELECT DISTINCT pgh_context->>'command' FROM payouts_payouthistory").fetchall()
    assert said == [("month_end",)]
