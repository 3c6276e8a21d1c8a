"""The statement on the page of a payout, and its files for staff: the bytes that the broker gets."""

from typing import Any

import pytest
import time_machine

from payouts.statements import faces
from portal.models import Activity
from portal.statements import lengths
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.statements import issuing
from tests.portal.page_text import links_of, text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

pytestmark = pytest.mark.django_db
PAYOUTS = "/staff/payouts/payout"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(money_acts.LATER, tick=False) as traveller:
        yield traveller


def test_the_page_of_an_approved_payout_names_its_statement_and_its_files() -> None:
    first, second = issuing.corrected(make.broker(code=1400))
    for kind in ("csv", "pdf"):
        faces.ensure(statement_id=first.pk, kind=kind, now=money_acts.LATER)

    page = at(staff("auditor")).get(f"{PAYOUTS}/{first.payout_id}/change/")

    text = text_of(page)
    assert "Statement No. 1 corrected by No. 2 Issued 2026-11-22 12:00:00 UTC Lines 3" in text
    assert f"Digest (SHA-256) {first.digest} Key {first.key_id} PDF Download, " in text
    for face in faces.stored_of([first.pk])[first.pk].values():
        assert face.sha256 in text
    assert [link for link in links_of(page) if "/statement." in link] == [
        f"{PAYOUTS}/{first.payout_id}/statement.{kind}" for kind in ("pdf", "csv", "json")
    ]
    later = text_of(at(staff("superuser")).get(f"{PAYOUTS}/{second.payout_id}/change/"))
    assert "Statement No. 2 Issued 2026-11-22 13:00:00 UTC" in later
    assert "CSV Download is being made" in later


@pytest.mark.parametrize("kind", ["json", "csv", "pdf"])
def test_staff_get_the_bytes_that_the_broker_gets(kind: str) -> None:
    statement = issuing.october(make.broker(code=1400))

    answer = at(staff("auditor")).get(f"{PAYOUTS}/{statement.payout_id}/statement.{kind}")

    assert b"".join(answer.streaming_content) == issuing.bytes_of(statement, kind)
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="backpack-broker-1400-2026-10-statement-1.{kind}"'
    )
    assert not Activity.objects.exists()  # nothing that the team did


def test_a_payout_without_a_statement_has_none_of_its_files() -> None:
    payout = make.payout(make.broker(code=1400))
    client = at(staff("auditor"))

    assert client.get(f"{PAYOUTS}/{payout.pk}/statement.pdf").status_code == 404
    assert client.get(f"{PAYOUTS}/999/statement.pdf").status_code == 404
    assert "Statement No." not in text_of(client.get(f"{PAYOUTS}/{payout.pk}/change/"))


def test_there_are_three_files_and_no_others() -> None:
    statement = issuing.october(make.broker(code=1400))

    assert at(staff("auditor")).get(f"{PAYOUTS}/{statement.payout_id}/statement.exe").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("finance preparer", 200), ("reviewer", 403), ("none", 403)])
def test_only_roles_that_see_payouts_take_them(role: str, status: int) -> None:
    statement = issuing.october(make.broker(code=1400))
    client = at(staff(role))

    assert client.get(f"{PAYOUTS}/{statement.payout_id}/statement.json").status_code == status
    assert client.post(f"{PAYOUTS}/{statement.payout_id}/statement.json").status_code in (403, 405)


def test_nobody_takes_that_of_a_broker_of_their_own() -> None:
    broker = make.broker(code=1400)
    statement = issuing.october(broker)
    auditor = staff("auditor")
    make.membership(auditor, broker, role="viewer")

    assert at(auditor).get(f"{PAYOUTS}/{statement.payout_id}/statement.json").status_code == 403


def test_a_long_file_that_is_not_made_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    statement = issuing.october(make.broker(code=1400))
    monkeypatch.setattr(lengths, "LONG", 2)

    answer = at(staff("auditor")).get(f"{PAYOUTS}/{statement.payout_id}/statement.csv", follow=True)

    assert "This file is long and is being made: look again in a minute." in text_of(answer)
