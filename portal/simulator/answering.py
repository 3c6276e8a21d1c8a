"""The simulated exchange's door: answers signed questions over HTTP, on this machine only."""

import base64
import binascii
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, quote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from portal.simulator import outages
from portal.simulator.accounts import EXAMPLES_OF_OUTAGES, Accounts
from portal.simulator.credit_door import CreditDoor
from portal.simulator.credits import Credits
from portal.simulator.outages import Outage

_PATH = "/api/v1/brokerProgram/"
#: Which instruction signs a question, and what it is about.
_INSTRUCTIONS = {
    ("GET", f"{_PATH}account"): ("brokerAccountQuery", "account"),
    ("POST", f"{_PATH}credit"): ("brokerCredit", "credit"),
    ("GET", f"{_PATH}credit"): ("brokerCreditQuery", "lookup"),
    ("GET", f"{_PATH}credits"): ("brokerCreditList", "list"),
}
_LONGEST_WINDOW = 60_000
_LARGEST_BODY = 65_536


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
        credits_file: Path | None = None,
    ) -> None:
        """`verifying_key` is whom it lets in, in base64. Port 0 is any free one.

        `credits_file` keeps the list of credits over a restart; without one it is gone with the object.
        """
        self.accounts = Accounts(clock=clock)
        self.credits = Credits(clock=clock, accounts=self.accounts, file=credits_file)
        self.credit_door = CreditDoor(self.credits)
        #: How questions about credits go wrong; `outage` below is about accounts only.
        self.faults = self.credit_door.faults
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
        self.clock = clock
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
        known = _INSTRUCTIONS.get((handler.command, asked.path))
        if known is None:
            outages.send(handler, 404, _refusal("RESOURCE_NOT_FOUND"))
            return
        instruction, about = known
        try:
            fields = _body(handler) if handler.command == "POST" else None
            parts = _parts(asked.query) if fields is None else _as_parts(fields)
            self._let_in(handler, instruction, parts)
        except NotLetIn as refused:
            handler.close_connection = True  # a body that was not read would be taken for a question
            outages.send(handler, 401, _refusal(str(refused)))
            return
        if about == "account":
            self._answer_about_an_account(handler, parse_qs(asked.query).get("accountId", [""])[0])
            return
        if fields is None:
            fields = {name: values[0] for name, values in parse_qs(asked.query).items()}
        self.credit_door.answer(handler, about, fields, self._stopped)

    def _answer_about_an_account(self, handler: "_Questions", account_id: str) -> None:
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

    def _let_in(self, handler: "_Questions", instruction: str, parameters: list[str]) -> None:
        """Check key, signature, time and that the question is new, from what came over the wire."""
        given = handler.headers
        try:
            timestamp, window = int(given["X-Timestamp"]), int(given.get("X-Window", "5000"))
            signature = base64.b64decode(given["X-Signature"], validate=True)
        except (TypeError, ValueError, binascii.Error):
            raise NotLetIn("INVALID_CLIENT_REQUEST") from None
        if given["X-API-Key"] != self._verifying_key:
            raise NotLetIn("INVALID_API_KEY")
        parts = [f"instruction={instruction}", *sorted(parameters)]
        signed = "&".join([*parts, f"timestamp={timestamp}", f"window={window}"])
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(self._verifying_key))
            key.verify(signature, signed.encode())
        except InvalidSignature:
            raise NotLetIn("INVALID_SIGNATURE") from None
        now = int(self.clock().timestamp() * 1_000)
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

    def do_POST(self) -> None:
        with suppress(OSError):
            self.server.exchange.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        """Questions are not worth a line."""


def _refusal(code: str, **more: str) -> bytes:
    return json.dumps({"code": code, "message": "scripted by the simulator"} | more).encode()


def _body(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    """The fields of a body. Raises `NotLetIn` for what can be no signed question."""
    length = handler.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > _LARGEST_BODY:
        raise NotLetIn("INVALID_CLIENT_REQUEST")
    try:
        fields = json.loads(handler.rfile.read(int(length)))
    except (ValueError, RecursionError):
        raise NotLetIn("INVALID_CLIENT_REQUEST") from None
    if not isinstance(fields, dict) or not all(isinstance(each, str) for each in fields.values()):
        raise NotLetIn("INVALID_CLIENT_REQUEST")
    return fields


def _parts(query: str) -> list[str]:
    return query.split("&") if query else []


def _as_parts(fields: dict[str, str]) -> list[str]:
    """Fields as they would stand in an address, which is how they are signed."""
    return [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in fields.items()]
