"""The simulated exchange's own list of credits: idempotent by key for a day, on disk when told a file."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec

from portal.simulator.accounts import Accounts

#: How long a key is known. After that it credits again: that is the danger of an old key.
KEYS_ARE_KNOWN_FOR = timedelta(hours=24)


class Credit(msgspec.Struct, frozen=True, tag="credited"):
    """One row of the list. `amount` is US dollars."""

    credit_id: str
    key: str
    account_id: str
    amount: Decimal
    reference: str
    credited_at: datetime


class Rejection(msgspec.Struct, frozen=True, tag="rejected"):
    key: str
    code: str
    message: str


class Order(msgspec.Struct, frozen=True):
    """What somebody asks to have credited."""

    key: str
    account_id: str
    amount: Decimal
    reference: str


class _Entry(msgspec.Struct, frozen=True, tag="entry"):
    """What one order led to: what is listed, and what is answered to whoever brings its key again."""

    order: Order
    listed: list[Credit]
    answer: Credit | Rejection
    at: datetime


class _Forgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    key: str


@dataclass(slots=True)
class _Unseen:
    looks: int
    until: datetime


class KeyReused(Exception):
    """The key came with other content before."""


#: Turns a credit as it should be into what is listed, and what is said.
Booking = Callable[[Credit], tuple[list[Credit], Credit]]
_event = msgspec.json.Decoder(_Entry | _Forgotten)


def as_asked(credit: Credit) -> tuple[list[Credit], Credit]:
    return [credit], credit


class Credits:
    """The list. Threads may share it; a file may have one."""

    def __init__(
        self, *, clock: Callable[[], datetime], accounts: Accounts, file: Path | None = None
    ) -> None:
        self._clock = clock
        self._accounts = accounts
        self._file = file
        self._lock = threading.RLock()
        self._listed: list[Credit] = []
        self._known: dict[str, _Entry] = {}
        self._unseen: dict[str, _Unseen] = {}
        self._last_number = 0
        if file is not None:
            self._read(file)

    def listed(self) -> list[Credit]:
        """Every credit ever made, in order."""
        with self._lock:
            return list(self._listed)

    def take(self, order: Order, *, booking: Booking = as_asked, rejecting: str = "") -> Credit | Rejection:
        """Credit, or reject, or say again what was said under this key. Raises `KeyReused`.

        `rejecting` is a code with which an order is rejected that would be credited otherwise.
        """
        with self._lock:
            known = self._known_now(order.key)
            if known is not None:
                if known.order != order:
                    raise KeyReused
                return known.answer
            now, code = self._clock(), self._accounts.why_no_credit(order.account_id) or rejecting
            listed: list[Credit] = []
            answer: Credit | Rejection
            if code:
                answer = Rejection(order.key, code, _MESSAGES[code])
            else:
                listed, answer = booking(self._next(order, now))
            self._note(_Entry(order, listed, answer, now))
            return answer

    def find(self, key: str) -> Credit | Rejection | None:
        """What is said to whoever looks for a key; None when it is not known, no longer, or not seen yet."""
        with self._lock:
            unseen = self._unseen.get(key)
            if unseen is not None:
                if unseen.looks > 0 or self._clock() < unseen.until:
                    unseen.looks -= 1
                    return None
                del self._unseen[key]
            known = self._known_now(key)
            return known.answer if known else None

    def page(
        self, *, since: datetime, until: datetime, after: str, most: int
    ) -> tuple[list[Credit], bool] | None:
        """A page of the list and whether there is more; None if there is no credit `after`."""
        listed = self.listed()
        if after:
            place = next((n for n, each in enumerate(listed) if each.credit_id == after), None)
            if place is None:
                return None
            listed = listed[place + 1 :]
        wanted = [each for each in listed if since <= each.credited_at < until]
        return wanted[:most], len(wanted) > most

    def book(self, order: Order) -> Credit:
        """List a credit that the exchange made by itself: nobody asked for it over the door."""
        with self._lock:
            now = self._clock()
            made = self._next(order, now)
            self._note(_Entry(order, [made], made, now))
            return made

    def forget(self, key: str) -> None:
        """The key is known no more; what was credited under it stays listed."""
        with self._lock:
            self._note(_Forgotten(key))

    def hide(self, key: str, *, looks: int = 0, seconds: float = 0) -> None:
        """Looked for by its key it is not found, for so many looks and so long. Not kept in the file."""
        with self._lock:
            self._unseen[key] = _Unseen(looks, self._clock() + timedelta(seconds=seconds))

    def _next(self, order: Order, now: datetime) -> Credit:
        number = self._last_number + 1
        return Credit(
            credit_id(number), order.key, order.account_id, order.amount, order.reference, credited_at=now
        )

    def _known_now(self, key: str) -> _Entry | None:
        known = self._known.get(key)
        return known if known and self._clock() < known.at + KEYS_ARE_KNOWN_FOR else None

    def _note(self, event: _Entry | _Forgotten) -> None:
        """On disk first: what was answered once is never gone after a restart."""
        if self._file is not None:
            with self._file.open("ab") as stream:
                stream.write(msgspec.json.encode(event) + b"\n")
                stream.flush()
                os.fsync(stream.fileno())
        self._apply(event)

    def _apply(self, event: _Entry | _Forgotten) -> None:
        if isinstance(event, _Forgotten):
            self._known.pop(event.key, None)
            return
        self._known[event.order.key] = event
        self._listed += event.listed
        named = [*event.listed, event.answer]
        numbers = [int(each.credit_id[3:]) for each in named if isinstance(each, Credit)]
        self._last_number = max([self._last_number, *numbers])

    def _read(self, file: Path) -> None:
        """A last line that broke off was never answered: it is cut away."""
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = file.read_bytes() if file.exists() else b""
        whole = kept[: kept.rfind(b"\n") + 1]
        if whole != kept:
            os.truncate(file, len(whole))
        for line in whole.splitlines():
            self._apply(_event.decode(line))


def credit_id(number: int) -> str:
    return f"CR-{number:09d}"


_MESSAGES = {
    "ACCOUNT_NOT_FOUND": "There is no account with this id.",
    "ACCOUNT_CLOSED": "The account is closed.",
    "ACCOUNT_RESTRICTED": "The account takes no credits at the moment.",
}
