"""A case goes from its opening to its outcome, tells everything, and does not close while something waits."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from payouts.desk import appeals, cases
from payouts.desk.models import AffiliateCheck, Case, Termination
from payouts.models import Broker
from payouts.program.models import StandingChange
from payouts.refusal import Refusal
from tests import make
from tests.payouts.desk import reading as queries
from tests.payouts.desk.case_making import LATER, MESSAGE, NOON, member, opened, paper, staff, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker()


@pytest.fixture
def by() -> int:
    return staff()


def close(case: Case, by: int, now: Any = LATER) -> None:
    cases.close(case_id=case.pk, outcome="Nothing was wrong.", by=by, now=now)


def test_a_case_is_looked_after_by_who_opened_it(broker: Broker, by: int) -> None:
    case = opened(broker, by, title="  Wash trades ")

    found = queries.case(case.pk)

    assert found is not None
    assert (found.broker_code, found.broker_name, found.kind, str(found.kind_label), found.title) == (
        1400,
        "Broker 1400",
        "fraud",
        "fraud suspicion",
        "Wash trades",
    )
    assert (found.is_open, found.is_flagged, found.opened_at, found.opened_by, found.owner) == (
        True,
        False,
        NOON,
        by,
        by,
    )
    assert told(case) == [("opened", by, "Two traders trade with each other.")]


def test_a_case_that_opens_by_itself_is_flagged_until_somebody_takes_it(broker: Broker, by: int) -> None:
    case = opened(broker, None, is_flagged=True)
    assert [(each.id, each.owner) for each in queries.flagged()] == [(case.pk, None)]

    cases.take(case_id=case.pk, by=by, now=LATER)

    assert queries.flagged() == []
    found = queries.case(case.pk)
    assert found is not None
    assert (found.opened_by, found.owner) == (None, by)
    assert told(case)[1:] == [("taken", by, "")]


def test_a_case_is_handed_on_but_not_to_who_has_it(broker: Broker, by: int) -> None:
    case = opened(broker, by)
    with pytest.raises(cases.AlreadyYours, match=r"^You look after this case already\.$"):
        cases.take(case_id=case.pk, by=by, now=LATER)

    other = staff("tara")
    cases.take(case_id=case.pk, by=other, now=LATER)

    assert [each.owner for each in queries.cases_of(1400)] == [other]


def test_the_timeline_tells_everything_in_order(broker: Broker, by: int) -> None:
    case = opened(broker, by, evidence=[paper()])
    cases.note(case_id=case.pk, text=" Asked the risk desk. ", by=by, now=LATER)
    cases.add_evidence(
        case_id=case.pk,
        text="What they answered:",
        files=[paper(b"1", "a.pdf"), paper(b"2", "b.pdf")],
        by=by,
        now=LATER,
    )
    close(case, by)
    cases.reopen(case_id=case.pk, text="It began again.", by=by, now=LATER)

    assert told(case) == [
        ("opened", by, "Two traders trade with each other."),
        ("evidence", by, "orders.pdf"),
        ("note", by, "Asked the risk desk."),
        ("evidence", by, "What they answered:\na.pdf, b.pdf"),
        ("closed", by, "Nothing was wrong."),
        ("reopened", by, "It began again."),
    ]
    assert [(each.kind, str(each.label), each.at) for each in queries.timeline(case.pk)][:2] == [
        ("opened", "opened", NOON),
        ("evidence", "evidence", NOON),
    ]
    assert [each.name for each in queries.files_of(case.pk)] == ["orders.pdf", "a.pdf", "b.pdf"]


def test_a_closed_case_says_its_outcome_and_takes_nothing_more(broker: Broker, by: int) -> None:
    case = opened(broker, by)
    close(case, by)

    found = queries.case(case.pk)
    assert found is not None
    assert (found.state, found.outcome, found.closed_at, found.closed_by) == (
        "closed",
        "Nothing was wrong.",
        LATER,
        by,
    )
    for act in (
        lambda: cases.take(case_id=case.pk, by=staff("tara"), now=LATER),
        lambda: cases.note(case_id=case.pk, text="One more thing.", by=by, now=LATER),
        lambda: cases.add_evidence(case_id=case.pk, text="This.", files=[paper()], by=by, now=LATER),
        lambda: close(case, by),
    ):
        with pytest.raises(cases.CaseIsClosed, match=r"^This case is closed: reopen it first\.$"):
            act()
    assert [kind for kind, _, _ in told(case)] == ["opened", "closed"]


def test_a_reopened_case_is_as_if_it_had_not_been_closed_and_its_history_knows(
    broker: Broker, by: int
) -> None:
    case = opened(broker, by)
    with pytest.raises(cases.CaseIsOpen):
        cases.reopen(case_id=case.pk, text="Again.", by=by, now=LATER)
    close(case, by)
    cases.reopen(case_id=case.pk, text="Again.", by=by, now=LATER)

    found = queries.case(case.pk)
    assert found is not None
    assert (found.state, found.outcome, found.closed_at, found.closed_by) == ("open", "", None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, outcome FROM payouts_casehistory WHERE id = %s ORDER BY pgh_id", [case.pk]
        )
        assert cursor.fetchall() == [("open", ""), ("closed", "Nothing was wrong."), ("open", "")]


@pytest.mark.parametrize(
    ("changes", "refusal", "sentence"),
    [
        ({"title": "  "}, "NotSaid", "Write a title: it is empty."),
        ({"title": "x" * 201}, "NotSaid", "Shorten a title: it has 201 characters, 200 is the most."),
        ({"text": ""}, "NotSaid", "Write what the case is about: it is empty."),
        (
            {"text": "a\0b"},
            "NotSaid",
            "Write what the case is about anew: it holds a character that cannot be kept.",
        ),
        (
            {"kind": "theft"},
            "NotAKind",
            "theft is no kind of case: choose one of suspension, termination, affiliate, fraud, other.",
        ),
        ({"broker_code": 7}, "NoSuchBroker", "Code 7 belongs to no broker: correct it."),
    ],
)
def test_what_is_no_case_is_refused(
    broker: Broker, by: int, changes: dict[str, Any], refusal: str, sentence: str
) -> None:
    with pytest.raises(Refusal) as refused:
        opened(broker, by, **changes)

    assert (type(refused.value).__name__, str(refused.value)) == (refusal, sentence)
    assert queries.all_cases() == []


def test_every_act_wants_a_text(broker: Broker, by: int) -> None:
    case = opened(broker, by)
    for act, sentence in (
        (lambda: cases.note(case_id=case.pk, text=" ", by=by, now=LATER), "Write a note: it is empty."),
        (
            lambda: cases.add_evidence(case_id=case.pk, text=" ", files=[paper()], by=by, now=LATER),
            "Write what the files show: it is empty.",
        ),
        (
            lambda: cases.add_evidence(case_id=case.pk, text="This.", files=[], by=by, now=LATER),
            "Choose at least one file.",
        ),
        (
            lambda: cases.close(case_id=case.pk, outcome="\n", by=by, now=LATER),
            "Write the outcome: it is empty.",
        ),
        (
            lambda: cases.note(case_id=case.pk, text="x" * 4_001, by=by, now=LATER),
            "Shorten a note: it has 4001 characters, 4000 is the most.",
        ),
    ):
        with pytest.raises(Refusal) as refused:
            act()
        assert str(refused.value) == sentence
    assert [kind for kind, _, _ in told(case)] == ["opened"]


def test_there_is_no_act_on_a_case_that_there_is_not(by: int) -> None:
    with pytest.raises(cases.NoSuchCase):
        cases.note(case_id=7, text="Hello.", by=by, now=NOON)
    with pytest.raises(cases.NoSuchCase):
        cases.close(case_id=7, outcome="Done.", by=by, now=NOON)


def test_a_case_of_another_broker_is_no_case_of_this_one(broker: Broker, by: int) -> None:
    case = opened(broker, by)

    assert cases.locked(case.pk, broker_code=1400) == case
    with pytest.raises(cases.NoSuchCase):
        cases.locked(case.pk, broker_code=1500)


def test_a_case_stays_open_while_its_suspension_is_in_force_or_planned(broker: Broker, by: int) -> None:
    in_force = make.suspended(broker, NOON)
    with pytest.raises(cases.NotYetClosable, match=r"in force or planned: lift it first\.$"):
        close(in_force.case, by)
    make.lifted(in_force, LATER)
    planned = make.suspended(broker, LATER + timedelta(days=1), recorded_at=LATER)
    with pytest.raises(cases.NotYetClosable, match=r"in force or planned: lift it first\.$"):
        close(planned.case, by)
    make.lifted(planned, planned.effective_at)

    close(in_force.case, by)
    close(planned.case, by, now=planned.effective_at)

    assert [each.state for each in queries.cases_of(1400)] == ["closed", "closed"]


def test_a_suspension_that_a_termination_cut_off_keeps_no_case_open(broker: Broker, by: int) -> None:
    suspension = make.suspended(broker, NOON)
    end = make.terminated(broker, LATER + timedelta(days=1), recorded_at=LATER)
    with pytest.raises(cases.NotYetClosable):
        close(suspension.case, by)

    close(suspension.case, by, now=end.effective_at)
    close(end.case, by, now=end.effective_at)

    assert [each.state for each in queries.cases_of(1400)] == ["closed", "closed"]


def test_a_case_stays_open_while_a_termination_is_prepared(broker: Broker, by: int) -> None:
    case = opened(broker, by, kind="termination")
    Termination.objects.create(
        broker=broker, case=case, reason="fraud", note="n", message="m", prepared_by_id=by, prepared_at=NOON
    )

    with pytest.raises(cases.NotYetClosable, match=r"^A termination is prepared in this case: "):
        close(case, by)


def test_a_case_stays_open_while_an_appeal_in_it_is_open(broker: Broker, by: int) -> None:
    end = make.terminated(broker, NOON)
    appeal = appeals.open_appeal(
        broker_code=1400, change_id=end.pk, text=MESSAGE, files=[], by=member(), now=NOON
    )
    assert [each.has_open_appeal for each in queries.cases_of(1400)] == [True]
    with pytest.raises(cases.NotYetClosable, match=r"^An appeal in this case is open: decide it first\.$"):
        close(end.case, by)

    appeals.decide(reference=appeal.reference, granted=False, decision="It stays so.", by=by, now=LATER)
    close(end.case, by)

    assert [(each.state, each.has_open_appeal) for each in queries.cases_of(1400)] == [("closed", False)]


def says(broker: Broker, answer: str, account_id: str = "") -> None:
    AffiliateCheck.objects.update_or_create(
        broker=broker,
        defaults={
            "due_at": LATER,
            "answer": answer,
            "account_id": account_id or broker.account_id,
            "answered_at": NOON,
        },
    )


def test_an_affiliate_conflict_stays_open_while_the_exchange_says_affiliate(broker: Broker, by: int) -> None:
    case = opened(broker, by, kind="affiliate")
    says(broker, "affiliate")
    with pytest.raises(cases.NotYetClosable, match=r"^Backpack Exchange still says that this broker is enr"):
        close(case, by)

    says(broker, "business")
    close(case, by)

    assert [each.state for each in queries.cases_of(1400)] == ["closed"]


def test_what_the_exchange_said_about_a_former_account_keeps_no_conflict_open(
    broker: Broker, by: int
) -> None:
    case = opened(broker, by, kind="affiliate")
    says(broker, "affiliate", account_id="ACC-BEFORE")

    close(case, by)


def test_the_conflict_of_a_terminated_broker_closes_from_the_termination_on(broker: Broker, by: int) -> None:
    case = opened(broker, by, kind="affiliate")
    says(broker, "affiliate")
    make.terminated(broker, LATER, recorded_at=NOON)
    with pytest.raises(cases.NotYetClosable):
        close(case, by, now=LATER - timedelta(microseconds=1))

    close(case, by, now=LATER)


def test_other_cases_of_an_affiliate_close(broker: Broker, by: int) -> None:
    case = opened(broker, by, kind="fraud")
    says(broker, "affiliate")

    close(case, by)


def test_a_broker_has_one_open_affiliate_conflict_at_most(broker: Broker, by: int) -> None:
    first = opened(broker, by, kind="affiliate")
    sentence = r"^This broker has an open affiliate conflict: go on with that one\.$"
    with pytest.raises(cases.ConflictIsOpen, match=sentence):
        opened(broker, by, kind="affiliate")
    close(first, by)
    opened(broker, by, kind="affiliate")

    with pytest.raises(cases.ConflictIsOpen, match=r"^This broker has another open affiliate conflict: "):
        cases.reopen(case_id=first.pk, text="Again.", by=by, now=LATER)
    assert [each.state for each in queries.cases_of(1400)] == ["open", "closed"]


def test_is_terminated_is_true_from_the_very_instant(broker: Broker) -> None:
    make.terminated(broker, NOON)

    assert queries.is_terminated(1400, NOON)
    assert not queries.is_terminated(1400, NOON - timedelta(microseconds=1))
    assert StandingChange.objects.get(kind="terminated").broker_id == 1400
