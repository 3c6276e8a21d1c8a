"""Cases on the staff site: the list and its filters, one case on one screen, and what is done with it."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from payouts.desk import cases
from payouts.desk.models import Case, CaseFile
from payouts.models import Broker
from tests import make
from tests.portal.application import papers
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as the
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db
LIST = "/staff/payouts/case/"


@pytest.fixture
def broker() -> Broker:
    return make.broker(code=1400, name="Delta Terminal Ltd")


@pytest.fixture
def rita() -> Any:
    return make_.staff("operations", email="rita@exchange.example")


@pytest.fixture
def desk(rita: Any) -> Any:
    return at(rita)


def case(broker: Broker, title: str = "Wash trades", **fields: Any) -> Case:
    given = {"kind": "fraud", "opened_at": the.THEN} | fields
    return Case.objects.create(broker=broker, title=title, **given)


def closed(broker: Broker, by: Any, **fields: Any) -> Case:
    return case(broker, state="closed", closed_at=the.THEN, closed_by=by, outcome="It was a bug.", **fields)


def timeline(found: Case) -> list[str]:
    return list(found.timeline.order_by("pk").values_list("kind", flat=True))


class TestTheList:
    @pytest.fixture
    def several(self, broker: Broker, rita: Any) -> None:
        case(broker, "Flagged", kind="affiliate", is_flagged=True)
        case(broker, "Mine", owner=rita)
        case(broker, "Theirs", owner=make.login(email="carl@exchange.example"), kind="other")
        closed(broker, rita, title="Closed")
        change = the.suspended(broker, rita)
        the.appeal(change, make.login(email="olga@delta.example"))

    @pytest.mark.parametrize(
        ("asked", "titles"),
        [
            ("", ["Flagged", "Suspension from 2026-11-10 12:00:00 UTC", "Theirs", "Mine"]),
            ("?state=closed", ["Closed"]),
            (
                "?state=all",
                ["Flagged", "Suspension from 2026-11-10 12:00:00 UTC", "Closed", "Theirs", "Mine"],
            ),
            ("?flagged=yes", ["Flagged"]),
            ("?kind=other", ["Theirs"]),
            ("?kind=none", ["Flagged", "Suspension from 2026-11-10 12:00:00 UTC", "Theirs", "Mine"]),
            ("?owner=mine", ["Suspension from 2026-11-10 12:00:00 UTC", "Mine"]),
            ("?owner=nobody", ["Flagged"]),
            ("?appeal=yes", ["Suspension from 2026-11-10 12:00:00 UTC"]),
            ("?q=theirs", ["Theirs"]),
            ("?q=1400&kind=affiliate", ["Flagged"]),
            ("?q=delta&owner=nobody", ["Flagged"]),
        ],
    )
    def test_it_shows_what_is_asked_for(
        self, several: None, desk: Any, asked: str, titles: list[str]
    ) -> None:
        text = desk.get(LIST + asked).content.decode()

        assert re.findall(r'class="field-subject"><a [^>]*>([^<]*)</a>', text) == titles

    def test_no_other_column_can_be_asked_out(self, several: None, desk: Any) -> None:
        assert desk.get(f"{LIST}?outcome__startswith=I").status_code in (302, 400)


class TestThePage:
    def test_it_shows_the_whole_case(self, broker: Broker, rita: Any, desk: Any) -> None:
        the.payout(broker, amount="123.45")
        found = the.suspended(broker, rita).case
        assert found is not None
        cases.note(case_id=found.pk, text="Called them.", by=rita.pk, now=the.THEN)

        answer = desk.get(the.at_case(found))

        text = the.text(answer.content.decode())
        assert the.facts(answer) == {
            "Name": "Delta Terminal Ltd",
            "Code": "1400",
            "Exchange account": "ACC01400",
            "Standing": "suspended since 2026-11-10 12:00:00 UTC",
        }
        for words in (
            the.MESSAGE,
            the.NOTE,
            "Called them.",
            "2026-10 ACC01400 $123.45",
            "Lift the suspension…",
        ):
            assert words in text

    @pytest.mark.parametrize("number", ["77", "0", "x", "9" * 30, "1_0"])
    def test_a_case_that_does_not_exist_is_a_404(self, broker: Broker, desk: Any, number: str) -> None:
        assert desk.get(f"{LIST}{number}/change/").status_code == 404
        assert desk.get(f"{LIST}{number}/close/").status_code == 404

    def test_who_only_reads_sees_no_button(self, broker: Broker, rita: Any) -> None:
        found = the.suspended(broker, rita).case
        assert found is not None

        text = at(make_.staff("auditor")).get(the.at_case(found)).content.decode()

        assert re.findall(r"<form[^>]*action=\"/staff/[^\"]*\"", text) == []
        assert "/lift/" not in text
        assert "/close/" not in text

    def test_its_ids_are_unique(self, broker: Broker, rita: Any, desk: Any) -> None:
        change = the.suspended(broker, rita)
        the.appeal(change, make.login(email="olga@delta.example"))
        assert change.case is not None

        found = re.findall(r'\sid="([^"]+)"', desk.get(the.at_case(change.case)).content.decode())

        assert sorted(found) == sorted(set(found))


class TestWhatIsDone:
    def test_one_is_opened_by_hand(self, broker: Broker, rita: Any, desk: Any) -> None:
        sent = {"kind": "fraud", "title": "Wash trades", "text": "Two traders trade with each other."}

        answer = desk.post(f"{LIST}open/1400/", sent)

        [found] = Case.objects.all()
        assert answer["Location"] == the.at_case(found)
        assert (found.title, found.kind, found.owner, found.is_flagged) == (
            "Wash trades",
            "fraud",
            rita,
            False,
        )

    @pytest.mark.parametrize("wrong", [{"kind": "mood"}, {"title": ""}, {"text": " "}, {"title": "x" * 201}])
    def test_what_is_wrong_opens_none(self, broker: Broker, desk: Any, wrong: dict[str, str]) -> None:
        sent = {"kind": "fraud", "title": "Wash trades", "text": "x"} | wrong

        assert desk.post(f"{LIST}open/1400/", sent).status_code == 422
        assert Case.objects.count() == 0

    def test_no_case_is_opened_about_nobody(self, desk: Any) -> None:
        assert desk.get(f"{LIST}open/1400/").status_code == 404

    def test_taking_makes_it_ones_own_and_takes_the_flag_off(
        self, broker: Broker, rita: Any, desk: Any
    ) -> None:
        found = case(broker, is_flagged=True)

        desk.post(the.at_case(found, "take"), {"holder": ""})

        found.refresh_from_db()
        assert (found.owner, found.is_flagged, timeline(found)) == (rita, False, ["taken"])

    def test_who_takes_it_second_is_told_who_was_first(self, broker: Broker, rita: Any, desk: Any) -> None:
        found = case(broker)
        carl = make_.staff("operations", email="carl@exchange.example")
        at(carl).post(the.at_case(found, "take"), {"holder": ""})

        answer = desk.post(the.at_case(found, "take"), {"holder": ""})

        assert answer.status_code == 409
        assert "In the meantime carl@exchange.example has this case: look at it again." in the.text(
            answer.content.decode()
        )
        found.refresh_from_db()
        assert (found.owner, timeline(found)) == (carl, ["taken"])

    @pytest.mark.parametrize("holder", ["x", "-1", "999"])
    def test_a_button_that_names_another_owner_takes_nothing(
        self, broker: Broker, desk: Any, holder: str
    ) -> None:
        found = case(broker)

        assert desk.post(the.at_case(found, "take"), {"holder": holder}).status_code == 409
        assert timeline(found) == []

    def test_a_note_is_kept(self, broker: Broker, desk: Any) -> None:
        found = case(broker)

        answer = desk.post(the.at_case(found, "note"), {"text": "Called them."})

        assert answer["Location"] == the.at_case(found)
        assert "Called them." in desk.get(the.at_case(found)).content.decode()

    def test_a_note_that_is_too_long_is_not_lost(self, broker: Broker, desk: Any) -> None:
        found = case(broker)

        answer = desk.post(the.at_case(found, "note"), {"text": "n" * 4_001})

        assert answer.status_code == 422
        assert "n" * 4_001 in answer.content.decode()
        assert timeline(found) == []

    def test_evidence_is_kept_and_given_out_only_to_be_saved(self, broker: Broker, desk: Any) -> None:
        found = case(broker)
        sent = {
            "text": "Their orders.",
            "attachments": [the.pdf(), SimpleUploadedFile("a.png", papers.png())],
        }

        answer = desk.post(the.at_case(found, "evidence"), sent)

        assert answer.status_code == 302
        [pdf, png] = CaseFile.objects.order_by("pk")
        assert (pdf.name, png.name, png.media_type, pdf.message) == ("orders.pdf", "a.png", "image/png", None)
        file = desk.get(the.at_case(found, f"files/{pdf.reference}"))
        assert file.content == papers.pdf()
        assert {
            name: file[name]
            for name in (
                "Content-Type",
                "Content-Disposition",
                "Content-Security-Policy",
                "X-Content-Type-Options",
                "Cross-Origin-Resource-Policy",
            )
        } == {
            "Content-Type": "application/pdf",
            "Content-Disposition": 'attachment; filename="orders.pdf"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    @pytest.mark.parametrize(
        ("files", "status"),
        [([], 422), ([("a.html", b"<html>")], 422), ([("a.pdf", None), ("b.pdf", None)], 409)],
        ids=["none", "a page", "the same twice"],
    )
    def test_what_is_no_evidence_is_refused_and_the_words_stay(
        self, broker: Broker, desk: Any, files: list[tuple[str, bytes | None]], status: int
    ) -> None:
        found = case(broker)
        attached = [
            SimpleUploadedFile(name, papers.pdf() if given is None else given) for name, given in files
        ]

        answer = desk.post(the.at_case(found, "evidence"), {"text": "Their orders.", "attachments": attached})

        assert answer.status_code == status
        assert "Their orders." in answer.content.decode()
        assert (timeline(found), CaseFile.objects.count()) == ([], 0)

    def test_a_file_is_found_in_its_own_case_alone(self, broker: Broker, desk: Any) -> None:
        found, other = case(broker), case(broker)
        desk.post(the.at_case(found, "evidence"), {"text": "x", "attachments": [the.pdf()]})
        file = CaseFile.objects.get()

        assert desk.get(the.at_case(other, f"files/{file.reference}")).status_code == 404

    def test_it_is_closed_with_an_outcome_and_opened_again(
        self, broker: Broker, rita: Any, desk: Any
    ) -> None:
        found = case(broker)

        assert desk.post(the.at_case(found, "close"), {"outcome": "It was a bug."}).status_code == 302
        found.refresh_from_db()
        assert (found.state, found.outcome, found.closed_by) == ("closed", "It was a bug.", rita)
        assert "It was a bug." in desk.get(the.at_case(found)).content.decode()
        assert desk.post(the.at_case(found, "close"), {"outcome": "Again."}).status_code == 409
        assert desk.post(the.at_case(found, "note"), {"text": "Late."}).status_code == 409
        assert desk.post(the.at_case(found, "reopen"), {"text": "It came back."}).status_code == 302
        assert desk.post(the.at_case(found, "reopen"), {"text": "Again."}).status_code == 409
        assert timeline(found) == ["closed", "reopened"]

    def test_none_is_closed_while_its_suspension_holds(self, broker: Broker, rita: Any, desk: Any) -> None:
        found = the.suspended(broker, rita).case
        assert found is not None

        answer = desk.post(the.at_case(found, "close"), {"outcome": "Done."})

        assert answer.status_code == 409
        assert "lift it first" in answer.content.decode()
