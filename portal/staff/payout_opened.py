"""Fills behind a figure of a payout: those of one of its lines, or of what is unusual about it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _

from payouts.money import plain
from payouts.monthend import drill
from payouts.monthend.drill import FillRow
from payouts.monthend.models import Line, Payout, PayoutBound

FILLS_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class Opened:
    #: What was asked for, as labels and values.
    said: list[tuple[str, str]]
    fills: list[FillRow]
    #: The addresses of the pages before and after; empty where there is none.
    before: str = ""
    after: str = ""


def of_line(line: Line) -> str:
    """The address that opens the fills of a line."""
    return _address(
        line.payout_id,
        {
            "trader": line.trader,
            "market": line.market,
            "fee_rate": plain(line.fee_rate),
            "affiliate_rate": plain(line.affiliate_rate),
        },
    )


def behind(bound: PayoutBound) -> str:
    """The address that opens what a bound is about."""
    return _address(bound.payout_id, {"bound": bound.name})


def opened(payout: Payout, asked: dict[str, str]) -> Opened:
    """What the query of an address asks for. A 404 for a line or bound that the payout does not have."""
    if "bound" in asked:
        bound = PayoutBound.objects.filter(payout=payout, name=asked["bound"].replace("\0", "")).first()
        if bound is None:
            raise Http404(_("Nothing of that name is unusual about this payout."))
        found = drill.fills_behind(payout_id=payout.pk, bound_name=bound.name, limit=FILLS_A_PAGE)
        return Opened([(bound.name, bound.value), (_("usual"), bound.limit)], found)
    line = _line(payout, asked)
    page = int(asked["page"]) if asked.get("page", "").isdigit() and len(asked["page"]) < 7 else 1
    offset = (max(page, 1) - 1) * FILLS_A_PAGE
    fills = drill.fills_of_line(
        payout_id=payout.pk,
        trader=line.trader,
        market=line.market,
        fee_rate=line.fee_rate,
        affiliate_rate=line.affiliate_rate,
        limit=FILLS_A_PAGE + 1,
        offset=offset,
    )
    here = of_line(line)
    return Opened(
        [
            (_("trader"), str(line.trader)),
            (_("market"), str(line.get_market_display())),
            (_("fee rate"), asked["fee_rate"]),
            (_("affiliate rate"), asked["affiliate_rate"]),
            (_("fills in all"), f"{line.fills:,}"),
        ],
        fills[:FILLS_A_PAGE],
        before=f"{here}&page={page - 1}" if page > 1 else "",
        after=f"{here}&page={page + 1}" if len(fills) > FILLS_A_PAGE else "",
    )


def _line(payout: Payout, asked: dict[str, str]) -> Line:
    wanted = {name: asked.get(name, "") for name in ("trader", "market", "fee_rate", "affiliate_rate")}
    found = None
    if wanted["trader"].isascii() and wanted["trader"].isdigit() and len(wanted["trader"]) < 19:
        rows = Line.objects.filter(payout=payout, trader=int(wanted["trader"]))
        rates = (wanted["fee_rate"], wanted["affiliate_rate"])
        found = next(
            (
                row
                for row in rows
                if row.market == wanted["market"]
                and (plain(row.fee_rate), plain(row.affiliate_rate)) == rates
            ),
            None,
        )
    if found is None:
        raise Http404(_("The payout has no such line."))
    return found


def _address(payout_id: int, asked: dict[str, Any]) -> str:
    return f"{reverse('admin:payout_fills', args=[payout_id])}?{urlencode(asked)}"
