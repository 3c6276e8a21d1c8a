"""Letters on the staff site: how far each has come, never its link, and dead ones sent again."""

from typing import Any

import pytest
from django.test import Client

from portal.letters import actions
from portal.letters.kinds import KINDS
from portal.letters.models import Letter
from portal.staff.letter_titles import TITLES
from portal.team import first_owner, links
from portal.team.models import Invitation
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
LIST = "/staff/portal/letter/"


@pytest.fixture
def letter() -> Letter:
    """The letter of an invitation, given up by the portal."""
    make.broker(code=1400, name="Altair Terminal")
    first_owner.invite_owner(
        broker_code=1400,
        email="olga@example.com",
        by=staff("reviewer", email="rita@exchange.example"),
        now=make.NOW,
    )
    Letter.objects.update(state="dead", attempts=12, last_error="550 no such mailbox <b>x</b>")
    return Letter.objects.get()


def of(role: str) -> Client:
    client = Client()
    client.force_login(staff(role))
    return client


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("reviewer", 403),
        ("operations", 200),
        ("finance preparer", 403),
        ("finance approver", 403),
        ("auditor", 200),
        ("superuser", 200),
    ],
)
def test_who_may_look_at_letters(letter: Letter, role: str, status: int) -> None:
    client = of(role)

    assert client.get(LIST).status_code == status
    assert client.get(f"{LIST}{letter.pk}/change/").status_code == status


def test_the_page_shows_facts_and_course_but_neither_link_nor_what_it_is_made_from(letter: Letter) -> None:
    page = of("auditor").get(f"{LIST}{letter.pk}/change/")

    text = text_of(page)
    for fact in ("olga@example.com", "given up", "12", "550 no such mailbox <b>x</b>", "Altair Terminal"):
        assert fact in text.replace("&lt;", "<").replace("&gt;", ">")
    html = page.content.decode()
    assert "<b>x</b>" not in html
    for secret in (links.token_of(Invitation.objects.get()), "/invitations/", "&quot;invitation&quot;:"):
        assert secret not in html


def test_letters_are_found_by_state_kind_and_address(letter: Letter) -> None:
    actions.write(key="k", kind="account_exists", to="pia@example.com", facts={}, now=make.NOW)
    auditor = of("auditor")

    for query, found in (
        ("", {"olga@example.com", "pia@example.com"}),
        ("?state__exact=dead", {"olga@example.com"}),
        ("?kind=account_exists", {"pia@example.com"}),
        ("?q=pia", {"pia@example.com"}),
    ):
        text = text_of(auditor.get(LIST + query))
        assert {email for email in ("olga@example.com", "pia@example.com") if email in text} == found


def test_operations_send_a_dead_letter_again(letter: Letter) -> None:
    operations = of("operations")
    again = f"{LIST}{letter.pk}/again/"
    assert again in links_of(operations.get(f"{LIST}{letter.pk}/change/"))
    assert operations.get(again).status_code == 200
    assert Letter.objects.get().state == "dead"

    done = operations.post(again)

    assert done.headers["Location"] == f"{LIST}{letter.pk}/change/"
    found = Letter.objects.get()
    assert (found.state, found.attempts, found.message_id) == ("failed", 12, letter.message_id)


def test_a_sent_letter_is_not_sent_again(letter: Letter) -> None:
    Letter.objects.update(state="sent", sent_at=make.NOW)
    operations = of("operations")

    refused = operations.post(f"{LIST}{letter.pk}/again/")

    assert refused.status_code == 409
    assert "was taken by the mail server at 2026-11-22 12:00:00 UTC; nothing was done." in text_of(refused)
    assert f"{LIST}{letter.pk}/again/" not in links_of(operations.get(f"{LIST}{letter.pk}/change/"))


@pytest.mark.parametrize("role", ["auditor", "reviewer", "finance approver"])
def test_others_send_nothing(letter: Letter, role: str) -> None:
    client = of(role)

    assert client.get(f"{LIST}{letter.pk}/again/").status_code == 403
    assert client.post(f"{LIST}{letter.pk}/again/").status_code == 403
    assert Letter.objects.get().state == "dead"


def test_staff_do_not_send_the_invitations_of_their_own_broker(letter: Letter) -> None:
    login: Any = staff("operations")
    make.membership(login, make.broker(code=1400, name="Altair Terminal"), role="viewer")
    client = Client()
    client.force_login(login)

    assert client.post(f"{LIST}{letter.pk}/again/").status_code == 403
    assert Letter.objects.get().state == "dead"


def test_letters_are_neither_written_nor_changed_by_djangos_forms(letter: Letter) -> None:
    superuser = of("superuser")

    for address in (LIST, f"{LIST}{letter.pk}/change/", f"{LIST}add/", f"{LIST}{letter.pk}/delete/"):
        assert superuser.post(address, {"to": "eve@example.com", "_save": "1"}).status_code in (404, 405)
    assert Letter.objects.get().to == "olga@example.com"
    assert superuser.get(f"{LIST}999999/change/").status_code == 404
    assert superuser.post(f"{LIST}999999/again/").status_code == 404


def test_every_kind_of_letter_has_a_title_for_people() -> None:
    assert set(TITLES) == set(KINDS)
