"""Sent once more by a person, under a new key: after proof only, to the account that the broker has now."""

from decimal import Decimal

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from payouts.desk import retry as retries
from payouts.desk.retry import NoSuchPayout, NotAllowed, NotToBeRetried, OutcomeUnknown
from payouts.models import Attempt, Payout
from payouts.settlement import allowed, queries
from portal.simulator.credit_faults import Fault
from tests.payouts import owner
from tests.payouts.desk import changing_account as changing
from tests.payouts.desk import standing_acts as acts
from tests.payouts.settlement.conftest import committed as committed
from tests.payouts.settlement.conftest import scene as scene
from tests.payouts.settlement.scene import Scene, attempt, owed_and_credited, state, tries

HUNDRED = Decimal("100.00")


def rejected(scene: Scene, fault: Fault = Fault.REJECTS) -> Payout:
    payout = scene.payout()
    scene.there.faults.will(fault)
    scene.send()
    scene.ask_until_quiet()
    assert (state(payout), tries(payout)) == ("approved", ["rejected"])
    return payout


def retry(scene: Scene, payout: Payout) -> Attempt:
    return retries.retry(payout_id=payout.pk, by=acts.person(), now=scene.clock())


def test_a_rejected_credit_is_sent_once_more_under_a_new_key(scene: Scene) -> None:
    payout = rejected(scene)
    first = attempt(payout)
    [waits] = queries.waiting_for_a_person(now=scene.clock())
    assert (waits.kind, waits.payout_id, waits.attempt_id) == ("rejected", payout.pk, first.pk)

    second = retry(scene, payout)

    assert (state(payout), tries(payout)) == ("sending", ["rejected", "pending"])
    assert second.key != first.key
    assert scene.send() == 1
    assert (state(payout), tries(payout)) == ("credited", ["rejected", "confirmed"])
    assert scene.listed() == [("BP-901400", HUNDRED)]
    assert queries.waiting_for_a_person(now=scene.clock()) == []


def test_a_rejected_credit_is_paid_to_the_corrected_account(scene: Scene) -> None:
    changing.broker()
    payout = scene.payout()
    scene.send()
    assert attempt(payout).detail == "ACCOUNT_NOT_FOUND: There is no account with this id."
    scene.change_account()

    assert scene.send() == 0
    made = retry(scene, payout)
    assert (made.account_id, scene.send()) == (changing.NEW, 1)

    payout.refresh_from_db()
    assert (payout.state, payout.account_id) == ("credited", changing.OLD)  # as it was approved
    assert scene.listed() == [(changing.NEW, HUNDRED)]
    assert owed_and_credited() == (Decimal("0.00"), HUNDRED)


def test_an_account_changed_before_the_first_sending_waits_for_a_person(scene: Scene) -> None:
    payout = scene.payout()
    scene.change_account()

    assert scene.send() == 0
    [waits] = queries.waiting_for_a_person(now=scene.clock())
    assert (waits.kind, waits.payout_id, waits.why) == (
        "account changed",
        payout.pk,
        allowed.ACCOUNT_CHANGED,
    )
    retry(scene, payout)

    assert scene.send() == 1
    assert scene.listed() == [(changing.NEW, HUNDRED)]


def test_an_account_changed_between_retry_and_sending_is_not_paid(scene: Scene) -> None:
    payout = rejected(scene)
    retry(scene, payout)
    scene.change_account()

    assert scene.send() == 0

    assert (state(payout), tries(payout)) == ("approved", ["rejected", "rejected"])
    assert attempt(payout).detail == f"Never sent: {allowed.ACCOUNT_CHANGED}"
    retry(scene, payout)
    assert (scene.send(), scene.listed()) == (1, [(changing.NEW, HUNDRED)])


def test_an_unknown_credit_is_never_retried(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.TIMES_OUT_BEFORE)
    scene.send()
    scene.clock.forward(days=30)
    scene.ask()

    with pytest.raises(OutcomeUnknown, match=r"^An attempt is under way and nobody knows"):
        retry(scene, payout)


def test_twin_the_database_alone_refuses_a_second_key(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.TIMES_OUT_BEFORE)
    scene.send()

    with pytest.raises(IntegrityError, match="one_attempt_that_is_not_rejected"), transaction.atomic():
        Attempt.objects.create(
            payout=payout, number=2, account_id=payout.account_id, amount=HUNDRED, created_at=scene.clock()
        )


def test_twin_without_the_index_an_unknown_credit_can_be_sent_under_two_keys(committed: Scene) -> None:
    payout = committed.payout()
    committed.there.faults.will(Fault.RESET_AFTER)
    committed.send()
    with owner.connected() as hand:
        hand.execute("DROP INDEX one_attempt_that_is_not_rejected")

    Attempt.objects.create(
        payout=payout,
        number=2,
        account_id=payout.account_id,
        amount=HUNDRED,
        created_at=committed.clock(),
        lease_until=committed.clock(),
    )
    committed.send()

    assert committed.listed() == [("BP-901400", HUNDRED)] * 2


def test_what_sends_itself_or_is_past_sending_is_not_retried(scene: Scene) -> None:
    payout = scene.payout()
    with pytest.raises(NotToBeRetried):
        retry(scene, payout)
    scene.send()
    with pytest.raises(NotToBeRetried):
        retry(scene, payout)
    with pytest.raises(NoSuchPayout):
        retries.retry(payout_id=0, by=acts.person(), now=scene.clock())


def test_a_retry_needs_what_sending_needs(scene: Scene) -> None:
    payout = rejected(scene)
    acts.suspend(payout.broker, now=scene.clock())

    with pytest.raises(NotAllowed, match=r"^A case holds the payout"):
        retry(scene, payout)


def test_the_history_names_who_retried(scene: Scene) -> None:
    payout = rejected(scene)
    made = retry(scene, payout)

    history = apps.get_model("payouts", "AttemptHistory")
    [first] = history.objects.filter(pgh_obj_id=made.pk)
    assert first.pgh_context == {
        "reason": "sent once more by a person",
        "login": acts.person(),
    }


def test_two_clicks_are_one_retry(scene: Scene) -> None:
    payout = rejected(scene)
    retry(scene, payout)

    with pytest.raises(OutcomeUnknown):
        retry(scene, payout)
    assert tries(payout) == ["rejected", "pending"]
