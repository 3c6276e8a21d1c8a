"""The page of a login's letters: whose choices it shows, and that it changes nobody else's."""

import pytest

from portal.preferences import actions
from tests import make
from tests.portal.page_text import text_of
from tests.portal.preferences.people import rows, staff, team
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db
PAGE = "/accounts/letters/"


def fields(client):
    """Each choice of the page and what is chosen."""
    form = client.get(PAGE).context["form"]
    return {name: form[name].initial for name in form.fields}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("owner", {"1400-statements": "at once", "1400-credits": "at once", "1400-team": "at once"}),
        ("finance", {"1400-statements": "at once", "1400-credits": "at once"}),
        ("viewer", {"1400-statements": "at once", "1400-credits": "at once"}),
        ("developer", {}),
    ],
)
def test_a_member_chooses_among_what_its_role_gets(role, expected):
    assert fields(at(team()[role])) == expected


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["reviewer"], ["staff-applications", "staff-books"]),
        (["operations"], ["staff-books"]),
        (["finance preparer"], ["staff-months", "staff-quarantine", "staff-books"]),
        (["finance approver", "reviewer"],
         ["staff-applications", "staff-months", "staff-quarantine", "staff-books"]),
        (["auditor"], ["staff-books"]),
        ([], []),
    ],
)  # fmt: skip
def test_staff_choose_among_what_their_roles_get(roles, expected):
    assert fields(at(staff(*roles))) == dict.fromkeys(expected, "daily")


def test_who_belongs_nowhere_has_nothing_to_choose_and_reads_what_everybody_gets():
    page = at(make.login()).get(PAGE)

    assert page.status_code == 200
    assert "There is nothing to choose" in text_of(page)
    assert "your login: its address, its password, its second factor" in text_of(page)


def test_who_is_not_logged_in_goes_to_the_login_page(client):
    assert client.get(PAGE).headers["Location"] == "/accounts/login/?next=/accounts/letters/"
    assert client.post(PAGE, {"1400-statements": "never"}).status_code == 302
    assert rows() == []


def test_what_is_chosen_is_kept_and_shown():
    client = at(team()["finance"])

    done = client.post(PAGE, {"1400-statements": "never", "1400-credits": "daily"}, follow=True)

    assert done.redirect_chain == [(PAGE, 302)]
    assert "Saved." in text_of(done)
    assert rows() == [
        ("finance@example.com", 1400, "statements", "never"),
        ("finance@example.com", 1400, "credits", "daily"),
    ]
    assert fields(client) == {"1400-statements": "never", "1400-credits": "daily"}


def test_what_is_as_it_was_is_not_written():
    """Else a wish that nobody changed would look new, and the past older than it."""
    client = at(team()["finance"])

    done = client.post(PAGE, {"1400-statements": "at once", "1400-credits": "at once"}, follow=True)
    assert "Nothing was changed." in text_of(done)
    assert rows() == []


def test_each_broker_has_its_own_choices():
    logins = team()
    other = make.broker(code=1500, name="Altair")
    make.membership(logins["viewer"], other, role="finance")
    client = at(logins["viewer"])
    page = client.get(PAGE)

    assert [each.title for each in page.context["sections"]] == ["Altair · 1500", "Nordlicht · 1400"]
    client.post(
        PAGE,
        {"1400-statements": "at once", "1400-credits": "never",
         "1500-statements": "daily", "1500-credits": "at once"},
    )  # fmt: skip
    assert rows() == [
        ("viewer@example.com", 1500, "statements", "daily"),
        ("viewer@example.com", 1400, "credits", "never"),
    ]


def test_what_is_sent_about_others_or_what_everybody_gets_is_not_looked_at():
    team(1500, "Altair", "a.")
    client = at(team()["viewer"])

    client.post(
        PAGE,
        {"1400-statements": "never", "1400-credits": "at once", "1400-team": "never",
         "1500-statements": "never", "staff-books": "never", "1400-security": "never", "login": "1"},
    )  # fmt: skip
    assert rows() == [("viewer@example.com", 1400, "statements", "never")]


@pytest.mark.parametrize("sent", ["hourly", "", "\x00", "at once\r\nBcc: x"])
def test_what_cannot_be_chosen_is_refused_with_a_sentence(sent):
    page = at(team()["viewer"]).post(PAGE, {"1400-statements": sent, "1400-credits": "never"})

    assert page.status_code == 422
    assert rows() == []


def test_staff_cannot_choose_that_it_comes_at_once():
    assert at(staff("auditor")).post(PAGE, {"staff-books": "at once"}).status_code == 422


def test_a_form_from_elsewhere_is_refused():
    client = at(team()["viewer"], enforce_csrf_checks=True)

    assert client.post(PAGE, {"1400-statements": "never", "1400-credits": "never"}).status_code == 403
    assert rows() == []


def test_the_names_of_choices_differ_and_the_page_is_found_from_everywhere():
    logins = team()
    make.membership(logins["viewer"], make.broker(code=1500, name="Altair"), role="viewer")
    page = at(logins["viewer"]).get(PAGE).content.decode()

    for whose in ("Altair", "Nordlicht"):
        assert page.count(f'Statements<span class="sr-only">, {whose}</span>') == 1
    assert page.count("<h1>") == 1
    assert '<a href="/accounts/letters/">Letters</a>' in page


def test_a_brokers_name_is_only_text():
    make.membership(make.login(), make.broker(name="<script>alert(1)</script>"), role="viewer")
    from portal.accounts.models import User

    page = at(User.objects.get()).get(PAGE).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_it_takes_as_many_queries_for_many_brokers_as_for_one(django_assert_max_num_queries):
    login = team()["viewer"]
    for code in range(1500, 1520):
        make.membership(login, make.broker(code=code), role="viewer")
    actions.wish(login=login.pk, broker=1500, topic="credits", delivery="daily", now=make.NOW)
    client = at(login)
    client.get(PAGE)

    with django_assert_max_num_queries(14):
        client.get(PAGE)
