"""Whatever a broker or staff write about standing is text on the pages of staff, in every field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from payouts.desk import appeals, cases
from payouts.desk.evidence import NewFile
from payouts.models import Appeal, Broker, Case, StandingChange, Termination
from tests import make
from tests.portal.application import papers
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.browsing import at
from tests.portal.staff.test_hostile_text import HOSTILE, active

pytestmark = pytest.mark.django_db


@pytest.fixture
def hostile() -> Broker:
    """A broker about whom everything that can be written is hostile."""
    broker = make.broker(code=1400, name=HOSTILE, account_id=HOSTILE)
    by = make.login(email="carl@exchange.example", name=HOSTILE, is_staff=True)
    olga = make.login(email="olga@delta.example", name=HOSTILE)
    make.membership(olga, broker)
    the.payout(broker)
    file = NewFile(HOSTILE, "application/pdf", papers.pdf())
    change = the.suspended(broker, by, note=HOSTILE, message=HOSTILE, evidence=[file])
    assert change.case is not None
    found = the.appeal(change, olga, text=HOSTILE, files=[file])
    appeals.answer(
        reference=found.reference, text=HOSTILE, files=[], by=by.pk, is_from_exchange=True, now=the.THEN
    )
    cases.note(case_id=change.case.pk, text=HOSTILE, by=by.pk, now=the.THEN)
    the.prepared(broker, by, note=HOSTILE, message=HOSTILE, case_id=change.case.pk)
    other = cases.open_case(
        broker_code=1400, kind="fraud", title=HOSTILE, text=HOSTILE, by=by.pk, now=the.THEN
    )
    cases.close(case_id=other.pk, outcome=HOSTILE, by=by.pk, now=the.THEN)
    return broker


PAGES = ["list", "search", "case", "closed", "suspend", "preview", "lift", "terminate", "confirm", "withdraw"]
PAGES += ["open", "close", "reopen", "decide", "wrong note", "wrong answer", "wrong start", "wrong file"]


@pytest.mark.parametrize("where", PAGES)
def test_hostile_text_is_inert_on_every_page(hostile: Broker, where: str) -> None:
    client: Any = at(make_.staff("superuser"), proven=True)
    change, found = StandingChange.objects.get(kind="suspended"), Appeal.objects.get()
    case, closed = Case.objects.get(state="open"), Case.objects.get(state="closed")
    termination = Termination.objects.get()
    typed = the.asked(reason="fraud", message=HOSTILE, note=HOSTILE)
    to_read = {
        "list": "/staff/payouts/case/?state=all",
        "search": f"/staff/payouts/case/?q={HOSTILE}&state=<script>alert(1)</script>&owner={HOSTILE}",
        "case": the.at_case(case),
        "closed": the.at_case(closed),
        "suspend": the.at_broker(hostile, "suspend") + "?reason=<script>alert(1)</script>",
        "lift": the.lift_of(change),
        "terminate": the.at_broker(hostile, "terminate") + "?reason=fraud",
        "confirm": the.at_termination(termination, "confirm"),
        "withdraw": the.at_termination(termination, "withdraw"),
        "open": "/staff/payouts/case/open/1400/",
        "close": the.at_case(case, "close"),
        "reopen": the.at_case(closed, "reopen"),
        "decide": the.at_case(case, f"appeals/{found.reference}/decide"),
    }
    to_send: dict[str, tuple[str, dict[str, Any]]] = {
        "preview": (the.at_broker(hostile, "terminate"), typed),
        "wrong note": (the.at_case(case, "note"), {"text": HOSTILE * 60}),
        "wrong answer": (the.at_case(case, f"appeals/{found.reference}/answer"), {"text": HOSTILE * 60}),
        "wrong start": (the.at_broker(hostile, "suspend"), typed | {"at": HOSTILE, "case": HOSTILE}),
        "wrong file": (
            the.at_case(case, "evidence"),
            {"text": HOSTILE, "attachments": [the.pdf(HOSTILE, b"x")]},
        ),
    }

    answer = client.get(to_read[where]) if where in to_read else client.post(*to_send[where])

    assert answer.status_code in ((200, 302) if where in to_read else (200, 422))
    assert active(answer.content.decode()) == []


def test_the_texts_are_there_to_be_read(hostile: Broker) -> None:
    case = Case.objects.get(state="open")

    text = at(make_.staff("superuser")).get(the.at_case(case)).content.decode()

    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10
    assert case.opened_at == datetime(2026, 11, 10, 12, 0, tzinfo=UTC)
