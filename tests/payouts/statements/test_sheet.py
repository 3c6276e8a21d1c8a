"""A draft as CSV: the same totals, RFC 4180, and no name that a spreadsheet would run."""

import csv
import io
from decimal import Decimal

import pytest

from payouts.month import Month
from payouts.statements import queries, sheet
from tests import make
from tests.payouts.statements.test_document import DRAFT, OCTOBER, a_month

HEADER = (
    "row,month,broker,broker_name,status,tier,rebate,trader,market,fills,volume,fee_rate,fees,"
    "affiliate_rate,applied_rate,amount,payout"
)
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


def parsed(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8", "strict"), newline=""), strict=True))


def csv_of(name: str, **changes) -> bytes:
    return sheet.as_csv(DRAFT | changes, month=OCTOBER, broker_name=name)


@pytest.mark.django_db
def test_the_csv_of_a_month_to_the_last_byte():
    a_month(name="Möbius, Ltd")
    same = '2026-10,1400,"Möbius, Ltd",draft,BKR 1,0.30'
    assert queries.draft(broker_code=1400, month=OCTOBER).as_csv().decode().split("\r\n") == [
        HEADER,
        f"line,{same},7,futures,1,499990,-0.0001,0,0,0.3,0,",
        f"line,{same},7,spot,2,10,0.0005,0.005,0,0.3,0.0015,",
        f"line,{same},7,spot,1,3500000,0.001,3500,0,0.3,1050,",
        f"line,{same},8,spot,1,1000000,0.001,1000,0.25,0.25,250,",
        f"total,{same},,,5,5000000,,4500.005,,,1300.0015,1300.00",
        "",
    ]


def test_it_reads_back_as_the_same_lines_and_totals():
    *lines, total = parsed(csv_of("Broker 1400"))
    assert [
        {key: int(line[key]) if key in ("trader", "fills") else line[key] for key in DRAFT["lines"][0]}
        for line in lines
    ] == DRAFT["lines"]
    assert [line["row"] for line in lines] == ["line"] * 4
    columns = ("row", "volume", "fees", "amount", "payout", "tier", "rebate", "fills")
    assert {column: total[column] for column in columns} == {
        "row": "total",
        "volume": "5000000",
        "fees": "4500.005",
        "amount": "1300.0015",
        "payout": "1300.00",
        "tier": "BKR 1",
        "rebate": "0.30",
        "fills": "5",
    }
    for column in ("volume", "fees", "amount", "fills"):
        assert sum(Decimal(line[column]) for line in lines) == Decimal(total[column])


def test_every_line_ends_in_crlf_and_none_holds_another_line_end():
    content = csv_of("two\r\nlines\nand\rmore")
    assert content.count(b"\r\n") == content.count(b"\n") == content.count(b"\r") == 6
    assert content.endswith(b"\r\n")
    assert {row["broker_name"] for row in parsed(content)} == {"two  lines and more"}


def test_it_is_utf_8_without_a_byte_order_mark():
    content = csv_of("株式会社 – ñ 🚀")
    assert content.startswith(HEADER.encode() + b"\r\n")
    assert {row["broker_name"] for row in parsed(content)} == {"株式会社 – ñ 🚀"}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_a_spreadsheet_would_run_is_inert_text(name):
    assert {row["broker_name"] for row in parsed(csv_of(name))} == {HOSTILE[name]}


@pytest.mark.parametrize("name", HARMLESS)
def test_any_other_name_stays_as_it_is(name):
    assert {row["broker_name"] for row in parsed(csv_of(name))} == {name}


def test_negative_numbers_stay_numbers():
    rates = [row["fee_rate"] for row in parsed(csv_of("=1"))]
    assert rates == ["-0.0001", "0.0005", "0.001", "0.001", ""]
    assert b"'-" not in csv_of("=1")


def test_a_month_without_lines_is_a_header_and_a_total_of_zeros():
    content = sheet.as_csv(
        {
            "broker": 0,
            "volume": "0",
            "tier": "BKR 0",
            "rebate": "0.20",
            "fees": "0",
            "amount": "0",
            "payout": "0.00",
            "lines": [],
            "status": "draft",
        },
        month=Month(2024, 2),
        broker_name="n",
    )
    assert content.decode() == f"{HEADER}\r\ntotal,2024-02,0,n,draft,BKR 0,0.20,,,0,0,,0,,,0,0.00\r\n"


@pytest.mark.django_db
def test_the_longest_digits_are_not_shortened():
    make.broker()
    largest = "99999999999999999999.999999999999999999"
    make.fills(make.record(price=largest, quantity=largest, feeRate="0", fee="0"))
    line, total = parsed(queries.draft(broker_code=1400, month=OCTOBER).as_csv())
    volume = "9999999999999999999999999999999999999800.000000000000000000000000000000000001"
    assert (line["volume"], total["volume"]) == (volume, volume)
