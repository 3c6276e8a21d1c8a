"""Evidence is added and never changed; what is no file is refused whole, and the same file twice too."""

import hashlib
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from payouts.desk import appeals, cases, evidence, told
from payouts.desk.evidence import NewFile
from payouts.desk.models import CaseFile
from payouts.models import Broker
from payouts.refusal import Refusal
from tests import make
from tests.payouts.desk import reading as queries
from tests.payouts.desk.case_making import LATER, MESSAGE, NOON, member, opened, paper, staff
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting


@pytest.fixture
def by(db: None) -> int:
    return staff()


@pytest.fixture
def broker(db: None) -> Broker:
    return make.broker()


def test_a_file_keeps_its_bytes_and_their_hash(broker: Broker, by: int) -> None:
    case = opened(broker, by)

    [row] = evidence.put(case, [paper(b"%PDF-1 \0\xff")], by=by, now=LATER)

    [found] = queries.files_of(case.pk)
    assert (found.reference, found.name, found.media_type, found.size, found.is_evidence) == (
        row.reference,
        "orders.pdf",
        "application/pdf",
        9,
        True,
    )
    assert found.sha256 == hashlib.sha256(b"%PDF-1 \0\xff").hexdigest()
    assert (found.uploaded_by, found.uploaded_at) == (by, LATER)
    held = queries.file_bytes(row.reference)
    assert held is not None
    assert (held.name, held.media_type, held.content, held.case_id, held.broker_code) == (
        "orders.pdf",
        "application/pdf",
        b"%PDF-1 \0\xff",
        case.pk,
        1400,
    )
    assert queries.file_bytes(uuid4()) is None


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (paper(b""), "orders.pdf is empty: choose another file."),
        (
            paper(b"x", media_type="text/html"),
            "orders.pdf is neither PDF, PNG nor JPEG: convert it first.",
        ),
        (paper(b"x" * 10_485_761), "orders.pdf has more than 10 MB: choose a smaller file."),
        (paper(name=" "), "A file's name has 1 to 200 characters: rename it."),
        (paper(name="x" * 201), "A file's name has 1 to 200 characters: rename it."),
        (paper(name="a\0b"), "A file's name has 1 to 200 characters: rename it."),
    ],
    ids=["empty", "kind", "large", "no name", "long name", "nul"],
)
def test_what_is_no_file_is_refused_and_none_is_kept(
    broker: Broker, by: int, file: NewFile, sentence: str
) -> None:
    case = opened(broker, by)

    with pytest.raises(evidence.NotAFile) as refused:
        cases.add_evidence(case_id=case.pk, text="Two.", files=[paper(b"good"), file], by=by, now=LATER)

    assert str(refused.value) == sentence
    assert queries.files_of(case.pk) == []
    assert [each.kind for each in queries.timeline(case.pk)] == ["opened"]


def test_ten_files_at_once_and_the_largest_are_taken_eleven_are_not(broker: Broker, by: int) -> None:
    case = opened(broker, by)
    with pytest.raises(evidence.TooManyFiles, match=r"^11 files are too many at once: choose at most 10\.$"):
        evidence.put(case, [paper(bytes([number])) for number in range(11)], by=by, now=LATER)

    evidence.put(case, [paper(bytes([number])) for number in range(10)], by=by, now=LATER)
    evidence.put(case, [paper(b"x" * 10_485_760)], by=by, now=LATER)

    assert [each.size for each in queries.files_of(case.pk)] == [1] * 10 + [10_485_760]


def test_the_same_bytes_are_refused_in_a_case_whatever_their_name(broker: Broker, by: int) -> None:
    case = opened(broker, by, evidence=[paper()])
    with pytest.raises(evidence.SameFile, match=r"^other\.pdf was added before: leave it out\.$"):
        evidence.put(case, [paper(name="other.pdf")], by=by, now=LATER)
    with pytest.raises(evidence.SameFile, match=r"^twin\.pdf was added before: leave it out\.$"):
        evidence.put(case, [paper(b"2", "one.pdf"), paper(b"2", "twin.pdf")], by=by, now=LATER)

    evidence.put(opened(broker, by), [paper()], by=by, now=LATER)  # another case

    assert [each.name for each in queries.files_of(case.pk)] == ["orders.pdf"]


def test_a_broker_learns_from_no_refusal_what_staff_have(broker: Broker, by: int) -> None:
    """The same file is evidence and comes with an appeal: both are kept."""
    end = make.terminated(broker, NOON)
    evidence.put(end.case, [paper()], by=by, now=NOON)

    appeal = appeals.open_appeal(
        broker_code=1400, change_id=end.pk, text=MESSAGE, files=[paper()], by=member(), now=LATER
    )
    with pytest.raises(evidence.SameFile):
        appeals.answer(
            reference=appeal.reference,
            text="Again.",
            files=[paper()],
            by=by,
            is_from_exchange=True,
            now=LATER,
        )

    assert [each.is_evidence for each in queries.files_of(end.case_id)] == [True, False]


def test_a_broker_reads_the_files_of_its_appeals_and_no_evidence(broker: Broker, by: int) -> None:
    end = make.terminated(broker, NOON)
    [secret] = evidence.put(end.case, [paper(b"secret")], by=by, now=NOON)
    appeals.open_appeal(
        broker_code=1400, change_id=end.pk, text=MESSAGE, files=[paper(b"ours")], by=member(), now=LATER
    )
    ours = CaseFile.objects.get(message__isnull=False).reference

    found = told.file_bytes(broker_code=1400, reference=ours)

    assert found is not None
    assert found.content == b"ours"
    assert told.file_bytes(broker_code=1400, reference=secret.reference) is None
    assert told.file_bytes(broker_code=1500, reference=ours) is None


@pytest.mark.parametrize("table", ["desk_case_file", "desk_case_file_content", "desk_case_entry"])
def test_what_was_added_is_never_changed_or_removed(broker: Broker, by: int, table: str) -> None:
    opened(broker, by, evidence=[paper()])
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    column = {"desk_case_file": "name = 'x'", "desk_case_entry": "text = 'x'"}.get(table, "content = ''")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column}")


def test_of_two_who_add_the_same_file_at_once_one_is_told(committed_db: str) -> None:
    assert _two_add_the_same() == ["SameFile"]
    assert CaseFile.objects.count() == 1


def test_twin_without_the_lock_both_add_it(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _without_locks(monkeypatch)

    assert _two_add_the_same(waits=False) == []
    assert CaseFile.objects.count() == 2


def _without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db.models import QuerySet

    monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_: rows)


def _two_add_the_same(*, waits: bool = True) -> list[str]:
    """The first has written its file and not committed when the second begins; the refusals."""
    by = staff()
    case = opened(make.broker(), by)

    def add() -> None:
        evidence.put(case, [paper()], by=by, now=LATER)

    with side_by_side() as start:
        with transaction.atomic():
            add()
            second = start(add)
            if waits:
                until_waiting(1, FOR_ANOTHERS_ROW)
            else:
                second.result()
        problem = second.exception()
    assert problem is None or isinstance(problem, Refusal)
    return [type(problem).__name__] if problem else []
