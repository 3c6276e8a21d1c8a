"""Another exchange account for a broker: who asks, who looks, how long it waits, and what stops it."""

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from payouts.desk import account_change
from payouts.desk.account_change import CannotBeUsed, ChangedSinceShown, OpenAlready, SameAccount
from payouts.desk.account_guards import (
    AnotherAccount,
    BelongsToAnother,
    BrokerIsSuspended,
    BrokerIsTerminated,
    NoSuchChange,
    SamePerson,
    WentOn,
)
from payouts.desk.wording import NotSaid
from payouts.exchange.eligibility import IsAnAffiliate, NoSuchAccount, NotABusinessAccount
from payouts.models import AccountChange, Broker
from payouts.month import Month
from payouts.monthend.actions import calculate
from payouts.monthend.models import Payout
from tests import make
from tests.payouts.desk import changing_account as make_
from tests.payouts.desk.changing_account import EFFECTIVE, NEW, NOW, OLD, People

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture
def of(db: None) -> People:
    make_.broker()
    return make_.people()


# -- the whole course -------------------------------------------------------------------------


def test_a_change_is_asked_checked_confirmed_and_holds_72_hours_later(of: People) -> None:
    change = make_.asked(of.olga)
    assert (change.state, change.old_account_id, change.new_account_id) == ("asked", OLD, NEW)
    assert (change.asked_by_id, change.asked_at, change.asked_from) == (of.olga.pk, NOW, "203.0.113.7")

    make_.prepared(change, of.pia)
    confirmed = make_.confirmed(change, of.quentin)
    assert (confirmed.state, confirmed.effective_at) == ("confirmed", EFFECTIVE)

    assert make_.sweep(EFFECTIVE - SECOND) == 0
    assert make_.account() == OLD
    assert make_.sweep(EFFECTIVE) == 1
    assert make_.account() == NEW

    change.refresh_from_db()
    assert (change.state, change.applied_at, change.due_at) == ("applied", EFFECTIVE, None)
    assert make_.steps(change) == [
        ("asked", "olga"),
        ("prepared", "pia"),
        ("confirmed", "quentin"),
        ("applied", "portal"),
    ]
    assert make_.sweep(EFFECTIVE + SECOND) == 0


def test_the_72_hours_begin_with_the_second_confirmation_however_long_ago_it_was_asked(of: People) -> None:
    change = make_.asked(of.olga)
    make_.prepared(change, of.pia, now=NOW + timedelta(days=10))
    confirmed = make_.confirmed(change, of.quentin, now=NOW + timedelta(days=20))

    assert confirmed.effective_at == NOW + timedelta(days=23)


def test_every_step_is_in_the_history_with_its_reason(of: People) -> None:
    change = make_.waiting(of)
    make_.sweep(EFFECTIVE)

    rows = apps.get_model("payouts.AccountChangeHistory").objects.filter(pgh_obj_id=change.pk)
    assert [(row.state, row.pgh_context["reason"]) for row in rows.order_by("pgh_id")] == [
        ("asked", "an owner asked for another account"),
        ("prepared", "checked by one of the staff"),
        ("confirmed", "confirmed by a second of the staff"),
        ("confirmed", "asking the exchange before it takes effect"),
        ("applied", "confirmed by two, and 72 hours have passed"),
    ]
    moved = apps.get_model("payouts.BrokerHistory").objects.filter(pgh_obj_id=1400).order_by("-pgh_id")[0]
    assert (moved.account_id, moved.pgh_context["reason"]) == (
        NEW,
        "confirmed by two, and 72 hours have passed",
    )


def test_a_broker_may_change_again_and_back(of: People) -> None:
    make_.waiting(of)
    make_.sweep(EFFECTIVE)

    back = make_.asked(of.otto, new_account_id=OLD, now=EFFECTIVE)
    make_.prepared(back, of.quentin, now=EFFECTIVE)
    make_.confirmed(back, of.pia, now=EFFECTIVE)
    assert make_.sweep(EFFECTIVE + timedelta(hours=72)) == 1

    assert make_.account() == OLD


def test_a_calculated_payout_keeps_its_account_until_it_is_calculated_again(of: People) -> None:
    make.fills(make.record(timestamp="2026-10-15T12:00:00Z"))
    month = Month.parse("2026-10")
    calculate(month=month, now=NOW)
    make_.waiting(of)
    make_.sweep(EFFECTIVE)

    assert Payout.objects.get().account_id == OLD
    calculate(month=month, now=EFFECTIVE)
    assert Payout.objects.get().account_id == NEW


# -- asking -----------------------------------------------------------------------------------

UNUSABLE = (
    "This account cannot be used: give the id of a business account of your own, outside the Affiliate"
    " Program and with no other broker, just as the account's page at Backpack Exchange shows it."
)


@pytest.mark.parametrize(
    "answer",
    [None, make_.business(is_business=False), make_.business(is_affiliate=True)],
    ids=["missing", "personal", "affiliate"],
)
def test_whatever_is_wrong_with_an_account_the_sentence_is_the_same(of: People, answer: Any) -> None:
    with pytest.raises(CannotBeUsed) as refusal:
        make_.asked(of.olga, account=answer)

    assert str(refusal.value) == UNUSABLE
    assert not AccountChange.objects.exists()


def test_the_account_of_another_broker_is_refused_in_the_same_words(of: People) -> None:
    make.broker(code=1500, account_id=NEW)

    with pytest.raises(CannotBeUsed) as refusal:
        make_.asked(of.olga)

    assert str(refusal.value) == UNUSABLE


def test_an_account_that_another_broker_asks_for_is_refused_in_the_same_words(of: People) -> None:
    make.broker(code=1500)
    make_.asked(of.otto, broker_code=1500)

    with pytest.raises(CannotBeUsed) as refusal:
        make_.asked(of.olga)

    assert str(refusal.value) == UNUSABLE


def test_an_account_that_another_broker_no_longer_asks_for_is_free(of: People) -> None:
    make.broker(code=1500)
    other = make_.asked(of.otto, broker_code=1500)
    account_change.cancel(reference=other.reference, by=of.otto.pk, why="", now=NOW)

    assert make_.asked(of.olga).state == "asked"


def test_the_present_account_is_no_change(of: People) -> None:
    with pytest.raises(SameAccount):
        make_.asked(of.olga, new_account_id=OLD)


def test_one_change_is_open_at_a_time(of: People) -> None:
    make_.asked(of.olga)

    with pytest.raises(OpenAlready):
        make_.asked(of.otto, new_account_id="BP-900002")


def test_an_answer_about_another_account_is_no_answer(of: People) -> None:
    with pytest.raises(AnotherAccount):
        make_.asked(of.olga, account=make_.business("BP-900002"))


def test_nothing_is_asked_for_while_the_broker_is_suspended_or_after_its_end(of: People) -> None:
    broker = Broker.objects.get(code=1400)
    suspension = make.suspended(broker, NOW)
    with pytest.raises(BrokerIsSuspended):
        make_.asked(of.olga)

    make.lifted(suspension, NOW + SECOND)
    make.terminated(broker, NOW + 2 * SECOND)
    with pytest.raises(BrokerIsTerminated):
        make_.asked(of.olga, now=NOW + 2 * SECOND)
    assert make_.asked(of.olga, now=NOW + SECOND).state == "asked"


# -- the two who look -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (None, NoSuchAccount),
        (make_.business(is_business=False), NotABusinessAccount),
        (make_.business(is_affiliate=True), IsAnAffiliate),
        (make_.business("BP-900002"), AnotherAccount),
    ],
)
def test_both_hear_what_the_exchange_says_now(of: People, answer: Any, refusal: type[Exception]) -> None:
    change = make_.asked(of.olga)
    with pytest.raises(refusal):
        account_change.prepare(reference=change.reference, account=answer, by=of.pia.pk, now=NOW)
    make_.prepared(change, of.pia)
    with pytest.raises(refusal):
        account_change.confirm(
            reference=change.reference,
            shown=account_change.shown(change.reference),
            account=answer,
            by=of.quentin.pk,
            now=NOW,
        )

    change.refresh_from_db()
    assert change.state == "prepared"


def test_an_account_that_became_another_brokers_meanwhile_is_not_checked(of: People) -> None:
    change = make_.asked(of.olga)
    make.broker(code=1500, account_id=NEW)

    with pytest.raises(BelongsToAnother):
        make_.prepared(change, of.pia)


def test_three_people_change_an_account(of: People) -> None:
    change = make_.asked(of.olga)
    with pytest.raises(SamePerson):
        make_.prepared(change, of.olga)
    make_.prepared(change, of.pia)
    for again in (of.pia, of.olga):
        with pytest.raises(SamePerson):
            make_.confirmed(change, again)

    assert make_.confirmed(change, of.quentin).state == "confirmed"


def test_nothing_is_confirmed_but_what_was_shown(of: People) -> None:
    change = make_.asked(of.olga)
    before = account_change.shown(change.reference)
    make_.prepared(change, of.pia)

    with pytest.raises(ChangedSinceShown):
        account_change.confirm(
            reference=change.reference,
            shown=before,
            account=make_.business(),
            by=of.quentin.pk,
            now=NOW,
        )


def test_a_step_follows_the_one_before_it_and_comes_once(of: People) -> None:
    change = make_.asked(of.olga)
    with pytest.raises(WentOn):
        make_.confirmed(change, of.quentin)
    make_.prepared(change, of.pia)
    with pytest.raises(WentOn):
        make_.prepared(change, of.quentin)
    make_.confirmed(change, of.quentin)
    with pytest.raises(WentOn):
        make_.confirmed(change, of.otto)


def test_nothing_goes_on_while_the_broker_is_suspended(of: People) -> None:
    change = make_.asked(of.olga)
    suspension = make.suspended(Broker.objects.get(code=1400), NOW)
    with pytest.raises(BrokerIsSuspended):
        make_.prepared(change, of.pia)
    make.lifted(suspension, NOW + SECOND)

    assert make_.prepared(change, of.pia).state == "prepared"


def test_a_change_that_does_not_exist_is_refused(of: People) -> None:
    with pytest.raises(NoSuchChange):
        account_change.cancel(
            reference="3f9f7f0e-0000-4000-8000-000000000000",  # type: ignore[arg-type]
            by=of.olga.pk,
            why="",
            now=NOW,
        )


# -- stopping it ------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["asked", "prepared", "confirmed"])
def test_any_owner_stops_it_at_any_stage_before_it_holds(of: People, stage: str) -> None:
    change = make_.asked(of.olga)
    if stage != "asked":
        make_.prepared(change, of.pia)
    if stage == "confirmed":
        make_.confirmed(change, of.quentin)

    stopped = account_change.cancel(
        reference=change.reference, by=of.otto.pk, why="It was not us.", now=EFFECTIVE - SECOND
    )

    assert (stopped.state, stopped.ended_by_id, stopped.ended_why) == (
        "cancelled",
        of.otto.pk,
        "It was not us.",
    )
    assert make_.steps(change)[-1] == ("cancelled", "otto")
    assert make_.sweep(EFFECTIVE) == 0
    assert make_.account() == OLD


def test_an_owner_stops_it_even_while_the_broker_is_suspended(of: People) -> None:
    change = make_.waiting(of)
    make.suspended(Broker.objects.get(code=1400), NOW + timedelta(hours=3))

    stopped = account_change.cancel(reference=change.reference, by=of.otto.pk, why="", now=EFFECTIVE)

    assert (stopped.state, stopped.ended_why) == ("cancelled", "")


def test_staff_refuse_it_with_a_reason(of: People) -> None:
    change = make_.waiting(of)
    with pytest.raises(NotSaid):
        account_change.refuse(reference=change.reference, why=" ", by=of.pia.pk, now=NOW)

    refused = account_change.refuse(
        reference=change.reference, why="Nobody at the broker knows of it.", by=of.pia.pk, now=EFFECTIVE
    )

    assert (refused.state, refused.ended_why) == ("refused", "Nobody at the broker knows of it.")
    assert make_.steps(change)[-1] == ("refused", "pia")


def test_what_is_over_stays_over(of: People) -> None:
    change = make_.waiting(of)
    make_.sweep(EFFECTIVE)

    with pytest.raises(WentOn) as refusal:
        account_change.cancel(reference=change.reference, by=of.otto.pk, why="", now=EFFECTIVE)
    assert str(refusal.value) == "This change is in effect by now: open its page again."
    with pytest.raises(WentOn):
        account_change.refuse(reference=change.reference, why="Too late.", by=of.pia.pk, now=EFFECTIVE)
