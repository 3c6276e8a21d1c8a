"""Reads of statements: as they were issued, or a draft from the run or from the totals as they stand."""

from dataclasses import dataclass

from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.models import Payout
from payouts.monthend.snapshot import one_snapshot
from payouts.program import queries as program
from payouts.refusal import Refusal
from payouts.statements import building, document, sheet
from payouts.statements.document import Document


class UnknownBroker(Refusal):
    """No broker has this code."""


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
        return sheet.as_csv(self.document, month=self.month, broker_name=self.broker_name)


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
