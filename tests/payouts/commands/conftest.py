"""The sample month of the contract, booked once by the real commands for all tests that look at it."""

import gzip
import json
from dataclasses import dataclass
from subprocess import CompletedProcess
from typing import Any

import pytest

from payouts.models import Fill, QuarantinedRecord
from payouts.money import plain
from tests import databases
from tests.payouts.commands.process import SAMPLE, run


@dataclass(frozen=True)
class Sample:
    """The month as it came, and what must come out."""

    lines: list[bytes]
    intake: dict[str, Any]
    month_end: dict[str, Any]


@dataclass(frozen=True)
class Booked:
    """What the commands said, and what was in the books afterwards."""

    imported: "CompletedProcess[str]"
    ingested: "CompletedProcess[str]"
    month_end: "CompletedProcess[str]"
    ingested_again: "CompletedProcess[str]"
    conflicting: set[bytes]
    #: The accepted records by the contract's names; decimals as Decimal, the time as datetime.
    accepted: list[dict[str, Any]]


@pytest.fixture(scope="session")
def sample() -> Sample:
    expected = json.loads(gzip.decompress((SAMPLE / "expected.json.gz").read_bytes()))
    content = gzip.decompress((SAMPLE / "fills.ndjson.gz").read_bytes())
    lines = [line + b"\n" for line in content.removesuffix(b"\n").split(b"\n")]
    return Sample(lines, expected.pop("intake"), expected)


@pytest.fixture(scope="session")
def booked(django_db_setup: None, django_db_blocker: Any) -> Booked:
    with django_db_blocker.unblock(), databases.clone(databases.own_name("sample")) as url:
        return Booked(
            imported=run("import_brokers", SAMPLE / "brokers.csv", url=url),
            ingested=run("ingest_fills", SAMPLE / "fills.ndjson.gz", url=url),
            month_end=run("month_end", "2026-10", "--json", "--lines", url=url),
            ingested_again=run("ingest_fills", SAMPLE / "fills.ndjson.gz", url=url),
            conflicting={
                bytes(raw)
                for raw in QuarantinedRecord.objects.filter(reason="conflict").values_list("raw", flat=True)
            },
            accepted=[_record(fill) for fill in Fill.objects.order_by("id")],
        )


def _record(fill: Fill) -> dict[str, Any]:
    return {
        "symbol": fill.symbol,
        "marketType": fill.market_type,
        "tradeId": fill.trade_id,
        "orderId": fill.order_id,
        "clientId": fill.client_id,
        "userId": fill.trader,
        "brokerId": fill.broker_code,
        "side": fill.side,
        "isMaker": fill.is_maker,
        "price": fill.price,
        "quantity": fill.quantity,
        "fee": fill.fee,
        "feeSymbol": fill.fee_symbol,
        "feeRate": fill.fee_rate,
        "affiliateRate": fill.affiliate_rate,
        "systemOrderType": None,
        "timestamp": fill.executed_at,
    }


def as_text(record: dict[str, Any]) -> dict[str, Any]:
    """A record with its decimals and its time as strings."""
    texts = {name: plain(record[name]) for name in ("price", "quantity", "fee", "feeRate", "affiliateRate")}
    return {**record, **texts, "timestamp": record["timestamp"].replace(tzinfo=None).isoformat()}
