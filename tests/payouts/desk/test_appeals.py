"""An appeal is made once, talked about by both sides with files, and decided once."""

from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, transaction

from payouts.desk import appeals, cases, told
from payouts.desk.evidence import NotAFile
from payouts.desk.models import Appeal, AppealMessage, CaseFile
from payouts.desk.wording import NotSaid
from payouts.models import Broker
from tests import make
from tests.payouts.desk import case_making
from tests.payouts.desk import reading as queries
from tests.payouts.desk.case_making import LATER, MESSAGE, NOON, member, paper, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker()


@pytest.fixture
def olga() -> int:
    return member()


@pytest.fixture
def sven() -> int:
    return staff()


@pytest.fixture
def suspension(broker: Broker) -> Any:
    return make.suspended(broker, NOON)


def appealed(change: Any, by: int, **changes: Any) -> Appeal:
    given: dict[str, Any] = {
        "broker_code": change.broker_id,
        "change_id": change.pk,
        "text": MESSAGE,
        "files": [],
        "by": by,
        "now": LATER,
    }
    return appeals.open_appeal(**given | changes)


def says(appeal: Appeal, by: int, text: str, *, files: Any = (), is_from_exchange: bool = False) -> None:
    appeals.answer(
        reference=appeal.reference,
        text=text,
        files=files,
        by=by,
        is_from_exchange=is_from_exchange,
        now=LATER,
    )


def test_an_appeal_goes_to_the_case_of_what_it_appeals(suspension: Any, olga: int) -> None:
    appeal = appealed(suspension, olga, files=[paper()])

    found = queries.appeal(appeal.reference)
    assert found is not None
    assert (found.broker_code, found.broker_name, found.case_id, found.change_id, found.change_kind) == (
        1400,
        "Broker 1400",
        suspension.case_id,
        suspension.pk,
        "suspended",
    )
    assert (found.is_open, found.opened_by, found.opened_at, found.decision) == (True, olga, LATER, "")
    assert [(each.by, each.is_from_exchange, each.text, each.at) for each in found.messages] == [
        (olga, False, MESSAGE, LATER)
    ]
    assert [(file.name, file.is_evidence) for file in found.messages[0].files] == [("orders.pdf", False)]
    assert queries.open_appeals() == queries.appeals_in(suspension.case_id) == [found]
    assert queries.appeal_of(suspension.pk) == found
    assert case_making.told(suspension.case) == [
        ("appealed", olga, ""),
        ("appeal message", olga, MESSAGE),
    ]


def test_both_sides_talk_until_it_is_decided(suspension: Any, olga: int, sven: int) -> None:
    appeal = appealed(suspension, olga)
    says(appeal, sven, " Send the log of the 3rd. ", is_from_exchange=True)
    says(appeal, olga, "Here it is.", files=[paper()])
    appeals.decide(
        reference=appeal.reference, granted=False, decision="The log shows the orders.", by=sven, now=LATER
    )

    [mine] = told.appeals(1400)
    assert [(each.by, each.is_from_exchange, each.text) for each in mine.messages] == [
        (olga, False, MESSAGE),
        (None, True, "Send the log of the 3rd."),
        (olga, False, "Here it is."),
    ]
    assert [[file.name for file in each.files] for each in mine.messages] == [[], [], ["orders.pdf"]]
    assert (mine.state, mine.state_label, mine.decision, mine.decided_at) == (
        "refused",
        "refused",
        "The log shows the orders.",
        LATER,
    )
    assert case_making.told(suspension.case)[-1] == (
        "appeal decided",
        sven,
        "refused\nThe log shows the orders.",
    )
    assert queries.open_appeals() == []


@pytest.mark.parametrize("end", ["refused", "withdrawn"])
def test_what_is_decided_or_withdrawn_stays_so(suspension: Any, olga: int, sven: int, end: str) -> None:
    appeal = appealed(suspension, olga)
    if end == "refused":
        appeals.decide(reference=appeal.reference, granted=False, decision="No.", by=sven, now=LATER)
    else:
        appeals.withdraw(reference=appeal.reference, by=olga, now=LATER)

    for act in (
        lambda: says(appeal, olga, "But."),
        lambda: appeals.withdraw(reference=appeal.reference, by=olga, now=LATER),
        lambda: appeals.decide(reference=appeal.reference, granted=True, decision="Yes.", by=sven, now=LATER),
    ):
        with pytest.raises(appeals.AppealIsDecided, match=r"^This appeal is decided or withdrawn: "):
            act()
    with pytest.raises(appeals.AlreadyAppealed):
        appealed(suspension, olga)
    with pytest.raises(DatabaseError, match="is decided"), transaction.atomic():
        Appeal.objects.update(state="open", decision="", decided_at=None, decided_by=None)
    [found] = queries.appeals_in(suspension.case_id)
    assert (found.state, len(found.messages)) == (end, 1)


def test_a_withdrawn_appeal_says_who_withdrew_it(suspension: Any, olga: int) -> None:
    appeal = appealed(suspension, olga)

    appeals.withdraw(reference=appeal.reference, by=olga, now=LATER)

    [found] = queries.appeals_in(suspension.case_id)
    assert (found.state, found.decision, found.decided_by, found.decided_at) == ("withdrawn", "", olga, LATER)
    assert case_making.told(suspension.case)[-1] == ("appeal decided", olga, "withdrawn")


def test_there_is_one_appeal_of_a_change(suspension: Any, olga: int) -> None:
    appealed(suspension, olga)

    with pytest.raises(appeals.AlreadyAppealed, match=r"^This was appealed before: "):
        appealed(suspension, olga, text="Once more.")

    assert [len(each.messages) for each in queries.appeals_in(suspension.case_id)] == [1]


def test_a_suspension_and_the_termination_after_it_are_appealed_apart(
    broker: Broker, suspension: Any, olga: int
) -> None:
    end = make.terminated(broker, LATER)

    appealed(suspension, olga)
    appealed(end, olga)

    assert {each.change_kind for each in queries.open_appeals()} == {"suspended", "terminated"}


def test_what_is_not_this_brokers_or_no_stop_cannot_be_appealed(
    broker: Broker, suspension: Any, olga: int
) -> None:
    make.broker(code=1500)
    enrolment = broker.standing_changes.get(kind="enrolled")
    lifting = make.lifted(suspension, LATER)
    sentence = r"^There is no such suspension or termination: open the page again\.$"
    for change in ({"broker_code": 1500}, {"change_id": enrolment.pk}, {"change_id": lifting.pk}):
        with pytest.raises(appeals.NothingToAppeal, match=sentence):
            appealed(suspension, olga, **change)
    with pytest.raises(appeals.NothingToAppeal, match=r"^This suspension has been lifted: "):
        appealed(suspension, olga)
    assert Appeal.objects.count() == 0


def test_a_planned_suspension_can_be_appealed_before_it_begins(broker: Broker, olga: int) -> None:
    planned = make.suspended(broker, LATER + timedelta(days=1), recorded_at=NOON)

    assert [each.can_be_appealed for each in told.changes(1400)] == [True]
    appealed(planned, olga)

    [change] = told.changes(1400)
    assert (change.can_be_appealed, change.appeal) == (False, Appeal.objects.get().reference)


@pytest.mark.parametrize("text", ["", " \n", "x" * 4_001, "a\0b"])
def test_an_appeal_says_something_that_can_be_kept(suspension: Any, olga: int, text: str) -> None:
    with pytest.raises(NotSaid):
        appealed(suspension, olga, text=text)

    assert (Appeal.objects.count(), AppealMessage.objects.count()) == (0, 0)


def test_there_is_no_answer_to_an_appeal_that_there_is_not(sven: int) -> None:
    with pytest.raises(appeals.NoSuchAppeal):
        appeals.decide(reference=uuid4(), granted=True, decision="Yes.", by=sven, now=LATER)
    assert (queries.appeal(uuid4()), queries.appeal_of(7)) == (None, None)


def test_an_appeal_reopens_a_closed_case(broker: Broker, olga: int, sven: int) -> None:
    end = make.terminated(broker, NOON)
    cases.close(case_id=end.case_id, outcome="Terminated.", by=sven, now=NOON)

    appealed(end, olga)

    assert [each.state for each in queries.cases_of(1400)] == ["open"]
    assert case_making.told(end.case)[1:3] == [
        ("reopened", None, "The broker appealed."),
        ("appealed", olga, ""),
    ]


def test_granting_the_appeal_of_a_suspension_is_lifting_it(suspension: Any, olga: int, sven: int) -> None:
    appeal = appealed(suspension, olga)
    with pytest.raises(appeals.StillSuspended, match=r"^Lift the suspension: that grants the appeal, "):
        appeals.decide(
            reference=appeal.reference, granted=True, decision="You are right.", by=sven, now=LATER
        )

    make.lifted(suspension, LATER)
    appeals.grant_by_lifting(suspension, message=" You are right. ", by=sven, now=LATER)

    [found] = told.appeals(1400)
    assert (found.state, found.decision, found.decided_at) == ("granted", "You are right.", LATER)


def test_a_lifting_grants_the_open_appeal_alone(
    broker: Broker, suspension: Any, olga: int, sven: int
) -> None:
    assert appeals.grant_by_lifting(suspension, message="Over.", by=sven, now=LATER) is None
    appeal = appealed(suspension, olga)
    appeals.withdraw(reference=appeal.reference, by=olga, now=LATER)
    lifting = make.lifted(suspension, LATER)

    assert appeals.grant_by_lifting(lifting, message="Over.", by=sven, now=LATER) is None

    assert [each.state for each in told.appeals(1400)] == ["withdrawn"]


def test_a_lifting_that_says_nothing_says_that_it_was_lifted(suspension: Any, olga: int, sven: int) -> None:
    appealed(suspension, olga)
    lifting = make.lifted(suspension, LATER)

    appeals.grant_by_lifting(lifting, message="", by=sven, now=LATER)

    assert [each.decision for each in told.appeals(1400)] == ["The suspension was lifted."]


def test_the_appeal_of_a_termination_is_granted_with_words(broker: Broker, olga: int, sven: int) -> None:
    appeal = appealed(make.terminated(broker, NOON), olga)

    appeals.decide(
        reference=appeal.reference, granted=True, decision="You may apply anew.", by=sven, now=LATER
    )

    assert [(each.state, each.decision) for each in told.appeals(1400)] == [
        ("granted", "You may apply anew.")
    ]


def test_the_appeal_of_a_suspension_that_a_termination_ended_can_be_granted(
    broker: Broker, suspension: Any, olga: int, sven: int
) -> None:
    appeal = appealed(suspension, olga)
    make.terminated(broker, LATER)

    appeals.decide(reference=appeal.reference, granted=True, decision="It was wrong.", by=sven, now=LATER)

    assert [each.state for each in told.appeals(1400)] == ["granted"]


def test_an_appeal_takes_so_many_messages_and_files(
    suspension: Any, olga: int, sven: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appeals, "MOST_MESSAGES", 3)
    monkeypatch.setattr(appeals, "MOST_FILES", 2)
    appeal = appealed(suspension, olga, files=[paper(b"1")])
    with pytest.raises(appeals.AppealIsFull):
        says(appeal, olga, "Two more.", files=[paper(b"2"), paper(b"3")])
    says(appeal, olga, "One more.", files=[paper(b"2")])
    says(appeal, sven, "Thank you.", is_from_exchange=True)

    with pytest.raises(appeals.AppealIsFull):
        says(appeal, olga, "And another thing.")

    assert (AppealMessage.objects.count(), CaseFile.objects.count()) == (3, 2)


def test_a_message_whose_file_is_refused_is_not_kept(suspension: Any, olga: int) -> None:
    appeal = appealed(suspension, olga)
    with pytest.raises(NotAFile):
        says(appeal, olga, "Here.", files=[paper(b"")])

    assert [len(each.messages) for each in told.appeals(1400)] == [1]


def test_a_broker_reads_its_own_appeals_alone(suspension: Any, olga: int) -> None:
    reference = appealed(suspension, olga).reference

    found = told.appeal(broker_code=1400, reference=reference)
    assert found is not None
    assert told.appeal(broker_code=1500, reference=reference) is None
    assert (told.appeals(1500), told.changes(1500)) == ([], [])


def test_what_a_broker_is_told_has_no_note_no_evidence_and_no_staff() -> None:
    """The fields are named here one by one: who adds one thinks about who reads it."""
    assert {view.__name__: [field.name for field in fields(view)] for view in _TOLD} == {
        "ToldChange": [
            "id", "kind", "effective_at", "recorded_at", "reason", "message", "ends_at", "is_lifted",
            "appeal", "can_be_appealed",
        ],
        "ToldAppeal": [
            "reference", "change_id", "state", "state_label", "opened_by", "opened_at", "decision",
            "decided_at", "messages",
        ],
        "ToldMessage": ["by", "text", "at", "files"],
        "ToldFile": ["reference", "name", "media_type", "size"],
        "ToldFileBytes": ["name", "media_type", "content"],
    }  # fmt: skip


_TOLD: list[Any] = [told.ToldChange, told.ToldAppeal, told.ToldMessage, told.ToldFile, told.ToldFileBytes]


def test_a_broker_reads_its_standing_newest_first(broker: Broker, suspension: Any) -> None:
    make.lifted(suspension, LATER)
    end = make.terminated(broker, LATER + timedelta(hours=1))

    assert [
        (each.kind, each.effective_at, each.reason, each.message, each.ends_at, each.is_lifted)
        for each in told.changes(1400)
    ] == [
        (
            "terminated",
            end.effective_at,
            "violation of the User Agreement",
            "The User Agreement was violated.",
            None,
            False,
        ),
        ("lifted", LATER, "", "", None, False),
        (
            "suspended",
            NOON,
            "conduct deemed harmful to the platform or its users",
            "Orders were sent that nobody had asked for.",
            LATER,
            True,
        ),
    ]
