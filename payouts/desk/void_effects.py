"""What voiding fills would do to a broker's months: volume, tier and payout, now and after."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from django.db.models import Sum

from payouts.desk.void_selection import Selected
from payouts.feed.models import TotalByRate
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Group
from payouts.monthend.models import Payout
from payouts.program.terms import Market, Terms, entry_named, terms_for

_Key = tuple[Market, Decimal]
_Groups = dict[_Key, Group]


@dataclass(frozen=True, slots=True)
class MonthEffect:
    """A month as its totals stand, and as they would stand without the fills; dollars."""

    month: Month
    volume_now: Decimal
    volume_after: Decimal
    tier_now: str
    tier_after: str
    #: What the month is worth, rounded to the cent.
    payout_now: Decimal
    payout_after: Decimal
    #: Then the difference is a correction on the next statement; otherwise it is calculated again.
    is_approved: bool


def of(*, broker_code: int, fills: Sequence[Selected]) -> list[MonthEffect]:
    """The months that the fills lie in, oldest first, and those whose tier the volume of these decides."""
    gone: dict[Month, list[Selected]] = defaultdict(list)
    for each in fills:
        gone[each.month].append(each)
    touched = set(gone) | {month.next() for month in gone if _follows(broker_code, month)}
    return [_effect(broker_code, month, gone) for month in sorted(touched)]


def is_approved(*, broker_code: int, month: Month) -> bool:
    """Whether the broker's payout of a month is approved."""
    return Payout.objects.filter(
        broker=broker_code, run__month=month.first_date, approved_at__isnull=False
    ).exists()


def _follows(broker_code: int, month: Month) -> bool:
    """Whether the next month has fills and is paid by the volume of this one."""
    after = month.next()
    return (
        _terms(broker_code, after).tier_basis == "preceding_month"
        and TotalByRate.objects.filter(broker_code=broker_code, month=after.first_date).exists()
    )


def _terms(broker_code: int, month: Month) -> Terms:
    """Those that the month was calculated with, if it is approved; else those in force."""
    approved = Payout.objects.filter(
        broker=broker_code, run__month=month.first_date, approved_at__isnull=False
    )
    used = approved.values_list("terms", flat=True).first()
    return terms_for(month) if used is None else entry_named(used)


def _effect(broker_code: int, month: Month, gone: dict[Month, list[Selected]]) -> MonthEffect:
    terms = _terms(broker_code, month)
    standing = _groups(broker_code, month)
    before: _Groups = {}
    if terms.tier_basis == "preceding_month" and month != Month(1, 1):
        before = _groups(broker_code, month.previous())
    now = calculation.payout(
        terms=terms, groups=list(standing.values()), preceding_volume=_volume(before.values())
    )
    left = _without(standing, gone.get(month, []))
    left_before = _without(before, gone.get(month.previous(), []) if before else [])
    after = calculation.payout(
        terms=terms, groups=list(left.values()), preceding_volume=_volume(left_before.values())
    )
    return MonthEffect(
        month=month,
        volume_now=now.volume,
        volume_after=after.volume,
        tier_now=now.tier.name,
        tier_after=after.tier.name,
        payout_now=now.payout,
        payout_after=after.payout,
        is_approved=is_approved(broker_code=broker_code, month=month),
    )


def _groups(broker_code: int, month: Month) -> _Groups:
    rows = (
        TotalByRate.objects.filter(broker_code=broker_code, month=month.first_date)
        .values("market", "affiliate_rate")
        .annotate(all_fills=Sum("fills"), all_volume=Sum("volume"), all_fees=Sum("fees"))
        .values_list("market", "affiliate_rate", "all_fills", "all_volume", "all_fees")
    )
    return {
        (cast("Market", market), rate): Group(cast("Market", market), rate, fills, volume, fees)
        for market, rate, fills, volume, fees in rows
    }


def _without(groups: _Groups, fills: Iterable[Selected]) -> _Groups:
    left = dict(groups)
    for each in fills:
        was = left[each.market, each.affiliate_rate]
        left[each.market, each.affiliate_rate] = Group(
            was.market,
            was.affiliate_rate,
            was.fills - 1,
            EXACT.subtract(was.volume, each.volume),
            EXACT.subtract(was.fees, max(each.fee, ZERO)),
        )
    return left


def _volume(groups: Iterable[Group]) -> Decimal:
    total = ZERO
    for group in groups:
        total = EXACT.add(total, group.volume)
    return total
