"""An application from its first draft to its end, as its applicant moves it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction

from payouts.exchange.eligibility import AFFILIATE
from portal.application import actions, queries
from portal.application.actions import (
    AccountRefused,
    Asked,
    ChangedMeanwhile,
    MustStayComplete,
    NotComplete,
    TooEarly,
    WentOn,
)
from portal.application.documents import Upload
from portal.application.models import Application, TimelineEntry
from tests import make
from tests.portal.application import filing, papers

LATER = make.NOW + timedelta(hours=1)


def of(reference: Any) -> Application:
    return Application.objects.get(reference=reference)


def timeline(reference: Any) -> list[tuple[str, str | None, str]]:
    rows = TimelineEntry.objects.filter(application__reference=reference).order_by("pk")
    return [(row.kind, row.by.email if row.by else None, row.text) for row in rows]


@pytest.mark.django_db
class TestStarting:
    def test_a_draft_begins_with_what_the_login_says(self) -> None:
        draft = of(filing.draft(make.login(name="Olga Keller")))

        assert (draft.state, draft.version, draft.contact_name, draft.contact_email) == (
            "draft",
            0,
            "Olga Keller",
            "olga@example.com",
        )

    def test_who_has_an_open_application_is_given_it(self) -> None:
        olga = make.login()

        assert filing.draft(olga) == filing.draft(olga)

    @pytest.mark.parametrize(
        ("today", "may"), [(date(2026, 12, 23), False), (date(2026, 12, 24), True), (date(2027, 1, 1), True)]
    )
    def test_a_refused_business_waits_for_its_day(self, today: date, may: bool) -> None:
        olga = make.login()
        filing.rejected(olga, reapply_from=date(2026, 12, 24))
        now = datetime(today.year, today.month, today.day, tzinfo=UTC)

        if may:
            again = of(filing.draft(olga, now=now))
            assert (again.legal_name, again.account_id) == ("Meridian Terminal AG", "BP-1")
            assert (again.exchange_answer, again.is_no_affiliate, again.terms_version) == (
                "unanswered",
                False,
                "",
            )
            assert again.documents.count() == 0
        else:
            with pytest.raises(TooEarly, match=r"^You may apply again from 24 December 2026\.$"):
                filing.draft(olga, now=now)
            assert Application.objects.count() == 1

    def test_who_withdrew_starts_anew_at_once(self) -> None:
        olga = make.login()
        first = filing.complete(olga)
        actions.withdraw(reference=first, seen=None, now=make.NOW)

        again = of(filing.draft(olga))

        assert again.reference != first
        assert again.legal_name == "Meridian Terminal AG"

    def test_an_owner_may_apply_for_another_business(self) -> None:
        olga = make.login()
        filing.approved(olga)

        assert of(filing.draft(olga)).legal_name == ""


@pytest.mark.parametrize("attempt", range(3))
def test_a_double_click_makes_one_application(committed_db: str, attempt: int) -> None:
    olga = make.login()
    found: list[Any] = []
    ready = Barrier(8)

    def click() -> None:
        ready.wait()
        found.append(actions.start(login=olga, now=make.NOW))
        connections.close_all()

    clicks = [Thread(target=click) for _ in range(8)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert len(found) == 8
    assert set(found) == {Application.objects.get().reference}


@pytest.mark.django_db
def test_the_constraint_alone_stops_the_second_one() -> None:
    """The twin: two that both saw no open application, as the clicks above do."""
    olga = make.login()
    times = {"started_at": make.NOW, "saved_at": make.NOW}
    Application.objects.create(applicant=olga, **times)

    with pytest.raises(IntegrityError, match="one_open_application_per_login"), transaction.atomic():
        Application.objects.create(applicant=olga, **times)


@pytest.mark.django_db
class TestSaving:
    def test_a_step_saves_its_own_fields_and_no_others(self) -> None:
        reference = filing.draft()
        filing.save(reference, "business", **filing.FILLED["business"])
        saved = filing.save(reference, "integration", now=LATER, **filing.FILLED["integration"])

        assert (saved.legal_name, saved.expected_volume) == ("Meridian Terminal AG", Decimal("5000000.00"))
        assert (saved.saved_at, saved.version) == (LATER, 2)

    def test_two_tabs_with_two_steps_lose_nothing(self) -> None:
        reference = filing.draft()
        business, contact = (queries.mark(of(reference), slug) for slug in ("business", "contact"))

        actions.save_step(
            reference=reference, slug="business", values={"legal_name": "A"}, shown=business, now=make.NOW
        )
        actions.save_step(
            reference=reference, slug="contact", values={"contact_name": "B"}, shown=contact, now=make.NOW
        )

        assert (of(reference).legal_name, of(reference).contact_name) == ("A", "B")

    def test_two_tabs_with_the_same_step_do_not_overwrite_each_other(self) -> None:
        reference = filing.draft()
        opened = queries.mark(of(reference), "business")
        first = {"legal_name": "From the first tab"}
        actions.save_step(reference=reference, slug="business", values=first, shown=opened, now=make.NOW)

        with pytest.raises(ChangedMeanwhile, match="saved in another tab meanwhile"):
            actions.save_step(
                reference=reference, slug="business", values={"legal_name": "second"}, shown=opened, now=LATER
            )
        assert of(reference).legal_name == "From the first tab"
        again = actions.save_step(reference=reference, slug="business", values=first, shown=opened, now=LATER)
        assert again.version == 1

    def test_a_field_of_another_step_or_of_staff_is_a_mistake_of_ours(self) -> None:
        reference = filing.draft()

        with pytest.raises(ValueError, match="not of this step"):
            filing.save(reference, "business", state="approved")

    def test_another_account_forgets_what_was_said_of_the_first(self) -> None:
        reference = filing.draft()
        filing.save(reference, "account", account_id="BP-1", answer="business")

        changed = filing.save(reference, "account", now=LATER, account_id="BP-2")

        assert (changed.exchange_answer, changed.exchange_answered_at) == ("unanswered", None)
        assert changed.exchange_due_at == LATER

    def test_an_outage_changes_no_answer_and_has_us_ask_again(self) -> None:
        reference = filing.draft()
        filing.save(reference, "account", account_id="BP-1", answer="business")

        asked = filing.save(reference, "account", now=LATER, account_id="BP-1", answer="unanswered")

        assert (asked.exchange_answer, asked.exchange_due_at) == ("business", LATER)

    def test_terms_are_accepted_once_with_time_and_address(self) -> None:
        reference = filing.draft()
        filing.declare(reference)
        accepted = filing.declare(reference, now=LATER)

        assert (accepted.terms_version, accepted.terms_accepted_at, accepted.terms_address) == (
            "2025-09",
            make.NOW,
            "203.0.113.7",
        )

    def test_taking_the_declaration_back_forgets_it(self) -> None:
        reference = filing.draft()
        declared = filing.declare(reference)

        back = actions.save_declarations(
            reference=reference,
            is_no_affiliate=False,
            accepts_terms=False,
            address="203.0.113.7",
            shown=queries.mark(declared, "declarations"),
            now=LATER,
        )

        assert (back.is_no_affiliate, back.terms_version, back.terms_accepted_at, back.terms_address) == (
            False,
            "",
            None,
            None,
        )

    def test_what_was_submitted_is_not_saved_over(self) -> None:
        reference = filing.submitted()

        with pytest.raises(WentOn):
            filing.save(reference, "business", legal_name="Another AG")

    def test_while_we_ask_it_may_be_corrected_but_not_emptied(self) -> None:
        reference = filing.asked()

        filing.save(reference, "business", legal_name="Meridian Terminal Ltd")
        with pytest.raises(MustStayComplete):
            filing.save(reference, "business", legal_name="")
        with pytest.raises(WentOn):
            actions.save_declarations(
                reference=reference,
                is_no_affiliate=False,
                accepts_terms=False,
                address="",
                shown=queries.mark(of(reference), "declarations"),
                now=make.NOW,
            )

        assert of(reference).legal_name == "Meridian Terminal Ltd"


@pytest.mark.django_db
class TestSubmitting:
    def test_a_complete_draft_goes_to_review(self) -> None:
        reference = filing.complete()
        seen = of(reference).version

        sent = actions.submit(reference=reference, seen=seen, asked=None, now=LATER)

        assert (sent.state, sent.submitted_at, sent.version) == ("submitted", LATER, seen + 1)
        assert sent.exchange_due_at is None
        assert timeline(reference) == [("submitted", "olga@example.com", "")]

    @pytest.mark.parametrize("slug", list(filing.FILLED))
    def test_nothing_is_submitted_while_something_is_missing(self, slug: str) -> None:
        reference = filing.complete()
        emptied = {"integration": {"expected_volume": None}, "account": {"account_id": ""}}
        filing.save(reference, slug, **emptied.get(slug, {next(iter(filing.FILLED[slug])): ""}))

        with pytest.raises(NotComplete):
            actions.submit(reference=reference, seen=None, asked=None, now=LATER)
        assert of(reference).state == "draft"

    def test_the_certificate_of_registration_is_needed(self) -> None:
        reference = filing.draft()
        for slug, values in filing.FILLED.items():
            filing.save(reference, slug, **values)
        filing.document(reference, kind="address")
        filing.declare(reference)

        with pytest.raises(NotComplete):
            actions.submit(reference=reference, seen=None, asked=None, now=LATER)

    def test_terms_that_are_not_in_force_any_more_must_be_accepted_anew(self) -> None:
        reference = filing.complete()
        Application.objects.update(terms_version="2024-01")

        with pytest.raises(NotComplete):
            actions.submit(reference=reference, seen=None, asked=None, now=LATER)

    @pytest.mark.parametrize(
        ("answer", "sentence"),
        [
            ("missing", "Backpack Exchange has no account with this id: copy it from the account's page."),
            (
                "not_business",
                "This is a personal account: open up a business account at Backpack Exchange and give"
                " its id.",
            ),
            ("affiliate", AFFILIATE),
        ],
    )
    def test_an_account_that_may_not_join_stops_it_in_the_programs_words(
        self, answer: str, sentence: str
    ) -> None:
        reference = filing.complete()

        with pytest.raises(AccountRefused) as refusal:
            actions.submit(reference=reference, seen=None, asked=Asked("BP-1", answer), now=LATER)

        assert str(refusal.value) == sentence
        assert (of(reference).state, of(reference).exchange_answer) == ("draft", answer)

    def test_an_exchange_that_is_down_stops_nothing_and_is_asked_again(self) -> None:
        reference = filing.complete(answer=None)

        sent = actions.submit(reference=reference, seen=None, asked=Asked("BP-1", "unanswered"), now=LATER)

        assert (sent.state, sent.exchange_answer, sent.exchange_due_at) == ("submitted", "unanswered", LATER)

    def test_an_answer_about_another_account_is_not_kept(self) -> None:
        reference = filing.complete(answer=None)

        sent = actions.submit(reference=reference, seen=None, asked=Asked("BP-9", "affiliate"), now=LATER)

        assert (sent.state, sent.exchange_answer) == ("submitted", "unanswered")

    def test_what_was_not_on_the_screen_is_not_submitted(self) -> None:
        reference = filing.complete()
        seen = of(reference).version
        filing.save(reference, "business", legal_name="Changed in another tab")

        with pytest.raises(WentOn):
            actions.submit(reference=reference, seen=seen, asked=None, now=LATER)

    def test_the_second_click_changes_nothing(self) -> None:
        reference = filing.submitted()

        with pytest.raises(WentOn):
            actions.submit(reference=reference, seen=None, asked=None, now=LATER)
        assert len(timeline(reference)) == 1


@pytest.mark.django_db
class TestAnswering:
    def test_an_answer_with_documents_goes_back_to_review(self) -> None:
        reference = filing.asked()
        files = [Upload("other", "extract.png", papers.png())]

        answered = actions.answer(
            reference=reference, seen=of(reference).version, text="Three.", files=files, now=LATER
        )

        assert answered.state == "in_review"
        assert timeline(reference)[-1] == ("answered", "olga@example.com", "Three.")
        assert [each.name for each in answered.documents.order_by("pk")] == ["certificate.pdf", "extract.png"]

    def test_one_file_that_is_refused_leaves_everything_as_it_was(self) -> None:
        reference = filing.asked()
        files = [Upload("other", "good.png", papers.png()), Upload("other", "bad.png", b"<html>")]

        with pytest.raises(Exception, match="neither a PDF"):
            actions.answer(reference=reference, seen=None, text="Three.", files=files, now=LATER)

        assert of(reference).state == "information_requested"
        assert of(reference).documents.count() == 1

    def test_who_was_overtaken_is_not_told_by_whom(self) -> None:
        reference = filing.asked()
        seen = of(reference).version
        filing._reviewed(
            reference,
            "in_review",
            TimelineEntry.Kind.REVIEW_STARTED,
            by=make.login(email="sam@backpack.exchange", is_staff=True),
            now=LATER,
        )

        with pytest.raises(WentOn) as refusal:
            actions.answer(reference=reference, seen=seen, text="Three.", files=[], now=LATER)

        assert str(refusal.value) == (
            "The application went on while this page was open: nothing was done; look at it as it is now."
        )


@pytest.mark.django_db
@pytest.mark.parametrize("made", [filing.draft, filing.submitted, filing.asked])
def test_any_open_application_can_be_withdrawn_once(made: Any) -> None:
    reference = made()

    gone = actions.withdraw(reference=reference, seen=of(reference).version, now=LATER)

    assert (gone.state, gone.exchange_due_at) == ("withdrawn", None)
    assert timeline(reference)[-1] == ("withdrawn", "olga@example.com", "")
    with pytest.raises(WentOn):
        actions.withdraw(reference=reference, seen=None, now=LATER)


@pytest.mark.django_db
@pytest.mark.parametrize("made", [filing.rejected, filing.approved])
def test_what_is_decided_cannot_be_withdrawn(made: Any) -> None:
    reference = made()

    with pytest.raises(WentOn):
        actions.withdraw(reference=reference, seen=None, now=LATER)
