"""`ingest_fills` and files that are missing, broken or strange: one line each, never a traceback."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from payouts.models import Batch, Fill
from tests import make
from tests.payouts.commands.process import ROOT, answer, ended, last_line, run, running, started, tally


def told(result: "subprocess.CompletedProcess[str]", code: int) -> tuple[Any, list[str]]:
    """The JSON line and the lines of stderr of a command that did not go well."""
    assert result.returncode == code
    return last_line(result), result.stderr.splitlines()


@pytest.fixture
def lines(committed_db: str) -> list[bytes]:
    make.broker()
    return make.ndjson(make.record() for _ in range(40)).splitlines(keepends=True)


def test_every_file_that_cannot_be_opened_is_one_line_and_the_others_are_booked(
    committed_db: str, lines: list[bytes], tmp_path: Path
) -> None:
    bad = {
        "missing.ndjson": None,
        "folder.ndjson": None,
        "fills.txt": b"".join(lines),
        "fills": b"".join(lines),
        "fills.ndjson.bz2": b"".join(lines),
        "fills.parquet.gz": gzip.compress(b"".join(lines)),
        "text.ndjson.gz": b"".join(lines),
        "short.ndjson.gz": gzip.compress(b"".join(lines))[:6],
        "nothing.ndjson.gz": b"",
        "nothing.csv": b"",
        "nothing.parquet": b"",
        "junk.parquet": b"PAR1" + b"\xff" * 100 + b"PAR1",
        "text.parquet": b"".join(lines),
        "no_price.csv": b"symbol,marketType\nSOL_USDC,SPOT\n",
        "bytes.csv": b"\xff\xfe\n",
        "quote.csv": b'symbol,"mark',
        "lines.csv": b"".join(lines),
        "zipped.csv.gz": gzip.compress(b""),
    }
    for name, content in bad.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.ndjson").mkdir()
    (tmp_path / "good1.ndjson").write_bytes(b"".join(lines[:10]))
    (tmp_path / "good2.NDJSON.GZ").write_bytes(gzip.compress(b"".join(lines[10:20])))
    (tmp_path / "empty.ndjson").write_bytes(b"")
    names = ["good1.ndjson", *bad, "empty.ndjson", "good2.NDJSON.GZ"]

    said, errors = told(run("ingest_fills", *(tmp_path / name for name in names), url=committed_db), 2)

    assert said == tally(received=20, accepted=20)
    assert [Path(line.split(":")[0]).name for line in errors] == list(bad)
    assert errors[0].endswith("missing.ndjson: there is no such file")


def test_a_truncated_gzip_is_booked_as_far_as_it_goes_and_the_rest_when_it_is_sent_again(
    committed_db: str, tmp_path: Path
) -> None:
    make.broker()
    content = make.ndjson(make.record(clientId=os.urandom(40).hex()) for _ in range(2_000))
    whole = gzip.compress(content)
    path = tmp_path / "fills.ndjson.gz"
    path.write_bytes(whole[: len(whole) // 2])

    said, errors = told(run("ingest_fills", path, url=committed_db), 1)

    half = said["received"]
    assert 500 < half < 1_500
    assert said == tally(received=half, accepted=half, broken_off=True)
    assert len(errors) == 1
    path.write_bytes(whole)
    again = answer(run("ingest_fills", path, url=committed_db))
    assert again == tally(received=2_000, accepted=2_000 - half, duplicate=half)
    for broken in (whole[:-8] + b"\0" * 8, whole + b"junk behind"):  # a wrong checksum, a tail
        path.write_bytes(broken)
        said, _ = told(run("ingest_fills", path, url=committed_db), 1)
        assert said == tally(received=2_000, duplicate=2_000, broken_off=True)


def test_a_file_that_breaks_off_stops_no_other_and_a_bad_one_decides_the_exit_code(
    committed_db: str, lines: list[bytes], tmp_path: Path
) -> None:
    broken, good = tmp_path / "broken.csv.gz", tmp_path / "good.ndjson"
    rows = b",".join(sorted(_csv_header())) + b"\n" + b"a,b\n" * 9
    broken.write_bytes(gzip.compress(rows)[:-4])
    good.write_bytes(b"".join(lines))

    said, errors = told(run("ingest_fills", broken, good, url=committed_db), 1)
    both, all_errors = told(run("ingest_fills", broken, tmp_path / "x.csv", good, url=committed_db), 2)

    quarantined = {"malformed": 1}
    assert said == tally(49, 40, 8, quarantined=quarantined, broken_off=True)
    assert both == tally(49, 0, 49, broken_off=True)
    assert (len(errors), len(all_errors)) == (1, 2)


def _csv_header() -> list[bytes]:
    return [name.encode() for name in make.record()]


def test_standard_input_is_ndjson(committed_db: str, lines: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(lines[0])

    first = run("ingest_fills", "-", url=committed_db, stdin=b"\xef\xbb\xbf" + b"".join(lines[:5])[:-1])
    both = run("ingest_fills", path, "-", url=committed_db, stdin=b"".join(lines))
    nothing = run("ingest_fills", "-", url=committed_db)

    assert answer(first) == tally(received=5, accepted=5)
    assert answer(both) == tally(received=41, accepted=35, duplicate=6)
    assert answer(nothing) == tally()


def in_shell(redirected: str, *arguments: str | Path, url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {redirected}', sys.executable, ROOT / "manage.py", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_standard_input_that_is_closed_is_one_line(committed_db: str) -> None:
    closed = in_shell("<&-", "ingest_fills", "-", url=committed_db)

    assert told(closed, 2) == (tally(), ["-: cannot be read: it is closed"])


@pytest.mark.parametrize("redirected", [">&-", ">/dev/full"])
def test_an_answer_that_cannot_be_written_is_one_line(
    committed_db: str, lines: list[bytes], tmp_path: Path, redirected: str
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(lines[0])

    result = in_shell(redirected, "ingest_fills", path, url=committed_db)

    assert result.returncode == 1
    assert result.stderr == "it is done, but the answer could not be written\n"
    assert Fill.objects.count() == 1


def test_a_sender_that_goes_away_leaves_what_it_sent_booked(committed_db: str, lines: list[bytes]) -> None:
    process = started("ingest_fills", "-", url=committed_db, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"".join(lines[:10]) + lines[10][:50])
    process.stdin.close()
    process.stdin = None

    assert answer(ended(process)) == tally(11, 10, quarantined={"malformed": 1})


def test_interrupted_while_it_waits_for_input_it_ends_and_keeps_what_was_booked(
    committed_db: str, lines: list[bytes]
) -> None:
    with running("ingest_fills", "-", url=committed_db, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(lines[0] + b" " * 200_000)  # more than a pipe holds: it reads
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
        code = process.wait(timeout=10)

    assert (code, len(said.splitlines()), b"interrupted" in said) == (130, 1, True)
    assert not Batch.objects.exists()


def test_wrong_arguments_are_one_line_and_exit_2(committed_db: str) -> None:
    for arguments in ((), ("--what", "x.ndjson")):
        result = run("ingest_fills", *arguments, url=committed_db)
        assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


def test_a_file_with_a_name_that_is_not_utf_8_or_has_line_ends_is_booked_or_told(
    committed_db: str, lines: list[bytes], tmp_path: Path
) -> None:
    strange = Path(os.fsdecode(bytes(tmp_path) + b"/\xff\xfe.ndjson"))
    strange.write_bytes(b"".join(lines[:3]))
    with_line_end = tmp_path / "a\nb.ndjson"
    with_line_end.write_bytes(b"".join(lines[:4]))
    long = tmp_path / f"{'x' * 240}.ndjson"
    long.write_bytes(b"".join(lines[:5]))

    booked = answer(run("ingest_fills", strange, with_line_end, long, url=committed_db))
    _, errors = told(run("ingest_fills", tmp_path / "no\nsuch.ndjson", url=committed_db), 2)

    assert booked == tally(12, 5, 7)
    assert len(errors) == 1


def test_a_database_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"x\n")
    nowhere = "postgres://portal_app:x@127.0.0.1:9/portal"

    result = run("ingest_fills", path, url=nowhere)

    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert "database" in result.stderr.lower()


def test_a_large_file_is_taken_in_with_little_memory(committed_db: str, tmp_path: Path) -> None:
    """200,000 records, read by one process and written by another."""
    make.broker()
    template = make.ndjson([make.record(tradeId=0)])
    path = tmp_path / "fills.ndjson"
    with path.open("wb") as file:
        for number in range(1, 200_001):
            file.write(template.replace(b'"tradeId": 0', b'"tradeId": %d' % number))

    said, memory = _with_memory(path, url=committed_db)
    assert said == tally(received=200_000, accepted=200_000)
    assert memory < 500
    assert Fill.objects.count() == 200_000


def test_junk_of_many_megabytes_a_line_is_taken_in_with_little_memory(
    committed_db: str, tmp_path: Path
) -> None:
    path = tmp_path / "junk.ndjson"
    with path.open("wb") as file:
        for number in range(4):
            file.write(b"%d" % number * (15 * 1024 * 1024) + b"\n")
        file.write(b"x" * (60 * 1024 * 1024))

    said, memory = _with_memory(path, url=committed_db)
    assert said == tally(received=5, quarantined={"malformed": 5})
    assert memory < 900  # two batches written, one read ahead, a line of 16 MiB in each


def test_a_reading_process_that_is_killed_breaks_its_file_off(committed_db: str, tmp_path: Path) -> None:
    """As a system that is out of memory does: what was read stays booked, the file is to be sent again."""
    make.broker()
    path = tmp_path / "fills.ndjson"
    os.mkfifo(path)
    # Our end opens when the reader has opened its own.
    with running("ingest_fills", path, url=committed_db) as process, path.open("wb") as pipe:
        pipe.write(make.ndjson([make.record()]))
        pipe.flush()
        [reader] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(reader), signal.SIGKILL)
        out, err = process.communicate(timeout=100)

    assert process.returncode in (1, 2)  # 2 if it died before it had said that the file is open
    assert json.loads(out.splitlines()[-1])["received"] == 0
    assert len(err.splitlines()) == 1
    assert b"Traceback" not in err


def _with_memory(path: Path, *, url: str) -> tuple[Any, int]:
    """What the command says, and the most mebibytes that it and its children held at any time."""
    peak = 0
    with running("ingest_fills", path, url=url) as process:
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            time.sleep(0.01)
        out, err = process.communicate()
    assert err == b""
    assert process.returncode == 0
    return json.loads(out.splitlines()[-1]), peak // 1024


def _resident(pid: int) -> int:
    """Kibibytes of a process and of those that it started."""
    total = 0
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1])
    except OSError:
        return 0
    return total + sum(_resident(int(child)) for child in children)
