"""A request that is too large is stopped before it fills the disk, over a real socket."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest
import uvicorn

from portal.body_limit import LimitBody


async def counts(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """Reads everything, as Django does, and says how much it was."""
    total, more = 0, True
    while more:
        message = await receive()
        total += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(total).encode()})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    limited = LimitBody(counts, most=1_000_000, patience=1.0)
    config = uvicorn.Config(limited, port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def answer_to(port: int, head: bytes, body: bytes) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as wire:
        wire.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b"\r\n")
        try:
            for start in range(0, len(body), 65_536):
                wire.sendall(body[start : start + 65_536])
        except (BrokenPipeError, ConnectionResetError):
            pass  # it stopped listening, which is the point
        heard = b""
        try:
            while piece := wire.recv(65_536):
                heard += piece
        except ConnectionResetError:
            pass
        return heard


def chunked(content: bytes) -> bytes:
    return b"".join(
        b"%x\r\n%b\r\n" % (len(piece), piece)
        for piece in (content[start : start + 60_000] for start in range(0, len(content), 60_000))
    )


def test_a_body_up_to_the_limit_goes_through(port: int) -> None:
    heard = answer_to(port, b"Content-Length: 1000000\r\n", b"x" * 1_000_000)

    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"\r\n1000000\r\n" in heard


def test_a_body_that_says_it_is_larger_is_refused_unread(port: int) -> None:
    heard = answer_to(port, b"Content-Length: 1000001\r\n", b"")

    assert heard.startswith(b"HTTP/1.1 413 ")
    assert b"Send it in smaller parts." in heard


def test_a_body_that_does_not_say_its_size_is_cut_off_at_the_limit(port: int) -> None:
    heard = answer_to(port, b"Transfer-Encoding: chunked\r\n", chunked(b"x" * 1_000_001) + b"0\r\n\r\n")

    assert heard.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_does_not_end_in_time_is_cut_off(port: int) -> None:
    began = time.monotonic()

    heard = answer_to(port, b"Content-Length: 1000\r\n", b"x" * 999)

    assert heard.startswith(b"HTTP/1.1 408 ")
    assert b"did not come to its end in time" in heard
    assert 1 <= time.monotonic() - began < 5


def test_a_number_of_bytes_that_nobody_can_read_is_refused(port: int) -> None:
    heard = answer_to(port, b"Content-Length: " + b"9" * 5_000 + b"\r\n", b"x")

    assert heard.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 "))
