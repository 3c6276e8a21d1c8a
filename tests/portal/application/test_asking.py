"""The sweep that asks the exchange: each question once, no outage decides, no crash loses a question."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.apps import apps
from django.db import connections
from django.utils import timezone

from portal.application import asking
from portal.application.models import Application
from portal.simulator.answering import AnsweringExchange
from portal.simulator.outages import Outage
from tests.exchange import PRIVATE_KEY, answering, environment
from tests.portal.embedded_servers import PROJECT, eventually
from tests.portal.staff import make_review

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Clock:
    """The time of portal and exchange, which stands until it is set on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(settings: Any, clock: Clock) -> Iterator[AnsweringExchange]:
    with answering(clock=clock) as made:
        settings.EXCHANGE_URL, settings.EXCHANGE_PRIVATE_KEY = made.url, PRIVATE_KEY
        yield made


def waiting(account_id: str, **fields: Any) -> Application:
    """An application that was submitted while the exchange was down."""
    given = {
        "account_id": account_id,
        "exchange_answer": "unanswered",
        "exchange_answered_at": None,
        "exchange_due_at": NOON,
        "saved_at": NOON,
    }
    return make_review.application(**(given | fields))


def stands(application: Application) -> tuple[str, datetime | None, datetime | None]:
    """The answer, when it came, and when the exchange is asked again."""
    application.refresh_from_db()
    return application.exchange_answer, application.exchange_answered_at, application.exchange_due_at


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("account_id", "answer"),
    [
        ("BP-900001", "business"),
        ("BP-910001", "not_business"),
        ("BP-920001", "affiliate"),
        ("BP-940001", "missing"),
        ("no / such & account", "missing"),
    ],
)
def test_what_the_exchange_says_is_kept_and_decides_nothing(
    exchange: AnsweringExchange, clock: Clock, account_id: str, answer: str
) -> None:
    application = waiting(account_id)

    assert asking.ask_due(clock=clock) == 1

    assert stands(application) == (answer, NOON, None)
    assert (application.state, application.version, application.decided_at) == ("submitted", 1, None)
    assert list(application.timeline.values_list("kind", flat=True)) == ["submitted"]
    assert asking.ask_due(clock=clock) == 0
    assert exchange.asked == [account_id]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "outage",
    [Outage.DOWN, Outage.ERROR, Outage.BARE_404, Outage.FORBIDDEN, Outage.HTML],
    ids=lambda o: o.name,
)
@pytest.mark.parametrize("before", ["unanswered", "business", "affiliate"])
def test_an_outage_changes_no_answer(
    exchange: AnsweringExchange, clock: Clock, outage: Outage, before: str
) -> None:
    answered_at = None if before == "unanswered" else NOON - timedelta(days=1)
    application = waiting("BP-900001", exchange_answer=before, exchange_answered_at=answered_at)
    exchange.outage = outage

    assert asking.ask_due(clock=clock) == 0

    assert stands(application) == (before, answered_at, NOON + timedelta(seconds=15))
    assert (application.state, application.version, application.decided_at) == ("submitted", 1, None)


@pytest.mark.django_db
def test_it_is_asked_again_later_and_later_until_there_is_an_answer(
    exchange: AnsweringExchange, clock: Clock
) -> None:
    application = waiting("BP-900001")
    asked_after = []
    with exchange.away():
        while len(asked_after) < 12:
            due = stands(application)[2]
            assert due is not None
            clock.now = due - timedelta(seconds=1)
            assert asking.ask_due(clock=clock) == 0
            assert stands(application)[2] == due  # not a second before its time
            clock.now = due
            assert asking.ask_due(clock=clock) == 0
            asked_after.append(int((due - NOON).total_seconds()))

    assert asked_after == [0, 15, 30, 45, 60, 75, 93, 117, 146, 183, 228, 286]
    assert exchange.asked == []
    clock.now += timedelta(days=1)
    assert asking.ask_due(clock=clock) == 1
    assert stands(application) == ("business", clock.now, None)


@pytest.mark.parametrize(
    ("waited", "pause"),
    [
        (timedelta(seconds=-5), timedelta(seconds=15)),
        (timedelta(0), timedelta(seconds=15)),
        (timedelta(minutes=2), timedelta(seconds=30)),
        (timedelta(minutes=40), timedelta(minutes=10)),
        (timedelta(days=300), timedelta(minutes=10)),
    ],
)
def test_the_pause_grows_with_the_wait(waited: timedelta, pause: timedelta) -> None:
    assert asking.next_time(waiting_since=NOON - waited, now=NOON) == NOON + pause


@pytest.mark.django_db
def test_one_account_that_is_never_answered_does_not_hold_up_the_others(
    exchange: AnsweringExchange, clock: Clock
) -> None:
    stuck = waiting("BP-990500", exchange_due_at=NOON - timedelta(seconds=1))
    others = [waiting(f"BP-90000{number}") for number in range(3)]

    assert asking.ask_due(clock=clock) == 0
    assert asking.ask_due(clock=clock) == 3

    assert [stands(other)[0] for other in others] == ["business"] * 3
    assert stands(stuck) == ("unanswered", None, NOON + timedelta(seconds=15))


@pytest.mark.django_db
def test_a_sweep_during_an_outage_asks_once(exchange: AnsweringExchange, clock: Clock) -> None:
    for number in range(5):
        waiting(f"BP-90000{number}")
    exchange.outage = Outage.ERROR

    assert asking.ask_due(clock=clock) == 0

    assert len(exchange.asked) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["withdrawn", "rejected"])
def test_what_has_ended_is_not_asked_about(exchange: AnsweringExchange, clock: Clock, state: str) -> None:
    ended: dict[str, Any] = {"state": state}
    if state == "rejected":
        ended |= {"rejection_reason": "other", "decision_message": "No.", "reapply_from": NOON.date()}
        ended |= {"decided_at": NOON}
    application = waiting("BP-900001", **ended)

    assert asking.ask_due(clock=clock) == 0
    assert exchange.asked == []
    assert stands(application)[0] == "unanswered"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"account_id": "BP-900002", "exchange_due_at": NOON}, ("unanswered", None, NOON)),
        ({"state": "withdrawn", "exchange_due_at": None}, ("unanswered", None, None)),
    ],
)
def test_an_answer_that_nobody_waits_for_any_more_is_dropped(
    exchange: AnsweringExchange, clock: Clock, changes: dict[str, Any], left: tuple[Any, ...]
) -> None:
    """While the exchange is thinking, the applicant names another account or withdraws."""
    application = waiting("BP-920001")
    claimed = asking._claim(NOON)
    assert claimed is not None
    Application.objects.filter(pk=application.pk).update(**changes)

    kept = asking.record_answer(
        reference=application.reference,
        account_id="BP-920001",
        answer=asking.ExchangeAnswer.AFFILIATE,
        now=NOON,
        claimed_until=claimed.exchange_due_at,
    )

    assert not kept
    assert stands(application) == left


@pytest.mark.django_db
def test_a_late_answer_does_not_overwrite_a_newer_one(exchange: AnsweringExchange, clock: Clock) -> None:
    """A sweep that slept past its time finds that another has asked since."""
    application = waiting("BP-930001")
    slept = asking._claim(NOON)
    assert slept is not None
    clock.now = NOON + timedelta(minutes=5)
    assert asking.ask_due(clock=clock) == 1

    assert not asking.record_answer(
        reference=application.reference,
        account_id="BP-930001",
        answer=asking.ExchangeAnswer.MISSING,
        now=clock.now,
        claimed_until=slept.exchange_due_at,
    )
    assert stands(application) == ("business", clock.now, None)


@pytest.mark.django_db
def test_an_account_may_become_an_affiliate_between_two_answers(
    exchange: AnsweringExchange, clock: Clock
) -> None:
    application = waiting("BP-930001")
    asking.ask_due(clock=clock)
    assert stands(application)[0] == "business"

    clock.now = NOON + timedelta(minutes=2)
    Application.objects.update(exchange_due_at=clock.now)
    asking.ask_due(clock=clock)

    assert stands(application) == ("affiliate", clock.now, None)


def sweeps_at_once(number: int, exchange: AnsweringExchange, clock: Clock) -> int:
    """So many sweeps, none of which hears an answer before all have looked for questions."""

    def sweep(_: int) -> int:
        try:
            return asking.ask_due(clock=clock)
        finally:
            connections.close_all()

    exchange.held = Event()
    with ThreadPoolExecutor(number) as pool:
        going = [pool.submit(sweep, each) for each in range(number)]
        eventually(lambda: exchange.asked)
        for _ in range(20):  # time for the others to ask the same, if they would
            Event().wait(0.02)
        exchange.held.set()
        return sum(each.result() for each in going)


def test_two_sweeps_ask_once(committed_db: str, exchange: AnsweringExchange, clock: Clock) -> None:
    application = waiting("BP-900001")

    assert sweeps_at_once(4, exchange, clock) == 1

    assert exchange.asked == ["BP-900001"]
    assert stands(application) == ("business", NOON, None)


def test_without_the_claim_they_would_ask_once_each(
    committed_db: str, exchange: AnsweringExchange, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twin: only looking is not enough; the one answer that is kept is the fence's doing."""
    application = waiting("BP-900001")
    rounds = iter(range(4))  # each sweep looks once

    def only_look(now: datetime) -> Application | None:
        return (
            Application.objects.filter(pk=application.pk).first() if next(rounds, None) is not None else None
        )

    monkeypatch.setattr(asking, "_claim", only_look)

    assert sweeps_at_once(4, exchange, clock) == 1

    assert exchange.asked == ["BP-900001"] * 4


def test_questions_are_asked_outside_any_transaction(
    committed_db: str, exchange: AnsweringExchange, clock: Clock
) -> None:
    """While the exchange is thinking, the applicant can go on."""
    application = waiting("BP-900001")
    exchange.held = Event()
    with ThreadPoolExecutor(1) as pool:
        going = pool.submit(asking.ask_due, clock=clock)
        eventually(lambda: exchange.asked)
        Application.objects.filter(pk=application.pk).update(contact_phone="+1 555 0100")
        exchange.held.set()
        assert going.result() == 1
        pool.submit(connections.close_all)

    application.refresh_from_db()
    assert (application.contact_phone, application.exchange_answer) == ("+1 555 0100", "business")


def test_killed_between_question_and_answer_it_is_asked_again(committed_db: str, settings: Any) -> None:
    with answering() as exchange:
        settings.EXCHANGE_URL, settings.EXCHANGE_PRIVATE_KEY = exchange.url, PRIVATE_KEY
        began = timezone.now()
        application = waiting("BP-900001", exchange_due_at=began, saved_at=began)
        exchange.held = Event()
        code = "from django.utils import timezone; from portal.application import asking;"
        code += " asking.ask_due(clock=timezone.now)"
        killed = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=PROJECT,
            env=os.environ | {"DATABASE_URL": committed_db} | environment(exchange),
        )
        eventually(lambda: exchange.asked)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        exchange.held.set()

        answer, answered_at, due = stands(application)
        assert (answer, answered_at) == ("unanswered", None)
        assert due is not None
        assert timedelta(seconds=15) <= due - began < timedelta(seconds=30)
        assert asking.ask_due(clock=timezone.now) == 0
        Application.objects.update(exchange_due_at=timezone.now())  # its time has come
        assert asking.ask_due(clock=timezone.now) == 1

    assert stands(application)[0] == "business"
    assert exchange.asked == ["BP-900001", "BP-900001"]


@pytest.mark.django_db
def test_the_history_says_why_the_row_changed(exchange: AnsweringExchange, clock: Clock) -> None:
    application = waiting("BP-900001")
    asking.ask_due(clock=clock)

    history = (
        apps.get_model("portal", "ApplicationHistory").objects.filter(pgh_obj=application).order_by("pgh_id")
    )
    assert [
        (entry.pgh_context["reason"] if entry.pgh_context else None, entry.exchange_answer)
        for entry in history
    ] == [
        (None, "unanswered"),
        ("asking the exchange", "unanswered"),
        ("the exchange answered", "business"),
    ]


@pytest.mark.django_db
def test_without_an_exchange_nothing_is_answered(settings: Any, clock: Clock) -> None:
    settings.EXCHANGE_URL = settings.EXCHANGE_PRIVATE_KEY = ""
    application = waiting("BP-900001")

    assert asking.ask_due(clock=clock) == 0

    assert stands(application) == ("unanswered", None, NOON + timedelta(seconds=15))
