"""How an answer about credits travels, or fails to: one function a way, given the right answer."""

import json
import os
import select
import socket
import struct
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from portal.simulator.outages import Stopped, send

#: A handler, the status and body of the right answer, and what ends all waiting.
Wire = Callable[[BaseHTTPRequestHandler, int, bytes, Stopped], None]
#: Seconds between two looks whether whoever asked is still there, and between the bytes of a dribble.
_LOOK, _DRIP = 0.01, 0.1


def say(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    send(handler, status, body)


def until_gone(handler: BaseHTTPRequestHandler, stopped: Stopped) -> None:
    """Return when whoever asked has hung up, or the exchange stops."""
    while not stopped.wait(_LOOK):
        if select.select([handler.connection], [], [], 0)[0]:
            return


def end(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def reset(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    """RST rather than an orderly end: closing at once, with nothing to linger for."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def wait(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    until_gone(handler, stopped)


def say_late(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    until_gone(handler, stopped)
    send(handler, status, body)


def error(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    send(handler, 500, b'{"code":"INTERNAL_ERROR","message":"scripted"}')


def busy(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    send(handler, 429, b'{"code":"TOO_MANY_REQUESTS","message":"scripted"}')


def bare_404(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    send(handler, 404, b"<h1>404 Not Found</h1>", Content_Type="text/html")


def not_found(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    """The exchange's own 404, about the key that the right answer would be about."""
    said = {"code": "CREDIT_NOT_FOUND", "message": "scripted", "key": json.loads(body)["key"]}
    send(handler, 404, json.dumps(said).encode())


def garbage(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    send(handler, 200, b'{"status":"OK"}')


def dribble(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    _announce(handler, status, body)
    for place in range(len(body)):
        if stopped.wait(_DRIP):
            return
        handler.wfile.write(body[place : place + 1])


def cut(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    _announce(handler, status, body)
    handler.wfile.write(body[: len(body) // 2])


def about_another(handler: BaseHTTPRequestHandler, status: int, body: bytes, stopped: Stopped) -> None:
    said = json.loads(body) | {"key": "00000000-0000-4000-8000-000000000000"}
    send(handler, status, json.dumps(said).encode())


def _announce(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
