"""Hostile lines without end, made from the contract: the edges of its rules, and what breaks parsers.

Seeded, so that a failure comes again: the same seed makes the same lines.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from tests import make

LIVE, NEVER_ISSUED, LATE, ENDED = 1400, 9, 1500, 1600
ENROLLED_AT = datetime(2026, 8, 1, tzinfo=UTC)
LATE_FROM = datetime(2026, 9, 15, 12, 30, 15, 250_000, tzinfo=UTC)
ENDED_AT = datetime(2026, 10, 2, tzinfo=UTC)
LONGEST = 1_000_000

_MOMENTS = [
    "2026-08-01T00:00:00", "2026-07-31T23:59:59.999999", "2026-09-15T12:30:15.25Z",
    "2026-09-15T12:30:15.249999Z", "2026-10-02T00:00:00Z", "2026-10-01T23:59:59.999999Z",
    "2026-10-31T23:59:59.999999Z", "2026-10-01T00:00:00.0", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "2099-01-01T00:00:00", "2026-09-30T24:00:00", "2026-09-30T23:59:60Z",
    "2026-02-29T00:00:00Z", "2026-09-31T00:00:00Z", "2026-09-01T00:00:00.1234567",
    "2026-09-01T00:00:00+00:00", "2026-09-01 00:00:00", "2026-09-01T00:00", "2026-9-1T00:00:00",
    "0000-01-01T00:00:00", "2026-09-01T00:00:00z", "2026-09-01T00:00:00.Z", "\u0662026-09-01T00:00:00", "",
    "now",
]  # fmt: skip
_DECIMALS = [
    "0", "-0", "-0.0", "00.10", "007", "1.50", "1", "-1", "1.000000000000000001", "0.000000000000000001",
    "99999999999999999999", "99999999999999999999.999999999999999999", "999999999999999999999",
    "1.0000000000000000001", "1e3", "+1", " 1", "1 ", "1_000", "1,5", ".5", "1.", "NaN", "Infinity",
    "\u0661", "", "-", "--1", "0x10",
]  # fmt: skip
_STRINGS = [
    "", " ", "NULL", "\\N", "\\.", "\t", "a\tb\\", "\\\\", "\n", "\r", "'", '"', "{}", "{NULL}", "%s%(x)s",
    "$1", "\x00", "\x1f\x7f", "\u2028\u2029", "\ufeff", "\u202e", "\ufffd", "\ud7ff", "\U0010ffff",
    "e\u0301", "x" * 200, "x" * 201, "\U0001f600" * 200, "\U0001f600" * 201, "'; DROP TABLE fill; --",
    "<script>alert(1)</script>",
]  # fmt: skip
_SYMBOLS = [
    "SOL_USDC", "BTC_USDC_PERP", "SOL_USD", "SOL_EUR", "sol_usdc", "SOL_usdc", "A_USDC_C_D", "SOL", "_USDC",
    "SOL_", "A__B", "", "A_USDC\x00", "\U0001f600_USDC", "A\t_USDC", "\\N_USDC", "S" * 195 + "_USDC",
    "S" * 196 + "_USDC",
]  # fmt: skip
_INTEGERS = [
    "0", "-0", "1", "-1", "65535", "65536", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "18446744073709551616", "1.0", "1e2", "1E400", "-1e-400", "9" * 400, "01", "0x1",
    '"7"', "true", "null",
]  # fmt: skip
#: JSON of any kind, and what is none: put where another type belongs, or into a field that nobody reads.
_ANYTHING = [
    "null", "true", "false", "0", "-0", "1.0", "1e400", "-1e400", "9" * 5_000, "0." + "1" * 5_000, '"A"',
    '""', "[]", "{}", "NaN", "Infinity", "-Infinity", "nan", "[NaN]", '{"a":Infinity}', '"\\ud800"',
    '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\x"', '"\t"', "[1,]", "[,1]", "{,}", "'a'",
    "undefined", "//", "[01]", "\ufeff1", "\u00a01", "[" * 62 + "]" * 62, "[" * 63 + "]" * 63,
    "[" * 64 + "]" * 64, '{"a":' * 63 + "1" + "}" * 63, '{"a":' * 64 + "1" + "}" * 64, "[" * 20_000,
    '"' + "[" * 500 + '"', '"' + "{[\\\"" * 99 + '"',
]  # fmt: skip
_SIDES = ["Bid", "Ask", "bid", "BID", "", "Bid "]
_MARKETS = ["SPOT", "PERP", "IPERP", "DATED", "RFQ", "PREDICTION", "", "spot", "SPOT ", "OPTION"]
_ASSETS = ["USDC", "USD", "EUR", "usdc", "", "SOL"]
_RATES = ["1", "-1", "1.000000000000000001", "-1.1", "0", "0.5", "-0", "2", "0.0005"]
#: What a fee may be away from price × quantity × rate, and a little more.
_GAPS = ["0.000001", "-0.000001", "0.000001000000000001", "-0.0000010001", "0"]
_JUNK = [
    b"\x00", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xef\xbb\xbf",
    b"{", b"}", b"[]", b"null", b'"x"', b"1", b"{}", b"\r\r", b" ", b"\t", b"{]", b"--", b"\\.", b"\\N",
    b"\x1b[2J", b"PK\x03\x04", b"\x1f\x8b\x08",
]  # fmt: skip

_NAMES = (
    "symbol", "marketType", "tradeId", "orderId", "clientId", "userId", "brokerId", "side", "isMaker",
    "price", "quantity", "fee", "feeSymbol", "feeRate", "affiliateRate", "systemOrderType", "timestamp",
)  # fmt: skip
#: A record as its members' JSON texts.
Texts = dict[str, str]


def books() -> None:
    """The brokers that the lines name."""
    make.broker(code=LIVE, enrolled_at=ENROLLED_AT)
    make.broker(code=LATE, enrolled_at=LATE_FROM)
    make.terminated(make.broker(code=ENDED, enrolled_at=ENROLLED_AT), ENDED_AT)


def lines(*, seed: int, number: int) -> Iterator[bytes]:
    """So many records, as the lines that a body or file is made of; none of them is empty."""
    return _Hostile(seed).lines(number)


def bodies(found: Sequence[bytes], *, most: int, most_bytes: int = 8_000_000) -> Iterator[bytes]:
    """The lines as bodies. None begins with a byte order mark, which would be skipped there alone."""
    body: list[bytes] = []
    size = 0
    for line in found:
        if body and (len(body) >= most or size > most_bytes) and not line.startswith(b"\xef\xbb\xbf"):
            yield b"\n".join(body) + b"\n"
            body, size = [], 0
        body.append(line)
        size += len(line)
    yield b"\n".join(body)


class _Hostile:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = seed * 1_000_000
        #: Some of what was made before, to come again as it was or otherwise.
        self._lines: list[bytes] = []
        self._records: list[Texts] = []

    def lines(self, number: int) -> Iterator[bytes]:
        kinds: list[tuple[Callable[[], bytes], int]] = [
            (self._good, 30), (self._one_edge, 22), (self._two_edges, 8), (self._fee_edge, 4),
            (self._odd_form, 6), (self._repeated_key, 4), (self._again, 7), (self._same_content, 4),
            (self._conflict, 4), (self._damaged, 5), (self._junk, 4), (self._long, 0),
        ]  # fmt: skip
        made = self._chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds], k=number)
        for position, kind in enumerate(made):
            # Long ones are few: a thousandth, of half a megabyte each.
            line = (self._long if position % 1_000 == 500 else kind)()
            line = line.replace(b"\n", b" ")
            if line.removesuffix(b"\r"):
                self._remember(line)
                yield line
            else:
                yield b"\x00"

    def _remember(self, line: bytes) -> None:
        if len(line) < 10_000:
            self._lines.append(line)
            del self._lines[:-400]

    # -- records -------------------------------------------------------------------------------------

    def _record(self) -> Texts:
        chance = self._chance
        self._number += 1
        rate, price, quantity = (
            "0.0005",
            f"{chance.randrange(1, 10**6) / 100:.2f}",
            str(chance.randrange(1, 50)),
        )
        record: Texts = {
            "symbol": _text(chance.choice(["SOL_USDC", "BTC_USDC_PERP", "ETH_USDC"])),
            "marketType": _text(chance.choice(["SPOT", "PERP"])),
            "tradeId": str(self._number),
            "orderId": _text(f"h{self._number}"),
            "clientId": chance.choice(["null", '"c"']),
            "userId": str(chance.randrange(40)),
            "brokerId": str(chance.choice([LIVE, LIVE, LIVE, LIVE, LATE, ENDED])),
            "side": _text(chance.choice(["Bid", "Ask"])),
            "isMaker": chance.choice(["true", "false"]),
            "price": _text(price),
            "quantity": _text(quantity),
            "fee": _text(_fee(price, quantity, rate)),
            "feeSymbol": '"USDC"',
            "feeRate": _text(rate),
            "affiliateRate": chance.choice(["null", '"0.1"', '"0"']),
            "systemOrderType": "null",
            "timestamp": _text(
                f"2026-{chance.choice(['08', '09', '10'])}-{chance.randrange(1, 31):02}T12:00:00Z"
            ),
        }
        self._records.append(record)
        del self._records[:-400]
        return dict(record)

    def _edge(self, record: Texts) -> None:
        """One field at an edge of its rule, of another type, or gone."""
        chance = self._chance
        name = chance.choice(_NAMES)
        if chance.random() < 0.25:
            record[name] = chance.choice(_ANYTHING)
        elif chance.random() < 0.1:
            record.pop(name, None)
        elif name in ("tradeId", "userId", "brokerId"):
            record[name] = chance.choice([*_INTEGERS, str(NEVER_ISSUED)])
        else:
            record[name] = _text(
                chance.choice(
                    {
                        "symbol": _SYMBOLS,
                        "marketType": _MARKETS,
                        "side": _SIDES,
                        "feeSymbol": _ASSETS,
                        "timestamp": _MOMENTS,
                        "price": _DECIMALS,
                        "quantity": _DECIMALS,
                        "fee": _DECIMALS,
                        "feeRate": _RATES + _DECIMALS,
                        "affiliateRate": _RATES + _DECIMALS,
                        "isMaker": ["true", "false"],
                    }.get(name, _STRINGS)
                )
            )

    def _good(self) -> bytes:
        return _line(self._record())

    def _one_edge(self) -> bytes:
        record = self._record()
        self._edge(record)
        return _line(record)

    def _two_edges(self) -> bytes:
        record = self._record()
        self._edge(record)
        self._edge(record)
        return _line(record)

    def _fee_edge(self) -> bytes:
        record = self._record()
        price, quantity, rate = (json.loads(record[name]) for name in ("price", "quantity", "feeRate"))
        record["fee"] = _text(_fee(price, quantity, rate, gap=self._chance.choice(_GAPS)))
        return _line(record)

    def _odd_form(self) -> bytes:
        """A record in another order, with blanks, escapes, or members that nobody reads."""
        chance = self._chance
        record = self._record()
        members = [f'"{name}"{chance.choice(["", " ", "  "])}:{text}' for name, text in record.items()]
        if chance.random() < 0.7:
            members.append(
                f"{_text(chance.choice(['extra', 'Symbol', '', 'brokerID']))}:{chance.choice(_ANYTHING)}"
            )
        chance.shuffle(members)
        line = ("{" + chance.choice([",", " , ", "\t,"]).join(members) + "}").encode()
        line = line.replace(b'"symbol"', chance.choice([b'"symbol"', b'"s\\u0079mbol"']))
        return (
            chance.choice([b"", b" ", b"\t", b"\xef\xbb\xbf", b"\r"])
            + line
            + chance.choice([b"", b" ", b"\r", b"\r\r"])
        )

    def _repeated_key(self) -> bytes:
        chance = self._chance
        record = self._record()
        name = chance.choice(_NAMES)
        # Not the longest integers: whether one that does not count is an integer is nobody's question.
        earlier = chance.choice([record[name], '"A"', "1", "null", *_INTEGERS, *_ANYTHING[:8], "[]", "{}"])
        return b'{"%s":%s,%s' % (name.encode(), earlier.encode(), _line(record)[1:])

    def _again(self) -> bytes:
        return self._chance.choice(self._lines) if self._lines else self._good()

    def _same_content(self) -> bytes:
        """A known record in other words."""
        record = self._known()
        record["clientId"] = '"another"'
        for name in ("price", "quantity", "fee"):
            text = json.loads(record[name])
            record[name] = _text(f"0{text}000" if "." in text and text[0] != "-" else text)
        if record["affiliateRate"] == "null":
            record["affiliateRate"] = '"-0.0"'
        return _line(record)

    def _conflict(self) -> bytes:
        record = self._known()
        record["userId"] = "41"
        return _line(record)

    def _known(self) -> Texts:
        return dict(self._chance.choice(self._records)) if self._records else self._record()

    # -- bytes ---------------------------------------------------------------------------------------

    def _damaged(self) -> bytes:
        chance = self._chance
        line = bytearray(self._good())
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(line))
            line[at : at + chance.randrange(3)] = chance.choice([*_JUNK, b"", chance.randbytes(2)])
        return bytes(line[: chance.choice([len(line), chance.randrange(1, len(line) + 1)])])

    def _junk(self) -> bytes:
        return self._chance.choice(
            [self._chance.choice(_JUNK), self._chance.randbytes(self._chance.randrange(1, 300))]
        )

    def _long(self) -> bytes:
        chance = self._chance
        length = chance.randrange(10_000, LONGEST)
        record = self._record()
        kind = chance.randrange(5)
        if kind == 0:
            record["extra"] = _text("x" * length)
        elif kind == 1:
            record["orderId"] = _text("x" * length)
        elif kind == 2:
            record["extra"] = "[" + ",".join(["1"] * (length // 2)) + "]"
        elif kind == 3:
            record["extra"] = "9" * length
        else:
            return chance.randbytes(length)
        return _line(record)


def _line(record: Texts) -> bytes:
    return ("{" + ",".join(f'"{name}":{text}' for name, text in record.items()) + "}").encode()


def _text(value: str) -> str:
    return json.dumps(value)


def _fee(price: str, quantity: str, rate: str, *, gap: str = "0") -> str:
    return format(Decimal(price) * Decimal(quantity) * Decimal(rate) + Decimal(gap), "f")
