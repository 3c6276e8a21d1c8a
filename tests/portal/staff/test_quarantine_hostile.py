"""Whatever stands in a quarantined record is inert on the pages of staff, and seen for what it is."""

import csv
import io
import re
from typing import Any

import pytest
import time_machine
from django.utils.html import escape

from payouts.feed import files, intake
from payouts.feed.quarantine_models import QuarantinePlace
from portal.staff import visible
from tests import make
from tests.portal.page_text import text_of
from tests.portal.staff.browsing import at
from tests.portal.staff.make_quarantine import LIST, csv_of, quarantined, waits
from tests.portal.staff.make_review import staff
from tests.portal.staff.test_hostile_text import HOSTILE, active

pytestmark = pytest.mark.django_db
OVERRIDE, ZERO_WIDTH = "\u202e", "\u200b"


@pytest.fixture(autouse=True)
def clock(db: None) -> Any:
    with time_machine.travel(make.NOW, tick=False):
        make.broker(code=1400)
        yield


def page_of(place: QuarantinePlace) -> Any:
    answer = at(staff("operations")).get(f"{LIST}{place.pk}/change/")
    assert answer.status_code == 200
    return answer


def bytes_on(answer: Any) -> str:
    """What stands under the heading of the bytes, as a browser would read it."""
    found = re.search(
        r'<pre class="bytes[^>]*aria-labelledby="raw-heading">(.*?)</pre>', answer.content.decode(), re.S
    )
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["records/?state=any", "{}/change/", "{}/discard/", "{}/ask/", "{}/replay/"])
def test_markup_in_any_field_is_text(path: str) -> None:
    place = waits(orderId=HOSTILE, side="Bid", clientId=HOSTILE, extra=HOSTILE, **{HOSTILE: "1"})

    answer = at(staff("operations")).get(LIST + path.format(place.pk))

    assert answer.status_code == 200
    assert active(answer.content.decode()) == []


def test_markup_that_is_no_record_is_text_too() -> None:
    answer = page_of(quarantined(HOSTILE.encode()))

    assert active(answer.content.decode()) == []
    assert escape("<script>alert(1)</script>") in bytes_on(answer)


def test_markup_in_the_header_of_a_file_and_in_its_name_is_text(tmp_path: Any) -> None:
    name = tmp_path / "<script>alert(1)<.csv"
    name.write_bytes(csv_of(make.record(brokerId=1500) | {HOSTILE: HOSTILE}))
    with files.open_source(str(name)) as source:
        intake.take_in(source, clock=lambda: make.NOW, tally=intake.Tally())

    answer = page_of(QuarantinePlace.objects.get())

    assert active(answer.content.decode()) == []
    assert "Header of the file" in text_of(answer)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b'{"a": "\x00"}', r'{"a": "\x00"}'),
        ('{"a": "' + OVERRIDE + 'cilbup"}', r'{"a": "\u202ecilbup"}'),
        ('{"a' + ZERO_WIDTH + '": 1}', r'{"a\u200b": 1}'),
        (b'{"a": "caf\xe9"}', r'{"a": "caf\xe9"}'),
        ('{"a": "caf\u00e9 \u4e2d"}', '{"a": "caf\u00e9 \u4e2d"}'),
        ('{"a": "e\u0301"}', r'{"a": "e\u0301"}'),
        ('{"a": "\U000e0041"}', r'{"a": "\U000e0041"}'),
        ('{"a": "\u3164\x85"}', r'{"a": "\u3164\u0085"}'),
        (b'{"a": "\x1b[2J\x7f\tb"}', '{"a": "\\x1b[2J\\x7f\tb"}'),
        ('{"a": "\ud800"}'.encode(errors="surrogatepass"), r'{"a": "\xed\xa0\x80"}'),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(raw: bytes | str, shown: str) -> None:
    answer = page_of(quarantined(raw if isinstance(raw, bytes) else raw.encode()))
    text = re.sub(r'<span class="escape">(.*?)</span>', r"\1", bytes_on(answer))

    assert text == escape(shown)
    assert not set(answer.content.decode()) & {"\0", "\x1b", OVERRIDE, ZERO_WIDTH, "\u3164", "\x85"}


def test_an_escape_is_marked_so_that_it_is_not_taken_for_what_was_written() -> None:
    written = page_of(quarantined(rb'{"a": "\x00 \u202e"'))
    hidden = page_of_second(quarantined(b'{"a": "\x00"'))

    assert "escape" not in bytes_on(written)
    assert r'<span class="escape">\x00</span>' in bytes_on(hidden)


def page_of_second(place: QuarantinePlace) -> Any:
    return at(staff("auditor")).get(f"{LIST}{place.pk}/change/")


def test_overrides_in_a_symbol_turn_no_line_of_the_list_around() -> None:
    waits(symbol=f"SOL{OVERRIDE}_USDC")

    text = at(staff("operations")).get(f"{LIST}records/").content.decode()

    assert OVERRIDE not in text
    assert r'<bdi>SOL<span class="escape">\u202e</span>_USDC</bdi>' in text


def test_bytes_that_are_no_text_are_shown_in_hexadecimal() -> None:
    answer = page_of(quarantined(bytes(range(128, 256)) + b"PK<b>"))

    assert "It is no text: sixteen bytes a line" in text_of(answer)
    first, *_rest, last = bytes_on(answer).splitlines()
    assert first == "00000000  80 81 82 83 84 85 86 87 88 89 8a 8b 8c 8d 8e 8f  " + "." * 16
    assert last == "00000080  50 4b 3c 62 3e                                   PK&lt;b&gt;"


@pytest.mark.parametrize("piece", [b"a", b"\0", b"a\0", b"<", "\u202e".encode()])
def test_of_megabytes_the_first_64_kb_are_shown_and_the_length_is_told(piece: bytes) -> None:
    raw = piece * (3 * 1024 * 1024 // len(piece))

    answer = page_of(quarantined(raw))

    assert f"Only the first 65,536 of {len(raw):,} bytes are shown." in text_of(answer)
    assert len(answer.content) < 1_500_000


def test_a_text_is_taken_apart_and_nothing_of_it_is_lost() -> None:
    text = "a\x00\u202eb\n\tc"

    assert [(each.text, each.is_escape) for each in visible.visible(text)] == [
        ("a", False),
        ("\\x00\\u202e", True),
        ("b\n\tc", False),
    ]
    assert visible.visible("") == []
    assert visible.plainly("a\x7f") == "a\\x7f"


# -- the file for the exchange ----------------------------------------------------------------------


@pytest.mark.parametrize("raw", [b"=1+1", b"+1", b"-1", b"@SUM(A1)", b"\t=1", b'"=1+1"', b"x\0y", b"\xff"])
def test_no_cell_of_the_file_begins_a_formula(raw: bytes) -> None:
    place = quarantined(raw)

    answer = at(staff("operations")).post(f"{LIST}{place.pk}/ask/")
    text = b"".join(answer.streaming_content).decode()
    head, row = list(csv.reader(io.StringIO(text)))

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        rf'attachment; filename="quarantine-record-{place.pk}-20261122-120000.csv"',
        answer["Content-Disposition"],
    )
    assert [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")] == []
    assert dict(zip(head, row, strict=True))["record"] == str(place.pk)
