"""A statement as PDF: what it says, that it is always the same bytes, and that nothing written in it acts."""

import io
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from payouts.statements import printed, printed_tables, printed_text
from payouts.statements.pdf import pdf
from tests.payouts.statements import documents
from tests.payouts.statements.documents import (
    ADJUSTED,
    CORRECTED,
    FIVE,
    SUSPENDED,
    TERMS,
    draft,
    issued,
    many,
)

ROOT = Path(__file__).resolve().parents[3]
OTHER_PLACES = (
    {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
    {"TZ": "America/Caracas", "LC_ALL": "C.UTF-8", "LANG": "ar_EG", "PYTHONHASHSEED": "2"},
)
PRINTED_THERE = """
import sys
from payouts.statements.pdf import pdf
from tests.payouts.statements import documents
made = documents.issued(
    corrected=[documents.CORRECTED], adjusted=[documents.ADJUSTED], broker_name="Ünïted שלום ☀ Brokers"
)
sys.stdout.buffer.write(pdf(*made))
"""
PRINTED_THEN_FORKED = """
import os
from payouts.statements.pdf import pdf
from tests.payouts.statements import documents
pdf(*documents.issued())
if not (child := os.fork()):
    try:
        pdf(*documents.issued())
    except RuntimeError as refused:
        print(refused, flush=True)
    os._exit(0)
print("status", os.waitpid(child, 0)[1])
"""
#: Megabytes that six statements of 300 lines need more than the first; they were 160 if all were remembered.
PRINTED_OFTEN = """
from payouts.statements.pdf import pdf
from tests.payouts.statements import documents
def pages():
    return int(open("/proc/self/statm").read().split()[1])
for seed in range(7):
    pdf(*documents.issued(documents.many(300, seed=seed)))
    first = pages() if not seed else first
print((pages() - first) * 4096 // 10**6)
"""
INJECTION = (
    '"; #read("/etc/passwd") *bold* $x$ = Head <b>B</b> <label> @ref https://evil.example/ '
    "=HYPERLINK(1) #link(2)[3] \\u{1F600} `raw`"
)
UNSEEN = "a\r\nBcc: b\x00c\u202egpj.exe\u202c d\u2066e\u2069 f\u200fg"


def read(made):
    return PdfReader(io.BytesIO(pdf(*made)), strict=True)


def pages(made):
    """The text of each page, on one line, without the places where a word may break."""
    return [" ".join(page.extract_text().replace("\u200b", "").split()) for page in read(made).pages]


def test_the_first_page_says_how_much_and_why():
    made = issued(corrected=[SUSPENDED, CORRECTED], adjusted=[ADJUSTED], carried="-12.40")
    first = pages(made)[0]
    for text in (
        "Statement 7 for October 2026 Meridian Terminal Ltd.",
        "Broker code 1400",
        "Period 1–31 October 2026, UTC",
        "Backpack account •••1400",
        "To be credited $2,301.72",
        "Opening balance -12.40",
        "Payout for October 2026 2,188.9063675 exactly, +0.0036325 by rounding 2,188.91",
        "Corrections of earlier months 245.71",
        "Adjustments -120.50",
        "Due 2,301.72",
        "To be credited 2,301.72",
        "Closing balance 0.00",
        "Tier: BKR 2, 35% of fees",
        "this month’s own API volume, spot and futures together: $18,204,651.418.",
        "1,795,348.582 more would have made BKR 3, 40%.",
        "BKR 2 ◀ reached 10,000,000 35%",
        "T-2KX7QJ4MZB5A 10,025,348.65",
        "Futures 7,692 11,829,678.768 3,182.60525 1,113.9118375",
        "Spot 2,301 6,374,972.650 6,224.97265 1,074.9945300",
        "All markets 9,993 18,204,651.418 9,407.57790 2,188.9063675",
        "Payout = API Volume × Fee Rate % × min{Broker Rebate %, max{0, 50% - Affiliate Rate %}}",
    ):
        assert text in first, text


def test_each_line_is_printed_with_all_its_digits():
    [_, second] = pages(issued())
    for text in (
        "T-2KX7QJ4MZB5A futures 4,812 6,100,230.250 0.020% 1,220.04605 0% 35% 35% tier 427.0161175",
        "T-7HYD3WNPC6RE futures 903 1,804,330.118 -0.002% 0.00000 10% 35% 35% tier 0.0000000",
        "T-7HYD3WNPC6RE spot 2,240 5,374,972.650 0.100% 5,374.97265 30% 35% 20% affiliate cap 1,074.9945300",
        "T-QF5U2LXVTG7O spot 61 1,000,000.000 0.085% 850.00000 50% 35% 0% cap exhausted 0.0000000",
        "Total 9,993 18,204,651.418 9,407.57790 2,188.9063675",
    ):
        assert text in second, text


def test_corrections_and_adjustments_are_printed_with_their_month_and_reason():
    second = pages(issued(corrected=[SUSPENDED, CORRECTED], adjusted=[ADJUSTED]))[1]
    for text in (
        "Corrections of earlier months: 245.71 USD",
        "August 2026: -41.20 USD The month stays at BKR 1.",
        "September 2026: 286.91 USD The month moved from BKR 1 to BKR 2.",
        "Late volume T-2KX7QJ4MZB5A futures 212 184,220.5 0.05% 92.110250 0% 30% 27.63307500",
        "Voided fills T-7HYD3WNPC6RE spot -3 -4,120.0 0.10% -4.120000 0% 30% -1.23600000",
        "Tier repricing futures 5,210.330117 0% 5% 260.51650585",
        "Rounding -0.00358085",
        "Adjustments: -120.50 USD",
        "October 2026 Fee refund to T-7HYD3WNPC6RE of 14 October, agreed on 20 October (case 3817).",
    ):
        assert text in second, text


def test_it_says_how_to_check_it():
    document, lines = issued()
    last = pages((document, lines))[-1]
    for text in (
        "Calculated 2026-11-01 00:20:03.412907 UTC",
        "Prepared 2026-11-02 09:31:10.005 UTC, by the preparer",
        "Approved 2026-11-02 14:05:59.25 UTC, by the approver",
        f"Digest of this statement (SHA-256) {document['signature']['digest']}",
        f"Signature (Ed25519) {document['signature']['value']}",
        f"Key {document['signature']['key_id']}",
        f"Statement before 6, {document['previous']['digest']}",
        "/verify",
        "verify_statement.py",
    ):
        assert text in last, text


def test_every_page_says_which_it_is_of_how_many_and_whose():
    made = issued(many(200))
    found = pages(made)
    digest = made[0]["signature"]["digest"][:16]
    for number, page in enumerate(found, start=1):
        assert f"Page {number} of {len(found)}" in page
        assert f"Broker 1400, Meridian Terminal Ltd. · Statement 7 · SHA-256 {digest}…" in page


def test_the_head_of_the_table_is_on_each_of_its_pages():
    found = pages(issued(many(200)))
    heads = ["Trader Market Fills Volume, USD" in page for page in found]
    assert heads == [False, *["tier" in page for page in found[1:]]]
    assert heads.count(True) == 3


def test_a_file_for_keeping_with_title_language_author_date_and_structure():
    reader = read(issued())
    root = reader.trailer["/Root"]
    assert reader.metadata.title == "Statement 7 for October 2026, Meridian Terminal Ltd."
    assert reader.metadata.author == "Backpack Exchange"
    assert reader.metadata.creation_date.isoformat() == "2026-11-02T14:05:59+00:00"
    assert root["/Lang"] == "en-US"
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    metadata = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [595, 842]


@pytest.mark.parametrize("place", OTHER_PLACES)
def test_it_is_the_same_bytes_in_any_process_time_zone_and_locale(place, tmp_path):
    made = issued(corrected=[CORRECTED], adjusted=[ADJUSTED], broker_name="Ünïted שלום ☀ Brokers")
    there = subprocess.run(
        [sys.executable, "-c", PRINTED_THERE],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": "/nonexistent"} | place,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert there.stdout == pdf(*made)


def test_a_fork_of_a_process_that_has_printed_says_so_and_does_not_hang():
    there = subprocess.run(
        [sys.executable, "-c", PRINTED_THEN_FORKED],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert there.stdout == (
        "This process was forked from one that has printed; print in a fresh one.\nstatus 0\n"
    )


def test_printing_many_long_statements_does_not_fill_the_memory():
    there = subprocess.run(
        [sys.executable, "-c", PRINTED_OFTEN],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(there.stdout) < 100


def test_one_other_digit_is_other_bytes():
    other = [FIVE[0], *FIVE[1:4], (*FIVE[4][:6], "850.000001")]
    assert pdf(*issued(other)) != pdf(*issued())


def test_a_draft_is_marked_on_each_page_and_has_no_number_and_no_signature():
    found = pages(draft())
    for page in found:
        assert "DRAFT" in page
        assert "Statement 7" not in page
        assert "SHA-256" not in page
    assert "Draft for October 2026" in found[0]
    assert "Payout for October 2026, as it stands $2,188.91" in found[0]
    assert "It has no number and no signature." in found[-1]


def test_a_draft_of_a_month_that_nobody_calculated_has_no_date():
    reader = read(draft(calculated_at=None))
    assert reader.metadata.creation_date is None
    assert "Calculated not yet, live figures" in " ".join(reader.pages[0].extract_text().split())


def test_a_month_of_nothing_says_so():
    first, second = pages(issued((), carried="-12.40"))
    assert "To be credited $0.00 -12.40 is carried to your next statement." in first
    assert "No fills in this month, so there is no volume to draw." in first
    assert "BKR 0 ◀ reached 0 20%" in first
    assert "No fills in this month, so there are no lines." in second


def test_a_held_amount_is_said_to_be_held():
    assert "It was held when this statement was approved" in pages(issued(held=True))[0]


def test_the_month_before_can_decide_the_tier():
    terms = TERMS | {"tier_basis": "preceding_month"}
    first = pages(issued(terms=terms, preceding_volume="104000000.5"))[0]
    assert "the API volume of the month before, spot and futures together: $104,000,000.5." in first
    assert "BKR 5 ◀ reached 100,000,000 50%" in first
    assert "This is the highest tier." in first


def test_a_long_statement_is_printed_as_subtotals_that_tie():
    document, lines = issued(many(printed_tables.MOST_LINES + 1))
    found = pages((document, iter(lines)))
    assert len(found) <= 4
    assert "1,501 lines, by market and rates" in found[1]
    assert "every single line is in the CSV and JSON" in found[1]
    assert lines[0]["trader"] not in found[1]
    groups = [
        line.split()
        for line in read((document, lines)).pages[1].extract_text().splitlines()
        if line.startswith(("futures ", "spot "))
    ]
    assert sum(Decimal(group[-1].replace(",", "")) for group in groups) == Decimal(document["amount"])
    assert printed_text.figure(document["amount"]) in found[1]


def test_a_statement_of_just_as_many_lines_has_them_all():
    document, lines = issued(many(printed_tables.MOST_LINES))
    rows = printed.contents(document, lines)["lines"]
    assert [row[0] for row in rows] == [*(line["trader"] for line in lines), "Total"]


def test_markup_in_a_name_and_in_a_reason_is_text():
    reader = read(issued(broker_name=INJECTION, adjusted=[ADJUSTED | {"text": INJECTION}]))
    text = [" ".join(page.extract_text().replace("\u200b", "").split()) for page in reader.pages]
    assert INJECTION[:100] in text[0]
    assert INJECTION.replace(" ", "") in text[1].replace(" ", "")
    assert len(reader.pages) == 2
    assert all("/Annots" not in page for page in reader.pages)
    assert reader.attachments == {}
    assert "/Names" not in reader.trailer["/Root"]
    assert "/OpenAction" not in reader.trailer["/Root"]


def test_signs_that_control_are_not_there():
    assert printed_text.tamed(UNSEEN, longest=100) == "a Bcc: b c gpj.exe d e f g"
    assert "a Bcc: b c gpj.exe d e f g" in pages(issued(broker_name=UNSEEN))[0]


def test_a_name_of_ten_thousand_signs_stays_in_its_place():
    name, reason = "A" * 10_000, "W" * 10_000
    made = issued(broker_name=name, adjusted=[ADJUSTED | {"text": reason}])
    reader = read(made)
    assert len(reader.pages) <= 10
    first = " ".join(reader.pages[0].extract_text().replace("\u200b", "").split())
    assert "Page 1 of" in first
    assert "Fills counted from 2026-10-01" in first
    assert len(reader.metadata.title) < 200


def test_what_the_fonts_lack_is_shown_as_lacking():
    first = pages(issued(broker_name="東京 Terminal 😀"))[0]
    assert "�� Terminal �" in first
    assert "A character that our fonts lack is shown as �" in first


def test_names_in_other_scripts_are_shown():
    for name in ("Ünïted Brökers", "Торговый дом", "Χρηματιστής", "שלום", "ตลาด", "ბირჟა"):
        assert printed_text.tamed(name, longest=100) == name
    assert "Торговый дом" in pages(issued(broker_name="Торговый дом"))[0]


def test_a_tower_of_marks_is_cut():
    assert printed_text.tamed("Z" + "\u0301" * 50 + "o", longest=100) == "Z\u0301\u0301\u0301o"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60), st.text(st.characters(min_codepoint=0x300, max_codepoint=0x1FFF), max_size=60))
def test_no_text_breaks_it(name, reason):
    assert pdf(*issued(broker_name=name or "-", adjusted=[ADJUSTED | {"text": reason}]))


def test_long_figures_keep_to_their_column():
    digits = "123456789012345678901234.123456789012345678"
    assert printed_text.column([digits, "1"], room=10_000) == [[digits, 420], "1"]
    row = ("T-2KX7QJ4MZB5A", "futures", "0.000123456789", "0.123456789", 9_999_999_999, digits, digits)
    assert printed_text.figure(digits) in pages(issued([row, *FIVE]))[1]


def test_figures_of_a_column_have_as_many_decimals_and_no_figure_is_rounded():
    assert printed_text.column(["1.5", "-0.25", "7", "0.1%"], room=9_000) == [
        "1.50",
        "-0.25",
        "7.00",
        "0.10%",
    ]
    assert printed_text.figure("1234567.10000001") == "1,234,567.10000001"
    assert printed_text.percent("0.00085") == "0.085%"


def test_documents_of_tests_tie():
    document, lines = issued(corrected=[CORRECTED], adjusted=[ADJUSTED], carried="-12.40")
    assert document["amount"] == "2188.9063675"
    assert document["due"] == "2342.92"
    assert documents.total(line["amount"] for line in lines) == Decimal("2188.9063675")
    assert documents.total(line["amount"] for line in CORRECTED["lines"]) == Decimal(CORRECTED["cents"])
