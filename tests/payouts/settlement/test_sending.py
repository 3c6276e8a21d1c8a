"""What is sent and what is not: all is checked when the attempt is made, and once more as it is sent."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts import crash
from payouts.exchange.chosen import NotConfigured
from payouts.ledger.models import BooksCheck
from payouts.models import Attempt, Broker, Case, Difference, Payout, PayoutHold
from payouts.settlement import allowed, sending
from portal.simulator.credit_faults import Fault
from tests import make
from tests.payouts import owner
from tests.payouts.desk import standing_acts as acts
from tests.payouts.settlement.scene import Between, Scene, attempt, owed_and_credited, state, tries

Do = Callable[[Scene, Payout], object]


def suspend(scene: Scene, payout: Payout) -> None:
    acts.suspend(payout.broker, now=scene.clock())


def terminate(scene: Scene, payout: Payout) -> None:
    acts.terminate(payout.broker, now=scene.clock())


def hold(scene: Scene, payout: Payout) -> None:
    case = Case.objects.create(
        broker=payout.broker, kind="other", title="A question", opened_at=scene.clock()
    )
    PayoutHold.objects.create(payout=payout, case=case, held_at=scene.clock())


def freeze(scene: Scene, payout: Payout) -> None:
    Difference.objects.create(
        kind="unknown", broker=payout.broker, detail="a credit too many", found_at=scene.clock()
    )


def freeze_everybody(scene: Scene, payout: Payout) -> None:
    Difference.objects.create(kind="unknown", broker=None, detail="whose?", found_at=scene.clock())


def breach(scene: Scene, payout: Payout) -> None:
    BooksCheck.objects.create(
        checked_at=scene.clock(), occasion="nightly", breaches=[{"name": "a sum"}], took_ms=1
    )


def change_the_account(scene: Scene, payout: Payout) -> None:
    scene.change_account()
    scene.clock.to(make.NOW)


#: Before the first check; each with its sentence.
BEFORE: list[tuple[Do, str]] = [
    (suspend, allowed.HELD),
    (terminate, allowed.HELD),
    (hold, allowed.HELD),
    (freeze, allowed.FROZEN),
    (freeze_everybody, allowed.FROZEN),
    (breach, allowed.BREACHED),
    (change_the_account, allowed.ACCOUNT_CHANGED),
]
#: A payout that is being sent is past holding; of a hold the attempt knows nothing.
BETWEEN: list[tuple[Do, str]] = [(suspend, allowed.STOPPED), (terminate, allowed.STOPPED), *BEFORE[3:]]


@pytest.mark.parametrize(("happens", "why"), BEFORE, ids=lambda each: getattr(each, "__name__", ""))
def test_nothing_is_sent_after(scene: Scene, happens: Do, why: str) -> None:
    payout = scene.payout()
    happens(scene, payout)

    assert scene.send() == 0

    assert (state(payout), tries(payout), scene.listed()) == ("approved", [], [])
    found = allowed.facts(payout.pk, at=scene.clock())
    assert allowed.why_not(found, account_id=payout.account_id) == why


@pytest.mark.parametrize(("happens", "why"), BETWEEN, ids=lambda each: getattr(each, "__name__", ""))
def test_what_happens_before_the_sending_transaction_is_seen_in_it(
    scene: Scene, happens: Do, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = scene.payout()
    at(monkeypatch, "credit: attempt made", lambda: happens(scene, payout))

    assert scene.send() == 0

    assert (state(payout), tries(payout), scene.listed()) == ("approved", ["rejected"], [])
    assert attempt(payout).detail == f"Never sent: {why}"
    assert attempt(payout).sent_at is None
    assert scene.asked("credit") == 0


def at(monkeypatch: pytest.MonkeyPatch, place: str, do: Callable[[], object]) -> None:
    """Something happens while a sweep is at a crash point; once."""
    happened: list[str] = []

    def point(name: str) -> None:
        if name == place and not happened:
            happened.append(name)
            do()

    monkeypatch.setattr(crash, "point", point)


def test_what_was_never_sent_is_sent_by_itself_when_the_suspension_is_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = scene.payout()
    suspensions: list[Any] = []
    at(
        monkeypatch,
        "credit: attempt made",
        lambda: suspensions.append(acts.suspend(payout.broker, now=scene.clock())),
    )
    scene.send()
    scene.clock.forward(hours=1)
    acts.lift(suspensions[0], now=scene.clock())
    scene.clock.forward(seconds=1)

    assert scene.send() == 1

    assert (state(payout), tries(payout)) == ("credited", ["rejected", "confirmed"])
    assert attempt(payout).number == 2


def test_twin_without_the_second_look_a_suspended_broker_is_paid(
    committed: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = committed.payout()
    with owner.connected() as hand:
        hand.execute("DROP TRIGGER credit_attempt_may_be_sent ON credit_attempt")

    def suspended() -> None:
        suspend(committed, payout)
        monkeypatch.setattr(allowed, "why_not", lambda found, account_id: "")

    at(monkeypatch, "credit: attempt made", suspended)

    assert committed.send() == 1


@pytest.mark.parametrize("happens", [suspend, hold, freeze], ids=lambda each: each.__name__)
def test_the_database_refuses_too(scene: Scene, happens: Do) -> None:
    payout = scene.payout()
    happens(scene, payout)

    with pytest.raises(IntegrityError), transaction.atomic():
        Attempt.objects.create(
            payout=payout,
            number=1,
            account_id=payout.account_id,
            amount="100.00",
            created_at=scene.clock(),
        )


def test_a_suspension_during_the_request_comes_too_late(scene: Scene) -> None:
    payout = scene.payout()
    port = Between(scene.port, before_credit=lambda: suspend(scene, payout))

    assert sending.send_due(exchange=port, clock=scene.clock) == 1

    assert (state(payout), tries(payout)) == ("credited", ["confirmed"])


def test_only_approved_payouts_that_are_more_than_nothing_are_sent(scene: Scene) -> None:
    broker = scene.broker()
    calculated = acts.payout(broker, "2026-10", "5.00")
    nil = acts.payout(broker, "2026-09", "0.00", approved_at=scene.clock())

    assert scene.send() == 0

    assert (state(calculated), state(nil)) == ("calculated", "nil")
    assert Attempt.objects.count() == 0


def test_every_payout_is_sent_the_earliest_approved_first(scene: Scene) -> None:
    for number in range(4):
        scene.payout(f"{4 - number}.00", code=1400 + number)
        scene.clock.forward(minutes=1)

    assert scene.send() == 4

    assert [amount for _, amount in scene.listed()] == [Decimal(f"{each}.00") for each in (4, 3, 2, 1)]
    assert list(Payout.objects.values_list("state", flat=True)) == ["credited"] * 4


def test_what_is_withheld_is_not_sent(scene: Scene) -> None:
    payout = scene.payout("100.00")
    Payout.objects.filter(pk=payout.pk).update(withheld="30.00")

    scene.send()

    assert scene.listed() == [("BP-901400", Decimal("70.00"))]
    assert owed_and_credited() == (Decimal("30.00"), Decimal("70.00"))  # a release books the rest


def test_an_attempt_whose_maker_was_killed_is_sent_with_its_key(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = scene.payout()
    at(monkeypatch, "credit: attempt made", killed)
    with pytest.raises(Killed):
        scene.send()
    key = attempt(payout).key
    assert (state(payout), tries(payout)) == ("sending", ["pending"])

    assert scene.send() == 0  # whoever made it may still be at it
    scene.clock.forward(seconds=61)
    assert scene.send() == 1

    assert (tries(payout), attempt(payout).key, len(scene.listed())) == (["confirmed"], key, 1)


class Killed(BaseException):
    pass


def killed() -> None:
    raise Killed


def test_a_sweep_ends_when_the_exchange_does_not_answer(scene: Scene) -> None:
    payouts = [scene.payout(code=1400 + number) for number in range(3)]
    scene.there.faults.always["credit"] = Fault.DOWN

    scene.send()

    assert [state(each) for each in payouts] == ["sending", "approved", "approved"]


def test_while_the_exchange_is_away_payouts_stay_approved_and_can_be_held(scene: Scene) -> None:
    payout = scene.payout()
    with scene.there.away():
        assert scene.send() == 0

    assert (state(payout), tries(payout)) == ("approved", [])
    suspend(scene, payout)
    assert PayoutHold.objects.filter(payout=payout).count() == 1


def test_where_no_exchange_is_configured_nothing_is_begun(scene: Scene) -> None:
    payout = scene.payout()

    assert sending.send_due(exchange=NotConfigured(), clock=scene.clock) == 0

    assert (state(payout), tries(payout)) == ("approved", [])


def test_a_rejection_of_which_the_exchange_then_knows_nothing_is_no_proof(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.REJECTS)
    scene.there.faults.will(Fault.KEY_FORGOTTEN, on="lookup")

    assert scene.send() == 0

    assert (tries(payout), attempt(payout).detail) == (
        ["unknown"],
        "Backpack Exchange rejected it (ACCOUNT_RESTRICTED), and then knew nothing of it.",
    )


def test_the_sentences_of_what_may_not_be_sent(scene: Scene) -> None:
    calculated = acts.payout(scene.broker(), "2026-10", "5.00")
    facts = allowed.facts(calculated.pk, at=scene.clock())
    assert allowed.why_not(facts, account_id=calculated.account_id) == allowed.NOT_APPROVED

    carried = scene.payout(month="2026-08")
    nothing = replace(allowed.facts(carried.pk, at=scene.clock()), amount=Decimal("0.00"))
    assert allowed.why_not(nothing, account_id=carried.account_id) == allowed.NOTHING


def test_while_many_outcomes_are_unknown_no_further_money_is_put_at_stake(scene: Scene) -> None:
    payouts = [scene.payout(code=1400 + number) for number in range(8)]
    scene.there.faults.always["credit"] = Fault.DOWN
    for _ in range(10):
        scene.send()
    assert [state(each) for each in payouts] == ["sending"] * 5 + ["approved"] * 3

    scene.there.faults.clear()
    scene.ask_until_quiet()
    scene.send()

    assert {state(each) for each in payouts} == {"credited"}
    assert len(scene.listed()) == 8


def test_what_no_exchange_can_be_asked_for_was_never_sent_and_waits_for_a_person(scene: Scene) -> None:
    make.broker(code=1400, account_id="A" * 150)
    payout = scene.payout()

    assert scene.send() == 0

    assert (state(payout), tries(payout), scene.asked("credit")) == ("approved", ["rejected"], 0)
    assert attempt(payout).detail == (
        "Never sent: the account id of a credit has 1 to 100 visible characters."
    )
    assert scene.send() == 0


def test_one_that_the_database_refuses_does_not_stop_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, other = scene.payout(code=1400), scene.payout(code=1500)
    suspension = acts.suspend(refused.broker, now=scene.clock())
    assert suspension.kind == "suspended"
    monkeypatch.setattr(allowed, "due", lambda now, most: [(refused.pk, 1400), (other.pk, 1500)])
    monkeypatch.setattr(allowed, "why_not", lambda found, account_id: "")

    assert scene.send() == 1

    assert (state(refused), tries(refused), state(other)) == ("approved", [], "credited")


def test_an_attempt_that_the_database_refuses_to_send_does_not_stop_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused, other = scene.payout(code=1400), scene.payout(code=1500)

    def meanwhile() -> None:
        suspend(scene, refused)
        monkeypatch.setattr(allowed, "why_not", lambda found, account_id: "")

    at(monkeypatch, "credit: attempt made", meanwhile)

    assert scene.send() == 1

    assert (state(refused), tries(refused), state(other)) == ("sending", ["pending"], "credited")


def test_the_broker_of_a_payout_is_never_confused(scene: Scene) -> None:
    first, second = scene.payout("1.00", code=1400), scene.payout("2.00", code=1500)

    scene.send()

    assert scene.listed() == [("BP-901400", Decimal("1.00")), ("BP-901500", Decimal("2.00"))]
    assert {attempt(each).credit_id for each in (first, second)} == {"CR-000000001", "CR-000000002"}
    assert Broker.objects.count() == 2
