"""Suspending on the staff site: what is shown is done, and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from payouts.desk.models import Case, CaseFile, PayoutHold
from payouts.models import Broker, StandingChange
from payouts.program.queries import standing_of
from tests import make
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.browsing import PASSWORD, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker(code=1400, name="Delta Terminal Ltd", account_id="BUS1")


@pytest.fixture
def desk() -> Any:
    """Somebody of operations, who has just typed the password."""
    return at(make_.staff("operations"), proven=True)


class TestTheFirstStep:
    def test_the_reason_is_asked_first(self, broker: Broker, desk: Any) -> None:
        text = desk.get(the.at_broker(broker, "suspend")).content.decode()

        assert text.count('<a href="?reason=') == 6
        assert "<textarea" not in text

    @pytest.mark.parametrize(
        ("reason", "words"),
        [
            ("affiliate", "The two programs are mutually exclusive"),
            ("fraud", "we have to treat as fraudulent until it is explained"),
        ],
    )
    def test_a_reason_proposes_words_that_can_be_edited(
        self, broker: Broker, desk: Any, reason: str, words: str
    ) -> None:
        answer = desk.get(the.at_broker(broker, "suspend") + f"?reason={reason}")

        assert words in answer.context["form"]["message"].value()

    def test_a_proposal_with_a_gap_is_not_sent_to_anybody(self, broker: Broker, desk: Any) -> None:
        page = the.at_broker(broker, "suspend")
        proposed = str(desk.get(f"{page}?reason=fraud").context["form"]["message"].value())

        answer = desk.post(page, the.asked(reason="fraud", message=proposed))

        assert answer.status_code == 422
        assert answer.context["form"].errors == {"message": ["Say what exactly where the proposal has “…”."]}

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"message": " "}, "message"),
            ({"note": ""}, "note"),
            ({"at": "yesterday"}, "at"),
            ({"at": "9999-12-31T23:59"}, "at"),
            ({"at": "0001-01-01T00:00"}, "at"),
            ({"case": "77"}, "case"),
            ({"message": "x" * 4_001}, "message"),
            ({"note": "\u202etxet"}, "note"),
        ],
    )
    def test_what_is_wrong_is_said_beside_its_field(
        self, broker: Broker, desk: Any, wrong: dict[str, str], field: str
    ) -> None:
        answer = desk.post(the.at_broker(broker, "suspend"), the.asked(**wrong))

        assert answer.status_code == 422
        assert list(answer.context["form"].errors) == [field]
        assert the.changes() == []

    def test_a_reason_that_is_none_is_asked_again(self, broker: Broker, desk: Any) -> None:
        assert desk.post(the.at_broker(broker, "suspend"), the.asked(reason="mood")).status_code == 422

    def test_a_closed_case_is_not_offered(self, broker: Broker, desk: Any) -> None:
        for state in (
            {},
            {"state": "closed", "closed_at": the.THEN, "closed_by": make.login(), "outcome": "x"},
        ):
            Case.objects.create(broker=broker, kind="fraud", title="A case", opened_at=the.THEN, **state)

        answer = desk.get(the.at_broker(broker, "suspend") + "?reason=fraud")

        opened = Case.objects.get(state="open")
        assert answer.context["form"]["case"].field.choices == [
            ("", "Open a new case"),
            (opened.pk, f"Case {opened.pk}: A case"),
        ]


class TestThePreview:
    def test_it_shows_the_fills_the_money_the_code_and_the_letters_and_does_nothing(
        self, broker: Broker, desk: Any
    ) -> None:
        make.membership(make.login(email="olga@delta.example"), broker)
        make.membership(make.login(email="gone@delta.example", is_active=False), broker, role="viewer")
        the.fill("2026-11-10T11:59:59.999999Z")
        the.fill("2026-11-10T12:00:00Z")
        the.fill("2026-11-11T00:00:00Z", price="250.5")
        the.payout(broker, "2026-09", "100.00")
        the.payout(broker, "2026-10", "23.45")

        answer = desk.post(the.at_broker(broker, "suspend"), the.asked(at="2026-11-10T12:00:00"))

        assert answer.status_code == 200
        assert the.facts(answer) == {
            "The gateway is told now": "live since 2020-01-01 00:00:00 UTC",
            "And then": "suspended from 2026-11-10 12:00:00 UTC",
            "Fills from then on, booked already": "2",
            "Their volume": "$350.50",
            "Their fees": "$0.35…",
            "Reason": "conduct deemed harmful to the platform or its users",
            "The broker is told": the.MESSAGE,
            "Internal note": the.NOTE,
            "Case": "a new one is opened",
            "Letters go to": "olga@delta.example",
        }
        text = the.text(answer.content.decode())
        assert "2026-09 BUS1 $100.00 2026-10 BUS1 $23.45 Together $123.45" in text
        assert (the.changes(), Case.objects.count(), PayoutHold.objects.count()) == ([], 0, 0)

    def test_a_start_now_is_the_moment_of_the_button(self, broker: Broker, desk: Any) -> None:
        answer = desk.post(the.at_broker(broker, "suspend"), the.asked())

        assert the.facts(answer)["And then"] == "suspended from the moment it is done"
        assert the.facts(answer)["Fills from then on, booked already"] == "0"

    def test_what_cannot_be_is_said_before_anything_is_shown(self, broker: Broker, desk: Any) -> None:
        answer = desk.post(the.at_broker(broker, "suspend"), the.asked(at="2019-12-31T23:59"))

        assert answer.status_code == 409
        assert "follows" not in answer.context
        assert answer.context["form"].non_field_errors() == [
            "A suspension begins at 2020-01-01 00:00:00 UTC, its enrolment, at the earliest:"
            " choose a later start."
        ]

    def test_no_suspension_reaches_into_an_approved_month(self, broker: Broker, desk: Any) -> None:
        the.payout(broker, "2026-10", approved_at=the.THEN)

        answer = desk.post(the.at_broker(broker, "suspend"), the.asked(at="2026-10-31T23:59:59"))

        assert answer.status_code == 409
        assert "its last approved month" in answer.content.decode()

    def test_one_can_go_back_and_change_what_was_typed(self, broker: Broker, desk: Any) -> None:
        typed = the.asked(step="change", note="Typed before.\nTwo lines.")

        answer = desk.post(the.at_broker(broker, "suspend"), typed)

        assert answer.status_code == 200
        assert answer.context["form"]["note"].value() == "Typed before.\nTwo lines."
        assert the.changes() == []


class TestSuspending:
    def test_it_does_what_was_shown(self, broker: Broker, desk: Any) -> None:
        found = the.payout(broker)

        answer = the.done(desk, the.at_broker(broker, "suspend"), the.pdf(), at="2026-11-10T12:00:00")

        assert (answer.status_code, answer["Location"]) == (302, "/staff/payouts/broker/1400/change/")
        [change] = StandingChange.objects.filter(kind="suspended")
        assert (change.effective_at, change.reason, change.message, change.note) == (
            the.THEN, "conduct", the.MESSAGE, the.NOTE,
        )  # fmt: skip
        assert change.recorded_by.email == "operations@exchange.example"
        assert [hold.case_id for hold in found.holds.all()] == [change.case_id]
        [file] = CaseFile.objects.all()
        assert (file.name, file.media_type, file.case_id) == ("orders.pdf", "application/pdf", change.case_id)

    def test_a_start_with_microseconds_is_kept_to_the_microsecond(self, broker: Broker, desk: Any) -> None:
        the.done(desk, the.at_broker(broker, "suspend"), at="2026-11-10T12:00:00.000001")

        change = StandingChange.objects.get(kind="suspended")
        assert change.effective_at == datetime(2026, 11, 10, 12, 0, 0, 1, tzinfo=UTC)

    def test_it_holds_from_now_on_when_no_start_is_named(self, broker: Broker, desk: Any) -> None:
        before = timezone.now()
        the.done(desk, the.at_broker(broker, "suspend"))

        standing = standing_of(1400, now=timezone.now())
        assert standing.state == "suspended"
        assert standing.since is not None
        assert before <= standing.since <= timezone.now()

    def test_one_that_is_planned_changes_nothing_yet(self, broker: Broker, desk: Any) -> None:
        soon = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")

        the.done(desk, the.at_broker(broker, "suspend"), at=soon)

        standing = standing_of(1400, now=timezone.now())
        assert (standing.state, standing.planned and standing.planned.kind) == ("active", "suspended")

    def test_it_goes_to_the_case_that_was_chosen(self, broker: Broker, desk: Any) -> None:
        case = Case.objects.create(broker=broker, kind="fraud", title="A case", opened_at=the.THEN)

        the.done(desk, the.at_broker(broker, "suspend"), case=str(case.pk))

        assert StandingChange.objects.get(kind="suspended").case_id == case.pk
        assert Case.objects.count() == 1

    def test_the_same_suspension_sent_twice_is_one(self, broker: Broker, desk: Any) -> None:
        page = the.at_broker(broker, "suspend")
        shown = the.shown_by(desk.post(page, the.asked()))

        first = desk.post(page, the.asked(step="do", shown=shown))
        second = desk.post(page, the.asked(step="do", shown=shown))

        assert (first.status_code, second.status_code) == (302, 409)
        assert "lift that suspension first" in second.content.decode()
        assert the.changes() == ["suspended"]

    def test_nothing_is_done_when_other_payouts_would_be_held_than_were_shown(
        self, broker: Broker, desk: Any
    ) -> None:
        page = the.at_broker(broker, "suspend")
        shown = the.shown_by(desk.post(page, the.asked()))
        the.payout(broker)

        answer = desk.post(page, the.asked(step="do", shown=shown))

        assert answer.status_code == 409
        assert "what would happen has changed since you looked" in answer.content.decode()
        assert "$123.45" in answer.content.decode()
        assert the.changes() == []
        again = desk.post(page, the.asked(step="do", shown=the.shown_by(answer)))
        assert (again.status_code, the.changes()) == (302, ["suspended"])

    def test_fills_that_come_in_meanwhile_do_not_stand_in_the_way(self, broker: Broker, desk: Any) -> None:
        page = the.at_broker(broker, "suspend")
        start = {"at": "2026-11-10T12:00:00"}
        shown = the.shown_by(desk.post(page, the.asked(**start)))
        the.fill("2026-11-11T00:00:00Z")

        assert desk.post(page, the.asked(step="do", shown=shown, **start)).status_code == 302

    def test_a_button_without_what_was_shown_does_nothing(self, broker: Broker, desk: Any) -> None:
        answer = desk.post(the.at_broker(broker, "suspend"), the.asked(step="do"))

        assert (answer.status_code, the.changes()) == (409, [])

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("page.html", b"<html>", "This is neither a PDF nor a PNG or JPEG picture"),
            ("empty.pdf", b"", "The file is empty"),
        ],
    )
    def test_evidence_is_checked_before_anything_is_done(
        self, broker: Broker, desk: Any, name: str, content: bytes, said: str
    ) -> None:
        answer = the.done(desk, the.at_broker(broker, "suspend"), SimpleUploadedFile(name, content))

        assert answer.status_code == 422
        assert said in answer.content.decode()
        assert the.changes() == []

    def test_eleven_files_are_too_many_at_once(self, broker: Broker, desk: Any) -> None:
        files = [the.pdf(f"{number}.pdf") for number in range(11)]

        answer = the.done(desk, the.at_broker(broker, "suspend"), *files)

        assert (answer.status_code, the.changes()) == (422, [])
        assert "Choose at most 10 files at once" in answer.content.decode()

    def test_a_broker_that_does_not_exist_is_a_404(self, desk: Any) -> None:
        assert desk.get("/staff/payouts/broker/1400/suspend/").status_code == 404


class TestProvingOneself:
    @pytest.mark.parametrize("act", ["suspend", "terminate"])
    def test_the_password_is_asked_again_before_the_page_is_shown(self, broker: Broker, act: str) -> None:
        answer = at(make_.staff("operations")).get(the.at_broker(broker, act))

        assert (answer.status_code, answer["Location"]) == (
            302,
            f"/accounts/reauthenticate/?next=%2Fstaff%2Fpayouts%2Fbroker%2F1400%2F{act}%2F",
        )

    def test_the_password_is_asked_again_before_lifting_and_confirming(self, broker: Broker) -> None:
        by = make_.staff("operations")
        pages = [
            the.lift_of(the.suspended(broker, by)),
            the.at_termination(the.prepared(broker, by), "confirm"),
        ]

        assert [at(by).get(page)["Location"][:25] for page in pages] == ["/accounts/reauthenticate/"] * 2

    def test_taking_back_a_preparation_needs_no_password(self, broker: Broker) -> None:
        by = make_.staff("operations")
        page = the.at_termination(the.prepared(broker, by), "withdraw")

        assert at(by).get(page).status_code == 200

    def test_evidence_is_never_lost_on_the_way_through_the_password(self, broker: Broker) -> None:
        """What was sent is held back until the password came, and files are not: so nothing is done then."""
        by = make_.staff("operations")
        shown = the.shown_by(at(by, proven=True).post(the.at_broker(broker, "suspend"), the.asked()))
        client = at(by)
        page = the.at_broker(broker, "suspend")
        sent = the.asked(step="do", shown=shown) | {"attachments": [the.pdf()]}

        led = client.post(page, sent)
        answer = client.post(led["Location"], {"password": PASSWORD})

        assert answer.status_code == 200
        assert "Nothing is done yet: choose the evidence again" in answer.content.decode()
        assert the.changes() == []
        again = client.post(
            page, the.asked(step="do", shown=the.shown_by(answer)) | {"attachments": [the.pdf()]}
        )
        assert (again.status_code, the.changes(), CaseFile.objects.count()) == (302, ["suspended"], 1)
