"""The demo's mailbox: one file a letter, links that work, and no way out of the folder."""

from datetime import timedelta

import pytest
from django.urls import NoReverseMatch, reverse

from portal.letters import mailbox
from tests import make
from tests.portal.letters.conftest import TOKEN, a_letter
from tests.portal.page_text import links_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.portal.letters.demo_urls")]

OWN_LINK = f"http://localhost:8000/accounts/confirm-email/{TOKEN}/"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.EMAIL_BACKEND = "portal.letters.mailbox.MailboxBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mailbox")
    return tmp_path / "mailbox"


def names():
    return [letter.name for letter in mailbox.newest(100)]


def test_each_letter_is_a_file_of_its_own_that_others_cannot_read(folder, sweep):
    for number in range(3):
        a_letter(f"letter {number}")

    assert sweep() == 3
    assert len(list(folder.iterdir())) == 3
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_list_says_what_to_whom_and_when_the_newest_first(client, sweep, clock):
    a_letter("one")
    sweep()
    clock.goes_on(minutes=5)
    a_letter("two", kind="reset_password", facts={}, link={"kind": "reset", "login": 1}, to="li@example.com")
    sweep()
    page = client.get("/demo/mailbox/")

    assert (
        "Choose a new password 2026-11-22 12:05:00 UTC to li@example.com"
        " Your login was used in a new browser 2026-11-22 12:00:00 UTC to olga@example.com" in text_of(page)
    )
    assert "exists only in the demo" in text_of(page)
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_an_empty_mailbox_says_how_a_letter_gets_there(client):
    assert "No letter has arrived yet. Sign up, or ask for a new password" in text_of(
        client.get("/demo/mailbox/")
    )


def test_a_letters_secret_link_can_be_followed(client, sweep):
    a_letter(kind="confirm_email", facts={}, link={"kind": "confirm", "address": 1})
    sweep()
    page = client.get(f"/demo/mailbox/{names()[0]}/")

    assert OWN_LINK in links_of(page)
    assert "Confirm this address: " in text_of(page)
    assert "exists only in the demo" in text_of(page)


def test_a_letter_is_shown_as_text_whatever_is_in_it(client, sweep):
    a_letter(
        kind="information_requested",
        facts={
            "legal_name": "<img src=x onerror=alert(1)>",
            "reference": "0b0d6f6e-3c36-4a5e-9a0e-6d3f5a1c2b3d",
            "text": 'see http://evil.example/"onclick=alert(1) <script>alert(1)</script> javascript:alert(1)',
        },
    )
    sweep()
    page = client.get(f"/demo/mailbox/{names()[0]}/")

    assert b"<img" not in page.content
    assert b"<script>alert" not in page.content
    assert b'"onclick' not in page.content
    assert not [link for link in links_of(page) if link.startswith("javascript")]


def test_long_and_foreign_subjects_come_through(client, sweep):
    name = "Größte Börse Nürnbergs – 取引所 " + "x" * 90
    a_letter(
        kind="invitation",
        facts={
            "broker": name,
            "role": "owner",
            "invited_by": "b@example.com",
            "expires_at": "2026-12-01T00:00:00+00:00",
        },
        link={"kind": "invite", "invitation": 1},
    )
    sweep()

    assert f"You are invited to {name}" in text_of(client.get("/demo/mailbox/"))


@pytest.mark.parametrize(
    "name",
    [
        "20261122T120000000000-0123abcd",  # well made, not there
        "..%2fsecret_key",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        ".",
        "..",
        "20261122T120000000000-0123abcd%0a",
        "20261122T120000000000-0123abcd%00",
        "٢٠261122T120000000000-0123abcd",
        "x" * 5_000,
    ],
)
def test_no_name_leads_out_of_the_folder(client, folder, name):
    folder.mkdir()
    (folder.parent / "secret_key").write_text("secret")
    (folder.parent / "secret_key.eml").write_text("Subject: secret\n\nsecret")
    page = client.get(f"/demo/mailbox/{name}/")

    assert page.status_code == 404
    assert b"Subject" not in page.content


def test_a_link_in_the_folder_under_another_name_is_not_shown(folder, client):
    folder.mkdir()
    (folder / "passwd.eml").symlink_to("/etc/passwd")

    assert client.get("/demo/mailbox/passwd/").status_code == 404
    assert client.get("/demo/mailbox/").status_code == 200
    assert names() == []


def test_a_mailbox_that_cannot_be_written_keeps_its_letters_waiting(folder, sweep, clock):
    folder.write_text("a file, where a folder should be")
    letter = a_letter()

    assert sweep() == 0
    letter.refresh_from_db()
    assert (letter.state, letter.due_at) == ("failed", clock.now + timedelta(seconds=15))


@pytest.mark.urls("portal.urls")
def test_outside_the_demo_there_is_no_mailbox(client):
    make.login()

    assert client.get("/demo/mailbox/").status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("demo_mailbox")
