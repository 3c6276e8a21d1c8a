"""Reads about brokers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from payouts.program.models import Broker, StandingChange
from payouts.program.standing import Change, State, state_at


@dataclass(frozen=True, slots=True)
class Enrolment:
    """From when and until when a broker's fills count."""

    code: int
    enrolled_at: datetime
    terminated_at: datetime | None


def enrolments() -> list[Enrolment]:
    """Every broker ever issued a code."""
    terminations = StandingChange.objects.filter(broker=OuterRef("code"), kind=StandingChange.Kind.TERMINATED)
    rows = Broker.objects.annotate(
        terminated_at=Subquery(terminations.values("effective_at")[:1])
    ).values_list("code", "enrolled_at", "terminated_at")
    return [Enrolment(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Standing:
    """A broker's standing at an instant, and what is to come."""

    state: State
    #: From when the broker is so: the start of the suspension, of the termination, or the last lifting.
    since: datetime | None
    #: The change that made it so; None before the enrolment.
    change: StandingChange | None
    #: A suspension or termination that is planned and has not begun; the first of them.
    planned: StandingChange | None

    @property
    def is_active(self) -> bool:
        return self.state == "active"


def changes_of(broker_code: int) -> list[StandingChange]:
    """Every change of a broker's standing in the order of recording."""
    return list(StandingChange.objects.filter(broker_id=broker_code).order_by("pk"))


def standing_of(broker_code: int, *, now: datetime) -> Standing:
    """A broker's standing now, from one query."""
    return standing_from(changes_of(broker_code), now=now)


def standing_from(changes: Sequence[StandingChange], *, now: datetime) -> Standing:
    """The standing that changes, in the order of recording, make at an instant."""
    state = state_at([Change(each.kind, each.effective_at) for each in changes], now)  # type: ignore[arg-type]  # a CHECK keeps the kinds
    cancelled = {each.ends_id for each in changes if each.ends_id is not None}
    ordered = sorted(changes, key=lambda each: each.effective_at)
    begun = [each for each in ordered if each.effective_at <= now]
    ended = next((each for each in begun if each.kind == "terminated"), None)
    change = ended or (begun[-1] if begun else None)
    to_come = [
        each
        for each in ordered
        if each.effective_at > now and each.kind in ("suspended", "terminated") and each.pk not in cancelled
    ]
    return Standing(
        state=state,
        since=change.effective_at if change else None,
        change=change,
        planned=to_come[0] if to_come and ended is None else None,
    )


def brokers() -> QuerySet[Broker]:
    """Every broker ever issued a code, by code."""
    return Broker.objects.order_by("code")


def broker_with(code: int) -> Broker | None:
    return Broker.objects.filter(code=code).first()


def codes() -> set[int]:
    """Every code ever issued; none of them is given again."""
    return set(Broker.objects.values_list("code", flat=True))
