"""The rule for the three totals and the SQL that keeps them say the same."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from payouts.feed.record import read_json
from payouts.feed.verdict import Verdict
from payouts.models import TotalByDay, TotalByHour, TotalByRate
from tests import make
from tests.scenarios import sums

SPOT, FUTURES = Verdict("accepted", market="spot"), Verdict("accepted", market="futures")


def shown(totals: dict[Any, sums.Sum]) -> dict[Any, Any]:
    return {key: (total.fills, total.volume, total.fees) for key, total in totals.items()}


def test_fills_volume_and_fees_are_added_up_exactly() -> None:
    records = [make.record(price="0.1", quantity="3", fee=fee) for fee in ("0.0003", "-0.5", "0")]

    found = sums.of((read_json(line), SPOT) for line in make.ndjson(records).splitlines())

    added = (3, Decimal("0.9"), Decimal("0.0003"))
    noon = datetime(2026, 10, 15, 12, tzinfo=UTC)
    assert shown(found.by_rate) == {(date(2026, 10, 1), 1400, 7, "spot", "0.001", "0"): added}
    assert shown(found.by_hour) == {(1400, noon, "SOL_USDC", "spot"): added}
    assert shown(found.by_day) == {(1400, date(2026, 10, 15), 7): added}


@pytest.mark.django_db
def test_what_the_database_adds_up_is_what_the_rule_adds_up() -> None:
    make.broker()
    kinds: list[dict[str, Any]] = [
        {"timestamp": f"2026-{month}-{day}T{hour}:59:59.999999Z", "marketType": market, "userId": trader,
         "symbol": f"{base}_USDC", "fee": "0.1000005" if trader else "0.1", "affiliateRate": rate}
        for month, day, hour in (("09", "30", "23"), ("10", "01", "00"), ("10", "31", "23"))
        for market, base in (("SPOT", "SOL"), ("PERP", "é"), ("DATED", "SOL"))
        for trader, rate in ((0, None), (7, "0.5"), (2**63 - 1, "0.10"))
    ]  # fmt: skip
    records = [make.record(**kind) for kind in kinds * 2]

    make.fills(*records)

    pairs = [
        (read_json(line), SPOT if record["marketType"] == "SPOT" else FUTURES)
        for line, record in zip(make.ndjson(records).splitlines(), records, strict=True)
    ]
    found = sums.of(pairs)
    by_rate = {(*key[:4], Decimal(key[4]), Decimal(key[5])): total for key, total in found.by_rate.items()}
    assert shown(by_rate) == _kept(TotalByRate, "month", "broker_code", "trader", "market", *RATES)
    assert shown(found.by_hour) == _kept(TotalByHour, "broker_code", "hour", "symbol", "market")
    assert shown(found.by_day) == _kept(TotalByDay, "broker_code", "day", "trader")
    assert (len(by_rate), len(found.by_hour), len(found.by_day)) == (12, 9, 9)


RATES = ("fee_rate", "affiliate_rate")


def _kept(model: Any, *key: str) -> dict[Any, Any]:
    rows = model.objects.values_list(*key, "fills", "volume", "fees")
    return {row[:-3]: row[-3:] for row in rows}
