"""Whatever months, as the real rules make statements of them: calculated, corrected, written and signed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from hypothesis import strategies as some

from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.monthend import calculation, corrections
from payouts.monthend.calculation import Group, RateTotal
from payouts.monthend.corrections import Booked, Change, Correction, Part
from payouts.monthend.queries import BrokerMonth
from payouts.program.terms import Terms, terms_for
from payouts.statements import building, document, signature
from payouts.statements.document import Adjusted, Approval, BrokersMonth
from tests.payouts.statements.documents import SECRET

NOTHING = Part(0, ZERO, ZERO)


@dataclass(frozen=True)
class Made:
    """A document without its lines but with its signature, its lines in canonical text, and its bytes."""

    document: dict[str, Any]
    lines: list[str]
    content: bytes


def made(
    *,
    month: Month,
    terms: Terms,
    totals: Sequence[RateTotal],
    preceding_volume: Decimal,
    corrected: Sequence[Correction],
    approval: Approval,
    name: str = "Broker 1400",
    account_id: str = "acct-1400",
) -> Made:
    """A statement, all the way through the code that issues them but for the database."""
    groups = [Group(each.market, each.affiliate_rate, each.fills, each.volume, each.fees) for each in totals]
    payout = calculation.payout(terms=terms, groups=groups, preceding_volume=preceding_volume)
    calculated = calculation.lines(terms=terms, tier=payout.tier, totals=totals)
    of = BrokerMonth(1400, account_id, month, terms, payout, calculated_at=approval.prepared_at)
    due = approval.due
    for amount in (payout.payout, *(each.cents for each in corrected)):
        due = EXACT.add(due, amount)
    without_lines = document.without_lines(
        BrokersMonth(
            broker=1400,
            broker_name=name,
            account_id=account_id,
            month=month,
            terms=terms,
            payout=payout,
            preceding_volume=preceding_volume if terms.tier_basis == "preceding_month" else None,
            calculated_at=of.calculated_at,
            watermark="{[1,4212]}",
            voids="{}",
            corrected=corrected,
            approval=replace(approval, due=due),
        ),
        document.subtotals(calculated),
        named=building.Names(1400).of,
    )
    lines = [document.canonical(each) for each in building.under_pseudonyms(of, calculated)]
    digest = building.digest(without_lines, lines)
    without_lines["signature"] = signature.member(
        digest=digest, key_id=signature.key_of(SECRET).key_id, signature=signature.sign(digest, SECRET)
    )
    return Made(without_lines, lines, b"".join(building.stretches(without_lines, lines)))


def decimals(low, high, places=18):
    return some.decimals(low, high, allow_nan=False, allow_infinity=False, places=places)


def cents(low, high):
    return some.integers(low, high).map(lambda number: Decimal(number).scaleb(-2))


rates = some.one_of(
    decimals(0, 1), some.sampled_from([Decimal(x) for x in ("0", "0.1", "0.15", "0.2", "0.3", "0.5", "0.6")])
)
volumes = some.one_of(
    decimals("0.000000000000000001", "3e7"),
    decimals("0.000000000000000001", "99999999999999999999"),
    some.sampled_from([Decimal(x) for x in ("5000000", "4999999.999999999999999999", "100000000")]),
)
fees = some.one_of(decimals(0, "99999999999999999999"), decimals(0, "0.05", 3), some.just(ZERO))
keys = some.tuples(
    some.integers(0, 2**63 - 1), some.sampled_from(["spot", "futures"]), decimals(-1, 1), rates
)
totals = some.dictionaries(keys, some.tuples(some.integers(1, 2**40), volumes, fees), max_size=8).map(
    lambda found: [RateTotal(*key, *sizes) for key, sizes in found.items()]
)
terms = some.sampled_from(["settled_month", "preceding_month"]).map(
    lambda basis: replace(terms_for(Month(2026, 10)), tier_basis=basis)
)
parts = some.builds(Part, some.integers(1, 9), decimals("0.01", "3e7", 6), decimals(0, 30_000))
changes = some.dictionaries(
    keys, some.tuples(parts, some.one_of(some.none(), parts), some.booleans()), max_size=6
)
instants = some.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=some.just(UTC))
names = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def groups_of(found):
    return [Group(key[1], key[3], part.fills, part.volume, part.fees) for key, part in found if part.fills]


def add(one, other):
    return Part(one.fills + other.fills, EXACT.add(one.volume, other.volume), EXACT.add(one.fees, other.fees))


@some.composite
def corrections_of(draw, month):
    """What came late, was voided or stays unpaid of a month, at the tier that it then has."""
    its, terms_then = draw(changes), draw(terms)
    before = calculation.payout(
        terms=terms_then,
        groups=groups_of((key, old) for key, (old, _, _) in its.items()),
        preceding_volume=ZERO,
    )
    late = {key: late or NOTHING for key, (_, late, _) in its.items()}
    voided = {key: old if is_voided else NOTHING for key, (old, _, is_voided) in its.items()}
    groups = groups_of(
        (key, add(NOTHING if is_voided else old, late[key])) for key, (old, _, is_voided) in its.items()
    )
    return corrections.correction(
        month=month,
        terms=terms_then,
        booked=Booked(
            tier=before.tier, cents=before.payout, suspended=draw(some.sampled_from([ZERO, Decimal(1)]))
        ),
        changes=[Change(*key, late=late[key], voided=voided[key]) for key in its],
        groups=[
            Group(market, rate, 1, ZERO, sum((each.fees for each in same), ZERO))
            for market, rate, same in _by_key(groups)
        ],
        preceding_volume=draw(volumes),
        unpaid=[],
    )


def _by_key(groups):
    for market, rate in sorted({(each.market, each.affiliate_rate) for each in groups}):
        same = [each for each in groups if (each.market, each.affiliate_rate) == (market, rate)]
        yield market, rate, same


@some.composite
def statements(draw):
    """Any true statement: of an empty month or a full one, corrected and adjusted, owed or owing."""
    month = Month(draw(some.integers(1000, 9998)), draw(some.integers(1, 12)))
    adjusted = draw(
        some.lists(some.builds(Adjusted, amount=cents(-9999, 9999), text=names, at=instants), max_size=3)
    )
    carried = draw(cents(-(10**7), 0))
    earlier = [month.previous(), month.previous().previous()][: draw(some.integers(0, 2))]
    found = [draw(corrections_of(each)) for each in sorted(earlier)]
    number = draw(some.integers(1, 200))
    return made(
        month=month,
        terms=draw(terms),
        totals=draw(totals),
        preceding_volume=draw(volumes),
        corrected=[each for each in found if each is not None],
        approval=Approval(
            number=number,
            previous_digest=sha256(b"before").hexdigest() if number > 1 else "",
            adjusted=adjusted,
            carried=carried,
            due=sum((each.amount for each in adjusted), carried),
            is_held=draw(some.booleans()),
            prepared_at=draw(instants),
            approved_at=draw(instants),
            input_digest=sha256(b"input").hexdigest(),
            approval_digest=sha256(b"approval").hexdigest(),
        ),
        name=draw(names),
        account_id=draw(names),
    )
