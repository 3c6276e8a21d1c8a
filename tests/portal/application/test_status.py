"""The page of an application: where it stands, what comes next and by when, and what can be done."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.application import queries
from portal.application.models import ReviewNote, State
from tests import make
from tests.portal.application import filing, papers
from tests.portal.application.filing import address, of
from tests.portal.page_text import links_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "accounts")]


class TestTheStatus:
    def test_a_question_is_answered_on_the_page(self, client: Client, olga: Any) -> None:
        reference = filing.asked(olga, question="Which exchanges?\nSince when?")
        file = SimpleUploadedFile("extract.png", papers.png())
        sent = {"seen": of(reference).version, "text": "Three.", "kind": "other", "attachments": file}

        before = text_of(client.get(address(reference)))
        after = client.post(address(reference, "answer/"), sent, follow=True)

        assert "Which exchanges? Since when?" in before
        assert of(reference).state == State.IN_REVIEW
        assert "We read your answer by Tuesday 24 November 2026." in text_of(after)
        assert "Answered You, 2026-11-22 12:00:00 UTC Three." in text_of(after)
        assert "extract.png" in text_of(after)

    def test_an_answer_that_is_refused_stays_typed(self, client: Client, olga: Any) -> None:
        reference = filing.asked(olga)
        file = SimpleUploadedFile("extract.png", b"<html>")
        sent = {"seen": of(reference).version, "text": "A long answer", "attachments": file}

        page = client.post(address(reference, "answer/"), sent)

        assert "A long answer</textarea>" in page.content.decode().replace("\n", "")
        assert "This is neither a PDF nor a PNG or JPEG picture" in text_of(page)
        assert of(reference).state == State.INFORMATION_REQUESTED

    def test_nobody_of_the_staff_is_named_and_no_note_is_shown(self, client: Client, olga: Any) -> None:
        rita = make.login(email="rita@backpack.exchange", name="Rita Reviewer", is_staff=True)
        reference = filing.asked(olga, staff=rita)
        ReviewNote.objects.create(application=of(reference), at=make.NOW, by=rita, text="smells odd")

        page = client.get(address(reference)).content.decode()

        assert "Review started" in page
        assert "Backpack, " in page
        assert [word for word in ("rita@", "Rita", "smells odd") if word in page] == []

    def test_a_late_promise_is_admitted(self, client: Client, olga: Any) -> None:
        reference = filing.submitted(olga, now=make.NOW - timedelta(days=9))

        assert "We are late: we promised to be done by Wednesday 18 November 2026." in text_of(
            client.get(address(reference))
        )

    def test_a_rejection_says_why_and_from_when_again(self, client: Client, olga: Any) -> None:
        reference = filing.rejected(olga, reapply_from=date(2026, 12, 24), message="No platform seen.")

        page = text_of(client.get(address(reference)))

        assert "Not a trading platform or order execution service No platform seen." in page
        assert "You may apply again from 24 December 2026" in page
        assert "/apply/" not in links_of(client.get(address(reference)))

    def test_approved_shows_the_code_and_how_to_integrate(self, client: Client, olga: Any) -> None:
        reference = filing.approved(olga, code=2300)

        page = client.get(address(reference))

        assert "This is your broker code. 2300" in text_of(page)
        assert "X-BROKER-ID: 2300" in text_of(page)
        assert "/brokers/2300/" in links_of(page)

    def test_it_is_withdrawn_after_a_question(self, client: Client, olga: Any) -> None:
        reference = filing.submitted(olga)

        asked = client.get(address(reference, "withdraw/"))
        page = client.post(address(reference, "withdraw/"), {"seen": of(reference).version}, follow=True)

        assert "Withdraw the application?" in text_of(asked)
        assert "You withdrew this application" in text_of(page)
        assert of(reference).state == State.WITHDRAWN

    def test_who_was_overtaken_is_told_and_nothing_is_done(self, client: Client, olga: Any) -> None:
        reference = filing.submitted(olga)

        page = client.post(address(reference, "withdraw/"), {"seen": 0})

        assert page.status_code == 409
        assert "The application went on while this page was open" in text_of(page)
        assert of(reference).state == State.SUBMITTED

    def test_a_submitted_business_can_be_corrected_while_we_ask(self, client: Client, olga: Any) -> None:
        reference = filing.asked(olga)
        sent = filing.posted("business", of(reference), legal_name="Corrected AG")

        answer = client.post(address(reference, "business/"), sent)

        assert answer.headers["Location"] == address(reference)
        assert (of(reference).legal_name, of(reference).state) == ("Corrected AG", "information_requested")


@pytest.mark.parametrize(
    ("made", "asked"), [(filing.draft, 2), (filing.complete, 2), (filing.asked, 3), (filing.approved, 2)]
)
def test_a_status_page_asks_the_database_little(
    olga: Any, made: Any, asked: int, django_assert_num_queries: Any
) -> None:
    application = of(made(olga))

    with django_assert_num_queries(asked):
        queries.status(application, now=make.NOW)


def test_a_page_of_a_step_asks_it_once(olga: Any, django_assert_num_queries: Any) -> None:
    application = of(filing.complete(olga))

    with django_assert_num_queries(1):
        queries.sections(queries.shown(application, now=make.NOW))
