"""Sweeps at once, a sweep beside staff, a killed worker: one question, one case, nothing lost. With twins."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from payouts import books
from payouts.desk import affiliates, cases
from payouts.desk.models import AffiliateCheck, Case
from payouts.exchange import chosen
from payouts.models import Broker
from payouts.refusal import Refusal
from portal.simulator.answering import AnsweringExchange
from tests import make
from tests.exchange import environment
from tests.payouts import owner
from tests.payouts.desk.case_making import opened, staff, told
from tests.payouts.monthend.processes import PROJECT, celery, own_broker
from tests.payouts.monthend.racing import (
    AT_THE_GATE,
    FOR_ANOTHERS_ROW,
    eventually,
    gate_before_writing,
    side_by_side,
    until_waiting,
)

ACCOUNT = "BP-920001"
TASK = "payouts.tasks.check_affiliates"


@pytest.fixture
def broker(committed_db: str) -> Broker:
    return make.broker(account_id=ACCOUNT)


def sweep() -> int:
    return affiliates.check_due(exchange=chosen.exchange(clock=timezone.now), clock=timezone.now)


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)


def both_look_before_either_claims(waiting: int) -> list[int]:
    """Two sweeps, stopped where they would set the repetition of what they found."""
    AffiliateCheck.objects.create(broker_id=1400, due_at=timezone.now())
    with side_by_side() as start, gate_before_writing("affiliate_check"):
        sweeps = [start(sweep) for _ in range(2)]
        until_waiting(waiting, AT_THE_GATE)
    return sorted(each.result() for each in sweeps)


def test_two_sweeps_at_once_ask_once_and_open_one_case(broker: Broker, exchange: AnsweringExchange) -> None:
    assert both_look_before_either_claims(waiting=1) == [0, 1]

    assert exchange.asked == [ACCOUNT]
    assert [(each.kind, each.is_flagged) for each in Case.objects.all()] == [("affiliate", True)]


def test_twin_without_the_claims_lock_they_ask_twice(
    broker: Broker, exchange: AnsweringExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)

    both_look_before_either_claims(waiting=2)

    assert exchange.asked == [ACCOUNT, ACCOUNT]


def test_eight_sweeps_over_many_brokers_ask_each_once(committed_db: str, exchange: AnsweringExchange) -> None:
    for number in range(30):
        make.broker(code=2_000 + number, account_id=f"BP-92{number:04d}")
    with side_by_side() as start:
        answered = sum(each.result() for each in [start(sweep) for _ in range(8)])

    assert answered == 30
    assert sorted(exchange.asked) == [f"BP-92{number:04d}" for number in range(30)]
    assert sorted(Case.objects.values_list("broker_id", flat=True)) == list(range(2_000, 2_030))
    assert books.breaches() == []


def sweep_beside_staff() -> list[Future[Any]]:
    """A sweep hears of an affiliate while staff open that very conflict; both have looked for one."""
    by = staff()
    with side_by_side() as start, gate_before_writing("desk_case"):
        both = [
            start(sweep),
            start(lambda: opened(Broker.objects.get(), by, kind="affiliate", now=timezone.now())),
        ]
        until_waiting(2, AT_THE_GATE)
    return both


def test_a_sweep_and_staff_at_once_open_one_conflict(broker: Broker, exchange: AnsweringExchange) -> None:
    swept, by_hand = sweep_beside_staff()

    assert swept.result() == 1
    assert by_hand.exception() is None or isinstance(by_hand.exception(), cases.ConflictIsOpen)
    [case] = Case.objects.all()
    assert [kind for kind, _, _ in told(case)] == ["opened", "affiliate"]


def test_twin_without_the_constraint_they_open_two(broker: Broker, exchange: AnsweringExchange) -> None:
    with owner.connected() as hand:
        hand.execute("DROP INDEX one_open_affiliate_conflict_per_broker")

    swept, by_hand = sweep_beside_staff()

    assert (swept.result(), by_hand.exception()) == (1, None)
    assert Case.objects.filter(kind="affiliate", state="open").count() == 2


def close_while_the_exchange_says_it_again(wait: Callable[[], None]) -> Future[Any]:
    """The broker had left and staff close the conflict; in this moment it is an affiliate again."""
    by = staff()
    broker = Broker.objects.get()
    case = opened(broker, by, kind="affiliate", now=timezone.now() - timedelta(days=1))
    AffiliateCheck.objects.create(
        broker=broker,
        due_at=timezone.now(),
        account_id=ACCOUNT,
        answer="business",
        answered_at=case.opened_at,
    )
    with side_by_side() as start, gate_before_writing("desk_case_entry"):
        swept = start(sweep)
        until_waiting(1, AT_THE_GATE)
        closed = start(lambda: cases.close(case_id=case.pk, outcome="It left.", by=by, now=timezone.now()))
        wait()
    assert swept.result() == 1
    return closed


def test_a_conflict_is_not_closed_while_the_exchange_says_it_again(
    broker: Broker, exchange: AnsweringExchange
) -> None:
    closed = close_while_the_exchange_says_it_again(lambda: until_waiting(1, FOR_ANOTHERS_ROW))

    assert isinstance(closed.exception(), cases.NotYetClosable)
    assert Case.objects.get().state == "open"
    assert books.breaches() == []


def test_twin_without_the_locks_an_affiliate_is_left_without_a_case(
    broker: Broker, exchange: AnsweringExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_locks(monkeypatch)

    closed = close_while_the_exchange_says_it_again(lambda: until_waiting(2, AT_THE_GATE))

    assert closed.exception() is None
    assert [breach.invariant for breach in books.breaches()] == [
        "no broker is an affiliate without an open case"
    ]


def test_the_exchange_is_asked_outside_any_transaction(broker: Broker, exchange: AnsweringExchange) -> None:
    """While it is thinking, the row and the broker are free."""
    exchange.held = Event()
    with side_by_side() as start:
        going = start(sweep)
        eventually(lambda: exchange.asked)
        with owner.connected() as hand:
            rows = hand.execute("SELECT broker_id FROM affiliate_check FOR UPDATE NOWAIT").fetchall()
            codes = hand.execute("SELECT code FROM broker FOR UPDATE NOWAIT").fetchall()
        exchange.held.set()
        assert going.result() == 1
    assert (rows, codes) == ([(1400,)], [(1400,)])


def test_killed_between_question_and_answer_it_is_asked_again(
    committed_db: str, broker: Broker, exchange: AnsweringExchange
) -> None:
    exchange.held = Event()
    began = timezone.now()
    code = "from payouts import tasks; tasks.check_affiliates()"
    killed = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": committed_db} | environment(exchange),
    )
    eventually(lambda: exchange.asked)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    exchange.held.set()

    check = AffiliateCheck.objects.get()
    assert (check.answer, check.answered_at, check.failing_since) == ("", None, None)
    assert timedelta(minutes=1) <= check.due_at - began < timedelta(minutes=2)
    assert sweep() == 0
    AffiliateCheck.objects.update(due_at=timezone.now())  # its time has come
    assert sweep() == 1
    assert exchange.asked == [ACCOUNT, ACCOUNT]
    assert Case.objects.get().is_flagged


@pytest.mark.fault
def test_a_real_worker_and_a_real_beat_open_the_case(
    committed_db: str, broker: Broker, exchange: AnsweringExchange, tmp_path: Any, monkeypatch: Any
) -> None:
    """And an outage first: it is retried by itself."""
    for name, value in environment(exchange).items():
        monkeypatch.setenv(name, value)
    worker, beat = tmp_path / "worker.log", tmp_path / "beat.log"
    times = ("--schedule", str(tmp_path / "times"), "--pidfile", "", "--loglevel", "info")
    with own_broker() as messages, exchange.away():
        where = {"database": committed_db, "broker": messages}
        with (
            celery("worker", "--concurrency", "2", "--loglevel", "info", **where, log=worker),
            celery("beat", *times, **where, log=beat),
        ):
            eventually(lambda: AffiliateCheck.objects.filter(failures=1).exists())
            assert Case.objects.count() == 0
            exchange.start()
            try:
                affiliates.ask_now(broker_code=1400, now=timezone.now())
                eventually(Case.objects.exists)
            finally:
                exchange.stop()

    assert [(each.kind, each.is_flagged) for each in Case.objects.all()] == [("affiliate", True)]
    assert affiliates.failing(now=timezone.now()) == []
    assert "Traceback" not in worker.read_text()


def test_a_refusal_says_what_to_do(committed_db: str) -> None:
    with pytest.raises(Refusal, match=r"^The exchange is not asked about this broker: "):
        affiliates.ask_now(broker_code=7, now=timezone.now())
