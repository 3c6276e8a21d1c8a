"""Who may do what with standing, cases and appeals: act by act, role by role, never with one's own broker."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from payouts.desk import terminate
from payouts.desk.evidence import NewFile
from payouts.desk.models import Appeal, AppealMessage, Case, CaseEntry, Termination
from payouts.models import Broker, StandingChange
from portal.accounts.staff_roles import NotYourRole, OwnBroker
from portal.staff import case_actions, standing_actions
from tests import make
from tests.make import NOW
from tests.portal.application import papers
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db

#: Who may work on cases, suspend, prepare and confirm; everybody else is refused.
MAY = {
    "reviewer": False,
    "operations": True,
    "finance preparer": False,
    "finance approver": False,
    "auditor": False,
    "superuser": True,
    "none": False,
}
#: Who may read cases and their files.
MAY_SEE = MAY | {"reviewer": True, "finance preparer": True, "finance approver": True, "auditor": True}


@pytest.fixture
def colleague() -> Any:
    """Somebody else on the staff, who did what is there already."""
    return make.login(email="carl@exchange.example", is_staff=True)


@pytest.fixture
def broker() -> Broker:
    return make.broker(code=1400)


Act = Callable[[Broker, Any, Any], object]


def _words(**more: Any) -> dict[str, Any]:
    return {"note": the.NOTE, "message": the.MESSAGE} | more


def suspend(broker: Broker, by: Any, colleague: Any) -> object:
    return standing_actions.suspend(
        broker_code=broker.code, reason="fraud", starts_at=None, case_id=None, by=by, now=NOW, **_words()
    )


def lift(broker: Broker, by: Any, colleague: Any) -> object:
    found = the.suspended(broker, colleague)
    return standing_actions.lift(suspension_id=found.pk, is_planned=False, by=by, now=NOW, **_words())


def prepare(broker: Broker, by: Any, colleague: Any) -> object:
    return standing_actions.prepare(
        broker_code=broker.code, reason="fraud", effective_at=None, case_id=None, by=by, now=NOW, **_words()
    )


def confirm(broker: Broker, by: Any, colleague: Any) -> object:
    found = the.prepared(broker, colleague)
    shown = terminate.shown(found.pk, now=timezone.now())
    return standing_actions.confirm(termination_id=found.pk, shown=shown, by=by, clock=timezone.now)


def withdraw(broker: Broker, by: Any, colleague: Any) -> object:
    found = the.prepared(broker, colleague)
    return standing_actions.withdraw(termination_id=found.pk, note="no", by=by, now=NOW)


def _case(broker: Broker, **fields: Any) -> Case:
    return Case.objects.create(broker=broker, kind="fraud", title="A case", opened_at=the.THEN, **fields)


def open_case(broker: Broker, by: Any, colleague: Any) -> object:
    return case_actions.open_case(
        broker_code=broker.code, kind="fraud", title="A case", text="x", by=by, now=NOW
    )


def take(broker: Broker, by: Any, colleague: Any) -> object:
    return case_actions.take(case_id=_case(broker).pk, holder=None, by=by, now=NOW)


def note(broker: Broker, by: Any, colleague: Any) -> object:
    return case_actions.note(case_id=_case(broker).pk, text="x", by=by, now=NOW)


def add_evidence(broker: Broker, by: Any, colleague: Any) -> object:
    files = [NewFile("a.pdf", "application/pdf", papers.pdf())]
    return case_actions.add_evidence(case_id=_case(broker).pk, text="x", files=files, by=by, now=NOW)


def close(broker: Broker, by: Any, colleague: Any) -> object:
    return case_actions.close(case_id=_case(broker).pk, outcome="x", by=by, now=NOW)


def reopen(broker: Broker, by: Any, colleague: Any) -> object:
    closed = _case(broker, state="closed", closed_at=NOW, closed_by=colleague, outcome="x")
    return case_actions.reopen(case_id=closed.pk, text="x", by=by, now=NOW)


def _appeal(broker: Broker, colleague: Any) -> Appeal:
    olga = make.login(email="olga@delta.example")
    return the.appeal(the.suspended(broker, colleague), olga)


def answer(broker: Broker, by: Any, colleague: Any) -> object:
    found = _appeal(broker, colleague)
    return case_actions.answer(reference=found.reference, text="x", files=[], by=by, now=NOW)


def decide(broker: Broker, by: Any, colleague: Any) -> object:
    found = _appeal(broker, colleague)
    return case_actions.decide(reference=found.reference, granted=False, decision="No.", by=by, now=NOW)


ACTS: list[Act] = [
    suspend, lift, prepare, confirm, withdraw,
    open_case, take, note, add_evidence, close, reopen, answer, decide,
]  # fmt: skip
_name = pytest.mark.parametrize("act", ACTS, ids=[act.__name__ for act in ACTS])


def traces(by: Any) -> int:
    """What a login left behind."""
    return (
        StandingChange.objects.filter(recorded_by=by).count()
        + Termination.objects.filter(prepared_by=by).count()
        + Termination.objects.filter(decided_by=by).count()
        + CaseEntry.objects.filter(by=by).count()
        + AppealMessage.objects.filter(by=by).count()
        + Appeal.objects.filter(decided_by=by).count()
    )


@_name
@pytest.mark.parametrize(("role", "may"), MAY.items())
def test_only_operations_and_superusers_act(
    role: str, may: bool, act: Act, broker: Broker, colleague: Any
) -> None:
    by = make_.staff(role)

    if may:
        act(broker, by, colleague)
        assert traces(by) > 0
        return
    with pytest.raises(NotYourRole):
        act(broker, by, colleague)
    assert traces(by) == 0


@_name
@pytest.mark.parametrize("role", ["operations", "superuser"])
def test_nobody_acts_on_a_broker_of_their_own(role: str, act: Act, broker: Broker, colleague: Any) -> None:
    by = make_.staff(role)
    make.membership(by, broker, role="viewer")

    with pytest.raises(OwnBroker, match="another member of staff has to do this"):
        act(broker, by, colleague)
    assert traces(by) == 0


# -- the same at the doors -----------------------------------------------------------------------


@pytest.fixture
def pages(broker: Broker, colleague: Any) -> dict[str, str]:
    """Every page and button, each with something to act on."""
    suspension = the.suspended(broker, colleague)
    case = suspension.case
    assert case is not None
    appeal = the.appeal(suspension, make.login(email="olga@delta.example"))
    other = make.broker(code=1500)
    make.membership(make.login(email="otto@delta.example"), other)
    termination = the.prepared(broker, colleague)
    return {
        "suspend": the.at_broker(broker, "suspend"),
        "terminate": the.at_broker(broker, "terminate"),
        "lift": the.lift_of(suspension),
        "confirm": the.at_termination(termination, "confirm"),
        "withdraw": the.at_termination(termination, "withdraw"),
        "open": "/staff/payouts/case/open/1400/",
        "take": the.at_case(case, "take"),
        "note": the.at_case(case, "note"),
        "evidence": the.at_case(case, "evidence"),
        "close": the.at_case(case, "close"),
        "reopen": the.at_case(case, "reopen"),
        "answer": the.at_case(case, f"appeals/{appeal.reference}/answer"),
        "decide": the.at_case(case, f"appeals/{appeal.reference}/decide"),
    }


BUTTONS = ("take", "note", "evidence", "answer")


@pytest.mark.parametrize(("role", "may"), MAY.items())
def test_no_door_opens_for_another_role(role: str, may: bool, pages: dict[str, str]) -> None:
    client = at(make_.staff(role), proven=role != "none")

    read = {name: client.get(page).status_code for name, page in pages.items()}
    sent = {name: client.post(page, {}).status_code for name, page in pages.items()}

    if may:
        assert read == {name: 405 if name in BUTTONS else 200 for name in pages}
        assert sent == {name: 409 if name == "take" else 422 for name in pages}
    else:
        assert read == {name: 405 if name in BUTTONS and role != "none" else 403 for name in pages}
        assert set(sent.values()) == {403}


@pytest.mark.parametrize("role", ["operations", "superuser"])
def test_no_door_opens_to_a_broker_of_ones_own(role: str, broker: Broker, pages: dict[str, str]) -> None:
    by = make_.staff(role)
    make.membership(by, broker, role="viewer")
    client = at(by, proven=True)

    assert {client.post(page, {}).status_code for page in pages.values()} == {403}


@pytest.mark.parametrize(("role", "may"), MAY_SEE.items())
def test_who_may_read_cases_and_their_files(role: str, may: bool, broker: Broker, colleague: Any) -> None:
    case = the.suspended(broker, colleague, evidence=[NewFile("a.pdf", "application/pdf", b"%PDF-1")]).case
    assert case is not None
    file = case.files.get()
    client = at(make_.staff(role))

    wanted = 200 if may else 403
    for page in ("/staff/payouts/case/", the.at_case(case), the.at_case(case, f"files/{file.reference}")):
        assert client.get(page).status_code == wanted


def test_nobody_reads_a_case_about_a_broker_of_their_own(broker: Broker, colleague: Any) -> None:
    case = the.suspended(broker, colleague, evidence=[NewFile("a.pdf", "application/pdf", b"%PDF-1")]).case
    assert case is not None
    by = make_.staff("superuser")
    make.membership(by, broker, role="viewer")
    client = at(by)

    assert client.get(the.at_case(case)).status_code == 403
    assert client.get(the.at_case(case, f"files/{case.files.get().reference}")).status_code == 403
    assert case.title not in client.get("/staff/payouts/case/").content.decode()


def test_members_and_strangers_find_no_door(broker: Broker, pages: dict[str, str]) -> None:
    olga = make.login(email="owner@delta.example")
    make.membership(olga, broker)

    for page in (*pages.values(), "/staff/payouts/case/"):
        assert at(olga).post(page, {}).status_code == 403
        assert Client().get(page)["Location"].startswith("/accounts/login/")
