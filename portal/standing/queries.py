"""What members read of their broker's standing: never who of the staff, their notes or their evidence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.utils.translation import gettext as _

from payouts.desk import hold, told
from payouts.desk.told import ToldAppeal, ToldChange, ToldFile, ToldFileBytes
from payouts.month import Month
from payouts.program.queries import Standing, changes_of, standing_from
from payouts.volume import queries as volume
from payouts.volume.queries import Between
from portal.accounts.models import User


@dataclass(frozen=True, slots=True)
class Change:
    """One change of standing as the broker is told of it."""

    number: int
    #: "suspended", "lifted", "cancelled" (a suspension before its start), "terminated".
    kind: str
    label: str
    effective_at: datetime
    recorded_at: datetime
    reason: str
    message: str
    #: It is decided and has not begun.
    is_planned: bool


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said. `who` is empty for the exchange, which speaks with one voice."""

    who: str
    at: datetime
    text: str
    files: list[ToldFile]


@dataclass(frozen=True, slots=True)
class Thread:
    """An appeal with everything that was said in it; `about` is what it is against."""

    appeal: ToldAppeal
    about: Change
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Held:
    """A month's payout that is held, in dollars; it may change until it is approved."""

    month: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Page:
    """Everything on the page of a broker's standing."""

    standing: Standing
    #: The suspension or termination that holds now, and one that is decided and has not begun.
    current: Change | None
    planned: Change | None
    enrolled_at: datetime | None
    #: Every change since, the latest first.
    history: list[Change]
    #: Payouts that the case of the current change holds, and what they come to.
    held: list[Held]
    held_total: Decimal
    #: What this month's fills during suspensions come to; they count, and are told apart.
    suspended: Between
    #: Payouts that only other cases hold: of suspensions that were lifted, for example.
    held_otherwise: list[Held]
    threads: list[Thread]
    #: What may still be appealed.
    appealable: list[Change]


def page(broker_code: int, *, now: datetime) -> Page:
    """The standing of a broker now, what led to it, what it means for the money, and the appeals."""
    recorded = changes_of(broker_code)
    standing = standing_from(recorded, now=now)
    rows = told.changes(broker_code)
    changes = {row.id: _change(row, rows, now=now) for row in rows}
    stops = standing.change if standing.state in ("suspended", "terminated") else None
    current = changes[stops.pk] if stops else None
    planned = changes[standing.planned.pk] if standing.planned else None
    payouts = hold.held(broker_code)
    here = [each for each in payouts if stops and stops.case_id in {held.case_id for held in each.holds}]
    to_appeal = {row.id for row in rows if row.can_be_appealed}
    return Page(
        standing=standing,
        current=current,
        planned=planned,
        enrolled_at=next((each.effective_at for each in recorded if each.kind == "enrolled"), None),
        history=list(changes.values()),
        held=[Held(each.month, each.amount) for each in here],
        held_total=sum((each.amount for each in here), Decimal(0)),
        suspended=volume.suspended(broker_code=broker_code, month=Month.of(now)),
        held_otherwise=[Held(each.month, each.amount) for each in payouts if each not in here],
        threads=_threads(told.appeals(broker_code), changes),
        appealable=[each for each in (current, planned) if each and each.number in to_appeal],
    )


def has_appeal(broker_code: int, reference: UUID) -> bool:
    """Whether an appeal is just this broker's."""
    return told.appeal(broker_code=broker_code, reference=reference) is not None


def file_content(broker_code: int, reference: UUID) -> ToldFileBytes | None:
    """A file that came with a message of this broker's appeals; evidence of staff is none of them."""
    return told.file_bytes(broker_code=broker_code, reference=reference)


def mark(standing: Standing) -> str:
    """Two standings have the same mark if they say the same to whoever looks at a page."""
    parts = [standing.state, standing.since.isoformat() if standing.since else ""]
    if standing.planned is not None:
        parts += [standing.planned.kind, standing.planned.effective_at.isoformat()]
    return " ".join(parts)


def _change(row: ToldChange, rows: list[ToldChange], *, now: datetime) -> Change:
    is_cancelled = row.ends_at == row.effective_at
    is_cancelling = row.kind == "lifted" and any(
        each.is_lifted and each.ends_at == each.effective_at == row.effective_at for each in rows
    )
    kind = "cancelled" if is_cancelling else row.kind
    labels = {
        "suspended": _("Suspended"),
        "lifted": _("Suspension lifted"),
        "cancelled": _("Planned suspension cancelled"),
        "terminated": _("Terminated"),
    }
    return Change(
        number=row.id,
        kind=kind,
        label=_("Suspension planned, and cancelled before it began") if is_cancelled else labels[kind],
        effective_at=row.effective_at,
        recorded_at=row.recorded_at,
        reason=row.reason,
        message=row.message,
        is_planned=row.effective_at > now and not is_cancelled and kind != "cancelled",
    )


def _threads(appeals: list[ToldAppeal], changes: dict[int, Change]) -> list[Thread]:
    names = _names(each.by for appeal in appeals for each in appeal.messages if each.by is not None)
    return [
        Thread(
            appeal=appeal,
            about=changes[appeal.change_id],
            messages=[
                Message("" if each.by is None else names[each.by], each.at, each.text, each.files)
                for each in appeal.messages
            ],
        )
        for appeal in appeals
    ]


def _names(logins: Iterable[int]) -> dict[int, str]:
    wanted = set(logins)
    return dict(User.objects.filter(pk__in=wanted).values_list("pk", "email")) if wanted else {}
