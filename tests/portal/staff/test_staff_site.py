"""Who may enter the staff site, what it offers, and that no forged post changes a thing."""

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from portal.application.models import Application
from tests import make
from tests.portal.staff import make_review as make_
from tests.portal.staff.browsing import PASSWORD, at, page

pytestmark = pytest.mark.django_db
QUEUE = "/staff/portal/application/"


def test_a_stranger_is_led_to_the_portals_own_door_and_back() -> None:
    answer = Client().get(f"{QUEUE}?risk=high")

    assert (answer.status_code, answer["Location"]) == (
        302,
        "/accounts/login/?next=/staff/portal/application/%3Frisk%3Dhigh",
    )


def test_djangos_own_login_form_lets_nobody_in() -> None:
    make_.staff("superuser", email="root@exchange.example")
    client = Client()

    answer = client.post("/staff/login/", {"username": "root@exchange.example", "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/staff/")
    assert "_auth_user_id" not in client.session


def test_a_login_without_a_role_is_refused_and_not_sent_in_circles() -> None:
    member = make.login()
    make.membership(member, make.broker(), role="viewer")

    for login in (member, make_.staff("none")):
        assert at(login).get("/staff/").status_code == 403
        assert at(login).get(QUEUE).status_code == 403
        assert at(login).get("/staff/nothing/").status_code == 403


#: What each role sees in the header and on the first page, in order.
_MONEY = ["Brokers", "Cases", "Changes of account", "Credits", "Months", "Prepared acts", "Quarantine"]
_ALL = [*_MONEY, "Applications", "Letters", "Logins", "Looks", "Service tokens"]
ROOMS = {
    "reviewer": ["Brokers", "Cases", "Applications"],
    "operations": [each for each in _ALL if each != "Looks"],
    "finance preparer": _MONEY,
    "finance approver": _MONEY,
    "auditor": _ALL,
    "superuser": _ALL,
}


@pytest.mark.parametrize(("role", "rooms"), ROOMS.items())
def test_a_role_sees_the_rooms_it_may_enter(role: str, rooms: list[str]) -> None:
    client = at(make_.staff(role))
    text = client.get("/staff/").content.decode()
    header = re.search(r'<nav class="rooms".*?</nav>', text, re.S)
    assert header is not None

    assert [unescape(room) for room in re.findall(r">([^<]+)</a>", header[0])] == ["Staff", *rooms]
    sees = {"Brokers": "payouts/broker", "Applications": "portal/application"}
    sees |= {"Letters": "portal/letter", "Logins": "portal/user", "Cases": "payouts/case"}
    sees |= {"Looks": "portal/viewas", "Service tokens": "portal/servicetoken"}
    sees |= {"Changes of account": "payouts/accountchange", "Prepared acts": "payouts/proposal"}
    sees |= {"Credits": "payouts/attempt", "Months": "payouts/run", "Quarantine": "payouts/quarantineplace"}
    assert {name: client.get(f"/staff/{where}/").status_code for name, where in sees.items()} == {
        name: 200 if name in rooms else 403 for name in sees
    }


def test_only_our_own_windows_are_open() -> None:
    assert {model._meta.label for model in admin.site._registry} == {
        "payouts.AccountChange",
        "payouts.Attempt",
        "payouts.Broker",
        "payouts.Case",
        "payouts.Difference",
        "payouts.Payout",
        "payouts.Proposal",
        "payouts.QuarantinePlace",
        "payouts.Reconciliation",
        "payouts.Run",
        "payouts.Transaction",
        "portal.Application",
        "portal.Letter",
        "portal.ServiceToken",
        "portal.User",
        "portal.ViewAs",
    }


@pytest.mark.parametrize(
    "extra",
    [
        "password_change/",
        "jsi18n/",
        "autocomplete/",
        "r/1/1/",
        "logout/",
        "auth/group/",
        "account/emailaddress/",
    ],
)
def test_djangos_extras_are_not_there(extra: str) -> None:
    assert at(make_.staff("superuser")).get(f"/staff/{extra}").status_code == 404


def test_the_first_page_shows_the_work() -> None:
    by = make_.staff()
    make_.application(), make_.application(assignee=by), make_.application(state="draft")

    page = at(by).get("/staff/").content.decode()
    text = page[page.index('id="applications-heading"') :]

    assert re.findall(r"<dt>(.*?)</dt><dd>(?:<a [^>]*>)?(?:<time [^>]*>)?([^<]*)", text) == [
        ("Waiting for us", "2"),
        ("Mine", "1"),
        ("Nobody's", "1"),
        ("Oldest sent", "2026-11-19 09:00"),
    ]


# -- forged posts --------------------------------------------------------------------------------

#: What a whole form of Django's admin would send for the model.
FORGED = {
    "legal_name": "Forged",
    "state": "approved",
    "broker": "1400",
    "_save": "Save",
    "form-TOTAL_FORMS": "1",
    "form-INITIAL_FORMS": "1",
    "form-0-state": "approved",
    "action": "delete_selected",
    "index": "0",
    "select_across": "1",
    "post": "yes",
}


@pytest.mark.parametrize("role", ["superuser", "reviewer", "auditor"])
def test_forged_posts_and_formsets_change_nothing(role: str) -> None:
    found = make_.application(legal_name="Delta")
    client = at(make_.staff(role))
    forged = FORGED | {"form-0-id": str(found.pk), "_selected_action": str(found.pk)}

    came = {
        where: client.post(f"/staff/portal/application/{where}", forged).status_code
        for where in ("", "add/", f"{found.pk}/change/", f"{found.pk}/delete/", f"{found.pk}/history/")
    }

    assert came == {
        "": 405,
        "add/": 404,
        f"{found.pk}/change/": 405,
        f"{found.pk}/delete/": 404,
        f"{found.pk}/history/": 404,
    }
    found.refresh_from_db()
    assert (found.legal_name, found.state, Application.objects.count()) == ("Delta", "submitted", 1)


@pytest.mark.parametrize("model", [each for each in admin.site._registry if each._meta.model_name])
def test_no_window_adds_changes_or_deletes_by_itself(model: Any, rf: Any) -> None:
    window = admin.site._registry[model]
    request = rf.get("/")
    request.user = make_.staff("superuser")

    assert (
        window.has_add_permission(request),
        window.has_change_permission(request),
        window.has_delete_permission(request),
    ) == (False, False, False)
    assert window.get_actions(request) == {}
    assert (window.list_editable, window.inlines) == ((), ())


@pytest.mark.parametrize("act", ["take", "release", "note", "ask-exchange", "ask", "reject", "approve"])
def test_a_post_without_the_csrf_token_is_refused(act: str) -> None:
    found = make_.application()

    answer = at(make_.staff(), enforce_csrf_checks=True).post(page(found, act), {"holder": "", "text": "x"})

    assert answer.status_code == 403
    found.refresh_from_db()
    assert (found.state, found.version) == ("submitted", 1)


def test_more_fields_than_the_form_has_are_not_taken() -> None:
    found, by = make_.application(legal_name="Delta"), make_.staff()

    at(by).post(
        page(found, "ask"), {"seen": "1", "text": "Which bots?", "legal_name": "Forged", "assignee": "999"}
    )

    found.refresh_from_db()
    assert (found.legal_name, found.state, found.assignee_id) == ("Delta", "information_requested", by.pk)
