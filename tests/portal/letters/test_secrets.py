"""A secret link exists in the letter that leaves, and nowhere else: no column, no log, no model's text."""

import logging

import pytest
from django.db import connection

from portal.letters.models import Letter
from tests.portal.letters.conftest import TOKEN, a_letter
from tests.portal.letters.post_office import CUT

pytestmark = pytest.mark.django_db


def columns_that_hold(text):
    """Every column of every table, read as text."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        columns = cursor.fetchall()
        for table, column in columns:
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE strpos("{column}"::text, %s) > 0', [text])
            if cursor.fetchone()[0]:
                found.append((table, column))
    assert len(columns) > 200
    return found


ANSWERS = {
    "taken": lambda said: "250 OK",
    "refused for now": lambda said: f"450 {said}",
    "refused for good": lambda said: f"554 5.7.1 {said}",
    "cut": lambda said: CUT,
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    ("kind", "facts", "link"),
    [
        ("confirm_email", {}, {"kind": "confirm", "address": 7}),
        ("reset_password", {}, {"kind": "reset", "login": 7}),
        (
            "invitation",
            {"broker": "A", "role": "owner", "invited_by": "b@example.com",
             "expires_at": "2026-12-01T00:00:00+00:00"},
            {"kind": "invite", "invitation": 7},
        ),
    ],
)  # fmt: skip
def test_the_link_is_in_the_letter_and_nowhere_else(office, sweep, caplog, answer, kind, facts, link):
    caplog.set_level(logging.DEBUG)
    quoted = f"we do not like http://localhost:8000/accounts/confirm-email/{TOKEN}/ here, nor {TOKEN}"
    office.at_the_end = lambda _: ANSWERS[answer](quoted)
    letter = a_letter(kind=kind, facts=facts, link=link)
    sweep()

    assert TOKEN in office.arrived[0].get_body(("plain",)).get_content()
    assert columns_that_hold(TOKEN) == []
    # "mail.log" is the post office's own, in the same process only here.
    assert TOKEN not in "".join(
        f"{each.getMessage()} {each.exc_text}" for each in caplog.records if each.name != "mail.log"
    )
    letter.refresh_from_db()
    assert TOKEN not in str(letter) + letter.last_error


def test_this_search_finds_what_is_there():
    """The twin: without it a search that looks nowhere would pass."""
    a_letter()
    Letter.objects.update(last_error=f"quoted: {TOKEN}")

    assert columns_that_hold(TOKEN) == [("letter", "last_error")]
