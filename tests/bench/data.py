"""The months that the benches run on: the same bytes for the same seed."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

FIRST = datetime(2026, 10, 1)
BROKERS = tuple(range(2300, 2300 + 200))
SYMBOLS = (
    ("SOL_USDC_PERP", "PERP", 150),
    ("BTC_USDC_PERP", "PERP", 61_000),
    ("ETH_USDC_PERP", "PERP", 2_900),
    ("SOL_USDC", "SPOT", 150),
    ("BTC_USDC", "SPOT", 61_000),
    ("ETH_USDC", "SPOT", 2_900),
    ("USDT_USDC", "SPOT", 1),
    ("BTC_USDC_261225", "DATED", 61_500),
)
#: In hundred-thousandths, so that fees are made of whole numbers.
FEE_RATES = {-2: "-0.00002", 0: "0", 18: "0.00018", 20: "0.0002", 45: "0.00045", 50: "0.0005"}
AFFILIATE_RATES = ("null", "null", "null", '"0.1"', '"0.1"', '"0.3"')
TRADERS = 50_000


def brokers_file(file: Path) -> Path:
    rows = [f"{code},Broker {code},ACC{code},2026-01-01T00:00:00Z\n" for code in BROKERS]
    file.write_text("code,name,account_id,enrolled_at\n" + "".join(rows))
    return file


def records(count: int, *, days: int, seed: int = 1) -> Iterator[str]:
    """Lines of NDJSON in the order of time, as an exchange sends them; every one will be accepted.

    As everywhere few make most: one trader in a hundred makes two thirds of the fills.
    """
    chance = random.Random(seed)
    trade_ids = [1_000_000] * len(SYMBOLS)
    rates = tuple(FEE_RATES)
    seconds = days * 24 * 3600
    for number in range(count):
        at = FIRST + timedelta(seconds=seconds * number // count, microseconds=chance.randrange(10**6))
        which = int(len(SYMBOLS) * chance.random() ** 2)
        symbol, market_type, level = SYMBOLS[which]
        trade_ids[which] += 1
        trader = int(TRADERS * chance.random() ** 10)
        cents = level * 100 + chance.randrange(level * 5 + 1)
        quantity = chance.randrange(1, 50_000)
        rate = rates[(trader + chance.randrange(2)) % len(rates)]
        # cents × 10^-2 · quantity × 10^-4 · rate × 10^-5 is in whole 10^-11 dollars; six digits stay.
        fee = abs(cents * quantity * rate) // 10**5
        sign = "-" if rate < 0 and fee else ""
        yield (
            f'{{"symbol": "{symbol}", "marketType": "{market_type}", "tradeId": {trade_ids[which]},'
            f' "orderId": "{60_000_000_000 + number * 7}", "clientId": "{number}", "userId": {trader},'
            f' "brokerId": {BROKERS[trader % len(BROKERS)]}, "side": "{"Bid" if number & 1 else "Ask"}",'
            f' "isMaker": {"true" if rate < 30 else "false"}, "price": "{cents // 100}.{cents % 100:02}",'
            f' "quantity": "{quantity // 10_000}.{quantity % 10_000:04}",'
            f' "fee": "{sign}{fee // 10**6}.{fee % 10**6:06}", "feeSymbol": "USDC",'
            f' "feeRate": "{FEE_RATES[rate]}",'
            f' "affiliateRate": {AFFILIATE_RATES[trader % len(AFFILIATE_RATES)]},'
            f' "systemOrderType": null, "timestamp": "{at.isoformat()}"}}\n'
        )


def records_file(file: Path, count: int, *, days: int, seed: int = 1) -> Path:
    with file.open("w") as stream:
        stream.writelines(records(count, days=days, seed=seed))
    return file
