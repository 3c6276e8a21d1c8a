"""Terminating: prepared by one, confirmed by another just as it was shown, final."""

from datetime import datetime

import pytest

from payouts.desk import terminate as terminations
from payouts.desk.standing import Terminated, TimeHasPassed
from payouts.models import (
    Broker,
    Fill,
    Payout,
    PayoutHold,
    StandingChange,
    StandingRange,
    Termination,
)
from payouts.program.queries import enrolments, standing_of
from tests import make
from tests.payouts.desk.case_making import told
from tests.payouts.desk.standing_acts import (
    DAY,
    HOUR,
    NOON,
    TICK,
    confirm,
    kept,
    lift,
    payout,
    person,
    prepare,
    ruled,
    suspend,
    terminate,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_by_hand")]
MINUTE = HOUR / 60


@pytest.fixture
def broker() -> Broker:
    return make.broker()


def ended(termination: Termination) -> str:
    termination.refresh_from_db()
    return termination.state


def test_what_is_prepared_changes_nothing_yet(broker: Broker) -> None:
    termination = prepare(broker)

    assert standing_of(1400, now=NOON).state == "active"
    assert (termination.case.kind, termination.case.title) == (
        "termination",
        "Termination, at its confirmation",
    )
    assert [kind for kind, _, _ in told(termination.case)] == ["opened", "prepared"]


def test_it_takes_effect_when_another_person_confirms_it(broker: Broker) -> None:
    termination = prepare(broker)

    change = confirm(termination, now=NOON + HOUR)

    assert (change.effective_at, change.recorded_at) == (NOON + HOUR, NOON + HOUR)
    assert (change.prepared_by_id, change.recorded_by_id) == (person("pia"), person("quentin"))
    assert (change.reason, change.message) == ("agreement", "The User Agreement was violated.")
    assert (ended(termination), termination.change, termination.decided_by_id) == (
        "confirmed",
        change,
        person("quentin"),
    )
    assert [kind for kind, _, _ in told(termination.case)][-1] == "terminated"
    assert standing_of(1400, now=NOON + HOUR - TICK).state == "active"
    assert standing_of(1400, now=NOON + HOUR).state == "terminated"
    assert kept(broker) == ruled(broker) == [("terminated", NOON + HOUR, None)]
    assert enrolments()[0].terminated_at == NOON + HOUR


def test_who_prepared_it_does_not_confirm_it(broker: Broker) -> None:
    termination = prepare(broker, by=person("pia"))

    with pytest.raises(terminations.SamePerson) as refused:
        confirm(termination, by=person("pia"))
    assert str(refused.value) == "You prepared this termination: another person has to confirm it."
    assert ended(termination) == "prepared"
    assert not StandingRange.objects.exists()


def test_a_planned_one_takes_effect_at_its_time(broker: Broker) -> None:
    change = terminate(broker, effective_at=NOON + DAY)

    standing = standing_of(1400, now=NOON + DAY - TICK)
    assert (standing.state, standing.planned) == ("active", change)
    assert standing_of(1400, now=NOON + DAY).state == "terminated"


def test_it_is_never_back_dated(broker: Broker) -> None:
    with pytest.raises(TimeHasPassed) as refused:
        prepare(broker, effective_at=NOON - TICK)
    assert str(refused.value) == (
        "2026-11-22 11:59:59.999999 UTC has passed, and a termination is never back-dated: choose a"
        " later time."
    )
    assert not Termination.objects.exists()


def test_nor_confirmed_after_its_time(broker: Broker) -> None:
    termination = prepare(broker, effective_at=NOON + HOUR)

    with pytest.raises(TimeHasPassed):
        confirm(termination, now=NOON + HOUR + TICK)
    assert ended(termination) == "prepared"
    confirm(termination, now=NOON + HOUR)


def test_it_is_final(broker: Broker) -> None:
    termination = prepare(broker)
    confirm(termination)

    for again in (lambda: prepare(broker), lambda: terminate(broker, effective_at=NOON + DAY)):
        with pytest.raises(Terminated) as refused:
            again()
        assert str(refused.value) == (
            "This broker is terminated from 2026-11-22 12:00:00 UTC on, which is final: nothing is"
            " left to end."
        )
    with pytest.raises(terminations.NotPrepared) as undone:
        terminations.withdraw(termination_id=termination.pk, note="after all", by=person(), now=NOON)
    assert str(undone.value) == "This termination is confirmed already: nothing was changed."
    with pytest.raises(terminations.NotPrepared):
        confirm(termination)


def test_one_is_prepared_at_a_time(broker: Broker) -> None:
    first = prepare(broker)

    with pytest.raises(terminations.AlreadyPrepared) as refused:
        prepare(broker)
    assert str(refused.value) == (
        "A termination of this broker is prepared already: have it confirmed, or withdraw it first."
    )
    terminations.withdraw(termination_id=first.pk, note="not enough", by=person("pia"), now=NOON)
    assert ended(first) == "withdrawn"
    assert told(first.case)[-1] == ("withdrawn", person("pia"), "not enough")
    with pytest.raises(terminations.NotPrepared) as gone:
        confirm(first)
    assert str(gone.value) == "This termination is withdrawn already: nothing was changed."
    prepare(broker)


def account_is_another(broker: Broker) -> None:
    Payout.objects.update(account_id="ACC-OTHER")


def amount_is_another(broker: Broker) -> None:
    Payout.objects.update(amount="31.00", payout="31.00", fees=155)


def one_more_payout(broker: Broker) -> None:
    payout(broker, "2026-09", "1.00")


def a_suspension_is_planned(broker: Broker) -> None:
    suspend(broker, starts_at=NOON + DAY)


@pytest.mark.parametrize(
    "change",
    [account_is_another, amount_is_another, one_more_payout, a_suspension_is_planned],
)
def test_what_is_confirmed_is_what_was_shown(broker: Broker, change: object) -> None:
    payout(broker, "2026-10", "30.00")
    termination = prepare(broker)
    shown = terminations.shown(termination.pk, now=NOON)
    assert callable(change)
    change(broker)

    with pytest.raises(terminations.NotAsShown) as refused:
        terminations.confirm(
            termination_id=termination.pk, shown=shown, by=person("quentin"), clock=lambda: NOON
        )
    assert str(refused.value) == (
        "Something has changed since this page was made: read it again and confirm then."
    )
    assert ended(termination) == "prepared"
    confirm(termination)


def test_its_case_holds_what_is_not_approved(broker: Broker) -> None:
    unpaid = payout(broker, "2026-10", "30.00")

    change = terminate(broker)

    assert list(PayoutHold.objects.values_list("payout", "case")) == [(unpaid.pk, change.case_id)]


def test_a_planned_one_holds_nothing_yet(broker: Broker) -> None:
    payout(broker, "2026-10", "30.00")

    terminate(broker, effective_at=NOON + DAY)

    assert not PayoutHold.objects.exists()


def test_a_suspension_under_way_ends_where_the_termination_begins(broker: Broker) -> None:
    suspend(broker)

    terminate(broker, now=NOON + HOUR)

    assert (
        kept(broker)
        == ruled(broker)
        == [
            ("suspended", NOON, NOON + HOUR),
            ("terminated", NOON + HOUR, None),
        ]
    )


@pytest.mark.parametrize("later", [0 * HOUR, TICK, HOUR])
def test_a_suspension_that_would_begin_with_it_or_later_is_cancelled(broker: Broker, later: object) -> None:
    planned = suspend(broker, starts_at=NOON + DAY + later)  # type: ignore[operator]

    terminate(broker, effective_at=NOON + DAY)

    cancelled = StandingChange.objects.get(ends=planned)
    assert (cancelled.effective_at, cancelled.note) == (planned.effective_at, "Cancelled by the termination.")
    assert told(planned.case)[-1][0] == "cancelled"  # type: ignore[arg-type]
    assert kept(broker) == ruled(broker) == [("terminated", NOON + DAY, None)]


def test_one_that_begins_before_a_planned_termination_stays(broker: Broker) -> None:
    planned = suspend(broker, starts_at=NOON + HOUR)

    terminate(broker, effective_at=NOON + DAY)

    assert (
        kept(broker)
        == ruled(broker)
        == [
            ("suspended", NOON + HOUR, NOON + DAY),
            ("terminated", NOON + DAY, None),
        ]
    )
    lift(planned, now=NOON)
    assert kept(broker) == ruled(broker) == [("terminated", NOON + DAY, None)]


def fill_at(at: datetime, now: datetime) -> dict[str, int]:
    tally = make.fills(make.record(timestamp=at.isoformat().replace("+00:00", "Z")), now=now)
    return {"accepted": tally.accepted, **tally.excluded}


def test_fills_that_the_exchange_s_clock_puts_ahead_of_ours_count_and_later_ones_do_not(
    broker: Broker,
) -> None:
    ahead = NOON + 3 * TICK
    assert fill_at(ahead, NOON) == {"accepted": 1}

    change = terminate(broker, now=NOON)

    assert change.effective_at == ahead + TICK
    assert fill_at(ahead, NOON) == {"accepted": 1}
    assert fill_at(ahead + TICK, NOON + HOUR) == {"accepted": 0, "terminated": 1}
    assert Fill.objects.filter(executed_at__gte=change.effective_at).count() == 0


def test_a_planned_time_that_the_exchange_has_passed_is_refused(broker: Broker) -> None:
    termination = prepare(broker, effective_at=NOON + MINUTE)
    fill_at(NOON + MINUTE, NOON)

    with pytest.raises(TimeHasPassed) as refused:
        confirm(termination)
    assert str(refused.value) == (
        "Fills up to 2026-11-22 12:01:00 UTC are booked already: withdraw this and choose a later time."
    )
