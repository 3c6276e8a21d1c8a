"""What the guards of approvals keep out comes in without them."""

import pytest
from django.db import connection

from payouts.models import Payout
from tests import make
from tests.payouts.desk.approving import approved, prepare
from tests.payouts.desk.test_approve_races import NEVER_EDITED, WITH_ITS_STATEMENT, without


@pytest.fixture
def payout(committed_db: str) -> Payout:
    made: Payout = make.payout(make.broker(), amount="100.00")
    return made


def test_without_the_check_who_prepared_could_approve(payout: Payout) -> None:
    prepare(payout)
    without("ALTER TABLE payout DROP CONSTRAINT another_person_approves_a_payout", WITH_ITS_STATEMENT)

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payout SET state = 'approved', approved_by_id = prepared_by_id, approved_at = now()"
        )

    payout.refresh_from_db()
    assert payout.approved_by_id == payout.prepared_by_id


def test_without_the_trigger_an_approved_payout_could_be_edited(payout: Payout) -> None:
    approved(payout)
    without(NEVER_EDITED)

    Payout.objects.update(account_id="ACC99999")

    payout.refresh_from_db()
    assert payout.account_id == "ACC99999"
