"""What a reviewer does with an application, and when it is refused."""

from datetime import date
from typing import Any

import pytest

from payouts.desk.enrol import CodeTaken, NotACode
from payouts.exchange.eligibility import AFFILIATE, IsAnAffiliate, NoSuchAccount, NotABusinessAccount
from payouts.exchange.port import ExchangeUnavailable
from payouts.models import Broker, StandingChange
from portal.application import course, review
from portal.application.models import Application, ReviewNote
from portal.staff.history import history_of
from portal.team.models import Membership
from tests import make
from tests.make import NOW
from tests.portal.staff import make_review as make_

pytestmark = pytest.mark.django_db


def approve(found: Application, by: Any, **options: Any) -> Broker:
    return review.approve(
        **{
            "reference": found.reference,
            "seen": found.version,
            "code": 2300,
            "was_proposed": True,
            "acknowledged": "",
            "by": by,
            "exchange": make_.Exchange(),
            "now": NOW,
        }
        | options
    )


def reject(found: Application, by: Any, **options: Any) -> Application:
    return review.reject(
        **{
            "reference": found.reference,
            "seen": found.version,
            "reason": "unverifiable",
            "message": "We could not verify it.",
            "reapply_from": date(2026, 12, 22),
            "by": by,
            "now": NOW,
        }
        | options
    )


def timeline(found: Application) -> list[tuple[str, str]]:
    return [(each.kind, each.by.email if each.by else "") for each in found.timeline.order_by("pk")]


# -- approve -------------------------------------------------------------------------------------


def test_approval_is_code_standing_owner_state_and_timeline_at_once() -> None:
    anna = make.login(email="anna@delta.example")
    found, by = make_.application(applicant=anna, legal_name="Delta", account_id="BUS1"), make_.staff()

    broker = approve(found, by)

    found.refresh_from_db()
    assert (broker.code, broker.name, broker.account_id, broker.enrolled_at) == (2300, "Delta", "BUS1", NOW)
    assert (found.state, found.broker_id, found.decided_by_id, found.decided_at) == (
        "approved",
        2300,
        by.pk,
        NOW,
    )
    assert list(Membership.objects.values_list("login", "broker", "role")) == [(anna.pk, 2300, "owner")]
    (enrolled,) = StandingChange.objects.filter(broker=2300)
    assert (enrolled.kind, enrolled.recorded_by_id) == ("enrolled", by.pk)
    assert timeline(found) == [
        ("submitted", "anna@delta.example"),
        ("approved", "reviewer@exchange.example"),
    ]


def test_a_chosen_code_is_given() -> None:
    assert approve(make_.application(), make_.staff(), code=4242, was_proposed=False).code == 4242


def test_the_exchange_is_asked_at_the_moment_of_approval() -> None:
    found, exchange = make_.application(account_id="BUS1", exchange_answer="unanswered"), make_.Exchange()

    approve(found, make_.staff(), exchange=exchange)

    found.refresh_from_db()
    assert exchange.asked == ["BUS1"]
    assert (found.exchange_answer, found.exchange_answered_at) == ("business", NOW)


def nothing_happened(found: Application) -> bool:
    found.refresh_from_db()
    return (found.state, Broker.objects.count(), Membership.objects.count()) == ("submitted", 0, 0)


def test_an_outage_approves_nothing_and_refuses_nothing() -> None:
    found = make_.application()

    with pytest.raises(ExchangeUnavailable):
        approve(found, make_.staff(), exchange=make_.Exchange(down=True))

    assert nothing_happened(found)
    assert found.exchange_answer == "business"  # what it said before


@pytest.mark.parametrize(
    ("answer", "refusal", "kept"),
    [
        ("affiliate", IsAnAffiliate, "affiliate"),
        ("missing", NoSuchAccount, "missing"),
        ("personal", NotABusinessAccount, "not_business"),
    ],
)
def test_an_account_that_turned_ineligible_is_not_let_in_and_its_answer_is_kept(
    answer: str, refusal: type[Exception], kept: str
) -> None:
    found = make_.application(account_id="BUS1")

    with pytest.raises(refusal):
        approve(found, make_.staff(), exchange=make_.Exchange(BUS1=answer))

    assert nothing_happened(found)
    assert found.exchange_answer == kept


def test_a_proposed_code_that_went_to_another_is_shown_anew_and_never_changed_silently() -> None:
    found = make_.application()
    make.broker(code=2300)

    with pytest.raises(review.CodeGone, match="Code 2300 went to another broker"):
        approve(found, make_.staff())

    found.refresh_from_db()
    assert found.state == "submitted"


def test_a_chosen_code_of_another_broker_is_refused() -> None:
    make.broker(code=1400)

    with pytest.raises(CodeTaken):
        approve(make_.application(), make_.staff(), code=1400, was_proposed=False)


def test_a_number_that_does_not_fit_the_header_is_no_code() -> None:
    with pytest.raises(NotACode):
        approve(make_.application(), make_.staff(), code=65_536, was_proposed=False)


def test_high_risk_is_let_in_with_a_written_reason_only() -> None:
    found, by = make_.application(country="KP"), make_.staff()

    with pytest.raises(review.RiskNotAcknowledged):
        approve(found, by, acknowledged="  ")
    assert nothing_happened(found)

    approve(found, by, acknowledged="Licensed in Seoul.")
    assert [each.text for each in ReviewNote.objects.all()] == ["Approved at high risk: Licensed in Seoul."]


def test_who_looked_at_an_older_version_is_told_who_was_faster() -> None:
    found, by, other = make_.application(), make_.staff(), make_.staff(email="rita@exchange.example")
    review.ask(reference=found.reference, seen=1, text="Which bots?", by=other, now=NOW)

    with pytest.raises(course.Overtaken) as told:
        approve(found, by)

    assert str(told.value) == (
        "rita@exchange.example was faster: information requested at 2026-11-22 12:00:00 UTC."
        " Nothing was done; look at the application again."
    )


@pytest.mark.parametrize("state", ["information_requested", "withdrawn", "draft"])
def test_only_a_complete_application_is_approved(state: str) -> None:
    with pytest.raises(course.WrongState):
        approve(make_.application(state=state), make_.staff())


def test_an_approval_happens_once() -> None:
    found, by = make_.application(), make_.staff()
    approve(found, by)
    found.refresh_from_db()

    with pytest.raises(course.WrongState):
        approve(found, by, code=2400)


def test_history_has_the_reason_of_a_decision() -> None:
    found = make_.application(country="KP")

    approve(found, make_.staff(), acknowledged="Licensed in Seoul.")

    found.refresh_from_db()
    assert history_of(found)[0].reason == "approved: Licensed in Seoul."


# -- reject, ask, take, note ---------------------------------------------------------------------


def test_a_rejection_says_why_and_from_when_to_apply_again() -> None:
    found, by = make_.application(), make_.staff()

    reject(found, by)

    found.refresh_from_db()
    assert (found.state, found.rejection_reason, found.decision_message, found.reapply_from) == (
        "rejected",
        "unverifiable",
        "We could not verify it.",
        date(2026, 12, 22),
    )
    last = found.timeline.last()
    assert (last.kind, last.text, last.by_id) == ("rejected", "We could not verify it.", by.pk)
    assert history_of(found)[0].reason == "rejected: unverifiable"


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"message": "  "}, review.NothingWritten),
        ({"reason": "mood"}, review.ReasonUnknown),
        ({"reapply_from": date(2026, 11, 21)}, review.DateGone),
        ({"seen": 0}, course.Overtaken),
    ],
)
def test_a_rejection_without_words_reason_or_a_future_is_refused(
    changes: dict[str, Any], refusal: type[Exception]
) -> None:
    found = make_.application()

    with pytest.raises(refusal):
        reject(found, make_.staff(), **changes)

    found.refresh_from_db()
    assert found.state == "submitted"


def test_the_proposals_say_when_a_business_may_come_back() -> None:
    today = date(2026, 11, 22)

    assert {reason: review.reapply_proposal(reason, today) for reason in review.REAPPLY_DAYS} == {
        "affiliate": today,
        "no_business_account": today,
        "not_a_platform": date(2027, 2, 20),
        "country": date(2027, 2, 20),
        "unverifiable": date(2026, 12, 22),
        "duplicate": date(2027, 2, 20),
        "other": date(2026, 12, 22),
    }


def test_an_affiliate_is_told_in_the_programs_own_words() -> None:
    assert review.MESSAGES[review.RejectionReason.AFFILIATE].startswith(AFFILIATE)


def test_to_ask_is_to_wait_for_the_answer() -> None:
    found, by = make_.application(), make_.staff()

    review.ask(reference=found.reference, seen=1, text=" Which bots? ", by=by, now=NOW)

    found.refresh_from_db()
    assert (found.state, found.version, found.assignee_id) == ("information_requested", 2, by.pk)
    assert found.timeline.last().text == "Which bots?"


def test_a_question_without_words_is_refused() -> None:
    with pytest.raises(review.NothingWritten):
        review.ask(reference=make_.application().reference, seen=1, text="\n", by=make_.staff(), now=NOW)


def test_the_first_to_take_it_begins_the_review_and_a_release_does_not_end_it() -> None:
    found, by = make_.application(), make_.staff()

    review.take(reference=found.reference, holder=None, by=by, now=NOW)
    found.refresh_from_db()
    assert (found.state, found.assignee_id) == ("in_review", by.pk)
    assert timeline(found)[-1] == ("review_started", "reviewer@exchange.example")

    review.release(reference=found.reference, holder=by.pk, by=by)
    found.refresh_from_db()
    assert (found.state, found.assignee_id) == ("in_review", None)
    assert len(timeline(found)) == 2


def test_who_takes_what_another_just_took_is_told() -> None:
    found, first, second = make_.application(), make_.staff(), make_.staff(email="rita@exchange.example")
    review.take(reference=found.reference, holder=None, by=first, now=NOW)

    with pytest.raises(review.TakenMeanwhile, match=r"reviewer@exchange.example has this application"):
        review.take(reference=found.reference, holder=None, by=second, now=NOW)

    review.take(reference=found.reference, holder=first.pk, by=second, now=NOW)  # knowingly
    found.refresh_from_db()
    assert found.assignee_id == second.pk


def test_asking_the_exchange_again_keeps_what_it_says() -> None:
    found = make_.application(account_id="BUS1", exchange_answer="unanswered", exchange_answered_at=None)

    said = review.asked(
        reference=found.reference, by=make_.staff(), exchange=make_.Exchange(BUS1="affiliate"), now=NOW
    )

    found.refresh_from_db()
    assert (said, found.exchange_answer, found.exchange_answered_at) == ("affiliate", "affiliate", NOW)
    assert found.state == "submitted"  # an answer decides nothing
