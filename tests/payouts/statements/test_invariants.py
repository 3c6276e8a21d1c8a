"""Which statements the books look at again, and what they say of those that are not right.

That each invariant is found by its name when it is broken is shown in `test_books_of_money`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payouts import books
from payouts.ledger.models import BooksCheck
from payouts.models import Statement
from payouts.statements import checks, faces
from tests import make
from tests.payouts import owner
from tests.payouts.desk.money_acts import NOON
from tests.payouts.statements import issuing

AS_IF = (
    "UPDATE statement_face SET size = (SELECT sum(octet_length(content)) FROM statement_part"
    " WHERE face_id = statement_face.id), sha256 = (SELECT encode(sha256(string_agg(content, ''::bytea"
    " ORDER BY number)), 'hex') FROM statement_part WHERE face_id = statement_face.id)"
)


def put(statement: Statement, kind: str, was: bytes, is_now: bytes) -> None:
    """Other bytes in a file of a statement, by the owner's hand, with the SHA-256 that they have."""
    where = "face_id = (SELECT id FROM statement_face WHERE statement_id = %s AND kind = %s)"
    with owner.connected() as hand:
        owner.disarm(hand)
        for number, content in hand.execute(
            f"SELECT number, content FROM statement_part WHERE {where}",  # type: ignore[arg-type]
            [statement.pk, kind],
        ).fetchall():
            hand.execute(
                f"UPDATE statement_part SET content = %s WHERE {where} AND number = %s",  # type: ignore[arg-type]
                [content.replace(was, is_now), statement.pk, kind, number],
            )
        hand.execute(AS_IF)  # type: ignore[call-overload]
        owner.disarm(hand, again=True)


def checked(at: datetime, *breached: str) -> None:
    breaches = [{"invariant": name, "rows": 1, "examples": [], "helps": ""} for name in breached]
    BooksCheck.objects.create(checked_at=at, occasion="nightly", breaches=breaches, took_ms=1)


def found() -> dict[str, list[dict[str, str]]]:
    return {each.invariant: each.examples for each in books.breaches()}


@pytest.fixture
def statements(db: Any) -> list[int]:
    """The numbers of thirty-one, as issued before the latest check."""
    broker = make.broker()
    for number in range(31):
        month = f"{2020 + number // 12}-{number % 12 + 1:02d}"
        make.approved(make.payout(broker, month, "0.00"))
    checked(NOON + timedelta(hours=2))
    return list(Statement.objects.order_by("pk").values_list("pk", flat=True))


def todays(statements: list[int]) -> list[int]:
    """Those whose turn is today."""
    today = int(datetime.now(UTC).timestamp()) // 86_400
    return [number for number in statements if number % 30 == today % 30]


def test_after_a_check_that_found_nothing_only_a_thirtieth_is_looked_at(statements: list[int]) -> None:
    assert checks._to_look_at(checks.VERIFIES) == todays(statements)
    assert 1 <= len(todays(statements)) <= 2


def test_what_was_issued_since_or_just_before_is_looked_at(statements: list[int]) -> None:
    new = [
        Statement.objects.get(payout=make.approved(make.payout(make.broker(code=code)), at)).pk
        for code, at in (
            (1500, NOON + timedelta(hours=3)),
            (1600, NOON + timedelta(hours=1, minutes=1)),
        )
    ]

    assert set(checks._to_look_at(checks.VERIFIES)) - set(todays([*statements, *new])) == set(new) - set(
        todays(new)
    )


def test_a_check_that_found_anything_does_not_count(statements: list[int]) -> None:
    new = Statement.objects.get(
        payout=make.approved(make.payout(make.broker(code=1500)), NOON + timedelta(hours=3))
    )
    checked(NOON + timedelta(hours=5), "another invariant")

    assert new.pk in checks._to_look_at(checks.VERIFIES)


def test_while_something_is_wrong_with_any_all_are_looked_at(statements: list[int]) -> None:
    checked(NOON + timedelta(hours=5), checks.VERIFIES)

    assert checks._to_look_at(checks.VERIFIES) == statements
    assert checks._to_look_at(checks.CSV) == todays(statements)


def test_what_was_found_is_found_again_until_it_is_mended(committed_db: str) -> None:
    """Also past the day on which its turn came."""
    statement = issuing.october(make.broker())
    put(statement, "json", b'"payout":"900.00"', b'"payout":"900.01"')
    for day in range(3):
        check = books.check(now=NOON + timedelta(days=40 + day), occasion="nightly")
        assert checks.VERIFIES in {each["invariant"] for each in check.breaches}

    put(statement, "json", b'"payout":"900.01"', b'"payout":"900.00"')
    assert books.check(now=NOON + timedelta(days=50), occasion="nightly").breaches == []


def test_one_changed_digit_is_said_with_its_statement_and_why(committed_db: str) -> None:
    statement = issuing.october(make.broker())
    put(statement, "json", b'"payout":"900.00"', b'"payout":"900.01"')

    said = found()

    of = {"statement": str(statement.pk), "broker": "1400", "number": "1"}
    assert set(said) == {checks.VERIFIES, checks.SAYS_WHAT_WAS_APPROVED}
    assert said[checks.SAYS_WHAT_WAS_APPROVED] == [
        of | {"why": "payout: 900.01 is stated, and 900.00 is on record"}
    ]
    [verified] = said[checks.VERIFIES]
    assert verified.items() >= of.items()
    assert verified["why"].startswith("signature: the digest of this document is ")
    assert "payout: 900.01 is stated, but it is 900" in verified["why"]


def test_a_csv_that_says_something_else_is_said(committed_db: str) -> None:
    statement = issuing.october(make.broker())
    issuing.bytes_of(statement, "csv")
    put(statement, "csv", b",700,", b",701,")

    [row] = found()[checks.CSV]

    assert row["why"] == "amount: the rows of the CSV add up to 901, not to 900"


def test_a_total_of_a_csv_that_says_something_else_is_said(committed_db: str) -> None:
    statement = issuing.october(make.broker())
    issuing.bytes_of(statement, "csv")
    put(statement, "csv", b"0.00,0.00,0.00,900.00\r\n", b"0.00,0.00,0.00,800.00\r\n")

    [row] = found()[checks.CSV]

    assert row["why"] == "due: 800.00 in the CSV, and 900.00 in the document"


@pytest.mark.parametrize("is_now", [b"", b"\xff", b"[]", b"nothing"])
def test_bytes_that_cannot_be_read_are_a_breach_and_no_error(committed_db: str, is_now: bytes) -> None:
    statement = issuing.october(make.broker())
    issuing.bytes_of(statement, "csv")
    put(statement, "json", b'"lines":[', is_now)
    put(statement, "csv", b"row,month", is_now)

    assert {checks.VERIFIES, checks.SAYS_WHAT_WAS_APPROVED, checks.CSV} <= set(found())


def test_a_statement_of_which_nobody_made_a_csv_yet_is_in_order(committed_db: str) -> None:
    statement = issuing.october(make.broker())

    assert faces.stored(statement.pk, "csv") is None
    assert found() == {}


def test_books_in_which_everything_was_done_by_the_engine_are_sound(committed_db: str) -> None:
    for statement in issuing.corrected(make.broker()):
        issuing.all_bytes_of(statement)

    assert found() == {}
