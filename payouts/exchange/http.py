"""Asks the exchange over HTTP. Whatever is not its own, whole, timely answer is no answer.

httpcore rather than httpx: its sockets can be handed a deadline, which alone cuts off a server that sends
a byte a second; and it follows no redirect, reads no proxy from the environment and unpacks nothing.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpcore
from django.db import connections

from payouts.exchange import answers
from payouts.exchange.port import Account, ExchangeUnavailable, can_be_account_id
from payouts.exchange.signing import Signer, query

PATH = "/api/v1/brokerProgram/account"
INSTRUCTION = "brokerAccountQuery"
#: Seconds for a connection, for each piece of an answer, and for all of it.
CONNECT_TIMEOUT, READ_TIMEOUT, DEADLINE = 3, 5, 8
LARGEST_BODY = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = logging.getLogger(__name__)


class AskedInsideATransaction(RuntimeError):
    """A mistake in the program: the exchange was asked while a transaction, and its locks, were held."""


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
            return answers.account(account_id, self._get({"accountId": account_id}))
        except answers.NotAnAnswer as problem:
            sentence, reason = problem.sentence, str(problem)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as problem:
            sentence, reason = answers.NO_ANSWER, f"{type(problem).__name__}: {problem}"
        log.warning("the exchange gave no answer about an account: %s", reason)
        raise ExchangeUnavailable(sentence)

    def _get(self, parameters: dict[str, str]) -> answers.Reply:
        signed = self._signer.headers(INSTRUCTION, parameters, timestamp=self._timestamp())
        wanted = {"Accept": "application/json", "Accept-Encoding": "identity"}
        backend = _InTime(time.monotonic() + self._deadline)
        with (
            httpcore.ConnectionPool(self._tls, max_connections=1, network_backend=backend) as pool,
            pool.stream(
                "GET",
                f"{self._url}{PATH}?{query(parameters)}",
                headers=[*signed.items(), *wanted.items()],
                extensions={"timeout": self._timeouts},
            ) as response,
        ):
            said = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            return answers.Reply(
                response.status,
                said.get(b"content-type", ""),
                said.get(b"content-encoding", ""),
                _whole(response.iter_stream()),
            )

    def _timestamp(self) -> int:
        """Milliseconds, later than any before: two questions of one moment must not look like a replay."""
        now = (self._clock() - _EPOCH) // timedelta(milliseconds=1)
        with self._lock:
            self._last_timestamp = max(now, self._last_timestamp + 1)
            return self._last_timestamp


class _InTime(httpcore.SyncBackend):
    """Opens connections that end at a deadline, however slowly the other side goes on."""

    def __init__(self, until: float) -> None:
        self._until = until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._until, timeout, httpcore.ConnectTimeout)
        return _StreamInTime(
            super().connect_tcp(host, port, left, local_address, socket_options), self._until
        )


class _StreamInTime(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until, timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until, timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(self._until, timeout, httpcore.ConnectTimeout)
        return _StreamInTime(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def must_hold_no_transaction() -> None:
    """Raise `AskedInsideATransaction` where a slow exchange would keep locks.

    The transaction in which Django wraps a test is none of the program's: Django tells it by the mark that
    its own `durable` reads.
    """
    for connection in connections.all(initialized_only=True):
        if not all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise AskedInsideATransaction("the exchange must be asked before a transaction begins")


def _left(until: float, timeout: float | None, late: type[httpcore.TimeoutException]) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise late("no whole answer within the deadline")
    return left if timeout is None else min(left, timeout)


def _whole(pieces: Iterable[bytes]) -> bytes:
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > LARGEST_BODY:
            raise answers.NotAnAnswer(answers.UNUSABLE, f"a body of more than {LARGEST_BODY} bytes")
    return bytes(body)
