"""What the pages of quarantine show: the overview by reason, and one record with all that is known of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncDate

from payouts.feed import quarantine, replaying
from payouts.feed.models import Batch
from payouts.feed.quarantine_models import QuarantinePlace
from payouts.program import queries as program
from portal.accounts.models import User
from portal.staff import quarantine_beside, visible
from portal.staff import quarantine_words as words

#: Days of the table of days, today included, and replays of the list of replays.
DAYS, REPLAYS = 8, 5
_WAITING = QuarantinePlace.State.WAITING


@dataclass(frozen=True, slots=True)
class Waits:
    """The records that wait with one reason, as the overview shows them."""

    reason: quarantine.Reason
    words: words.Reason

    @property
    def can_replay(self) -> bool:
        return self.reason.reason != "malformed"


@dataclass(frozen=True, slots=True)
class InAll:
    """How many records wait, and since when the oldest does; None where none waits."""

    records: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Day:
    """How many records came into quarantine on a day, and how many left it."""

    day: date
    came: int
    left: int


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a record's history."""

    change: quarantine.Change
    act: str
    #: Who did it; empty where the portal did.
    who: str
    source: str


def waiting(*, now: datetime) -> InAll:
    """For the first page of the staff site; one query."""
    found = quarantine.by_reason(now=now)
    return InAll(sum(each.waiting for each in found), min((each.oldest for each in found), default=None))


def overview(*, now: datetime) -> dict[str, Any]:
    """What waits by reason, whether the share jumped, the last days and the last replays."""
    found = quarantine.by_reason(now=now)
    replays = replaying.latest(REPLAYS)
    return {
        "waits": [Waits(each, words.reason(each.reason)) for each in found],
        "waiting": sum(each.waiting for each in found),
        "replayable": sum(each.waiting for each in found if each.reason != "malformed"),
        "oldest": min((each.oldest for each in found), default=None),
        "share": quarantine.shares(now=now),
        "days": days(now=now),
        "replays": [(each, target(each)) for each in replays],
        "under_way": next((each for each in replays if each.finished_at is None), None),
        "now": now,
    }


def days(*, now: datetime) -> list[Day]:
    """The last days in UTC, the latest first; two queries."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    came = _by_day("received_at", QuarantinePlace.objects.filter(received_at__gte=since))
    left = _by_day(
        "changed_at", QuarantinePlace.objects.filter(changed_at__gte=since).exclude(state=_WAITING)
    )
    return [Day(day, came[day], left[day]) for day in (today - timedelta(days=back) for back in range(DAYS))]


def _by_day(column: str, found: Any) -> Counter[date]:
    counted = found.values(day=TruncDate(column, tzinfo=UTC)).order_by().annotate(records=Count("pk"))
    return Counter({row["day"]: row["records"] for row in counted})


def target(replay: replaying.Progress) -> str:
    """What a replay looks at, in words: a reason's title; empty for all, or for one record."""
    return words.title(replay.reason) if replay.reason else ""


def page(record: quarantine.Record, *, can_mind: bool) -> dict[str, Any]:
    """A record with its bytes, its fields, what holds its key and its history."""
    waits, beside = record.state == _WAITING, record.corrected
    header = visible.raw(record.header) if record.header else None
    return {
        "record": record,
        "words": words.reason(record.reason if waits else record.first_reason),
        "first": words.reason(record.reason).first,
        "state": words.state(record.state),
        "looks": words.LOOKS[record.state],
        "waits": waits,
        "raw": visible.raw(record.raw, record.raw_length),
        "header": header,
        "rows": quarantine_beside.rows(record.fields, beside.fields if beside else None),
        "beside": beside,
        "broker": None if record.broker_code is None else program.broker_with(record.broker_code),
        "history": _history(record.changes),
        "source": _sources([record.batch_id]).get(record.batch_id, ""),
        "can_mind": can_mind,
        "can_replay": can_mind and waits and record.reason != "malformed",
        "can_reopen": can_mind and record.state == QuarantinePlace.State.DISCARDED,
    }


def _history(changes: Iterable[quarantine.Change]) -> list[Happened]:
    changes = list(changes)
    people = User.objects.in_bulk({each.by for each in changes if each.by is not None})
    sources = _sources(each.batch_id for each in changes if each.batch_id is not None)
    return [
        Happened(
            each,
            words.act(each.act),
            str(people[each.by]) if each.by is not None else "",
            sources.get(each.batch_id, "") if each.batch_id is not None else "",
        )
        for each in changes
    ]


def _sources(batches: Iterable[int]) -> dict[int, str]:
    """Where batches came from, by their numbers."""
    return dict(Batch.objects.filter(pk__in=set(batches)).values_list("pk", "source"))
