"""What nobody but the applicant may do, and what the applicant may not do either."""

from typing import Any

import pytest
from django.test import Client

from portal.application.models import Application, Document, State
from tests import make
from tests.portal.application import filing, papers

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("at_noon", "accounts")]

PATHS = (
    "",
    "business/",
    "contact/",
    "account/",
    "integration/",
    "documents/",
    "declarations/",
    "submit/",
    "answer/",
    "withdraw/",
    "documents/add/",
    "documents/{document}/",
    "documents/{document}/remove/",
)
HOSTILE = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def logged_in(login: Any) -> Client:
    client = Client()
    client.force_login(login)
    return client


def addresses(reference: Any) -> list[str]:
    document = Document.objects.get(application__reference=reference).reference
    return [f"/applications/{reference}/{path.format(document=document)}" for path in PATHS]


@pytest.mark.parametrize("rights", [{}, {"is_staff": True}, {"is_staff": True, "is_superuser": True}])
@pytest.mark.parametrize("made", [filing.complete, filing.asked, filing.approved])
def test_anothers_application_does_not_exist(made: Any, rights: dict[str, bool]) -> None:
    reference = made(make.login())
    before = Application.objects.values().get()
    stranger = logged_in(make.login(email="paul@example.com", **rights))

    for address in addresses(reference):
        for method in ("get", "head", "post", "put", "patch", "delete", "options"):
            assert getattr(stranger, method)(address).status_code == 404, (method, address)
    assert Application.objects.values().get() == before


def test_nobody_is_sent_to_the_login_page() -> None:
    reference = filing.complete()

    for address in addresses(reference):
        for method in ("get", "post"):
            answer = getattr(Client(), method)(address)
            assert answer.status_code == 302
            assert answer.headers["Location"] == f"/accounts/login/?next={address}"


def test_a_colleague_of_the_same_broker_sees_nothing_of_the_application() -> None:
    olga, paul = make.login(), make.login(email="paul@example.com")
    reference = filing.approved(olga)
    broker = Application.objects.get().broker
    for each in (olga, paul):
        make.membership(each, broker)

    assert logged_in(paul).get(f"/applications/{reference}/").status_code == 404


@pytest.mark.parametrize("slug", ["business", "contact", "account", "integration", "declarations"])
def test_no_form_writes_what_is_not_its_own(slug: str) -> None:
    olga = make.login()
    reference = filing.draft(olga)
    application = Application.objects.get()
    forged = {
        "state": "approved",
        "version": "77",
        "applicant": "1",
        "applicant_id": "1",
        "reference": "00000000-0000-0000-0000-000000000000",
        "decided_by": str(olga.pk),
        "decided_by_id": str(olga.pk),
        "decided_at": "2026-01-01",
        "broker": "2300",
        "broker_id": "2300",
        "assignee": str(olga.pk),
        "exchange_answer": "business",
        "exchange_answered_at": "2026-01-01",
        "submitted_at": "2026-01-01",
        "reapply_from": "2020-01-01",
        "terms_version": "2025-09",
        "terms_accepted_at": "2020-01-01",
        "terms_address": "1.1.1.1",
        "started_at": "2020-01-01",
    }
    sent = forged | filing.posted(slug, application)
    sent.pop("account_id", None)

    logged_in(olga).post(f"/applications/{reference}/{slug}/", sent)

    saved = Application.objects.get()
    assert (saved.state, saved.applicant_id, saved.reference) == ("draft", olga.pk, reference)
    assert (saved.decided_by, saved.decided_at, saved.broker, saved.assignee) == (None, None, None, None)
    assert (saved.exchange_answer, saved.exchange_answered_at, saved.submitted_at) == (
        "unanswered",
        None,
        None,
    )
    assert (saved.reapply_from, saved.terms_version, saved.terms_address) == (None, "", None)
    assert saved.started_at == make.NOW
    assert saved.version <= 1


def test_forms_from_elsewhere_are_refused() -> None:
    olga = make.login()
    reference = filing.asked(olga)
    client = Client(enforce_csrf_checks=True)
    client.force_login(olga)

    for path in ("business/", "answer/", "withdraw/", "documents/add/"):
        assert client.post(f"/applications/{reference}/{path}", {"seen": "1"}).status_code == 403
    assert client.post("/apply/").status_code == 403
    assert Application.objects.get().state == State.INFORMATION_REQUESTED


def test_hostile_text_in_every_field_is_only_text() -> None:
    olga = make.login(name=HOSTILE)
    reference = filing.complete(olga)
    fields = (
        "legal_name",
        "registration_number",
        "website",
        "platform_other",
        "contact_name",
        "contact_position",
        "contact_phone",
        "account_id",
        "integration_notes",
    )
    Application.objects.update(
        **{name: HOSTILE[: Application._meta.get_field(name).max_length] for name in fields},
        platform_type="other",
    )
    client = logged_in(olga)

    for path in (
        "",
        "business/",
        "contact/",
        "account/",
        "integration/",
        "declarations/",
        "submit/",
        "withdraw/",
    ):
        page = client.get(f"/applications/{reference}/{path}").content.decode()
        assert "<script>alert" not in page
        assert "<img" not in page


@pytest.mark.parametrize("made", [filing.rejected, filing.asked])
def test_hostile_text_in_messages_is_only_text(made: Any) -> None:
    olga = make.login()
    named = {filing.rejected: "message", filing.asked: "question"}[made]
    reference = made(olga, **{named: HOSTILE})

    page = logged_in(olga).get(f"/applications/{reference}/").content.decode()

    assert "alert(1)" in page
    assert "<script>alert" not in page
    assert "<img" not in page


def test_no_page_is_kept_by_a_cache() -> None:
    olga = make.login()
    reference = filing.complete(olga)
    client = logged_in(olga)

    for address in addresses(reference)[:-1]:
        if "/answer/" not in address and "/documents/add/" not in address:
            assert "no-store" in client.get(address).headers["Cache-Control"], address


def test_a_name_never_reaches_a_header_as_it_was_sent() -> None:
    olga = make.login()
    reference = filing.draft(olga)
    client = logged_in(olga)
    name = 'Zürich "A"; filename=evil.html\r\nSet-Cookie: a=b.pdf'
    from portal.application import documents

    second = documents.add(
        reference=reference,
        upload=documents.Upload("other", name, papers.pdf(b"% other\n")),
        now=make.NOW,
    )

    answer = client.get(f"/applications/{reference}/documents/{second.reference}/")

    assert answer.headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''Z%C3%BCrich%20_A_%3B%20filename%3Devil.html%20Set-Cookie_%20a%3Db.pdf"
    )
