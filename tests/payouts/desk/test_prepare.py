"""Preparing: what becomes payable is written down with a fingerprint, and what stands in the way is said."""

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from payouts.desk import payout_guards as guards
from payouts.desk.payout_facts import PayoutFacts, facts_of
from payouts.desk.prepare import AlreadyPrepared, NotPrepared
from payouts.models import BooksCheck, Broker, Payout, WorkItem
from tests import make
from tests.payouts.desk.approving import (
    adjust,
    approved,
    bound,
    correction,
    line,
    prepare,
    refusal,
    settle,
    states,
    unprepare,
)
from tests.payouts.desk.standing_acts import NOON, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker(name="Aurora")


@pytest.fixture
def payout(broker: Broker) -> Payout:
    made: Payout = make.payout(broker, amount="100.00")
    return made


def figures(payout: Payout) -> dict[str, str]:
    payout.refresh_from_db()
    names = ("carried", "adjustments", "payout", "corrections", "due")
    return {name: format(getattr(payout, name), ".2f") for name in names}


def item(payout: Payout, state: str, **fields: Any) -> WorkItem:
    return WorkItem.objects.create(
        run=payout.run, broker=payout.broker, state=state, changed_at=NOON, **fields
    )


def test_a_preparation_says_what_becomes_payable_and_by_whom(payout: Payout) -> None:
    correction(payout, "-3.00")
    adjust(1400, "5.50")

    prepare(payout)

    assert figures(payout) == {
        "carried": "0.00",
        "adjustments": "5.50",
        "payout": "100.00",
        "corrections": "-3.00",
        "due": "102.50",
    }
    assert (payout.state, payout.prepared_by_id, payout.prepared_at) == ("prepared", person("pia"), NOON)
    assert len(payout.digest) == len(payout.input_digest) == 64
    settle()


def test_what_was_carried_is_taken_along(broker: Broker, payout: Payout) -> None:
    adjust(1400, "-150.00")
    approved(payout)
    assert figures(payout)["due"] == "-50.00"
    assert payout.state == "carried"

    following = make.payout(broker, "2026-11", "80.00")
    prepare(following)

    assert figures(following) == {
        "carried": "-50.00",
        "adjustments": "0.00",
        "payout": "80.00",
        "corrections": "0.00",
        "due": "30.00",
    }


def test_what_is_approved_and_not_sent_yet_is_not_carried(broker: Broker, payout: Payout) -> None:
    approved(payout)
    following = make.payout(broker, "2026-11", "80.00")

    prepare(following)

    assert figures(following)["due"] == "80.00"


def test_a_preparation_is_taken_back(payout: Payout) -> None:
    prepare(payout)

    unprepare(payout)

    payout.refresh_from_db()
    assert payout.state == "calculated"
    assert (payout.prepared_by, payout.prepared_at, payout.due, payout.digest) == (None, None, None, "")
    prepare(payout)
    assert states([payout]) == ["prepared"]


def test_many_are_prepared_in_one_act_or_none(payout: Payout) -> None:
    others = [make.payout(make.broker(code=code), amount="1.00") for code in (1500, 1600)]
    bound(others[1])

    assert refusal(prepare, payout, *others) is guards.NotAcknowledged
    assert states([payout, *others]) == ["calculated"] * 3

    prepare(payout, others[0])
    assert states([payout, *others]) == ["prepared", "prepared", "calculated"]


def test_a_payout_that_breaks_a_bound_says_which(payout: Payout) -> None:
    bound(payout)

    with pytest.raises(
        guards.NotAcknowledged,
        match=r"Aurora \(code 1400\) for 2026-10 needs a look, .*: very large fill: 11000000 USD\.$",
    ):
        prepare(payout)


def test_a_parked_payout_says_why_and_what_to_do(payout: Payout) -> None:
    Payout.objects.filter(pk=payout.pk).update(state="parked")
    item(payout, "parked", reason="Terms are missing.", next_step="Add them.")

    with pytest.raises(guards.Parked, match=r"Terms are missing\. Add them\.$"):
        prepare(payout)


@pytest.mark.parametrize("state", ["due", "working"])
def test_a_payout_that_is_being_calculated_waits(payout: Payout, state: str) -> None:
    item(payout, state, lease_until=NOON if state == "working" else None)

    assert refusal(prepare, payout) is guards.StillCalculating

    WorkItem.objects.update(state="done", lease_until=None)
    assert refusal(prepare, payout) is None


def test_months_are_prepared_in_their_order(broker: Broker, payout: Payout) -> None:
    earlier = make.payout(broker, "2026-09", "1.00")

    with pytest.raises(guards.EarlierMonthOpen, match="for 2026-09: approve that one first"):
        prepare(payout)
    assert refusal(prepare, earlier, payout) is guards.EarlierMonthOpen

    approved(earlier)
    assert refusal(prepare, payout) is None


def test_breached_books_refuse_it(payout: Payout) -> None:
    BooksCheck.objects.create(checked_at=NOON, occasion="nightly", breaches=[{"invariant": "x"}], took_ms=1)

    assert refusal(prepare, payout) is guards.BooksAreBreached
    assert states([payout]) == ["calculated"]


def test_nothing_is_prepared_twice_nor_after_its_approval(payout: Payout) -> None:
    prepare(payout)
    assert refusal(prepare, payout) is AlreadyPrepared

    unprepare(payout)
    assert refusal(unprepare, payout) is NotPrepared

    approved(payout)
    assert refusal(prepare, payout) is guards.AlreadyApproved
    assert refusal(unprepare, payout) is guards.AlreadyApproved


def test_payouts_that_do_not_exist_are_refused(payout: Payout) -> None:
    assert refusal(prepare) is guards.NoSuchPayout
    assert refusal(prepare, payout_ids=[payout.pk, payout.pk + 1]) is guards.NoSuchPayout


def test_the_fingerprint_covers_every_line(payout: Payout) -> None:
    line(payout, "1.00")
    prepare(payout)
    first = Payout.objects.get().digest

    unprepare(payout)
    prepare(payout)
    assert Payout.objects.get().digest == first

    unprepare(payout)
    line(payout, "2.00", trader=8)
    prepare(payout)
    assert Payout.objects.get().digest != first


@pytest.mark.parametrize("name", [each.name for each in fields(PayoutFacts)])
def test_the_fingerprint_covers_every_field_that_is_shown(payout: Payout, name: str) -> None:
    line(payout)
    correction(payout, "-3.00")
    facts = facts_of([Payout.objects.select_related("run", "broker").get()])[payout.pk]
    value = getattr(facts, name)
    other = {tuple: (), str: f"{value}!", date: date(2020, 1, 1)}.get(type(value), Decimal("-987.65"))
    if value == ():
        other = ("something",)

    assert replace(facts, **{name: other}).digest != facts.digest


def test_sixty_payouts_take_one_act_of_few_queries(django_assert_max_num_queries: Any) -> None:
    payouts = [make.payout(make.broker(code=2300 + number), amount="1.00") for number in range(60)]

    with django_assert_max_num_queries(60 * 6 + 20):
        prepare(*payouts)

    assert set(states(payouts)) == {"prepared"}
    assert {each.due for each in Payout.objects.all()} == {Decimal("1.00")}
    assert {each.run.month for each in Payout.objects.select_related("run")} == {date(2026, 10, 1)}
