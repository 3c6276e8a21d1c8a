"""A statement and a draft as CSV: the same totals, RFC 4180, and no text that a spreadsheet would run."""

import csv
import io
from decimal import Decimal
from typing import Any

import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.month import Month
from payouts.statements import queries, sheet
from tests import make
from tests.payouts.statements import documents

OCTOBER = Month(2026, 10)
HEADER = (
    "row,month,broker,broker_name,status,tier,rebate,trader,market,fills,volume,fee_rate,fees,"
    "affiliate_rate,applied_rate,amount,payout,statement,tier_rate,bound_by,for_month,reason,rounding,"
    "corrections,adjustments,carried,due"
)
#: With all that a statement can hold.
EVERYTHING: dict[str, Any] = {
    "corrected": [documents.SUSPENDED, documents.CORRECTED],
    "adjusted": [documents.ADJUSTED],
    "carried": "-10.00",
}
#: What spreadsheets would run, and the inert text that is written instead.
HOSTILE = {
    '=HYPERLINK("http://example.test","click")': '\'=HYPERLINK("http://example.test","click")',
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1:A9)": "'@SUM(A1:A9)",
    "\t=1": "' =1",
    "\r=1": "' =1",
    "\n=1": "' =1",
    "\tname": "' name",
    "\rname": "' name",
    "   =1": "'   =1",
    "\u00a0=1": "' =1",
    "\u3000=1": "' =1",
    "\u200b=1": "' =1",
    "\ufeff=1": "' =1",
    "\u2060+1": "' +1",
    "\u202e=1": "' =1",
    "\x00=1": "' =1",
    "\x1b=1": "' =1",
    "\x85=1": "' =1",
    "\u2028=1": "' =1",
    "＝1": "'＝1",
    "＋1": "'＋1",
    "－1": "'－1",
    "＠SUM": "'＠SUM",
    "  ＝1": "'  ＝1",
    "=cmd|'/c calc'!A0": "'=cmd|'/c calc'!A0",
    # Where the semicolon separates cells.
    "Evil;=cmd|'/c calc'!A0;": "Evil;'=cmd|'/c calc'!A0;",
    "Evil; @SUM(1)": "Evil;' @SUM(1)",
    'Evil;"=1+1': "Evil;'\"=1+1",
    '"=1': "'\"=1",
}
HARMLESS = [
    "Broker 1400",
    "Alpha, Beta & Söhne; GmbH",
    'The "Best" Broker',
    "Crédit–Dérivés = 1 + 1",
    "株式会社バックパック",
    "'already quoted",
    "a-b+c@d=e",
    "🚀 moon",
    "",
    " ",
]


def content_of(document: documents.Document, lines: list[documents.Document]) -> bytes:
    return b"".join(sheet.rows(document, lines))


def parsed(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8", "strict"), newline=""), strict=True))


def named(name: str) -> bytes:
    return content_of(*documents.draft(broker_name=name))


def by_row(content: bytes, row: str) -> list[dict[str, str]]:
    """The rows of a kind, without what is empty and what every row says."""
    same = {"row", "month", "broker", "broker_name", "status", "tier", "rebate", "statement"}
    return [
        {name: value for name, value in each.items() if value and name not in same}
        for each in parsed(content)
        if each["row"] == row
    ]


def test_the_csv_of_a_statement_to_the_last_byte() -> None:
    lines = [documents.FIVE[0], documents.FIVE[3]]
    content = content_of(*documents.issued(lines, broker_name="Möbius, Ltd", **EVERYTHING))

    same = '2026-10,1400,"Möbius, Ltd",approved'
    its = f"{same},BKR 2,0.35"
    assert content.decode().split("\r\n") == [
        HEADER,
        f"line,{its},T-2KX7QJ4MZB5A,futures,4812,6100230.25,0.0002,1220.04605,0,0.35,427.0161175,,7,0.35,"
        "tier,,,,,,,",
        f"line,{its},T-7HYD3WNPC6RE,spot,2240,5374972.65,0.001,5374.97265,0.3,0.2,1074.99453,,7,0.35,"
        "affiliate cap,,,,,,,",
        f"subtotal,{its},,futures,4812,6100230.25,,1220.04605,,,427.0161175,,7,,,,,,,,,",
        f"subtotal,{its},,spot,2240,5374972.65,,5374.97265,,,1074.99453,,7,,,,,,,,,",
        f"correction,{same},BKR 1,,,,0,0,,0,,,-41.2,,7,,,2026-08,suspended days,,,,,",
        f"correction,{same},BKR 2,,T-2KX7QJ4MZB5A,futures,212,184220.5,0.0005,92.11025,0,0.3,27.633075,,7,,,"
        "2026-09,late volume,,,,,",
        f"correction,{same},BKR 2,,T-7HYD3WNPC6RE,spot,-3,-4120,0.001,-4.12,0,0.3,-1.236,,7,,,2026-09,"
        "voided fills,,,,,",
        f"correction,{same},BKR 2,,,futures,0,0,,5210.330117,0,0.05,260.51650585,,7,,,2026-09,"
        "tier repricing,,,,,",
        f"correction,{same},BKR 2,,,,0,0,,0,,,-0.00358085,,7,,,2026-09,rounding,,,,,",
        f"adjustment,{its},,,,,,,,,-120.50,,7,,,2026-10,"
        '"Fee refund to T-7HYD3WNPC6RE of 14 October, agreed on 20 October (case 3817).",,,,,',
        f"balance,{its},,,,,,,,,-10.00,,7,,,,opening balance,,,,,",
        f"total,{its},,,7052,11475202.9,,6595.0187,,,1502.0106475,1502.01,7,,,,,-0.0006475,245.71,-120.50,"
        "-10.00,1617.22",
        "",
    ]


def test_the_csv_of_a_draft_has_neither_number_nor_balance_nor_due() -> None:
    content = content_of(*documents.draft(corrected=[documents.SUSPENDED]))

    assert [each["row"] for each in parsed(content)] == [
        *["line"] * 5, "subtotal", "subtotal", "correction", "total",
    ]  # fmt: skip
    assert {(each["status"], each["statement"]) for each in parsed(content)} == {("draft", "")}
    [total] = by_row(content, "total")
    assert total == {
        "fills": "9993",
        "volume": "18204651.418",
        "fees": "9407.5779",
        "amount": "2188.9063675",
        "payout": "2188.91",
        "rounding": "0.0036325",
        "corrections": "-41.20",
    }


@pytest.mark.django_db
def test_a_draft_for_the_exchange_has_its_own_numbers_of_traders() -> None:
    make.broker()
    make.fills(make.record(userId=7), make.record(userId=8))

    content = queries.draft(broker_code=1400, month=OCTOBER).as_csv()
    assert [line["trader"] for line in by_row(content, "line")] == ["7", "8"]

    content = queries.draft(broker_code=1400, month=OCTOBER, with_pseudonyms=True).as_csv()
    assert [line["trader"][:2] for line in by_row(content, "line")] == ["T-", "T-"]


def test_its_lines_read_back_are_those_of_the_document() -> None:
    document, lines = documents.issued()
    content = content_of(document, lines)

    assert by_row(content, "line") == [{name: str(value) for name, value in line.items()} for line in lines]


@given(count=st.integers(0, 40), seed=st.integers(0, 1000), all_of_it=st.booleans())
def test_whatever_the_month_its_rows_tie(count: int, seed: int, all_of_it: bool) -> None:
    document, lines = documents.issued(documents.many(count, seed=seed), **(EVERYTHING if all_of_it else {}))
    content = content_of(document, lines)
    [total] = by_row(content, "total")

    def sum_of(row: str, column: str) -> Decimal:
        return documents.total(each[column] for each in by_row(content, row))

    for column in ("fills", "volume", "fees", "amount"):
        assert sum_of("line", column) == sum_of("subtotal", column) == Decimal(total[column])
    assert Decimal(total["amount"]) + Decimal(total["rounding"]) == Decimal(total["payout"])
    assert sum_of("correction", "amount") == Decimal(total["corrections"])
    assert sum_of("adjustment", "amount") == Decimal(total["adjustments"])
    assert sum_of("balance", "amount") == Decimal(total["carried"])
    parts = ("payout", "corrections", "adjustments", "carried")
    assert documents.total(total[name] for name in parts) == Decimal(total["due"])
    assert {name: total[name] for name in sheet.OF_THE_TOTAL} == {
        name: str(document[name]) for name in sheet.OF_THE_TOTAL
    }
    added, its_total = sheet.sums([content])
    assert {name: Decimal(its_total[name]) for name in added} == added
    assert its_total == {name: total[name] for name in sheet.OF_THE_TOTAL}


def test_arrow_reads_the_same_figures_without_being_told_anything() -> None:
    content = content_of(*documents.issued(**EVERYTHING))

    table = pyarrow.csv.read_csv(io.BytesIO(content))

    assert table.column_names == HEADER.split(",")
    rows = table.select(["row", "fills"]).to_pylist()
    assert sum(each["fills"] for each in rows if each["row"] == "line") == 9_993
    assert {name: str(table.schema.field(name).type) for name in ("broker", "fills", "fee_rate", "due")} == {
        "broker": "int64",
        "fills": "int64",
        "fee_rate": "double",
        "due": "double",
    }


def test_a_corrected_month_in_which_only_the_tier_changed_has_a_row() -> None:
    tier_alone = documents.SUSPENDED | {"tier_after": "BKR 2", "amount": "0", "cents": "0.00", "lines": []}

    [row] = [
        each
        for each in parsed(content_of(*documents.issued(corrected=[tier_alone])))
        if each["row"] == "correction"
    ]

    assert (row["for_month"], row["tier"], row["reason"], row["amount"]) == (
        "2026-08", "BKR 2", "tier repricing", "0",
    )  # fmt: skip


def test_every_line_ends_in_crlf_and_none_holds_another_line_end() -> None:
    content = named("two\r\nlines\nand\rmore")
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") == 9
    assert content.endswith(b"\r\n")
    assert {row["broker_name"] for row in parsed(content)} == {"two  lines and more"}


def test_it_is_utf_8_without_a_byte_order_mark() -> None:
    content = named("株式会社 – ñ 🚀")
    assert content.startswith(HEADER.encode() + b"\r\n")
    assert {row["broker_name"] for row in parsed(content)} == {"株式会社 – ñ 🚀"}


def test_all_that_nobody_wrote_is_ascii() -> None:
    """Read in a wrong encoding, it is the same."""
    assert content_of(*documents.issued(**EVERYTHING)).isascii()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_a_spreadsheet_would_run_is_inert(text: str) -> None:
    adjusted = [documents.ADJUSTED | {"text": text}]
    content = content_of(*documents.issued(broker_name=text, adjusted=adjusted))

    assert {row["broker_name"] for row in parsed(content)} == {HOSTILE[text]}
    assert [row["reason"] for row in by_row(content, "adjustment")] == [HOSTILE[text]]


@pytest.mark.parametrize("name", HARMLESS)
def test_any_other_text_stays_as_it_is(name: str) -> None:
    assert {row["broker_name"] for row in parsed(named(name))} == {name}


def test_a_name_of_ten_thousand_characters_is_whole() -> None:
    assert {row["broker_name"] for row in parsed(named("=" + "x" * 10_000))} == {"'=" + "x" * 10_000}


def test_negative_numbers_stay_numbers() -> None:
    content = content_of(*documents.issued(**EVERYTHING))
    assert [row["fee_rate"] for row in by_row(content, "line")] == [
        "0.0002", "0.0005", "-0.00002", "0.001", "0.00085",
    ]  # fmt: skip
    assert b"'" not in content


@pytest.mark.django_db
def test_a_month_without_lines_is_a_header_and_a_total_of_zeros() -> None:
    make.broker(code=0, name="n")
    content = queries.draft(broker_code=0, month=Month(2024, 2)).as_csv()
    assert content.decode() == (
        f"{HEADER}\r\ntotal,2024-02,0,n,draft,BKR 0,0.20,,,0,0,,0,,,0,0.00,,,,,,0,0.00,,,\r\n"
    )


@pytest.mark.django_db
def test_the_longest_digits_are_not_shortened() -> None:
    make.broker()
    largest = "99999999999999999999.999999999999999999"
    make.fills(make.record(price=largest, quantity=largest, feeRate="0", fee="0"))
    line, _, total = parsed(queries.draft(broker_code=1400, month=OCTOBER).as_csv())
    volume = "9999999999999999999999999999999999999800.000000000000000000000000000000000001"
    assert (line["volume"], total["volume"]) == (volume, volume)


def test_what_was_cut_anywhere_is_read_the_same() -> None:
    content = content_of(*documents.issued(broker_name="Möbius 🚀", **EVERYTHING))

    for size in (1, 2, 3, 7, 64):
        assert sheet.sums(
            content[start : start + size] for start in range(0, len(content), size)
        ) == sheet.sums([content])


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b"total,", b"tutal,"),
        (b"row,month", b"raw,month"),
        (b",4812,", b",4812x,"),
        (b"0.35,427.0161175,,7", b"0.35,427.0161175,7"),
        (b"line,2026-10", b'line,"2026-10'),
        ("é".encode(), b"\xe9"),
    ],
    ids=["no total", "no column", "no number", "cells are missing", "a quote is not closed", "not UTF-8"],
)
def test_what_is_no_such_csv_is_said_to_be_none(was: bytes, is_now: bytes) -> None:
    content = content_of(*documents.issued(broker_name="Café"))
    assert was in content

    with pytest.raises(ValueError, match=r"^it is not the CSV of a statement"):
        sheet.sums([content.replace(was, is_now)])
