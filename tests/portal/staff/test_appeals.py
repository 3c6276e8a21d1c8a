"""Appeals on the staff site: thread, answer, decision; and what is told never contradicts what is so."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from payouts.desk.evidence import NewFile
from payouts.desk.models import Appeal, AppealMessage, Case
from payouts.models import Broker, StandingChange
from tests import make
from tests.portal.application import papers
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker(code=1400)


@pytest.fixture
def rita() -> Any:
    return make_.staff("operations", email="rita@exchange.example")


@pytest.fixture
def suspension(broker: Broker, rita: Any) -> StandingChange:
    return the.suspended(broker, rita)


@pytest.fixture
def appeal(suspension: StandingChange) -> Appeal:
    sent = [NewFile("log.pdf", "application/pdf", papers.pdf())]
    return the.appeal(suspension, make.login(email="olga@delta.example"), files=sent)


@pytest.fixture
def desk(rita: Any) -> Any:
    return at(rita, proven=True)


def act(appeal: Appeal, name: str) -> str:
    return the.at_case(appeal.case, f"appeals/{appeal.reference}/{name}")


def said() -> list[tuple[bool, str]]:
    return list(AppealMessage.objects.order_by("pk").values_list("is_from_exchange", "text"))


def test_the_thread_stands_in_the_case_with_its_files(appeal: Appeal, desk: Any) -> None:
    text = the.text(desk.get(the.at_case(appeal.case)).content.decode())

    assert "Appeal against the suspension of 2026-11-10 waits for our answer" in text
    assert "The broker · olga@delta.example · 2026-11-10 12:00:00 UTC The orders were ours. log.pdf" in text


def test_an_answer_reaches_the_broker_with_its_files(appeal: Appeal, desk: Any) -> None:
    sent = {"text": "Which orders?", "attachments": [SimpleUploadedFile("list.png", papers.png())]}

    answer = desk.post(act(appeal, "answer"), sent)

    assert answer["Location"] == the.at_case(appeal.case)
    assert said() == [(False, "The orders were ours."), (True, "Which orders?")]
    assert [file.name for file in AppealMessage.objects.get(is_from_exchange=True).files.all()] == [
        "list.png"
    ]
    assert "waits for our answer" not in the.text(desk.get(the.at_case(appeal.case)).content.decode())


@pytest.mark.parametrize(
    "wrong", [{"text": ""}, {"text": "x" * 4_001}, {"attachments": [SimpleUploadedFile("a.html", b"<p>")]}]
)
def test_an_answer_with_a_fault_comes_back_with_its_words(
    appeal: Appeal, desk: Any, wrong: dict[str, Any]
) -> None:
    answer = desk.post(act(appeal, "answer"), {"text": "Which orders?"} | wrong)

    assert answer.status_code == 422
    assert wrong.get("text", "Which orders?") in answer.content.decode()
    assert len(said()) == 1


def test_the_appeal_of_a_suspension_that_holds_is_granted_by_lifting_alone(
    appeal: Appeal, suspension: StandingChange, desk: Any
) -> None:
    page = desk.get(act(appeal, "decide"))
    assert "<h1>Refuse the appeal</h1>" in page.content.decode()
    assert "To grant this appeal, lift the suspension" in page.content.decode()

    forged = desk.post(act(appeal, "decide"), {"verdict": "granted", "decision": "You were right."})
    assert forged.status_code == 422
    appeal.refresh_from_db()
    assert appeal.state == "open"

    lifted = desk.post(the.lift_of(suspension), {"message": "You were right.", "note": "Checked."})
    assert lifted.status_code == 302
    appeal.refresh_from_db()
    assert (appeal.state, appeal.decision) == ("granted", "You were right.")


def test_it_is_refused_with_words(appeal: Appeal, rita: Any, desk: Any) -> None:
    answer = desk.post(act(appeal, "decide"), {"verdict": "refused", "decision": "The log shows otherwise."})

    assert answer["Location"] == the.at_case(appeal.case)
    appeal.refresh_from_db()
    assert (appeal.state, appeal.decision, appeal.decided_by) == ("refused", "The log shows otherwise.", rita)
    text = the.text(desk.get(the.at_case(appeal.case)).content.decode())
    assert "The log shows otherwise." in text
    assert "Send the answer" not in text


def test_a_decision_without_words_is_none(appeal: Appeal, desk: Any) -> None:
    assert desk.post(act(appeal, "decide"), {"verdict": "refused", "decision": " "}).status_code == 422
    appeal.refresh_from_db()
    assert appeal.state == "open"


def test_who_decides_second_is_told_on_the_same_page(appeal: Appeal, desk: Any) -> None:
    desk.post(act(appeal, "decide"), {"verdict": "refused", "decision": "No."})

    again = desk.post(act(appeal, "decide"), {"verdict": "refused", "decision": "Yes."})
    late = desk.post(act(appeal, "answer"), {"text": "One more thing."})

    assert (again.status_code, late.status_code) == (409, 409)
    assert "This appeal is decided or withdrawn" in again.content.decode()
    assert "This appeal is decided or withdrawn" in late.content.decode()
    appeal.refresh_from_db()
    assert (appeal.decision, len(said())) == ("No.", 1)


def test_an_appeal_is_found_in_its_own_case_alone(appeal: Appeal, broker: Broker, desk: Any) -> None:
    other = Case.objects.create(broker=broker, kind="fraud", title="Another", opened_at=the.THEN)

    for name in ("answer", "decide"):
        assert desk.post(the.at_case(other, f"appeals/{appeal.reference}/{name}"), {}).status_code == 404
        assert desk.post(the.at_case(appeal.case, f"appeals/{uuid4()}/{name}"), {}).status_code == 404


def test_the_appeal_of_a_termination_can_be_granted_and_changes_nothing(
    broker: Broker, rita: Any, desk: Any
) -> None:
    change = make.terminated(broker, the.THEN)
    found = the.appeal(change, make.login(email="olga@delta.example"))

    page = desk.get(act(found, "decide")).content.decode()
    answer = desk.post(act(found, "decide"), {"verdict": "granted", "decision": "Write to us."})

    assert "the decision changes nothing by itself" in page
    assert answer.status_code == 302
    found.refresh_from_db()
    assert found.state == "granted"
    assert StandingChange.objects.filter(broker=broker).latest("pk").kind == "terminated"
