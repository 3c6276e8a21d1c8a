"""A calendar month in UTC, half-open: from its first microsecond up to, not including, the next month's."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

#: How the exchange writes an instant: UTC, at most six digits after the second, no offset.
#: Hour 24 is refused here, because newer Pythons take it for midnight of the next day.
INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z?"
_INSTANT = re.compile(INSTANT)
_WRITTEN = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


class NotAMonth(ValueError):
    """The text is not a month written `YYYY-MM`."""


def read_instant(text: str) -> datetime:
    """Read an instant as the exchange writes it. Raises `ValueError` with a sentence for people."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(f"'{text[:40]}' is not a time written YYYY-MM-DDTHH:MM:SSZ")
    try:
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{text} is no date and time that exists") from None


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """ "On the first day of every month, broker tiers are updated and payouts calculated.\""""

    year: int
    number: int

    def __post_init__(self) -> None:
        if not (1 <= self.year <= 9999 and 1 <= self.number <= 12):
            raise NotAMonth(f"{self.year}-{self.number} is not a month")

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `YYYY-MM`; raises `NotAMonth` with a sentence for people."""
        found = _WRITTEN.fullmatch(text)
        if found is None or text.startswith("0000"):
            raise NotAMonth(f"'{text}' is not a month: write it as YYYY-MM, for example 2026-10")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month in which an instant lies, in UTC. The instant must know its zone."""
        if moment.tzinfo is None:
            raise ValueError("a time without a zone has no month")
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def of_date(cls, day: date) -> "Month":
        return cls(day.year, day.month)

    @property
    def first_date(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def starts_at(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant that no longer belongs to the month.

        December 9999 has no next month; its last representable microsecond stands in.
        """
        if (self.year, self.number) == (9999, 12):
            return datetime.max.replace(tzinfo=UTC)
        return self.next().starts_at

    def next(self) -> "Month":
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    def previous(self) -> "Month":
        if self.number == 1:
            return Month(self.year - 1, 12)
        return Month(self.year, self.number - 1)

    def is_over(self, now: datetime) -> bool:
        return now >= self.ends_at

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"
