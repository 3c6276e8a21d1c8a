"""Approvals at the same time: every broker a code of its own, every code one broker."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connections

from payouts.desk.enrol import CodeTaken
from payouts.models import Broker, StandingChange
from tests import make
from tests.payouts import owner
from tests.payouts.desk.enrolling import business, enrolled
from tests.payouts.monthend.racing import AT_THE_GATE, gate_before_writing, until_waiting


def all_at_once(acts: list[Callable[[], Broker]]) -> list[Future[Broker]]:
    """Each act in a thread of its own; all of them have looked for a code before one may write it."""

    def alone(act: Callable[[], Broker]) -> Broker:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool, gate_before_writing("broker"):
        begun = [pool.submit(alone, act) for act in acts]
        until_waiting(len(acts), AT_THE_GATE)
    return begun


def approvals(by: Any, number: int, *, code: int | None = None) -> list[Callable[[], Broker]]:
    """Approvals of so many businesses, each with a name and an account of its own."""

    def approval(each: int) -> Callable[[], Broker]:
        account = f"ACC{each}"
        return lambda: enrolled(
            by, name=f"Business {each}", account_id=account, account=business(account), code=code
        )

    return [approval(each) for each in range(number)]


def test_fifty_approvals_at_once_give_fifty_codes(committed_db: str) -> None:
    by = make.login(is_staff=True)

    given = [each.result() for each in all_at_once(approvals(by, 50))]

    assert sorted(broker.code for broker in given) == list(range(2_300, 7_300, 100))
    assert dict(Broker.objects.values_list("code", "name")) == {each.code: each.name for each in given}
    assert Counter(StandingChange.objects.values_list("broker_id", "kind")) == Counter(
        (code, "enrolled") for code in range(2_300, 7_300, 100)
    )


def test_of_two_that_want_one_code_one_gets_it_and_the_other_is_told(committed_db: str) -> None:
    by = make.login(is_staff=True)

    ended = all_at_once(approvals(by, 2, code=7_777))

    problems = [each.exception() for each in ended]
    [won] = [each.result() for each in ended if each.exception() is None]
    [lost] = [problem for problem in problems if problem is not None]
    assert isinstance(lost, CodeTaken)
    assert str(lost) == "Code 7777 belongs to another broker: choose another one."
    assert list(Broker.objects.values_list("code", "name")) == [(7_777, won.name)]
    assert list(StandingChange.objects.values_list("broker_id", "kind")) == [(7_777, "enrolled")]


def test_a_chosen_code_and_the_next_free_one_do_not_meet(committed_db: str) -> None:
    """One lets the portal choose while another chooses just that code."""
    by = make.login(is_staff=True)
    [chosen] = approvals(by, 1, code=2_300)
    [_, free] = approvals(by, 2)

    first, second = all_at_once([chosen, free])

    # Who chose is refused only if the other was faster; the other then has the code.
    codes = {second.result().code} | ({first.result().code} if first.exception() is None else set())
    assert codes in ({2_300, 2_400}, {2_300})
    assert isinstance(first.exception(), CodeTaken | None)
    assert set(Broker.objects.values_list("code", flat=True)) == codes


def without_the_primary_key() -> None:
    with owner.connected() as hand:
        hand.execute("ALTER TABLE broker DROP CONSTRAINT broker_pkey CASCADE")


@pytest.mark.parametrize("code", [None, 7_777])
def test_without_the_primary_key_only_the_one_enrolment_would_stop_it(
    committed_db: str, code: int | None
) -> None:
    """Twin: the second guard, of the standing, still holds, but has no answer for people."""
    by = make.login(is_staff=True)
    without_the_primary_key()

    ended = all_at_once(approvals(by, 2, code=code))

    [problem] = [each.exception() for each in ended if each.exception() is not None]
    assert isinstance(problem, IntegrityError)
    assert "one_enrolment_per_broker" in str(problem)


@pytest.mark.parametrize(("code", "given"), [(None, 2_300), (7_777, 7_777)])
def test_without_either_guard_two_brokers_would_get_one_code(
    committed_db: str, code: int | None, given: int
) -> None:
    """Twin: it is the constraints that save, not that somebody looked first."""
    by = make.login(is_staff=True)
    without_the_primary_key()
    with owner.connected() as hand:
        hand.execute("DROP INDEX one_enrolment_per_broker")

    ended = all_at_once(approvals(by, 2, code=code))

    assert [each.result().code for each in ended] == [given, given]
    assert sorted(Broker.objects.values_list("code", "name")) == [
        (given, "Business 0"),
        (given, "Business 1"),
    ]
