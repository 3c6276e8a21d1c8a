"""The tables of explanations as CSV: every digit, one table a file, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header

from payouts.money import plain
from payouts.statements.sheet import text_cell
from portal.access import Seat
from portal.explain.levels import (
    CapsPage,
    DaysPage,
    FillsPage,
    LinesPage,
    MonthPage,
)
from portal.team import log

#: Rows of one file; of a longer table a part is opened first, or the statement has it.
MOST_ROWS = 20_000

Cell = str | int | Decimal | datetime | bool | None
_SUM = ("fills", "volume", "fees", "amount")


def of_month(page: MonthPage) -> Iterable[Sequence[Cell]]:
    """What the payout is the sum of, down to what is due: the amounts of the rows add up to the last one."""
    payout, amounts = page.opened.of.payout, page.opened.of.amounts
    yield (
        "row",
        "month",
        "tier",
        "market",
        "affiliate_rate",
        "applied_rate",
        "bound_by",
        "lines",
        *_SUM,
        "why",
    )
    month, tier = str(page.opened.month), payout.tier.name
    for each in page.groups:
        of = each.of
        yield (
            "lines", month, tier, of.market, of.affiliate_rate, of.applied_rate, of.bound_by, of.lines,
            of.fills, of.volume, of.fees, of.amount, each.arm.sentence,
        )  # fmt: skip
    lines = sum(each.of.lines for each in page.groups)
    sums = (lines, payout.fills, payout.volume, payout.fees)
    yield ("sum of the lines", month, tier, None, None, None, None, *sums, payout.amount, "exact")

    def below(row: str, of: str, amount: Decimal, why: str) -> Sequence[Cell]:
        return (row, of, tier, None, None, None, None, None, None, None, None, amount, why)

    yield below("rounding", month, page.rounding, "once, to the cent, half away from zero")
    yield below("payout", month, payout.payout, "")
    for correction in page.carried:
        yield below("correction", str(correction.month), correction.cents, "of an earlier month")
    if amounts is not None:
        yield below("adjustments", month, amounts.adjustments, "")
        yield below("balance", month, amounts.carried, "opening balance")
        yield below("due", month, amounts.due, "")


def of_lines(page: LinesPage) -> Iterable[Sequence[Cell]]:
    yield (
        "month", "trader", "market", "fee_rate", "affiliate_rate", "tier_rate", "applied_rate", "bound_by",
        *_SUM, "why",
    )  # fmt: skip
    tier = page.opened.of.tier
    for each in page.rows:
        yield (
            str(page.opened.month), each.trader, each.market, each.fee_rate, each.affiliate_rate, tier.rebate,
            each.applied_rate, each.bound_by, each.fills, each.volume, each.fees, each.amount,
            page.opened.arm(each.affiliate_rate).sentence,
        )  # fmt: skip


def of_days(page: DaysPage) -> Iterable[Sequence[Cell]]:
    yield ("day", *_SUM)
    for each in page.days:
        yield (each.date.isoformat(), each.fills, each.volume, each.fees, each.amount)


def of_fills(page: FillsPage) -> Iterable[Sequence[Cell]]:
    yield (
        "executed_at", "trader", "symbol", "market", "side", "is_maker", "trade_id", "order_id", "client_id",
        "price", "quantity", "volume", "fee", "fee_symbol", "fee_rate", "affiliate_rate", "applied_rate",
        "bound_by", "amount", "voided_at",
    )  # fmt: skip
    for each in page.rows:
        of = each.of
        yield (
            of.executed_at, each.trader, of.symbol, of.market, of.side, of.is_maker, of.trade_id,
            of.order_id, of.client_id, of.price, of.quantity, of.volume, of.fee, of.fee_symbol, of.fee_rate,
            of.affiliate_rate, each.arm.applied_rate, each.arm.bound_by, each.amount, of.voided_at,
        )  # fmt: skip


def of_caps(page: CapsPage) -> Iterable[Sequence[Cell]]:
    """A row for each affiliate rate and tier, and one for each tier's total."""
    yield (
        "month", "affiliate_rate", "tier", "rebate", "applied_rate", "bound_by", "pays_this_month", "fills",
        "volume", "fees", "amount", "cost_of_cap",
    )  # fmt: skip
    cost, month = page.cost, str(page.opened.month)
    for row in cost.rows:
        for each in row.by_tier:
            yield (
                month, row.affiliate_rate, each.tier.name, each.tier.rebate, each.arm.applied_rate,
                each.arm.bound_by, each.tier == cost.tier, row.fills, row.volume, row.fees, each.amount,
                each.cost,
            )  # fmt: skip
    fills = sum(row.fills for row in cost.rows)
    for total in cost.by_tier:
        yield (
            month, "all", total.tier.name, total.tier.rebate, None, None, total.tier == cost.tier, fills,
            cost.volume, cost.fees, total.amount, total.cost,
        )  # fmt: skip


def answer(request: HttpRequest, seat: Seat, *, name: str, rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """A table as a file that a browser saves; who takes it is in the team's activity."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        write.writerow([_cell(each) for each in row])
    if request.method == "GET" and seat.look is None:
        log.downloaded(broker_code=seat.code, file_name=name, by=request.user, now=timezone.now())
    headers = {
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store, private",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return HttpResponse(text.getvalue().encode(), content_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Cell) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return text_cell(value) if isinstance(value, str) else value
