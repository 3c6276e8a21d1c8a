"""The simulated exchange's door: answers signed questions about accounts over HTTP, on this machine only."""

import base64
import binascii
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.simulator import outages
from portal.simulator.accounts import EXAMPLES_OF_OUTAGES, Accounts
from portal.simulator.outages import Outage

_PATH = "/api/v1/brokerProgram/account"
_INSTRUCTION = "brokerAccountQuery"
_LONGEST_WINDOW = 60_000


class NotLetIn(Exception):
    """The question is not signed as the exchange asks for; its text is the code of the refusal."""


class AnsweringExchange:
    """Answers on a port of 127.0.0.1, checks as the real one does, and fails when told to."""

    def __init__(
        self,
        *,
        verifying_key: str,
        clock: Callable[[], datetime],
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`verifying_key` is whom it lets in, in base64. Port 0 is any free one."""
        self.accounts = Accounts(clock=clock)
        #: How it fails about every account, until it is None again; and about single ones.
        self.outage: Outage | None = None
        self.outages: dict[str, Outage] = dict(EXAMPLES_OF_OUTAGES)
        #: The account ids of the questions that were let in, in order.
        self.asked: list[str] = []
        #: Set this to hold every answer back until it is released.
        self.held: threading.Event | None = None
        self.port = port
        self._tls = tls
        self._verifying_key = verifying_key
        self._clock = clock
        self._seen: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._stopped = threading.Event()
        self._server = _Server(("127.0.0.1", self.port), _Questions)
        self._server.exchange = self
        if self._tls is not None:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, args=[0.02], name="answers for the exchange", daemon=True
        ).start()

    def stop(self) -> None:
        """Connections are refused from here on."""
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nothing listens inside the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def answer(self, handler: "_Questions") -> None:
        """Answer one question, or fail to."""
        asked = urlsplit(handler.path)
        if asked.path != _PATH:
            outages.send(handler, 404, _refusal("RESOURCE_NOT_FOUND"))
            return
        try:
            self._let_in(handler, asked.query)
        except NotLetIn as refused:
            outages.send(handler, 401, _refusal(str(refused)))
            return
        account_id = parse_qs(asked.query).get("accountId", [""])[0]
        with self._lock:
            self.asked.append(account_id)
        if self.held is not None:
            self.held.wait(60)
        outage = self.outage or self.outages.get(account_id)
        if outage is not None:
            outages.fail(handler, outage, account_id, self._stopped)
            return
        account = self.accounts.find(account_id)
        if account is None:
            outages.send(handler, 404, _refusal("ACCOUNT_NOT_FOUND", accountId=account_id))
            return
        kind = "BUSINESS" if account.is_business else "PERSONAL"
        said = {"accountId": account_id, "accountType": kind, "affiliate": account.is_affiliate}
        outages.send(handler, 200, json.dumps(said).encode())

    def _let_in(self, handler: "_Questions", query: str) -> None:
        """Check key, signature, time and that the question is new, from what came over the wire."""
        given = handler.headers
        try:
            timestamp, window = int(given["X-Timestamp"]), int(given.get("X-Window", "5000"))
            signature = base64.b64decode(given["X-Signature"], validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise NotLetIn("INVALID_CLIENT_REQUEST") from None
        if given["X-API-Key"] != self._verifying_key:
            raise NotLetIn("INVALID_API_KEY")
        parts = [f"instruction={_INSTRUCTION}", *sorted(query.split("&"))]
        signed = "&".join([*parts, f"timestamp={timestamp}", f"window={window}"])
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self._verifying_key))
            key.verify(signature, signed.encode())
        except InvalidSignature:
            raise NotLetIn("INVALID_SIGNATURE") from None
        now = int(self._clock().timestamp() * 1_000)
        if not 0 < window <= _LONGEST_WINDOW or abs(now - timestamp) > window:
            raise NotLetIn("REQUEST_EXPIRED")
        with self._lock:
            self._seen = {each: until for each, until in self._seen.items() if until >= now}
            if signature in self._seen:
                raise NotLetIn("REQUEST_REPLAYED")
            self._seen[signature] = timestamp + window


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    exchange: AnsweringExchange

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked has gone away: nothing to tell anybody."""


class _Questions(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "simulated-exchange", ""
    timeout: ClassVar[int] = 30

    def do_GET(self) -> None:
        with suppress(OSError):
            self.server.exchange.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        """Questions are not worth a line."""


def _refusal(code: str, **more: str) -> bytes:
    return json.dumps({"code": code, "message": "scripted by the simulator"} | more).encode()
