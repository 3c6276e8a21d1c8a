"""What we ask about credits and what the answers mean. What is not exactly one decides nothing. Pure.

    POST /api/v1/brokerProgram/credit            {"key", "accountId", "amount": "123.45", "currency": "USD",
                                                  "reference"}
    200  CREDITED
    422  REJECTED
    409  {"code": "KEY_REUSED", "message": "…", "key": "…"}: the key came with other content before

    GET  /api/v1/brokerProgram/credit?key=…
    200  CREDITED or REJECTED
    404  {"code": "CREDIT_NOT_FOUND", "message": "…", "key": "…"}

    GET  /api/v1/brokerProgram/credits?from=<ms>&to=<ms>&limit=…&after=<creditId of the last one seen>
    200  {"credits": [CREDITED, …], "more": true | false}

    CREDITED  {"status": "CREDITED", "key", "creditId", "accountId", "amount": "123.45", "currency": "USD",
               "creditedAt": "2026-11-03T09:00:00.000000Z"}
    REJECTED  {"status": "REJECTED", "key", "code": "ACCOUNT_CLOSED", "message": "…"}

An answer about another key is none. One about ours with another account or amount is an answer: who asked
must compare. A 404 without its body comes from something on the way and proves nothing about a credit.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, Inexact
from typing import Literal

import msgspec

from payouts.exchange.answers import NOT_LET_IN, UNUSABLE, NotAnAnswer, Reply, decoded, must_be_json
from payouts.exchange.port import CannotBeCredited, Credited, CreditRejected, is_name
from payouts.money import two_places

#: How many credits a page of the list holds at most, and how many pages a list may have.
PAGE, MOST_PAGES = 500, 400

#: For people, about a credit that was sent and of which nothing usable came back.
UNKNOWN = (
    "Backpack Exchange gave no answer about the credit that can be used, so nobody knows yet whether the"
    " money moved: it is asked again by the credit's own key, and nothing is sent anew until it is known."
)
REUSED = (
    "Backpack Exchange knows this credit's key with another account or amount, so nothing was decided: tell"
    " the portal's operators."
)

_AMOUNT = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,49}")
#: What is kept of the exchange's words.
_LONGEST_MESSAGE = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MOST = Decimal("999999999999999999.99")


class _Credited(msgspec.Struct, rename="camel", tag_field="status", tag="CREDITED"):
    key: str
    credit_id: str
    account_id: str
    amount: str
    currency: Literal["USD"]
    credited_at: str


class _Rejected(msgspec.Struct, tag_field="status", tag="REJECTED"):
    key: str
    code: str
    message: str


class _Missing(msgspec.Struct):
    code: Literal["CREDIT_NOT_FOUND"]
    message: str
    key: str


class _Reused(msgspec.Struct):
    code: Literal["KEY_REUSED"]
    message: str
    key: str


class _Page(msgspec.Struct):
    credits: list[_Credited | _Rejected]
    more: bool


# Always both: of one kind alone msgspec would take a body that leaves its status out.
_either = msgspec.json.Decoder(_Credited | _Rejected)
_reused = msgspec.json.Decoder(_Reused)
_missing = msgspec.json.Decoder(_Missing)
_page = msgspec.json.Decoder(_Page)


def order(*, key: str, account_id: str, amount: Decimal, reference: str) -> dict[str, str]:
    """The fields that ask for a credit; all of them are signed. Raises `CannotBeCredited`.

    "Rebates will be settled in USD and credited to the broker's Backpack account every month."
    """
    for name, text in (("key", key), ("account id", account_id), ("reference", reference)):
        if not is_name(text):
            raise CannotBeCredited(f"the {name} of a credit has 1 to 100 visible characters")
    if not amount.is_finite() or not 0 < amount <= _MOST:
        raise CannotBeCredited("what is credited is more than nothing")
    try:
        cents = two_places(amount)
    except Inexact:
        raise CannotBeCredited("what is credited is whole cents") from None
    return {"key": key, "accountId": account_id, "amount": cents, "currency": "USD", "reference": reference}


def unknown(problem: NotAnAnswer) -> str:
    """What people are told when a credit was sent and this came back."""
    return problem.sentence if problem.sentence in (NOT_LET_IN, REUSED) else UNKNOWN


def outcome(key: str, reply: Reply) -> Credited | CreditRejected:
    """What came of a credit that was asked for under the key. Raises `NotAnAnswer`."""
    must_be_json(reply, (200, 409, 422))
    if reply.status == 409:
        _must_be_about(key, decoded(_reused, reply).key)
        raise NotAnAnswer(REUSED, "status 409: the key came with other content before")
    said = _decided(key, decoded(_either, reply))
    if isinstance(said, Credited) != (reply.status == 200):
        raise NotAnAnswer(UNUSABLE, f"status {reply.status} with another body than agreed")
    return said


def found(key: str, reply: Reply) -> Credited | CreditRejected | None:
    """What became of the credit, or None when the exchange itself knows no such key. Raises `NotAnAnswer`."""
    must_be_json(reply, (200, 404))
    if reply.status == 404:
        _must_be_about(key, decoded(_missing, reply).key)
        return None
    return _decided(key, decoded(_either, reply))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the exchange's list, in its own order."""

    credits: tuple[Credited, ...]
    is_last: bool


def page_asked(*, since: datetime, until: datetime, after: str) -> dict[str, str]:
    """The question for one page: whole milliseconds around the times; `after` is "" for the first page."""
    asked = {
        "from": str((since - _EPOCH) // _MILLISECOND),
        "to": str(-((_EPOCH - until) // _MILLISECOND)),
        "limit": str(PAGE),
    }
    return asked | {"after": after} if after else asked


def page(asked: Mapping[str, str], reply: Reply) -> Page:
    """One page that was asked for so. Raises `NotAnAnswer`, also for credits of another time."""
    must_be_json(reply, (200,))
    said = decoded(_page, reply)
    listed = tuple(_as_credited(each.key, each) for each in said.credits if isinstance(each, _Credited))
    if len(listed) != len(said.credits):
        raise NotAnAnswer(UNUSABLE, "a list of more than credits")
    if len(listed) > int(asked["limit"]) or (said.more and not listed):
        raise NotAnAnswer(UNUSABLE, "a page with more or fewer credits than agreed")
    since, until = (_EPOCH + int(asked[name]) * _MILLISECOND for name in ("from", "to"))
    if any(not since <= each.credited_at < until for each in listed):
        raise NotAnAnswer(UNUSABLE, "a credit of another time than was asked for")
    return Page(listed, is_last=not said.more)


def whole_list(pages: list[Page], *, since: datetime, until: datetime) -> list[Credited]:
    """The credits of all pages from `since` on and before `until`, by time. Raises `NotAnAnswer`."""
    listed = [each for page in pages for each in page.credits]
    if len({each.credit_id for each in listed}) != len(listed):
        raise NotAnAnswer(UNUSABLE, "a list that names one credit twice")
    wanted = [each for each in listed if since <= each.credited_at < until]
    return sorted(wanted, key=lambda each: (each.credited_at, each.credit_id))


def _decided(key: str, said: _Credited | _Rejected) -> Credited | CreditRejected:
    return _as_credited(key, said) if isinstance(said, _Credited) else _as_rejected(key, said)


def _as_credited(key: str, said: _Credited) -> Credited:
    _must_be_about(key, said.key)
    if not (is_name(said.key) and is_name(said.credit_id) and is_name(said.account_id)):
        raise NotAnAnswer(UNUSABLE, "an id that is none")
    if _AMOUNT.fullmatch(said.amount) is None:
        raise NotAnAnswer(UNUSABLE, "an amount that is not written in dollars and cents")
    return Credited(key, said.credit_id, said.account_id, Decimal(said.amount), _moment(said.credited_at))


def _as_rejected(key: str, said: _Rejected) -> CreditRejected:
    _must_be_about(key, said.key)
    # A key that was used before may have credited under its other content: no proof that nothing moved.
    if _CODE.fullmatch(said.code) is None or said.code == "KEY_REUSED":
        raise NotAnAnswer(UNUSABLE, "a rejection without a code of rejections")
    words = "".join(sign if sign.isprintable() else " " for sign in said.message[:_LONGEST_MESSAGE])
    return CreditRejected(key, said.code, words.strip())


def _must_be_about(key: str, other: str) -> None:
    if key != other:
        raise NotAnAnswer(UNUSABLE, "an answer about another credit")


def _moment(text: str) -> datetime:
    """UTC to the microsecond, as the exchange writes it."""
    if _MOMENT.fullmatch(text) is not None:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise NotAnAnswer(UNUSABLE, "a time that is none")
