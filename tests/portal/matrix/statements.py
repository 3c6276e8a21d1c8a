"""Statements in the world of the matrix: issued for each broker, and files that members asked for."""

from payouts.desk import approve, prepare, review
from payouts.models import Payout, PayoutBound, Statement
from payouts.statements import faces
from portal.models import Export
from portal.statements import asking, making
from tests import make
from tests.portal.matrix.desk import BEFORE, BROKER, SUSPENDED, TERMINATED, code_of
from tests.portal.matrix.world import World

#: Who asked for the file in each broker's addresses: of `BROKER` a viewer, so that it is another's to most.
ASKED_BY = {BROKER: "view", SUSPENDED: "susp", TERMINATED: "term"}
#: What a button of the page of statements sends: the month as it stands, which needs no statement.
DRAFT = {"kind": "draft", "of": "2026-11", "file_format": "csv"}


def statement(visitor: str) -> Statement:
    """The statement of October of the broker in a visitor's addresses."""
    return Statement.objects.get(broker=code_of(visitor))


def export(visitor: str) -> Export:
    """The file that was asked for of the broker in a visitor's addresses."""
    return Export.objects.get(broker=code_of(visitor))


# -- in which state it is before it is asked --------------------------------------------------------


def issued(world: World) -> None:
    """October of the three brokers is approved by two people; the files of its statements are made."""
    payouts = list(Payout.objects.filter(broker__in=ASKED_BY))
    assert len(payouts) == len(ASKED_BY)
    numbers, first, second = [each.pk for each in payouts], world.desk.first, world.logins["strng"].pk
    for each in PayoutBound.objects.filter(payout__in=numbers):
        review.acknowledge(
            payout_id=each.payout_id, name=each.name, value=each.value, note="Seen.", by=first, now=BEFORE
        )
    prepare.prepare(payout_ids=numbers, by=first, now=BEFORE)
    approve.approve(payout_ids=numbers, shown=approve.shown(numbers), by=second, now=BEFORE)
    for made in Statement.objects.all():
        for kind in ("csv", "pdf"):
            faces.ensure(statement_id=made.pk, kind=kind, now=BEFORE)


def due(world: World) -> None:
    """Somebody of each broker has asked for a file; nobody has begun it."""
    for code, visitor in ASKED_BY.items():
        asking.ask(broker_code=code, by=world.logins[visitor], now=make.NOW, **DRAFT)


def ready(world: World) -> None:
    """The same, and it is made."""
    due(world)
    making.make_due(clock=lambda: make.NOW)
