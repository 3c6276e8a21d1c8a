"""Another's thing is answered like one that does not exist: no word, count, length or ETag tells."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.http import SimpleCookie
from django.test import Client
from django.urls import reverse

from payouts.desk.models import AccountChange, CaseFile
from portal.team.models import Invitation, Membership
from tests.portal.matrix import desk, explain, statements
from tests.portal.matrix.asked import ASKED
from tests.portal.matrix.desk import BROKER, SUSPENDED
from tests.portal.matrix.test_matrix import ADDRESSES
from tests.portal.matrix.test_tables_of_roles import of
from tests.portal.matrix.world import OTHER, World

NO_REFERENCE = UUID("00000000-0000-4000-8000-000000000000")
NO_NUMBER = 999_999
#: A code that no broker has, as long as those that brokers have.
NO_CODE = 1_801
#: What each page holds anew, whoever asks: the nonce of the scripts, the token of the forms.
_NONCE = re.compile(rb"nonce-[\w+/=-]+|nonce=\"[^\"]+\"|name=\"csrfmiddlewaretoken\" value=\"\w+\"")
#: Ways of asking that would show an ETag, a length or a kind where a page does not.
WAYS: list[tuple[str, dict[str, str]]] = [
    ("get", {}),
    ("head", {}),
    ("get", {"If-None-Match": "*"}),
    ("get", {"Accept": "application/json"}),
    ("post", {}),
]


@pytest.fixture
def things(world: World, client: Client) -> Client:
    """A browser in the world where every broker has everything: a statement, an appeal with its file too."""
    statements.issued(world)
    statements.ready(world)
    desk.appealed(world.desk)
    return client


@pytest.fixture
def owner(world: World, things: Client) -> Client:
    """The browser of the owner of `BROKER`."""
    _sit_down(things, world, "own")
    return things


def _sit_down(client: Client, world: World, visitor: str) -> None:
    client.cookies = SimpleCookie({"sessionid": world.sessions[visitor]})


def told(client: Client, path: str, way: tuple[str, dict[str, str]], data: dict[str, Any]) -> Any:
    """All that an answer says: status, each header, each byte; its own address taken out."""
    method, headers = way
    # The number that an answer bears is that of its request, or made by chance.
    headers = headers | {"x-request-id": "the-same-for-both"}
    response: Any = getattr(client, method)(path, data if method == "post" else None, headers=headers)
    body = b"".join(response) if response.streaming else response.content
    said = {name: _plain(value.encode(), path) for name, value in response.headers.items()}
    said.pop("Content-Length", None)  # of what the bytes below are, with an address as long as it is
    return response.status_code, said, len(_plain(body, path)), _plain(body, path)


def _plain(text: bytes, path: str) -> bytes:
    return _NONCE.sub(b"", text.replace(path.encode(), b"PATH"))


#: Name of a page → what stands in its address: the thing of a visitor's broker, and one that nobody has.
THINGS: dict[str, tuple[str, Callable[[str], object], object]] = {
    "appeal_answer": ("reference", lambda visitor: desk.appeal(visitor).reference, NO_REFERENCE),
    "appeal_withdraw": ("reference", lambda visitor: desk.appeal(visitor).reference, NO_REFERENCE),
    "appeal_file": ("reference", lambda visitor: desk.file_of_appeal(visitor).reference, NO_REFERENCE),
    "account_change_cancel": (
        "reference",
        lambda visitor: desk.change_of_account(visitor).reference,
        NO_REFERENCE,
    ),
    "explain_line": ("line", explain.line, explain.NO_LINE),
    "explain_fill": ("fill", explain.fill, explain.NO_FILL),
    "export": ("reference", lambda visitor: statements.export(visitor).reference, NO_REFERENCE),
    "export_file": ("reference", lambda visitor: statements.export(visitor).reference, NO_REFERENCE),
    "team_role": ("member", desk.colleague, NO_NUMBER),
    "team_remove": ("member", desk.colleague, NO_NUMBER),
    "team_again": ("invitation", desk.invitation, NO_NUMBER),
    "team_withdraw": ("invitation", desk.invitation, NO_NUMBER),
}


def address_of(name: str, code: int) -> str:
    """A broker's page with a thing of `SUSPENDED` in it, where it needs one."""
    named: dict[str, Any] = {"code": code}
    if "month" in ADDRESSES[of("brokers/<int:code>/")[name]].parameters:
        named["month"] = "2026-10"
    if name == "statements_year":
        named["year"] = 2026
    if name in THINGS:
        parameter, thing_of, _nothing = THINGS[name]
        named[parameter] = thing_of("susp")
    return reverse(name, kwargs=named)


def test_what_nobody_has_is_really_not_there(owner: Client) -> None:
    assert not Membership.objects.filter(pk=NO_NUMBER).exists()
    assert not Invitation.objects.filter(pk=NO_NUMBER).exists()
    assert not AccountChange.objects.filter(reference=NO_REFERENCE).exists()


def test_every_page_of_a_thing_is_looked_at() -> None:
    with_thing = {
        name
        for name, route in of("brokers/<int:code>/").items()
        if set(ADDRESSES[route].parameters) - {"code", "month", "year"}
    }
    assert with_thing == THINGS.keys()


@pytest.mark.parametrize(
    ("visitor", "code", "whose"), [("own", BROKER, "susp"), ("susp", SUSPENDED, "own"), ("two", OTHER, "own")]
)
@pytest.mark.parametrize("name", sorted(THINGS))
def test_a_thing_of_another_broker_is_nothing_under_ones_own_address(
    name: str, visitor: str, code: int, whose: str, things: Client, world: World
) -> None:
    """Nor for who owns one broker and is a viewer of that other one."""
    _sit_down(things, world, visitor)
    parameter, thing_of, nothing = THINGS[name]
    month = {"month": "2026-10"} if "month" in ADDRESSES[of("brokers/<int:code>/")[name]].parameters else {}
    there, nowhere = (
        reverse(name, kwargs={"code": code, parameter: each} | month) for each in (thing_of(whose), nothing)
    )
    asked = ASKED[of("brokers/<int:code>/")[name]]

    for way in WAYS:
        answer = told(things, there, way, asked.sends(world, visitor))
        assert answer == told(things, nowhere, way, asked.sends(world, visitor)), way
        assert answer[0] in (404, 405), way


@pytest.mark.parametrize("visitor", ["own", "look"])
@pytest.mark.parametrize("name", sorted(of("brokers/<int:code>/")))
def test_another_broker_is_answered_like_a_code_that_nobody_has(
    name: str, visitor: str, things: Client, world: World
) -> None:
    """To members of one, and to staff who look at one."""
    _sit_down(things, world, visitor)
    there, nowhere = address_of(name, SUSPENDED), address_of(name, NO_CODE)

    for way in WAYS:
        answer = told(things, there, way, {})
        assert answer == told(things, nowhere, way, {}), way
        assert answer[0] in (404, 405), way


@pytest.mark.parametrize("name", ["explain_line", "explain_fill"])
def test_a_figure_of_ones_own_is_told_apart(name: str, owner: Client) -> None:
    """The twin: what is nothing under another's address is there under one's own."""
    parameter, thing_of, _nothing = THINGS[name]
    named = {"code": BROKER, "month": "2026-10", parameter: thing_of("own")}

    assert owner.get(reverse(name, kwargs=named)).status_code == 200


def test_an_appeal_of_what_another_broker_suffered_is_refused_like_one_of_nothing(
    owner: Client, world: World
) -> None:
    path = f"/brokers/{BROKER}/standing/appeal/"
    of_another, of_nothing = (
        told(owner, path, ("post", {}), {"change": number, "text": "We did not do this."})
        for number in (desk.stop("susp").pk, NO_NUMBER)
    )

    assert of_another == of_nothing
    assert of_another[0] == 409


def test_evidence_of_staff_is_nothing_to_the_broker_that_it_is_about(owner: Client) -> None:
    there, nowhere = (
        reverse("appeal_file", kwargs={"code": BROKER, "reference": each})
        for each in (desk.evidence().reference, NO_REFERENCE)
    )

    assert CaseFile.objects.get(reference=desk.evidence().reference).case.broker_id == BROKER
    for way in WAYS:
        assert told(owner, there, way, {}) == told(owner, nowhere, way, {}), way


def test_a_thing_that_is_ones_own_is_told_apart(owner: Client) -> None:
    """The twin: the comparison sees a difference where there is one."""
    there, nowhere = (
        reverse("appeal_file", kwargs={"code": BROKER, "reference": each})
        for each in (desk.file_of_appeal("own").reference, NO_REFERENCE)
    )

    for way in WAYS:
        same = told(owner, there, way, {}) == told(owner, nowhere, way, {})
        assert same == (way[0] == "post"), way


@pytest.mark.parametrize("name", ["statement", "statement_json", "statement_pdf", "statements_year"])
def test_a_statement_of_ones_own_is_told_apart(name: str, owner: Client) -> None:
    """The twin: what is hidden above is really there, for those whose it is."""
    answer = owner.get(address_of(name, BROKER))
    b"".join(answer)  # type: ignore[arg-type]  # closes what was opened for it

    assert answer.status_code == 200


@pytest.mark.parametrize("visitor", ["none", "own", "rev"])
def test_a_digest_that_we_know_is_answered_with_the_headers_of_one_that_we_do_not(
    visitor: str, things: Client, world: World
) -> None:
    if visitor in world.sessions:
        _sit_down(things, world, visitor)
    of_another = statements.statement("susp").digest
    known, unknown = (
        told(things, "/verify", ("post", {}), {"digest": digest}) for digest in (of_another, "0" * 64)
    )

    assert known[:2] == unknown[:2]
    assert known[0] == 200
    assert known[3] != unknown[3]  # the page says which


# -- the staff site ---------------------------------------------------------------------------------

#: Name of a window's page → what stands in its address, and what nobody has.
WINDOWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "payouts_case_change": ({"object_id": 1}, {"object_id": 9}),
    "case_take": ({"number": 1}, {"number": 9}),
    "case_note": ({"number": 1}, {"number": 9}),
    "payouts_accountchange_change": ({"object_id": 1}, {"object_id": 9}),
    "account_change_confirm": ({"number": 1}, {"number": 9}),
    "account_change_refuse": ({"number": 1}, {"number": 9}),
    "portal_servicetoken_change": ({"object_id": 1}, {"object_id": 9}),
    "portal_viewas_change": ({"object_id": 1}, {"object_id": 9}),
    "broker_suspend": ({"code": BROKER}, {"code": NO_CODE}),
    "broker_view_as": ({"code": BROKER}, {"code": NO_CODE}),
}


@pytest.mark.parametrize("visitor", ["own", "plain"])
@pytest.mark.parametrize("name", sorted(WINDOWS))
def test_who_has_no_role_for_it_learns_no_number_of_the_staff_site(
    name: str, visitor: str, world: World, client: Client
) -> None:
    _sit_down(client, world, visitor)
    there, nowhere = (reverse(f"admin:{name}", kwargs=each) for each in WINDOWS[name])

    for way in WAYS:
        assert told(client, there, way, {}) == told(client, nowhere, way, {}), way


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_belongs_elsewhere_is_not_reached_by_way_of_another_broker_or_case(
    method: str, things: Client, world: World
) -> None:
    """So nobody gets around the question whose business it is: here a superuser in the team of `BROKER`."""
    _sit_down(things, world, "sup=")
    elsewhere = desk.stop("susp").case_id
    appeal, termination = desk.appeal("own").reference, desk.termination_of("term").pk

    for name, named in (
        ("standing_lift", {"code": SUSPENDED, "change": desk.stop("own").pk}),
        ("termination_confirm", {"code": SUSPENDED, "number": termination}),
        ("termination_withdraw", {"code": SUSPENDED, "number": termination}),
        ("appeal_answer", {"number": elsewhere, "reference": appeal}),
        ("appeal_decide", {"number": elsewhere, "reference": appeal}),
        ("case_file", {"number": elsewhere, "file": desk.evidence().reference}),
    ):
        path = reverse(f"admin:{name}", kwargs=named)
        assert getattr(things, method)(path, {"text": "x", "note": "x"}).status_code in (404, 405), path


def test_staff_do_not_count_the_changes_of_account_of_their_own_broker(world: World, client: Client) -> None:
    """A superuser who sits in the team of `BROKER`: its change of account does not exist for them."""
    _sit_down(client, world, "sup=")
    own = desk.change_of_account("own").pk

    for name in ("payouts_accountchange_change", "account_change_confirm", "account_change_refuse"):
        parameter = "object_id" if name.endswith("accountchange_change") else "number"
        there, nowhere = (reverse(f"admin:{name}", kwargs={parameter: each}) for each in (own, 9))
        for way in WAYS:
            assert told(client, there, way, {}) == told(client, nowhere, way, {}), (name, way)
    listed = client.get("/staff/payouts/accountchange/")
    assert [change.broker_id for change in listed.context["cl"].result_list] == [2000, 1800]
    assert listed.context["cl"].result_count == 2


def test_staff_do_not_count_the_cases_of_their_own_broker(world: World, client: Client) -> None:
    _sit_down(client, world, "rev=")
    for search in ("", "?q=night"):
        listed = client.get(f"/staff/payouts/case/{search}")
        found = [case.broker_id for case in listed.context["cl"].result_list]
        assert BROKER not in found
        assert listed.context["cl"].result_count == len(found)
    _sit_down(client, world, "rev")
    listed = client.get("/staff/payouts/case/")
    assert sorted(case.broker_id for case in listed.context["cl"].result_list) == [1400, 1800, 2000]
