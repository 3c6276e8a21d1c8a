"""Whatever an applicant writes is text on the pages of staff, in every field."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import models

from portal.application import review
from portal.application.models import Application, Document
from tests import make
from tests.exchange import AnsweringExchange
from tests.portal.staff import make_review as make_
from tests.portal.staff.browsing import at, page

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}{% now 'Y' %}javascript:alert(1)"
_FREE = (models.CharField, models.TextField)
_BOUND = {"state", "country", "exchange_answer", "platform_type", "order_submission", "rejection_reason"}


class Reader(HTMLParser):
    """Collects what a browser would run, load or style, as it reads the page's tags."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        own = tag == "script" and given.get("src", "").startswith("/static/")
        if tag in ("script", "img", "iframe", "object", "embed", "svg", "style", "base") and not own:
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        self.found += [
            f"{tag} {name}={given[name]}"
            for name in ("href", "src", "action", "formaction")
            if given.get(name, "").strip().lower().startswith(("javascript:", "data:", "//", "http"))
        ]


def active(text: str) -> list[str]:
    reader = Reader()
    reader.feed(text)
    return reader.found


def test_this_test_sees_what_a_browser_would_run() -> None:
    """The twin: the same text, not escaped."""
    assert active(HOSTILE) == ["script", "img", "img onerror"]


def hostile_fields() -> dict[str, str]:
    """Hostile text in every field of an application that takes free text, as long as it fits."""
    return {
        field.name: HOSTILE[: field.max_length] if field.max_length else HOSTILE
        for field in Application._meta.concrete_fields
        if isinstance(field, _FREE) and field.name not in _BOUND
    }


@pytest.fixture
def hostile(exchange: AnsweringExchange) -> Application:
    fields = hostile_fields() | {"terms_version": "<script>x", "contact_phone": "<script>alert(1)</script>"}
    anna = make.login(email="anna@delta.example", name=HOSTILE)
    found = make_.application(applicant=anna, **fields)
    Document.objects.create(
        application=found,
        kind="other",
        name=HOSTILE[:120],
        media_type="application/pdf",
        size=1,
        sha256=HOSTILE[:64],
        uploaded_at=make.NOW,
        uploaded_by=anna,
    )
    other = make_.application(**fields)
    by = make_.staff(email="rita@exchange.example")
    review.note(reference=found.reference, text=HOSTILE, by=by, now=make.NOW)
    review.reject(
        reference=other.reference,
        seen=1,
        reason="other",
        message=HOSTILE,
        reapply_from=make.NOW.date(),
        by=by,
        now=make.NOW,
    )
    make.broker(code=1400, name=HOSTILE, account_id=found.account_id)
    return found


def test_every_field_with_free_text_is_under_this_test() -> None:
    assert sorted(hostile_fields()) == [
        "account_id",
        "contact_email",
        "contact_name",
        "contact_phone",
        "contact_position",
        "decision_message",
        "integration_notes",
        "legal_name",
        "platform_other",
        "registration_number",
        "terms_version",
        "website",
    ]


@pytest.mark.parametrize("where", ["index", "queue", "search", "change", "ask", "reject", "approve", "other"])
def test_hostile_text_is_inert_on_every_page(hostile: Application, where: str) -> None:
    client: Any = at(make_.staff("superuser"), proven=True)
    rejected = Application.objects.get(state="rejected")
    addresses = {
        "index": "/staff/",
        "queue": "/staff/portal/application/?state=all",
        "search": f"/staff/portal/application/?q={HOSTILE}&state=<script>alert(1)</script>",
        "change": page(hostile),
        "ask": page(hostile, "ask"),
        "reject": f"{page(hostile, 'reject')}?reason=other",
        "approve": f"{page(hostile, 'approve')}?code=<script>alert(1)</script>",
        "other": page(rejected),
    }

    answer = client.get(addresses[where])
    text = answer.content.decode()

    assert answer.status_code in (200, 302)
    policy = [each.strip() for each in answer["Content-Security-Policy"].split(";")]
    assert "script-src 'self'" in policy
    assert active(text) == []


def test_the_texts_are_there_to_be_read(hostile: Application) -> None:
    text = at(make_.staff("superuser")).get(page(hostile)).content.decode()

    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10
