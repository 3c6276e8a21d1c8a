"""Who was stopped past the lease and wakes, by a paused clock: it sends and decides nothing. With twins."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError

from payouts.models import Attempt, Payout
from payouts.settlement import sending
from tests.payouts.settlement.scene import Scene, attempt, owed_and_credited, state, tries
from tests.payouts.settlement.test_sending import at


def test_who_was_stopped_before_the_request_sends_nothing_any_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = scene.payout()
    at(monkeypatch, "credit: before the request", lambda: scene.clock.forward(seconds=21))

    assert scene.send() == 0

    assert (scene.asked("credit"), tries(payout)) == (0, ["sending"])
    scene.clock.forward(seconds=40)
    scene.ask()
    assert (tries(payout), len(scene.listed())) == (["confirmed"], 1)


def test_twin_without_the_look_at_the_lease_it_sends_what_another_has_taken_over(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.payout()
    at(monkeypatch, "credit: before the request", lambda: scene.clock.forward(seconds=21))
    monkeypatch.setattr(sending.attempts, "time_is_left", lambda lease_until, now: True)

    scene.send()

    assert scene.asked("credit") == 1


def overtaken(scene: Scene, payout: Payout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sent, then stopped with the answer in hand; meanwhile another sweep finds out that it was rejected."""

    def another_sweep() -> None:
        scene.clock.forward(seconds=61)
        scene.ask()

    at(monkeypatch, "credit: after the answer", another_sweep)
    scene.send()


def test_the_fence_of_who_was_stopped_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    payout = scene.payout()

    overtaken(scene, payout, monkeypatch)

    assert (state(payout), tries(payout)) == ("credited", ["confirmed"])
    assert attempt(payout).fence == 2
    assert owed_and_credited() == (Decimal("0.00"), Decimal("100.00"))


def test_twin_without_the_fence_the_zombie_decides_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then only the database stands between: an attempt that is decided stays so."""
    payout = scene.payout()
    held = sending.outcomes._held

    def any_fence(claim: Any, also: tuple[str, ...] = ()) -> Any:
        found = Attempt.objects.get(pk=claim.attempt_id)
        return held(replace(claim, fence=found.fence), (*also, "confirmed"))

    monkeypatch.setattr(sending.outcomes, "_held", any_fence)

    with pytest.raises(IntegrityError, match="an attempt that is confirmed stays so"):
        overtaken(scene, payout, monkeypatch)


def test_a_pending_attempt_taken_over_is_not_sent_by_its_first_maker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    payout = scene.payout()

    def another_sweep() -> None:
        scene.clock.forward(seconds=61)
        assert scene.send() == 1

    at(monkeypatch, "credit: attempt made", another_sweep)

    assert scene.send() == 0

    assert (scene.asked("credit"), tries(payout), len(scene.listed())) == (1, ["confirmed"], 1)
