"""The ways in which a question about credits goes wrong, as told by a test or by whoever shows the demo.

    exchange.faults.will(Fault.TIMES_OUT_AFTER)                       # the next credit, once
    exchange.faults.will(Fault.ERROR_BEFORE, Fault.BUSY, on="lookup")    # the next two lookups
    exchange.faults.always["list"] = Fault.DOWN                       # until it is taken away again
    exchange.faults.of_account["BP-1400"] = Fault.TWICE               # every credit to that account

What was queued comes first, then what always happens, then what belongs to the account.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

import msgspec

from portal.simulator import credit_wires as wires
from portal.simulator.credit_wires import Wire
from portal.simulator.credits import Booking, Credit, Credits, as_asked, credit_id

OPERATIONS = ("credit", "lookup", "list")
#: Who is credited instead.
OTHER_ACCOUNT_ID = "BP-909999"


class Fault(Enum):
    """BEFORE: nothing was done. AFTER: all was done, only its answer is lost."""

    DOWN = "the connection ends without an answer; nothing is done"
    RESET_BEFORE = "the connection is reset; nothing is done"
    RESET_AFTER = "credits, then resets the connection"
    TIMES_OUT_BEFORE = "no answer, ever; nothing is done"
    TIMES_OUT_AFTER = "credits, then gives no answer, ever"
    ERROR_BEFORE = "status 500; nothing is done"
    ERROR_AFTER = "credits, then says status 500"
    BUSY = "status 429; nothing is done"
    BARE_404 = "a proxy's 404, which knows nothing of credits; nothing is done"
    GARBAGE_BEFORE = "status 200 with JSON that is no answer; nothing is done"
    GARBAGE_AFTER = "credits, then says status 200 with JSON that is no answer"
    DRIBBLE = "credits, then a byte of the answer now and then"
    CUT = "credits, then half of the answer that was announced"
    LATE_ANSWER = "credits, and answers when nobody waits for it any more"
    LATE_CREDIT = "credits only when nobody waits for an answer any more"
    UNSEEN = "credits, then resets the connection; looked for by its key it is not found at first"
    KEY_FORGOTTEN = "credits, then resets the connection and forgets the key; a lookup: knows no such key"
    OTHER_AMOUNT = "credits a cent too much, and says so"
    OTHER_AMOUNT_UNSAID = "credits a cent too much, and says what was asked for"
    OTHER_ACCOUNT = "credits another account, and says so"
    TWICE = "credits twice under one key, and says so once"
    ONLY_SAYS = "says that it credited, and did not"
    OTHER_KEY = "credits, and answers about another key"
    REJECTS = "rejects, and says so"
    REJECTS_UNSAID = "rejects, then resets the connection"


@dataclass(frozen=True, slots=True)
class Way:
    """How one question is handled."""

    wire: Wire = wires.say
    #: Whether what was asked is done at all.
    is_done: bool = True
    #: Whether it is done only when whoever asked has gone.
    is_late: bool = False
    booking: Booking = as_asked
    rejecting: str = ""
    #: What happens to the key when all is done.
    then: Callable[[Credits, str], None] = lambda credits, key: None
    on: tuple[str, ...] = ("credit",)


def _cent_more(credit: Credit) -> Credit:
    return msgspec.structs.replace(credit, amount=credit.amount + Decimal("0.01"))


def _other_amount(credit: Credit) -> tuple[list[Credit], Credit]:
    return [_cent_more(credit)], _cent_more(credit)


def _other_amount_unsaid(credit: Credit) -> tuple[list[Credit], Credit]:
    return [_cent_more(credit)], credit


def _other_account(credit: Credit) -> tuple[list[Credit], Credit]:
    other = msgspec.structs.replace(credit, account_id=OTHER_ACCOUNT_ID)
    return [other], other


def _twice(credit: Credit) -> tuple[list[Credit], Credit]:
    again = msgspec.structs.replace(credit, credit_id=credit_id(int(credit.credit_id[3:]) + 1))
    return [credit, again], credit


def _only_says(credit: Credit) -> tuple[list[Credit], Credit]:
    return [], credit


AS_IT_SHOULD = Way()
_ANY = OPERATIONS
WAYS: dict[Fault, Way] = {
    Fault.DOWN: Way(wires.end, is_done=False, on=_ANY),
    Fault.RESET_BEFORE: Way(wires.reset, is_done=False, on=_ANY),
    Fault.RESET_AFTER: Way(wires.reset),
    Fault.TIMES_OUT_BEFORE: Way(wires.wait, is_done=False, on=_ANY),
    Fault.TIMES_OUT_AFTER: Way(wires.wait),
    Fault.ERROR_BEFORE: Way(wires.error, is_done=False, on=_ANY),
    Fault.ERROR_AFTER: Way(wires.error),
    Fault.BUSY: Way(wires.busy, is_done=False, on=_ANY),
    Fault.BARE_404: Way(wires.bare_404, is_done=False, on=_ANY),
    Fault.GARBAGE_BEFORE: Way(wires.garbage, is_done=False, on=_ANY),
    Fault.GARBAGE_AFTER: Way(wires.garbage),
    Fault.DRIBBLE: Way(wires.dribble, on=_ANY),
    Fault.CUT: Way(wires.cut, on=_ANY),
    Fault.LATE_ANSWER: Way(wires.say_late, on=_ANY),
    Fault.LATE_CREDIT: Way(is_late=True),
    Fault.UNSEEN: Way(wires.reset, then=lambda credits, key: credits.hide(key, looks=2)),
    Fault.KEY_FORGOTTEN: Way(wires.reset, then=lambda credits, key: credits.forget(key)),
    Fault.OTHER_AMOUNT: Way(booking=_other_amount),
    Fault.OTHER_AMOUNT_UNSAID: Way(booking=_other_amount_unsaid),
    Fault.OTHER_ACCOUNT: Way(booking=_other_account),
    Fault.TWICE: Way(booking=_twice),
    Fault.ONLY_SAYS: Way(booking=_only_says),
    Fault.OTHER_KEY: Way(wires.about_another, on=("credit", "lookup")),
    Fault.REJECTS: Way(rejecting="ACCOUNT_RESTRICTED"),
    Fault.REJECTS_UNSAID: Way(wires.reset, rejecting="ACCOUNT_RESTRICTED"),
}
#: What a lookup does instead of what a credit does.
_OF_LOOKUPS = {Fault.KEY_FORGOTTEN: Way(wires.not_found, on=("lookup",))}


#: Account ids to which no credit goes well, each in its own way.
EXAMPLES = {
    "BP-960001": Fault.TIMES_OUT_AFTER,
    "BP-960002": Fault.TIMES_OUT_BEFORE,
    "BP-960003": Fault.OTHER_AMOUNT,
    "BP-960004": Fault.TWICE,
    "BP-960005": Fault.ONLY_SAYS,
}


class Faults:
    """What goes wrong next: first what was queued, else what always does, else by account, else nothing."""

    def __init__(self) -> None:
        self.always: dict[str, Fault] = {}
        self.of_account: dict[str, Fault] = dict(EXAMPLES)
        self._next: dict[str, deque[Fault | None]] = {operation: deque() for operation in OPERATIONS}
        self._lock = threading.Lock()

    def will(self, *faults: Fault | None, on: str = "credit") -> None:
        """The next questions of the kind go wrong so, one each; None goes well.

        Raises `ValueError` for what cannot happen to a question of the kind.
        """
        for fault in faults:
            _way_of(fault, on)
        with self._lock:
            self._next[on] += faults

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self.always.clear()
            self.of_account.clear()
            for each in self._next.values():
                each.clear()

    def take(self, on: str, account_id: str = "") -> Way:
        """How the next question of the kind, or credit to the account, is handled."""
        with self._lock:
            usual = self.always.get(on) or self.of_account.get(account_id)
            fault = self._next[on].popleft() if self._next[on] else usual
        return _way_of(fault, on)


def _way_of(fault: Fault | None, on: str) -> Way:
    if fault is None:
        return AS_IT_SHOULD
    way = _OF_LOOKUPS.get(fault, WAYS[fault]) if on == "lookup" else WAYS[fault]
    if on not in way.on:
        raise ValueError(f"{fault.name} is nothing that happens to a {on}")
    return way


def faults_of(on: str) -> list[Fault]:
    """All that can happen to a question of the kind."""
    return [fault for fault in Fault if on in WAYS[fault].on or (on == "lookup" and fault in _OF_LOOKUPS)]
