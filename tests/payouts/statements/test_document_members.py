"""A document's members without a database: what an approval adds, corrections, and its canonical text."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from payouts.month import Month
from payouts.monthend import calculation
from payouts.monthend.calculation import Line
from payouts.monthend.corrections import Correction, CorrectionLine
from payouts.program.terms import terms_for
from payouts.statements import document
from payouts.statements.document import Adjusted, Approval
from tests.payouts.statements.test_document import NOW, OCTOBER

ZERO = Decimal(0)


def of_a_month(**changes):
    """What a document is made of, of an empty October."""
    terms = terms_for(OCTOBER)
    return document.BrokersMonth(
        **{
            "broker": 1400,
            "broker_name": "Broker 1400",
            "account_id": "acct-1400",
            "month": OCTOBER,
            "terms": terms,
            "payout": calculation.payout(terms=terms, groups=[], preceding_volume=ZERO),
            "preceding_volume": None,
            "calculated_at": NOW,
            "watermark": "{[1,2]}",
            "voids": "{}",
            "corrected": (),
            "approval": None,
        }
        | changes
    )


def approved(**changes):
    approval = {
        "number": 2,
        "previous_digest": "0" * 64,
        "adjusted": [],
        "carried": ZERO,
        "due": ZERO,
        "is_held": False,
        "prepared_at": NOW,
        "approved_at": NOW,
        "input_digest": "1" * 64,
        "approval_digest": "2" * 64,
    }
    of = of_a_month(approval=Approval(**approval | changes))
    return document.without_lines(of, [], named="T-{}".format)


def test_an_approval_adds_what_it_decided():
    two = [
        Adjusted(Decimal("-120.5"), "Refund", datetime(2026, 10, 20, 9, 12, 44, 5, tzinfo=UTC)),
        Adjusted(Decimal(20), "Goodwill", datetime(2026, 11, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))),
    ]
    draft = document.without_lines(of_a_month(), [], named=int)
    made = approved(adjusted=two, carried=Decimal("-3"), due=Decimal("-103.50"), is_held=True)
    assert {name: value for name, value in made.items() if name not in draft or value != draft[name]} == {
        "status": "approved",
        "number": 2,
        "previous": {"number": 1, "digest": "0" * 64},
        "carried": "-3.00",
        "adjustments": "-100.50",
        "adjusted": [
            {
                "month": "2026-10",
                "amount": "-120.50",
                "text": "Refund",
                "confirmed_at": "2026-10-20T09:12:44.000005Z",
            },
            {
                "month": "2026-10",
                "amount": "20.00",
                "text": "Goodwill",
                "confirmed_at": "2026-10-31T23:30:00Z",
            },
        ],
        "due": "-103.50",
        "credit": "0.00",
        "closing_balance": "-103.50",
        "held": True,
        "prepared_at": "2026-11-01T00:30:00Z",
        "prepared_by": "preparer",
        "approved_at": "2026-11-01T00:30:00Z",
        "approved_by": "approver",
        "input_digest": "1" * 64,
        "approval_digest": "2" * 64,
    }


def test_what_is_more_than_nothing_is_credited_as_a_whole():
    made = approved(due=Decimal("0.01"))
    assert (made["due"], made["credit"], made["closing_balance"]) == ("0.01", "0.01", "0.00")


def test_a_brokers_first_statement_has_none_before_it():
    assert approved(number=1, previous_digest="")["previous"] is None


def test_the_volume_of_the_month_before_is_shown_where_it_decides():
    of = of_a_month(preceding_volume=Decimal("5000000.10"))
    assert document.without_lines(of, [], named=int)["preceding_volume"] == "5000000.1"


def test_the_lines_of_a_correction_are_in_the_order_of_the_names_that_are_shown():
    """In the order of the traders' numbers they would tell which name is the elder trader."""

    def moved(kind, trader, fills):
        rate, fees = Decimal("0.3"), Decimal(fills)
        return CorrectionLine(
            kind, trader, "spot", Decimal("0.001"), ZERO, fills, fees, fees, rate, fees * rate
        )

    plain = (None, None, None, None, 0, ZERO, ZERO, None)
    lines = (
        moved("late volume", 7, 1),
        moved("late volume", 8, 1),
        moved("voided fills", 7, -2),
        CorrectionLine("suspended days", *plain, Decimal("0.7")),
        CorrectionLine("rounding", *plain, Decimal("0.010")),
    )
    correction = Correction(Month(2026, 9), "BKR 1", "BKR 2", Decimal("0.700"), Decimal("0.71"), ZERO, lines)
    of = of_a_month(corrected=[correction])
    [found] = document.without_lines(of, [], named={7: "T-B", 8: "T-A"}.get)["corrected"]
    assert {name: value for name, value in found.items() if name != "lines"} == {
        "month": "2026-09",
        "tier_before": "BKR 1",
        "tier_after": "BKR 2",
        "amount": "0.7",
        "cents": "0.71",
    }
    assert [(line["kind"], line["trader"]) for line in found["lines"]] == [
        ("late volume", "T-A"),
        ("late volume", "T-B"),
        ("voided fills", "T-B"),
        ("suspended days", None),
        ("rounding", None),
    ]
    assert found["lines"][2] == {
        "kind": "voided fills",
        "trader": "T-B",
        "market": "spot",
        "fee_rate": "0.001",
        "affiliate_rate": "0",
        "fills": -2,
        "volume": "-2",
        "fees": "-2",
        "rate": "0.3",
        "amount": "-0.6",
    }
    assert found["lines"][4] == {
        "kind": "rounding",
        "trader": None,
        "market": None,
        "fee_rate": None,
        "affiliate_rate": None,
        "fills": 0,
        "volume": "0",
        "fees": "0",
        "rate": None,
        "amount": "0.01",
    }


@pytest.mark.parametrize(
    ("account_id", "shown"),
    [("acct-1400", "•••1400"), ("12345", "•••45"), ("ab", "•••b"), ("a", "•••"), ("12345678", "•••5678")],
)
def test_of_an_account_at_most_half_and_four_signs_are_shown(account_id, shown):
    assert document.masked(account_id) == shown


def test_canonical_text_is_sorted_without_spaces_and_keeps_its_letters():
    value = {"b": [1, None, True, {"ö": '"\\/\b\f\n\r\t\x00\x1f\x7f\u2028🚀'}], "a": "", "B": "x"}
    assert document.canonical(value) == (
        '{"B":"x","a":"","b":[1,null,true,{"ö":"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u2028🚀"}]}'
    )


@pytest.mark.parametrize("name", ['"lines":"\\u0000"', '"lines":"', "\\u0000", "],", "{}"])
def test_no_name_is_taken_for_the_place_of_the_lines(name):
    made = document.without_lines(of_a_month(broker_name=name), [], named=int)
    whole = b"".join(document.pieces(made, ['{"a":1}', '{"a":2}']))
    assert json.loads(whole) == made | {"lines": [{"a": 1}, {"a": 2}]}
    assert json.loads(b"".join(document.pieces(made, []))) == made | {"lines": []}


def test_a_stretch_of_lines_reads_back_wherever_it_was_cut():
    for stretch in ('{"a":1},{"a":2}', ',{"a":1},{"a":2}', '{"a":1},{"a":2},'):
        assert document.lines_in(stretch) == [{"a": 1}, {"a": 2}]


def test_a_line_of_the_feed_contract_has_no_more_than_the_contract_says():
    line = Line(
        7,
        "spot",
        Decimal("0.0010"),
        ZERO,
        2,
        Decimal("10.50"),
        Decimal("0.0105"),
        Decimal("0.30"),
        "tier",
        ZERO,
    )
    assert document.of_lines([line]) == [
        {
            "trader": 7,
            "market": "spot",
            "fee_rate": "0.001",
            "affiliate_rate": "0",
            "fills": 2,
            "volume": "10.5",
            "fees": "0.0105",
            "applied_rate": "0.3",
            "amount": "0",
        }
    ]
    assert document.line(line, tier_rate=Decimal("0.30"), trader="T-A") == {
        **document.of_line(line),
        "trader": "T-A",
        "tier_rate": "0.3",
        "bound_by": "tier",
    }
