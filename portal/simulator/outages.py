"""The ways in which the simulated exchange, or something before it, fails to answer."""

import gzip
import json
import socket
import threading
from collections.abc import Callable
from enum import Enum
from http.server import BaseHTTPRequestHandler

#: Seconds between the bytes of an answer that dribbles.
_DRIP = 0.1


class Outage(Enum):
    DOWN = "the connection ends without an answer"
    SLOW = "no answer, and the connection stays open"
    DRIBBLE = "a byte now and then, for ever"
    DRIBBLE_HEADERS = "a byte of a header now and then, for ever"
    ERROR = "status 500"
    BUSY = "status 429"
    FORBIDDEN = "status 403"
    BARE_404 = "a proxy's 404, which knows nothing of accounts"
    REDIRECT = "an answer elsewhere"
    GARBAGE = "bytes that are no HTTP"
    HTML = "status 200 with a page"
    HUGE = "a body without end"
    BOMB = "a small compressed body that unpacks to 10 MB"
    CUT = "half of the body that was announced"
    OTHER_ACCOUNT = "the answer about another account"
    WRONG_TYPES = "true and false as words"
    MISSING_FIELD = "an answer that leaves out what matters"


#: Ends what is slow when the exchange stops.
Stopped = threading.Event


def fail(handler: BaseHTTPRequestHandler, outage: Outage, account_id: str, stopped: Stopped) -> None:
    """Fail to answer in the given way."""
    handler.close_connection = True
    _WAYS[outage](handler, account_id, stopped)


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in ({"Content-Type": "application/json"} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def _found(account_id: str, **changes: object) -> bytes:
    said = {"accountId": account_id, "accountType": "BUSINESS", "affiliate": False} | changes
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def _down(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def _slow(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    stopped.wait(60)


def _drip(handler: BaseHTTPRequestHandler, first: bytes, stopped: Stopped) -> None:
    handler.wfile.write(first)
    while not stopped.wait(_DRIP):
        handler.wfile.write(b" ")


def _dribble(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    _drip(
        handler,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n",
        stopped,
    )


def _dribble_headers(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    _drip(handler, b"HTTP/1.1 200 OK\r\nContent-Type:", stopped)


def _with(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler, str, Stopped], None]:
    return lambda handler, account_id, stopped: send(handler, status, body, **headers)


def _garbage(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    handler.wfile.write(b"\x16\x03\x01\x02\x00 this is no HTTP\r\n\r\n")


def _huge(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    while not stopped.is_set():
        handler.wfile.write(b" " * 65_536)


def _bomb(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    packed = gzip.compress(_found(account_id) + b" " * 10_000_000)
    send(handler, 200, packed, Content_Encoding="gzip")


def _cut(handler: BaseHTTPRequestHandler, account_id: str, stopped: Stopped) -> None:
    body = _found(account_id)
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])


def _as_found(**changes: object) -> Callable[[BaseHTTPRequestHandler, str, Stopped], None]:
    return lambda handler, account_id, stopped: send(handler, 200, _found(account_id, **changes))


_WAYS: dict[Outage, Callable[[BaseHTTPRequestHandler, str, Stopped], None]] = {
    Outage.DOWN: _down,
    Outage.SLOW: _slow,
    Outage.DRIBBLE: _dribble,
    Outage.DRIBBLE_HEADERS: _dribble_headers,
    Outage.ERROR: _with(500, b'{"code":"INTERNAL_ERROR","message":"scripted"}'),
    Outage.BUSY: _with(429, b'{"code":"TOO_MANY_REQUESTS","message":"scripted"}'),
    Outage.FORBIDDEN: _with(403, b'{"code":"FORBIDDEN","message":"scripted"}'),
    Outage.BARE_404: _with(404, b"<h1>404 Not Found</h1>", Content_Type="text/html"),
    Outage.REDIRECT: _with(302, b"{}", Location="/elsewhere"),
    Outage.GARBAGE: _garbage,
    Outage.HTML: _with(200, b"<h1>Under maintenance</h1>", Content_Type="text/html"),
    Outage.HUGE: _huge,
    Outage.BOMB: _bomb,
    Outage.CUT: _cut,
    Outage.OTHER_ACCOUNT: _as_found(accountId="BP-900000"),
    Outage.WRONG_TYPES: _as_found(affiliate="false"),
    Outage.MISSING_FIELD: _as_found(affiliate=None),
}
