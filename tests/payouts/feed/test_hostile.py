"""Hostile lines by file and by HTTP: nothing falls over, the four places add up, both ways agree on each."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from payouts import books
from payouts.feed import tally
from tests import databases
from tests.payouts.feed import hostile, reference
from tests.portal.api.asking import token
from tests.portal.api.serving import ROOT, Served, served

#: What is stored, told apart by nothing but what it is; numbers and batches of rows are by chance.
STORED = {
    "fills": "SELECT to_jsonb(fill) - 'id' - 'batch_id' FROM fill",
    "excluded": "SELECT to_jsonb(each) - 'id' - 'batch_id' FROM excluded_record AS each",
    "keys": "SELECT to_jsonb(fill_key) FROM fill_key",
    "quarantined": "SELECT jsonb_build_array(kept.reason, detail, format, raw_length,"
    " encode(sha256(raw), 'hex'), encode(digest, 'hex'), symbol, trade_id, order_id, broker_code, month,"
    " state, place.reason)"
    " FROM quarantined_record AS kept JOIN quarantine_place AS place ON record_id = kept.id",
    "volume": "SELECT jsonb_build_array(month, broker_code, market, sum(fills), sum(volume), sum(fees),"
    " max(latest_executed_at)) FROM total_by_month GROUP BY month, broker_code, market",
}


class Exchange:
    """Sends bodies over one connection and keeps the answers."""

    def __init__(self, wire: HTTPConnection, secret: str) -> None:
        self._wire, self._secret = wire, secret

    def push(self, body: bytes) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/x-ndjson"}
        self._wire.request("POST", "/feed/v1/fills", body, headers)
        answer = self._wire.getresponse()
        said = answer.read()
        assert answer.status == 200, (answer.status, said)
        told: dict[str, Any] = json.loads(said)
        return told


@contextmanager
def exchange(database: str, log: Path) -> Iterator[tuple[Exchange, Served]]:
    secret = token(scope="fills:write").secret.reveal()
    with served(database, log) as feed, closing(HTTPConnection("127.0.0.1", feed.port, timeout=120)) as wire:
        yield Exchange(wire, secret), feed
    assert log.read_text(encoding="utf-8", errors="replace").count("Started server process") == 1
    assert "Traceback" not in log.read_text(encoding="utf-8", errors="replace")


def stored() -> dict[str, list[str]]:
    found = {}
    with connection.cursor() as cursor:
        for name, query in STORED.items():
            cursor.execute(f"SELECT said::text FROM ({query}) AS each (said) ORDER BY 1")
            found[name] = [row[0] for row in cursor]
    return found


def by_file(database: str, lines: list[bytes], folder: Path) -> Any:
    file = folder / "hostile.ndjson"
    file.write_bytes(b"\n".join(lines))
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "ingest_fills", str(file)],
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def summed(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """As `ingest_fills` says it."""
    places = {name: sum(each[name] for each in answers) for name in ("received", "accepted", "duplicate")}
    reasons = {
        name: dict(sorted(sum((Counter(each[name]) for each in answers), Counter()).items()))
        for name in ("excluded", "quarantined")
    }
    return {**places, **reasons}


def told(bodies: list[bytes], answers: list[dict[str, Any]]) -> list[tuple[bytes, str, str | None]]:
    """Each line with what was answered about it."""
    found = []
    for body, answer in zip(bodies, answers, strict=True):
        said = {each["line"]: each for each in answer["not_accepted"]["records"]}
        assert len(said) == answer["not_accepted"]["total"]
        for number, line in enumerate(body.removesuffix(b"\n").split(b"\n"), start=1):
            each = said.get(number, {"outcome": "accepted", "reason": None})
            found.append((line.removesuffix(b"\r"), each["outcome"], each["reason"]))
    return found


def resident(pid: int) -> int:
    """What a process holds of memory, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


def readable(line: bytes) -> bool:
    try:
        reference.read(line)
    except reference.Unreadable:
        return False
    return True


def both_ways(database: str, folder: Path, *, number: int, may_grow: int) -> None:
    lines = list(hostile.lines(seed=7, number=number))
    hostile.books()
    said = by_file(database, lines, folder)
    assert said["received"] == number
    places = (said["accepted"], said["duplicate"], *said["excluded"].values(), *said["quarantined"].values())
    assert sum(places) == number
    kept = stored()
    assert books.breaches() == []

    bodies = list(hostile.bodies(lines, most=500))
    half = len(bodies) // 2
    with databases.clone(databases.own_name("pushed")) as other:
        hostile.books()
        with exchange(other, folder / "log") as (sender, feed):
            answers = [sender.push(body) for body in bodies[:half]]
            held = resident(feed.pid)
            answers += [sender.push(body) for body in bodies[half:]]
            grew = resident(feed.pid) - held
            assert summed(answers) == said
            assert stored() == kept
            assert books.breaches() == []
            again = summed([sender.push(body) for body in bodies])
            assert (again["received"], again["duplicate"]) == (number, number)
            assert stored() == kept
            assert tally.read().duplicate == said["duplicate"] + number
    print(
        f"{number} lines, {sum(map(len, lines)) // 1_000_000} MB: {said}; the server held {held} MB, +{grew}"
    )
    assert grew <= may_grow

    outcomes = told(bodies, answers)
    assert {sha256(line).hexdigest() for line, outcome, _ in outcomes if outcome == "quarantined"} == {
        json.loads(each)[5] for each in kept["quarantined"]
    }
    for line, outcome, reason in outcomes:
        if outcome != "duplicate":
            assert readable(line) == (reason != "malformed"), (line[:2_000], outcome, reason)


def test_two_thousand_hostile_lines_end_in_the_same_places_by_file_and_by_http(
    committed_db: str, tmp_path: Path
) -> None:
    both_ways(committed_db, tmp_path, number=2_000, may_grow=60)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_thousand_of_them_too_and_the_server_does_not_grow(committed_db: str, tmp_path: Path) -> None:
    both_ways(committed_db, tmp_path, number=50_000, may_grow=20)
