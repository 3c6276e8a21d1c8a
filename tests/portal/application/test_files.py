"""Which files are taken: whole PDFs, PNGs and JPEGs, judged by their bytes alone."""

import io
import os
import struct
import time
import zlib

import pytest
from PIL import Image

from portal.files.checking import LARGEST, FileRefused, check
from tests.portal.application import papers

HTML = b"<!doctype html><html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'

NEITHER = "This is neither a PDF nor a PNG or JPEG picture: save it as one of these."
BESIDE = "The file holds something else beside the document: print it to a new PDF."
AFTER_PICTURE = "There is something after the end of the picture: save it anew, or print it to a PDF."
CUT_PICTURE = "The picture is cut off or damaged: save it anew and choose it again."
CUT_PDF = "The PDF is cut off: open it, save it anew and choose it again."
ACTIVE = "The PDF holds scripts, forms that run or files inside: print it to a new PDF without them."


COMPLICATED = "The file is too complicated to check: save it again as a plain PDF or as a picture."
UNREADABLE = "The picture cannot be read: save it anew and choose it again."


def said(content: bytes, name: str) -> str:
    with pytest.raises(FileRefused) as refusal:
        check(content, name=name)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (papers.pdf(), "certificate.pdf", "application/pdf"),
        (papers.pdf(version=b"%PDF-2.0\n"), "certificate.PDF", "application/pdf"),
        (papers.pdf(papers.packed(b"<< /Type /Font >>")), "packed.pdf", "application/pdf"),
        (papers.png(), "scan.png", "image/png"),
        (papers.jpeg(), "scan.jpg", "image/jpeg"),
        (papers.jpeg(progressive=True), "scan.jpeg", "image/jpeg"),
        (papers.jpeg(400, 300, restart_marker_blocks=4), "scan.jpg", "image/jpeg"),
        (papers.jpeg() + b"\0\0\0\0", "padded.jpg", "image/jpeg"),
    ],
)
def test_what_people_send_is_taken(content: bytes, name: str, media_type: str) -> None:
    assert check(content, name=name).media_type == media_type


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"", "empty.pdf", "The file is empty: choose another one."),
        (
            b"%PDF-1.7\n" + bytes(LARGEST),
            "huge.pdf",
            "The file is larger than 10 MB: make it smaller or split it.",
        ),
        (HTML, "page.pdf", NEITHER),
        (SVG, "logo.png", NEITHER),
        (b" " + papers.pdf(), "space.pdf", NEITHER),
        (b"\xef\xbb\xbf" + papers.pdf(), "mark.pdf", NEITHER),
        (b"GIF89a" + bytes(50), "moving.png", NEITHER),
        (papers.zipped(), "archive.pdf", NEITHER),
        (b"%PDF-", "five.pdf", "The PDF does not begin like one: print it to a new PDF."),
        (papers.pdf()[:-30], "cut.pdf", CUT_PDF),
        (papers.pdf() + bytes(2_000), "padded.pdf", CUT_PDF),
        (
            papers.pdf() + b"more",
            "more.pdf",
            "There is something after the end of the PDF: print it to a new PDF.",
        ),
        (papers.png()[:-1], "cut.png", CUT_PICTURE),
        (papers.png()[:40], "cut.png", CUT_PICTURE),
        (papers.png() + b"more", "more.png", AFTER_PICTURE),
        (papers.jpeg()[:-2], "cut.jpg", CUT_PICTURE),
        (papers.jpeg()[:30], "cut.jpg", CUT_PICTURE),
        (papers.jpeg() + b"more", "more.jpg", AFTER_PICTURE),
        (papers.jpeg() + papers.jpeg(), "twice.jpg", AFTER_PICTURE),
    ],
)
def test_what_is_no_whole_document_is_refused_with_a_sentence(
    content: bytes, name: str, sentence: str
) -> None:
    assert said(content, name) == sentence


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"%PDF-1.4\n" + HTML + papers.pdf()[9:], "page.pdf"),
        (papers.pdf(b"9 0 obj\n(<SCRIPT >alert(1)</SCRIPT>)\nendobj\n"), "page.pdf"),
        (papers.jpeg(comment=HTML), "page.jpg"),
        (papers.jpeg(comment=papers.zipped()) + b"", "archive.jpg"),
        (papers.jpeg() + papers.zipped(), "archive.jpg"),
        (papers.png() + papers.zipped(), "archive.png"),
        (papers.pdf() + papers.zipped(), "archive.pdf"),
        (papers.jpeg()[:-2] + papers.zipped()[:-2] + b"\x02\x00\xff\xd9", "archive.jpg"),
    ],
)
def test_a_file_that_is_two_things_at_once_is_refused(content: bytes, name: str) -> None:
    assert said(content, name) in {BESIDE, AFTER_PICTURE, CUT_PICTURE}


def test_a_zip_that_a_reader_opens_inside_a_picture_is_refused() -> None:
    """Its last record says that all the rest of the picture is its comment, so that an unpacker takes it."""
    picture = papers.jpeg()
    archive = papers.zipped()
    rest = picture[2:]
    comment = len(rest).to_bytes(2, "little")
    segment = archive[:-2] + comment
    both = picture[:2] + b"\xff\xfe" + (len(segment) + 2).to_bytes(2, "big") + segment + rest
    assert Image.open(io.BytesIO(both)).size == (8, 8)

    assert said(both, "both.jpg") == BESIDE


@pytest.mark.parametrize(
    "hostile",
    [
        b"<< /S /JavaScript /JS (app.alert(1)) >>",
        b"<< /S /JavaScript>>",
        b"<< /JS (app.alert(1)) >>",
        b"<< /S /J#61vaScript >>",
        b"<< /S /#4a#61#76#61#53#63#72#69#70#74 >>",
        b"<< /#4aS (1) >>",
        b"<</S/Launch/F(cmd.exe)>>",
        b"<< /Type /EmbeddedFile >>",
        b"<< /Names << /EmbeddedFiles 7 0 R >> >>",
        b"<< /AcroForm << /XFA 8 0 R >> >>",
        b"<< /Subtype /RichMedia >>",
    ],
)
def test_a_pdf_that_does_more_than_show_pages_is_refused(hostile: bytes) -> None:
    plain = papers.pdf(b"9 0 obj\n" + hostile + b"\nendobj\n")
    hidden = papers.pdf(papers.packed(hostile))
    behind_a_false_beginning = papers.pdf(b"% stream\n" + papers.packed(hostile))

    assert said(plain, "form.pdf") == ACTIVE
    assert said(hidden, "form.pdf") == ACTIVE
    assert said(behind_a_false_beginning, "form.pdf") == ACTIVE


def test_a_locked_pdf_is_refused() -> None:
    locked = papers.pdf(b"9 0 obj\n<< /Encrypt 7 0 R >>\nendobj\n")

    assert said(locked, "a.pdf") == "The PDF is protected: save it without password and restrictions."


def test_letters_inside_a_compressed_page_are_no_script() -> None:
    page = b"5 0 obj\n<< /Length 9 >>\nstream\n\x00/JS \x00\xff/J\nendstream\nendobj\n"

    assert check(papers.pdf(page), name="scan.pdf").media_type == "application/pdf"


def test_objects_that_unpack_to_far_too_much_are_refused_at_once() -> None:
    began = time.monotonic()

    sentence = said(papers.pdf(papers.packed(b" " * 60_000_000)), "bomb.pdf")

    assert sentence == "The PDF unpacks to far more than it is: print it to a new PDF."
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("size", [(60_000, 60_000), (50_000_001, 1), (7_072, 7_072)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    began = time.monotonic()

    sentence = said(papers.bomb(*size), "bomb.png")

    assert sentence == "The picture has more than 50 million pixels: make it smaller."
    assert time.monotonic() - began < 0.5


def test_a_picture_that_claims_more_than_it_holds_is_refused() -> None:
    assert (
        said(papers.bomb(500, 500), "claim.png")
        == "The picture cannot be read: save it anew and choose it again."
    )


def test_a_picture_with_a_wrong_checksum_is_refused() -> None:
    content = bytearray(papers.png())
    content[20] ^= 1

    assert said(bytes(content), "broken.png") == CUT_PICTURE


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (300, 200)])
def test_a_png_of_any_kind_is_taken(mode: str, size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Image.new(mode, size).save(file, "PNG")

    assert check(file.getvalue(), name="scan.png").media_type == "image/png"


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_any_kind_is_taken(mode: str, progressive: bool) -> None:
    file = io.BytesIO()
    Image.new(mode, (300, 200)).save(file, "JPEG", progressive=progressive, exif=b"Exif\0\0" + bytes(200))

    assert check(file.getvalue(), name="scan.jpg").media_type == "image/jpeg"


def png_of(
    width: int, height: int, rows: bytes, *, bits: int = 8, colour: int = 2, interlace: int = 0
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    pixels = papers.chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + papers.chunk(b"IHDR", header) + pixels + papers.chunk(b"IEND", b"")


def test_the_rows_of_a_png_are_counted() -> None:
    """Three pixels of three bytes, and one byte for the filter: ten bytes a row."""
    assert check(png_of(3, 2, bytes(20)), name="a.png").media_type == "image/png"
    assert said(png_of(3, 2, bytes(19)), "a.png") == UNREADABLE
    assert said(png_of(3, 2, bytes(10) + b"\5" + bytes(9)), "a.png") == UNREADABLE
    assert check(png_of(3, 2, bytes(9) + b"\5" + b"\4" + bytes(9)), name="a.png").media_type == "image/png"


def test_the_rows_of_an_interlaced_png_are_counted() -> None:
    """Eight by eight in grey: passes of 1, 1, 2, 4, 8, 16 and 32 pixels in 1, 1, 1, 2, 2, 4 and 4 rows."""
    assert check(png_of(8, 8, bytes(79), colour=0, interlace=1), name="a.png").media_type == "image/png"
    assert said(png_of(8, 8, bytes(78), colour=0, interlace=1), "a.png") == UNREADABLE
    assert check(png_of(1, 1, bytes(2), colour=0, interlace=1), name="a.png").media_type == "image/png"


@pytest.mark.parametrize("wrong", [{"bits": 3}, {"bits": 4}, {"colour": 1}, {"colour": 3}, {"interlace": 2}])
def test_a_png_of_no_known_kind_is_refused(wrong: dict[str, int]) -> None:
    assert said(png_of(3, 2, bytes(100), **wrong), "a.png") == UNREADABLE


def scans_of(whole: bytes, number: int) -> bytes:
    """A progressive picture with its last scan so many times more."""
    last = whole[whole.rfind(b"\xff\xda") : -2]
    return whole[:-2] + last * number + whole[-2:]


def test_a_jpeg_has_as_many_scans_as_programs_write_and_more() -> None:
    whole = papers.jpeg(progressive=True)
    there = whole.count(b"\xff\xda")

    assert check(scans_of(whole, 64 - there), name="a.jpg").media_type == "image/jpeg"
    assert said(scans_of(whole, 65 - there), "a.jpg") == COMPLICATED


def test_a_jpeg_of_a_kind_that_no_camera_writes_is_refused() -> None:
    arithmetic = papers.jpeg().replace(b"\xff\xc0\x00\x11", b"\xff\xc9\x00\x11")

    assert said(arithmetic, "a.jpg") == COMPLICATED


def test_a_picture_in_pieces_is_taken_up_to_ten_thousand() -> None:
    picture, photo = papers.png(), papers.jpeg()
    few, many = (
        picture[:33] + papers.chunk(b"prVt", b"") * number + picture[33:] for number in (9_000, 10_000)
    )

    assert check(few, name="a.png").media_type == "image/png"
    assert said(many, "a.png") == COMPLICATED
    few, many = (photo[:2] + b"\xff\xef\x00\x02" * number + photo[2:] for number in (9_000, 10_000))
    assert check(few, name="a.jpg").media_type == "image/jpeg"
    assert said(many, "a.jpg") == COMPLICATED


def test_a_pdf_of_more_streams_than_programs_write_is_refused() -> None:
    stream = b"5 0 obj\n<< /Length 0 >>\nstream\n\nendstream\nendobj\n"

    assert check(papers.pdf(stream * 50_000), name="a.pdf").media_type == "application/pdf"
    assert said(papers.pdf(stream * 50_001), "a.pdf") == COMPLICATED
    assert said(papers.pdf(papers.packed(b"<< >>") * 10_001), "a.pdf") == COMPLICATED


@pytest.mark.parametrize(
    "name", [b"JSON", b"XFAB", b"MyJS", b"JavaScripts", b"J", b"#4a", b"EncryptMetadata"]
)
def test_a_name_that_only_begins_or_ends_like_a_script_is_none(name: bytes) -> None:
    dictionary = b"<< /%b 1 >>" % name
    content = papers.pdf(b"9 0 obj\n" + dictionary + b"\nendobj\n", papers.packed(dictionary))

    assert check(content, name="a.pdf").media_type == "application/pdf"


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (
            papers.pdf(),
            "scan.png",
            "The content of this file is PDF, but its name does not end in .pdf: rename it.",
        ),
        (
            papers.png(),
            "scan.jpg",
            "The content of this file is PNG, but its name does not end in .png: rename it.",
        ),
        (
            papers.jpeg(),
            "page.html",
            "The content of this file is JPEG, but its name does not end in .jpg: rename it.",
        ),
        (
            papers.pdf(),
            "program.pdf.exe",
            "The content of this file is PDF, but its name does not end in .pdf: rename it.",
        ),
        (
            papers.pdf(),
            "noname",
            "The content of this file is PDF, but its name does not end in .pdf: rename it.",
        ),
    ],
)
def test_a_name_that_says_something_else_is_refused(content: bytes, name: str, sentence: str) -> None:
    assert said(content, name) == sentence


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Certificate of Registration.PDF", "Certificate of Registration.pdf"),
        ("C:\\Users\\olga\\certificate.pdf", "certificate.pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("..pdf", "document.pdf"),
        (".pdf", "document.pdf"),
        ("invoice\u202efdp.exe.pdf", "invoicefdp.exe.pdf"),
        ("a\r\nSet-Cookie: x=1\x00.pdf", "a Set-Cookie_ x=1.pdf"),
        ('quote".pdf', "quote_.pdf"),
        ("<b>bold</b>.pdf", "b_.pdf"),
        ("Übersicht 株式会社.pdf", "Übersicht 株式会社.pdf"),
        ("x" * 500 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_keeps_nothing_that_misleads(given: str, kept: str) -> None:
    assert check(papers.pdf(), name=given).name == kept


@pytest.mark.parametrize("start", [b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0"])
def test_ten_megabytes_of_noise_are_refused_soon(start: bytes) -> None:
    content = start + os.urandom(LARGEST - len(start))
    began = time.monotonic()

    with pytest.raises(FileRefused):
        check(content, name="noise" + {37: ".pdf", 137: ".png", 255: ".jpg"}[start[0]])

    assert time.monotonic() - began < 5
