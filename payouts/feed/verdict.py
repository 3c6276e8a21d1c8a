"""What becomes of a readable record on its own: accepted, excluded or quarantined. Pure.

Whether its natural key is already known comes before these rules and is the intake's to answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from payouts.feed.record import Record
from payouts.month import Month
from payouts.program.terms import Market, Terms

Outcome = Literal["accepted", "duplicate", "excluded", "quarantined"]

#: How far ahead of the clock a fill may be before it waits: clocks differ, time travel does not happen.
AHEAD_OF_THE_CLOCK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """From when and until when a code's fills count; times are UTC without a zone, as in records."""

    enrolled_at: datetime
    terminated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    reason: str = ""
    #: What an accepted fill counts as.
    market: Market | None = None


_ACCEPTED: dict[Market, Verdict] = {
    "spot": Verdict("accepted", market="spot"),
    "futures": Verdict("accepted", market="futures"),
}
MISSING_TRADE_ID = Verdict("quarantined", "missing_trade_id")
CONFLICT = Verdict("quarantined", "conflict")
MALFORMED = Verdict("quarantined", "malformed")
DUPLICATE = Verdict("duplicate")
_SYSTEM_ORDER = Verdict("excluded", "system_order")
_MARKET_TYPE = Verdict("excluded", "market_type")
_TERMINATED = Verdict("excluded", "terminated")
_UNKNOWN_MARKET_TYPE = Verdict("quarantined", "unknown_market_type")
_UNKNOWN_BROKER = Verdict("quarantined", "unknown_broker")
_UNPRICED_QUOTE = Verdict("quarantined", "unpriced_quote")
_UNPRICED_FEE = Verdict("quarantined", "unpriced_fee")
_FEE_MISMATCH = Verdict("quarantined", "fee_mismatch")
_BEFORE_ENROLMENT = Verdict("quarantined", "before_enrolment")
_FUTURE_TIMESTAMP = Verdict("quarantined", "future_timestamp")


class Judge:
    """Rules 4 to 10 of the feed contract, with the brokers, terms and clock of one intake."""

    def __init__(
        self,
        *,
        brokers: Mapping[int, Enrolment],
        terms_for: Callable[[Month], Terms],
        now: datetime,
    ) -> None:
        """`now` is UTC without a zone, like the records' times."""
        self._brokers = brokers
        self._terms_for = terms_for
        self._latest = now + AHEAD_OF_THE_CLOCK
        self._terms_by_month: dict[tuple[int, int], Terms] = {}

    def _terms(self, executed_at: datetime) -> Terms:
        month = (executed_at.year, executed_at.month)
        terms = self._terms_by_month.get(month)
        if terms is None:
            terms = self._terms_by_month[month] = self._terms_for(Month(*month))
        return terms

    def decide(self, record: Record) -> Verdict:
        """ "API Volume is the spot and futures trading volume from orders submitted via API with the
        unique broker code of each API Broker as the API request header."
        """
        if record.system_order_type is not None:
            return _SYSTEM_ORDER  # the exchange made the order, not a broker
        terms = self._terms(record.executed_at)
        market = terms.markets.get(record.market_type)
        if market is None:
            if record.market_type in terms.excluded_market_types:
                return _MARKET_TYPE
            return _UNKNOWN_MARKET_TYPE
        enrolment = self._brokers.get(record.broker)
        if enrolment is None:
            return _UNKNOWN_BROKER
        if record.quote not in terms.dollar_assets:
            return _UNPRICED_QUOTE
        if record.fee_symbol not in terms.dollar_assets:
            return _UNPRICED_FEE
        if record.fee_gap > terms.fee_tolerance:
            return _FEE_MISMATCH
        return self._by_time(record.executed_at, enrolment) or _ACCEPTED[market]

    def _by_time(self, executed_at: datetime, enrolment: Enrolment) -> Verdict | None:
        if executed_at < enrolment.enrolled_at:
            return _BEFORE_ENROLMENT
        if enrolment.terminated_at is not None and executed_at >= enrolment.terminated_at:
            return _TERMINATED
        if executed_at > self._latest:
            return _FUTURE_TIMESTAMP
        return None
