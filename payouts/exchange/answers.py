"""What the exchange's answers mean. Strict: what is not exactly an answer decides nothing. Pure.

    GET /api/v1/brokerProgram/account?accountId=BP-1

    200  {"accountId": "BP-1", "accountType": "BUSINESS" | "PERSONAL", "affiliate": false}
    404  {"code": "ACCOUNT_NOT_FOUND", "message": "…", "accountId": "BP-1"}

Any other status, form or account is no answer. A 404 without the second body comes from something on
the way and proves nothing about the account.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from payouts.exchange.port import Account

NO_ANSWER = (
    "Backpack Exchange does not answer at the moment: nothing was decided; try again in a few minutes."
)
BUSY = "Backpack Exchange is busy at the moment: nothing was decided; try again in a few minutes."
NOT_LET_IN = (
    "Backpack Exchange does not take the portal's questions at the moment: nothing was decided; tell the"
    " portal's operators."
)
UNUSABLE = (
    "Backpack Exchange gave an answer that cannot be used: nothing was decided; try again in a few minutes."
)


Body = TypeVar("Body")


class NotAnAnswer(Exception):
    """What came back says nothing about what was asked. `sentence` is for people, the text for the log."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(reason)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: a whole body within its bound, and what was said of it."""

    status: int
    media_type: str
    encoding: str
    body: bytes


class _Found(msgspec.Struct, rename="camel"):
    account_id: str
    account_type: Literal["BUSINESS", "PERSONAL"]
    affiliate: bool


class _Missing(msgspec.Struct, rename="camel"):
    code: Literal["ACCOUNT_NOT_FOUND"]
    message: str
    account_id: str


_found = msgspec.json.Decoder(_Found)
_missing = msgspec.json.Decoder(_Missing)


def account(account_id: str, reply: Reply) -> Account | None:
    """The account, or None when the exchange itself says that there is none. Raises `NotAnAnswer`."""
    must_be_json(reply, (200, 404))
    said = decoded(_found, reply) if reply.status == 200 else decoded(_missing, reply)
    if said.account_id != account_id:
        raise NotAnAnswer(UNUSABLE, "an answer about another account")
    if isinstance(said, _Missing):
        return None
    return Account(account_id, is_business=said.account_type == "BUSINESS", is_affiliate=said.affiliate)


def must_be_json(reply: Reply, statuses: tuple[int, ...]) -> None:
    """Raise `NotAnAnswer` unless it is plain JSON under one of the agreed statuses."""
    if reply.status not in statuses:
        raise NotAnAnswer(_sentence(reply.status), f"status {reply.status}")
    if reply.encoding not in ("", "identity"):
        raise NotAnAnswer(UNUSABLE, "a compressed body, which was not asked for")
    if reply.media_type.partition(";")[0].strip().lower() != "application/json":
        raise NotAnAnswer(UNUSABLE, f"status {reply.status} without JSON")


def decoded(decoder: msgspec.json.Decoder[Body], reply: Reply) -> Body:
    """The body as it was agreed on. Raises `NotAnAnswer`, whose text repeats nothing of it."""
    try:
        return decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotAnAnswer(UNUSABLE, f"status {reply.status} with another body than agreed") from None


def _sentence(status: int) -> str:
    if status in (401, 403):
        return NOT_LET_IN
    if status == 429:
        return BUSY
    return NO_ANSWER if status >= 500 else UNUSABLE
