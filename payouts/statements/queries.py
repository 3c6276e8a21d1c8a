"""Reads of statements: a draft from the run, or from the totals while the month has none."""

from dataclasses import dataclass, replace

from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.snapshot import one_snapshot
from payouts.program import queries as program
from payouts.refusal import Refusal
from payouts.statements import document, pseudonym, sheet
from payouts.statements.document import Document


class UnknownBroker(Refusal):
    """No broker has this code."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A broker's month as a document: a draft, or as it was approved."""

    month: Month
    broker_name: str
    document: Document

    @property
    def file_name(self) -> str:
        name = f"backpack-broker-{self.document['broker']}-{self.month}"
        return f"{name}-draft" if self.document["status"] == "draft" else name

    def with_pseudonyms(self, key: bytes) -> "Draft":
        """As the broker may see it: the exchange's own numbers of traders stay with the exchange."""
        broker = self.document["broker"]
        lines = [
            line | {"trader": pseudonym.of(trader=line["trader"], broker=broker, key=key)}
            for line in self.document["lines"]
        ]
        return replace(self, document=self.document | {"lines": lines})

    def as_json(self) -> bytes:
        return document.as_json(self.document)

    def as_csv(self) -> bytes:
        return sheet.as_csv(self.document, month=self.month, broker_name=self.broker_name)


def draft(*, broker_code: int, month: Month) -> Draft:
    """The draft of a broker's month, its totals and lines of one instant. Refuses `UnknownBroker`."""
    with one_snapshot():
        broker = program.broker_with(broker_code)
        if broker is None:
            raise UnknownBroker(f"no broker has the code {broker_code}")
        calculated = monthend.calculated(month=month, broker_code=broker_code)
        if calculated:
            of = calculated[0]
            lines = monthend.calculated_lines(of)
        else:
            of = monthend.month_so_far(broker_code=broker_code, month=month)
            lines = iter(monthend.lines_as_they_stand(of))
        if of.is_approved and of.amounts is not None:
            made = document.approved(broker=broker_code, payout=of.payout, lines=lines, amounts=of.amounts)
        else:
            made = document.draft(broker=broker_code, payout=of.payout, lines=lines)
        return Draft(month=month, broker_name=broker.name, document=made)
