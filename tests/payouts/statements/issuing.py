"""Statements that were really issued: of fills, by two people, through the engine's own acts."""

from datetime import datetime
from typing import Any
from unittest.mock import patch

from payouts.models import Broker, Payout, Statement
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.statements import actions, building, faces
from payouts.statements.document import canonical
from tests import make
from tests.payouts.desk import money_acts
from tests.payouts.desk.money_acts import NOON, OCTOBER

SEPTEMBER = Month(2026, 9)


def october(broker: Broker, *, month: Month = OCTOBER, at: datetime = NOON) -> Statement:
    """Two traders, both markets, and an affiliate's share."""
    day = {"timestamp": f"{month}-15T12:00:00Z", "brokerId": broker.code}
    make.fills(
        make.record(price="3500000", **day),
        make.record(userId=8, price="1000000", affiliateRate="0.25", **day),
        make.record(marketType="PERP", price="499990", feeRate="-0.0001", **day),
    )
    return issued(money_acts.calculated(broker, month), at=at)


def issued(payout: Payout, *, at: datetime = NOON) -> Statement:
    return Statement.objects.get(payout=money_acts.approved(payout, at=at))


def corrected(broker: Broker) -> tuple[Statement, Statement]:
    """September, and October with a late fill of September, a void adjustment and a balance."""
    first = october(broker, month=SEPTEMBER)
    make.fills(make.record(price="50", timestamp="2026-09-20T12:00:00Z", brokerId=broker.code))
    money_acts.done("adjust", broker_code=broker.code, amount=money_acts.Decimal("-3.50"))
    second = october(broker, at=money_acts.LATER)
    return first, second


def of_many(broker: Broker, traders: int) -> Statement:
    """A line for each of so many traders."""
    make.fills(
        *(
            make.record(userId=number, price=str(number), brokerId=broker.code)
            for number in range(1, traders + 1)
        )
    )
    monthend.calculate(month=OCTOBER, now=NOON)
    return issued(Payout.objects.get(broker=broker))


def bytes_of(statement: Statement, kind: str) -> bytes:
    """A file of a statement; made if it is missing."""
    face = faces.ensure(statement_id=statement.pk, kind=kind, now=NOON)
    return b"".join(faces.stream(face.id))


def all_bytes_of(statement: Statement) -> dict[str, bytes]:
    return {kind: bytes_of(statement, kind) for kind in ("json", "csv", "pdf")}


def document_of(statement: Statement) -> dict[str, Any]:
    return faces.document_of(statement.pk) | {"lines": list(faces.lines_of(statement.pk))}


def written(payout: Payout, document: dict[str, Any], lines: list[dict[str, Any]]) -> Statement:
    """The statement of a payout with a document that was made elsewhere; its row says other figures."""

    def statement(of: Payout, at: datetime) -> Statement:
        row = Statement.objects.create(
            broker=of.broker,
            number=1,
            payout=of,
            month=of.run.month,
            issued_at=at,
            digest=document["signature"]["digest"],
            key=actions.signing_key(now=at),
            signature=document["signature"]["value"],
            due=of.due or 0,
            lines=len(lines),
        )
        stretches = building.stretches(document, [canonical(line) for line in lines])
        actions.keep(statement=row, kind="json", stretches=stretches, now=at)
        return row

    with patch.object(make, "bare_statement", statement):
        make.approved(payout)
    return Statement.objects.get(payout=payout)
