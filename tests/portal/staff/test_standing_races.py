"""Two of the staff at the same moment: one does it, the other is told, and there is one history."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from payouts.desk import cases, terminate
from payouts.desk.models import Case, CaseEntry, Termination
from payouts.models import Broker, StandingChange
from payouts.refusal import Refusal
from portal.staff import case_actions, standing_actions
from tests import make
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.test_review_races import at_once


def came_of(do: Callable[[], object]) -> Callable[[], str]:
    def tried() -> str:
        try:
            do()
        except Refusal as refusal:
            return type(refusal).__name__
        return "done"

    return tried


@pytest.fixture
def two(committed_db: str) -> list[Any]:
    return [make_.staff("operations", email=f"{name}@exchange.example") for name in ("rita", "carl")]


@pytest.fixture
def broker(committed_db: str) -> Broker:
    return make.broker(code=1400)


def kinds() -> list[str]:
    return list(StandingChange.objects.exclude(kind="enrolled").order_by("pk").values_list("kind", flat=True))


def test_of_ten_who_take_a_case_one_has_it(two: list[Any], broker: Broker) -> None:
    case = Case.objects.create(broker=broker, kind="fraud", title="A case", opened_at=the.THEN)

    def take(by: Any) -> Callable[[], str]:
        return came_of(lambda: case_actions.take(case_id=case.pk, holder=None, by=by, now=the.THEN))

    came = at_once(*[take(two[number % 2]) for number in range(10)])

    assert Counter(came) == {"done": 1, "TakenMeanwhile": 9}
    case.refresh_from_db()
    assert list(CaseEntry.objects.values_list("by", flat=True)) == [case.owner_id]


def test_without_the_owner_that_was_shown_the_last_would_have_it_unseen(
    two: list[Any], broker: Broker
) -> None:
    """The twin: the desk's own act lets anybody take a case over."""
    case = Case.objects.create(broker=broker, kind="fraud", title="A case", opened_at=the.THEN)

    came = at_once(
        *[came_of(lambda by=by: cases.take(case_id=case.pk, by=by.pk, now=the.THEN)) for by in two]
    )

    assert (came, CaseEntry.objects.count()) == (["done", "done"], 2)


def test_a_suspension_a_preparation_and_their_twins_at_once_are_one_each(
    two: list[Any], broker: Broker
) -> None:
    words = {"broker_code": 1400, "reason": "fraud", "note": "x", "message": "y", "case_id": None}

    def suspend(by: Any) -> Callable[[], str]:
        return came_of(lambda: standing_actions.suspend(starts_at=None, by=by, now=timezone.now(), **words))

    def prepare(by: Any) -> Callable[[], str]:
        return came_of(
            lambda: standing_actions.prepare(effective_at=None, by=by, now=timezone.now(), **words)
        )

    came = at_once(*map(suspend, two * 3), *map(prepare, two * 3))

    assert Counter(came[:6]) == {"done": 1, "AlreadySuspended": 5}
    assert Counter(came[6:]) == {"done": 1, "AlreadyPrepared": 5}
    assert (kinds(), Termination.objects.count()) == (["suspended"], 1)


def test_a_termination_that_is_confirmed_and_withdrawn_at_once_is_one_of_both(
    two: list[Any], broker: Broker
) -> None:
    found = the.prepared(broker, two[0])
    shown = terminate.shown(found.pk, now=timezone.now())

    def confirm() -> object:
        return standing_actions.confirm(termination_id=found.pk, shown=shown, by=two[1], clock=timezone.now)

    def withdraw() -> object:
        return standing_actions.withdraw(termination_id=found.pk, note="x", by=two[0], now=timezone.now())

    came = at_once(*[came_of(confirm), came_of(withdraw)] * 4)

    assert Counter(came) == {"done": 1, "NotPrepared": 7}
    found.refresh_from_db()
    assert kinds() == (["terminated"] if found.state == "confirmed" else [])


def test_a_lifting_and_a_termination_at_once_leave_one_valid_history(two: list[Any], broker: Broker) -> None:
    change = the.suspended(broker, two[0])
    found = the.prepared(broker, two[0])
    shown = terminate.shown(found.pk, now=timezone.now())
    soon = timezone.now()

    def lift() -> object:
        return standing_actions.lift(
            suspension_id=change.pk, is_planned=False, note="x", message="y", by=two[0], now=soon
        )

    def confirm() -> object:
        return standing_actions.confirm(termination_id=found.pk, shown=shown, by=two[1], clock=timezone.now)

    came = at_once(came_of(lift), came_of(confirm))

    assert came[1] == "done"
    # A lifting at the very moment before the termination is true whichever was written first.
    assert came[0] in ("done", "Terminated")
    assert Counter(kinds()) == Counter(["suspended", "terminated"] + ["lifted"] * (came[0] == "done"))
