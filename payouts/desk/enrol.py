"""A business joins the program: it gets its code, and its standing begins."""

from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction

from payouts.exchange.eligibility import must_be_eligible
from payouts.exchange.port import Account
from payouts.program import broker_code, queries
from payouts.program.broker_file import LONGEST_TEXT
from payouts.program.models import Broker, StandingChange
from payouts.refusal import Refusal


class CodeTaken(Refusal):
    """The code was given to a broker before; codes are never given twice."""


class NotACode(Refusal):
    """The number does not fit the header."""


class NoCodeLeft(Refusal):
    """Every code that is given of itself is taken."""


class NotUsable(Refusal):
    """The name or the account's id cannot stand in a broker's row."""


class AnotherAccount(Refusal):
    """The exchange's answer is about another account than the one that is to be enrolled."""


def next_code() -> int:
    """The code that `enrol` gives unless one is chosen: the next free multiple of 100 from 2300.

    Refuses `NoCodeLeft`.
    """
    try:
        return broker_code.next_free(queries.codes())
    except broker_code.NoCodeLeft:
        raise NoCodeLeft("Every multiple of 100 from 2300 up is taken: choose another code.") from None


@transaction.atomic
def enrol(
    *,
    name: str,
    account_id: str,
    account: Account | None,
    code: int | None,
    by: int,
    now: datetime,
    note: str,
) -> Broker:
    """Give a business its code and let its standing begin now: fills count from this instant on.

    `account` is what the exchange has just answered about `account_id`; `code` is the one that staff chose,
    or None for the next free one; `by` is the login of who approved. Refuses `NoSuchAccount`,
    `NotABusinessAccount`, `IsAnAffiliate`, `AnotherAccount`, `NotUsable`, `NotACode`, `CodeTaken`,
    `NoCodeLeft`.

    "Send your unique broker code as the API request header."
    """
    must_be_eligible(account)
    if account is not None and account.account_id != account_id:
        raise AnotherAccount("The exchange answered about another account: ask it about this one again.")
    for what, text in (("name", name), ("exchange account", account_id)):
        if not 1 <= len(text) <= LONGEST_TEXT or "\0" in text or not text.strip():
            raise NotUsable(f"A broker's {what} has 1 to {LONGEST_TEXT} characters: correct it first.")
    if code is not None and not broker_code.is_code(code):
        raise NotACode(f"{code} is not a code: choose a number from 0 to 65535.")
    create = partial(Broker.objects.create, name=name, account_id=account_id, enrolled_at=now)
    broker = _with_next(create) if code is None else _with_chosen(code, create)
    StandingChange.objects.create(
        broker=broker,
        kind=StandingChange.Kind.ENROLLED,
        effective_at=now,
        recorded_at=now,
        recorded_by_id=by,
        note=note,
    )
    return broker


def _with_chosen(code: int, create: "partial[Broker]") -> Broker:
    try:
        with transaction.atomic():
            return create(code=code)
    except IntegrityError:
        if code not in queries.codes():
            raise  # not the code but a fault: that is no answer
        raise CodeTaken(f"Code {code} belongs to another broker: choose another one.") from None


def _with_next(create: "partial[Broker]") -> Broker:
    """Another approval may take the same code in this moment: the primary key decides, the other tries on."""
    while True:
        code = next_code()
        try:
            with transaction.atomic():
                return create(code=code)
        except IntegrityError:
            if code not in queries.codes():
                raise  # it would fail for ever
