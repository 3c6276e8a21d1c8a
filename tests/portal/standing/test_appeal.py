"""An appeal: written by owners, read by all members, with files, once, and nobody else's."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from payouts.desk import appeals, lift
from payouts.desk.evidence import NewFile
from payouts.models import Appeal, AppealMessage, CaseFile
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.standing.conftest import colleague

STANDING = "/brokers/1400/standing/"
OPEN = f"{STANDING}appeal/"
PDF = (Path(__file__).resolve().parents[2] / "data/documents/certificate.pdf").read_bytes()


@pytest.fixture
def suspension(broker):
    return make.suspended(broker, make.NOW - timedelta(days=1))


@pytest.fixture
def appeal(suspension, owner):
    return appeals.open_appeal(
        broker_code=1400, change_id=suspension.pk, text="You are wrong.",
        files=[NewFile("proof.pdf", "application/pdf", PDF)], by=owner.pk, now=make.NOW,
    )  # fmt: skip


def pdf(name="proof.pdf", content=PDF):
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def answered(appeal):
    return f"{STANDING}appeals/{appeal.reference}/answer/"


def withdrawn(appeal):
    return f"{STANDING}appeals/{appeal.reference}/withdraw/"


def test_an_owner_appeals_with_files_and_everybody_of_the_team_reads_it(broker, owner, suspension):
    answer = at(owner).post(
        OPEN,
        {"change": suspension.pk, "text": "You are wrong.\nLook:", "attachments": [pdf()]},
        follow=True,
    )

    assert answer.redirect_chain == [(STANDING, 302)]
    found = Appeal.objects.get()
    assert (found.change_id, found.state, found.opened_by_id) == (suspension.pk, "open", owner.pk)
    file = CaseFile.objects.get()
    assert (file.name, file.media_type, file.size) == ("proof.pdf", "application/pdf", len(PDF))
    text = text_of(at(colleague(broker, "viewer")).get(STANDING))
    assert "Appeal against the suspension of 2026-11-21 open" in text
    assert "olga@example.com 2026-11-22 12:00:00 UTC You are wrong. Look: proof.pdf" in text
    assert "Send the message" not in text


def test_the_exchange_answers_with_one_voice(owner, staff, appeal):
    appeals.answer(
        reference=appeal.reference, text="Send the orders.", files=[], by=staff.pk, is_from_exchange=True,
        now=make.NOW,
    )  # fmt: skip

    page = at(owner).get(STANDING)
    assert "Backpack 2026-11-22 12:00:00 UTC Send the orders." in text_of(page)
    assert "sue@" not in page.content.decode()


def test_an_owner_answers_and_withdraws_for_good(owner, appeal):
    client = at(owner)
    client.post(answered(appeal), {"text": "Here they are.", "attachments": [pdf("a.pdf", PDF + b"\n")]})
    assert list(AppealMessage.objects.order_by("pk").values_list("text", flat=True)) == [
        "You are wrong.",
        "Here they are.",
    ]
    client.post(withdrawn(appeal))

    text = text_of(client.get(STANDING))
    assert Appeal.objects.get().state == "withdrawn"
    assert "Withdrawn 2026-11-22 12:00:00 UTC" in text
    assert "Send the appeal" not in text
    assert "Send the message" not in text


def test_a_decision_stands_on_the_page(owner, staff, appeal):
    appeals.decide(
        reference=appeal.reference, granted=False, decision="The orders were not yours.", by=staff.pk,
        now=make.NOW,
    )  # fmt: skip

    assert "Refused 2026-11-22 12:00:00 UTC The orders were not yours." in text_of(at(owner).get(STANDING))


def test_a_lifting_grants_the_appeal(owner, staff, suspension, appeal):
    lift.lift(suspension_id=suspension.pk, note="n", message="You were right.", by=staff.pk, now=make.NOW)

    text = text_of(at(owner).get(STANDING))
    assert "Your broker is active" in text
    assert "Granted 2026-11-22 12:00:00 UTC You were right." in text


@pytest.mark.parametrize("role", ["finance", "developer", "viewer"])
def test_only_owners_write(broker, suspension, appeal, role):
    client = at(colleague(broker, role))

    assert [
        client.post(address, {"text": "x", "change": suspension.pk}).status_code
        for address in (OPEN, answered(appeal), withdrawn(appeal))
    ] == [403, 403, 403]
    assert (Appeal.objects.get().state, AppealMessage.objects.count()) == ("open", 1)


def test_another_brokers_appeal_and_files_are_not_there(suspension, appeal):
    other = make.login(email="other@example.com")
    make.membership(other, make.broker(code=1500))
    client, file = at(other), CaseFile.objects.get().reference

    for code, status in ((1400, 404), (1500, 404)):
        base = f"/brokers/{code}/standing"
        found = [
            client.post(f"{base}/appeals/{appeal.reference}/answer/", {"text": "x"}).status_code,
            client.post(f"{base}/appeals/{appeal.reference}/withdraw/").status_code,
            client.get(f"{base}/files/{file}/").status_code,
        ]
        assert found == [status] * 3
    answer = client.post("/brokers/1500/standing/appeal/", {"text": "x", "change": suspension.pk})
    assert answer.status_code == 409
    assert "There is no such suspension or termination" in text_of(answer)
    assert (Appeal.objects.get().state, AppealMessage.objects.count()) == ("open", 1)


def test_a_file_is_handed_out_to_be_saved_and_never_shown(broker, appeal):
    file = CaseFile.objects.get()
    answer = at(colleague(broker, "viewer")).get(f"{STANDING}files/{file.reference}/")

    assert answer.content == PDF
    assert {name: answer.headers[name] for name in (
        "Content-Type", "Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options",
    )} == {
        "Content-Type": "application/pdf",
        "Content-Disposition": 'attachment; filename="proof.pdf"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    assert "no-store" in answer.headers["Cache-Control"]


def test_evidence_of_staff_is_no_file_of_the_broker(owner, staff, appeal):
    from payouts.desk import evidence

    [kept] = evidence.put(appeal.case, [NewFile("e.pdf", "application/pdf", PDF)], by=staff.pk, now=make.NOW)

    assert at(owner).get(f"{STANDING}files/{kept.reference}/").status_code == 404
    assert at(owner).get(f"{STANDING}files/{uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": ""}, "This field is required."),
        ({"text": "x" * 4_001}, "at most 4000 characters"),
        ({"text": "read \u202etxt.exe"}, "holds a character that cannot be seen"),
        ({"text": "x", "attachments": [pdf(f"{n}.pdf") for n in range(6)]}, "At most 5 files"),
        ({"text": "x", "attachments": [pdf("a.pdf", b"<html>")]}, "a.pdf: This is neither a PDF nor"),
        ({"text": "x", "attachments": [pdf("a.pdf", b"")]}, "a.pdf: The file is empty"),
        ({"text": "x", "attachments": [pdf("a.pdf"), pdf("b.pdf")]}, "b.pdf was added before"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_nothing_is_sent(owner, suspension, given, words):
    answer = at(owner).post(OPEN, {"change": suspension.pk} | given)

    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Appeal.objects.exists()
    if given["text"] == "x":
        assert ">\nx</textarea>" in answer.content.decode()  # what was typed is not lost


def test_a_decision_is_appealed_once(owner, suspension, appeal):
    answer = at(owner).post(OPEN, {"text": "Again.", "change": suspension.pk})

    assert answer.status_code == 409
    assert "This was appealed before" in text_of(answer)
    assert Appeal.objects.count() == 1


@pytest.mark.parametrize("number", ["", "x", "0", "-1", "9" * 30])
def test_a_change_that_is_none_is_refused_in_words(owner, suspension, number):
    answer = at(owner).post(OPEN, {"text": "x", "change": number})

    assert answer.status_code == 422
    assert "This cannot be appealed any more" in text_of(answer)


def test_an_appeal_that_was_decided_meanwhile_takes_no_message(owner, staff, appeal):
    appeals.decide(reference=appeal.reference, granted=False, decision="No.", by=staff.pk, now=make.NOW)
    client = at(owner)

    for answer in (client.post(answered(appeal), {"text": "But"}), client.post(withdrawn(appeal))):
        assert answer.status_code == 409
        assert "This appeal is decided or withdrawn" in text_of(answer)


def test_writing_too_often_is_refused_before_any_file_is_looked_at(owner, appeal):
    client = at(owner)
    codes = [client.post(answered(appeal), {"text": f"{n}"}).status_code for n in range(21)]

    assert codes == [302] * 20 + [429]
    assert AppealMessage.objects.count() == 21


@pytest.mark.parametrize("kind", ["answer", "withdraw"])
def test_reading_the_address_of_a_form_leads_to_the_page(owner, appeal, kind):
    address = f"{STANDING}appeals/{appeal.reference}/{kind}/"

    assert at(owner).get(address).headers["Location"] == STANDING
    assert at(owner).get(OPEN).headers["Location"] == STANDING


def test_a_look_of_staff_reads_the_appeal_and_cannot_write(owner, appeal):
    from portal.team import view_as

    staff = make.login(email="boss@backpack.exchange", is_staff=True, is_superuser=True)
    client = at(staff)
    look = view_as.begin(broker_code=1400, reason="They asked.", by=staff, address="", now=make.NOW)
    session = client.session
    session["view_as"] = look.pk
    session.save()

    text = text_of(client.get(STANDING))
    assert "You are wrong." in text
    assert "Send the message" not in text
    assert client.post(answered(appeal), {"text": "x"}).status_code == 403
