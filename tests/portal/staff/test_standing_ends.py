"""Lifting, and terminating by two people, on the staff site: what is shown is done, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from payouts.desk import terminate
from payouts.desk.models import CaseFile, Termination
from payouts.models import Broker, Payout, StandingChange
from payouts.program.queries import standing_of
from tests import make
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker(code=1400, name="Delta Terminal Ltd", account_id="BUS1")


@pytest.fixture
def desk() -> Any:
    """Somebody of operations, who has just typed the password."""
    return at(make_.staff("operations"), proven=True)


class TestLifting:
    WORDS = {"message": "All is explained.", "note": "Checked twice."}

    def test_the_page_says_what_stays_held(self, broker: Broker, desk: Any) -> None:
        the.payout(broker)
        change = the.suspended(broker, make.login(email="x@exchange.example", is_staff=True))

        text = desk.get(the.lift_of(change)).content.decode()

        assert "The payout of 2026-10, $123.45, stays held until it is released by an act of its own." in text

    def test_it_ends_the_suspension_and_keeps_the_money_held(self, broker: Broker, desk: Any) -> None:
        found = the.payout(broker)
        change = the.suspended(broker, make.login(email="x@exchange.example", is_staff=True))

        answer = desk.post(the.lift_of(change), self.WORDS)

        assert (answer.status_code, answer["Location"]) == (302, "/staff/payouts/broker/1400/change/")
        assert standing_of(1400, now=timezone.now()).state == "active"
        assert (StandingChange.objects.get(kind="lifted").message, found.holds.count()) == (
            "All is explained.",
            1,
        )

    def test_one_that_has_not_begun_is_cancelled(self, broker: Broker, desk: Any) -> None:
        soon = timezone.now() + timedelta(days=1)
        change = the.suspended(broker, make.login(email="x@exchange.example", is_staff=True), starts_at=soon)

        page = desk.get(the.lift_of(change))
        assert "<h1>Cancel the planned suspension</h1>" in page.content.decode()
        assert 'name="is_planned" value="True"' in page.content.decode()
        assert desk.post(the.lift_of(change), self.WORDS | {"is_planned": "True"}).status_code == 302
        assert StandingChange.objects.get(kind="lifted").effective_at == soon

    def test_one_that_began_since_it_was_shown_is_not_cancelled_with_words_that_are_wrong(
        self, broker: Broker, desk: Any
    ) -> None:
        change = the.suspended(broker, make.login(email="x@exchange.example", is_staff=True))

        answer = desk.post(the.lift_of(change), self.WORDS | {"is_planned": "True"})

        assert answer.status_code == 409
        assert "has begun since you looked" in answer.content.decode()
        assert the.changes() == ["suspended"]

    def test_who_comes_second_is_told_on_the_same_page(self, broker: Broker, desk: Any) -> None:
        change = the.suspended(broker, make.login(email="x@exchange.example", is_staff=True))
        desk.post(the.lift_of(change), self.WORDS)

        answer = desk.post(the.lift_of(change), self.WORDS)

        assert answer.status_code == 409
        assert "there is nothing left to lift" in answer.content.decode()
        assert the.changes() == ["suspended", "lifted"]

    def test_a_suspension_is_found_under_its_own_broker_alone(self, broker: Broker, desk: Any) -> None:
        change = the.suspended(broker, make.login(email="x@exchange.example", is_staff=True))
        other = make.broker(code=1500)

        assert desk.get(the.at_broker(other, f"standing/{change.pk}/lift")).status_code == 404
        assert desk.get(the.at_broker(broker, f"standing/{10**30}/lift")).status_code == 404


class TestTerminating:
    def test_one_prepares_and_another_confirms_just_that(self, broker: Broker, desk: Any) -> None:
        the.payout(broker)
        made = the.done(desk, the.at_broker(broker, "terminate"), the.pdf(), reason="agreement")
        assert made.status_code == 302
        [termination] = Termination.objects.all()
        assert (the.changes(), CaseFile.objects.count()) == ([], 1)

        second = at(make_.staff("operations", email="rita@exchange.example"), proven=True)
        page = second.get(the.at_termination(termination, "confirm"))
        assert the.facts(page)["Prepared"].startswith("by operations@exchange.example, ")
        assert "$123.45" in page.content.decode()
        answer = second.post(the.at_termination(termination, "confirm"), {"shown": the.shown_by(page)})

        assert answer.status_code == 302
        change = StandingChange.objects.get(kind="terminated")
        assert (change.prepared_by.email, change.recorded_by.email) == (
            "operations@exchange.example",
            "rita@exchange.example",
        )
        assert standing_of(1400, now=timezone.now()).state == "terminated"
        assert Payout.objects.get().holds.count() == 1

    @pytest.mark.parametrize("role", ["operations", "superuser"])
    def test_nobody_confirms_what_they_prepared(self, broker: Broker, role: str) -> None:
        by = make_.staff(role)
        termination = the.prepared(broker, by)
        client = at(by, proven=True)
        page = the.at_termination(termination, "confirm")

        shown = client.get(page)
        digest = terminate.shown(termination.pk, now=timezone.now())
        answer = client.post(page, {"shown": digest})

        assert "You prepared it: another person has to confirm it." in shown.content.decode()
        assert 'name="shown"' not in shown.content.decode()
        assert answer.status_code == 409
        assert "You prepared this termination: another person has to confirm it." in answer.content.decode()
        assert the.changes() == []

    def test_what_changed_since_it_was_shown_is_shown_again(self, broker: Broker, desk: Any) -> None:
        termination = the.prepared(broker, make.login(email="x@exchange.example", is_staff=True))
        page = the.at_termination(termination, "confirm")
        shown = the.shown_by(desk.get(page))
        the.payout(broker)

        answer = desk.post(page, {"shown": shown})

        assert answer.status_code == 409
        assert "Something has changed since this page was made" in answer.content.decode()
        assert "$123.45" in answer.content.decode()
        assert the.changes() == []
        assert desk.post(page, {"shown": the.shown_by(answer)}).status_code == 302

    @pytest.mark.parametrize("sent", [{}, {"shown": ""}, {"shown": "x" * 300}])
    def test_a_button_without_what_was_shown_does_nothing(
        self, broker: Broker, desk: Any, sent: dict[str, str]
    ) -> None:
        termination = the.prepared(broker, make.login(email="x@exchange.example", is_staff=True))

        assert desk.post(the.at_termination(termination, "confirm"), sent).status_code == 422
        assert the.changes() == []

    def test_who_comes_second_is_told_on_the_same_page(self, broker: Broker, desk: Any) -> None:
        termination = the.prepared(broker, make.login(email="x@exchange.example", is_staff=True))
        page = the.at_termination(termination, "confirm")
        shown = {"shown": the.shown_by(desk.get(page))}

        came = [desk.post(page, shown).status_code, desk.post(page, shown).status_code]

        assert (came, the.changes()) == ([302, 409], ["terminated"])

    def test_one_that_is_withdrawn_cannot_be_confirmed(self, broker: Broker, desk: Any) -> None:
        termination = the.prepared(broker, make.login(email="x@exchange.example", is_staff=True))
        page = the.at_termination(termination, "confirm")
        shown = {"shown": the.shown_by(desk.get(page))}
        assert (
            desk.post(the.at_termination(termination, "withdraw"), {"note": "A mistake."}).status_code == 302
        )

        answer = desk.post(page, shown)

        assert answer.status_code == 409
        assert "This termination is withdrawn already: nothing was changed." in answer.content.decode()
        assert 'name="shown"' not in answer.content.decode()
        assert desk.post(the.at_termination(termination, "withdraw"), {"note": "Again."}).status_code == 409
        assert the.changes() == []

    def test_there_is_one_prepared_termination_at_a_time(self, broker: Broker, desk: Any) -> None:
        the.prepared(broker, make.login(email="x@exchange.example", is_staff=True))

        answer = the.done(desk, the.at_broker(broker, "terminate"), reason="agreement")

        assert answer.status_code == 409
        assert "prepared already" in answer.content.decode()

    def test_it_is_never_planned_for_the_past(self, broker: Broker, desk: Any) -> None:
        answer = desk.post(the.at_broker(broker, "terminate"), the.asked(at="2026-11-10T12:00:00"))

        assert answer.status_code == 409

    def test_the_page_names_the_suspensions_that_it_cancels(self, broker: Broker, desk: Any) -> None:
        soon = datetime(2030, 1, 1, tzinfo=UTC)
        the.suspended(broker, make.login(email="x@exchange.example", is_staff=True), starts_at=soon)

        answer = desk.post(the.at_broker(broker, "terminate"), the.asked())

        assert "Suspensions that are planned later are cancelled: 2030-01-01 00:00:00 UTC" in the.text(
            answer.content.decode()
        )

    def test_a_termination_is_found_under_its_own_broker_alone(self, broker: Broker, desk: Any) -> None:
        termination = the.prepared(broker, make.login(email="x@exchange.example", is_staff=True))
        other = make.broker(code=1500)

        for act in ("confirm", "withdraw"):
            assert desk.get(the.at_broker(other, f"terminations/{termination.pk}/{act}")).status_code == 404
