"""An unknown credit: asked about by its key, sent again with that key, or left to people. Never a new key."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from payouts.models import Attempt, Payout
from payouts.settlement import allowed, asking, attempts
from portal.simulator.credit_faults import Fault
from portal.simulator.credits import Order
from tests.payouts.settlement.scene import Between, Scene, attempt, differences, state, tries
from tests.payouts.settlement.test_sending import at, freeze, suspend

ONCE = [("BP-901400", Decimal("100.00"))]


def unknown(scene: Scene, fault: Fault) -> Payout:
    payout = scene.payout()
    scene.there.faults.will(fault)
    assert scene.send() == 0
    assert tries(payout) == ["unknown"]
    return payout


def later(scene: Scene) -> int:
    """The attempt's next question, when its time has come."""
    [due] = Attempt.objects.filter(next_ask_at__isnull=False)
    assert due.next_ask_at is not None
    scene.clock.to(max(due.next_ask_at, scene.clock()))
    return scene.ask()


def test_the_exchange_is_asked_within_seconds(scene: Scene) -> None:
    payout = unknown(scene, Fault.RESET_AFTER)
    assert scene.ask() == 0

    scene.clock.forward(seconds=2)
    assert scene.ask() == 1

    assert (state(payout), tries(payout), scene.listed()) == ("credited", ["confirmed"], ONCE)
    assert (scene.asked("credit"), scene.asked("lookup")) == (1, 1)


def test_six_hours_of_silence_change_nothing_and_cost_little(scene: Scene) -> None:
    payout = unknown(scene, Fault.RESET_BEFORE)
    key, began = attempt(payout).key, scene.clock()
    with scene.there.away():
        while scene.clock() < began + timedelta(hours=6):
            later(scene)
            scene.send()

    assert (state(payout), tries(payout), attempt(payout).key) == ("sending", ["unknown"], key)
    assert 40 < attempt(payout).asks < 60
    assert later(scene) == 1
    assert (state(payout), scene.listed()) == ("credited", ONCE)


def test_eight_payouts_come_through_an_outage(scene: Scene) -> None:
    payouts = [scene.payout(code=1400 + number) for number in range(8)]
    scene.there.faults.will(Fault.RESET_BEFORE)
    scene.send()
    began = scene.clock()
    with scene.there.away():
        while scene.clock() < began + timedelta(hours=6):
            scene.send()
            scene.ask()
            scene.clock.forward(minutes=30)
    scene.ask_until_quiet()
    scene.send()
    scene.ask_until_quiet()

    assert {state(each) for each in payouts} == {"credited"}
    assert len(scene.listed()) == 8
    assert Attempt.objects.count() == 8


def test_a_key_that_grew_too_old_while_it_waited_for_its_turn_is_not_sent_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = unknown(scene, Fault.RESET_BEFORE)
    monkeypatch.setattr(allowed, "settle_standing", lambda broker_code: scene.clock.forward(hours=20))

    assert later(scene) == 0

    assert attempt(payout).detail.endswith("its key is too old, or the clock went back.")
    assert scene.asked("credit") == 1


def test_a_forgotten_key_is_never_sent_again(scene: Scene) -> None:
    """The exchange forgets it after 24 hours, and would credit once more."""
    payout = unknown(scene, Fault.RESET_AFTER)
    scene.there.faults.always["lookup"] = Fault.DOWN
    scene.there.faults.always["list"] = Fault.DOWN
    scene.clock.forward(hours=25)
    scene.ask()
    scene.there.faults.always.pop("lookup")

    assert later(scene) == 0
    assert tries(payout) == ["unknown"]
    assert (scene.asked("credit"), scene.listed()) == (1, ONCE)
    scene.there.faults.clear()
    assert later(scene) == 1  # its list still shows it
    assert (state(payout), scene.asked("credit"), scene.listed()) == ("credited", 1, ONCE)


def test_what_cannot_be_proved_is_left_to_people(scene: Scene) -> None:
    payout = unknown(scene, Fault.RESET_BEFORE)
    scene.clock.forward(hours=20)

    assert later(scene) == 0

    found = attempt(payout)
    assert (state(payout), found.state, found.next_ask_at) == ("sending", "unknown", None)
    assert found.detail == asking._TOO_OLD
    scene.clock.forward(days=3)
    assert (scene.ask(), scene.send(), scene.asked("credit"), scene.listed()) == (0, 0, 1, [])


def test_until_twenty_hours_the_same_key_is_sent_again(scene: Scene) -> None:
    payout = unknown(scene, Fault.RESET_BEFORE)
    key = attempt(payout).key
    scene.clock.forward(hours=19, minutes=59)

    assert later(scene) == 1

    assert (attempt(payout).key, attempt(payout).number, scene.listed()) == (key, 1, ONCE)


def test_twin_with_a_rule_of_two_days_a_forgotten_key_pays_twice(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown(scene, Fault.RESET_AFTER)
    monkeypatch.setattr(attempts, "KEY_IS_SAFE_FOR", timedelta(hours=48))
    monkeypatch.setattr(asking, "_listed", lambda claim, exchange, clock: None)
    scene.clock.forward(hours=25)

    later(scene)

    assert scene.listed() == ONCE * 2


@pytest.mark.parametrize(
    ("happens", "why"), [(suspend, allowed.STOPPED), (freeze, allowed.FROZEN)], ids=["suspended", "frozen"]
)
def test_to_whom_nothing_may_be_sent_the_key_is_not_sent_again(
    scene: Scene, happens: object, why: str
) -> None:
    """It may never have arrived: then the second sending would be the first."""
    payout = unknown(scene, Fault.RESET_BEFORE)
    happens(scene, payout)  # type: ignore[operator]

    assert later(scene) == 0

    assert attempt(payout).detail.endswith(f"It is not sent again: {why}")
    assert (tries(payout), scene.asked("credit"), scene.listed()) == (["unknown"], 1, [])


def test_what_had_arrived_before_the_suspension_is_confirmed_after_it(scene: Scene) -> None:
    payout = unknown(scene, Fault.RESET_AFTER)
    suspend(scene, payout)

    assert later(scene) == 1

    assert (state(payout), scene.listed()) == ("credited", ONCE)


def test_a_process_killed_while_sending_leaves_what_the_next_asks_about(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = scene.payout()
    monkeypatch.setattr(Between, "credit", lambda self, **order: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        asking.sending.send_due(exchange=Between(scene.port), clock=scene.clock)
    assert (tries(payout), scene.ask()) == (["sending"], 0)

    assert later(scene) == 1
    assert scene.listed() == ONCE


def test_a_number_that_another_payout_has_is_left_to_people(scene: Scene) -> None:
    first = scene.payout(month="2026-09")
    scene.send()
    payout = unknown(scene, Fault.RESET_AFTER)
    entry = scene.there.credits._known[str(attempt(payout).key)]
    number = attempt(first).credit_id
    scene.there.credits._known[entry.order.key] = type(entry)(
        entry.order, entry.listed, replaced(entry.answer, number), entry.at
    )

    assert later(scene) == 0

    found = attempt(payout)
    assert (found.state, found.next_ask_at) == ("unknown", None)
    assert found.detail == f"Backpack Exchange names credit {number}, which belongs to another payout."


def replaced(answer: object, number: str) -> object:
    return msgspec.structs.replace(answer, credit_id=number)  # type: ignore[type-var]


def test_another_amount_under_the_key_is_a_difference(scene: Scene) -> None:
    """Somebody has used our key."""
    payout = unknown(scene, Fault.RESET_BEFORE)
    key = str(attempt(payout).key)
    scene.there.credits.take(Order(key, payout.account_id, Decimal("1.00"), "not ours"))

    assert later(scene) == 0

    assert differences() == [("amount", 1400)]
    assert attempt(payout).detail == (
        "Backpack Exchange says that credit CR-000000001 was 1.00 USD and not 100.00 USD."
    )


def test_who_asks_and_is_overtaken_writes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    payout = unknown(scene, Fault.RESET_AFTER)

    def another_sweep() -> None:
        scene.clock.forward(seconds=61)
        assert scene.ask() == 1

    at(monkeypatch, "asking: after the lookup", another_sweep)

    assert later(scene) == 0
    assert (state(payout), attempt(payout).fence) == ("credited", 3)


def test_asking_in_parallel_is_asking_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown(scene, Fault.RESET_AFTER)
    meanwhile: list[int] = []
    at(monkeypatch, "asking: claimed", lambda: meanwhile.append(scene.ask()))

    assert (later(scene), meanwhile, scene.asked("lookup")) == (1, [0], 1)
