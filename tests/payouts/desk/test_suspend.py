"""Suspending: now, planned, back-dated; what is refused and why; what is written."""

from datetime import UTC, datetime
from typing import Any

import pytest

from payouts.desk import cases
from payouts.desk import suspend as suspensions
from payouts.desk.standing import AlreadySuspended, NotAReason, Terminated, TooEarly
from payouts.desk.wording import NotSaid
from payouts.models import (
    Broker,
    Case,
    CaseEntry,
    CaseFile,
    Payout,
    PayoutHold,
    StandingChange,
    StandingRange,
)
from payouts.program.queries import standing_of
from payouts.refusal import Refusal
from tests import make
from tests.payouts.desk.case_making import opened, paper, told
from tests.payouts.desk.standing_acts import (
    DAY,
    HOUR,
    NOON,
    TICK,
    kept,
    lift,
    payout,
    person,
    ruled,
    suspend,
    terminate,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker()


def nothing_was_written() -> bool:
    return not Case.objects.exists() and not StandingChange.objects.exclude(kind="enrolled").exists()


def test_a_suspension_is_in_force_from_its_instant_on(broker: Broker) -> None:
    change = suspend(broker)

    assert standing_of(1400, now=NOON - TICK).state == "active"
    at_noon = standing_of(1400, now=NOON)
    assert (at_noon.state, at_noon.since, at_noon.change) == ("suspended", NOON, change)
    assert kept(broker) == ruled(broker) == [("suspended", NOON, None)]


def test_it_says_who_when_why_and_what_the_broker_is_told(broker: Broker) -> None:
    by = person()

    change = suspend(broker, by=by, reason="law", note="  for staff ", message=" For the broker. ")

    assert (
        change.kind,
        change.recorded_by_id,
        change.recorded_at,
        change.reason,
        change.note,
        change.message,
    ) == ("suspended", by, NOON, "law", "for staff", "For the broker.")


def test_a_case_is_opened_for_it(broker: Broker) -> None:
    by = person()

    case = suspend(broker, by=by, note="seen by two of us").case

    assert case is not None
    assert (case.kind, case.title, case.owner_id) == (
        "suspension",
        "Suspension from 2026-11-22 12:00:00 UTC",
        by,
    )
    assert told(case) == [
        ("opened", by, "seen by two of us"),
        ("suspended", by, "From 2026-11-22 12:00:00 UTC.\nseen by two of us"),
    ]


def test_it_can_belong_to_a_case_that_is_open_and_keeps_its_evidence_there(broker: Broker) -> None:
    by = person()
    case = opened(broker, by)

    change = suspend(broker, by=by, case_id=case.pk, evidence=[paper()])

    assert change.case == case
    assert [kind for kind, _, _ in told(case)] == ["opened", "suspended", "evidence"]
    assert list(CaseFile.objects.values_list("case", "name")) == [(case.pk, "orders.pdf")]


def test_a_case_that_is_closed_or_anothers_takes_no_suspension(broker: Broker) -> None:
    by = person()
    case, other = opened(broker, by), opened(make.broker(code=1500), by)
    cases.close(case_id=case.pk, outcome="nothing in it", by=by, now=NOON)

    with pytest.raises(cases.CaseIsClosed):
        suspend(broker, case_id=case.pk)
    with pytest.raises(cases.NoSuchCase):
        suspend(broker, case_id=other.pk)
    assert StandingRange.objects.count() == 0


def test_its_case_holds_every_payout_that_is_not_sent(broker: Broker) -> None:
    july = payout(broker, "2026-07", "5.00", approved_at=NOON)
    Payout.objects.filter(pk=july.pk).update(state="forfeited")
    august = payout(broker, "2026-08", "10.00", approved_at=NOON)
    september, october = payout(broker, "2026-09", "20.00"), payout(broker, "2026-10", "30.00")
    another = payout(make.broker(code=1500), "2026-10", "40.00")

    case = suspend(broker).case

    holds = PayoutHold.objects.order_by("payout").values_list("payout", "case")
    assert list(holds) == [(each.pk, case.pk) for each in (august, september, october)]  # type: ignore[union-attr]
    assert {july.pk, another.pk}.isdisjoint({payout for payout, _ in holds})


def test_a_planned_suspension_begins_by_itself_and_holds_nothing_before(broker: Broker) -> None:
    payout(broker, "2026-10", "30.00")

    change = suspend(broker, starts_at=NOON + DAY)

    before, then = (standing_of(1400, now=moment) for moment in (NOON + DAY - TICK, NOON + DAY))
    assert (before.state, before.planned) == ("active", change)
    assert (then.state, then.planned, then.change) == ("suspended", None, change)
    assert PayoutHold.objects.count() == 0


def test_a_suspension_may_begin_in_the_past_from_the_enrolment_on() -> None:
    broker = make.broker(enrolled_at=NOON - DAY)

    with pytest.raises(TooEarly) as refused:
        suspend(broker, starts_at=NOON - DAY - TICK)
    assert str(refused.value) == (
        "A suspension begins at 2026-11-21 12:00:00 UTC, its enrolment, at the earliest: choose a"
        " later start."
    )
    assert nothing_was_written()
    suspend(broker, starts_at=NOON - DAY)
    assert kept(broker) == [("suspended", NOON - DAY, None)]


def test_a_suspension_does_not_reach_into_an_approved_month(broker: Broker) -> None:
    payout(broker, "2026-08", "10.00", approved_at=NOON)
    payout(broker, "2026-09", "10.00")
    september = datetime(2026, 9, 1, tzinfo=UTC)

    with pytest.raises(TooEarly) as refused:
        suspend(broker, starts_at=september - TICK)
    assert str(refused.value) == (
        "A suspension begins at 2026-09-01 00:00:00 UTC, the end of its last approved month, at the earliest:"
        " choose a later start."
    )
    suspend(broker, starts_at=september)
    assert kept(broker) == [("suspended", september, None)]


def test_nobody_is_suspended_twice_at_a_time(broker: Broker) -> None:
    suspend(broker)

    for starts_at in (None, NOON + HOUR):
        with pytest.raises(AlreadySuspended) as refused:
            suspend(broker, starts_at=starts_at, now=NOON + HOUR)
        assert str(refused.value) == (
            "This broker is suspended from 2026-11-22 12:00:00 UTC on: lift that suspension first."
        )
    with pytest.raises(AlreadySuspended) as refused:
        suspend(broker, starts_at=NOON - TICK)
    assert str(refused.value) == (
        "A suspension from 2026-11-22 12:00:00 UTC on exists already: cancel or lift that one first."
    )
    assert Case.objects.count() == 1


def test_an_earlier_suspension_is_not_overlapped_but_may_be_met(broker: Broker) -> None:
    first = suspend(broker)
    lift(first, now=NOON + HOUR)

    with pytest.raises(AlreadySuspended) as refused:
        suspend(broker, starts_at=NOON + HOUR - TICK, now=NOON + 2 * HOUR)
    assert str(refused.value) == (
        "This broker is suspended from 2026-11-22 12:00:00 UTC to 2026-11-22 13:00:00 UTC: begin no earlier"
        " than then."
    )
    with pytest.raises(AlreadySuspended) as refused:
        suspend(broker, starts_at=NOON - DAY, now=NOON + 2 * HOUR)
    assert str(refused.value) == (
        "This broker was suspended from 2026-11-22 12:00:00 UTC to 2026-11-22 13:00:00 UTC: begin no earlier"
        " than then."
    )
    suspend(broker, starts_at=NOON + HOUR, now=NOON + 2 * HOUR)
    assert kept(broker) == [("suspended", NOON, NOON + HOUR), ("suspended", NOON + HOUR, None)]


def test_a_terminated_broker_is_not_suspended_but_for_the_time_before(broker: Broker) -> None:
    terminate(broker, now=NOON)

    with pytest.raises(Terminated) as refused:
        suspend(broker, starts_at=NOON, now=NOON)
    assert str(refused.value) == (
        "This broker is terminated from 2026-11-22 12:00:00 UTC on, which is final: a suspension"
        " begins before."
    )
    suspend(broker, starts_at=NOON - DAY, now=NOON)
    assert kept(broker) == ruled(broker) == [("suspended", NOON - DAY, NOON), ("terminated", NOON, None)]


@pytest.mark.parametrize(
    ("wrong", "refusal", "sentence"),
    [
        (
            {"reason": "mood"},
            NotAReason,
            "mood is no reason: choose one of fraud, agreement, law, conduct, affiliate, other.",
        ),
        ({"note": " "}, NotSaid, "Write the note for staff: it is empty."),
        ({"message": ""}, NotSaid, "Write what the broker is told: it is empty."),
        ({"broker_code": 9999}, cases.NoSuchBroker, "Code 9999 belongs to no broker: correct it."),
    ],
)
def test_what_is_missing_is_asked_for(
    broker: Broker, wrong: dict[str, Any], refusal: type[Refusal], sentence: str
) -> None:
    with pytest.raises(refusal) as refused:
        suspend(broker, **wrong)

    assert str(refused.value) == sentence
    assert nothing_was_written()


def test_bad_evidence_keeps_everything_as_it_was(broker: Broker) -> None:
    with pytest.raises(Refusal, match="is empty"):
        suspend(broker, evidence=[paper(b"")])

    assert nothing_was_written()
    assert CaseEntry.objects.count() == 0


def test_the_same_is_said_when_only_the_database_saw_the_other_one(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody looked, then another was faster: here the look sees nothing once."""
    suspend(broker)
    look, looked = suspensions.suspension_must_be_possible, []

    def blind_at_first(*values: Any) -> None:
        looked.append(values)
        if len(looked) > 1:
            look(*values)

    monkeypatch.setattr(suspensions, "suspension_must_be_possible", blind_at_first)
    with pytest.raises(AlreadySuspended):
        suspend(broker, now=NOON + HOUR)
    assert len(looked) == 2
    assert kept(broker) == [("suspended", NOON, None)]
