"""Reads of statements: as issued, and beside them what has happened since."""

from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from payouts.models import Broker, Face, SigningKey
from payouts.statements import faces, queries
from payouts.statements.queries import Issued, Known
from tests import make
from tests.payouts.desk.money_acts import LATER, NOON, OCTOBER
from tests.payouts.settlement.scene import on_stage
from tests.payouts.statements import issuing
from tests.payouts.statements.issuing import SEPTEMBER

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Broker:
    return make.broker(account_id="BP-901400")


def test_a_statement_is_told_as_it_was_issued(broker: Broker) -> None:
    row = issuing.october(broker)

    assert queries.issued_of(broker_code=1400, month=OCTOBER) == Issued(
        id=row.pk,
        broker=1400,
        number=1,
        month=OCTOBER,
        digest=row.digest,
        key_id=SigningKey.objects.get().key_id,
        due=Decimal("900.00"),
        issued_at=NOON,
        lines=3,
        faces={"json": faces.StoredFace(Face.objects.get().pk, row.pk, "json", *_sha256_and_size())},
        state="approved",
        withheld=Decimal("0.00"),
        corrected_by=(),
        credited_at=None,
    )
    assert queries.issued(broker_code=1400) == [queries.issued_of(broker_code=1400, month=OCTOBER)]


def _sha256_and_size() -> tuple[str, int]:
    face = Face.objects.get()
    return face.sha256, face.size


def test_its_files_are_told_as_they_are_made(broker: Broker) -> None:
    row = issuing.october(broker)
    made = faces.ensure(statement_id=row.pk, kind="csv", now=LATER)

    [told] = queries.issued(broker_code=1400)

    assert {kind: each.kind for kind, each in told.faces.items()} == {"json": "json", "csv": "csv"}
    assert told.faces["csv"] == made
    assert told.file_name == "backpack-broker-1400-2026-10-statement-1"


def test_the_newest_comes_first_and_says_nothing_of_other_brokers(broker: Broker) -> None:
    issuing.corrected(broker)
    issuing.october(make.broker(code=1500))

    assert [(each.number, each.month) for each in queries.issued(broker_code=1400)] == [
        (2, OCTOBER),
        (1, SEPTEMBER),
    ]
    assert [each.number for each in queries.issued(broker_code=1500)] == [1]


def test_a_statement_says_which_later_ones_correct_its_month(broker: Broker) -> None:
    issuing.corrected(broker)

    assert {each.number: each.corrected_by for each in queries.issued(broker_code=1400)} == {1: (2,), 2: ()}


def test_a_correction_that_nobody_has_approved_corrects_nothing_yet(broker: Broker) -> None:
    issuing.october(broker, month=SEPTEMBER)
    make.fills(make.record(price="50", timestamp="2026-09-20T12:00:00Z"))
    issuing.money_acts.calculated(broker)

    assert [each.corrected_by for each in queries.issued(broker_code=1400)] == [()]


def test_when_it_was_credited_is_told_once_it_is(broker: Broker) -> None:
    row = issuing.october(broker)
    with on_stage() as scene:
        scene.clock.to(LATER)
        scene.send()

    [told] = queries.issued(broker_code=1400)

    assert (told.state, told.credited_at, told.due) == ("credited", LATER, row.due)


def test_before_its_payout_is_approved_there_is_none(broker: Broker) -> None:
    make.fills(make.record())
    issuing.money_acts.calculated(broker)

    assert queries.issued_of(broker_code=1400, month=OCTOBER) is None
    assert queries.issued(broker_code=1400) == []


def test_queries_do_not_grow_with_the_statements(
    broker: Broker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    issuing.october(broker, month=SEPTEMBER)
    with django_assert_num_queries(4):
        queries.issued(broker_code=1400)
    issuing.october(broker)

    with django_assert_num_queries(4):
        assert len(queries.issued(broker_code=1400)) == 2
    with django_assert_num_queries(4):
        queries.issued_of(broker_code=1400, month=SEPTEMBER)


def test_a_digest_and_every_file_are_known_in_either_case(broker: Broker) -> None:
    row = issuing.october(broker)
    issuing.all_bytes_of(row)
    hashes = list(Face.objects.values_list("sha256", flat=True))

    assert len({row.digest, *hashes}) == 4
    for each in (row.digest, *hashes):
        assert queries.known(each) == queries.known(each.upper()) == Known(corrected_by=())


def test_what_is_known_says_by_which_numbers_it_was_corrected(broker: Broker) -> None:
    first, second = issuing.corrected(broker)

    assert queries.known(first.digest) == Known(corrected_by=(2,))
    assert queries.known(Face.objects.get(statement=first).sha256) == Known(corrected_by=(2,))
    assert queries.known(second.digest) == Known(corrected_by=())


@pytest.mark.parametrize(
    "text",
    ["0" * 64, "", "0" * 63, "0" * 65, "g" * 64, " " + "0" * 63, "0" * 64 + "\n", "０" * 64, "0\x00" * 32],
    ids=["another", "nothing", "short", "long", "no digits", "a space", "a line end", "wide", "NUL"],
)
def test_anything_else_is_not_known(broker: Broker, text: str) -> None:
    issuing.october(broker)

    assert queries.known(text) is None


def test_what_is_known_takes_two_queries_and_nonsense_none(
    broker: Broker, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    row = issuing.october(broker)

    with django_assert_num_queries(2):
        queries.known(row.digest)
    with django_assert_num_queries(1):
        queries.known("0" * 64)
    with django_assert_num_queries(0):
        queries.known("nonsense")
