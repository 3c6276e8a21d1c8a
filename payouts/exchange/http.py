"""Asks the exchange over HTTP. Whatever is not its own, whole, timely answer is no answer.

httpcore rather than httpx: its sockets can be handed a deadline, which alone cuts off a server that sends
a byte a second; and it follows no redirect, reads no proxy from the environment and unpacks nothing.
"""

import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpcore
from django.db import connections

from payouts.exchange import answers, credit_answers
from payouts.exchange.in_time import InTime
from payouts.exchange.port import (
    Account,
    CannotBeCredited,
    Credited,
    CreditRejected,
    ExchangeUnavailable,
    can_be_account_id,
    is_name,
)
from payouts.exchange.signing import Signer, query

#: Seconds for a connection, for each piece of an answer, for all of it, and for all pages of a list.
CONNECT_TIMEOUT, READ_TIMEOUT, DEADLINE, DEADLINE_OF_A_LIST = 3, 5, 8, 120
#: Bytes.
LARGEST_BODY = 64 * 1024
LARGEST_PAGE = 1024 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)


class AskedInsideATransaction(RuntimeError):
    """A mistake in the program: the exchange was asked while a transaction, and its locks, were held."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One kind of question: where it is put, by which instruction it is signed, how much may come back."""

    method: str
    path: str
    instruction: str
    about: str
    largest: int = LARGEST_BODY


_ACCOUNT = _Question("GET", "/api/v1/brokerProgram/account", "brokerAccountQuery", "an account")
_CREDIT = _Question("POST", "/api/v1/brokerProgram/credit", "brokerCredit", "a credit that was sent")
_BY_KEY = _Question("GET", "/api/v1/brokerProgram/credit", "brokerCreditQuery", "a credit")
_LIST = _Question(
    "GET", "/api/v1/brokerProgram/credits", "brokerCreditList", "its list of credits", LARGEST_PAGE
)


class HttpExchange:
    """The exchange at an address, asked with a key of ours."""

    def __init__(
        self,
        *,
        url: str,
        signer: Signer,
        clock: Callable[[], datetime],
        deadline: float = DEADLINE,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        """`clock` dates the questions. Times are seconds; the resolver of names has its own."""
        self._url = url
        self._signer = signer
        self._clock = clock
        self._deadline = deadline
        self._timeouts = {"connect": CONNECT_TIMEOUT, "read": read_timeout, "write": read_timeout}
        self._tls = ssl.create_default_context()
        self._last_timestamp = 0
        self._lock = threading.Lock()

    def account(self, account_id: str) -> Account | None:
        """As `Exchange.account`. Never inside a transaction: raises `AskedInsideATransaction`."""
        must_hold_no_transaction()
        if not can_be_account_id(account_id):
            return None
        try:
            return answers.account(account_id, self._ask(_ACCOUNT, {"accountId": account_id}))
        except answers.NotAnAnswer as problem:
            raise _unavailable(_ACCOUNT, problem) from None

    def credit(
        self, *, key: str, account_id: str, amount: Decimal, reference: str
    ) -> Credited | CreditRejected:
        """As `Exchange.credit`. Never inside a transaction: raises `AskedInsideATransaction`."""
        must_hold_no_transaction()
        order = credit_answers.order(key=key, account_id=account_id, amount=amount, reference=reference)
        try:
            return credit_answers.outcome(key, self._ask(_CREDIT, order))
        except answers.NotAnAnswer as problem:
            raise _unavailable(_CREDIT, problem, credit_answers.unknown(problem)) from None

    def credit_by_key(self, key: str) -> Credited | CreditRejected | None:
        """As `Exchange.credit_by_key`. Never inside a transaction: raises `AskedInsideATransaction`."""
        must_hold_no_transaction()
        if not is_name(key):
            raise CannotBeCredited("the key of a credit has 1 to 100 visible characters")
        try:
            return credit_answers.found(key, self._ask(_BY_KEY, {"key": key}))
        except answers.NotAnAnswer as problem:
            raise _unavailable(_BY_KEY, problem) from None

    def credits(self, *, since: datetime, until: datetime) -> list[Credited]:
        """As `Exchange.credits`. Never inside a transaction: raises `AskedInsideATransaction`."""
        must_hold_no_transaction()
        if since >= until:
            return []
        pages: list[credit_answers.Page] = []
        ends = time.monotonic() + DEADLINE_OF_A_LIST
        try:
            while not pages or not pages[-1].is_last:
                if len(pages) == credit_answers.MOST_PAGES or time.monotonic() > ends:
                    raise answers.NotAnAnswer(answers.UNUSABLE, "a list without end")
                after = pages[-1].credits[-1].credit_id if pages else ""
                asked = credit_answers.page_asked(since=since, until=until, after=after)
                pages.append(credit_answers.page(asked, self._ask(_LIST, asked)))
            return credit_answers.whole_list(pages, since=since, until=until)
        except answers.NotAnAnswer as problem:
            raise _unavailable(_LIST, problem) from None

    def _ask(self, question: _Question, parameters: Mapping[str, str]) -> answers.Reply:
        """What came back. Raises `NotAnAnswer` when nothing whole did in time."""
        try:
            return self._reply(question, parameters)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as problem:
            raise answers.NotAnAnswer(answers.NO_ANSWER, f"{type(problem).__name__}: {problem}") from None

    def _reply(self, question: _Question, parameters: Mapping[str, str]) -> answers.Reply:
        """Parameters stand in the address, or as JSON in the body of a POST; they are signed alike."""
        headers = {
            **self._signer.headers(question.instruction, parameters, timestamp=self._timestamp()),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        }
        url, body = f"{self._url}{question.path}", b""
        if question.method == "POST":
            headers["Content-Type"] = "application/json"
            body = json.dumps(parameters).encode()
        else:
            url = f"{url}?{query(parameters)}"
        backend = InTime(time.monotonic() + self._deadline)
        with (
            httpcore.ConnectionPool(self._tls, max_connections=1, network_backend=backend) as pool,
            pool.stream(
                question.method,
                url,
                headers=list(headers.items()),
                content=body or None,
                extensions={"timeout": self._timeouts},
            ) as response,
        ):
            said = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            return answers.Reply(
                response.status,
                said.get(b"content-type", ""),
                said.get(b"content-encoding", ""),
                _whole(response.iter_stream(), question.largest),
            )

    def _timestamp(self) -> int:
        """Milliseconds, later than any before: two questions of one moment must not look like a replay."""
        now = (self._clock() - _EPOCH) // timedelta(milliseconds=1)
        with self._lock:
            self._last_timestamp = max(now, self._last_timestamp + 1)
            return self._last_timestamp


def must_hold_no_transaction() -> None:
    """Raise `AskedInsideATransaction` where a slow exchange would keep locks.

    The transaction in which Django wraps a test is none of the program's: Django tells it by the mark that
    its own `durable` reads.
    """
    for connection in connections.all(initialized_only=True):
        if not all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise AskedInsideATransaction("the exchange must be asked before a transaction begins")


def _unavailable(
    question: _Question, problem: answers.NotAnAnswer, sentence: str = ""
) -> ExchangeUnavailable:
    """The refusal for people; the reason, which names no account, key or amount, goes to the log."""
    log.warning("the exchange gave no answer about %s: %s", question.about, problem)
    return ExchangeUnavailable(sentence or problem.sentence)


def _whole(pieces: Iterable[bytes], largest: int) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > largest:
            raise answers.NotAnAnswer(answers.UNUSABLE, f"a body of more than {largest} bytes")
    return bytes(body)
