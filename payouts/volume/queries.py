"""Reads of the totals: volume by day, who was active, and when something last arrived."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate

from payouts.feed.models import Batch, Market, TotalByHour, TotalByRate
from payouts.money import EXACT, ZERO
from payouts.month import Month


@dataclass(frozen=True, slots=True)
class Day:
    """A broker's API volume of one UTC day in dollars, and what traders paid for it."""

    date: date
    spot: Decimal
    futures: Decimal
    volume: Decimal
    fees: Decimal
    fills: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """When something last arrived: of this broker, to the hour; from the exchange, to the instant."""

    #: The start of the latest hour that holds a fill of the broker; None before the first fill.
    last_fill_hour: datetime | None
    #: When the exchange's latest batch, of whichever brokers, was booked.
    last_batch_at: datetime | None


def days_of(*, broker_code: int, month: Month, until: datetime) -> list[Day]:
    """Every day of the month up to and including that of `until`, oldest first, empty ones too."""
    rows = (
        TotalByHour.objects.filter(broker_code=broker_code, hour__gte=month.starts_at, hour__lt=month.ends_at)
        .annotate(day=TruncDate("hour", tzinfo=UTC))
        .values("day")
        .annotate(
            spot=Coalesce(Sum("volume", filter=Q(market=Market.SPOT)), ZERO),
            futures=Coalesce(Sum("volume", filter=Q(market=Market.FUTURES)), ZERO),
            day_fees=Sum("fees"),
            day_fills=Sum("fills"),
        )
        .values_list("day", "spot", "futures", "day_fees", "day_fills")
    )
    found = {
        day: Day(day, spot, futures, EXACT.add(spot, futures), fees, fills)
        for day, spot, futures, fees, fills in rows
    }
    return [found.get(day, Day(day, ZERO, ZERO, ZERO, ZERO, 0)) for day in _dates(month, until=until)]


def active_traders(*, broker_code: int, month: Month) -> int:
    """How many traders had at least one fill in the month."""
    totals = TotalByRate.objects.filter(month=month.first_date, broker_code=broker_code)
    traders: int = totals.aggregate(traders=Count("trader", distinct=True))["traders"]
    return traders


def arrival(*, broker_code: int) -> Arrival:
    """Two look-ups by key. The table of fills has no index by broker, so the hour is what is cheap."""
    hours = TotalByHour.objects.filter(broker_code=broker_code).order_by("-hour").values("hour")
    batches = Batch.objects.order_by("-id").values_list(Subquery(hours[:1]), "received_at")
    # No fill without a batch that brought it.
    return Arrival(*(batches.first() or (None, None)))


def _dates(month: Month, *, until: datetime) -> list[date]:
    last = min(until, month.ends_at - timedelta(microseconds=1)).astimezone(UTC).date()
    return [month.first_date + timedelta(days=n) for n in range((last - month.first_date).days + 1)]
