"""The pack of a month for who signs for the money: every payout, totals, the ledger's own sums beside."""

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from payouts.money import plain, two_places
from payouts.monthend.models import Payout, Run
from payouts.monthend.snapshot import one_snapshot
from payouts.settlement.models import Attempt
from payouts.statements.sheet import text_cell
from portal.staff import month_page, month_rows
from portal.staff.month_page import Tie, Totals

COLUMNS = (
    "row",
    "month",
    "broker",
    "broker_name",
    "account",
    "tier",
    "volume",
    "fees",
    "payout",
    "corrections",
    "carried",
    "adjustments",
    "due",
    "withheld",
    "credited",
    "credited_at",
    "credit_number",
    "state",
    "held",
    "prepared_by",
    "approved_by",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One payout of the pack."""

    payout: Payout
    #: The confirmed credit; None where nothing was credited.
    credit: Attempt | None
    is_held: bool

    @property
    def credited_at(self) -> datetime | None:
        return None if self.credit is None else self.credit.decided_at


@dataclass(frozen=True, slots=True)
class Pack:
    run: Run
    entries: list[Entry]
    volume: Decimal
    fees: Decimal
    totals: Totals
    ties: list[Tie]
    balances: dict[str, Decimal]

    @property
    def is_tied(self) -> bool:
        return all(each.is_equal for each in self.ties)


@one_snapshot()
def pack_of(run: Run) -> Pack:
    """All payouts of a month by code, of one instant; the same number of queries however many they are."""
    rows = month_rows.rows_of(month_rows.payouts_of(run), login=None)
    return Pack(
        run=run,
        entries=[
            Entry(
                row.payout,
                row.attempt
                if row.attempt is not None and row.attempt.state == Attempt.State.CONFIRMED
                else None,
                bool(row.holds),
            )
            for row in rows
        ],
        volume=month_page.added(row.payout.volume for row in rows),
        fees=month_page.added(row.payout.fees for row in rows),
        totals=month_page.totals_of(run, rows),
        ties=month_page.ties_of(rows),
        balances=month_page.balances_of(rows),
    )


def as_csv(pack: Pack) -> bytes:
    """The pack as RFC 4180 in UTF-8: a row a payout, the totals, and what the ledger says of the same."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for each in pack.entries:
        writer.writerow(_cells(_payout_cells(each)))
    totals = pack.totals
    writer.writerow(
        _cells(
            {
                "row": "total",
                "month": str(pack.run),
                "volume": plain(pack.volume),
                "fees": plain(pack.fees),
                "payout": two_places(totals.payouts),
                "corrections": two_places(totals.corrections),
                "carried": two_places(totals.carried),
                "adjustments": two_places(totals.adjustments),
                "due": two_places(totals.due),
                "withheld": two_places(totals.withheld),
                "credited": two_places(totals.credited),
            }
        )
    )
    earned, corrected, credited = pack.ties
    writer.writerow(
        _cells(
            {
                "row": "ledger",
                "month": str(pack.run),
                "payout": two_places(earned.of_ledger),
                "corrections": two_places(corrected.of_ledger),
                "credited": two_places(credited.of_ledger),
                "state": "ties" if pack.is_tied else "DIFFERS",
            }
        )
    )
    return out.getvalue().encode()


def _payout_cells(each: Entry) -> dict[str, Any]:
    payout = each.payout
    return {
        "row": "payout",
        "month": str(payout.run),
        "broker": payout.broker_id,
        "broker_name": text_cell(payout.broker.name),
        "account": text_cell(payout.account_id if each.credit is None else each.credit.account_id),
        "tier": payout.tier,
        "volume": plain(payout.volume),
        "fees": plain(payout.fees),
        "payout": two_places(payout.payout),
        "corrections": two_places(payout.corrections),
        "carried": _cents(payout.carried),
        "adjustments": _cents(payout.adjustments),
        "due": _cents(payout.due),
        "withheld": two_places(payout.withheld),
        "credited": "" if each.credit is None else two_places(each.credit.amount),
        "credited_at": "" if each.credited_at is None else f"{each.credited_at:%Y-%m-%dT%H:%M:%SZ}",
        "credit_number": "" if each.credit is None else text_cell(each.credit.credit_id),
        "state": payout.state,
        "held": "held" if each.is_held else "",
        "prepared_by": "" if payout.prepared_by is None else text_cell(payout.prepared_by.email),
        "approved_by": "" if payout.approved_by is None else text_cell(payout.approved_by.email),
    }


def _cells(known: dict[str, Any]) -> list[Any]:
    return [known.get(column, "") for column in COLUMNS]


def _cents(amount: Decimal | None) -> str:
    return "" if amount is None else two_places(amount)
