"""Service tokens on the staff site: made and revoked by superusers, shown once, seen by who watches."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from portal.accounts.staff_roles import StaffRole
from portal.api.models import ServiceToken
from portal.api.token_form import Secret
from tests import make
from tests.portal.api.asking import ask, token
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
LIST = "/staff/portal/servicetoken/"
MAKE = f"{LIST}make/"
FORM = {"name": "order gateway", "scope": "codes:read", "days": "90"}


def page_of(number: int, act: str = "change") -> str:
    return f"{LIST}{number}/{act}/"


def shown(answer: Any) -> str:
    """The token on a page, "" where there is none."""
    found: str = answer.content.decode().partition('id="service_token">')[2].partition("<")[0]
    return found


@pytest.fixture
def root() -> Client:
    return at(staff("superuser"), proven=True)


def test_a_token_is_shown_on_the_answer_that_made_it_and_never_again(root: Client) -> None:
    answer = root.post(MAKE, FORM)
    made = ServiceToken.objects.get()
    text = shown(answer)

    assert (answer.status_code, Secret(text).hash) == (200, made.token_hash)
    assert "no-store" in answer["Cache-Control"]
    assert "shown this once" in text_of(answer)
    assert made.created_by is not None
    assert ask(text).status_code == 200
    later = [root.get(page) for page in (LIST, MAKE, page_of(made.pk), page_of(made.pk, "revoke"), "/staff/")]
    assert [each.status_code for each in later] == [200] * 5
    for each in later:
        assert text[19:] not in each.content.decode()
        assert made.token_hash not in each.content.decode()
    assert all(text not in str(each.get_decoded()) for each in Session.objects.all())


def test_the_same_form_sent_again_makes_no_second_token(root: Client) -> None:
    root.post(MAKE, FORM)
    again = root.post(MAKE, FORM)

    assert (again.status_code, shown(again)) == (409, "")
    assert "‘order gateway’ has a token in use".replace("‘", "'").replace("’", "'") in text_of(again)
    assert ServiceToken.objects.count() == 1


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "x" * 101}, {"scope": "all"}, {"days": "0"}, {"days": "401"}, {"days": "x"}],
)
def test_a_form_that_cannot_be_meant_makes_nothing(root: Client, wrong: dict[str, str]) -> None:
    answer = root.post(MAKE, FORM | wrong)

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert ServiceToken.objects.count() == 0


def test_making_and_revoking_ask_the_login_to_prove_itself_again() -> None:
    made = token()
    client = at(staff("superuser"))

    for page in (MAKE, page_of(made.token.pk, "revoke")):
        for answer in (client.get(page), client.post(page, FORM | {"reason": "x"})):
            assert answer.status_code == 302
            assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    assert ServiceToken.objects.filter(revoked_at=None).count() == 1


def test_a_revocation_says_why_and_holds_at_the_next_request(root: Client) -> None:
    made = token()
    assert ask(made).status_code == 200

    empty = root.post(page_of(made.token.pk, "revoke"), {"reason": " "})
    answer = root.post(page_of(made.token.pk, "revoke"), {"reason": "seen in a chat"})
    again = root.post(page_of(made.token.pk, "revoke"), {"reason": "seen in a chat"})

    assert (empty.status_code, answer.status_code, again.status_code) == (422, 302, 409)
    assert ask(made).status_code == 401
    page = text_of(root.get(page_of(made.token.pk)))
    assert "revoked" in page
    assert "Reason: seen in a chat" in page
    assert "Revoke…" not in page


SEES = {"operations", "auditor"}


@pytest.mark.parametrize("role", [*StaffRole, "none"])
def test_who_sees_tokens_and_who_does_not(role: str) -> None:
    made = token()
    client = at(staff(role), proven=True)
    expected = 200 if role in SEES else 403

    for page in (LIST, page_of(made.token.pk)):
        assert client.get(page).status_code == expected
    for page in (MAKE, page_of(made.token.pk, "revoke")):
        assert client.get(page).status_code == 403
        assert client.post(page, FORM | {"reason": "x"}).status_code == 403
    if role in SEES:
        assert "Make a token" not in text_of(client.get(LIST))
        assert "Revoke…" not in text_of(client.get(page_of(made.token.pk)))
    assert ServiceToken.objects.filter(revoked_at=None).count() == 1


def test_nobody_else_comes_near() -> None:
    made = token()
    olga = make.login(email="olga@example.com")
    make.membership(olga, make.broker())

    for client in (Client(), at(olga)):
        for page in (LIST, MAKE, page_of(made.token.pk), page_of(made.token.pk, "revoke")):
            assert client.get(page).status_code in (302, 403, 404)
            assert client.post(page, FORM | {"reason": "x"}).status_code in (302, 403, 404, 405)
    assert ServiceToken.objects.filter(revoked_at=None).count() == 1


def test_the_list_says_which_are_good_when_they_end_and_when_they_were_used(root: Client) -> None:
    now = timezone.now()
    token(name="fresh")
    token(name="ending", days=13)
    token(name="ended", days=1, now=now - timedelta(days=2))
    used = token(name="used")
    assert ask(used).status_code == 200

    page = text_of(root.get(LIST))
    rows = {name: page.partition(name)[2][:200] for name in ("fresh", "ending", "ended", "used")}

    assert "good" in rows["fresh"]
    assert "never" in rows["fresh"]
    assert "ends soon" in rows["ending"]
    assert "expired" in rows["ended"]
    assert "127.0.0.1" in rows["used"]
    assert used.token.prefix in page


@pytest.mark.parametrize(
    ("state", "names"),
    [("good", {"fresh"}), ("expired", {"ended"}), ("revoked", set()), ("x", {"fresh", "ended"})],
)
def test_the_list_can_be_narrowed(root: Client, state: str, names: set[str]) -> None:
    token(name="fresh")
    token(name="ended", days=1, now=timezone.now() - timedelta(days=2))
    page = root.get(f"{LIST}?state={state}")

    assert {name for name in ("fresh", "ended") if f">{name}</a>" in page.content.decode()} == names


def test_no_filter_asks_a_hash_out_letter_by_letter(root: Client) -> None:
    made = token()

    answer = root.get(f"{LIST}?token_hash__startswith={made.token.token_hash[:1]}")

    assert answer.status_code in (302, 400)


def test_a_proof_that_is_old_is_asked_for_again(root: Client) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert root.post(MAKE, FORM).status_code == 302
    assert ServiceToken.objects.count() == 0


@pytest.mark.parametrize("number", [0, 10**6, 2**63, 10**30])
def test_what_is_no_token_is_not_found(root: Client, number: int) -> None:
    assert root.get(page_of(number)).status_code == 404
    assert root.post(page_of(number, "revoke"), {"reason": "x"}).status_code == 404
