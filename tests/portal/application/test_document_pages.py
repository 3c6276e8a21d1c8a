"""Documents on the pages: sent, listed, taken away, removed; never shown inside the portal."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.application.models import Document, DocumentContent
from tests import make
from tests.portal.application import filing, papers
from tests.portal.application.filing import address
from tests.portal.page_text import links_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "accounts")]

ANSWERED_WITH = {
    "Content-Type": "application/pdf",
    "Content-Disposition": 'attachment; filename="certificate.pdf"',
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class TestDocuments:
    def send(self, client: Client, reference: Any, content: bytes, name: str, **more: Any) -> Any:
        file = SimpleUploadedFile(name, content, content_type="application/pdf")
        sent = {"kind": "registration", "file": file} | more
        return client.post(address(reference, "documents/add/"), sent)

    def test_a_document_is_added_and_listed(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)

        answer = self.send(client, reference, papers.pdf(), "certificate.pdf")

        assert answer.headers["Location"] == address(reference, "documents/")
        page = text_of(client.get(address(reference, "documents/")))
        assert "Certificate of registration certificate.pdf" in page
        assert "9 more are possible" in page

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty: choose another one."),
            (
                b"<svg onload=alert(1)>",
                "This is neither a PDF nor a PNG or JPEG picture: save it as one of these.",
            ),
            (bytes(11 * 1024 * 1024), "The file is larger than 10 MB: make it smaller or split it."),
            (bytes(30 * 1024 * 1024), "The file is larger than 10 MB: make it smaller or split it."),
        ],
    )
    def test_a_file_that_is_refused_is_refused_beside_the_field(
        self, client: Client, olga: Any, content: bytes, sentence: str
    ) -> None:
        reference = filing.draft(olga)

        page = self.send(client, reference, content, "certificate.pdf")

        assert sentence in text_of(page)
        assert Document.objects.count() == 0

    def test_what_a_browser_claims_about_a_file_counts_for_nothing(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)

        self.send(client, reference, papers.png(), "scan.png")

        assert Document.objects.get().media_type == "image/png"

    def test_a_document_is_only_ever_taken_away(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        made = filing.document(reference)

        answer = client.get(address(reference, f"documents/{made}/"))

        assert answer.content == papers.pdf()
        assert {name: answer.headers[name] for name in ANSWERED_WITH} == ANSWERED_WITH

    def test_an_erased_document_is_gone_and_the_page_says_when(self, client: Client, olga: Any) -> None:
        reference = filing.rejected(olga)
        made = Document.objects.get().reference
        DocumentContent.objects.all().delete()
        Document.objects.update(erased_at=make.NOW)

        assert client.get(address(reference, f"documents/{made}/")).status_code == 404
        page = client.get(address(reference))
        assert "erased on 22 November 2026" in text_of(page)
        assert address(reference, f"documents/{made}/") not in links_of(page)

    def test_a_removed_document_is_gone(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        made = filing.document(reference)

        page = client.post(address(reference, f"documents/{made}/remove/"), follow=True)

        assert "The document is removed; its content is erased." in text_of(page)
        assert "No document yet." in text_of(page)
        assert client.get(address(reference, f"documents/{made}/")).status_code == 404

    def test_uploads_are_counted(self, client: Client, olga: Any) -> None:
        reference = filing.draft(olga)
        for _ in range(41):
            page = self.send(client, reference, b"no", "no.pdf")

        assert page.status_code == 429
        assert "That was too often in a short time" in text_of(page)
