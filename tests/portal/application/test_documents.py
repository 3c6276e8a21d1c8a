"""Documents: added, taken back, downloaded, and erased when their time is up."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from payouts.refusal import Refusal
from portal.application import actions, documents, queries
from portal.application.documents import AlreadyThere, NoSuchDocument, NotChangeable, TooManyDocuments
from portal.application.erasure import erase_due
from portal.application.models import Application, Document, DocumentContent, State
from tests import make
from tests.portal.application import filing, papers

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(hours=2)


def test_a_document_is_kept_with_its_bytes_and_their_hash() -> None:
    content = papers.pdf()
    reference = filing.draft()
    made = filing.document(reference, content=content)

    row = Document.objects.get(reference=made)
    assert (row.name, row.media_type, row.size, row.sha256) == (
        "certificate.pdf",
        "application/pdf",
        len(content),
        sha256(content).hexdigest(),
    )
    assert queries.document_bytes(reference, made) == queries.Download(
        "certificate.pdf", "application/pdf", content
    )


def test_a_document_is_found_only_under_its_own_application() -> None:
    first, second = filing.draft(), filing.draft(make.login(email="paul@example.com"))
    made = filing.document(first)

    assert queries.document_bytes(second, made) is None
    assert queries.document_bytes(first, uuid4()) is None


def test_ten_documents_are_enough() -> None:
    reference = filing.draft()
    for number in range(10):
        filing.document(reference, content=papers.png(8 + number) and papers.pdf(b"%% %d\n" % number))

    with pytest.raises(TooManyDocuments):
        filing.document(reference)


def test_too_many_files_are_refused_before_any_is_looked_at() -> None:
    """Ten may be there in all, and one is: what ten more hold is never asked."""
    reference = filing.asked()
    broken = documents.Upload("other", "broken.pdf", b"%PDF-")

    def said(number: int) -> str:
        with pytest.raises(Refusal) as refusal:
            actions.answer(reference=reference, seen=None, text="Here.", files=[broken] * number, now=LATER)
        return str(refusal.value)

    assert said(10) == "There is room for 9 more documents: send fewer of them."
    assert said(9) == "The PDF does not begin like one: print it to a new PDF."


def test_a_file_without_room_is_not_looked_at() -> None:
    reference = filing.draft()
    for number in range(10):
        filing.document(reference, content=papers.pdf(b"%% %d\n" % number))

    with pytest.raises(TooManyDocuments) as refusal:
        filing.document(reference, content=b"%PDF-")
    assert str(refusal.value) == "There are 10 documents already: remove one that we do not need."


def test_the_same_file_twice_is_one_too_many() -> None:
    reference = filing.draft()
    filing.document(reference)

    with pytest.raises(AlreadyThere):
        filing.document(reference, kind="address")


def test_a_removed_document_leaves_its_hash_and_the_fact() -> None:
    reference = filing.draft()
    made = filing.document(reference)
    documents.remove(reference=reference, document=made, now=LATER)

    row = Document.objects.get(reference=made)
    assert (row.removed_at, row.erased_at) == (LATER, LATER)
    assert row.sha256 == sha256(papers.pdf()).hexdigest()
    assert DocumentContent.objects.count() == 0
    with pytest.raises(NoSuchDocument):
        documents.remove(reference=reference, document=made, now=LATER)


def test_what_a_reviewer_had_before_them_stays() -> None:
    reference = filing.asked()
    submitted = Document.objects.get().reference
    added = filing.document(reference, content=papers.pdf(b"% new\n"), now=LATER)

    with pytest.raises(NotChangeable):
        documents.remove(reference=reference, document=submitted, now=LATER)
    documents.remove(reference=reference, document=added, now=LATER)

    assert [row.reference for row in Document.objects.filter(removed_at=None)] == [submitted]


@pytest.mark.parametrize("made", [filing.submitted, filing.rejected, filing.approved])
def test_nothing_is_added_or_removed_outside_a_draft_or_a_question(made: Any) -> None:
    reference = made()
    there = Document.objects.get().reference

    with pytest.raises(NotChangeable):
        filing.document(reference, content=papers.pdf(b"% new\n"))
    with pytest.raises(NotChangeable):
        documents.remove(reference=reference, document=there, now=LATER)


def test_bytes_are_never_exchanged_for_others() -> None:
    filing.document(filing.draft())

    with connection.cursor() as cursor, pytest.raises(Exception, match="permission denied"):
        cursor.execute("UPDATE application_document_content SET content = 'other'")


class TestErasure:
    def withdrawn(self) -> Any:
        reference = filing.complete()
        actions.withdraw(reference=reference, seen=None, now=make.NOW)
        return reference

    @pytest.mark.parametrize("days", [179, 180])
    @pytest.mark.parametrize("state", ["rejected", "withdrawn", "draft"])
    def test_bytes_go_after_180_days_and_hash_name_and_fact_remain(self, state: str, days: int) -> None:
        made = {"rejected": filing.rejected, "withdrawn": self.withdrawn, "draft": filing.complete}[state]
        reference = made()
        now = make.NOW + timedelta(days=days)

        assert erase_due(now=now) == (days == 180)

        row = Document.objects.get()
        assert row.erased_at == (now if days == 180 else None)
        assert (row.name, row.sha256) == ("certificate.pdf", sha256(papers.pdf()).hexdigest())
        assert (queries.document_bytes(reference, row.reference) is None) == (days == 180)

    def test_it_is_harmless_to_repeat(self) -> None:
        filing.rejected()
        then = make.NOW + timedelta(days=181)

        assert erase_due(now=then) == 1
        assert erase_due(now=then + timedelta(days=1)) == 0
        assert Document.objects.get().erased_at == then

    @pytest.mark.parametrize("made", [filing.submitted, filing.asked, filing.approved])
    def test_what_is_reviewed_or_approved_stays(self, made: Any) -> None:
        made()

        assert erase_due(now=make.NOW + timedelta(days=4_000)) == 0
        assert DocumentContent.objects.count() == 1

    def test_more_than_one_helping_is_finished(self) -> None:
        reference = self.withdrawn()
        application = Application.objects.get(reference=reference)
        for number in range(205):
            Document.objects.create(
                application=application,
                kind="other",
                name=f"{number}.pdf",
                media_type="application/pdf",
                size=1,
                sha256="0" * 64,
                uploaded_at=make.NOW,
                uploaded_by=application.applicant,
            )

        assert erase_due(now=make.NOW + timedelta(days=180)) == 206

    def test_a_removed_document_that_still_has_bytes_is_erased_too(self) -> None:
        """Removing erases at once; this is the net below it."""
        filing.document(filing.draft())
        Document.objects.update(removed_at=make.NOW)

        assert erase_due(now=make.NOW) == 1
        assert DocumentContent.objects.count() == 0
        assert Application.objects.get().state == State.DRAFT
