"""The daily question whether a broker is an affiliate: its answer is kept and cuts nothing."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payouts import books
from payouts.desk import affiliates, cases
from payouts.desk.models import AffiliateCheck, Case
from payouts.exchange import chosen
from payouts.exchange.eligibility import AFFILIATE
from payouts.exchange.port import Account
from payouts.models import Broker
from payouts.program.queries import standing_of
from portal.simulator.answering import AnsweringExchange
from portal.simulator.outages import Outage
from tests import make
from tests.exchange import PRIVATE_KEY, answering
from tests.payouts.desk import reading as queries
from tests.payouts.desk.case_making import move_account, opened, staff, told

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ACCOUNT = "BP-900001"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
pytestmark = pytest.mark.django_db


class Clock:
    """The time of engine and exchange, which stands until it is set on."""

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


@pytest.fixture
def broker(db: None) -> Broker:
    return make.broker(account_id=ACCOUNT)


def sweep(clock: Clock) -> int:
    return affiliates.check_due(exchange=chosen.exchange(clock=clock), clock=clock)


def stands(broker: Broker) -> tuple[str, str, datetime | None, datetime]:
    """The account, the answer, when it came, and when the exchange is asked again."""
    check = AffiliateCheck.objects.get(broker=broker)
    return check.account_id, check.answer, check.answered_at, check.due_at


def conflicts() -> list[Case]:
    return list(Case.objects.filter(kind="affiliate").order_by("pk"))


@pytest.mark.parametrize(
    ("account_id", "answer", "opens"),
    [
        ("BP-900001", "business", 0),
        ("BP-910001", "not business", 0),
        ("BP-920001", "affiliate", 1),
        ("BP-940001", "missing", 0),
        ("no / such & account", "missing", 0),
    ],
)
def test_what_the_exchange_says_is_kept_for_a_day(
    exchange: AnsweringExchange, clock: Clock, account_id: str, answer: str, opens: int
) -> None:
    broker = make.broker(account_id=account_id)

    assert sweep(clock) == 1

    assert stands(broker) == (account_id, answer, NOON, NOON + DAY)
    assert len(conflicts()) == opens
    assert exchange.asked == [account_id]
    clock.now += DAY - timedelta(microseconds=1)
    assert sweep(clock) == 0
    clock.now = NOON + DAY
    assert sweep(clock) == 1
    assert exchange.asked == [account_id] * 2
    assert stands(broker) == (account_id, answer, NOON + DAY, NOON + 2 * DAY)
    assert len(conflicts()) == opens


def test_an_affiliate_that_is_also_personal_is_an_affiliate() -> None:
    account = Account(ACCOUNT, is_business=False, is_affiliate=True)

    assert affiliates.answer_of(account) == "affiliate"


def test_a_new_affiliate_opens_one_flagged_case_and_nothing_is_cut(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    sweep(clock)
    assert conflicts() == []
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    for _ in range(3):
        clock.now += DAY
        assert sweep(clock) == 1

    [case] = queries.flagged()
    assert (case.broker_code, case.kind, case.title, case.opened_by, case.owner) == (
        1400,
        "affiliate",
        "Enrolled in the Affiliate Program",
        None,
        None,
    )
    assert case.opened_at == NOON + DAY
    assert told(conflicts()[0]) == [("opened", None, AFFILIATE), ("affiliate", None, ACCOUNT)]
    assert standing_of(1400, now=clock.now).state == "active"
    assert [each.broker_code for each in affiliates.concerning(now=clock.now)] == [1400]
    assert books.breaches() == []


def test_who_leaves_the_affiliate_program_is_entered_in_the_case_once(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    sweep(clock)
    exchange.accounts.tell(ACCOUNT, is_affiliate=False)
    for _ in range(2):
        clock.now += DAY
        sweep(clock)

    [case] = conflicts()
    assert told(case)[2:] == [("no affiliate", None, "BP-900001: a business account, no affiliate")]
    assert case.state == "open"  # people close it
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    clock.now += DAY
    sweep(clock)
    assert [kind for kind, _, _ in told(case)] == ["opened", "affiliate", "no affiliate", "affiliate"]


def test_who_becomes_an_affiliate_again_after_the_case_was_closed_gets_another(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    sweep(clock)
    exchange.accounts.tell(ACCOUNT, is_affiliate=False)
    clock.now += DAY
    sweep(clock)
    [case] = conflicts()
    cases.close(case_id=case.pk, outcome="It left.", by=staff(), now=clock.now)
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    clock.now += DAY
    sweep(clock)

    assert [(each.state, each.is_flagged) for each in conflicts()] == [("closed", False), ("open", True)]


def test_a_conflict_that_staff_opened_is_the_one_that_hears_of_it(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    by = staff()
    case = opened(broker, by, kind="affiliate")
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)

    sweep(clock)

    assert conflicts() == [case]
    assert told(case)[1:] == [("affiliate", None, ACCOUNT)]


@pytest.mark.parametrize(
    "outage",
    [Outage.DOWN, Outage.ERROR, Outage.BARE_404, Outage.FORBIDDEN, Outage.HTML, Outage.BUSY],
    ids=lambda outage: outage.name,
)
@pytest.mark.parametrize("before", ["", "business", "affiliate"])
def test_an_outage_changes_no_answer_and_opens_no_case(
    exchange: AnsweringExchange, clock: Clock, broker: Broker, outage: Outage, before: str
) -> None:
    answered_at = NOON - DAY if before else None
    AffiliateCheck.objects.create(
        broker=broker, due_at=NOON, account_id=ACCOUNT, answer=before, answered_at=answered_at
    )
    exchange.outage = outage

    assert sweep(clock) == 0

    assert stands(broker) == (ACCOUNT, before, answered_at, NOON + MINUTE)
    assert conflicts() == []


def test_an_outage_is_retried_later_and_later_and_shown_until_there_is_an_answer(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    asked_after = []
    with exchange.away():
        sweep(clock)
        while len(asked_after) < 10:
            due = stands(broker)[3]
            clock.now = due - timedelta(microseconds=1)
            assert sweep(clock) == 0
            assert stands(broker)[3] == due  # not before its time
            clock.now = due
            assert sweep(clock) == 0
            asked_after.append(int((due - NOON).total_seconds()) // 60)
        [shown] = affiliates.failing(now=clock.now)

    assert asked_after == [1, 3, 7, 15, 31, 63, 123, 183, 243, 303]
    assert (shown.broker_code, shown.broker_name, shown.account_id) == (1400, "Broker 1400", ACCOUNT)
    assert (shown.failing_since, shown.failures, shown.is_overdue) == (NOON, 11, False)
    assert (shown.answer_label, shown.answered_at) == ("not asked yet", None)
    clock.now += timedelta(hours=1)
    assert sweep(clock) == 1
    assert affiliates.failing(now=clock.now) == []
    found = affiliates.check_of(1400, now=clock.now)
    assert found is not None
    assert (found.answer, found.failing_since, found.failures) == ("business", None, 0)


def test_an_outage_ends_the_sweep_and_the_next_one_goes_on(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    """One account about which the exchange never answers keeps no other from being asked."""
    make.broker(code=1500, account_id="BP-900002")
    exchange.outages[ACCOUNT] = Outage.ERROR

    assert [sweep(clock), sweep(clock), sweep(clock)] == [0, 1, 0]
    assert exchange.asked == [ACCOUNT, "BP-900002"]


def test_an_exchange_that_is_not_configured_is_an_outage(clock: Clock, broker: Broker, settings: Any) -> None:
    settings.EXCHANGE_URL = settings.EXCHANGE_PRIVATE_KEY = ""

    assert sweep(clock) == 0

    assert [each.failing_since for each in affiliates.failing(now=NOON)] == [NOON]


def test_a_sweep_that_does_not_run_is_shown_too(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    sweep(clock)
    late = NOON + DAY + timedelta(hours=1)

    assert affiliates.failing(now=late) == []
    [shown] = affiliates.failing(now=late + MINUTE)
    assert (shown.is_overdue, shown.failing_since) == (True, None)


def test_a_terminated_broker_is_not_asked_about_from_the_very_instant(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    make.terminated(broker, NOON + DAY, recorded_at=NOON)
    gone = make.broker(code=1500, account_id="BP-920001")
    make.terminated(gone, NOON)
    sweep(clock)
    clock.now += DAY
    sweep(clock)

    assert exchange.asked == [ACCOUNT]
    assert conflicts() == []
    assert affiliates.failing(now=clock.now + 2 * DAY) == []
    with pytest.raises(affiliates.NotAsked):
        affiliates.ask_now(broker_code=1400, now=clock.now)


def test_a_suspended_broker_is_asked_about(exchange: AnsweringExchange, clock: Clock, broker: Broker) -> None:
    make.suspended(broker, NOON)

    assert sweep(clock) == 1


def test_staff_may_let_it_be_asked_again_at_once(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    sweep(clock)

    affiliates.ask_now(broker_code=1400, now=NOON)

    assert sweep(clock) == 1
    assert exchange.asked == [ACCOUNT, ACCOUNT]


def test_a_changed_account_is_asked_about_at_once_and_the_old_answer_is_gone(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    sweep(clock)
    move_account(broker, "BP-900002")
    with exchange.away():
        sweep(clock)
        assert stands(broker) == ("BP-900002", "", None, NOON + MINUTE)
        assert sweep(clock) == 0  # not again before its time
        assert AffiliateCheck.objects.get().failures == 1
    clock.now += MINUTE

    assert sweep(clock) == 1

    assert stands(broker) == ("BP-900002", "business", clock.now, clock.now + DAY)
    assert exchange.asked == [ACCOUNT, "BP-900002"]
    [case] = conflicts()
    assert told(case)[2:] == [("no affiliate", None, "BP-900002: a business account, no affiliate")]


def test_an_answer_about_an_account_that_was_changed_meanwhile_is_dropped(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    affiliates.check_due(exchange=Thinking(clock, lambda: move_account(broker, "BP-900002")), clock=clock)

    assert conflicts() == []
    assert AffiliateCheck.objects.get().answer == "business"
    assert exchange.asked == [ACCOUNT, "BP-900002"]


def test_an_answer_that_comes_after_another_sweep_took_over_is_dropped(
    exchange: AnsweringExchange, clock: Clock, broker: Broker
) -> None:
    """The sweep slept for longer than its claim lasts, and what it then says is not what is so now."""

    def others_go_on() -> None:
        clock.now += 2 * MINUTE
        exchange.accounts.tell(ACCOUNT, is_affiliate=False)
        assert sweep(clock) == 1

    exchange.accounts.tell(ACCOUNT, is_affiliate=True)
    asked = affiliates.check_due(exchange=Thinking(clock, others_go_on), clock=clock)

    assert asked == 0
    assert stands(broker) == (ACCOUNT, "business", NOON + 2 * MINUTE, NOON + 2 * MINUTE + DAY)
    assert conflicts() == []


class Thinking:
    """The real exchange, whose first answer is on its way while something happens."""

    def __init__(self, clock: Clock, happens: Callable[[], None]) -> None:
        self._exchange, self._happens = chosen.exchange(clock=clock), [happens]

    def account(self, account_id: str) -> Account | None:
        answer = self._exchange.account(account_id)
        while self._happens:
            self._happens.pop()()
        return answer


def test_a_sweep_asks_at_most_a_hundred_questions_and_the_next_one_goes_on(
    exchange: AnsweringExchange, clock: Clock
) -> None:
    for number in range(103):
        make.broker(code=2_000 + number, account_id=f"BP-90{number:04d}")

    assert [sweep(clock), sweep(clock), sweep(clock)] == [100, 3, 0]
    assert len(set(exchange.asked)) == len(exchange.asked) == 103
