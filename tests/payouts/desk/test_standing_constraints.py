"""What the database itself refuses of standing, whoever asks: the application, a shell, the owner."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from payouts.models import Broker, Case, StandingChange, Termination
from tests import make
from tests.payouts import owner
from tests.payouts.desk.standing_acts import (
    DAY,
    HOUR,
    NOON,
    TICK,
    kept,
    payout,
    person,
    prepare,
)
from tests.payouts.test_append_only import as_application, refusal

History = Callable[[Broker], Any]


def suspended(broker: Broker) -> StandingChange:
    return make.suspended(broker, NOON)  # type: ignore[no-any-return]


def lifted(broker: Broker) -> StandingChange:
    """From noon until an hour later."""
    return make.lifted(suspended(broker), NOON + HOUR)  # type: ignore[no-any-return]


def cancelled(broker: Broker) -> StandingChange:
    return make.lifted(suspended(broker), NOON)  # type: ignore[no-any-return]


def terminated(broker: Broker) -> StandingChange:
    return make.terminated(broker, NOON)  # type: ignore[no-any-return]


def suspended_and_terminated(broker: Broker) -> StandingChange:
    """From a day before noon until then."""
    make.suspended(broker, NOON - DAY)
    return make.terminated(broker, NOON)  # type: ignore[no-any-return]


def approved(broker: Broker) -> None:
    """October is approved."""
    payout(broker, "2026-10", "1.00", approved_at=NOON)


def nothing(broker: Broker) -> None:
    pass


NOVEMBER = datetime.fromisoformat("2026-11-01T00:00:00+00:00")
OVERLAP = "standing_ranges_do_not_overlap"
#: What there is, the suspension that is written then, and which law refuses it; "" if none does.
SUSPENSIONS: list[tuple[History, datetime, str]] = [
    (nothing, NOON - DAY, ""),
    (nothing, NOON - 2 * DAY, "a suspension does not begin before the enrolment"),
    (suspended, NOON, OVERLAP),
    (suspended, NOON + DAY, OVERLAP),
    (suspended, NOON - TICK, OVERLAP),
    (lifted, NOON, OVERLAP),
    (lifted, NOON - TICK, OVERLAP),
    (lifted, NOON + HOUR - TICK, OVERLAP),
    (lifted, NOON + HOUR, ""),
    (cancelled, NOON, ""),
    (cancelled, NOON - TICK, ""),
    (terminated, NOON, "a suspension begins before the termination"),
    (terminated, NOON + DAY, "a suspension begins before the termination"),
    (terminated, NOON - TICK, ""),
    (suspended_and_terminated, NOON - TICK, OVERLAP),
    (approved, NOVEMBER - TICK, "a suspension does not begin before the end of the last approved month"),
    (approved, NOVEMBER, ""),
]
ENROLLED = {suspended: NOON - DAY, approved: NOVEMBER - DAY}


def insert(broker: Broker, case: Case, kind: str, at: datetime, **columns: object) -> str:
    values = {
        "broker_id": broker.pk,
        "kind": kind,
        "effective_at": at.isoformat(),
        "recorded_at": NOON.isoformat(),
        "reason": "other",
        "message": "m",
        "note": "n",
        "case_id": case.pk,
        "recorded_by_id": person("vera"),
    } | columns
    shown = ", ".join("NULL" if each is None else f"'{each}'" for each in values.values())
    return f"INSERT INTO standing_change ({', '.join(values)}) VALUES ({shown})"


def a_case(broker: Broker) -> Case:
    return Case.objects.create(broker=broker, kind="other", title="A case", opened_at=NOON)


def as_owner(statement: str) -> None:
    with owner.connected() as hand, hand.transaction(force_rollback=True):
        hand.execute(statement)


def undone(statement: str) -> None:
    with transaction.atomic():
        as_application(statement)
        transaction.set_rollback(True)


def refusals(statement: str) -> list[str]:
    """What refuses the application and what the owner."""
    return [refusal(execute, statement) for execute in (undone, as_owner)]


def test_every_overlap_is_refused_by_the_database_itself(committed_db: str) -> None:
    for number, (history, at, law) in enumerate(SUSPENSIONS):
        broker = make.broker(code=number, enrolled_at=ENROLLED.get(history, NOON - DAY))
        history(broker)
        before = kept(broker)

        for said in refusals(insert(broker, a_case(broker), "suspended", at)):
            assert (law in said and said != "") if law else said == "", (number, said)
            assert said[:5] in ("", "23P01" if law == OVERLAP else "23514")
        assert kept(broker) == before


def test_a_change_belongs_to_a_case_of_the_same_broker(committed_db: str) -> None:
    broker = make.broker(code=1400, enrolled_at=NOON - DAY)
    elsewhere = a_case(make.broker(code=1500))

    for said in refusals(insert(broker, elsewhere, "suspended", NOON)):
        assert said == "23514 a change of standing belongs to a case of the same broker"


def test_a_lifting_or_a_termination_that_contradicts_is_refused(committed_db: str) -> None:
    number = 100

    def refused(history: History, kind: str, at: datetime, law: str, **columns: Any) -> None:
        nonlocal number
        number += 1
        broker = make.broker(code=number, enrolled_at=NOON - DAY)
        last = history(broker)
        if columns.pop("of_last", False):
            columns["ends_id"] = last.ends_id or last.pk
        if kind == "terminated":
            columns = {"prepared_by_id": person("pia")} | columns
        for said in refusals(insert(broker, a_case(broker), kind, at, **columns)):
            assert law in said, said
            assert bool(said) == bool(law), said

    refused(suspended, "lifted", NOON + HOUR, "", of_last=True)
    refused(suspended, "lifted", NOON - TICK, "a suspension is lifted after its start", of_last=True)
    refused(suspended, "lifted", NOON + HOUR, "a_lifting_ends_a_suspension")
    refused(lifted, "lifted", NOON + DAY, "standing_change_ends_id", of_last=True)
    refused(terminated, "lifted", NOON + DAY, "a lifting ends a suspension of the same", of_last=True)
    refused(suspended_and_terminated, "lifted", NOON, "before a termination", ends_id=first_suspension)
    refused(nothing, "terminated", NOON, "")
    refused(nothing, "terminated", NOON - TICK, "termination_is_never_back_dated")
    refused(terminated, "terminated", NOON + DAY, "one_termination_per_broker")
    refused(suspended, "terminated", NOON, OVERLAP)
    refused(suspended, "terminated", NOON + TICK, "")
    refused(nothing, "terminated", NOON, "two_people_terminate", prepared_by_id=person("vera"))
    refused(nothing, "terminated", NOON, "two_people_terminate", prepared_by_id=None)
    refused(nothing, "terminated", NOON, "two_people_terminate", recorded_by_id=None)
    for missing in ({"reason": "mood"}, {"message": ""}, {"case_id": None}):
        refused(nothing, "suspended", NOON, "standing_change_has_case_reason_and_message", **missing)


class _First:
    """The first suspension there is; looked up when it is written into a statement."""

    def __str__(self) -> str:
        return str(StandingChange.objects.filter(kind="suspended", range__ends_at=NOON).order_by("-pk")[0].pk)


first_suspension = _First()


def test_ranges_are_written_by_the_database_alone(committed_db: str) -> None:
    broker = make.broker()
    change = suspended(broker)
    make.broker(code=1500)
    by_hand = (
        "INSERT INTO standing_range (change_id, broker_id, kind, starts_at)"
        f" VALUES ({change.pk}, 1500, 'suspended', now())"
    )

    for statement in (
        by_hand,
        "UPDATE standing_range SET ends_at = now()",
        "DELETE FROM standing_range",
        "TRUNCATE standing_range",
    ):
        assert refusal(undone, statement) == "42501 permission denied for table standing_range"
    for statement in ("DELETE FROM standing_range", "TRUNCATE standing_range"):
        assert refusal(as_owner, statement).endswith("its rows are kept for ever")
    assert OVERLAP in refusal(as_owner, insert(broker, a_case(broker), "suspended", NOON))
    moved = "UPDATE standing_range SET kind = 'terminated', ends_at = starts_at"
    assert "standing_range_terminated_for_ever" in refusal(as_owner, moved)


@pytest.mark.django_db
def test_in_a_shell_too_it_takes_two_people_to_terminate() -> None:
    broker, pia = make.broker(), person("pia")
    row = {
        "broker": broker,
        "kind": "terminated",
        "effective_at": NOON,
        "recorded_at": NOON,
        "reason": "other",
        "message": "m",
        "case": a_case(broker),
        "recorded_by_id": pia,
    }

    with pytest.raises(IntegrityError, match="two_people_terminate"), transaction.atomic():
        StandingChange.objects.create(**row, prepared_by_id=pia)
    termination = prepare(broker, by=pia)
    change = StandingChange.objects.create(**row, prepared_by_id=person("quentin"))
    with pytest.raises(IntegrityError, match="another_person_confirms_a_termination"), transaction.atomic():
        Termination.objects.filter(pk=termination.pk).update(
            state="confirmed", decided_by=pia, decided_at=NOON, change=change
        )


def test_it_takes_two_for_the_owner_of_the_database_as_well(committed_db: str) -> None:
    """A CHECK asks nobody who they are; the twin shows that nothing else is in the way."""
    broker = make.broker()
    alone = insert(
        broker, a_case(broker), "terminated", NOON, prepared_by_id=person("pia"), recorded_by_id=person("pia")
    )

    assert "two_people_terminate" in refusal(as_owner, alone)
    with owner.connected() as hand:
        hand.execute("ALTER TABLE standing_change DROP CONSTRAINT two_people_terminate")
    assert refusal(as_owner, alone) == ""


def test_without_the_exclusion_constraint_the_overlaps_would_stand(committed_db: str) -> None:
    """Twin: of the table above, what the constraint refuses is let in without it."""
    with owner.connected() as hand:
        hand.execute("ALTER TABLE standing_range DROP CONSTRAINT standing_ranges_do_not_overlap")

    for number, (history, at, law) in enumerate(SUSPENSIONS):
        if law == OVERLAP:
            broker = make.broker(code=number, enrolled_at=NOON - DAY)
            history(broker)
            assert refusals(insert(broker, a_case(broker), "suspended", at)) == ["", ""]
