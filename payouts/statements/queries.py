"""Reads of statements: as they were issued, or a draft from the run or from the totals as they stand."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import QuerySet

from payouts.ledger.models import Transaction
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.models import Correction, Payout
from payouts.monthend.snapshot import one_snapshot
from payouts.program import queries as program
from payouts.refusal import Refusal
from payouts.statements import building, document, sheet
from payouts.statements.document import Document
from payouts.statements.faces import StoredFace, stored_of
from payouts.statements.models import Face, Statement
from payouts.statements.pdf import pdf

_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class UnknownBroker(Refusal):
    """No broker has this code."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement as it was issued, and beside it what has happened since. Dollars in whole cents."""

    id: int
    broker: int
    number: int
    month: Month
    #: SHA-256 of its document, and which key signed it.
    digest: str
    key_id: str
    due: Decimal
    issued_at: datetime
    #: How many lines it has.
    lines: int
    #: Its files that are made, by kind: `json` always, `csv` and `pdf` seconds after it was issued.
    faces: dict[str, StoredFace]
    #: The state of its payout now, and the cents of it that a release withheld.
    state: str
    withheld: Decimal
    #: The numbers of later statements that carry a correction of its month.
    corrected_by: tuple[int, ...]
    #: When the payout was credited; None until then.
    credited_at: datetime | None

    @property
    def file_name(self) -> str:
        """Without the kind."""
        return f"backpack-broker-{self.broker}-{self.month}-statement-{self.number}"


@dataclass(frozen=True, slots=True)
class Known:
    """Of a digest that is ours: nothing but whether later statements corrected the month."""

    corrected_by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A broker's month as it stands, as a document: with its lines, without number and signature."""

    month: Month
    broker_name: str
    document: Document

    @property
    def file_name(self) -> str:
        return f"backpack-broker-{self.document['broker']}-{self.month}-draft"

    def as_json(self) -> bytes:
        return document.as_json(self.document)

    def as_csv(self) -> bytes:
        return b"".join(sheet.rows(self.document, self.document["lines"]))

    def as_pdf(self) -> bytes:
        """It says on every page that it is a draft."""
        without_lines = {name: value for name, value in self.document.items() if name != "lines"}
        return pdf(without_lines, self.document["lines"])


def draft(*, broker_code: int, month: Month, with_pseudonyms: bool = False) -> Draft:
    """The draft of a broker's month, its totals and lines of one instant. Refuses `UnknownBroker`.

    Traders bear the exchange's own numbers, as in the feed contract; with pseudonyms it is as the broker may
    see it.
    """
    with one_snapshot():
        broker = program.broker_with(broker_code)
        if broker is None:
            raise UnknownBroker(f"no broker has the code {broker_code}")
        calculated = monthend.calculated(month=month, broker_code=broker_code)
        of = calculated[0] if calculated else monthend.month_so_far(broker_code=broker_code, month=month)
        lines = list(monthend.calculated_lines(of)) if calculated else monthend.lines_as_they_stand(of)
        payout = Payout.objects.filter(run__month=month.first_date, broker=broker).first()
        made = document.without_lines(
            building.brokers_month(of, broker, payout=payout),
            document.subtotals(lines),
            named=building.Names(broker_code).of if with_pseudonyms else int,
        )
        made["lines"] = (
            building.under_pseudonyms(of, lines)
            if with_pseudonyms
            else [document.line(one, tier_rate=of.tier.rebate, trader=one.trader) for one in lines]
        )
        return Draft(month=month, broker_name=broker.name, document=made)


def issued(*, broker_code: int) -> list[Issued]:
    """A broker's statements, newest first. Four queries, however many there are."""
    return _issued(Statement.objects.filter(broker=broker_code), broker_code)


def issued_of(*, broker_code: int, month: Month) -> Issued | None:
    """A broker's statement of a month; None before its payout is approved. Four queries."""
    rows = Statement.objects.filter(broker=broker_code, month=month.first_date)
    return next(iter(_issued(rows, broker_code)), None)


def known(digest_or_sha256: str) -> Known | None:
    """Whether 64 hexadecimal digits are the digest of a statement or the SHA-256 of one of its files.

    None of anything else. It says nothing of whose it is. Two queries, one of what is not known.
    """
    if not _DIGEST.fullmatch(digest_or_sha256):
        return None
    wanted = digest_or_sha256.lower()
    by_digest = Statement.objects.filter(digest=wanted).values_list("broker", "number", "month")
    by_file = Face.objects.filter(sha256=wanted).values_list(
        "statement__broker", "statement__number", "statement__month"
    )
    found = list(by_digest.union(by_file, all=True)[:1])
    if not found:
        return None
    [(broker_code, number, month)] = found
    return Known(_later(_corrections(broker_code)[month], number))


def _issued(of: QuerySet[Statement], broker_code: int) -> list[Issued]:
    rows = list(of.select_related("payout").order_by("-number"))
    faces = stored_of(each.pk for each in rows)
    corrections = _corrections(broker_code)
    credited = dict(
        Transaction.objects.filter(
            broker=broker_code, kind=Transaction.Kind.CREDIT, reversed_by__isnull=True
        ).values_list("reference", "at")
    )
    return [
        Issued(
            id=each.pk,
            broker=each.broker_id,
            number=each.number,
            month=Month.of_date(each.month),
            digest=each.digest,
            key_id=each.key_id,
            due=each.due,
            issued_at=each.issued_at,
            lines=each.lines,
            faces=faces.get(each.pk, {}),
            state=each.payout.state,
            withheld=each.payout.withheld,
            corrected_by=_later(corrections[each.month], each.number),
            credited_at=credited.get(f"payout:{each.payout_id}"),
        )
        for each in rows
    ]


def _corrections(broker_code: int) -> dict[date, list[int]]:
    """Each corrected month → the numbers of the statements that carry a correction of it."""
    found: dict[date, list[int]] = defaultdict(list)
    rows = Correction.objects.filter(payout__broker=broker_code, payout__statement__isnull=False)
    for month, number in rows.values_list("month", "payout__statement__number"):
        found[month].append(number)
    return found


def _later(numbers: Iterable[int], than: int) -> tuple[int, ...]:
    return tuple(sorted(number for number in numbers if number > than))
