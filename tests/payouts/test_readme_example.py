"""The engine's README says what the engine does: its example, its tables and its quotations are run."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from payouts.month import Month
from payouts.monthend import formula, queries
from payouts.program.terms import terms_for
from tests import make
from tests.scenarios.reading import rows_of

TEXT = (Path(__file__).parents[2] / "payouts" / "README.md").read_text(encoding="utf-8")
OCTOBER = Month(2026, 10)
TERMS = terms_for(OCTOBER)


def table(header: str) -> list[dict[str, str]]:
    """The rows of the table that begins so; the line of dashes under the header is left out."""
    lines = TEXT[TEXT.index(header) :].split("\n\n")[0].replace("> ", "").splitlines()
    upto = next((number for number, line in enumerate(lines) if not line.startswith("|")), len(lines))
    return list(rows_of("\n".join([lines[0], *lines[2:upto]])))


def number(cell: str) -> Decimal:
    """`1,000.50` and `$1,000.50` as they are; `30 %` as a fraction; `–` and `no code` as 0."""
    if cell in ("–", "no code"):
        return Decimal(0)
    bare = Decimal(re.sub(r"[$,% ]|and more", "", cell))
    return bare / 100 if "%" in cell else bare


def test_the_ladder_that_it_quotes_is_the_ladder_in_force():
    quoted = [
        (row["Tier"], number(row["Volume"]), number(row["Rebate"]))
        for row in table("| Tier  | Volume       | Rebate |")
    ]
    assert quoted == [(tier.name, tier.floor, tier.rebate) for tier in TERMS.ladder]
    assert TERMS.tier_basis == "settled_month"


def test_every_cell_of_the_table_of_rates_follows_from_the_formula():
    rows = table("| affiliate rate | BKR 0 |")
    assert len(rows) == 6
    for row in rows:
        affiliate_rate = number(row.pop("affiliate rate"))
        assert {name: number(cell) for name, cell in row.items()} == {
            tier.name: formula.applied_rate(
                rebate=tier.rebate, affiliate_rate=affiliate_rate, cap=TERMS.rebate_cap
            )
            for tier in TERMS.ladder
        }


def test_the_fills_of_the_example_multiply_to_their_volumes_and_fees():
    fills = table("| fill | trader |")
    assert len(fills) == 7
    for fill in fills:
        assert number(fill["price"]) * number(fill["quantity"]) == number(fill["volume"])
        assert number(fill["volume"]) * number(fill["fee rate"]) == number(fill["fee charged"])


@pytest.mark.django_db
def test_the_example_comes_out_as_the_page_says():
    make.broker(code=1400)
    tally = make.fills(
        *(
            make.record(
                brokerId=1400,
                userId=int(fill["trader"]),
                marketType=fill["market type"],
                symbol="SOL_USDC" if fill["market type"] == "SPOT" else "BTC_USDC_PERP",
                price=fill["price"].replace(",", ""),
                quantity=fill["quantity"].replace(",", ""),
                feeRate=str(number(fill["fee rate"])),
                fee=fill["fee charged"].replace(",", ""),
                affiliateRate=None if fill["affiliate rate"] == "–" else str(number(fill["affiliate rate"])),
            )
            for fill in table("| fill | trader |")
        )
    )
    assert tally.accepted == 7

    month = queries.month_so_far(broker_code=1400, month=OCTOBER)
    *said_lines, said_sum = table("| trader | market | fee rate | affiliate rate |")
    lines = queries.lines_as_they_stand(month)

    assert [
        (
            line.trader,
            line.market,
            line.fee_rate,
            line.affiliate_rate,
            line.fills,
            line.volume,
            line.fees,
            line.applied_rate,
            line.bound_by,
            line.amount,
        )
        for line in lines
    ] == [
        (
            int(said["trader"]),
            said["market"],
            number(said["fee rate"]),
            number(said["affiliate rate"]),
            int(said["fills"]),
            number(said["volume"]),
            number(said["fees"]),
            number(said["applied rate"]),
            said["bound by"],
            number(said["amount"]),
        )
        for said in said_lines
    ]
    payout = month.payout
    assert (payout.fills, payout.volume, payout.fees, payout.amount) == tuple(
        number(said_sum[column]) for column in ("fills", "volume", "fees", "amount")
    )
    assert re.search(r"add up to \$([0-9,.]+)\. ", TEXT)[1] == f"{payout.volume:,.2f}"
    assert re.search(r"\*\*(BKR \d)\*\*, (\d+) %", TEXT).groups() == (payout.tier.name, "30")
    assert re.search(r"zero: \*\*\$([0-9,.]+)\*\*", TEXT)[1] == f"{payout.payout:,.2f}" == "1,150.01"
