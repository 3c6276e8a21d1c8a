"""How fills are found in a month of many: by the blocks that can hold them, which the index knows."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from payouts.month import Month
from payouts.monthend import opened as engine
from payouts.monthend import opened_fills
from payouts.monthend.opened_fills import Wanted
from tests import make
from tests.payouts import owner

OCTOBER = Month(2026, 10)
#: As an exchange sends them: in the order of time, 200 brokers, few traders making most.
_MONTH = """
    INSERT INTO fill (executed_at, broker_code, trader, symbol, market_type, market, trade_id, order_id, side,
                      is_maker, price, quantity, fee, fee_symbol, fee_rate, affiliate_rate, batch_id)
    SELECT timestamptz '2026-10-01 00:00Z' + (number - 1) * (interval '31 days' / %(fills)s),
           2300 + trader %% 200,
           trader, 'SOL_USDC', 'SPOT', 'spot', 1000000 + number,
           (60000000000 + number * 7)::text, 'Bid', false,
           150.25, 1.2345, 0.1, 'USDC', 0.0005, 0, number / 5000
    FROM (SELECT number, (50000 * power(random(), 10))::bigint AS trader
          FROM generate_series(1, %(fills)s) AS number) AS drawn
"""


@pytest.fixture
def month_of(committed_db: str) -> Iterator[Callable[[int], "psycopg.Connection[Any]"]]:
    with owner.connected() as connected:

        def fill(fills: int) -> "psycopg.Connection[Any]":
            make.broker(code=2311)
            connected.execute("SELECT make_fill_partition(%s)", [OCTOBER.first_date])
            connected.execute("SELECT setseed(0.5)")
            connected.execute(_MONTH.replace("%%", "%").replace("%(fills)s", str(fills)))
            connected.execute("VACUUM ANALYZE fill_202610")
            return connected

        yield fill


def _seconds_and_blocks(ask: Callable[[], object]) -> tuple[float, int]:
    """The time of a question, and the pages that its slowest statement read."""
    seen: list[tuple[str, Any]] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        began = time.perf_counter()
        ask()
        seconds = time.perf_counter() - began
    blocks = 0
    with connection.cursor() as cursor:
        for sql, params in seen:
            if "fill" not in sql:
                continue
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
            plan = cursor.fetchone()[0][0]["Plan"]
            blocks = max(blocks, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return seconds, blocks


def _questions() -> dict[str, Callable[[], object]]:
    of = engine.opened(broker_code=2311, month=OCTOBER)
    trader = 4411
    fill = {"symbol": "SOL_USDC", "trade_id": 1_012_345, "order_id": str(60_000_000_000 + 12_345 * 7)}
    find = {"broker_code": 2311, "months": [OCTOBER], "limit": 51}
    day = OCTOBER.first_date.replace(day=5)
    return {
        "an order": lambda: opened_fills.with_id(text="60000086415", **find),
        "a trade": lambda: opened_fills.with_id(text="1012345", **find),
        "a fill": lambda: opened_fills.one_fill(broker_code=2311, month=OCTOBER, **fill),
        "a line by day": lambda: opened_fills.days(of, Wanted(trader=trader, market="spot")),
        "a day": lambda: opened_fills.fills(of, Wanted(day=day), limit=51),
    }


def _pages(connected: "psycopg.Connection[Any]") -> int:
    [(pages,)] = connected.execute("SELECT pg_relation_size('fill_202610') / 8192").fetchall()
    return int(pages)


def test_each_question_reads_a_part_of_its_month(month_of: Any) -> None:
    connected = month_of(60_000)
    pages = _pages(connected)

    read = {name: _seconds_and_blocks(ask)[1] for name, ask in _questions().items()}

    assert pages > 1_000
    assert {name: blocks < pages / 4 for name, blocks in read.items()} == dict.fromkeys(read, True), read


def test_the_twin_without_the_index_all_of_it_is_read(month_of: Any) -> None:
    connected = month_of(60_000)
    connected.execute("DROP INDEX fill_as_it_is_looked_for")
    pages = _pages(connected)

    read = {name: _seconds_and_blocks(ask)[1] for name, ask in _questions().items()}

    by_time = {"a day"}  # which another index knows
    assert {name for name, blocks in read.items() if blocks >= pages} == read.keys() - by_time


@pytest.mark.long
@pytest.mark.fault
def test_in_a_month_of_a_million_each_is_answered_at_once(month_of: Any) -> None:
    connected = month_of(1_000_000)
    pages = _pages(connected)
    size = "SELECT sum(pg_relation_size(indexrelid)) FROM pg_index JOIN pg_class ON oid = indexrelid"
    [(index,)] = connected.execute(
        f"{size} WHERE indrelid = 'fill_202610'::regclass AND relname LIKE '%broker_code%'"
    ).fetchall()

    read = {name: _seconds_and_blocks(ask) for name, ask in _questions().items()}

    assert int(index) < 8_000_000
    assert {name for name, (seconds, blocks) in read.items() if blocks > pages / 5 or seconds > 0.5} == set()
