"""What the first page says of the program: its terms in force, and what a flow would earn by them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payouts.month import Month
from payouts.monthend.what_if import Flow, RatesRow, WhatIf, rates, what_if
from payouts.program import broker_code
from payouts.program.terms import Terms, terms_for

#: The rows of the table of rates: no code, the usual ones, and the one that leaves nothing.
_AFFILIATE_RATES = tuple(Decimal(percent).scaleb(-2) for percent in (0, 10, 20, 30, 40, 50))


@dataclass(frozen=True, slots=True)
class Program:
    """The first page."""

    terms: Terms
    rates: list[RatesRow]
    #: None while the calculator was asked something that is no flow.
    result: WhatIf | None
    #: The tier that pays a month is made by the volume of the month before it.
    pays_by_month_before: bool
    #: A code as brokers get them, for examples of the header.
    example_code: int


def program(*, flow: Flow | None, now: datetime) -> Program:
    """The program by the terms in force, and the flow's month by the same."""
    terms = terms_for(Month.of(now))
    return Program(
        terms=terms,
        rates=rates(_AFFILIATE_RATES, terms),
        result=None if flow is None else what_if(flow, terms),
        pays_by_month_before=terms.tier_basis == "preceding_month",
        example_code=broker_code.next_free(()),
    )
