"""Numbers without gaps, bytes that stay, and statements of payouts approved before there were any."""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from payouts.desk import old_statements
from payouts.desk.old_statements import NotAllIssued
from payouts.models import Broker, Case, Face, FacePart, Payout, PayoutHold, Statement
from payouts.statements import actions
from tests import make
from tests.payouts import owner
from tests.payouts.desk import money_acts
from tests.payouts.desk.money_acts import LATER, NOON
from tests.payouts.monthend.processes import manage
from tests.payouts.monthend.racing import AT_THE_GATE, gate_before_writing, side_by_side, until_waiting
from tests.payouts.statements import issuing
from tests.payouts.statements.issuing import SEPTEMBER

TABLES = ("signing_key", "statement", "statement_face", "statement_part")
MUCH_LATER = NOON + timedelta(days=40)


@pytest.fixture
def broker(committed_db: str) -> Broker:
    return make.broker()


def never_issued() -> None:
    """As if statements had come only after what is approved."""
    with owner.connected() as hand:
        owner.disarm(hand)
        hand.execute("TRUNCATE statement_part, statement_face, statement")
        owner.disarm(hand, again=True)


def numbers() -> list[tuple[int, int, str]]:
    rows = Statement.objects.order_by("broker", "number").values_list("broker", "number", "month")
    return [(code, number, f"{month:%Y-%m}") for code, number, month in rows]


# -- numbers ----------------------------------------------------------------------------------


def test_each_broker_s_numbers_begin_with_one_and_each_names_the_one_before(broker: Broker) -> None:
    first, second = issuing.corrected(broker)
    other = issuing.october(make.broker(code=1500))

    assert numbers() == [(1400, 1, "2026-09"), (1400, 2, "2026-10"), (1500, 1, "2026-10")]
    assert issuing.document_of(first)["previous"] is None
    assert issuing.document_of(second)["previous"] == {"number": 1, "digest": first.digest}
    assert issuing.document_of(other)["previous"] is None


@pytest.fixture
def two_to_issue(broker: Broker) -> list[Callable[[], object]]:
    """Two approved payouts of one broker, and what issues the statement of each."""
    issuing.october(broker, month=SEPTEMBER)
    issuing.october(broker)
    never_issued()

    def act(payout: Payout) -> Callable[[], object]:
        def issue() -> Statement:
            with transaction.atomic():
                return actions.issue(payout=payout, adjusted=[], is_held=False, now=LATER)

        return issue

    return [act(each) for each in Payout.objects.select_related("broker", "run").order_by("run__month")]


def both_at_once(acts: list[Callable[[], object]]) -> list[str]:
    """Both have read which number is the last before either writes."""
    with side_by_side() as begin:
        with gate_before_writing("statement"):
            begun = [begin(act) for act in acts]
            until_waiting(2, AT_THE_GATE)
        return sorted(type(each.exception(timeout=60) or each.result()).__name__ for each in begun)


def test_of_two_that_take_one_number_the_database_refuses_one(
    two_to_issue: list[Callable[[], object]],
) -> None:
    assert both_at_once(two_to_issue) == ["IntegrityError", "Statement"]
    assert [number for _, number, _ in numbers()] == [1]


def test_without_the_constraint_a_number_would_be_there_twice(
    two_to_issue: list[Callable[[], object]],
) -> None:
    """Twin."""
    with owner.connected() as hand:
        hand.execute("ALTER TABLE statement DROP CONSTRAINT a_broker_has_a_number_once CASCADE")

    assert both_at_once(two_to_issue) == ["Statement", "Statement"]
    assert [number for _, number, _ in numbers()] == [1, 1]


GAP = (
    "INSERT INTO statement (broker_id, number, previous_number, payout_id, month, issued_at, digest, key_id,"
    " signature, due, lines) SELECT broker_id, 7, {before}, payout_id, month, issued_at, repeat('a', 64),"
    " key_id, signature, due, lines FROM statement WHERE number = 2"
)


@pytest.mark.parametrize(
    ("before", "refused_by"),
    [("6", "statement_number_follows_another"), ("2", "statement_numbers_follow_each_other")],
)
def test_a_number_that_leaves_a_gap_is_refused_and_without_the_guard_is_not(
    broker: Broker, before: str, refused_by: str
) -> None:
    issuing.corrected(broker)
    with owner.connected() as hand:
        hand.autocommit = False
        # Of this payout and month there is one already; that is another matter.
        hand.execute("ALTER TABLE statement DROP CONSTRAINT statement_payout_id_key")
        hand.execute("ALTER TABLE statement DROP CONSTRAINT a_broker_has_one_statement_a_month")
        with pytest.raises(psycopg.IntegrityError) as refused, hand.transaction():
            hand.execute(GAP.format(before=before))  # type: ignore[call-overload]
        assert refused.value.diag.constraint_name == refused_by

        hand.execute(f"ALTER TABLE statement DROP CONSTRAINT {refused_by}")  # type: ignore[call-overload]
        hand.execute(GAP.format(before=before))  # type: ignore[call-overload]
        hand.rollback()


def test_the_one_before_cannot_go(broker: Broker) -> None:
    """Past the triggers, its number is still leaned on."""
    issuing.corrected(broker)
    with owner.connected() as hand:
        owner.disarm(hand)
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="statement_number_follows_another"):
            hand.execute("DELETE FROM statement WHERE number = 1")


# -- bytes that stay --------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_nobody_changes_or_removes_a_statement(broker: Broker, table: str) -> None:
    statement = issuing.october(broker)
    before = issuing.all_bytes_of(statement)
    column = {"statement_part": "content", "statement_face": "sha256"}.get(table, "key_id")
    deeds = (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE")

    for deed in deeds:
        with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
            cursor.execute(deed)
        with (
            owner.connected() as hand,
            pytest.raises(psycopg.errors.InsufficientPrivilege, match="kept for ever"),
        ):
            hand.execute(deed)  # type: ignore[call-overload]

    assert issuing.all_bytes_of(statement) == before


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_nobody_adds_to_a_file(broker: Broker, kind: str) -> None:
    statement = issuing.october(broker)
    issuing.bytes_of(statement, kind)
    face = Face.objects.get(kind=kind)
    last = FacePart.objects.filter(face=face).count()

    with pytest.raises(IntegrityError, match="those of its SHA-256"), transaction.atomic():
        FacePart.objects.create(face=face, number=last, content=b"\n")


def test_a_correction_leaves_the_old_statement_as_it_was(broker: Broker) -> None:
    first = issuing.october(broker, month=SEPTEMBER)
    before = issuing.all_bytes_of(first)
    make.fills(make.record(price="9000000", timestamp="2026-09-20T12:00:00Z"))

    second = issuing.october(broker, at=LATER)

    assert issuing.all_bytes_of(first) == before
    [corrected] = issuing.document_of(second)["corrected"]
    assert (corrected["month"], corrected["tier_before"], corrected["tier_after"]) == (
        "2026-09",
        "BKR 0",
        "BKR 2",
    )


# -- of payouts from before -------------------------------------------------------------------


def test_what_is_issued_late_is_byte_for_byte_what_would_have_been_issued(broker: Broker) -> None:
    statements = issuing.corrected(broker)
    assert issuing.document_of(statements[1])["adjustments"] == "-3.50"
    before = [issuing.all_bytes_of(each) for each in statements]
    never_issued()

    assert old_statements.issue_missing(clock=lambda: MUCH_LATER) == 2

    after = Statement.objects.order_by("number")
    assert [issuing.all_bytes_of(each) for each in after] == before
    assert {each.issued_at for each in after} == {MUCH_LATER}


def hold(payout: Payout, *, at: datetime) -> PayoutHold:
    case = Case.objects.create(broker=payout.broker, kind="other", title="A question", opened_at=at)
    return PayoutHold.objects.create(payout=payout, case=case, held_at=at)


def test_whether_it_was_held_is_as_it_was_when_it_was_approved(broker: Broker) -> None:
    """Held then and released since; not held then and held since."""
    make.fills(make.record(price="5000"))
    payout = money_acts.calculated(broker)
    held = hold(payout, at=NOON - timedelta(days=1))
    assert issuing.document_of(issuing.issued(payout))["held"] is True
    money_acts.done("release", hold_id=held.pk, mode="in full")
    hold(issuing.october(make.broker(code=1500)).payout, at=LATER)
    never_issued()

    old_statements.issue_missing(clock=lambda: MUCH_LATER)

    said = {each.broker_id: issuing.document_of(each)["held"] for each in Statement.objects.all()}
    assert said == {1400: True, 1500: False}


def test_run_twice_or_by_two_at_once_each_is_issued_once(broker: Broker) -> None:
    issuing.corrected(broker)
    never_issued()

    with side_by_side() as begin:
        begun = [begin(lambda: old_statements.issue_missing(clock=lambda: LATER)) for _ in range(2)]
        assert sum(each.result(timeout=60) for each in begun) == 2

    assert numbers() == [(1400, 1, "2026-09"), (1400, 2, "2026-10")]
    assert old_statements.issue_missing(clock=lambda: LATER) == 0


def test_one_that_is_not_right_keeps_back_only_its_broker_s_later_ones(broker: Broker) -> None:
    issuing.corrected(broker)
    issuing.october(make.broker(code=1500))
    never_issued()
    with owner.connected() as hand:
        owner.disarm(hand)
        hand.execute("UPDATE payout SET tier = 'BKR 5' WHERE broker_id = 1400 AND corrections = 0")
        owner.disarm(hand, again=True)

    with pytest.raises(
        NotAllIssued,
        match=r"^1 statements are issued, those of 1 brokers not: .* of broker 1400 for 2026-09 ",
    ):
        old_statements.issue_missing(clock=lambda: LATER)

    assert numbers() == [(1500, 1, "2026-10")]


def test_the_command_issues_them_and_says_how_many(broker: Broker, committed_db: str) -> None:
    issuing.october(broker)
    issuing.october(make.broker(code=1500))
    never_issued()

    for answer in ('{"issued": 2}\n', '{"issued": 0}\n'):
        said = manage("issue_statements", database=committed_db)
        assert (said.returncode, said.stdout, said.stderr) == (0, answer, "")
    assert numbers() == [(1400, 1, "2026-10"), (1500, 1, "2026-10")]
