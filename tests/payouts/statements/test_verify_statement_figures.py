"""Figures that do not come to what they should are found although the signature is right.

What cannot be worked out from the document alone is listed member by member, here and in the README.
"""

import copy
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from payouts.money import plain, to_cents
from payouts.statements.verify_statement import check
from tests.payouts.statements import documents
from tests.payouts.statements.documents import ADJUSTED, CORRECTED, SUSPENDED, TERMS
from tests.payouts.statements.test_verify_statement import KEYS

PRECEDING = TERMS | {"tier_basis": "preceding_month"}


def issued(**changes):
    made, lines = documents.issued(**changes)
    return made | {"lines": lines}


def everything(**changes):
    found = issued(corrected=[SUSPENDED, CORRECTED], adjusted=[ADJUSTED], carried="-412.07", **changes)
    return copy.deepcopy(found)


def reasons(whole):
    """Of a document that our own key has signed as it is."""
    return check(documents.signed(whole, whole["lines"]) | {"lines": whole["lines"]}, KEYS)


def leaves(value, path=()):
    """Every single value of a document, with the way to it."""
    if isinstance(value, dict | list):
        for place, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, place))
    elif value is not None:
        yield path, value


def changed(whole, path, value):
    other = copy.deepcopy(whole)
    inner = other
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return other


def other_values(value):
    """Each digit changed by one, and whatever else of the kind."""
    if isinstance(value, bool):
        return [not value]
    text = str(value)
    found = [
        text[: each.start()] + str((int(each[0]) + 1) % 10) + text[each.end() :]
        for each in re.finditer("[0-9]", text)
    ]
    if isinstance(value, int):
        return [int(each) for each in found]
    return [*found, f"{text}x"]


def name_of(path):
    return ".".join(str(step) for step in path if isinstance(step, str))


#: A change of these may leave everything in tune, so that only the signature protects them: names and texts,
#: instants, digests of other things, rates and floors that decided nothing, and of other months' corrections
#: what does not multiply to their amounts.
ONLY_SIGNED = {
    *("broker", "broker_name", "account", "held", "previous.digest", "input_digest", "approval_digest"),
    *("calculated_at", "prepared_at", "approved_at", "watermark.batches", "watermark.voids"),
    *("formula.program", "formula.symbols", "formula.words", "terms.name", "terms.source"),
    *("terms.tiers.tier", "terms.tiers.floor", "terms.tiers.rebate", "preceding_volume"),
    *("lines.trader", "lines.fee_rate", "lines.affiliate_rate", "adjusted.text", "adjusted.confirmed_at"),
    *("corrected.tier_before", "corrected.tier_after", "corrected.lines.trader", "corrected.lines.fee_rate"),
    *("corrected.lines.affiliate_rate", "corrected.lines.fills", "corrected.lines.volume"),
}


def test_a_signed_change_of_any_other_member_is_found_by_arithmetic():
    whole = everything()
    assert reasons(whole) == []
    unseen = {
        name_of(path)
        for path, value in leaves(whole)
        if path[0] != "signature"
        for other in other_values(value)
        if not reasons(changed(whole, path, other))
    }
    assert unseen == ONLY_SIGNED


def test_lines_that_are_swapped_dropped_or_doubled_and_signed_are_found():
    whole = everything()
    for name, lines in (("lines", whole["lines"]), ("corrected", whole["corrected"][1]["lines"])):
        for place in range(1, len(lines)):
            swapped = [*lines[: place - 1], lines[place], lines[place - 1], *lines[place + 1 :]]
            for other in (swapped, lines[:place] + lines[place + 1 :], [*lines[: place + 1], *lines[place:]]):
                path = (name,) if name == "lines" else (name, 1, "lines")
                assert reasons(changed(whole, path, other)), (name, place)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            ("lines", 0, "amount"),
            "427.01611751",
            ["lines 1: amount: 427.01611751 is stated, but it comes to 427.0161175"],
        ),
        (
            ("lines", 0, "applied_rate"),
            "0.34",
            ["lines 1: applied_rate: 0.34 is stated, but it comes to 0.35"],
        ),
        (("lines", 0, "tier_rate"), "0.4", ["lines 1: tier_rate: 0.4 is stated, but it comes to 0.35"]),
        (("lines", 3, "bound_by"), "tier", ["lines 4: bound_by: tier is stated, but it is affiliate cap"]),
        (
            ("lines", 4, "bound_by"),
            "affiliate cap",
            ["lines 5: bound_by: affiliate cap is stated, but it is cap exhausted"],
        ),
        (
            ("lines", 0, "bound_by"),
            "cap exhausted",
            ["lines 1: bound_by: cap exhausted is stated, but it is tier"],
        ),
        (
            ("lines", 0, "fills"),
            4_813,
            [
                "subtotals: futures: fills: 7692 is stated, but it comes to 7693",
                "fills: 9993 is stated, but it comes to 9994",
            ],
        ),
        (("volume",), "18204651.419", ["volume: 18204651.419 is stated, but it comes to 18204651.418"]),
        (("spot_volume",), "6374972.64", ["spot_volume: 6374972.64 is stated, but it comes to 6374972.65"]),
        (("fees",), "1", ["fees: 1 is stated, but it comes to 9407.57790"]),
        (("rebate",), "0.30", None),
        (("tier",), "BKR 1", ["tier: BKR 1 with 0.35 is stated, but 18204651.418 reaches BKR 2 with 0.35"]),
        (("terms", "tiers"), [], ["terms: tiers: the floors do not begin at 0 and rise"]),
        (("terms", "tiers", 0, "floor"), "1", ["terms: tiers: the floors do not begin at 0 and rise"]),
        (("terms", "tiers", 5, "rebate"), "0.51", ["terms: tiers: the rebates fall, or exceed the cap"]),
        (("terms", "tiers", 5, "rebate"), "0.44", ["terms: tiers: the rebates fall, or exceed the cap"]),
        (("subtotals",), [], ["subtotals: there is not one for each market with lines, futures first"]),
        (("month",), "2026-11", ["period: it is not the month 2026-11"]),
        (("number",), 9, ["number: 9 is stated, but it comes to 7"]),
        (("previous",), None, ["number: 7 is stated, but it comes to 1"]),
        (("rounding",), "0.001", ["rounding: 0.001 is stated, but it comes to 0.0036325"]),
        (("credit",), "0.00", ["credit: 0.00 is stated, but it comes to 1902.05"]),
        (("closing_balance",), "-1.00", ["closing_balance: -1.00 is stated, but it comes to 0"]),
        (("adjustments",), "0.00", None),
        (
            ("adjusted", 0, "month"),
            "2026-09",
            ["adjusted 1: month: 2026-09 is not the month of 2026-10-20T09:12:44Z"],
        ),
        (
            ("corrected", 0, "month"),
            "2026-10",
            ["corrected: the months are not in order, there twice, or not before the statement's"],
        ),
        (
            ("corrected", 1, "month"),
            "2026-10",
            ["corrected: the months are not in order, there twice, or not before the statement's"],
        ),
        (
            ("corrected", 1, "month"),
            "2026-08",
            ["corrected: the months are not in order, there twice, or not before the statement's"],
        ),
        (
            ("corrected", 1, "tier_before"),
            "BKR 2",
            ["corrected: 2026-09: lines 3: nothing is repriced where the tier stays"],
        ),
        (
            ("corrected", 1, "lines", 0, "trader"),
            None,
            ["corrected: 2026-09: lines 1: it has a member that late volume has not, or lacks one"],
        ),
        (
            ("corrected", 1, "lines", 2, "trader"),
            "T-2KX7QJ4MZB5A",
            ["corrected: 2026-09: lines 3: it has a member that tier repricing has not, or lacks one"],
        ),
        (
            ("corrected", 1, "lines", 3, "rate"),
            "0",
            ["corrected: 2026-09: lines 4: it has a member that rounding has not, or lacks one"],
        ),
        (
            ("corrected", 1, "lines", 0, "fills"),
            -212,
            ["corrected: 2026-09: lines 1: fills, volume, fees or rate have the wrong sign"],
        ),
        (
            ("corrected", 1, "lines", 1, "fills"),
            3,
            ["corrected: 2026-09: lines 2: fills, volume, fees or rate have the wrong sign"],
        ),
        (
            ("corrected", 1, "lines", 0, "rate"),
            "-0.3",
            ["corrected: 2026-09: lines 1: fills, volume, fees or rate have the wrong sign"],
        ),
        (
            ("corrected", 1, "lines", 2, "fills"),
            1,
            ["corrected: 2026-09: lines 3: tier repricing has fills, volume or fees, which it should not"],
        ),
        (
            ("corrected", 1, "lines", 3, "fees"),
            "1",
            ["corrected: 2026-09: lines 4: rounding has fills, volume or fees, which it should not"],
        ),
    ],
)
def test_what_is_wrong_is_said_in_figures(path, value, expected):
    found = reasons(changed(everything(), path, value))
    assert found if expected is None else found == expected


def test_a_correction_must_sum_to_its_cents_and_corrections_to_their_total():
    whole = everything()
    whole["corrected"][1]["lines"][0]["amount"] = "27.63"
    whole["corrected"][0]["cents"] = "-41.21"
    assert reasons(whole) == [
        "corrected: 2026-08: cents: -41.21 is stated, but it comes to -41.2",
        "corrected: 2026-09: amount: 286.91358085 is stated, but it comes to 286.91050585",
        "corrected: 2026-09: cents: 286.91 is stated, but it comes to 286.90692500",
        "corrected: 2026-09: lines 1: amount: 27.63 is stated, but it comes to 27.633075",
        "corrections: 245.71 is stated, but it comes to 245.70",
    ]


def test_the_month_before_decides_the_tier_where_the_terms_say_so():
    assert reasons(everything(terms=PRECEDING, preceding_volume="5000000")) == []
    whole = everything(terms=PRECEDING, preceding_volume="4999999.99")
    assert (whole["tier"], reasons(whole)) == ("BKR 0", [])
    assert reasons(changed(whole, ("preceding_volume",), None)) == [
        "preceding_volume: it is missing, although it decides the tier"
    ]
    assert reasons(changed(whole, ("preceding_volume",), "5000000")) == [
        "tier: BKR 0 with 0.20 is stated, but 5000000 reaches BKR 1 with 0.30"
    ]


def test_what_is_owed_beyond_the_payout_is_carried_on():
    whole = issued(carried="-5000.00")
    assert (whole["due"], whole["credit"], whole["closing_balance"]) == ("-2811.09", "0.00", "-2811.09")
    assert reasons(whole) == []


def test_a_month_without_lines_is_valid():
    assert reasons(issued(lines=[], rounding="0", payout="0.00", due="0.00")) == []


def test_the_first_statement_has_none_before_it():
    assert reasons(issued(number=1, previous=None)) == []
    december = {"from": "2026-12-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    assert reasons(issued(month="2026-12", period=december)) == []


@settings(deadline=None, max_examples=100, database=None)
@given(some.integers(0, 10**12), some.sampled_from([-1, 0, 1]))
def test_a_payout_is_its_amount_rounded_once_half_a_cent_up(thousandths, cents_off):
    """Of a cent more and a cent less than what the house's rounding gives, neither passes."""
    fees = plain(Decimal(thousandths).scaleb(-4) * 5)
    amount = Decimal(fees) / 5
    payout = to_cents(amount) + Decimal(cents_off).scaleb(-2)
    if payout < 0:
        return
    whole = issued(
        lines=[("T-2KX7QJ4MZB5A", "spot", "0.001", "0", 1, "100", fees)],
        payout=str(payout),
        rounding=plain(payout - amount),
        due=str(payout),
        credit=str(payout),
    )
    found = [each.split(" is stated")[0] for each in reasons(whole)]
    assert found == ([f"payout: {payout}"] if cents_off else [])
