"""Two people decide what the exchange could not tell: one finds out, another confirms just that."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts.desk import proposals, resolve
from payouts.desk import retry as retries
from payouts.desk.evidence import NewFile
from payouts.desk.proposals import AlreadyDecided, AlreadyPrepared, Changed, OwnProposal
from payouts.desk.resolve import (
    BelongsToAnother,
    ListedOtherwise,
    NoCreditNumber,
    NoSuchAttempt,
    NoSuchDifference,
    NotAMode,
    NotForPeople,
)
from payouts.models import Attempt, Difference, Payout, Proposal
from payouts.settlement import queries
from portal.simulator.credit_faults import OTHER_ACCOUNT_ID, Fault
from tests.payouts.desk import standing_acts as acts
from tests.payouts.settlement.conftest import scene as scene
from tests.payouts.settlement.scene import Scene, attempt, differences, owed_and_credited, state, tries
from tests.payouts.settlement.test_sending import at

HUNDRED = Decimal("100.00")
ONCE = [("BP-901400", HUNDRED)]


def too_old(scene: Scene, fault: Fault = Fault.RESET_BEFORE) -> Payout:
    """A payout of whose credit nobody knows, and of which the exchange knows nothing any more."""
    payout = scene.payout()
    scene.there.faults.will(fault)
    scene.send()
    scene.there.faults.always["list"] = Fault.DOWN
    scene.clock.forward(hours=25)
    scene.ask()
    scene.there.faults.clear()
    if fault is Fault.RESET_BEFORE:
        scene.ask_until_quiet()
    return payout


def prepare(scene: Scene, payout: Payout, *, by: str = "pia", **said: Any) -> Proposal:
    given: dict[str, Any] = {
        "attempt_id": attempt(payout).pk,
        "mode": "rejected",
        "note": "looked up at the exchange with its desk",
        "by": acts.person(by),
        "now": scene.clock(),
    }
    return resolve.prepare(**given | said)


def confirm(scene: Scene, act: Proposal, *, by: str = "quentin", shown: str | None = None) -> Proposal:
    return resolve.confirm(
        proposal_id=act.pk,
        shown=resolve.shown(act.pk) if shown is None else shown,
        by=acts.person(by),
        now=scene.clock(),
    )


def test_what_nobody_can_prove_waits_for_people(scene: Scene) -> None:
    payout = too_old(scene)

    [waits] = queries.waiting_for_a_person(now=scene.clock())

    assert (waits.kind, waits.payout_id, waits.amount) == ("unknown", payout.pk, HUNDRED)
    assert waits.why.endswith(
        "find out at the exchange whether the money moved, and let two people resolve it."
    )


def test_resolved_as_credited_it_is_booked_and_done(scene: Scene) -> None:
    payout = too_old(scene)

    act = prepare(scene, payout, mode="credited", credit_id=" CR-77 ")
    assert (state(payout), tries(payout)) == ("sending", ["unknown"])
    confirm(scene, act)

    found = attempt(payout)
    assert (state(payout), found.state, found.credit_id) == ("credited", "confirmed", "CR-77")
    assert found.decided_by_id == act.pk
    assert owed_and_credited() == (Decimal("0.00"), HUNDRED)
    assert queries.waiting_for_a_person(now=scene.clock()) == []


def test_resolved_as_rejected_it_waits_for_a_retry_with_a_new_key(scene: Scene) -> None:
    payout = too_old(scene)
    key = attempt(payout).key

    confirm(scene, prepare(scene, payout))

    assert (state(payout), tries(payout), scene.send()) == ("approved", ["rejected"], 0)
    assert attempt(payout).detail == "Decided by two people: looked up at the exchange with its desk"
    retries.retry(payout_id=payout.pk, by=acts.person(), now=scene.clock())
    assert (scene.send(), scene.listed()) == (1, ONCE)
    assert attempt(payout).key != key


def test_one_person_alone_resolves_nothing(scene: Scene) -> None:
    payout = too_old(scene)
    act = prepare(scene, payout)

    with pytest.raises(OwnProposal):
        confirm(scene, act, by="pia")

    assert tries(payout) == ["unknown"]


def test_the_database_takes_no_decision_without_two_people(scene: Scene) -> None:
    payout = too_old(scene)
    act = prepare(scene, payout)

    with pytest.raises(IntegrityError, match="two people resolve an unknown credit"), transaction.atomic():
        Attempt.objects.filter(payout=payout).update(
            state="rejected", decided_at=scene.clock(), next_ask_at=None, decided_by=act
        )


def test_it_is_confirmed_once(scene: Scene) -> None:
    act = prepare(scene, too_old(scene))
    confirm(scene, act)

    with pytest.raises(AlreadyDecided):
        confirm(scene, act, shown="")
    assert Proposal.objects.get().state == "confirmed"


def test_it_is_prepared_once_at_a_time(scene: Scene) -> None:
    payout = too_old(scene)
    act = prepare(scene, payout)
    with pytest.raises(AlreadyPrepared):
        prepare(scene, payout, mode="credited", credit_id="CR-77", by="quentin")

    proposals.withdraw(proposal_id=act.pk, note="a mistake", by=acts.person("pia"), now=scene.clock())
    prepare(scene, payout, mode="credited", credit_id="CR-77", by="quentin")

    assert list(Proposal.objects.order_by("pk").values_list("state", flat=True)) == ["withdrawn", "prepared"]


def test_what_is_confirmed_is_what_was_shown(scene: Scene) -> None:
    act = prepare(scene, too_old(scene))

    with pytest.raises(Changed):
        confirm(scene, act, shown="0" * 64)


def test_while_the_exchange_is_asked_nobody_decides(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.send()

    with pytest.raises(NotForPeople):
        prepare(scene, payout)
    scene.ask_until_quiet()
    with pytest.raises(NotForPeople):
        prepare(scene, payout)
    with pytest.raises(NoSuchAttempt):
        prepare(scene, payout, attempt_id=0)


def test_people_decide_when_the_exchange_has_been_silent_for_a_day(scene: Scene) -> None:
    payout = scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.send()
    with scene.there.away():
        scene.clock.forward(hours=24)
        scene.ask()
        act = prepare(scene, payout, mode="credited", credit_id="CR-000000001")
        confirm(scene, act)

    assert (state(payout), scene.listed()) == ("credited", ONCE)
    scene.clock.forward(hours=1)
    assert scene.ask() == 0


def test_who_asks_meanwhile_is_overtaken_by_the_two_people(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange's list says credited just as two people say so: it is booked once, by them."""
    payout = too_old(scene, Fault.RESET_AFTER)
    act = prepare(scene, payout, mode="credited", credit_id="CR-000000001")
    scene.clock.forward(hours=1)
    at(monkeypatch, "asking: after the lookup", lambda: confirm(scene, act))

    assert scene.ask() == 0

    assert (state(payout), tries(payout), attempt(payout).decided_by_id) == (
        "credited",
        ["confirmed"],
        act.pk,
    )
    assert owed_and_credited() == (Decimal("0.00"), HUNDRED)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"mode": "credited"}, NoCreditNumber),
        ({"mode": "credited", "credit_id": " \t"}, NoCreditNumber),
        ({"mode": "rejected", "credit_id": "CR-1"}, NoCreditNumber),
        ({"mode": "perhaps"}, NotAMode),
    ],
)
def test_what_makes_no_sense_is_refused(scene: Scene, said: dict[str, Any], refused: type) -> None:
    with pytest.raises(refused):
        prepare(scene, too_old(scene), **said)


def test_a_number_of_another_payout_is_refused(scene: Scene) -> None:
    scene.payout(month="2026-09")
    scene.send()
    payout = too_old(scene)

    with pytest.raises(BelongsToAnother):
        prepare(scene, payout, mode="credited", credit_id="CR-000000001")


def test_what_the_exchange_lists_nobody_calls_rejected(scene: Scene) -> None:
    """Seen on the exchange's own list, it has moved."""
    payout = scene.payout()
    scene.there.faults.will(Fault.RESET_AFTER)
    scene.send()
    scene.there.faults.always["lookup"] = Fault.DOWN
    scene.next_day()
    assert scene.reconcile() == 1
    scene.clock.forward(hours=24)

    with pytest.raises(ListedOtherwise):
        prepare(scene, payout)
    with pytest.raises(ListedOtherwise):
        prepare(scene, payout, mode="credited", credit_id="CR-000000009")
    confirm(scene, prepare(scene, payout, mode="credited", credit_id="CR-000000001"))
    assert (state(payout), differences()) == ("credited", [])


def test_evidence_goes_with_it(scene: Scene) -> None:
    document = NewFile("answer.pdf", "application/pdf", b"%PDF-1.7 the exchange's letter")

    act = prepare(scene, too_old(scene), evidence=[document])

    assert [each.name for each in act.files.all()] == ["answer.pdf"]


# -- differences ------------------------------------------------------------------------------------


def difference(scene: Scene, act_on: Difference, *, by: str = "pia") -> Proposal:
    return resolve.prepare_difference(
        difference_id=act_on.pk,
        note="the exchange has taken it back",
        by=acts.person(by),
        now=scene.clock(),
    )


def test_a_difference_stops_the_broker_until_two_people_have_resolved_it(scene: Scene) -> None:
    scene.payout()
    scene.there.faults.will(Fault.ONLY_SAYS)
    scene.send()
    scene.next_day()
    scene.reconcile()
    scene.payout("5.00", month="2026-09")
    assert scene.send() == 0
    [found] = Difference.objects.all()

    act = difference(scene, found)
    assert scene.send() == 0
    with pytest.raises(OwnProposal):
        confirm(scene, act, by="pia")
    confirm(scene, act)

    found.refresh_from_db()
    assert (found.state, found.resolved_by_id) == ("resolved", act.pk)
    assert scene.send() == 1
    with pytest.raises(NoSuchDifference):
        difference(scene, found)


def test_money_that_went_to_another_account_is_taken_back_and_sent_again(scene: Scene) -> None:
    """First the difference, once the exchange has put it right; then the attempt; then a retry."""
    payout = scene.payout()
    scene.there.faults.will(Fault.OTHER_ACCOUNT)
    scene.send()
    with pytest.raises(ListedOtherwise):
        prepare(scene, payout)
    [found] = Difference.objects.all()

    confirm(scene, difference(scene, found))
    confirm(scene, prepare(scene, payout))
    retries.retry(payout_id=payout.pk, by=acts.person(), now=scene.clock())

    assert scene.send() == 1
    assert scene.listed() == [(OTHER_ACCOUNT_ID, HUNDRED), ("BP-901400", HUNDRED)]
    scene.next_day()
    assert (scene.reconcile(), differences()) == (1, [("account", 1400)])


def test_the_digest_of_an_act_that_is_done_can_still_be_read(scene: Scene) -> None:
    act = prepare(scene, too_old(scene))
    before = resolve.shown(act.pk)
    confirm(scene, act)

    assert before == act.digest != resolve.shown(act.pk)
    scene.clock.now += timedelta(days=1)
