"""Logins on the staff site: all read alike, rights given and taken by superusers alone, with a reason."""

from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client

from portal.accounts import staff_actions
from portal.accounts.models import User
from portal.accounts.staff_roles import NotYourRole, StaffRole, acts_of
from tests import make
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
LIST = "/staff/portal/user/"
BUTTONS = ("make-staff", "take-staff", "give-role", "take-role", "switch-off", "switch-on")
WHY = {"reason": "joins the review desk", "role": "reviewer"}


@pytest.fixture
def root() -> Any:
    return staff("superuser")


def present(login: Any) -> Client:
    """A browser in which the login proved itself a moment ago."""
    client = Client()
    client.force_login(login)
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    return client


def of(role: str) -> Client:
    client = Client()
    client.force_login(staff(role))
    return client


def rights(login: Any) -> tuple[bool, bool, bool, list[str]]:
    login = User.objects.get(pk=login.pk)
    return (
        login.is_active,
        login.is_staff,
        login.is_superuser,
        sorted(login.groups.values_list("name", flat=True)),
    )


# -- the acts ---------------------------------------------------------------------------------


def test_rights_are_given_and_taken_one_by_one(root: Any) -> None:
    anna = make.login(email="anna@exchange.example")
    said = {"login_id": anna.pk, "by": root, "reason": "as agreed"}

    staff_actions.make_staff(**said)
    assert rights(anna) == (True, True, False, [])
    assert acts_of(User.objects.get(pk=anna.pk)) == set()
    staff_actions.give_role(**said, role="reviewer")
    staff_actions.give_role(**said, role="auditor")
    assert rights(anna) == (True, True, False, ["auditor", "reviewer"])
    staff_actions.take_role(**said, role="reviewer")
    assert rights(anna) == (True, True, False, ["auditor"])
    staff_actions.switch_off(**said)
    assert rights(anna) == (False, True, False, ["auditor"])
    assert acts_of(User.objects.get(pk=anna.pk)) == set()
    staff_actions.switch_on(**said)
    assert rights(anna) == (True, True, False, ["auditor"])
    staff_actions.take_staff(**said)
    assert rights(anna) == (True, False, False, [])


def test_taking_a_superuser_off_the_staff_takes_everything(root: Any) -> None:
    other = staff("superuser", email="other@exchange.example")

    staff_actions.take_staff(login_id=other.pk, by=root, reason="left")

    assert rights(other) == (True, False, False, [])


def each_act(login: Any, by: Any, reason: str = "as agreed") -> list[Any]:
    said = {"login_id": login.pk, "by": by, "reason": reason}
    return [
        lambda: staff_actions.make_staff(**said),
        lambda: staff_actions.take_staff(**said),
        lambda: staff_actions.give_role(**said, role="auditor"),
        lambda: staff_actions.take_role(**said, role="reviewer"),
        lambda: staff_actions.switch_off(**said),
        lambda: staff_actions.switch_on(**said),
    ]


@pytest.mark.parametrize("role", StaffRole)
def test_no_role_but_a_superuser_changes_rights(role: str) -> None:
    other = staff("reviewer", email="other@exchange.example")

    for act in each_act(other, staff(role)):
        with pytest.raises(NotYourRole):
            act()
    assert rights(other) == (True, True, False, ["reviewer"])


def test_nobody_changes_their_own_rights(root: Any) -> None:
    for act in each_act(root, root):
        with pytest.raises(staff_actions.OwnRights, match="ask another superuser"):
            act()
    assert rights(root) == (True, True, True, [])


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 501])
def test_every_change_says_why(root: Any, reason: str) -> None:
    other = staff("reviewer")

    for act in each_act(other, root, reason):
        with pytest.raises(staff_actions.ReasonNeeded):
            act()
    assert rights(other) == (True, True, False, ["reviewer"])


def test_what_is_so_already_is_said_and_recorded_by_no_row(root: Any) -> None:
    from django.apps import apps

    anna, rita = make.login(email="anna@exchange.example"), staff("reviewer")
    changes = apps.get_model("portal.UserHistory").objects.count()

    for act, of_login, more in (
        (staff_actions.make_staff, rita, {}),
        (staff_actions.take_staff, anna, {}),
        (staff_actions.give_role, rita, {"role": "reviewer"}),
        (staff_actions.take_role, rita, {"role": "auditor"}),
        (staff_actions.switch_on, rita, {}),
    ):
        with pytest.raises(staff_actions.NothingToChange):
            act(login_id=of_login.pk, by=root, reason="as agreed", **more)
    assert apps.get_model("portal.UserHistory").objects.count() == changes


def test_roles_are_for_staff_and_only_those_that_exist(root: Any) -> None:
    anna = make.login(email="anna@exchange.example")

    with pytest.raises(staff_actions.NotStaff, match="make the login staff first"):
        staff_actions.give_role(login_id=anna.pk, role="reviewer", by=root, reason="x")
    with pytest.raises(staff_actions.NoSuchStaffRole):
        staff_actions.give_role(login_id=anna.pk, role="owner", by=root, reason="x")
    with pytest.raises(staff_actions.NoSuchLogin):
        staff_actions.switch_off(login_id=10**9, by=root, reason="x")


def test_staff_have_shown_that_they_read_their_mailbox(root: Any) -> None:
    from allauth.account.models import EmailAddress

    anna = make.login(email="anna@exchange.example")
    EmailAddress.objects.filter(user=anna).update(verified=False)

    with pytest.raises(staff_actions.NotConfirmed):
        staff_actions.make_staff(login_id=anna.pk, by=root, reason="x")


def test_switched_off_every_session_ends_at_once(root: Any) -> None:
    anna = make.login(email="anna@example.com")
    clients = []
    for _ in range(2):
        client = Client()
        client.post("/accounts/login/", {"login": "anna@example.com", "password": "correct horse battery"})
        client.get("/brokers/")
        clients.append(client)
    assert UserSession.objects.filter(user=anna).count() == 2
    assert [client.get("/brokers/").status_code for client in clients] == [200, 200]

    staff_actions.switch_off(login_id=anna.pk, by=root, reason="lost laptop")

    assert UserSession.objects.filter(user=anna).count() == 0
    assert [client.get("/brokers/").status_code for client in clients] == [302, 302]
    staff_actions.switch_on(login_id=anna.pk, by=root, reason="found it")
    assert [client.get("/brokers/").status_code for client in clients] == [302, 302]


# -- the pages --------------------------------------------------------------------------------


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
def test_who_may_look_at_logins(role: str, status: int) -> None:
    anna = make.login(email="anna@example.com")
    client = of(role)

    assert client.get(LIST).status_code == status
    assert client.get(f"{LIST}{anna.pk}/change/").status_code == status


def test_the_page_of_a_login_says_what_it_may_and_shows_no_secret() -> None:
    anna = make.login(email="anna@example.com", name="Anna Berg")
    make.membership(anna, make.broker(code=1400, name="Altair Terminal"))

    page = of("auditor").get(f"{LIST}{anna.pk}/change/")

    text = text_of(page)
    for fact in ("anna@example.com", "Anna Berg", "Altair Terminal (1400)", "owner", "confirmed"):
        assert fact in text
    for secret in ("argon2", make.TOTP_SECRET, anna.password):
        assert secret not in page.content.decode()


def test_logins_are_found_by_address_and_name_and_by_what_they_lack() -> None:
    make.login(email="anna@example.com", name="Anna Berg")
    staff("reviewer", mfa=False)
    auditor = of("auditor")

    assert "anna@example.com" in text_of(auditor.get(f"{LIST}?q=berg"))
    assert "reviewer@exchange.example" not in text_of(auditor.get(f"{LIST}?q=berg"))
    without = text_of(auditor.get(f"{LIST}?who=no-factor"))
    assert "reviewer@exchange.example" in without
    assert "anna@example.com" not in without


def test_the_list_costs_the_same_for_any_number_of_logins(django_assert_max_num_queries: Any) -> None:
    for number in range(30):
        make.login(email=f"login{number}@example.com")
    auditor = of("auditor")

    with django_assert_max_num_queries(16):
        assert auditor.get(LIST).status_code == 200


@pytest.mark.parametrize("role", ["operations", "auditor", "reviewer"])
@pytest.mark.parametrize("button", BUTTONS)
def test_only_superusers_have_the_buttons(role: str, button: str) -> None:
    anna = make.login(email="anna@example.com")
    client = of(role)

    assert client.get(f"{LIST}{anna.pk}/{button}/").status_code == 403
    assert client.post(f"{LIST}{anna.pk}/{button}/", WHY).status_code == 403
    assert rights(anna) == (True, False, False, [])


@pytest.mark.parametrize("button", BUTTONS)
def test_a_superuser_proves_to_be_present_before_any_right_changes(root: Any, button: str) -> None:
    anna = make.login(email="anna@example.com")
    client = Client()
    client.force_login(root)

    asked = client.post(f"{LIST}{anna.pk}/{button}/", WHY)

    assert asked.status_code == 302
    assert asked.headers["Location"].startswith("/accounts/")
    assert "reauthenticate" in asked.headers["Location"]
    assert rights(anna) == (True, False, False, [])


def test_a_superuser_makes_a_reviewer_by_two_pages(root: Any) -> None:
    anna = make.login(email="anna@exchange.example")
    client = present(root)
    page = f"{LIST}{anna.pk}/change/"
    assert f"{LIST}{anna.pk}/make-staff/" in links_of(client.get(page))

    asked = client.get(f"{LIST}{anna.pk}/make-staff/")
    assert "anna@exchange.example may enter the staff site, once it has a second factor" in text_of(asked)
    nothing = client.post(f"{LIST}{anna.pk}/make-staff/", {"reason": ""})
    assert nothing.status_code == 422
    done = client.post(f"{LIST}{anna.pk}/make-staff/", WHY)
    assert done.headers["Location"] == page
    client.post(f"{LIST}{anna.pk}/give-role/", WHY)

    assert rights(anna) == (True, True, False, ["reviewer"])
    text = text_of(client.get(page))
    assert "Reason: joins the review desk" in text
    twice = client.post(f"{LIST}{anna.pk}/give-role/", WHY)
    assert twice.status_code == 409
    assert "anna@exchange.example is reviewer already." in text_of(twice)


def test_ones_own_page_has_no_buttons_and_ones_own_rights_do_not_change(root: Any) -> None:
    client = present(root)

    page = client.get(f"{LIST}{root.pk}/change/")

    assert "This is your own login" in text_of(page)
    assert [
        link for link in links_of(page) if link.startswith(f"{LIST}{root.pk}/") and "change" not in link
    ] == []
    refused = client.post(f"{LIST}{root.pk}/give-role/", WHY)
    assert refused.status_code == 409
    assert rights(root) == (True, True, True, [])


def test_fields_that_the_page_does_not_have_change_nothing(root: Any) -> None:
    anna = make.login(email="anna@exchange.example")
    more = {"is_superuser": "on", "is_staff": "on", "groups": "1", "login_id": str(root.pk), "by": "1"}

    present(root).post(f"{LIST}{anna.pk}/make-staff/", WHY | more)

    assert rights(anna) == (True, True, False, [])
    assert rights(root) == (True, True, True, [])


def test_djangos_own_forms_change_no_login(root: Any) -> None:
    anna = make.login(email="anna@example.com")
    client = present(root)
    forged = {"is_superuser": "on", "is_staff": "on", "password": "x", "_save": "Save"}

    for address in (LIST, f"{LIST}{anna.pk}/change/", f"{LIST}add/", f"{LIST}{anna.pk}/password/"):
        assert client.post(address, forged).status_code in (404, 405)
    assert rights(anna) == (True, False, False, [])


def test_what_a_login_calls_itself_is_shown_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    anna = make.login(email="anna@example.com", name=hostile)
    auditor = of("auditor")

    for address in (LIST, f"{LIST}{anna.pk}/change/"):
        assert hostile not in auditor.get(address).content.decode()


def test_a_right_given_holds_at_the_next_click(root: Any) -> None:
    with time_machine.travel(make.NOW, tick=False):
        rita = staff("none", email="rita@exchange.example")
        client = Client()
        client.force_login(rita)
        assert client.get("/staff/").status_code == 403

        staff_actions.give_role(login_id=rita.pk, role="auditor", by=root, reason="as agreed")
        assert client.get("/staff/").status_code == 200
        staff_actions.take_role(login_id=rita.pk, role="auditor", by=root, reason="as agreed")
        assert client.get("/staff/").status_code == 403
