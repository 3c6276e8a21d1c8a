"""The pages and buttons of a review, as reviewers and everybody else meet them."""

import re
from typing import Any

import pytest
from django.utils import timezone

from payouts.models import Broker
from portal.application import review
from portal.application.models import Application, Document, DocumentContent, ReviewNote
from tests import make
from tests.exchange import AnsweringExchange
from tests.portal.staff import make_review as make_
from tests.portal.staff.browsing import at, page

pytestmark = pytest.mark.django_db
QUEUE = "/staff/portal/application/"
#: Of a page of the queue: session, login, its use noted, second factor, roles, rows, and two for all risks.
QUERIES = 8


def names(text: str) -> list[str]:
    return re.findall(r'<th class="field-business"><a [^>]*>(.*?)</a>', text)


def hidden(text: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(seen|code|was_proposed)" value="([^"]*)"', text)
    return dict(found)


# -- the queue -----------------------------------------------------------------------------------


def test_the_queue_shows_what_waits_oldest_first_and_empties_as_one_works() -> None:
    by = make_.staff()
    make_.application(legal_name="Young", submitted_at=timezone.now())
    old = make_.application(legal_name="Old")
    make_.application(legal_name="Draft", state="draft")
    make_.application(legal_name="Asked", state="information_requested")

    assert names(at(by).get(QUEUE).content.decode()) == ["Old", "Young"]

    review.ask(reference=old.reference, seen=1, text="x", by=by, now=timezone.now())
    assert names(at(by).get(QUEUE).content.decode()) == ["Young"]
    assert names(at(by).get(f"{QUEUE}?state=information_requested").content.decode()) == ["Old", "Asked"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("assigned=me", ["Mine"]),
        ("assigned=nobody", ["Risky", "New"]),
        ("risk=high", ["Risky"]),
        ("overdue=yes", ["Mine"]),
        ("state=all", ["Mine", "Risky", "New"]),
        ("q=RISK", ["Risky"]),
        ("q=delta%25", []),
    ],
)
def test_the_queue_is_filtered_and_searched(query: str, found: list[str], time_machine: Any) -> None:
    by = make_.staff()
    early, late = (make.NOW.replace(day=day) for day in (9, 20))
    make_.application(legal_name="Mine", submitted_at=early, state="in_review", assignee=by)
    make_.application(legal_name="Risky", submitted_at=late, country="KP")
    make_.application(legal_name="New", submitted_at=make.NOW)
    time_machine.move_to(make.NOW)

    assert names(at(by).get(f"{QUEUE}?{query}").content.decode()) == found


def test_thirty_rows_cost_as_many_queries_as_one(django_assert_num_queries: Any) -> None:
    by = make_.staff()
    client = at(by)
    make_.application(assignee=by)
    client.get(QUEUE)  # the first request notes when the session was used
    with django_assert_num_queries(QUERIES):
        client.get(QUEUE)
    for _ in range(29):
        make_.application(assignee=by)

    with django_assert_num_queries(QUERIES):
        text = client.get(QUEUE).content.decode()

    assert len(names(text)) == 30


# -- one application -----------------------------------------------------------------------------


def test_a_draft_is_no_page_of_the_staff_site() -> None:
    found, client = make_.application(state="draft"), at(make_.staff("superuser"), proven=True)

    for act in ("change", "approve", "ask", "reject"):
        assert client.get(page(found, act)).status_code == 404


#: The page, its documents and the act pages: by role.
SEES = {
    "reviewer": (200, 200, 200),
    "operations": (200, 403, 403),
    "finance preparer": (403, 403, 403),
    "finance approver": (403, 403, 403),
    "auditor": (200, 200, 403),
    "superuser": (200, 200, 200),
    "none": (403, 403, 403),
}


def with_document(found: Application, **fields: Any) -> Document:
    document = Document.objects.create(
        **{
            "application": found,
            "kind": "registration",
            "name": "certificate.pdf",
            "media_type": "application/pdf",
            "size": 5,
            "sha256": "a" * 64,
            "uploaded_at": make.NOW,
            "uploaded_by": found.applicant,
        }
        | fields
    )
    DocumentContent.objects.create(document=document, content=b"%PDF-")
    return document


@pytest.mark.parametrize(("role", "sees"), SEES.items())
def test_who_sees_what_of_an_application(role: str, sees: tuple[int, int, int]) -> None:
    found = make_.application()
    document = with_document(found)
    client = at(make_.staff(role))
    file = page(found, f"documents/{document.reference}")

    shown = client.get(page(found))
    assert (
        shown.status_code,
        client.get(file).status_code,
        client.get(page(found, "ask")).status_code,
    ) == sees
    buttons = ["Approve…", "Ask for information…", "Reject…", ">Take<", "Keep the note", "Ask again"]
    text = shown.content.decode()
    assert [each in text for each in buttons] == [sees[2] == 200] * 6
    assert (file in text) == (sees[0] == sees[1] == 200)


POSTS = ("take", "release", "note", "ask-exchange", "ask", "reject", "approve")


@pytest.mark.parametrize("role", ["operations", "finance preparer", "finance approver", "auditor", "none"])
def test_who_may_not_review_is_refused_at_every_button(role: str) -> None:
    found = make_.application()
    client = at(make_.staff(role))

    data = {"seen": "1", "text": "x", "holder": "", "reason": "other", "message": "x", "code": "2300"}
    assert {act: client.post(page(found, act), data).status_code for act in POSTS} == dict.fromkeys(
        POSTS, 403
    )
    found.refresh_from_db()
    assert (found.state, found.version, ReviewNote.objects.count()) == ("submitted", 1, 0)


def test_the_applicant_sees_no_risk_no_notes_and_no_button_even_as_superuser() -> None:
    by, other = make_.staff("superuser"), make_.staff()
    found = make_.application(applicant=by, country="KP")
    review.note(reference=found.reference, text="Secret doubts", by=other, now=make.NOW)

    text = at(by).get(page(found)).content.decode()

    assert "This is your own application: another reviewer must act on it." in text
    for hidden_text in ("Secret doubts", "countermeasures", "Approve…", "Take<"):
        assert hidden_text not in text
    assert at(by).get(page(found, "ask")).status_code == 403


def test_buttons_take_notes_and_give_back() -> None:
    found, by = make_.application(), make_.staff()
    client = at(by)

    client.post(page(found, "take"), {"holder": ""})
    client.post(page(found, "note"), {"text": "The number answers."})
    text = client.get(page(found)).content.decode()

    assert "assigned to reviewer@exchange.example" in text
    assert "The number answers." in text
    client.post(page(found, "release"), {"holder": str(by.pk)})
    found.refresh_from_db()
    assert (found.state, found.assignee_id) == ("in_review", None)


@pytest.mark.parametrize("act", ["take", "release", "note", "ask-exchange"])
def test_buttons_are_no_links(act: str) -> None:
    assert at(make_.staff()).get(page(make_.application(), act)).status_code == 405


def test_the_second_of_two_reviewers_is_told_who_was_faster_and_when() -> None:
    found, first, second = make_.application(), make_.staff(), make_.staff(email="rita@exchange.example")
    review.ask(reference=found.reference, seen=1, text="x", by=first, now=make.NOW)

    answer = at(second).post(page(found, "ask"), {"seen": "1", "text": "y"}, follow=True)

    assert answer.redirect_chain == [(page(found), 302)]
    assert (
        "reviewer@exchange.example was faster: information requested at 2026-11-22 12:00:00 UTC."
        in answer.content.decode()
    )


def test_a_rejection_goes_by_its_reason_and_proposes_what_to_write() -> None:
    found, client = make_.application(), at(make_.staff())

    first = client.get(page(found, "reject")).content.decode()
    second = client.get(f"{page(found, 'reject')}?reason=affiliate").content.decode()
    assert "<textarea" not in first
    assert "Enrollment in one program will preclude enrollment in the other." in second

    data = {"seen": "1", "reason": "affiliate", "message": "As it is.", "reapply_from": "2020-01-01"}
    past = client.post(page(found, "reject"), data)
    assert (past.status_code, "has passed: choose today or a later day" in past.content.decode()) == (
        422,
        True,
    )
    client.post(page(found, "reject"), data | {"reapply_from": timezone.now().date().isoformat()})
    found.refresh_from_db()
    assert (found.state, found.rejection_reason, found.decision_message) == (
        "rejected",
        "affiliate",
        "As it is.",
    )


# -- documents -----------------------------------------------------------------------------------


def test_a_document_is_a_file_to_save_and_never_a_page_of_ours() -> None:
    found = make_.application()
    document = with_document(found, name='a"\r\nSet-Cookie: x=1.pdf')

    answer = at(make_.staff()).get(page(found, f"documents/{document.reference}"))

    assert answer.content == b"%PDF-"
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "\n" not in answer["Content-Disposition"]
    assert "Set-Cookie" not in answer.headers
    assert (answer["X-Content-Type-Options"], answer["Content-Security-Policy"]) == (
        "nosniff",
        "default-src 'none'; sandbox",
    )
    assert "no-store" in answer["Cache-Control"]


def test_a_document_of_another_application_is_not_found_under_this_one() -> None:
    document = with_document(make_.application())

    file = page(make_.application(), f"documents/{document.reference}")
    assert at(make_.staff()).get(file).status_code == 404


# -- approve -------------------------------------------------------------------------------------


def test_an_approval_asks_the_login_to_prove_itself_first() -> None:
    found = make_.application()

    answer = at(make_.staff()).get(page(found, "approve"))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/")
    assert at(make_.staff("auditor"), proven=True).get(page(found, "approve")).status_code == 403


def ready(exchange: AnsweringExchange, **fields: Any) -> Application:
    return make_.application(account_id="BP-900001", **fields)


def test_what_is_confirmed_is_what_was_shown(exchange: AnsweringExchange) -> None:
    found, client = ready(exchange, legal_name="Delta"), at(make_.staff(), proven=True)

    text = client.get(page(found, "approve")).content.decode()
    assert 'Its code is <strong class="code">2300</strong>, the next free one.' in text
    assert "Approve with code 2300" in text
    answer = client.post(page(found, "approve"), hidden(text), follow=True)

    assert "Approved: Delta (2300) is in the program." in answer.content.decode()
    assert [(each.code, each.name) for each in Broker.objects.all()] == [(2300, "Delta")]


def test_a_code_that_was_taken_meanwhile_is_told_and_shown_anew(exchange: AnsweringExchange) -> None:
    found, client = ready(exchange), at(make_.staff(), proven=True)
    shown = hidden(client.get(page(found, "approve")).content.decode())
    make.broker(code=2300)

    answer = client.post(page(found, "approve"), shown)

    text = answer.content.decode()
    assert answer.status_code == 409
    assert "Code 2300 went to another broker a moment ago, and nothing was done" in text
    assert hidden(text) == shown | {"code": "2400"}
    found.refresh_from_db()
    assert found.state == "submitted"


def test_a_chosen_code_is_shown_before_it_is_confirmed(exchange: AnsweringExchange) -> None:
    found, client = ready(exchange), at(make_.staff(), proven=True)
    make.broker(code=1400, name="Gamma")

    good = client.get(f"{page(found, 'approve')}?code=4242").content.decode()
    taken = client.get(f"{page(found, 'approve')}?code=1400").content.decode()
    none = client.get(f"{page(found, 'approve')}?code=70000").content.decode()

    assert hidden(good) == {"seen": "1", "code": "4242", "was_proposed": "False"}
    assert "Code 1400 belongs to Gamma: choose another one." in taken
    assert "A code is a number from 0 to 65535: choose another one." in none
    assert "Approve with code" not in taken + none
    client.post(f"{page(found, 'approve')}?code=4242", hidden(good))
    assert Broker.objects.filter(code=4242).exists()


def test_an_outage_is_said_and_nothing_can_be_approved(exchange: AnsweringExchange) -> None:
    found, client = ready(exchange), at(make_.staff(), proven=True)
    shown = hidden(client.get(page(found, "approve")).content.decode())

    with exchange.away():
        before = client.get(page(found, "approve")).content.decode()
        after = client.post(page(found, "approve"), shown)

    assert "Backpack Exchange does not answer at the moment" in before
    assert "Approve with code" not in before
    assert after.status_code == 409
    assert Broker.objects.count() == 0


def test_an_account_that_became_an_affiliate_cannot_be_approved(exchange: AnsweringExchange) -> None:
    found, client = ready(exchange), at(make_.staff(), proven=True)
    shown = hidden(client.get(page(found, "approve")).content.decode())
    exchange.accounts.tell("BP-900001", is_affiliate=True)

    text = client.post(page(found, "approve"), shown).content.decode()

    assert "Enrollment in one program will preclude enrollment in the other." in text
    assert "Approve with code" not in text
    found.refresh_from_db()
    assert (found.state, found.exchange_answer) == ("submitted", "affiliate")


def test_high_risk_needs_the_tick_and_the_words(exchange: AnsweringExchange) -> None:
    found, client = ready(exchange, country="KP"), at(make_.staff(), proven=True)
    shown = hidden(client.get(page(found, "approve")).content.decode())

    assert client.post(page(found, "approve"), shown).status_code == 422
    assert client.post(page(found, "approve"), shown | {"acknowledged": "Why not"}).status_code == 422
    assert Broker.objects.count() == 0

    client.post(page(found, "approve"), shown | {"knows_risk": "on", "acknowledged": "Licensed in Seoul."})
    assert Broker.objects.count() == 1
