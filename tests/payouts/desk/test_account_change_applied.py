"""A confirmed change of account when its time has come: applied, put off, refused, or stopped in time."""

from datetime import timedelta
from typing import Any

import pytest

from payouts.desk import account_change
from payouts.models import Broker
from tests import make
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, NOW, OLD, People, Scripted

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def of(db: None) -> People:
    make_.broker()
    return make_.people()


def test_an_outage_puts_it_off_says_since_when_and_it_is_tried_again_ever_later(of: People) -> None:
    change = make_.waiting(of)
    down = Scripted(is_down=True)

    assert make_.sweep(EFFECTIVE, down) == 0
    change.refresh_from_db()
    assert (change.state, change.failing_since) == ("confirmed", EFFECTIVE)
    assert change.due_at == EFFECTIVE + timedelta(seconds=15)

    assert make_.sweep(EFFECTIVE + timedelta(seconds=14)) == 0  # not yet
    hour_later = EFFECTIVE + timedelta(hours=1)
    make_.sweep(hour_later, down)
    change.refresh_from_db()
    assert (change.failing_since, change.due_at) == (EFFECTIVE, hour_later + timedelta(minutes=10))

    assert make_.sweep(hour_later + timedelta(minutes=10)) == 1
    change.refresh_from_db()
    assert (change.state, change.failing_since) == ("applied", None)
    assert make_.account() == NEW


@pytest.mark.parametrize(
    "answer",
    [None, make_.business(is_business=False), make_.business(is_affiliate=True)],
    ids=["missing", "personal", "affiliate"],
)
def test_what_may_not_be_used_any_more_is_refused_when_its_time_has_come(of: People, answer: Any) -> None:
    change = make_.waiting(of)

    assert make_.sweep(EFFECTIVE, Scripted(says=lambda _account: answer)) == 0

    change.refresh_from_db()
    assert (change.state, change.ended_by_id, change.ended_why) == (
        "refused",
        None,
        "When it was to take effect, the account could no longer be used: it is not a business account"
        " outside the Affiliate Program that no other broker has.",
    )
    assert make_.steps(change)[-1] == ("refused", "portal")
    assert make_.account() == OLD


def test_what_became_another_brokers_is_refused_when_its_time_has_come(of: People) -> None:
    change = make_.waiting(of)
    make.broker(code=1500, account_id=NEW)

    make_.sweep(EFFECTIVE)

    change.refresh_from_db()
    assert change.state == "refused"
    assert make_.account() == OLD


def test_a_suspended_brokers_change_waits_unasked_and_holds_once_it_is_lifted(of: People) -> None:
    change = make_.waiting(of)
    suspension = make.suspended(Broker.objects.get(code=1400), NOW + timedelta(hours=3))
    exchange = Scripted(meanwhile=lambda: pytest.fail("the exchange was asked"))

    assert make_.sweep(EFFECTIVE + timedelta(days=1), exchange) == 0
    change.refresh_from_db()
    assert (change.state, change.failing_since) == ("confirmed", None)

    make.lifted(suspension, EFFECTIVE + timedelta(days=2))
    assert make_.sweep(EFFECTIVE + timedelta(days=2)) == 1
    assert make_.account() == NEW


def test_a_suspension_while_the_exchange_answers_is_in_time(of: People) -> None:
    change = make_.waiting(of)
    broker = Broker.objects.get(code=1400)

    assert make_.sweep(EFFECTIVE, Scripted(meanwhile=lambda: make.suspended(broker, EFFECTIVE))) == 0

    change.refresh_from_db()
    assert change.state == "confirmed"
    assert make_.account() == OLD


@pytest.mark.parametrize("stage", ["asked", "prepared", "confirmed"])
def test_a_terminated_brokers_change_is_refused_at_whatever_step_it_is(of: People, stage: str) -> None:
    change = make_.asked(of.olga)
    if stage != "asked":
        make_.prepared(change, of.pia)
    if stage == "confirmed":
        make_.confirmed(change, of.quentin)
    ended = NOW + timedelta(hours=3)
    make.terminated(Broker.objects.get(code=1400), ended)

    make_.sweep(ended - SECOND)
    change.refresh_from_db()
    assert change.state == stage
    make_.sweep(ended)
    change.refresh_from_db()

    assert (change.state, change.ended_why) == (
        "refused",
        "The broker was terminated before the change took effect.",
    )
    assert make_.account() == OLD


def test_a_cancellation_while_the_exchange_answers_is_in_time(of: People) -> None:
    change = make_.waiting(of)

    def cancel() -> None:
        account_change.cancel(reference=change.reference, by=of.otto.pk, why="", now=EFFECTIVE)

    assert make_.sweep(EFFECTIVE, Scripted(meanwhile=cancel)) == 0
    change.refresh_from_db()
    assert change.state == "cancelled"
    assert make_.account() == OLD


def test_one_outage_keeps_no_other_change_from_its_turn(of: People) -> None:
    """The sweep ends with the first outage; the next one begins with the change that was not tried yet."""
    make_.waiting(of)
    make.broker(code=1500)
    second = make_.waiting(of, broker_code=1500, new_account_id="BP-900002")

    def says(account_id: str) -> Any:
        return make_.business(account_id)

    make_.sweep(EFFECTIVE, Scripted(is_down=True))
    assert make_.sweep(EFFECTIVE + SECOND, Scripted(says=says)) == 1

    second.refresh_from_db()
    assert second.state == "applied"
    assert make_.account() == OLD
