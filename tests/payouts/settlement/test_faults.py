"""Whatever goes wrong at the exchange: its list shows one credit, or people are asked."""

from decimal import Decimal

import pytest

from payouts.exchange.port import ExchangeUnavailable
from portal.simulator.credit_faults import OTHER_ACCOUNT_ID, Fault, faults_of
from tests.payouts.settlement.scene import Scene, attempt, differences, owed_and_credited, state, tries

ACCOUNT = "BP-901400"
HUNDRED = Decimal("100.00")
ONCE = [(ACCOUNT, HUNDRED)]

#: After these the sweeps find out by themselves, and the money has moved once.
CREDITED_ONCE = [
    Fault.DOWN,
    Fault.RESET_BEFORE,
    Fault.RESET_AFTER,
    Fault.TIMES_OUT_BEFORE,
    Fault.TIMES_OUT_AFTER,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.BUSY,
    Fault.BARE_404,
    Fault.GARBAGE_BEFORE,
    Fault.GARBAGE_AFTER,
    Fault.DRIBBLE,
    Fault.CUT,
    Fault.LATE_ANSWER,
    Fault.LATE_CREDIT,
    Fault.UNSEEN,
    Fault.KEY_FORGOTTEN,
    Fault.OTHER_KEY,
]
REJECTED = [Fault.REJECTS, Fault.REJECTS_UNSAID]
SEEN_AT_ONCE = {
    Fault.OTHER_AMOUNT: ("amount", [(ACCOUNT, Decimal("100.01"))]),
    Fault.OTHER_ACCOUNT: ("account", [(OTHER_ACCOUNT_ID, HUNDRED)]),
}
SEEN_BY_THE_LIST = {
    Fault.OTHER_AMOUNT_UNSAID: ("amount", [(ACCOUNT, Decimal("100.01"))]),
    Fault.TWICE: ("twice", ONCE * 2),
    Fault.ONLY_SAYS: ("missing", []),
}


def test_every_fault_of_a_credit_has_its_test() -> None:
    assert {*CREDITED_ONCE, *REJECTED, *SEEN_AT_ONCE, *SEEN_BY_THE_LIST} == set(faults_of("credit"))


def test_without_a_fault_it_is_credited_at_once(scene: Scene) -> None:
    payout = scene.payout()

    assert scene.send() == 1

    assert (state(payout), tries(payout)) == ("credited", ["confirmed"])
    assert scene.listed() == ONCE
    assert owed_and_credited() == (Decimal("0.00"), HUNDRED)
    [credit] = scene.there.credits.listed()
    assert credit.reference == "Broker Program rebates 2026-10, broker 1400"
    assert (scene.send(), scene.ask(), scene.asked("credit")) == (0, 0, 1)


@pytest.mark.parametrize("fault", CREDITED_ONCE, ids=lambda each: each.name)
def test_it_is_credited_once(scene: Scene, fault: Fault) -> None:
    payout = scene.payout()
    scene.there.faults.will(fault)

    assert scene.send() == 0
    assert (state(payout), tries(payout)) == ("sending", ["unknown"])
    key = attempt(payout).key
    scene.ask_until_quiet()

    assert (state(payout), tries(payout)) == ("credited", ["confirmed"])
    assert scene.listed() == ONCE
    assert attempt(payout).key == key
    assert owed_and_credited() == (Decimal("0.00"), HUNDRED)
    scene.next_day()
    assert (scene.reconcile(), differences()) == (1, [])


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.RESET_AFTER], ids=lambda each: each.name)
def test_twin_who_takes_silence_for_a_no_and_makes_a_new_key_pays_twice(scene: Scene, fault: Fault) -> None:
    scene.there.faults.will(fault)

    with pytest.raises(ExchangeUnavailable):
        scene.port.credit(key="first", account_id=ACCOUNT, amount=HUNDRED, reference="x")
    scene.port.credit(key="second", account_id=ACCOUNT, amount=HUNDRED, reference="x")

    assert scene.listed() == ONCE * 2


@pytest.mark.parametrize("fault", REJECTED, ids=lambda each: each.name)
def test_a_rejection_waits_for_a_person(scene: Scene, fault: Fault) -> None:
    payout = scene.payout()
    scene.there.faults.will(fault)

    scene.send()
    scene.ask_until_quiet()

    assert (state(payout), tries(payout)) == ("approved", ["rejected"])
    assert attempt(payout).detail == ("ACCOUNT_RESTRICTED: The account takes no credits at the moment.")
    assert scene.listed() == []
    scene.clock.forward(hours=30)
    assert (scene.send(), scene.ask(), scene.asked("credit")) == (0, 0, 1)
    assert owed_and_credited() == (HUNDRED, Decimal(0))


def test_a_rejection_is_believed_only_when_a_lookup_says_the_same(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.REJECTS)
    scene.there.faults.will(Fault.DOWN, on="lookup")

    assert scene.send() == 0

    assert tries(payout) == ["unknown"]
    assert attempt(payout).detail.startswith("Backpack Exchange rejected it (ACCOUNT_RESTRICTED), and then")
    scene.ask_until_quiet()
    assert tries(payout) == ["rejected"]


@pytest.mark.parametrize("fault", SEEN_AT_ONCE, ids=lambda each: each.name)
def test_another_amount_or_account_stops_the_broker_and_waits_for_people(scene: Scene, fault: Fault) -> None:
    kind, listed = SEEN_AT_ONCE[fault]
    payout, another = scene.payout(), scene.payout("7.00", month="2026-09")
    scene.there.faults.will(fault)

    assert scene.send() == 0

    assert (state(payout), tries(payout)) == ("sending", ["unknown"])
    assert attempt(payout).next_ask_at is None
    assert differences() == [(kind, 1400)]
    assert (state(another), tries(another)) == ("approved", [])
    assert scene.listed() == listed
    scene.next_day()
    scene.reconcile()
    assert differences() == [(kind, 1400)]  # the list says the same: it is found once


@pytest.mark.parametrize("fault", SEEN_BY_THE_LIST, ids=lambda each: each.name)
def test_what_the_exchange_does_not_say_its_list_shows_the_next_day(scene: Scene, fault: Fault) -> None:
    kind, listed = SEEN_BY_THE_LIST[fault]
    payout = scene.payout()
    scene.there.faults.will(fault)
    assert scene.send() == 1
    assert (tries(payout), scene.listed()) == (["confirmed"], listed)

    scene.next_day()
    later, of_another = scene.payout("5.00", month="2026-09"), scene.payout("6.00", code=1500)
    assert scene.reconcile() == 1
    assert differences() == [(kind, 1400)]

    assert scene.send() == 1  # the other broker's
    assert (state(later), state(of_another)) == ("approved", "credited")
    scene.next_day()
    assert scene.reconcile() == 2  # the day before, and the first day once more
    assert differences() == [(kind, 1400)]


@pytest.mark.parametrize("fault", faults_of("lookup"), ids=lambda each: each.name)
def test_an_answer_that_is_none_while_asking_changes_nothing(scene: Scene, fault: Fault) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.there.faults.will(fault, on="lookup")

    scene.send()
    scene.ask_until_quiet()

    assert (state(payout), tries(payout), scene.listed()) == ("credited", ["confirmed"], ONCE)
