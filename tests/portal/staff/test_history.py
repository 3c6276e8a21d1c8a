"""What an object's page tells of its changes: who, when, from where, why, what before and what after."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pghistory
import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.db import connection
from django.test import AsyncClient, Client, RequestFactory

from payouts.models import Broker
from portal.accounts import staff_actions
from portal.accounts.models import User
from portal.application.models import Application, Document
from portal.recording import RecordWho
from portal.staff.history import Change, FieldChange, history_of
from portal.team import first_owner, links
from portal.team.models import Invitation, Membership
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import PASSWORD, at
from tests.portal.staff.make_review import application, staff


@pytest.fixture(autouse=True)
def _each_change_is_a_transaction_of_its_own(committed_db: str) -> None:
    """A history orders what happened by when its transaction began."""


def told(change: Change) -> tuple[str, str, str, str]:
    return (change.who, change.what, change.event, change.reason)


def fields(change: Change) -> dict[str, tuple[str, str]]:
    return {field.name: (field.before, field.after) for field in change.fields}


# -- who --------------------------------------------------------------------------------------


def test_a_change_by_a_request_names_login_reason_page_address_and_request() -> None:
    make.broker(code=1400, name="Altair Terminal")
    client = at(staff("reviewer", email="rita@exchange.example"), proven=True)

    client.post("/staff/payouts/broker/1400/invite/", {"email": "olga@example.com"}, REMOTE_ADDR="192.0.2.7")

    (change, *_) = history_of(Invitation.objects.get())
    assert told(change) == ("rita@exchange.example", "invitation", "added", "first owner invited")
    assert (change.door, change.address) == ("/staff/payouts/broker/1400/invite/", "192.0.2.7")
    assert str(UUID(change.request)) == change.request
    assert fields(change) == {
        "broker": ("", "Altair Terminal (1400)"),
        "e-mail address": ("", "olga@example.com"),
        "role": ("", "owner"),
        "state": ("", "open"),
        "invited by": ("", "rita@exchange.example"),
        "invited": ("", f"{Invitation.objects.get().invited_at:%Y-%m-%d %H:%M:%S} UTC"),
        "open until": ("", f"{Invitation.objects.get().expires_at:%Y-%m-%d %H:%M:%S} UTC"),
    }


def test_all_that_one_request_changed_has_one_number_and_two_requests_have_two() -> None:
    client = Client()
    root = staff("superuser")
    client.force_login(root)
    client.post("/accounts/reauthenticate/", {"password": "correct horse battery"})
    anna = staff("reviewer", email="anna@exchange.example")

    client.post(f"/staff/portal/user/{anna.pk}/take-staff/", {"reason": "left"})
    client.post(f"/staff/portal/user/{anna.pk}/make-staff/", {"reason": "came back"})

    back, *left = history_of(anna)[:3]
    assert told(back) == ("superuser@exchange.example", "login", "changed", "came back")
    assert sorted(told(each) for each in left) == [
        ("superuser@exchange.example", "login", "changed", "left"),
        ("superuser@exchange.example", "staff role", "removed", "left"),
    ]
    assert len({each.request for each in left}) == 1
    assert back.request != left[0].request
    assert fields(back) == {"staff of the exchange": ("no", "yes")}


def test_commands_tasks_visitors_and_hands_at_psql_are_told_apart(tmp_path: Any) -> None:
    file = tmp_path / "brokers.csv"
    file.write_text("code,name,account_id,enrolled_at\n1400,Altair,ACC,2026-01-01T00:00:00Z\n")
    call_command("import_brokers", str(file))
    olga = make.login()
    with pghistory.context(task="portal.tasks.tidy"):
        User.objects.filter(pk=olga.pk).update(name="tidied")
    with pghistory.context(user=None, request="r", url="/accounts/signup/", address="192.0.2.9"):
        User.objects.filter(pk=olga.pk).update(name="Olga")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_user SET name = 'by hand' WHERE id = %s", [olga.pk])

    (imported,) = history_of(Broker.objects.get())
    assert (imported.who, imported.door, imported.event) == ("the portal", "command import_brokers", "added")
    assert [(each.who, each.door, each.address) for each in history_of(olga)[:3]] == [
        ("outside the portal", "", ""),
        ("a visitor", "/accounts/signup/", "192.0.2.9"),
        ("the portal", "task portal.tasks.tidy", ""),
    ]


def test_a_login_that_is_gone_keeps_its_number() -> None:
    with pghistory.context(user=987_654):
        olga = make.login()

    assert history_of(olga)[-1].who == "login 987654, removed since"


def test_a_task_of_the_worker_is_recorded_as_such() -> None:
    from portal.celery import application as celery

    @celery.task(name="tests.rename", bind=True)
    def rename(_self: Any, login: int) -> None:
        User.objects.filter(pk=login).update(name="by task")

    olga = make.login()
    rename.apply(args=[olga.pk]).get()
    celery.tasks.pop("tests.rename")

    assert (history_of(olga)[0].who, history_of(olga)[0].door) == ("the portal", "task tests.rename")


# -- what -------------------------------------------------------------------------------------


def test_only_what_changed_is_told_before_and_after() -> None:
    olga = make.login()
    User.objects.filter(pk=olga.pk).update(name="Olga", is_active=False)

    assert history_of(olga)[0].fields == (
        FieldChange("name", "", "Olga"),
        FieldChange("may log in", "yes", "no"),
    )


def test_an_application_is_told_with_its_documents_and_choices_in_words() -> None:
    found = application()
    document = Document.objects.create(
        application=found,
        kind="registration",
        name="certificate.pdf",
        media_type="application/pdf",
        size=1234,
        sha256="a" * 64,
        uploaded_at=make.NOW,
        uploaded_by=found.applicant,
    )
    rita = staff("reviewer", email="rita@exchange.example")
    Application.objects.filter(pk=found.pk).update(
        state="in_review", assignee=rita, expected_volume="7000000.00", platform_type="trading_bots"
    )
    Document.objects.filter(pk=document.pk).update(removed_at=datetime(2026, 11, 22, 12, 0, tzinfo=UTC))

    removed, reviewed, uploaded, *_ = history_of(found)
    assert (removed.what, fields(removed)) == ("document", {"removed at": ("", "2026-11-22 12:00:00 UTC")})
    assert (reviewed.what, fields(reviewed)) == (
        "application",
        {
            "state": ("submitted", "in review"),
            "platform type": ("Trading terminal", "Trading bots"),
            "expected volume a month, in dollars": ("5000000.00", "7000000.00"),
            "assignee": ("", "rita@exchange.example"),
        },
    )
    assert uploaded.event == "added"
    assert fields(uploaded)["what it shows"] == ("", "certificate of registration")
    assert history_of(document) == [removed, uploaded]


def test_a_seat_is_told_on_the_pages_of_broker_and_login_even_when_it_is_gone() -> None:
    broker, olga = make.broker(code=1400, name="Altair Terminal"), make.login()
    seat = make.membership(olga, broker, role="finance")
    Membership.objects.filter(pk=seat.pk).update(role="viewer")
    with pghistory.context(user=olga.pk, reason="left the team"):
        Membership.objects.all().delete()  # a viewer, and so not the last owner

    for page in (broker, olga):
        removed, changed, added = [each for each in history_of(page) if each.what == "membership"]
        assert (removed.event, removed.reason, removed.who) == (
            "removed",
            "left the team",
            "olga@example.com",
        )
        assert fields(removed)["role"] == ("viewer", "")
        assert fields(changed) == {"role": ("finance", "viewer")}
        assert fields(added)["broker"] == ("", "Altair Terminal (1400)")


def test_roles_given_and_taken_stand_on_the_logins_page() -> None:
    root, anna = staff("superuser"), staff("reviewer", email="anna@exchange.example")
    staff_actions.give_role(login_id=anna.pk, role="auditor", by=root, reason="audit of the year")
    staff_actions.take_role(login_id=anna.pk, role="auditor", by=root, reason="done")

    taken, given = history_of(anna)[:2]
    assert (taken.what, taken.event, taken.reason) == ("staff role", "removed", "done")
    assert fields(given) == {"user": ("", "anna@exchange.example"), "group": ("", "auditor")}
    assert (given.event, given.reason) == ("added", "audit of the year")


def test_a_change_of_what_was_never_recorded_says_so() -> None:
    from tests.payouts import owner

    with owner.connected() as hand:
        hand.execute("ALTER TABLE portal_user DISABLE TRIGGER USER")
    olga = make.login()
    with owner.connected() as hand:
        hand.execute("ALTER TABLE portal_user ENABLE TRIGGER USER")
    User.objects.update(name="Olga")

    assert history_of(olga)[0].event == "changed; what was before is not recorded"


def test_the_page_shows_it_as_text() -> None:
    hostile = "<script>alert(1)</script>"
    with pghistory.context(request="r", url=hostile, address=hostile, reason=hostile):
        anna = make.login(email="anna@example.com", name=hostile)
    client = Client()
    client.force_login(staff("auditor"))

    page = client.get(f"/staff/portal/user/{anna.pk}/change/")

    assert hostile not in page.content.decode()
    assert "Recorded changes" in text_of(page)
    assert "a visitor login · added" in text_of(page)


@pytest.mark.parametrize("changes", [1, 40])
def test_a_long_history_costs_no_more_queries(changes: int, django_assert_num_queries: Any) -> None:
    root, anna = staff("superuser"), staff("reviewer", email="anna@exchange.example")
    for number in range(changes):
        with pghistory.context(user=root.pk):
            User.objects.filter(pk=anna.pk).update(name=f"Anna {number}")

    with django_assert_num_queries(6):  # four histories, the names of logins and groups
        history_of(anna)


# -- requests ---------------------------------------------------------------------------------


def test_no_history_keeps_the_secret_part_of_a_links_address() -> None:
    make.broker(code=1400, name="Altair", account_id="BP-900001")
    invitation = first_owner.invite_owner(
        broker_code=1400, email="olga@example.com", by=staff("reviewer"), now=datetime.now(UTC)
    )
    token = links.token_of(invitation)

    class Taken(Exception):
        pass

    def view(request: Any) -> None:
        middleware.process_view(request, None, (), {"token": token})
        User.objects.update(name="while the link was open")
        raise Taken

    from django.urls import resolve

    request = RequestFactory().post(f"/invitations/{token}/")
    request.user = make.login()
    request.resolver_match = resolve(request.path)
    middleware = RecordWho(view)
    with pytest.raises(Taken):
        middleware(request)

    change = history_of(request.user)[0]
    assert change.door == "/invitations/<str:token>/"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_userhistory h WHERE h::text LIKE %s", [f"%{token}%"])
        assert cursor.fetchone() == (0,)


def test_an_accepted_invitation_is_recorded_without_its_link(exchange: Any) -> None:
    make.broker(code=1400, name="Altair", account_id="BP-900001")
    invitation = first_owner.invite_owner(
        broker_code=1400, email="olga@example.com", by=staff("reviewer"), now=datetime.now(UTC)
    )
    client = Client()
    client.force_login(make.login())
    ticked = {"is_no_affiliate": "on", "accepts_terms": "on", "terms_version": "2025-09"}

    done = client.post(f"/invitations/{links.token_of(invitation)}/", ticked, REMOTE_ADDR="192.0.2.7")

    assert done.status_code == 302
    accepted = history_of(invitation)[0]
    assert told(accepted) == ("olga@example.com", "invitation", "changed", "invitation accepted")
    assert (accepted.door, accepted.address) == ("/invitations/<str:token>/", "192.0.2.7")
    assert history_of(Membership.objects.get())[0].request == accepted.request


def test_under_asgi_each_request_is_recorded_as_its_own() -> None:
    """Async requests share threads; the login of one must not stand beside another's change."""
    make.broker(code=1400, name="Altair")
    make.broker(code=1500, name="Zebra")
    reviewers = {
        1400: staff("reviewer", email="a@exchange.example"),
        1500: staff("reviewer", email="b@exchange.example"),
    }

    async def both() -> list[Any]:
        import asyncio

        async def invite(code: int, login: Any) -> Any:
            client = AsyncClient()
            await client.aforce_login(login)
            await client.post("/accounts/reauthenticate/?next=/staff/", {"password": PASSWORD})
            return await client.post(
                f"/staff/payouts/broker/{code}/invite/", {"email": f"x{code}@example.com"}
            )

        return await asyncio.gather(*(invite(code, login) for code, login in reviewers.items()))

    assert [answer.status_code for answer in async_to_sync(both)()] == [302, 302]
    for code, login in reviewers.items():
        (change,) = history_of(Invitation.objects.get(broker=code))
        assert (change.who, change.door) == (login.email, f"/staff/payouts/broker/{code}/invite/")
