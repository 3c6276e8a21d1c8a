"""The feed over HTTP: four clients push batches of 5,000, and then the same batches again."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from statistics import median, quantiles

from tests import databases
from tests.bench import data, servers

RECORDS = int(os.environ.get("BENCH_PUSH_RECORDS", "400000"))
TAKES = int(os.environ.get("BENCH_TAKES", "3"))
CLIENTS, BATCH, WORKERS = 4, 5_000, 2
LEAST_A_SECOND = 30_000


def run(folder: Path) -> bool:
    """Print the figures; True if the bar is met."""
    print(
        f"feed over HTTP: {CLIENTS} clients, batches of {BATCH:,}, {RECORDS:,} records, {WORKERS} processes"
    )
    lines = data.records(RECORDS, days=3)
    bodies = [body.encode() for body in iter(lambda: "".join(islice(lines, BATCH)), "")]
    rates = []
    for take in range(TAKES):
        with databases.clone("bench_push") as url:
            servers.command(url, "import_brokers", str(data.brokers_file(folder / "brokers.csv")))
            made = servers.command(url, "make_service_token", "bench", "--scope", "fills:write")
            secret = json.loads(made.stdout.splitlines()[-1])["token"]
            with _web(url, folder / "web.log") as port:
                _push(port, secret, [b""] * CLIENTS, expected=None)  # each process loads what it needs
                fresh, took = _push(port, secret, bodies, expected="accepted")
                again, took_again = _push(port, secret, bodies, expected="duplicate")
        rates.append(RECORDS / fresh)
        print(f"  take {take + 1}: {RECORDS / fresh:9,.0f} records/s, {_spread(took)}")
        print(f"          duplicates {RECORDS / again:9,.0f} records/s, {_spread(took_again)}")
    rate = median(rates)
    good = rate >= LEAST_A_SECOND
    print(f"  median {rate:,.0f} records/s (bar {LEAST_A_SECOND:,}): {'met' if good else 'MISSED'}")
    return good


def _spread(took: list[float]) -> str:
    """Of the answers to one push each, in milliseconds."""
    cut = quantiles(took, n=100)
    return f"p50 {cut[49] * 1000:,.0f} ms, p99 {cut[98] * 1000:,.0f} ms"


def _push(port: int, secret: str, bodies: list[bytes], *, expected: str | None) -> tuple[float, list[float]]:
    """Push all bodies from as many clients; seconds of all, and of each. Every record goes as expected."""
    left, took, problems = iter(list(enumerate(bodies))), list[float](), list[object]()
    lock = threading.Lock()

    def client() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=120)
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/x-ndjson"}
        while True:
            with lock:
                found = next(left, None)
            if found is None:
                break
            number, body = found
            began = time.perf_counter()
            connection.request(
                "POST", "/feed/v1/fills", body, headers | {"Idempotency-Key": f"{expected}-{number}"}
            )
            answer = connection.getresponse()
            said = json.loads(answer.read())
            took.append(time.perf_counter() - began)
            if answer.status != 200 or (expected and said[expected] != said["received"]):
                problems.append((answer.status, said))
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    spent = time.perf_counter() - began
    assert not problems, problems[0]
    return spent, took


@contextmanager
def _web(url: str, log: Path) -> Iterator[int]:
    """uvicorn as production runs it, a process a core."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "uvicorn", "portal.asgi:application", "--port", str(port), "--no-access-log"]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *words, "--workers", str(WORKERS)],
            cwd=servers.ROOT,
            env=os.environ | {"DATABASE_URL": url},
            stdout=said,
            stderr=said,
        )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
