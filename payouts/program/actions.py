"""Writes about brokers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from payouts.program.broker_file import BrokerRow
from payouts.program.models import Broker, StandingChange
from payouts.refusal import Refusal


class CodeTaken(Refusal):
    """The code belongs to a broker with other values; codes are never given twice."""


@dataclass(frozen=True, slots=True)
class Imported:
    imported: int
    unchanged: int


@transaction.atomic
def import_brokers(*, rows: Sequence[BrokerRow], now: datetime) -> Imported:
    """Enrol brokers whose codes exist already, all or none of them.

    A row that repeats what is known changes nothing. Refuses `CodeTaken` when a code is known with
    another name, account or enrolment.
    """
    wanted: dict[int, BrokerRow] = {}
    for row in rows:
        _must_agree(row, wanted.setdefault(row.code, row))
    # One statement decides who is first when two imports run at once; the loser sees the rows.
    Broker.objects.bulk_create(
        [
            Broker(
                code=row.code,
                name=row.name,
                account_id=row.account_id,
                enrolled_at=row.enrolled_at,
            )
            for row in sorted(wanted.values(), key=lambda row: row.code)
        ],
        ignore_conflicts=True,
        batch_size=5_000,
    )
    known = Broker.objects.in_bulk(list(wanted))
    for code, row in wanted.items():
        broker = known[code]
        _must_agree(row, BrokerRow(code, broker.name, broker.account_id, broker.enrolled_at, row.line))
    enrolled = set(
        StandingChange.objects.filter(broker__in=wanted, kind=StandingChange.Kind.ENROLLED).values_list(
            "broker_id", flat=True
        )
    )
    new = [row for code, row in wanted.items() if code not in enrolled]
    StandingChange.objects.bulk_create(
        [
            StandingChange(
                broker_id=row.code,
                kind=StandingChange.Kind.ENROLLED,
                effective_at=row.enrolled_at,
                recorded_at=now,
                note="imported with an existing code",
            )
            for row in new
        ],
        batch_size=5_000,
    )
    return Imported(imported=len(new), unchanged=len(rows) - len(new))


def _must_agree(row: BrokerRow, known: BrokerRow) -> None:
    if row.values != known.values:
        raise CodeTaken(
            f"line {row.line}: code {row.code} is {known.name}, account {known.account_id}, enrolled"
            f" {known.enrolled_at:%Y-%m-%dT%H:%M:%SZ}; nothing was imported"
        )
