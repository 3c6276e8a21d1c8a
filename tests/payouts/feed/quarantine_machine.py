"""Records in quarantine, in whatever order Hypothesis likes, beside a model that knows the contract's text.

Each example is one transaction that is rolled back: nothing of the feed can be emptied.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from payouts import books
from payouts.feed import replaying, setting_aside, tally
from payouts.feed.invariants import INVARIANTS
from payouts.feed.replaying import NothingToReplay
from payouts.feed.setting_aside import NotDiscarded, NotWaiting
from payouts.models import QuarantinePlace
from payouts.month import Month
from payouts.program.terms import Terms, terms_for
from tests import make
from tests.payouts.desk.standing_acts import person
from tests.payouts.feed.waiting import rows

#: Enrolled at first, on demand, and never.
CODES = (1400, 1500, 1600)
#: When each begins; a fill is of one of these days.
ENROLLED = {1400: 10, 1500: 12, 1600: 14}
DAYS = (9, 11, 13, 15)
NEW_MARKET = "OPTION"
#: What is wrong with a line that cannot be read; each line is another one.
MALFORMED = "malformed"
REASONS = (
    MALFORMED, "missing_trade_id", "conflict", "unknown_market_type", "unknown_broker", "unpriced_quote",
    "unpriced_fee", "fee_mismatch", "before_enrolment", "future_timestamp",
)  # fmt: skip


@dataclass(frozen=True)
class Sent:
    """What a line says, as far as the contract's rules care."""

    key: int | None
    code: int = 1400
    day: int = 15
    market: str = "SPOT"
    quote: str = "USDC"
    fee_symbol: str = "USDC"
    is_wrong_fee: bool = False
    is_ahead: bool = False
    system: bool = False
    #: Not content.
    client: int = 0
    is_malformed: bool = False

    @property
    def content(self) -> "Sent":
        return replace(self, client=0, day=0 if self.is_ahead else self.day)

    def line(self) -> bytes:
        # The symbol is of the key, so that two keys never meet and the quote is content.
        day = "2026-12-01" if self.is_ahead else f"2026-11-{self.day:02d}"
        whole = make.record(
            tradeId=self.key, orderId="o", symbol=f"S{self.quote}_{self.quote}", brokerId=self.code,
            marketType=self.market, feeSymbol=self.fee_symbol, timestamp=f"{day}T12:00:00Z",
            fee="7" if self.is_wrong_fee else "0.1", systemOrderType="x" if self.system else None,
            clientId=str(self.client),
        )  # fmt: skip
        return json.dumps(whole).encode() + (b"}" if self.is_malformed else b"")

    @property
    def natural(self) -> tuple[str, int] | None:
        return None if self.key is None else (self.quote, self.key)


def batch_of(seed: int) -> list[Sent]:
    """A rich batch from a seed: Hypothesis' own would nearly always be the simplest there is."""
    chance = Random(seed)

    def sometimes(share: float = 0.2) -> bool:
        return chance.random() < share

    return [
        Sent(
            key=None if sometimes(0.1) else chance.randint(1, 8),
            code=chance.choice(CODES),
            day=chance.choice(DAYS),
            market=chance.choice(["SPOT", "SPOT", "SPOT", NEW_MARKET, NEW_MARKET, "RFQ"]),
            quote="EUR" if sometimes(0.1) else "USDC",
            fee_symbol="SOL" if sometimes(0.1) else "USDC",
            is_wrong_fee=sometimes(0.1),
            is_ahead=sometimes(),
            system=sometimes(0.1),
            client=chance.randint(0, 2),
            is_malformed=sometimes(0.1),
        )
        for _ in range(chance.randint(2, 8))
    ]


seeds = st.integers(0, 2**32)
chances = seeds.map(Random)


#: Invariants of which every act here moves both sides.
OWN = (
    "received = accepted + duplicate + excluded + quarantined",
    "the tally = where records are",
    "a record in quarantine is where its changes put it",
)


class Model:
    """Where each record is, by the contract's text alone."""

    def __init__(self) -> None:
        self.enrolled: set[int] = {1400}
        self.knows_new_market = False
        self.is_december = False
        self.keys: dict[tuple[str, int], Sent] = {}
        #: In order of receipt: what, its state and its reason, and the reason it waited for last.
        self.waiting: list[list[Any]] = []
        self.ever: set[bytes] = set()
        self.places: dict[tuple[str, str], int] = {}
        self.received = 0

    def count(self, place: str, reason: str, records: int = 1) -> None:
        self.places[place, reason] = self.places.get((place, reason), 0) + records

    def rules(self, sent: Sent) -> tuple[str, str]:
        """Rules 2 to 10."""
        if sent.key is None or sent.natural is None:
            return "quarantined", "missing_trade_id"
        if sent.natural in self.keys:
            same = self.keys[sent.natural].content == sent.content
            return ("duplicate", "") if same else ("quarantined", "conflict")
        found = self.alone(sent)
        if found[0] != "quarantined":
            self.keys[sent.natural] = sent
        return found

    def alone(self, sent: Sent) -> tuple[str, str]:
        if sent.system:
            return "excluded", "system_order"
        if sent.market == "RFQ":
            return "excluded", "market_type"
        checks = (
            ("unknown_market_type", sent.market == NEW_MARKET and not self.knows_new_market),
            ("unknown_broker", sent.code not in self.enrolled),
            ("unpriced_quote", sent.quote == "EUR"),
            ("unpriced_fee", sent.fee_symbol == "SOL"),
            ("fee_mismatch", sent.is_wrong_fee),
            ("before_enrolment", not sent.is_ahead and sent.day < ENROLLED[sent.code]),
            ("future_timestamp", sent.is_ahead and not self.is_december),
        )
        return next((("quarantined", reason) for reason, holds in checks if holds), ("accepted", ""))

    def take_in(self, batch: list[Sent], lines: list[bytes]) -> None:
        for sent, line in zip(batch, lines, strict=True):
            self.received += 1
            if line in self.ever:
                self.count("duplicate", "")
                continue
            claimed = set(self.keys)
            place, reason = ("quarantined", MALFORMED) if sent.is_malformed else self.rules(sent)
            self.count(place, reason)
            if place == "quarantined":
                self.ever.add(line)
                self.waiting.append([sent, "waiting", reason, reason])
            self.close(set(self.keys) - claimed)

    def close(self, claimed: set[tuple[str, int]]) -> None:
        """A corrected record closes those with its key that came before it, also in the same batch."""
        for each in self.waiting:
            is_corrected = each[0].natural in claimed and not each[0].is_malformed
            if is_corrected and each[1] == "waiting" and each[2] != "conflict":
                self.discard(each)

    def discard(self, each: list[Any]) -> None:
        self.count("quarantined", each[2], -1)
        self.count("excluded", "discarded")
        each[1:] = ["discarded", "discarded", each[2]]

    def reopen(self, each: list[Any]) -> None:
        self.count("excluded", "discarded", -1)
        self.count("quarantined", each[3])
        each[1:] = ["waiting", each[3], each[3]]

    def replay(self, chosen: list[list[Any]]) -> None:
        for each in chosen:
            if each[1] != "waiting" or each[2] == MALFORMED:
                continue
            place, reason = self.rules(each[0])
            self.count("quarantined", each[2], -1)
            self.count(place, reason)
            each[1:] = ["waiting" if place == "quarantined" else place, reason, reason]


class Quarantine(RuleBasedStateMachine):
    """The acts of exchange and staff. After each the tally and the places are as the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example._from_testcase = True  # type: ignore[attr-defined]  # as Django's own tests
        self.example.__enter__()
        self.model = Model()
        self.sent: list[tuple[Sent, bytes]] = []
        self.by = person()

    def teardown(self) -> None:
        try:
            assert [each.invariant for each in books.breaches()] == []
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @property
    def now(self) -> datetime:
        return (
            datetime(2026, 12, 2, tzinfo=UTC)
            if self.model.is_december
            else datetime(2026, 11, 20, tzinfo=UTC)
        )

    def terms(self, month: Month) -> Terms:
        terms = terms_for(month)
        if not self.model.knows_new_market:
            return terms
        return replace(terms, markets={**terms.markets, NEW_MARKET: "futures"})

    def take_in(self, batch: list[Sent], lines: list[bytes]) -> None:
        make.take_in(lines, now=self.now, terms=self.terms)
        self.model.take_in(batch, lines)

    def numbers(self) -> list[int]:
        return list(QuarantinePlace.objects.order_by("pk").values_list("pk", flat=True))

    @initialize(seed=seeds)
    def begins(self, seed: int) -> None:
        self.enrol(1400)
        self.come(batch_of(seed) + batch_of(seed + 1))

    @rule(seed=seeds)
    def comes(self, seed: int) -> None:
        self.come(batch_of(seed))

    def come(self, batch: list[Sent]) -> None:
        lines = [each.line() for each in batch]
        self.sent += zip(batch, lines, strict=True)
        self.take_in(batch, lines)

    @rule(choice=chances)
    def comes_again(self, choice: Any) -> None:
        if self.sent:
            batch = [choice.choice(self.sent) for _ in range(choice.randint(1, 4))]
            self.take_in([sent for sent, _ in batch], [line for _, line in batch])

    @rule(choice=chances, client=st.integers(3, 9))
    def comes_corrected(self, choice: Any, client: int) -> None:
        if self.sent:
            sent, _ = choice.choice(self.sent)
            right = replace(
                sent, code=1400, day=15, market="SPOT", fee_symbol="USDC", is_wrong_fee=False, is_ahead=False,
                is_malformed=False, client=client,
            )  # fmt: skip
            self.come([right])

    @rule(code=st.sampled_from(CODES[1:]))
    def is_enrolled(self, code: int) -> None:
        self.enrol(code)

    def enrol(self, code: int) -> None:
        make.broker(code=code, enrolled_at=datetime(2026, 11, ENROLLED[code], tzinfo=UTC))
        self.model.enrolled.add(code)

    @rule()
    def terms_change(self) -> None:
        self.model.knows_new_market = True

    @rule()
    def time_goes_on(self) -> None:
        self.model.is_december = True

    @rule(reason=st.sampled_from(["", "unknown_broker", *REASONS]))
    def are_replayed(self, reason: str) -> None:
        chosen = [each for each in self.model.waiting if not reason or each[2] == reason]
        self.replay(chosen, reason=reason)

    @rule(code=st.sampled_from(CODES[1:]))
    def causes_go_and_all_are_replayed(self, code: int) -> None:
        self.enrol(code)
        self.model.knows_new_market = self.model.is_december = True
        self.replay(list(self.model.waiting))

    @rule(choice=chances)
    def one_is_replayed(self, choice: Any) -> None:
        if self.model.waiting:
            at = choice.randrange(len(self.model.waiting))
            self.replay([self.model.waiting[at]], record=self.numbers()[at])

    def replay(self, chosen: list[list[Any]], **asked: Any) -> None:
        can = [each for each in chosen if each[1] == "waiting" and each[2] != MALFORMED]
        try:
            number = replaying.ask(by=self.by, now=self.now, **asked)
        except NothingToReplay:
            assert can == []
            return
        replaying.work(clock=lambda: self.now, terms=self.terms)
        done = replaying.progress(number)
        assert done is not None
        assert (done.looked_at, done.left, done.finished_at) == (len(can), 0, self.now)
        self.model.replay(chosen)

    @rule(choice=chances, reason=st.sampled_from([None, *REASONS]))
    def are_discarded(self, choice: Any, reason: str | None) -> None:
        waiting = self.model.waiting
        if reason is None:
            chosen = choice.sample(range(len(waiting)), min(2, len(waiting)))
        else:
            chosen = [at for at, each in enumerate(waiting) if each[1:3] == ["waiting", reason]]
        numbers = self.numbers()
        given = [numbers[at] for at in chosen] if reason is None else None
        with suppress(NotWaiting):
            setting_aside.discard(records=given, reason=reason or "", note="junk", by=self.by, now=self.now)
            for at in chosen:
                assert waiting[at][1] == "waiting"
                self.model.discard(waiting[at])

    @rule(choice=chances)
    def are_reopened(self, choice: Any) -> None:
        waiting = self.model.waiting
        chosen = choice.sample(range(len(waiting)), min(2, len(waiting)))
        numbers = self.numbers()
        with suppress(NotDiscarded):
            setting_aside.reopen(
                records=[numbers[at] for at in chosen], note="a mistake", by=self.by, now=self.now
            )
            for at in chosen:
                assert waiting[at][1] == "discarded"
                self.model.reopen(waiting[at])

    @invariant()
    def the_tally_and_the_places_are_those_of_the_model(self) -> None:
        found = tally.read()
        assert found.received == self.model.received
        assert found.received == sum(self.model.places.values())
        told = {("accepted", ""): found.accepted, ("duplicate", ""): found.duplicate}
        told |= {("excluded", reason): records for reason, records in found.excluded.items()}
        told |= {("quarantined", reason): records for reason, records in found.quarantined.items()}
        assert {name: n for name, n in told.items() if n} == {
            name: n for name, n in self.model.places.items() if n
        }
        places = QuarantinePlace.objects.order_by("pk").values_list("state", "reason")
        assert list(places) == [(each[1], each[2]) for each in self.model.waiting]

    @invariant()
    def the_books_of_the_quarantine_hold(self) -> None:
        """The others are asked once, at the end of each example."""
        for name in OWN:
            assert (name, rows(INVARIANTS[name].query)) == (name, [])
