"""What the database refuses by itself about holds, tokens and looks, however it is written."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from payouts.models import Case, Payout, PayoutHold
from payouts.month import Month
from payouts.monthend import actions
from portal.api.models import ServiceToken
from portal.team.models import ViewAs
from tests import make

pytestmark = pytest.mark.django_db
NOW = make.NOW


def test_a_case_holds_payouts_of_its_own_broker_only() -> None:
    make.broker(code=1400)
    case = Case.objects.create(broker=make.broker(code=1500), kind="other", title="A case", opened_at=NOW)
    make.fills(make.record())
    actions.calculate(month=Month(2026, 10), now=NOW)

    held, other = Payout.objects.order_by("broker_id")
    with pytest.raises(IntegrityError, match="a case holds payouts of its own broker"), transaction.atomic():
        PayoutHold.objects.create(payout=held, case=case, held_at=NOW)
    PayoutHold.objects.create(payout=other, case=case, held_at=NOW)


def refused(rows: Any, **change: Any) -> bool:
    try:
        with transaction.atomic():
            rows.update(**change)
    except ProgrammingError as problem:
        return "is refused: its rows are kept for ever" in str(problem)
    return False


def test_a_token_that_was_revoked_stays_revoked() -> None:
    ServiceToken.objects.create(
        name="gateway",
        scope="codes:read",
        prefix="bpk_codes_1",
        token_hash="0" * 64,
        created_at=NOW,
        expires_at=NOW + timedelta(days=1),
        revoked_at=NOW,
    )

    assert refused(ServiceToken.objects, revoked_at=None)
    assert refused(ServiceToken.objects, revoked_at=NOW + timedelta(hours=1))


def test_a_look_that_has_ended_does_not_go_on() -> None:
    ViewAs.objects.create(
        login=make.login(),
        broker=make.broker(),
        reason="asked by telephone",
        started_at=NOW,
        expires_at=NOW + timedelta(minutes=30),
        ended_at=NOW,
    )

    assert refused(ViewAs.objects, ended_at=None)
