"""Owners ask colleagues in: the letter, the link, what holds it up, and what nobody learns by it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from portal.letters.models import Letter
from portal.letters.rendering import render
from portal.team import colleagues, invitations, links
from portal.team.models import Activity, Invitation
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.team.colleagues import TEAM, altair, errors, letters, of, refusal, seat
from tests.portal.team.conftest import NOW, person, staff

pytestmark = pytest.mark.django_db
NORA = "nora@altair.example"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def _team(clock: Any) -> None:
    altair()


def owner() -> Any:
    return seat("owner@altair.example").login


def invite(email: str = NORA, role: str = "finance", **changed: Any) -> Invitation:
    usual: dict[str, Any] = {"broker_code": 1400, "by": owner(), "now": NOW}
    return colleagues.invite(email=email, role=role, **(usual | changed))


def nora(**fields: Any) -> Client:
    return at(person(NORA, **fields))


def log() -> list[tuple[str, str, str]]:
    return list(Activity.objects.order_by("pk").values_list("kind", "about", "by__email"))


# -- inviting ---------------------------------------------------------------------------------


def test_an_owner_invites_for_seven_days_and_one_letter_goes_out_in_the_owners_name() -> None:
    done = of("owner").post(f"{TEAM}invite/", {"email": " Nora@Altair.example ", "role": "finance"})

    assert (done.status_code, done.headers["Location"]) == (302, TEAM)
    found = Invitation.objects.get()
    assert (found.broker_id, found.email, found.role, found.state) == (1400, NORA, "finance", "open")
    assert (found.invited_by, found.invited_at) == (owner(), NOW)
    assert found.expires_at == NOW + timedelta(days=7)
    assert letters("invitation") == [
        (
            NORA,
            {
                "broker": "Altair Terminal",
                "role": "finance",
                "invited_by": "owner@altair.example",
                "expires_at": "2026-11-29T12:00:00+00:00",
            },
        )
    ]
    assert log() == [("invited", "nora@altair.example as finance", "owner@altair.example")]
    text = text_of(of("viewer").get(TEAM))
    assert "nora@altair.example finance owner@altair.example 2026-11-29 12:00 UTC" in text


def test_inviting_changing_and_removing_ask_who_it_is_once_more() -> None:
    client = of("owner", proven=False)
    other = seat("viewer@altair.example").pk

    for path in ("invite/", f"members/{other}/role/", f"members/{other}/remove/"):
        for answer in (client.get(f"{TEAM}{path}"), client.post(f"{TEAM}{path}", {"role": "owner"})):
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/accounts/")
    assert client.get(f"{TEAM}leave/").status_code == 200
    assert not Invitation.objects.exists()
    assert seat("viewer@altair.example").role == "viewer"


@pytest.mark.parametrize("email", ["", "nora", "nora@example.com\r\nBcc: all@example.com", "a b@example.com"])
def test_what_is_no_address_is_told_beside_the_field_and_nothing_is_sent(email: str) -> None:
    page = of("owner").post(f"{TEAM}invite/", {"email": email, "role": "viewer"})

    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.content.decode()
    assert not Letter.objects.exists()


@pytest.mark.parametrize("role", ["", "superuser", "staff", "OWNER", "owner\n"])
def test_a_role_that_does_not_exist_is_refused(role: str) -> None:
    page = of("owner").post(f"{TEAM}invite/", {"email": NORA, "role": role})

    assert page.status_code == 422 or not Invitation.objects.filter(role=role).exists()
    assert set(Invitation.objects.values_list("role", flat=True)) <= {"owner"}


def test_fields_that_the_page_does_not_have_change_nothing() -> None:
    make.broker(code=1500)
    more = {
        "broker": "1500",
        "broker_code": "1500",
        "by": "1",
        "expires_at": "2030-01-01",
        "state": "accepted",
    }

    of("owner").post(f"{TEAM}invite/", {"email": NORA, "role": "viewer"} | more)

    assert Invitation.objects.values_list("broker_id", "state", "expires_at").get() == (
        1400,
        "open",
        NOW + timedelta(days=7),
    )


def test_an_owner_never_learns_whether_an_address_has_a_login() -> None:
    person("has@example.com")
    staff("rita@exchange.example")
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(
        user=seat("viewer@altair.example").login, email="second@example.com", verified=True, primary=False
    )
    client = of("owner")

    answers = set()
    for email in ("has@example.com", "rita@exchange.example", "second@example.com", "none@example.com"):
        done = client.post(f"{TEAM}invite/", {"email": email, "role": "viewer"})
        page = text_of(client.get(TEAM)).replace(email, "X")
        answers.add((done.status_code, "The invitation is written" in page, page.count("X viewer")))

    assert answers == {(302, True, 1)}
    assert [to for to, _ in letters("invitation")] == [
        "has@example.com",
        "rita@exchange.example",
        "second@example.com",
        "none@example.com",
    ]


def test_a_member_is_not_invited_again_and_neither_is_who_is_invited() -> None:
    client = of("owner")
    member = client.post(f"{TEAM}invite/", {"email": "viewer@altair.example", "role": "owner"})
    invite()
    twice = client.post(f"{TEAM}invite/", {"email": NORA, "role": "owner"})

    assert (member.status_code, twice.status_code) == (409, 409)
    assert errors(member) == "viewer@altair.example is a member already: change the role instead."
    assert errors(twice) == (
        "nora@altair.example is invited until 2026-11-29 12:00 UTC: send that letter again,"
        " or withdraw the invitation first."
    )
    assert Invitation.objects.get().role == "finance"


def test_one_that_ran_out_makes_place_for_the_next() -> None:
    first = invite()

    second = invite(now=NOW + timedelta(days=7))

    first.refresh_from_db()
    assert (first.state, second.state) == ("withdrawn", "open")


def test_twenty_are_open_at_most() -> None:
    for number in range(20):
        invite(f"n{number}@altair.example")

    with pytest.raises(colleagues.TooManyInvitations, match="20 invitations are open"):
        invite()
    assert invite(now=NOW + timedelta(days=7, seconds=1)).state == "open"


def test_forty_are_invited_a_day_at_most_withdrawn_or_not() -> None:
    for number in range(40):
        each = invite(f"n{number}@altair.example")
        colleagues.withdraw(broker_code=1400, invitation_id=each.pk, by=owner(), now=NOW)

    with pytest.raises(colleagues.TooManyInvitations, match="40 people were invited in 24 hours"):
        invite()
    assert invite(now=NOW + timedelta(hours=24)).state == "open"


def test_a_team_has_fifty_members_at_most() -> None:
    broker = seat("owner@altair.example").broker
    first = invite()
    for number in range(46):
        make.membership(make.login(email=f"n{number}@altair.example"), broker, role="viewer")

    with pytest.raises(colleagues.TeamIsFull, match="The team has 50 members"):
        invite("one@altair.example")
    page = nora().post(f"/invitations/{links.token_of(first)}/")
    assert (page.status_code, refusal(page)) == (
        409,
        "The team has 50 members, which is the most: remove somebody first.",
    )


def test_letters_to_one_address_wait_for_each_other_and_are_five_a_day() -> None:
    invitation = invite()
    act = {"broker_code": 1400, "invitation_id": invitation.pk, "by": owner()}
    with pytest.raises(invitations.SentJustNow):
        colleagues.send_again(**act, now=NOW + timedelta(minutes=4, seconds=59))
    colleagues.withdraw(**act, now=NOW)
    with pytest.raises(invitations.SentJustNow):
        invite(now=NOW + timedelta(minutes=4, seconds=59))

    second = invite(now=NOW + timedelta(minutes=5))
    act["invitation_id"] = second.pk
    for number in range(2, 5):
        colleagues.send_again(**act, now=NOW + timedelta(minutes=5 * number))
    with pytest.raises(colleagues.TooManyInvitations, match="got 5 letters in 24 hours"):
        colleagues.send_again(**act, now=NOW + timedelta(hours=23))
    colleagues.send_again(**act, now=NOW + timedelta(hours=24))

    assert len(letters("invitation")) == 6
    second.refresh_from_db()
    assert second.expires_at == NOW + timedelta(days=7, minutes=5)


def test_a_letter_holds_what_somebody_typed_on_one_line_and_escaped() -> None:
    facts = {
        "broker": "Altair\r\nBcc: all@example.com <b>",
        "role": "viewer",
        "invited_by": "o\r\nSubject: x@example.com",
        "expires_at": "2026-11-29T12:00:00+00:00",
    }

    made = render(kind="invitation", facts=facts, link="https://portal.example/invitations/1-x/")

    assert made.subject == "You are invited to Altair Bcc: all@example.com <b>"
    assert "Bcc: all@example.com &lt;b&gt;" in made.html
    assert "\nSubject:" not in made.text


@pytest.mark.parametrize(
    ("kind", "facts", "subject"),
    [
        (
            "member_joined",
            {"member": "nora@altair.example\r\nBcc: x", "role": "viewer", "code": 1400},
            "nora@altair.example Bcc: x joined the team of Altair",
        ),
        (
            "role_changed",
            {"before": "viewer", "role": "finance", "by": "o@altair.example", "code": 1400},
            "Your role at Altair was changed",
        ),
        ("member_removed", {"by": "o@altair.example"}, "You were removed from the team of Altair"),
    ],
)
def test_letters_about_members_are_written_out(kind: str, facts: dict[str, Any], subject: str) -> None:
    made = render(kind=kind, facts=facts | {"broker": "Altair", "at": "2026-11-22T12:00:00+00:00"})

    assert made.subject == subject
    assert "2026-11-22 12:00 UTC" in made.text
    assert "2026-11-22 12:00 UTC" in made.html
    assert ("/brokers/1400/team/" in made.text) == (kind != "member_removed")
