"""Somebody fights a suspension, or uses what it opens: the appeal, the case, the page of the standing."""

from typing import Any

import pytest
from django.test import Client

from payouts.desk import appeals, cases, terminate
from tests import make
from tests.portal.staff.browsing import at

pytestmark = pytest.mark.django_db


def owner_of(broker: object) -> Client:
    login = make.login()
    make.membership(login, broker)  # type: ignore[arg-type]  # a broker of `make`
    client = Client()
    client.force_login(login)
    return client


@pytest.mark.parametrize("number", ["%d", "%s", "%(a)s", "%", "\0", "9" * 40, "-1", "١", '"><b>'])
def test_no_number_of_a_change_breaks_the_page_that_an_appeal_fails_on(number: str) -> None:
    broker = make.broker()
    change = make.suspended(broker, make.NOW)
    client = owner_of(broker)
    for text in ("", "We object."):
        answer = client.post("/brokers/1400/standing/appeal/", {"change": number, "text": text})
        assert answer.status_code in (409, 422), answer.content.decode()
        assert '"><b>' not in answer.content.decode()
    assert not change.case.appeals.exists()


def test_a_conflict_that_is_open_elsewhere_neither_stops_an_appeal_nor_is_told_to_the_broker() -> None:
    """A broker was terminated in one conflict, and appeals while staff look into another."""
    broker = make.broker()
    pia, quentin = (
        make.login(email=f"{name}@exchange.example", is_staff=True) for name in ("pia", "quentin")
    )
    common: dict[str, Any] = {
        "broker_code": 1400, "kind": "affiliate", "title": "Conflict", "text": "It says so.", "by": pia.pk,
    }  # fmt: skip
    first = cases.open_case(now=make.NOW, **common)
    prepared = terminate.prepare(
        broker_code=1400, reason="affiliate", note="n", message="m", effective_at=None, case_id=first.pk,
        by=pia.pk, now=make.NOW,
    )  # fmt: skip
    change = terminate.confirm(
        termination_id=prepared.pk,
        shown=terminate.shown(prepared.pk, now=make.NOW),
        by=quentin.pk,
        clock=lambda: make.NOW,
    )
    cases.close(case_id=first.pk, outcome="Terminated.", by=pia.pk, now=make.NOW)
    cases.open_case(now=make.NOW, **common)

    answer = owner_of(broker).post(
        "/brokers/1400/standing/appeal/", {"change": change.pk, "text": "We object."}
    )

    assert "conflict" not in answer.content.decode()
    assert answer.status_code == 302
    appeal = first.appeals.get()
    appeals.answer(
        reference=appeal.reference, text="We look.", files=[], by=pia.pk, is_from_exchange=True, now=make.NOW
    )
    appeals.decide(reference=appeal.reference, granted=False, decision="No.", by=pia.pk, now=make.NOW)
    page = at(make.login(email="root@exchange.example", is_superuser=True, is_staff=True)).get(
        f"/staff/payouts/case/{first.pk}/change/"
    )
    assert "We object." in page.content.decode()
