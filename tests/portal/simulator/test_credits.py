"""The simulated exchange's list of credits: one a key and day, never changed, kept on disk, paged."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings as of_hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from portal.simulator.accounts import Accounts
from portal.simulator.credits import Credit, Credits, KeyReused, Order, Rejection

NOW = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
ORDER = Order("key", "BP-900001", Decimal("12.50"), "Broker rebate 2026-10")
CREDIT = Credit("CR-000000001", "key", "BP-900001", Decimal("12.50"), "Broker rebate 2026-10", NOW)


def credits(file: Path | None = None, *, now: list[datetime] | None = None) -> Credits:
    moment = now if now is not None else [NOW]
    return Credits(clock=lambda: moment[0], accounts=Accounts(clock=lambda: moment[0]), file=file)


def to(order: Order, **changes: Any) -> Order:
    return msgspec.structs.replace(order, **changes)


def test_a_key_credits_once_and_says_so_again() -> None:
    book = credits()

    assert book.find("key") is None
    assert [book.take(ORDER) for _ in range(3)] == [CREDIT] * 3
    assert book.find("key") == CREDIT
    assert book.listed() == [CREDIT]


def test_a_key_is_forgotten_after_a_day_and_credits_again() -> None:
    now = [NOW]
    book = credits(now=now)
    book.take(ORDER)

    now[0] = NOW + DAY - timedelta(microseconds=1)
    assert (book.take(ORDER), book.find("key")) == (CREDIT, CREDIT)
    now[0] = NOW + DAY
    assert book.find("key") is None
    again = msgspec.structs.replace(CREDIT, credit_id="CR-000000002", credited_at=NOW + DAY)
    assert book.take(ORDER) == again
    assert book.listed() == [CREDIT, again]


@pytest.mark.parametrize(
    "changes", [{"amount": Decimal("12.51")}, {"account_id": "BP-900002"}, {"reference": ""}], ids=str
)
def test_a_key_never_credits_other_content(changes: dict[str, Any]) -> None:
    book = credits()
    book.take(ORDER)

    with pytest.raises(KeyReused):
        book.take(to(ORDER, **changes))
    assert book.listed() == [CREDIT]


def test_an_account_that_takes_no_credits_is_rejected_for_as_long_as_the_key_is_known() -> None:
    now = [NOW]
    accounts = Accounts(clock=lambda: NOW)
    book = Credits(clock=lambda: now[0], accounts=accounts)
    accounts.restrict("BP-900001")
    rejected = Rejection("key", "ACCOUNT_RESTRICTED", "The account takes no credits at the moment.")

    assert book.take(ORDER) == rejected
    accounts.reopen("BP-900001")
    assert (book.take(ORDER), book.find("key"), book.listed()) == (rejected, rejected, [])
    now[0] += DAY
    assert isinstance(book.take(ORDER), Credit)


@pytest.mark.parametrize(
    ("account_id", "code"),
    [
        ("BP-900001", ""),
        ("BP-910001", ""),
        ("BP-920001", ""),
        ("BP-940001", "ACCOUNT_NOT_FOUND"),
        ("ACC01400", "ACCOUNT_NOT_FOUND"),
        ("BP-950001", "ACCOUNT_CLOSED"),
    ],
)
def test_which_accounts_take_credits(account_id: str, code: str) -> None:
    accounts = Accounts(clock=lambda: NOW)
    assert accounts.why_no_credit(account_id) == code

    accounts.all_exist = True
    assert accounts.why_no_credit("ACC01400") == ""
    accounts.close("ACC01400")
    assert accounts.why_no_credit("ACC01400") == "ACCOUNT_CLOSED"
    accounts.forget("ACC01400")
    assert accounts.why_no_credit("ACC01400") == "ACCOUNT_NOT_FOUND"


def test_a_key_may_be_hidden_for_some_looks_or_some_time_and_still_credits_once() -> None:
    now = [NOW]
    book = credits(now=now)
    book.take(ORDER)

    book.hide("key", looks=2)
    assert [book.find("key") for _ in range(4)] == [None, None, CREDIT, CREDIT]
    book.hide("key", seconds=30)
    assert book.take(ORDER) == CREDIT
    assert book.find("key") is None
    now[0] += timedelta(seconds=30)
    assert book.find("key") == CREDIT
    assert book.listed() == [CREDIT]


def test_a_page_goes_on_after_the_credit_that_was_seen_last() -> None:
    now = [NOW]
    book = credits(now=now)
    made = []
    for number in range(4):
        made.append(book.book(to(ORDER, key=f"key {number}")))
        now[0] += timedelta(hours=1)
    until = NOW + timedelta(hours=3)

    assert book.page(since=NOW, until=until, after="", most=2) == (made[:2], True)
    assert book.page(since=NOW, until=until, after="CR-000000002", most=2) == (made[2:3], False)
    assert book.page(since=NOW, until=until, after="CR-000000003", most=2) == ([], False)
    assert book.page(since=NOW, until=until, after="CR-7", most=2) is None


def test_a_file_keeps_everything_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "exchange" / "credits.ndjson"
    book = credits(file)
    book.take(ORDER)
    rejected = book.take(to(ORDER, key="closed", account_id="BP-950001"))
    book.take(to(ORDER, key="forgotten"))
    book.forget("forgotten")

    again = credits(file)

    assert again.listed() == book.listed()
    assert (again.find("key"), again.find("closed"), again.find("forgotten")) == (CREDIT, rejected, None)
    assert again.take(ORDER) == CREDIT
    assert isinstance(made := again.take(to(ORDER, key="new")), Credit)
    assert made.credit_id == "CR-000000003"


def test_a_line_that_broke_off_was_never_answered_and_is_cut_away(tmp_path: Path) -> None:
    file = tmp_path / "credits.ndjson"
    credits(file).take(ORDER)
    kept = file.read_bytes()
    with file.open("ab") as stream:
        stream.write(kept[: len(kept) // 2])

    again = credits(file)
    assert (again.listed(), file.read_bytes()) == ([CREDIT], kept)
    again.take(to(ORDER, key="next"))
    assert [each.key for each in credits(file).listed()] == ["key", "next"]


class AnyOrder(RuleBasedStateMachine):
    """Whatever is sent however often: within a day one key credits once, and nothing listed ever changes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = [NOW]
        self.book = credits(now=self.now)
        self.before: list[Credit] = []

    @rule(
        key=st.sampled_from("abc"),
        account=st.sampled_from(["BP-900001", "BP-900002", "BP-940001"]),
        cents=st.integers(1, 3),
    )
    def send(self, key: str, account: str, cents: int) -> None:
        order = Order(key, account, Decimal(cents).scaleb(-2), "")
        known = self.book.find(key)
        try:
            said = self.book.take(order)
        except KeyReused:
            assert known is not None
            return
        assert said == (known or said)
        assert self.book.find(key) == said

    @rule(hours=st.integers(1, 30))
    def wait(self, hours: int) -> None:
        self.now[0] += timedelta(hours=hours)

    @invariant()
    def one_credit_a_key_and_day(self) -> None:
        listed = self.book.listed()
        assert listed[: len(self.before)] == self.before
        self.before = listed
        last: dict[str, datetime] = {}
        for each in listed:
            assert each.credited_at - last.get(each.key, NOW - DAY) >= DAY
            last[each.key] = each.credited_at


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = of_hypothesis(max_examples=40, stateful_step_count=30, deadline=None)
