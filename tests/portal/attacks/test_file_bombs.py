"""No file of at most 10 MB costs the checker more than two seconds of CPU or 300 MB of memory."""

import io
import itertools
import resource
import string
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from portal.files.checking import LARGEST
from tests.portal.application import papers

CPU_SECONDS, MEMORY_MB, GIVE_UP_AFTER = 2, 300, 5
#: A process of its own, so that the peak of its memory is that of one file. `ru_maxrss` would not do: it
#: begins with what the process that started it had.
CHECK = """
import resource, sys
from pathlib import Path
from django.conf import settings
settings.configure(USE_I18N=False)
from portal.files import checking as files
name = sys.argv[1]
content = Path(name).read_bytes()
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    files.check(content, name=name)
except files.FileRefused:
    pass
after = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, int(peak.split()[1]) // 1024)
"""


def cost(folder: Path, name: str, content: bytes) -> tuple[float, int]:
    """CPU seconds and megabytes at the peak."""
    assert len(content) <= LARGEST
    file = folder / name
    file.write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(file)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (GIVE_UP_AFTER, GIVE_UP_AFTER)),
    )
    assert done.returncode == 0, f"ended after {GIVE_UP_AFTER} s of CPU: {done.stderr[-200:]}"
    seconds, megabytes = done.stdout.split()
    return float(seconds), int(megabytes)


def streams_of_objects() -> bytes:
    """Each stream of objects is unpacked out of a copy of all that follows it."""
    one = b"1 0 obj<</Type/ObjStm/N 1/First 4>>stream\n" + zlib.compress(b"1 0 ") + b"\nendstream endobj\n"
    return papers.pdf(one * (10_000_000 // len(one)))


def different_names(number: int) -> bytes:
    letters = (string.ascii_letters + string.digits).encode()
    return b"".join(
        b"/" + bytes(each) for each in itertools.islice(itertools.product(letters, repeat=4), number)
    )


def many_names() -> bytes:
    return papers.pdf(different_names(2_050_000))


def many_packed_names() -> bytes:
    packed = zlib.compress(b"10 0 " + different_names(2_000_000))
    head = b"4 0 obj\n<</Type/ObjStm/N 1/First 5/Length %d>>\nstream\n" % len(packed)
    return papers.pdf(head + packed + b"\nendstream\nendobj\n")


def many_objects() -> bytes:
    return papers.pdf(b"9 0 obj\nendobj\n" * 600_000)


def open_names() -> bytes:
    return papers.pdf(b"/" * 10_000_000)


def streams_that_never_end() -> bytes:
    return papers.pdf(b"stream\n" * 1_400_000)


def escaped_names() -> bytes:
    return papers.pdf(b"/#41#41#41#41 " * 700_000)


def spelled_names() -> bytes:
    """The first letter of `JavaScript`, spelled: each has to be looked at more closely."""
    return papers.pdf(b"/#4a#61" * 1_400_000)


def nearly_scripts() -> bytes:
    return papers.pdf(b"/JavaScrip/EmbeddedFil" * 430_000)


def nearly_markup() -> bytes:
    return papers.pdf(b"<script<foreignobjec" * 500_000)


def packed_nearly_scripts() -> bytes:
    """As much as may be unpacked, and as much again outside as fits."""
    return papers.pdf(papers.packed(b"/#4a#61#76" * 2_500_000), b"/#4a#61#76" * 950_000)


def dictionaries_of_one_another() -> bytes:
    """Before each of as many streams as there may be stands as much as is looked at, most of it the same."""
    return papers.pdf((b"/O/F" * 48 + b" stream\n") * 49_000)


def streams_inside_streams() -> bytes:
    """Each stream of objects goes on through all that follows, and most of that unpacks to nothing."""
    head = b"obj<</ObjStm>>stream\n\x78\x01"
    jump = b"\x00" + struct.pack("<HH", 100, 100 ^ 0xFFFF) + bytes(100 - len(head))
    nothing = b"\x00\x00\x00\xff\xff" * 1_500_000
    to_the_end = b"\x00" + struct.pack("<HH", 60_000, 60_000 ^ 0xFFFF)
    return papers.pdf((head + jump) * 9_000 + head + nothing + to_the_end)


def repeated_scans(mode: str, times: int = 100_000) -> Callable[[], bytes]:
    """A progressive picture of which the last scan stands there many times over."""

    def made() -> bytes:
        whole = picture(mode, "JPEG", progressive=True)()
        last = whole[whole.rfind(b"\xff\xda") : -2]
        return whole[:-2] + last * min(times, (10_000_000 - len(whole)) // len(last)) + whole[-2:]

    return made


def noise(mode: str, side: int, **options: object) -> Callable[[], bytes]:
    """As many bytes for the decoder as there may be, none of them idle."""

    def made() -> bytes:
        tile = Image.effect_noise((side // 4, side // 4), 90)
        band = Image.new("L", (side, side))
        for across, down in itertools.product(range(4), repeat=2):
            band.paste(tile, (across * tile.width, down * tile.height))
        file = io.BytesIO()
        Image.merge(mode, [band] * len(mode)).save(file, "JPEG", **options)
        return file.getvalue()

    return made


def picture(mode: str, kind: str, side: int = 7_000, **options: object) -> Callable[[], bytes]:
    def made() -> bytes:
        file = io.BytesIO()
        Image.new(mode, (side, side)).save(file, kind, **options)
        return file.getvalue()

    return made


def small_segments() -> bytes:
    whole = papers.jpeg()
    return whole[:2] + b"\xff\xef\x00\x02" * 2_600_000 + whole[2:]


def within_the_scan(filling: bytes) -> Callable[[], bytes]:
    def made() -> bytes:
        whole = papers.jpeg()
        return whole[:-2] + filling * (10_400_000 // len(filling)) + whole[-2:]

    return made


def small_chunks() -> bytes:
    whole = papers.png()
    return whole[:33] + papers.chunk(b"prVt", b"") * 860_000 + whole[33:]


def zeros(megabytes: int) -> bytes:
    """So many of them, packed: one packed block again and again."""
    packer = zlib.compressobj(wbits=-15)
    block = packer.compress(bytes(1024 * 1024)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _megabyte in range(megabytes):
        checksum = zlib.adler32(bytes(1024 * 1024), checksum)
    return b"\x78\xda" + block * megabytes + b"\x03\x00" + struct.pack(">I", checksum)


def packed_chunk(kind: bytes, head: bytes, times: int = 1) -> Callable[[], bytes]:
    """Text or a colour profile that unpacks to half a gigabyte."""

    def made() -> bytes:
        whole = papers.png()
        return whole[:33] + papers.chunk(kind, head + zeros(512)) * times + whole[33:]

    return made


def rows(width: int, height: int, *kind: int) -> Callable[[], bytes]:
    """A PNG of nothing, with `kind` the rest of its header: bits, colour, packing, filtering, interlace."""

    def made() -> bytes:
        head = papers.chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind))
        pixels = papers.chunk(b"IDAT", zeros(440))
        return b"\x89PNG\r\n\x1a\n" + head + pixels + papers.chunk(b"IEND", b"")

    return made


def notes(kind: bytes, head: bytes) -> Callable[[], bytes]:
    """Notes in as many pieces as there may be: a decoder that puts them together copies them ever anew."""

    def made() -> bytes:
        whole = papers.jpeg()
        segment = b"\xff" + kind + struct.pack(">H", 1_000) + head.ljust(998, b"\0")
        return whole[:2] + segment * 9_900 + whole[2:]

    return made


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "streams of objects": ("a.pdf", streams_of_objects),
    "many names": ("a.pdf", many_names),
    "many packed names": ("a.pdf", many_packed_names),
    "many objects": ("a.pdf", many_objects),
    "open names": ("a.pdf", open_names),
    "streams that never end": ("a.pdf", streams_that_never_end),
    "escaped names": ("a.pdf", escaped_names),
    "spelled names": ("a.pdf", spelled_names),
    "nearly scripts": ("a.pdf", nearly_scripts),
    "nearly markup": ("a.pdf", nearly_markup),
    "open markup": ("a.pdf", lambda: papers.pdf(b"<" * 10_000_000)),
    "nearly scripts, packed": ("a.pdf", packed_nearly_scripts),
    "dictionaries of one another": ("a.pdf", dictionaries_of_one_another),
    "streams inside streams": ("a.pdf", streams_inside_streams),
    "repeated scans": ("a.jpg", repeated_scans("L")),
    "as many scans as may be": ("a.jpg", repeated_scans("L", 6)),
    "49 million pixels of noise": ("a.jpg", noise("L", 7_000, quality=1)),
    "noise": ("a.jpg", noise("CMYK", 1_700, quality=92)),
    "noise, progressive": ("a.jpg", noise("CMYK", 1_700, quality=95, progressive=True)),
    "noise of few bits, progressive": ("a.jpg", noise("CMYK", 4_400, quality=5, progressive=True)),
    "49 million pixels, RGB, progressive": ("a.jpg", picture("RGB", "JPEG", progressive=True)),
    "49 million pixels, CMYK, progressive": ("a.jpg", picture("CMYK", "JPEG", progressive=True)),
    "49 million pixels, RGB": ("a.jpg", picture("RGB", "JPEG")),
    "19 million pixels, CMYK, progressive": (
        "a.jpg",
        picture("CMYK", "JPEG", 4_400, progressive=True, subsampling=0),
    ),
    "49 million pixels, RGBA, 16 bits": ("a.png", rows(7_000, 7_000, 16, 6, 0, 0, 0)),
    "49 million pixels, RGBA, 16 bits, interlaced": ("a.png", rows(7_000, 7_000, 16, 6, 0, 0, 1)),
    "50 million rows": ("a.png", rows(1, 50_000_000, 16, 6, 0, 0, 0)),
    "one long row": ("a.png", rows(50_000_000, 1, 16, 6, 0, 0, 0)),
    "49 million pixels, RGBA": ("a.png", picture("RGBA", "PNG")),
    "small segments": ("a.jpg", small_segments),
    "stuffed bytes": ("a.jpg", within_the_scan(b"\xff\x00")),
    "Exif in pieces": ("a.jpg", notes(b"\xe1", b"Exif\0\0")),
    "profile in pieces": ("a.jpg", notes(b"\xe2", b"ICC_PROFILE\0\1\1")),
    "tables": ("a.jpg", notes(b"\xdb", b"")),
    "fill bytes now and then": ("a.jpg", within_the_scan(b"\xff" * 900 + b"\0")),
    "fill bytes": ("a.jpg", within_the_scan(b"\xff")),
    "small chunks": ("a.png", small_chunks),
    "zTXt": ("a.png", packed_chunk(b"zTXt", b"a\0\0", 9)),
    "iTXt": ("a.png", packed_chunk(b"iTXt", b"a\0\1\0\0\0", 9)),
    "iCCP": ("a.png", packed_chunk(b"iCCP", b"a\0\0")),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_costs_little_whatever_is_in_it(tmp_path: Path, name: str) -> None:
    file, made = FILES[name]
    seconds, megabytes = cost(tmp_path, file, made())
    assert (seconds < CPU_SECONDS, megabytes < MEMORY_MB) == (True, True), (seconds, megabytes)
