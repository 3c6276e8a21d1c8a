"""The simulated exchange's questions about credits: takes orders, looks keys up, hands out the list."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler

from portal.simulator import outages
from portal.simulator.credit_faults import Faults, Way
from portal.simulator.credit_wires import until_gone
from portal.simulator.credits import Credit, Credits, KeyReused, Order, Rejection

_AMOUNT = re.compile(r"[0-9]{1,18}\.[0-9]{2}")
_FIELDS = {"key", "accountId", "amount", "currency", "reference"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotAQuestion(Exception):
    """It is signed, but asks for nothing that can be done."""


class CreditDoor:
    """Answers what was let in, or fails to in the way that was told."""

    def __init__(self, credits: Credits) -> None:
        self.faults = Faults()
        #: What was let in, in order: the operation and the key, "" for the list.
        self.asked: list[tuple[str, str]] = []
        #: How many credits a page of the list holds at most.
        self.largest_page = 500
        self._credits = credits
        self._going = 0
        self._changed = threading.Condition()

    def answer(
        self,
        handler: BaseHTTPRequestHandler,
        operation: str,
        fields: Mapping[str, str],
        stopped: outages.Stopped,
    ) -> None:
        """Do what is asked and say so, unless a fault comes between."""
        with self._counted():
            key = fields.get("key", "")
            self.asked.append((operation, key))
            way = self.faults.take(operation, fields.get("accountId", ""))
            handler.close_connection = True
            if way.is_late:
                until_gone(handler, stopped)
            status, said = self._done(operation, fields, way) if way.is_done else (500, {})
            way.then(self._credits, key)
            way.wire(handler, status, json.dumps(said).encode(), stopped)

    def at_rest(self, seconds: float = 10) -> None:
        """Return when no question is being worked on any more; a late credit is made by then."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._going == 0, seconds):
                raise TimeoutError("the exchange is still busy")

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._changed:
            self._going += 1
        try:
            yield
        finally:
            with self._changed:
                self._going -= 1
                self._changed.notify_all()

    def _done(self, operation: str, fields: Mapping[str, str], way: Way) -> tuple[int, dict[str, object]]:
        try:
            if operation == "credit":
                return self._credit(fields, way)
            return self._lookup(fields) if operation == "lookup" else self._list(fields)
        except (NotAQuestion, ValueError, OverflowError):
            return 400, {"code": "INVALID_CLIENT_REQUEST", "message": "The question makes no sense."}

    def _credit(self, fields: Mapping[str, str], way: Way) -> tuple[int, dict[str, object]]:
        if set(fields) != _FIELDS or not _AMOUNT.fullmatch(fields["amount"]) or fields["currency"] != "USD":
            raise NotAQuestion
        amount, key = Decimal(fields["amount"]), fields["key"]
        if not amount or not key:
            raise NotAQuestion
        order = Order(key, fields["accountId"], amount, fields["reference"])
        try:
            answer = self._credits.take(order, booking=way.booking, rejecting=way.rejecting)
        except KeyReused:
            said = {"code": "KEY_REUSED", "message": "This key came with other content before.", "key": key}
            return 409, dict(said)
        return 200 if isinstance(answer, Credit) else 422, _said(answer)

    def _lookup(self, fields: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        if set(fields) != {"key"}:
            raise NotAQuestion
        answer = self._credits.find(fields["key"])
        if answer is None:
            said = {"code": "CREDIT_NOT_FOUND", "message": "No credit has this key.", "key": fields["key"]}
            return 404, dict(said)
        return 200, _said(answer)

    def _list(self, fields: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        if not {"from", "to", "limit"} <= set(fields) <= {"from", "to", "limit", "after"}:
            raise NotAQuestion
        since, until = (_EPOCH + timedelta(milliseconds=int(fields[name])) for name in ("from", "to"))
        most = min(int(fields["limit"]), self.largest_page)
        found = self._credits.page(since=since, until=until, after=fields.get("after", ""), most=most)
        if most < 1 or found is None:
            raise NotAQuestion
        listed, more = found
        return 200, {"credits": [_said(each) for each in listed], "more": more}


def _said(answer: Credit | Rejection) -> dict[str, object]:
    if isinstance(answer, Rejection):
        return {"status": "REJECTED", "key": answer.key, "code": answer.code, "message": answer.message}
    return {
        "status": "CREDITED",
        "key": answer.key,
        "creditId": answer.credit_id,
        "accountId": answer.account_id,
        "amount": f"{answer.amount:.2f}",
        "currency": "USD",
        "creditedAt": f"{answer.credited_at:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
