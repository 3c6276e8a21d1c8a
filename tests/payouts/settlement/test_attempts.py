"""What answers mean, when to ask again, how long a key is safe: pure rules."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.exchange.http import DEADLINE
from payouts.exchange.port import Credited, CreditRejected
from payouts.settlement import attempts
from payouts.settlement.attempts import Confirmed, Differs, NotKnown, Rejected, State
from portal.simulator.credits import KEYS_ARE_KNOWN_FOR

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def credited(account_id: str = "BP-1", amount: str = "10.00") -> Credited:
    return Credited("key", "CR-1", account_id, Decimal(amount), NOW)


def meaning(answer: Credited | CreditRejected | None) -> attempts.Meaning:
    return attempts.meaning(answer, account_id="BP-1", amount=Decimal("10.00"))


def test_credited_as_asked_is_confirmed() -> None:
    assert meaning(credited()) == Confirmed("CR-1")


@pytest.mark.parametrize("amount", ["10.01", "9.99", "-10.00", "0.00", "1000.00"])
def test_another_amount_is_a_difference(amount: str) -> None:
    found = meaning(credited(amount=amount))

    assert isinstance(found, Differs)
    assert (found.kind, found.credit) == ("amount", credited(amount=amount))
    assert found.why == f"Backpack Exchange says that credit CR-1 was {amount} USD and not 10.00 USD."


def test_another_account_is_a_difference_whatever_the_amount() -> None:
    found = meaning(credited("BP-2", "10.01"))

    assert isinstance(found, Differs)
    assert found.kind == "account"
    assert found.why == "Backpack Exchange says that credit CR-1 went to account BP-2 and not to BP-1."


def test_a_rejection_says_why() -> None:
    assert meaning(CreditRejected("key", "ACCOUNT_CLOSED", "It is closed.")) == Rejected(
        "ACCOUNT_CLOSED: It is closed."
    )
    assert meaning(CreditRejected("key", "ACCOUNT_CLOSED", "")) == Rejected("ACCOUNT_CLOSED")


def test_an_unknown_key_proves_nothing() -> None:
    assert meaning(None) == NotKnown()


STATES: tuple[State, ...] = ("pending", "sending", "unknown", "confirmed", "rejected")


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_what_is_decided_stays_and_nothing_goes_back(before: State, after: State) -> None:
    if attempts.may_become(before, after):
        assert before not in ("confirmed", "rejected")
        assert after != "pending"
        assert not (before == "unknown" and after == "sending")
        assert not (before == "pending" and after in ("confirmed", "unknown"))


def test_every_way_ends_decided() -> None:
    assert set(attempts.GRAPH) == set(STATES)
    for state in STATES:
        ahead, seen = {state}, set()
        while ahead:
            here = ahead.pop()
            seen.add(here)
            ahead |= attempts.GRAPH[here] - seen
        assert seen & {"confirmed", "rejected"}


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_questions_come_after_seconds_and_in_the_end_minutes(asks: int, jitter: float) -> None:
    wait = attempts.ask_again_after(asks, jitter=jitter)

    assert attempts.SOONEST <= wait <= attempts.LATEST
    assert attempts.ask_again_after(asks, jitter=1) <= wait <= attempts.ask_again_after(asks, jitter=0)
    assert wait <= attempts.ask_again_after(asks + 1, jitter=jitter)


def test_waits_are_doubled() -> None:
    waits = [attempts.ask_again_after(asks, jitter=0).total_seconds() for asks in range(11)]

    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert attempts.ask_again_after(3, jitter=1) == timedelta(seconds=12)


@pytest.mark.parametrize(("asks", "jitter"), [(-1, 0), (0, -0.1), (0, 1.1)])
def test_nonsense_is_a_mistake_of_the_program(asks: int, jitter: float) -> None:
    with pytest.raises(ValueError, match="share of one"):
        attempts.ask_again_after(asks, jitter=jitter)


@given(st.timedeltas(-30 * HOUR, 60 * HOUR))
def test_a_key_is_sent_again_only_while_the_exchange_surely_knows_it(passed: timedelta) -> None:
    now = NOW + passed

    assert attempts.too_old(NOW, now) is (passed >= 20 * HOUR)
    assert attempts.may_send_again(NOW, now) is (timedelta(0) <= passed < 20 * HOUR)
    if attempts.may_send_again(NOW, now):
        assert passed + 4 * HOUR < KEYS_ARE_KNOWN_FOR


def test_a_question_begins_only_when_it_ends_within_the_lease() -> None:
    until = NOW + attempts.LEASE

    assert attempts.time_is_left(until, NOW + 20 * SECOND)
    assert not attempts.time_is_left(until, NOW + 20 * SECOND + timedelta(microseconds=1))
    assert timedelta(seconds=DEADLINE) < attempts.NEEDED < attempts.LEASE
