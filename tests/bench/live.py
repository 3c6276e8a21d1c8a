"""From a fill that is accepted to the open page that shows it: 200 pages under 2,000 fills a second."""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg

from payouts.program.queries import broker_with
from tests import databases, make
from tests.bench import data, servers
from tests.portal.api import asking
from tests.portal.live.conftest import cookie_of

PAGES, BROKERS = 200, 50
FILLS_A_SECOND = 2_000
PUSHES_A_SECOND = 5
SECONDS = int(os.environ.get("BENCH_LIVE_SECONDS", "30"))
MOST_SECONDS = 1.5
#: Transactions while nothing comes in: a look each second and, every eighth, the four of who may still look;
#: the pool tries a connection before each look, which counts as one more.
MOST_QUERIES = 3.0


@dataclass
class Seen:
    """What the pages were told, and when: broker → page → (when, fills)."""

    told: dict[int, list[list[tuple[float, int]]]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Push:
    """When its answer came, and how many fills each broker had then."""

    sent: float
    answered: float
    fills: dict[int, int]


def run(folder: Path) -> bool:
    """Print the figures; True if the bar is met."""
    codes = list(data.BROKERS[:BROKERS])
    print(f"{PAGES} open pages of {BROKERS} brokers, {FILLS_A_SECOND:,} fills/s over HTTP for {SECONDS} s")
    with databases.clone("bench_live") as url:
        servers.command(url, "import_brokers", str(data.brokers_file(folder / "brokers.csv")))
        cookies, secret = _logins(codes), _token()
        with _web(url, folder / "web.log") as port:
            seen, pushes, queries = asyncio.run(_measured(url, port, codes, cookies, secret))
    took = sorted(_latencies(seen, pushes))
    sent = sum(push.fills[code] for push in pushes[-1:] for code in codes)
    spent = pushes[-1].answered - pushes[0].sent
    p50, p95 = quantiles(took, n=100)[49], quantiles(took, n=100)[94]
    good = p95 <= MOST_SECONDS and queries <= MOST_QUERIES and sent / spent >= 0.97 * FILLS_A_SECOND
    print(f"  {sent:,} fills accepted in {spent:.1f} s ({sent / spent:,.0f}/s), {len(took):,} times shown")
    print(f"  accepted → shown: p50 {p50:.2f} s, p95 {p95:.2f} s (bar {MOST_SECONDS}), max {took[-1]:.2f} s")
    print(f"  transactions a second while {PAGES} pages are open: {queries:.2f} (bar {MOST_QUERIES})")
    print(f"  {'met' if good else 'MISSED'}")
    return good


def _logins(codes: list[int]) -> list[tuple[int, str]]:
    """A page's broker and the cookie of its own login's session, made as logging in makes it."""
    made = []
    for page in range(PAGES):
        login, code = make.login(email=f"{page}@example.com"), codes[page % len(codes)]
        make.membership(login, broker_with(code), role="viewer")
        made.append((code, cookie_of(login)))
    return made


def _token() -> str:
    return asking.token(scope="fills:write").secret.reveal()


@contextmanager
def _web(url: str, log: Path) -> Iterator[int]:
    """uvicorn as production runs it, one process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["-m", "uvicorn", "portal.asgi:application", "--port", str(port), "--no-access-log"]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, *words],
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


async def _measured(
    url: str, port: int, codes: list[int], cookies: list[tuple[int, str]], secret: str
) -> tuple[Seen, list[Push], float]:
    seen = Seen()
    pages = [asyncio.create_task(_page(port, code, cookie, seen)) for code, cookie in cookies]
    while sum(map(len, seen.told.values())) < PAGES or not all(all(each) for each in seen.told.values()):
        await asyncio.sleep(0.1)
        for page in pages:
            if page.done():
                page.result()
    queries = await asyncio.to_thread(_queries_a_second, url)
    pushes = await asyncio.to_thread(_push, port, codes, secret)
    await asyncio.sleep(3)
    for page in pages:
        page.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return seen, pushes, queries


async def _page(port: int, code: int, cookie: str, seen: Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
    writer.write(
        f"GET /brokers/{code}/live/?figures= HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode()
    )
    told: list[tuple[float, int]] = []
    seen.told[code].append(told)
    status = await reader.readline()
    assert b" 200 " in status, status
    try:
        while line := await reader.readline():
            if line.startswith(b"data: ") and b'"fills"' in line:
                told.append((time.perf_counter(), json.loads(line[6:])["fills"]))
    finally:
        writer.close()


def _queries_a_second(url: str, seconds: float = 16) -> float:
    """Transactions of the database while all pages are open and nothing comes in; each query is one."""
    with psycopg.connect(servers.owner_url(), autocommit=True) as owner:
        counted = "SELECT xact_commit FROM pg_stat_database WHERE datname = %s"
        name = url.rsplit("/", 1)[1]

        def committed() -> int:
            found = owner.execute(counted, [name]).fetchone()
            assert found is not None
            return int(found[0])

        time.sleep(12)  # until every session has said what it did while the pages were opened
        before, began = committed(), time.perf_counter()
        time.sleep(seconds)
        return (committed() - before) / (time.perf_counter() - began)


def _push(port: int, codes: list[int], secret: str) -> list[Push]:
    """Push at the pace, whatever each answer took; every fill is new and will be accepted."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    chance, number = random.Random(7), 0
    fills = dict.fromkeys(codes, 0)
    pushes = []
    began = time.perf_counter()
    for turn in range(SECONDS * PUSHES_A_SECOND):
        time.sleep(max(0.0, began + turn / PUSHES_A_SECOND - time.perf_counter()))
        body = []
        for _ in range(FILLS_A_SECOND // PUSHES_A_SECOND):
            number += 1
            code = codes[number % len(codes)]
            fills[code] += 1
            body.append(json.dumps(_record(number, code, chance)))
        sent = time.perf_counter()
        connection.request(
            "POST",
            "/feed/v1/fills",
            body="\n".join(body).encode(),
            headers={"Content-Type": "application/x-ndjson", "Authorization": f"Bearer {secret}"},
        )
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status == 200, said
        assert said["accepted"] == len(body), said
        pushes.append(Push(sent, time.perf_counter(), dict(fills)))
    connection.close()
    return pushes


def _record(number: int, code: int, chance: random.Random) -> dict[str, Any]:
    quantity = chance.randrange(1, 50_000)
    return make.record(
        **({} if number % 3 else {"symbol": "SOL_USDC_PERP", "marketType": "PERP"}),
        userId=chance.randrange(1_000),
        brokerId=code,
        quantity=f"{quantity // 10_000}.{quantity % 10_000:04}",
        feeRate="0.0005",
        timestamp=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}",
    )


def _latencies(seen: Seen, pushes: list[Push]) -> Iterator[float]:
    """For each push and each page of a broker it brought fills: from its answer until the page had them."""
    for code, pages in seen.told.items():
        for told in pages:
            events = iter(told)
            at, shown = next(events)
            for push in pushes:
                while shown < push.fills[code]:
                    at, shown = next(events)
                yield max(0.0, at - push.answered)
