"""Files as people, and others, send them."""

import io
import struct
import zipfile
import zlib

from PIL import Image


def pdf(*objects: bytes, version: bytes = b"%PDF-1.7\n") -> bytes:
    """A small whole PDF with one empty page, and more objects if given."""
    body = [
        b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n",
        b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n",
        b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>\nendobj\n",
        *objects,
    ]
    written, places = version, []
    for each in body:
        places.append(len(written))
        written += each
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(places) + 1
    return (
        written
        + b"xref\n0 %d\n0000000000 65535 f \n" % size
        + table
        + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
    )


def packed(*objects: bytes, also: bytes = b"") -> bytes:
    """An object that holds others compressed, as modern PDFs do."""
    content = zlib.compress(b"10 0 " + b" ".join(objects))
    return (
        b"4 0 obj\n<< /Type /ObjStm /N 1 /First 5 /Filter /FlateDecode"
        + also
        + b" /Length %d >>\nstream\n" % len(content)
        + content
        + b"\nendstream\nendobj\n"
    )


def png(width: int = 8, height: int = 8) -> bytes:
    return _picture("PNG", width, height)


def jpeg(width: int = 8, height: int = 8, **options: object) -> bytes:
    return _picture("JPEG", width, height, **options)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.js", "alert(1)")
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def _picture(kind: str, width: int, height: int, **options: object) -> bytes:
    file = io.BytesIO()
    image = Image.effect_noise((width, height), 60).convert("RGB")
    image.save(file, kind, **options)
    return file.getvalue()
