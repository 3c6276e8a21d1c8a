"""A month's statement as its page shows it: the stored document of an issued one, else the draft."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from payouts.desk import hold
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.models import Payout
from payouts.monthend.snapshot import one_snapshot
from payouts.program import queries as program
from payouts.statements import building, document, faces
from payouts.statements import queries as engine
from payouts.statements.document import Document
from payouts.statements.queries import Issued
from portal.statements import lengths
from portal.statements.queries import FileOf, files_of
from portal.statements.reading import readable
from portal.statements.since import Since, since

#: Lines on the page; the CSV has all.
LINES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of a month says."""

    month: Month
    as_of: datetime
    #: As it is written, with figures to format; without its lines.
    document: Document
    #: The first of its lines; none of a draft that is too long to be gathered for a page.
    lines: list[Document]
    #: How many it has.
    lines_in_all: int
    #: None of a draft.
    issued: Issued | None
    since: Since | None
    #: Of a draft: the state of its payout, "" of the month in progress; and what holds it.
    state: str
    held: str
    files: tuple[FileOf, ...]
    #: The statements before and after this one.
    previous: Issued | None
    following: Issued | None

    @property
    def signature(self) -> Any:
        return self.document.get("signature")


def shown(*, broker_code: int, month: Month, now: datetime) -> Shown:
    """The statement of a month that has begun. The same number of queries for any number of lines."""
    every = engine.issued(broker_code=broker_code)
    issued = next((each for each in every if each.month == month), None)
    return _issued(issued, every, now) if issued is not None else _draft(broker_code, month, now)


def _issued(of: Issued, every: list[Issued], now: datetime) -> Shown:
    numbers = {each.number: each for each in every}
    return Shown(
        month=of.month,
        as_of=now,
        document=readable(faces.document_of(of.id)),
        lines=[readable(each) for each in islice(faces.lines_of(of.id), LINES_SHOWN)],
        lines_in_all=of.lines,
        issued=of,
        since=since(of, every),
        state=of.state,
        held="",
        files=files_of(of, of.lines),
        previous=numbers.get(of.number - 1),
        following=numbers.get(of.number + 1),
    )


def _draft(broker_code: int, month: Month, now: datetime) -> Shown:
    with one_snapshot():
        lines_in_all = lengths.of_month(broker_code, month)
        made = (
            _without_lines(broker_code, month)
            if lines_in_all > lengths.LONG
            else engine.draft(broker_code=broker_code, month=month, with_pseudonyms=True).document
        )
        held = hold.held_months(broker_code).get(month, "")
        calculated = monthend.calculated(month=month, broker_code=broker_code)
    lines = made.pop("lines")
    return Shown(
        month=month,
        as_of=now,
        document=readable(made),
        lines=[readable(each) for each in lines[:LINES_SHOWN]],
        lines_in_all=lines_in_all,
        issued=None,
        since=None,
        state=calculated[0].state if calculated else "",
        held=held,
        files=files_of(None, lines_in_all),
        previous=None,
        following=None,
    )


def _without_lines(broker_code: int, month: Month) -> Document:
    """The totals of a long draft: they come from the sums, its lines stay in the database."""
    broker = program.broker_with(broker_code)
    if broker is None:
        raise engine.UnknownBroker(f"No broker has the code {broker_code}: check the code.")
    calculated = monthend.calculated(month=month, broker_code=broker_code)
    of = calculated[0] if calculated else monthend.month_so_far(broker_code=broker_code, month=month)
    named = building.Names(broker_code).of
    payout = Payout.objects.filter(run__month=month.first_date, broker=broker_code).first()
    made = document.without_lines(building.brokers_month(of, broker, payout=payout), [], named=named)
    return made | {"lines": []}
