"""What an approved month would come to by now, as the correction that the next statement carries. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from payouts.money import EXACT, ZERO, to_cents
from payouts.month import Month
from payouts.monthend import calculation, formula
from payouts.monthend.calculation import Group
from payouts.program.terms import Market, Terms
from payouts.program.tiers import Tier

Kind = Literal["late volume", "voided fills", "tier repricing", "suspended days", "rounding"]


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """One exact line of a correction; dollars. What does not apply is None."""

    kind: Kind
    trader: int | None
    market: Market | None
    fee_rate: Decimal | None
    affiliate_rate: Decimal | None
    #: By how much the month's fills and volume change; nothing for a repricing, a suspension or a rounding.
    fills: int
    volume: Decimal
    #: Of a repricing all of the month's fees that have the affiliate rate.
    fees: Decimal
    #: The applied rate, or by how much it changed.
    rate: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Correction:
    """What is booked for a month in addition. Its lines sum to its cents."""

    month: Month
    tier_before: str
    tier_after: str
    #: Exact dollars: its lines but the rounding.
    amount: Decimal
    cents: Decimal
    #: Exact dollars of the month's suspended days that stay unpaid after it.
    suspended: Decimal
    lines: tuple[CorrectionLine, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A number of fills, their volume and the fees paid for them, in dollars."""

    fills: int
    volume: Decimal
    fees: Decimal

    def __bool__(self) -> bool:
        return bool(self.fills or self.volume or self.fees)


@dataclass(frozen=True, slots=True)
class Change:
    """What came late, and what was voided since, of one line of a month. Neither is negative."""

    trader: int
    market: Market
    fee_rate: Decimal
    affiliate_rate: Decimal
    late: Part
    voided: Part


@dataclass(frozen=True, slots=True)
class Booked:
    """A month as it was approved and corrected until now."""

    tier: Tier
    #: Accrual and corrections less what a release withheld; cents.
    cents: Decimal
    #: Exact dollars of suspended days that were left unpaid.
    suspended: Decimal


def correction(
    *,
    month: Month,
    terms: Terms,
    booked: Booked,
    changes: Sequence[Change],
    groups: Sequence[Group],
    preceding_volume: Decimal,
    unpaid: Sequence[Group] = (),
) -> Correction | None:
    """What to book so that Σ booked for the month = round(its truth); None if it is booked already.

    `groups` are all of the month's fills by now, `unpaid` those of suspended days that a release left out.
    Late and voided fills count at the tier that was booked, and then the whole month moves to the tier that
    it has by now, at the month's own terms.
    """
    truth = calculation.payout(terms=terms, groups=groups, preceding_volume=preceding_volume)
    before, after = _Rates(terms, booked.tier), _Rates(terms, truth.tier)
    suspended = _sum(
        formula.amount(fees=each.fees, applied_rate=after(each.affiliate_rate)) for each in unpaid
    )
    cents = EXACT.subtract(to_cents(EXACT.subtract(truth.amount, suspended)), booked.cents)
    lines = [
        *_moved(changes, before),
        *_repriced(groups, before, after),
        *_left_unpaid(EXACT.subtract(booked.suspended, suspended)),
    ]
    if not lines and not cents and booked.tier == truth.tier:
        return None
    amount = _sum(line.amount for line in lines)
    rounding = EXACT.subtract(cents, amount)
    if rounding:
        lines.append(_plain("rounding", rounding))
    return Correction(
        month=month,
        tier_before=booked.tier.name,
        tier_after=truth.tier.name,
        amount=amount,
        cents=cents,
        suspended=suspended,
        lines=tuple(lines),
    )


class _Rates:
    """The applied rate of each affiliate rate at one tier."""

    def __init__(self, terms: Terms, tier: Tier) -> None:
        self._rebate, self._cap = tier.rebate, terms.rebate_cap

    def __call__(self, affiliate_rate: Decimal) -> Decimal:
        return formula.applied_rate(rebate=self._rebate, affiliate_rate=affiliate_rate, cap=self._cap)


def _moved(changes: Iterable[Change], rate_of: _Rates) -> Iterator[CorrectionLine]:
    parts: list[tuple[Kind, Callable[[Change], Part]]] = [
        ("late volume", lambda change: change.late),
        ("voided fills", lambda change: _negative(change.voided)),
    ]
    ordered = sorted(changes, key=lambda each: (each.trader, each.market, each.fee_rate, each.affiliate_rate))
    for kind, part_of in parts:
        for change in ordered:
            part = part_of(change)
            if not part:
                continue
            rate = rate_of(change.affiliate_rate)
            yield CorrectionLine(
                kind=kind,
                trader=change.trader,
                market=change.market,
                fee_rate=change.fee_rate,
                affiliate_rate=change.affiliate_rate,
                fills=part.fills,
                volume=part.volume,
                fees=part.fees,
                rate=rate,
                amount=formula.amount(fees=part.fees, applied_rate=rate),
            )


def _repriced(groups: Iterable[Group], before: _Rates, after: _Rates) -> Iterator[CorrectionLine]:
    for group in sorted(groups, key=lambda each: (each.market, each.affiliate_rate)):
        rate = EXACT.subtract(after(group.affiliate_rate), before(group.affiliate_rate))
        if not rate or not group.fees:
            continue
        yield CorrectionLine(
            kind="tier repricing",
            trader=None,
            market=group.market,
            fee_rate=None,
            affiliate_rate=group.affiliate_rate,
            fills=0,
            volume=ZERO,
            fees=group.fees,
            rate=rate,
            amount=formula.amount(fees=group.fees, applied_rate=rate),
        )


def _left_unpaid(amount: Decimal) -> Iterator[CorrectionLine]:
    if amount:
        yield _plain("suspended days", amount)


def _plain(kind: Kind, amount: Decimal) -> CorrectionLine:
    return CorrectionLine(kind, None, None, None, None, 0, ZERO, ZERO, None, amount)


def _negative(part: Part) -> Part:
    return Part(-part.fills, EXACT.minus(part.volume), EXACT.minus(part.fees))


def _sum(numbers: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for number in numbers:
        total = EXACT.add(total, number)
    return total
