"""Compares the exchange's list of credits with ours, key by key. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from payouts.exchange.port import Credited
from payouts.money import two_places
from payouts.settlement.attempts import State

Kind = Literal["missing", "unknown", "amount", "account", "twice"]


@dataclass(frozen=True, slots=True)
class Ours:
    """An attempt as we have it."""

    attempt_id: int
    broker_code: int
    key: str
    state: State
    #: The exchange's number of the credit; "" while it is not confirmed.
    credit_id: str
    account_id: str
    #: Dollars, whole cents.
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Found:
    """One difference. `broker_code` is whose sending it freezes; None: everybody's."""

    kind: Kind
    broker_code: int | None
    attempt_id: int | None
    credit: Credited | None
    detail: str


def differences(
    listed: Iterable[Credited],
    ours: Iterable[Ours],
    *,
    must_be_listed: Collection[int],
    brokers: Mapping[str, int],
) -> list[Found]:
    """Where the lists do not agree, in the order of the exchange's list.

    `ours` are the attempts with the keys of the list, and those whose ids are in `must_be_listed`: confirmed
    so long ago that the list has to show them. `brokers` names the broker of an account. A listed credit
    whose attempt is still being sent or unknown is none: asking by its key confirms it.
    """
    by_key = {each.key: each for each in ours}
    credits: dict[str, list[Credited]] = defaultdict(list)
    for credit in listed:
        credits[credit.key].append(credit)
    found: list[Found] = []
    for key, under_it in credits.items():
        attempt = by_key.get(key)
        if attempt is None or attempt.state in ("pending", "rejected"):
            found += [_unknown(credit, attempt, brokers) for credit in under_it]
        else:
            found += _of_one_key(under_it, attempt)
    numbers = {credit.credit_id for under_it in credits.values() for credit in under_it}
    for attempt in by_key.values():
        if attempt.attempt_id in must_be_listed and attempt.credit_id not in numbers:
            found.append(_missing(attempt))
    return found


def _of_one_key(under_it: list[Credited], attempt: Ours) -> list[Found]:
    numbers = [credit.credit_id for credit in under_it]
    right = attempt.credit_id if attempt.credit_id in numbers else numbers[0]
    found = []
    for credit in under_it:
        if credit.credit_id != right:
            found.append(_differs("twice", credit, attempt, f"was made under the key of credit {right} too"))
        if credit.account_id != attempt.account_id:
            words = f"went to account {credit.account_id} and not to {attempt.account_id}"
            found.append(_differs("account", credit, attempt, words))
        if credit.amount != attempt.amount:
            words = f"was {two_places(credit.amount)} USD and not {two_places(attempt.amount)} USD"
            found.append(_differs("amount", credit, attempt, words))
    return found


def _differs(kind: Kind, credit: Credited, attempt: Ours, words: str) -> Found:
    detail = f"The exchange lists that credit {credit.credit_id} {words}."
    return Found(kind, attempt.broker_code, attempt.attempt_id, credit, detail)


def _unknown(credit: Credited, attempt: Ours | None, brokers: Mapping[str, int]) -> Found:
    what = (
        f"The exchange lists credit {credit.credit_id} of {two_places(credit.amount)} USD to account"
        f" {credit.account_id}"
    )
    if attempt is None:
        code = brokers.get(credit.account_id)
        whose = "" if code is not None else " The account is of no broker, so nothing is sent to anybody."
        return Found("unknown", code, None, credit, f"{what}, which was never asked for.{whose}")
    state = "was never sent" if attempt.state == "pending" else "we have as rejected"
    return Found(
        "unknown", attempt.broker_code, attempt.attempt_id, credit, f"{what}, whose attempt {state}."
    )


def _missing(attempt: Ours) -> Found:
    detail = (
        f"We have credit {attempt.credit_id} of {two_places(attempt.amount)} USD to account"
        f" {attempt.account_id}, and the exchange does not list it."
    )
    return Found("missing", attempt.broker_code, attempt.attempt_id, None, detail)
