"""What the list of brokers says of each row, read with the rows themselves, and by what it is filtered."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import (
    Count,
    DecimalField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from payouts.desk import affiliates
from payouts.desk.models import AffiliateCheck, Case, PayoutHold, Termination
from payouts.monthend.models import Payout
from payouts.program.models import Broker, StandingChange, StandingRange
from portal.team.models import Invitation, Membership, Role

_TEAM = Membership.objects.filter(broker=OuterRef("pk"))
_CENTS = DecimalField(max_digits=62, decimal_places=2)


def listed(brokers: QuerySet[Broker], *, now: datetime) -> Any:
    """Brokers with their standing at `now`, people, conflicts and held dollars, in one query."""
    ranges = StandingRange.objects.filter(broker=OuterRef("pk"))
    begun = ranges.filter(starts_at__lte=now)
    suspended, terminated = StandingChange.Kind.SUSPENDED, StandingChange.Kind.TERMINATED
    lasts = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    comes = Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at"))  # a cancelled one ends where it starts
    members = _TEAM.order_by().values("broker").annotate(number=Count("pk")).values("number")
    invited = Invitation.objects.filter(
        broker=OuterRef("pk"), state=Invitation.State.OPEN, expires_at__gt=now
    )
    held = (
        Payout.objects.filter(
            Exists(PayoutHold.objects.filter(payout=OuterRef("pk"))),
            broker=OuterRef("pk"),
            approved_at__isnull=True,
        )
        .order_by()
        .values("broker")
        .annotate(dollars=Sum("payout"))
        .values("dollars")
    )
    return brokers.annotate(
        is_terminated=Exists(begun.filter(kind=terminated)),
        is_suspended=Exists(begun.filter(lasts, kind=suspended)),
        is_planned=Exists(ranges.filter(comes, starts_at__gt=now)),
        is_affiliate=Exists(
            Case.objects.filter(broker=OuterRef("pk"), kind=Case.Kind.AFFILIATE, state=Case.State.OPEN)
        )
        | Exists(
            AffiliateCheck.objects.filter(broker=OuterRef("pk"), answer=AffiliateCheck.Answer.AFFILIATE)
        ),
        is_unanswered=Exists(
            AffiliateCheck.objects.filter(
                Q(failing_since__isnull=False) | Q(due_at__lt=now - affiliates.OVERDUE), broker=OuterRef("pk")
            )
        ),
        is_odd=Exists(
            AffiliateCheck.objects.filter(
                broker=OuterRef("pk"),
                answer__in=[AffiliateCheck.Answer.MISSING, AffiliateCheck.Answer.NOT_BUSINESS],
            )
        ),
        is_prepared=Exists(
            Termination.objects.filter(broker=OuterRef("pk"), state=Termination.State.PREPARED)
        ),
        number_of_members=Coalesce(Subquery(members, output_field=IntegerField()), 0),
        has_owner=Exists(_TEAM.filter(role=Role.OWNER)),
        open_invitation=Subquery(invited.order_by("-pk").values("email")[:1]),
        held_dollars=Coalesce(Subquery(held, output_field=_CENTS), Decimal(0), output_field=_CENTS),
    )


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Brokers about whose account there is no answer though there should be, and since when."""

    brokers: int
    since: datetime | None


def unanswered(*, now: datetime) -> Unanswered:
    """Asked in vain, or not asked for so long that the sweep cannot be running."""
    found = affiliates.failing(now=now)
    since = min((each.failing_since or each.due_at for each in found), default=None)
    return Unanswered(brokers=len(found), since=since)


class OwnerFilter(SimpleListFilter):
    title = gettext_lazy("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", gettext_lazy("without owner")), ("some", gettext_lazy("with owner"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Broker]) -> QuerySet[Broker]:
        wanted = {"none": False, "some": True}.get(self.value() or "")
        return queryset if wanted is None else queryset.filter(Q(has_owner=wanted))


class StandingFilter(SimpleListFilter):
    title = gettext_lazy("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("active", gettext_lazy("active")),
            ("suspended", gettext_lazy("suspended")),
            ("terminated", gettext_lazy("terminated")),
            ("planned", gettext_lazy("to be stopped")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Broker]) -> QuerySet[Broker]:
        wanted: dict[str, Q] = {
            "active": Q(is_terminated=False, is_suspended=False),
            "suspended": Q(is_terminated=False, is_suspended=True),
            "terminated": Q(is_terminated=True),
            "planned": Q(is_terminated=False, is_planned=True),
        }
        asked = wanted.get(self.value() or "")
        return queryset if asked is None else queryset.filter(asked)


class ConcernFilter(SimpleListFilter):
    title = gettext_lazy("concern")
    parameter_name = "concern"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("affiliate", gettext_lazy("affiliate conflict")),
            ("held", gettext_lazy("payouts held")),
            ("termination", gettext_lazy("termination prepared")),
            ("unanswered", gettext_lazy("the exchange does not answer about it")),
            ("account", gettext_lazy("account missing or personal")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Broker]) -> QuerySet[Broker]:
        wanted: dict[str, Q] = {
            "affiliate": Q(is_affiliate=True),
            "held": Q(held_dollars__gt=0),
            "termination": Q(is_prepared=True),
            "unanswered": Q(is_unanswered=True, is_terminated=False),
            "account": Q(is_odd=True),
        }
        asked = wanted.get(self.value() or "")
        return queryset if asked is None else queryset.filter(asked)
