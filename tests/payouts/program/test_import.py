"""Importing brokers in one transaction."""

from datetime import UTC, datetime, timedelta

import pytest

from payouts.models import Broker
from payouts.program import queries
from payouts.program.actions import CodeTaken, Imported, import_brokers
from payouts.program.broker_file import BrokerRow
from payouts.program.queries import Enrolment
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db
ENROLLED = datetime(2026, 8, 22, tzinfo=UTC)


def row(code: int = 1400, name: str = "A", account_id: str = "x", at: datetime = ENROLLED) -> BrokerRow:
    return BrokerRow(code, name, account_id, at, 2)


def test_a_row_twice_in_a_file_is_one_broker() -> None:
    assert import_brokers(rows=[row(), row(0), row()], now=NOW) == Imported(imported=2, unchanged=1)
    assert import_brokers(rows=[row(), row(0), row()], now=NOW) == Imported(imported=0, unchanged=3)
    assert import_brokers(rows=[], now=NOW) == Imported(imported=0, unchanged=0)


@pytest.mark.parametrize(
    "other",
    [row(name="a"), row(name="A "), row(account_id="X"), row(at=ENROLLED + timedelta(microseconds=1))],
)
def test_a_code_with_any_other_value_is_taken(other: BrokerRow) -> None:
    with pytest.raises(
        CodeTaken, match=r"^line 2: code 1400 is A, account x, enrolled 2026-08-22T00:00:00Z; "
    ):
        import_brokers(rows=[row(), row(7), other], now=NOW)
    assert not Broker.objects.exists()
    import_brokers(rows=[row()], now=NOW)
    with pytest.raises(CodeTaken):
        import_brokers(rows=[row(7), other], now=NOW)
    assert list(Broker.objects.values_list("code", flat=True)) == [1400]


def test_one_account_may_have_two_codes_and_one_name_too() -> None:
    assert import_brokers(rows=[row(1), row(2)], now=NOW) == Imported(imported=2, unchanged=0)


def test_enrolments_know_every_code_and_its_termination() -> None:
    import_brokers(rows=[row(2), row(1)], now=NOW)
    make.terminated(Broker.objects.get(code=2), NOW)

    assert sorted(queries.enrolments(), key=lambda each: each.code) == [
        Enrolment(1, ENROLLED, None),
        Enrolment(2, ENROLLED, NOW),
    ]
    assert [broker.code for broker in queries.brokers()] == [1, 2]
    assert queries.broker_with(3) is None
