"""Staff look at the pages of a broker as its members do: announced, recorded, for a while, powerless."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import URLPattern, get_resolver

from payouts.month import Month
from payouts.monthend import actions
from payouts.program.models import Broker
from portal.letters.models import Letter
from portal.team import view_as
from portal.team.models import Activity, Membership, ViewAs, ViewedPage
from tests import make
from tests.portal.explain import opening
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import application, staff

pytestmark = pytest.mark.django_db
BEGIN, END, LOOKS = (
    "/staff/payouts/broker/1400/view-as/",
    "/staff/portal/viewas/end/",
    "/staff/portal/viewas/",
)
WHY = {"reason": "ticket 4711: a figure is missing"}
#: Every page of a broker that shows something to its owner, and the files it may take.
PAGES = [
    "/brokers/1400/",
    "/brokers/1400/statements/",
    "/brokers/1400/statements/2026-10.json",
    "/brokers/1400/statements/2026-10.csv",
    "/brokers/1400/statements/2026-10.pdf",
    "/brokers/1400/statements/2026-10/",
    "/brokers/1400/explain/",
    *(f"/brokers/1400/explain/2026-10{each}" for each in ("/", ".csv", "/lines/", "/lines.csv", "/fills/")),
    *(f"/brokers/1400/explain/2026-10/{each}" for each in ("fills.csv", "caps/", "caps.csv")),
    f"/brokers/1400/explain/2026-10/lines/{opening.name_of(7)}~spot~0.001~0/",
    "/brokers/1400/explain/2026-10/fill/SOL_USDC~4711~A-4711/",
    "/brokers/1400/team/",
    "/brokers/1400/activity/",
    "/brokers/1400/standing/",
    "/brokers/1400/account/",
]


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(make.NOW, tick=False) as traveller:
        altair = make.broker(code=1400, name="Altair Terminal")
        make.membership(make.login(), altair)
        make.broker(code=1500, name="Zebra")
        make.fills(make.record(tradeId=4711, orderId="A-4711"))
        actions.calculate(month=Month(2026, 10), now=make.NOW)
        yield traveller


def looking(login: Any | None = None) -> Client:
    """A browser of an operator's that has begun to look at broker 1400."""
    client = at(login or staff("operations"), proven=True)
    answer = client.post(BEGIN, WHY)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/brokers/1400/")
    return client


def addresses_of_a_broker() -> list[str]:
    """Every address below /brokers/1400/ that the portal answers, its blanks filled with something."""
    fill = dict.fromkeys(("str", "slug", "line", "fill"), "x")
    fill |= {"month": "2026-10", "uuid": "00000000-0000-4000-8000-000000000000", "int": "1"}

    def filled(route: str) -> str:
        while "<" in route:
            before, _, rest = route.partition("<")
            blank, _, after = rest.partition(">")
            kind = blank.partition(":")[0]
            route = before + fill[kind] + after
        return route

    found: list[str] = []
    for entry in get_resolver().url_patterns:
        if str(entry.pattern) == "brokers/<int:code>/":
            found += [
                filled(str(each.pattern)) for each in entry.url_patterns if isinstance(each, URLPattern)
            ]
    return [f"/brokers/1400/{each}" for each in found]


# -- how it begins -----------------------------------------------------------------------------------


def test_a_look_begins_with_a_reason_and_a_proof_and_leads_to_the_dashboard() -> None:
    client = at(staff("operations"))

    unproven = client.post(BEGIN, WHY)
    assert unproven.headers["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/?next=/staff/", {"password": "correct horse battery"})
    asked = text_of(client.get(BEGIN))
    assert "You can do nothing there: no button is shown, and whatever is sent is refused." in asked
    assert "It ends after 30 minutes, when you end it, or when you log out." in asked
    assert client.post(BEGIN, {"reason": "  "}).status_code == 422
    assert not ViewAs.objects.exists()

    client.post(BEGIN, WHY)

    look = ViewAs.objects.get()
    assert (str(look.login), look.broker_id, look.reason, look.address) == (
        "operations@exchange.example",
        1400,
        "ticket 4711: a figure is missing",
        "127.0.0.1",
    )
    assert (look.started_at, look.expires_at, look.ended_at) == (
        make.NOW,
        make.NOW + timedelta(minutes=30),
        None,
    )
    assert client.get("/brokers/1400/").status_code == 200


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("reviewer", 200),
        ("operations", 200),
        ("auditor", 200),
        ("superuser", 200),
        ("finance preparer", 403),
        ("finance approver", 403),
        ("none", 403),
    ],
)
def test_only_roles_that_may_look_find_the_door(role: str, status: int) -> None:
    client = at(staff(role), proven=True)

    assert client.get(BEGIN).status_code == status
    if status == 403:
        assert client.post(BEGIN, WHY).status_code == 403
        assert client.get("/brokers/1400/").status_code == 404
        assert not ViewAs.objects.exists()


def test_staff_who_are_members_do_not_look_at_their_own_broker() -> None:
    operator = staff("operations")
    make.membership(operator, Broker.objects.get(pk=1400))
    client = at(operator, proven=True)

    assert client.get(BEGIN).status_code == 403
    assert client.post(BEGIN, WHY).status_code == 403
    with pytest.raises(view_as.OwnBroker):
        view_as.begin(broker_code=1400, reason="x", by=operator, address="", now=make.NOW)
    assert not ViewAs.objects.exists()


def test_a_broker_that_is_not_there_cannot_be_looked_at() -> None:
    client = at(staff("operations"), proven=True)

    assert client.get("/staff/payouts/broker/1401/view-as/").status_code == 404
    assert client.get("/staff/payouts/broker/99999999999999999999/view-as/").status_code == 404


# -- what is seen ------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_broker_is_seen_and_recorded(page: str) -> None:
    client = looking()

    assert client.get(page).status_code == 200
    assert client.head(page).status_code == 200

    assert (
        list(ViewedPage.objects.values_list("path", "view_as__login__email"))
        == [(page, "operations@exchange.example")] * 2
    )


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith("/")])
def test_a_banner_says_who_looks_at_what_until_when_and_no_other_button_is_there(page: str) -> None:
    answer = looking().get(page)

    assert (
        "operations@exchange.example, you look at Altair Terminal (1400) as its members do. Nothing can be"
        " done from here, and each page that you open is recorded. It ends at the latest at"
        " 2026-11-22 12:30:00 UTC. End the look"
    ) in text_of(answer)
    forms = answer.content.decode().split("<form")[1:]
    posts = [form for form in forms if 'method="get"' not in form.split(">")[0]]
    assert [form.split('action="')[1].split('"')[0] for form in posts] == ["/accounts/logout/", END]
    assert "Your role here: " not in text_of(answer)
    acts = (
        "invite",
        "/role/",
        "/remove/",
        "/leave/",
        "/again/",
        "/withdraw/",
        "appeal",
        "/change/",
        "cancel",
    )
    assert [
        link for link in links_of(answer) if "/brokers/1400/" in link and any(act in link for act in acts)
    ] == []


def test_a_file_taken_in_a_look_is_no_download_of_the_brokers() -> None:
    client = looking()

    client.get("/brokers/1400/statements/2026-10.csv")
    client.get("/brokers/1400/statements/2026-10.json")

    assert not Activity.objects.exists()
    assert ViewedPage.objects.count() == 2


# -- what is not possible ----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_no_address_of_the_broker_takes_anything_but_reading(method: str) -> None:
    client = looking()
    before = (Membership.objects.count(), Activity.objects.count(), Letter.objects.count())

    came = {each: getattr(client, method)(each).status_code for each in addresses_of_a_broker()}

    assert len(came) >= 8
    assert set(came.values()) <= {403, 404, 405}, came
    assert (Membership.objects.count(), Activity.objects.count(), Letter.objects.count()) == before


def test_pages_of_acts_are_refused_in_a_look() -> None:
    client = looking()

    came = {each: client.get(each).status_code for each in addresses_of_a_broker() if each not in PAGES}
    came.pop("/brokers/1400/live/", None)
    came.pop("/brokers/1400/live.json", None)  # the figures of a page that may be looked at

    assert set(came.values()) <= {403, 404, 405}, came


def test_nothing_outside_of_just_this_broker_opens() -> None:
    client = looking()
    applied = application()

    assert {
        where: client.get(where).status_code
        for where in (
            "/brokers/1500/",
            "/brokers/1500/statements/2026-10.csv",
            "/brokers/1500/team/",
            "/brokers/1401/",
            f"/applications/{applied.reference}/",
        )
    } == {
        "/brokers/1500/": 404,
        "/brokers/1500/statements/2026-10.csv": 404,
        "/brokers/1500/team/": 404,
        "/brokers/1401/": 404,
        f"/applications/{applied.reference}/": 404,
    }
    assert "Altair Terminal" not in text_of(client.get("/brokers/"))
    assert ViewedPage.objects.count() == 0


# -- how it ends -------------------------------------------------------------------------------------


def test_it_ends_by_itself_after_thirty_minutes(clock: Any) -> None:
    client = looking()

    clock.move_to(make.NOW + timedelta(minutes=30) - timedelta(microseconds=1))
    assert client.get("/brokers/1400/").status_code == 200
    clock.move_to(make.NOW + timedelta(minutes=30))
    assert client.get("/brokers/1400/").status_code == 404
    client.post(END)
    assert ViewAs.objects.get().ended_at is None


def test_it_ends_by_the_button_which_leads_back_to_the_broker(clock: Any) -> None:
    client = looking()
    clock.move_to(make.NOW + timedelta(minutes=3))

    assert client.get(END).status_code == 405
    answer = client.post(END)

    assert answer.headers["Location"] == "/staff/payouts/broker/1400/change/"
    assert client.get("/brokers/1400/").status_code == 404
    assert ViewAs.objects.get().ended_at == make.NOW + timedelta(minutes=3)


def test_it_ends_at_logout_on_record() -> None:
    client = looking()

    client.post("/accounts/logout/")

    assert ViewAs.objects.get().ended_at == make.NOW
    client.force_login(ViewAs.objects.get().login)
    assert client.get("/brokers/1400/").status_code == 404


def test_it_ends_the_moment_the_role_is_taken() -> None:
    operator = staff("operations")
    client = looking(operator)

    operator.groups.remove(Group.objects.get(name="operations"))
    assert client.get("/brokers/1400/").status_code == 404
    operator.groups.add(Group.objects.get(name="finance preparer"))
    assert client.get("/brokers/1400/").status_code == 404


def test_it_ends_the_moment_the_login_is_no_staff_or_switched_off() -> None:
    operator = staff("operations")
    client = looking(operator)

    operator.is_staff = False
    operator.save()
    assert client.get("/brokers/1400/").status_code == 404
    operator.is_staff, operator.is_active = True, False
    operator.save()
    assert client.get("/brokers/1400/").status_code == 302


def test_another_session_of_the_same_login_does_not_look() -> None:
    operator = staff("operations")
    looking(operator)

    assert at(operator).get("/brokers/1400/").status_code == 404


def test_the_number_of_a_look_in_the_session_of_another_login_opens_nothing() -> None:
    looking()
    other = at(staff("auditor"))
    session = other.session
    session["view_as"] = ViewAs.objects.get().pk
    session.save()

    assert other.get("/brokers/1400/").status_code == 404
    other.post(END)
    assert ViewAs.objects.get().ended_at is None


def test_a_login_looks_at_one_broker_at_a_time() -> None:
    client = looking()

    client.post("/staff/payouts/broker/1500/view-as/", WHY)

    assert client.get("/brokers/1400/").status_code == 404
    assert client.get("/brokers/1500/").status_code == 200
    assert [each.ended_at for each in ViewAs.objects.order_by("pk")] == [make.NOW, None]


# -- who reads of it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "status"), [("auditor", 200), ("superuser", 200), ("operations", 403), ("reviewer", 403)]
)
def test_auditors_read_who_looked_at_what(role: str, status: int) -> None:
    looking(staff("operations", email="oona@exchange.example")).get("/brokers/1400/statements/")
    look = ViewAs.objects.get()
    client = at(staff(role))

    listed, page = client.get(LOOKS), client.get(f"{LOOKS}{look.pk}/change/")

    assert (listed.status_code, page.status_code) == (status, status)
    if status == 200:
        assert "oona@exchange.example Altair Terminal (1400) ticket 4711: a figure is missing" in text_of(
            listed
        )
        assert "/brokers/1400/statements/" in text_of(page)
        assert "still open until 2026-11-22 12:30:00 UTC at most" in text_of(page)
        of_broker = text_of(client.get("/staff/payouts/broker/1400/change/"))
        assert "oona@exchange.example ticket 4711: a figure is missing 2026-11-22 12:00:00 UTC" in of_broker


def test_who_belongs_to_a_broker_does_not_read_who_looked_at_it() -> None:
    looking()
    auditor = staff("auditor")
    make.membership(auditor, Broker.objects.get(pk=1400))
    client = at(auditor)

    assert "operations@exchange.example" not in text_of(client.get(LOOKS))
    assert client.get(f"{LOOKS}{ViewAs.objects.get().pk}/change/").status_code == 404
    assert "ticket 4711" not in text_of(client.get("/staff/payouts/broker/1400/change/"))


def test_the_list_of_looks_costs_the_same_for_any_number(django_assert_max_num_queries: Any) -> None:
    operator = staff("operations")
    for _ in range(30):
        view_as.begin(broker_code=1400, reason="x", by=operator, address="", now=make.NOW)
    auditor = at(staff("auditor"))

    with django_assert_max_num_queries(16):
        assert auditor.get(LOOKS).status_code == 200
