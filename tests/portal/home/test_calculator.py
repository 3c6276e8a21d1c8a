"""The calculator: numbers as people write them, nonsense refused beside its field, figures by the rules."""

from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as some

from payouts.monthend.what_if import Flow
from portal.home.forms import Calculator
from tests.portal.page_text import text_of

pytestmark = pytest.mark.django_db

DOLLARS = "Write dollars a month, like 12,000,000 or 12M."
FEE = "Write a percentage with a point, like 0.05, or basis points, like 5 bp."
SHARE = "Write a percentage from 0 to 100, like 30."
AFFILIATE = "Write a percentage from 0 to 100, like 10."


def asked(**fields: str) -> Calculator:
    query = QueryDict(mutable=True)
    query.update(fields)
    return Calculator.asked(query)


def errors(**fields: str) -> dict[str, list[str]]:
    return {name: [str(each) for each in found] for name, found in asked(**fields).errors.items()}


def test_an_address_that_asks_nothing_gets_the_example() -> None:
    assert asked().flow() == Flow(
        volume=Decimal(12_000_000),
        fee_rate=Decimal("0.0005"),
        referred_share=Decimal("0.3"),
        affiliate_rate=Decimal("0.1"),
    )


@pytest.mark.parametrize(
    ("written", "dollars"),
    [
        ("0", "0"),
        ("12000000", "12000000"),
        ("12,000,000", "12000000"),
        ("$12,000,000.50", "12000000.50"),
        (" $ 12 000 000 ", "12000000"),
        ("12\u00a0000\u202f000", "12000000"),
        ("12M", "12000000"),
        ("1.5m", "1500000"),
        ("250k", "250000"),
        ("1bn", "1000000000"),
        ("5.", "5"),
        ("5000000 USDC", "5000000"),
        ("1,000,000,000,000", "1000000000000"),
    ],
)
def test_dollars_are_read_as_people_write_them(written: str, dollars: str) -> None:
    assert asked(volume=written).flow().volume == Decimal(dollars)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "   ",
        "abc",
        "$",
        "-5",
        "NaN",
        "sNaN",
        "Infinity",
        "1e999",
        "1E6",
        "9" * 400,
        "1" + "0" * 400,
        "0x10",
        "12,00",
        "1,2,3",
        ",5",
        "5,000,000,",
        "1_000",
        "٣٠",
        "１２",
        "½",
        "1.2.3",
        "12MM",
        "12M%",
        "\0",
        "<script>",
        "1" * 16,
        "0.123456789",
    ],
)
def test_what_is_no_amount_is_refused_with_an_example(nonsense: str) -> None:
    assert errors(volume=nonsense) == {"volume": [DOLLARS]}
    assert asked(volume=nonsense).flow() is None


@pytest.mark.parametrize("written", ["1,000,000,000,000.01", "999999999999999", "999,999,999M"])
def test_more_than_a_trillion_is_too_much(written: str) -> None:
    assert errors(volume=written) == {"volume": ["Write at most $1,000,000,000,000."]}


@pytest.mark.parametrize(
    ("written", "fraction"),
    [("0.05", "0.0005"), ("0.05 %", "0.0005"), ("5 bp", "0.0005"), ("2.5bps", "0.00025"), ("1", "0.01")],
)
def test_fee_rates_are_percent_or_basis_points(written: str, fraction: str) -> None:
    assert asked(fee=written).flow().fee_rate == Decimal(fraction)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "written", "sentence"),
    [
        ("fee", "0,05", FEE),  # never read as 5
        ("fee", "", FEE),
        ("fee", "5", "Write at most 1 percent, which is 100 bp."),
        ("fee", "101bp", "Write at most 1 percent, which is 100 bp."),
        ("share", "100.1", SHARE),
        ("share", "-1", SHARE),
        ("share", "30 bp", SHARE),
        ("affiliate", "101", AFFILIATE),
        ("affiliate", "ten", AFFILIATE),
    ],
)
def test_rates_out_of_their_range_are_refused(field: str, written: str, sentence: str) -> None:
    assert errors(**{field: written}) == {field: [sentence]}


@settings(deadline=None, max_examples=60, database=None)
@given(
    some.dictionaries(some.sampled_from(["volume", "fee", "share", "affiliate", "part", "x"]), some.text())
)
def test_whatever_is_asked_is_answered(fields: dict[str, str]) -> None:
    flow = asked(**fields).flow()

    assert flow is None or 0 <= flow.volume <= 10**12


# -- on the page ------------------------------------------------------------------------------


def page(**fields: str) -> Any:
    return Client().get("/program/", fields)


def test_the_example_is_calculated_at_once() -> None:
    text = text_of(page())

    assert "Payout a month $2,100.00 of fees of $6,000.00" in text
    assert "Tier BKR 2 Rebate 35%" in text
    assert "Effective rate 35% No referral code lowers it" in text
    assert (
        "Worth of BKR 3 +$1,900.00 For $8,000,000.00 more volume."
        " $300.00 of it is the higher rebate on the volume you have." in text
    )
    assert "BKR 4 $60,000,000 45% 40% (capped) 43.5% $2,610.00" in text


def test_a_link_carries_its_numbers() -> None:
    answer = page(volume="$100M", fee="4 bp", share="50", affiliate="40")

    text = text_of(answer)
    assert "Payout a month $12,000.00 of fees of $40,000.00" in text
    assert "Tier BKR 5 Rebate 50%" in text
    assert "Effective rate 30% Referral codes take $8,000.00" in text
    assert "Next tier None This is the highest tier" in text
    assert 'value="$100M"' in answer.content.decode()


@pytest.mark.parametrize("nothing", [{"volume": "0"}, {"fee": "0"}])
def test_no_fees_are_no_rate_and_no_crash(nothing: dict[str, str]) -> None:
    text = text_of(page(**nothing))

    assert "Payout a month $0.00" in text
    assert "Effective rate – Without fees there is no rate" in text


def test_a_mistake_is_said_beside_its_field_and_nothing_is_calculated() -> None:
    answer = page(volume='"><script>alert(1)</script>', fee="5")

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Nothing was calculated: correct the numbers that are marked." in text_of(answer)
    assert f'<ul class="errorlist" id="id_volume_error"><li>{DOLLARS}</li></ul>' in html
    assert 'aria-describedby="id_volume_helptext id_volume_error"' in html
    assert "<script>alert" not in html
    assert "Payout a month" not in html


def test_the_part_for_the_script_is_the_same_part_of_the_page() -> None:
    whole = page(volume="7M").content.decode()
    part = page(volume="7M", part="calculator").content.decode()

    assert part.strip().startswith("{#") is False
    assert part.strip().startswith('<section class="panel" id="calculator"')
    assert part.strip() in whole


def test_of_a_number_asked_twice_the_last_counts() -> None:
    assert "Tier BKR 1" in text_of(Client().get("/program/?volume=12M&volume=7M"))
