"""Who may review: role by role, never one's own business, and what the database itself refuses."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from portal.accounts.staff_roles import GRANTS, Act, NotYourRole, OwnBroker, StaffRole, acts_of
from portal.application import review
from portal.application.models import Application, ReviewNote, TimelineEntry
from tests import make
from tests.make import NOW
from tests.portal.staff import make_review as make_

pytestmark = pytest.mark.django_db


def approve(found: Application, by: Any) -> Any:
    return review.approve(
        reference=found.reference,
        seen=1,
        code=2300,
        was_proposed=True,
        acknowledged="",
        by=by,
        exchange=make_.Exchange(),
        now=NOW,
    )


def reject(found: Application, by: Any) -> Any:
    return review.reject(
        reference=found.reference,
        seen=1,
        reason="other",
        message="no",
        reapply_from=date(2026, 12, 22),
        by=by,
        now=NOW,
    )


ACTS = {
    "take": lambda a, by: review.take(reference=a.reference, holder=None, by=by, now=NOW),
    "release": lambda a, by: review.release(reference=a.reference, holder=None, by=by),
    "note": lambda a, by: review.note(reference=a.reference, text="x", by=by, now=NOW),
    "ask": lambda a, by: review.ask(reference=a.reference, seen=1, text="x", by=by, now=NOW),
    "ask the exchange": lambda a, by: review.asked(
        reference=a.reference, by=by, exchange=make_.Exchange(), now=NOW
    ),
    "approve": approve,
    "reject": reject,
}
#: Who may do it; everybody else is refused.
MAY = {
    "reviewer": True,
    "operations": False,
    "finance preparer": False,
    "finance approver": False,
    "auditor": False,
    "superuser": True,
    "none": False,
}


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("role", "may"), MAY.items())
def test_only_reviewers_act_on_applications(role: str, may: bool, act: str) -> None:
    found, by = make_.application(), make_.staff(role)

    if may:
        ACTS[act](found, by)
        return
    with pytest.raises(NotYourRole):
        ACTS[act](found, by)
    found.refresh_from_db()
    assert (found.state, found.assignee_id, found.version) == ("submitted", None, 1)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", ["reviewer", "superuser"])
def test_nobody_acts_on_an_application_of_their_own(role: str, act: str) -> None:
    by = make_.staff(role)

    with pytest.raises(OwnBroker, match="your own application"):
        ACTS[act](make_.application(applicant=by), by)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("role", ["reviewer", "superuser"])
def test_no_member_of_a_broker_acts_on_an_application_for_its_account(role: str, act: str) -> None:
    by = make_.staff(role)
    make.membership(by, make.broker(code=1400, account_id="BUS1"), role="viewer")

    with pytest.raises(OwnBroker, match="You belong to this business"):
        ACTS[act](make_.application(account_id="BUS1"), by)


def test_who_joined_the_approved_broker_no_longer_notes_on_its_application() -> None:
    found, by = make_.application(), make_.staff()
    make.membership(by, approve(found, make_.staff("superuser")), role="viewer")

    with pytest.raises(OwnBroker):
        review.note(reference=found.reference, text="x", by=by, now=NOW)


def test_the_database_itself_lets_no_applicant_decide_superusers_included() -> None:
    by = make_.staff("superuser")
    found = make_.application(applicant=by)

    with (
        pytest.raises(IntegrityError, match="application_not_decided_by_its_applicant"),
        transaction.atomic(),
    ):
        Application.objects.filter(pk=found.pk).update(
            state="rejected",
            decided_by=by,
            decided_at=NOW,
            rejection_reason="other",
            decision_message="x",
            reapply_from=NOW.date() + timedelta(days=1),
        )


def test_the_acts_of_each_role() -> None:
    assert {role: {act.value for act in GRANTS[role]} for role in StaffRole} == {
        "reviewer": {
            "see applications",
            "see an applicant's documents",
            "review applications",
            "see brokers and their teams",
            "invite the first owner of a broker",
            "see cases, evidence and appeals",
            "look at a broker's pages as the broker sees them",
        },
        "operations": {
            "see applications",
            "see brokers and their teams",
            "invite the first owner of a broker",
            "see letters",
            "send dead letters again",
            "see logins",
            "see cases, evidence and appeals",
            "work on cases and answer appeals",
            "suspend brokers and lift suspensions",
            "prepare a termination",
            "confirm a termination that another prepared",
            "check a change of account",
            "confirm a change of account that another checked",
            "look at a broker's pages as the broker sees them",
            "see service tokens",
            "see payouts, credits and the ledger",
            "see records in quarantine",
            "replay, discard and reopen records in quarantine, and ask the exchange about them",
        },
        "finance preparer": {
            "see brokers and their teams",
            "see cases, evidence and appeals",
            "check a change of account",
            "see payouts, credits and the ledger",
            "take the pack of a month",
            "calculate months again",
            "acknowledge what is unusual about a payout",
            "prepare payouts",
            "prepare releases, forfeits, voids, adjustments and resolutions",
            "send a rejected credit again",
            "see records in quarantine",
        },
        "finance approver": {
            "see brokers and their teams",
            "see cases, evidence and appeals",
            "confirm a change of account that another checked",
            "see payouts, credits and the ledger",
            "take the pack of a month",
            "acknowledge what is unusual about a payout",
            "approve payouts that another prepared",
            "confirm such an act that another prepared",
            "see records in quarantine",
        },
        "auditor": {
            "see applications",
            "see an applicant's documents",
            "see brokers and their teams",
            "see letters",
            "see logins",
            "see who changed what",
            "see cases, evidence and appeals",
            "look at a broker's pages as the broker sees them",
            "see service tokens",
            "see payouts, credits and the ledger",
            "take the pack of a month",
            "see records in quarantine",
        },
    }


def test_a_login_that_was_switched_off_may_nothing() -> None:
    by = make_.staff("superuser", is_active=False)

    assert acts_of(by) == set()
    assert Act.REVIEW in acts_of(make_.staff())


def test_timelines_and_notes_cannot_be_rewritten() -> None:
    found, by = make_.application(), make_.staff()
    review.note(reference=found.reference, text="x", by=by, now=NOW)

    for rows in (TimelineEntry.objects, ReviewNote.objects):
        with pytest.raises(Exception, match=r"permission denied|is refused"), transaction.atomic():
            rows.update(text="y")
