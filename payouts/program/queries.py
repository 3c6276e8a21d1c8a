"""Reads about brokers."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from payouts.program.models import Broker, StandingChange
from payouts.program.standing import Change, Range, State, ranges, state_at


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


def rules_of(changes: Iterable[StandingChange]) -> list[Change]:
    """The changes as the rules of standing read them."""
    return [Change(each.kind, each.effective_at, each.ends_id or each.pk) for each in changes]  # type: ignore[arg-type]  # a CHECK keeps the kinds


def standings_of(codes: Collection[int], *, now: datetime) -> dict[int, Standing]:
    """The standing of several brokers now, from one query."""
    changes: dict[int, list[StandingChange]] = {code: [] for code in codes}
    for change in StandingChange.objects.filter(broker_id__in=codes).order_by("pk"):
        changes[change.broker_id].append(change)
    return {code: standing_from(of_it, now=now) for code, of_it in changes.items()}


def standing_from(changes: Sequence[StandingChange], *, now: datetime) -> Standing:
    """The standing that changes make at an instant."""
    rules = rules_of(changes)
    by_number = {each.pk: each for each in changes}
    found = ranges(rules)
    change = next((by_number[each.number] for each in found if each.holds_at(now)), None)
    if change is None:
        change = _last_to_make_active(changes, found, now)
    to_come = [each for each in found if each.starts_at > now]
    return Standing(
        state=state_at(rules, now),
        since=change.effective_at if change else None,
        change=change,
        planned=by_number[to_come[0].number] if to_come else None,
    )


def _last_to_make_active(
    changes: Sequence[StandingChange], found: Sequence[Range], now: datetime
) -> StandingChange | None:
    """The lifting of the latest suspension that was in force, or the enrolment."""
    over = [each.number for each in found if each.ends_at is not None and each.ends_at <= now]
    for change in changes:
        if over and change.ends_id == over[-1]:
            return change
    begun = (each for each in changes if each.kind == "enrolled" and each.effective_at <= now)
    return next(begun, None)


def brokers() -> QuerySet[Broker]:
    """Every broker ever issued a code, by code."""
    return Broker.objects.order_by("code")


def broker_with(code: int) -> Broker | None:
    return Broker.objects.filter(code=code).first()


def codes() -> set[int]:
    """Every code ever issued; none of them is given again."""
    return set(Broker.objects.values_list("code", flat=True))
