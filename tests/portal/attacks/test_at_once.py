"""Applicant and staff act in the same moment: one act happens, and history names its actor."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings

from payouts.refusal import Refusal
from portal.application import actions, review
from portal.application.models import Application, State, TimelineEntry
from portal.staff.history import history_of
from portal.team.models import Invitation, Membership
from tests import make
from tests.make import NOW
from tests.portal.application import filing
from tests.portal.staff import make_review as make_
from tests.portal.staff.browsing import at
from tests.portal.staff.test_review_races import approve, at_once

ROOT = Path(__file__).resolve().parents[3]
TIMES = 8


def tried(act: Any, **arguments: Any) -> str:
    try:
        act(**arguments)
    except Refusal as refusal:
        return type(refusal).__name__
    return "done"


def test_an_approval_and_a_withdrawal_at_once_are_one_of_them(committed_db: str) -> None:
    reviewer = make_.staff("reviewer")
    for number in range(TIMES):
        found = make_.application()
        came = at_once(
            lambda found=found, code=3000 + 100 * number: approve(found, reviewer, code=code),  # type: ignore[misc]
            lambda found=found: tried(  # type: ignore[misc]
                actions.withdraw, reference=found.reference, seen=found.version, now=NOW
            ),
        )
        found.refresh_from_db()
        assert (came[1] == "done") == (found.state == State.WITHDRAWN)
        assert came[0].isdigit() == (found.state == State.APPROVED)
        assert Counter(found.timeline.values_list("kind", flat=True)) == {
            "submitted": 1,
            str(found.state): 1,
        }
        members = Membership.objects.filter(login=found.applicant).count()
        assert members == (1 if found.state == State.APPROVED else 0)


def test_a_submission_and_a_withdrawal_with_one_mark_are_one_of_them(committed_db: str) -> None:
    for number in range(TIMES):
        reference = filing.complete(make.login(email=f"o{number}@example.com"))
        seen = filing.of(reference).version
        came = at_once(
            lambda reference=reference, seen=seen: tried(  # type: ignore[misc]
                actions.submit, reference=reference, seen=seen, asked=None, now=NOW
            ),
            lambda reference=reference, seen=seen: tried(  # type: ignore[misc]
                actions.withdraw, reference=reference, seen=seen, now=NOW
            ),
        )
        assert sorted(came) == ["WentOn", "done"]
        assert TimelineEntry.objects.filter(application__reference=reference).count() == 1


def test_two_who_take_and_give_back_at_once_leave_one_holder(committed_db: str) -> None:
    one, other = make_.staff("reviewer", email="a@x.example"), make_.staff("reviewer", email="b@x.example")
    for _time in range(TIMES):
        found = make_.application(state="in_review", assignee=one)
        came = at_once(
            lambda found=found: tried(  # type: ignore[misc]
                review.take, reference=found.reference, holder=one.pk, by=other, now=NOW
            ),
            lambda found=found: tried(  # type: ignore[misc]
                review.release, reference=found.reference, holder=one.pk, by=one
            ),
        )
        assert sorted(came) == ["TakenMeanwhile", "done"]
        found.refresh_from_db()
        assert found.assignee == (other if came[0] == "done" else None)


@pytest.fixture
def web(committed_db: str) -> Any:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--port", str(port), "--no-access-log"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": committed_db, "BROKER_URL": settings.CELERY_BROKER_URL},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if sent(port, "GET", "/accounts/login/", {})[0] == 200:
                break
        except OSError:
            time.sleep(0.2)
    yield port, process
    process.terminate()
    process.communicate(timeout=100)


def sent(port: int, method: str, path: str, headers: dict[str, str], body: str = "") -> tuple[int, str]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request(method, path, body, {"Connection": "close"} | headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def cookies_of(login: Any) -> str:
    client = at(login, proven=True)
    return f"sessionid={client.session.session_key}; csrftoken={'a' * 32}"


def form(login: Any) -> dict[str, str]:
    return {"Cookie": cookies_of(login), "Content-Type": "application/x-www-form-urlencoded"}


def test_behind_the_real_server_each_of_many_changes_names_who_made_it(web: Any) -> None:
    port, _process = web
    who = {}
    for number in range(6):
        who[number] = make_.staff("reviewer", email=f"r{number}@exchange.example")
    headers = {number: form(login) for number, login in who.items()}
    for code in range(1000, 1060):
        make.broker(code=code)

    def invite(code: int) -> int:
        body = urlencode({"email": f"x{code}@example.com", "csrfmiddlewaretoken": "a" * 32})
        page = f"/staff/payouts/broker/{code}/invite/"
        return sent(port, "POST", page, headers[code % 6], body)[0]

    with ThreadPoolExecutor(12) as pool:
        assert Counter(pool.map(invite, range(1000, 1060))) == {302: 60}
    wrong = [
        (each.broker_id, change.who, change.door)
        for each in Invitation.objects.all()
        for change in history_of(each)
        if change.who != f"r{each.broker_id % 6}@exchange.example"
        or change.door != f"/staff/payouts/broker/{each.broker_id}/invite/"
    ]
    assert (Invitation.objects.count(), wrong) == (60, [])


def test_the_log_of_the_real_server_holds_no_secret_link(web: Any) -> None:
    """As README and Dockerfile start it: without uvicorn's own log of every address."""
    port, process = web
    sent(port, "GET", "/invitations/7-canarycanarycanary/", {})
    sent(port, "GET", "/accounts/password/reset/key/1-canarycanarycanary/", {})
    process.terminate()
    process.wait(20)
    assert "canarycanary" not in process.stdout.read()


def test_a_double_submit_is_one_submission(committed_db: str) -> None:
    reference = filing.complete()
    version = filing.of(reference).version
    came = at_once(
        *[lambda: tried(actions.submit, reference=reference, seen=version, asked=None, now=NOW)] * 6
    )
    assert Counter(came) == {"done": 1, "WentOn": 5}
    assert TimelineEntry.objects.filter(kind="submitted").count() == 1
    assert Application.objects.get().state == State.SUBMITTED
