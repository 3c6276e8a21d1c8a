"""Reads about brokers."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, QuerySet, Subquery

from payouts.program.models import Broker, StandingChange


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


def brokers() -> QuerySet[Broker]:
    """Every broker ever issued a code, by code."""
    return Broker.objects.order_by("code")


def broker_with(code: int) -> Broker | None:
    return Broker.objects.filter(code=code).first()


def codes() -> set[int]:
    """Every code ever issued; none of them is given again."""
    return set(Broker.objects.values_list("code", flat=True))
