"""Reads of the totals: volume by day, who was active, and when something last arrived."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Max, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate

from payouts.feed.models import Batch, Fill, Market, TotalByHour, TotalByRate
from payouts.money import EXACT, ZERO
from payouts.month import Month
from payouts.program.models import StandingChange, StandingRange


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


@dataclass(frozen=True, slots=True)
class Between:
    """A broker's API volume between two instants in dollars, and what traders paid for it."""

    fills: int
    volume: Decimal
    fees: Decimal


_NOTHING = Between(0, ZERO, ZERO)
_HOUR = timedelta(hours=1)
_WHOLE_HOURS = "SELECT fills, volume, fees FROM total_by_hour WHERE broker_code = %s AND hour >= %s"
_FILLS = (
    "SELECT count(*), sum(price * quantity), sum(greatest(fee, 0)) FROM fill"
    " WHERE broker_code = %s AND executed_at >= %s AND executed_at < %s"
    " AND NOT EXISTS (SELECT FROM fill_void WHERE fill_void.fill_id = fill.id)"
)


def between(*, broker_code: int, starts_at: datetime, ends_at: datetime | None) -> Between:
    """What a broker's fills come to from an instant until before another, to the microsecond; None is no end.

    Whole hours are read from the totals, the two hours at the edges from the fills, which are found by time,
    without those that were voided: in one statement, so that no intake or void comes in between.
    """
    if ends_at is not None and ends_at <= starts_at:
        return _NOTHING
    reads: list[str] = []
    values: list[int | datetime] = []
    edges: list[tuple[datetime | None, datetime | None]]
    first, last = _hour_not_before(starts_at), None if ends_at is None else _hour_of(ends_at)
    if last is not None and first >= last:
        edges = [(starts_at, ends_at)]
    else:
        edges = [(starts_at, first), (last, ends_at)]
        reads.append(_WHOLE_HOURS)
        values += [broker_code, first]
        if last is not None:
            reads[-1] += " AND hour < %s"
            values.append(last)
    for start, end in edges:
        if start is not None and end is not None and start < end:
            reads.append(_FILLS)
            values += [broker_code, start, end]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(fills), 0)::bigint, coalesce(sum(volume), 0), coalesce(sum(fees), 0)"
            f" FROM ({' UNION ALL '.join(reads)}) AS part (fills, volume, fees)",
            values,
        )
        return Between(*cursor.fetchone())


def suspended(*, broker_code: int, month: Month) -> Between:
    """The part of a broker's month that was executed while it was suspended: a join, never a stored mark.

    The tier counts it like all other volume; it is the money that waits.
    """
    ranges = StandingRange.objects.filter(
        Q(ends_at__isnull=True) | Q(ends_at__gt=month.starts_at),
        broker=broker_code,
        kind=StandingChange.Kind.SUSPENDED,
        starts_at__lt=month.ends_at,
    )
    found = _NOTHING
    for starts_at, ends_at in ranges.values_list("starts_at", "ends_at"):
        part = between(
            broker_code=broker_code,
            starts_at=max(starts_at, month.starts_at),
            ends_at=min(ends_at or month.ends_at, month.ends_at),
        )
        found = Between(
            found.fills + part.fills,
            EXACT.add(found.volume, part.volume),
            EXACT.add(found.fees, part.fees),
        )
    return found


def last_fill_at(*, broker_code: int, since: datetime) -> datetime | None:
    """When the broker's latest fill at or after an instant was executed; None without one."""
    fills = Fill.objects.filter(broker_code=broker_code, executed_at__gte=since)
    found: datetime | None = fills.aggregate(last=Max("executed_at"))["last"]
    return found


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
    """How many traders had at least one fill in the month that counts."""
    totals = TotalByRate.objects.filter(month=month.first_date, broker_code=broker_code, fills__gt=0)
    traders: int = totals.aggregate(traders=Count("trader", distinct=True))["traders"]
    return traders


def arrival(*, broker_code: int) -> Arrival:
    """Two look-ups by key. The table of fills has no index by broker, so the hour is what is cheap."""
    hours = TotalByHour.objects.filter(broker_code=broker_code).order_by("-hour").values("hour")
    batches = Batch.objects.order_by("-id").values_list(Subquery(hours[:1]), "received_at")
    # No fill without a batch that brought it.
    return Arrival(*(batches.first() or (None, None)))


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hour_not_before(moment: datetime) -> datetime:
    hour = _hour_of(moment)
    return hour if hour == moment else hour + _HOUR


def _dates(month: Month, *, until: datetime) -> list[date]:
    last = min(until, month.ends_at - timedelta(microseconds=1)).astimezone(UTC).date()
    return [month.first_date + timedelta(days=n) for n in range((last - month.first_date).days + 1)]
