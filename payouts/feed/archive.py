"""Takes the fills of a closed month out of the table into a file, and back. Who may ask is asked above."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Sum as Summed

from payouts import crash
from payouts.feed import archive_file, booking, partitions
from payouts.feed.archive_file import Sums
from payouts.feed.archive_models import FillArchive
from payouts.month import Month
from payouts.refusal import Refusal

CRASH_POINTS = (
    "archive: written",
    "archive: named",
    "archive: before commit",
    "archive: committed",
    "archive: rows are back",
    "archive: restored",
)
#: The first of the two numbers of the advisory lock; the second is the month.
_ARCHIVING_LOCK = 7_230_071
_ORDER = "broker_code, executed_at, id"
_WITHIN = "executed_at >= %(starts_at)s AND executed_at < %(ends_at)s"
#: Between the names of files that are not whole yet and all others.
_UNFINISHED = ".unfinished"


class NothingToArchive(Refusal):
    """The month has no fill in the table."""


class NothingToRestore(Refusal):
    """No file of the month waits to be restored."""


class IsArchived(Refusal):
    """What is asked for needs fills that lie in a file alone."""


class UnderWay(Refusal):
    """Another archives or restores the month at this moment."""


class FileIsNotTheMonth(Refusal):
    """A file is missing, or is not what was archived, or the month grew while it was written."""


def archive(month: Month, *, folder: Path, now: datetime) -> FillArchive:
    """Write the month's fills to a file, read it back, and drop the partition if both are the same.

    The file is whole under its name before the database hears of it, so wherever this ends, it can be begun
    again. Natural keys stay: what was archived is still a duplicate when it is sent again. Refuses
    `NothingToArchive`, `FileIsNotTheMonth`, `UnderWay`.
    """
    with _alone(month):
        return _archive(month, folder, now)


def _archive(month: Month, folder: Path, now: datetime) -> FillArchive:
    folder.mkdir(parents=True, exist_ok=True)
    part = FillArchive.objects.filter(month=month.first_date).count() + 1
    path = folder / f"fills-{month}-{part}.parquet"
    unfinished = path.with_suffix(_UNFINISHED)
    told = _write(month, unfinished)
    crash.point("archive: written")
    if archive_file.sums(unfinished) != told:
        raise FileIsNotTheMonth(f"{unfinished} is not what was written: try again, and look at the disk.")
    # Told of what was read back, before anybody knows it by its name.
    size, digest = unfinished.stat().st_size, archive_file.sha256(unfinished)
    unfinished.replace(path)
    _see_on_disk(folder)
    crash.point("archive: named")
    whole = archive_file.total(told)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            booking.enter(alone=True)
            cursor.execute(
                "SELECT drop_archived_fills(%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    month.first_date,
                    path.name,
                    size,
                    digest,
                    whole.fills,
                    whole.volume,
                    whole.fees,
                    now,
                ],
            )
            crash.point("archive: before commit")
    except DatabaseError as problem:
        if getattr(problem.__cause__, "sqlstate", "") != "23000":
            raise
        raise FileIsNotTheMonth(f"Fills of {month} came while it was archived: do it again.") from None
    crash.point("archive: committed")
    return FillArchive.objects.get(month=month.first_date, part=part)


def restore(month: Month, *, folder: Path, now: datetime) -> int:
    """Write archived fills back under their numbers; how many. Files stay. All parts or none.

    Refuses `NothingToRestore`, `FileIsNotTheMonth`.
    """
    parts = dropped(month)
    if not parts:
        raise NothingToRestore(f"No fill of {month} is archived: there is nothing to restore.")
    for part in parts:
        path = folder / part.file
        if not path.is_file() or archive_file.sha256(path) != bytes(part.sha256):
            raise FileIsNotTheMonth(f"{path} is missing or is not what was archived: bring the right file.")
    partitions.make([month])
    columns = ", ".join(archive_file.COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        booking.enter(alone=True)
        for part in parts:
            with cursor.copy(f"COPY fill ({columns}) FROM STDIN") as copy:
                for row in archive_file.rows(folder / part.file):
                    copy.write_row([row[name] for name in archive_file.COLUMNS])
            crash.point("archive: rows are back")
            cursor.execute("SELECT archived_fills_are_back(%s, %s)", [part.pk, now])
    crash.point("archive: restored")
    return sum(part.fills for part in parts)


def dropped(month: Month) -> list[FillArchive]:
    """The files of a month whose fills are in them alone."""
    state = FillArchive.State.DROPPED
    return list(FillArchive.objects.filter(month=month.first_date, state=state).order_by("part"))


def must_be_here(month: Month) -> None:
    """Refuse `IsArchived` if fills of the month lie in files alone: without them a sum would be too small."""
    if dropped(month):
        raise IsArchived(
            f"Fills of {month} are archived: restore them first (`manage.py restore_fills {month}`)."
        )


def fills(month: Month, *, broker_code: int, folder: Path) -> Iterator[dict[str, Any]]:
    """A broker's archived fills of a month, by time, for whoever explains it. Reads only where they lie."""
    for part in dropped(month):
        yield from archive_file.rows(folder / part.file, broker_code=broker_code)


def archived_of(*, broker_code: int) -> dict[Month, int]:
    """How many fills of a broker lie in files alone, by month."""
    rows = (
        FillArchive.objects.filter(state=FillArchive.State.DROPPED, totals__broker_code=broker_code)
        .values_list("month")
        .annotate(fills=Summed("totals__fills"))
        .order_by("month")
    )
    return {Month.of_date(first): fills for first, fills in rows}


def _write(month: Month, path: Path) -> Sums:
    """Write the file and tell what the table holds, both of one moment."""
    within = {"starts_at": month.starts_at, "ends_at": month.ends_at}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(
                "SELECT broker_code, market, count(*), sum(price * quantity), sum(greatest(fee, 0)) FROM fill"
                f" WHERE {_WITHIN} GROUP BY 1, 2",
                within,
            )
            told = {(row[0], row[1]): archive_file.Sum(*row[2:]) for row in cursor}
        if not told:
            raise NothingToArchive(f"{month} has no fills in the table: there is nothing to archive.")
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                f"SELECT {', '.join(archive_file.COLUMNS)} FROM fill WHERE {_WITHIN} ORDER BY {_ORDER}",
                within,
            )
            try:
                archive_file.write(path, cursor)
            except OSError:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                raise
    return told


@contextmanager
def _alone(month: Month) -> Iterator[None]:
    """Two that wrote the same file at once could leave one that is not what the database was told."""
    key = [_ARCHIVING_LOCK, month.year * 12 + month.number]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        if not cursor.fetchone()[0]:
            raise UnderWay(f"{month} is being archived by another command: wait until it has ended.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


def _see_on_disk(folder: Path) -> None:
    """A name is safe only when its folder is on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
