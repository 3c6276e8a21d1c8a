"""The list of credits over real HTTP, page by page, and what a credit looks like on the wire."""

import json
import logging
import socket
import threading
from datetime import UTC, datetime, timedelta

import pytest

from payouts.exchange import answers, credit_answers, http
from payouts.exchange.http import HttpExchange
from payouts.exchange.signing import Signer
from portal.simulator.answering import AnsweringExchange
from portal.simulator.credit_faults import Fault
from portal.simulator.credits import Order
from tests.exchange import PRIVATE_KEY
from tests.payouts.exchange.crediting import AMOUNT, CREDITED, DAY, KEY, NOW, ORDER, patient, refusal


@pytest.mark.parametrize("good", [0, 1, 2])
def test_a_fault_in_the_middle_of_a_list_is_no_list(there: AnsweringExchange, good: int) -> None:
    there.credit_door.largest_page = 2
    for number in range(5):
        there.credits.book(Order(f"key {number}", "BP-900001", AMOUNT, ""))
    exchange = patient(there)
    assert [each.key for each in exchange.credits(**DAY)] == [f"key {number}" for number in range(5)]
    assert there.credit_door.asked == [("list", "")] * 3

    there.faults.will(*[None] * good, Fault.CUT, on="list")

    assert refusal(exchange.credits, **DAY) == answers.NO_ANSWER


def test_the_list_is_half_open_to_the_microsecond(there: AnsweringExchange) -> None:
    exchange = patient(there)
    exchange.credit(**ORDER)
    tick = timedelta(microseconds=1)

    assert exchange.credits(since=NOW, until=NOW + tick) == [CREDITED]
    assert exchange.credits(since=NOW + tick, until=NOW + timedelta(seconds=1)) == []
    assert exchange.credits(since=NOW - timedelta(seconds=1), until=NOW) == []
    assert exchange.credits(since=NOW, until=NOW) == []


def test_a_list_without_end_is_no_list(
    there: AnsweringExchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    there.credit_door.largest_page = 1
    for number in range(3):
        there.credits.book(Order(f"key {number}", "BP-900001", AMOUNT, ""))
    exchange = patient(there)
    monkeypatch.setattr(credit_answers, "MOST_PAGES", 3)
    assert len(exchange.credits(**DAY)) == 3

    monkeypatch.setattr(credit_answers, "MOST_PAGES", 2)
    assert refusal(exchange.credits, **DAY) == answers.UNUSABLE
    monkeypatch.setattr(credit_answers, "MOST_PAGES", 3)
    monkeypatch.setattr(http, "DEADLINE_OF_A_LIST", -1)
    assert refusal(exchange.credits, **DAY) == answers.UNUSABLE
    assert (
        caplog.messages == ["the exchange gave no answer about its list of credits: a list without end"] * 2
    )


def test_a_list_of_many_pages_is_whole_and_in_order(there: AnsweringExchange) -> None:
    for number in range(1_234):
        there.credits.book(Order(f"key {number}", "BP-900001", AMOUNT, ""))

    assert [each.key for each in patient(there).credits(**DAY)] == [
        f"key {number}" for number in range(1_234)
    ]
    assert there.credit_door.asked == [("list", "")] * 3


def test_what_goes_over_the_wire_is_this(caplog: pytest.LogCaptureFixture) -> None:
    """The signature was made by `openssl pkeyutl -sign -rawin`, not by this code."""
    caplog.set_level(logging.DEBUG)
    heard = bytearray()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]

        def listen() -> None:
            taken, _ = server.accept()
            with taken:
                while b"}" not in heard:
                    heard.extend(taken.recv(65_536))

        listening = threading.Thread(target=listen)
        listening.start()
        exchange = HttpExchange(
            url=f"http://127.0.0.1:{port}",
            signer=Signer(PRIVATE_KEY),
            clock=lambda: datetime(2026, 11, 3, 0, 0, 0, 123_999, tzinfo=UTC),
        )
        assert refusal(exchange.credit, **ORDER) == credit_answers.UNKNOWN
        listening.join()

    head, _, body = bytes(heard).partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert first == "POST /api/v1/brokerProgram/credit HTTP/1.1"
    assert dict(header.split(": ", 1) for header in headers) == {
        "Host": f"127.0.0.1:{port}",
        "Content-Length": str(len(body)),
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "X-API-Key": "ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ=",
        "X-Signature": (
            "sHVZNJhpgjmrF9GY6y0zmKsRFGhDOlalYj5ASRDWtBrEp8bMWV5MmJRrfLHy8+2R1PfpaIisybzFu0EH4ox0Ag=="
        ),
        "X-Timestamp": "1793664000123",
        "X-Window": "5000",
    }
    assert json.loads(body) == {
        "key": KEY,
        "accountId": "BP-900001",
        "amount": "11421.06",
        "currency": "USD",
        "reference": "Broker rebate 2026-10, code 1400",
    }
