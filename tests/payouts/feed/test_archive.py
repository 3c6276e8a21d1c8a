"""Fills of a closed month in a file: nothing is lost or counted twice, and the books still balance."""

import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError

from payouts import books
from payouts.feed import archive, archive_file, partitions
from payouts.feed.models import Fill
from payouts.models import FillArchive, FillArchiveTotal
from payouts.month import Month
from tests import make
from tests.payouts.owner import connected

OCTOBER = Month(2026, 10)
FIRST = {
    "tradeId": 1,
    "orderId": "o-1",
    "price": "100.5",
    "quantity": "2",
    "fee": "0.1005",
    "feeRate": "0.0005",
}
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def month(committed_db: str) -> str:
    """Five fills of two brokers in October, one in November."""
    for code in (1400, 1500):
        make.broker(code=code)
    make.fills(
        make.record(**FIRST),
        make.record(tradeId=2, symbol="SOL_USDC_PERP", marketType="PERP", clientId=None),
        make.record(tradeId=3, brokerId=1500, orderId="a\tb\\n"),
        make.record(tradeId=4, brokerId=1500, fee="-0.02", feeRate="-0.0002"),
        make.record(tradeId=5, brokerId=1500, timestamp="2026-10-31T23:59:59.999999Z"),
        make.record(tradeId=6, timestamp="2026-11-01T00:00:00Z"),
    )
    return committed_db


def breaches() -> list[str]:
    return [each.invariant for each in books.breaches()]


def all_fills() -> list[tuple[object, ...]]:
    return list(Fill.objects.order_by("id").values_list())


def test_an_archived_month_leaves_the_table_and_the_books_still_balance(month: str, tmp_path: Path) -> None:
    made = archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)

    assert (made.file, made.part, made.fills, made.state) == ("fills-2026-10-1.parquet", 1, 5, "dropped")
    assert made.size == (tmp_path / made.file).stat().st_size
    assert [each.executed_at.month for each in Fill.objects.all()] == [11]
    assert list(
        FillArchiveTotal.objects.order_by("broker_code", "market").values_list(
            "broker_code", "market", "fills", "volume", "fees"
        )
    ) == [
        (1400, "futures", 1, Decimal(100), Decimal("0.1")),
        (1400, "spot", 1, Decimal(201), Decimal("0.1005")),
        (1500, "spot", 3, Decimal(300), Decimal("0.2")),
    ]
    assert breaches() == []


def test_what_is_archived_is_still_a_duplicate_when_it_is_sent_again(month: str, tmp_path: Path) -> None:
    archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)

    again = make.fills(make.record(**FIRST))

    assert (again.accepted, again.duplicate) == (0, 1)
    assert breaches() == []


def test_restored_fills_are_what_they_were_and_archived_again_they_are_the_same_bytes(
    month: str, tmp_path: Path
) -> None:
    before = all_fills()
    first = archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)

    assert archive.restore(OCTOBER, folder=tmp_path, now=make.NOW) == 5

    assert all_fills() == before
    assert breaches() == []
    second = archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)
    assert (second.part, second.file) == (2, "fills-2026-10-2.parquet")
    assert bytes(second.sha256) == bytes(first.sha256)
    assert (tmp_path / second.file).read_bytes() == (tmp_path / first.file).read_bytes()
    assert breaches() == []


def test_late_fills_of_an_archived_month_count_and_make_a_second_part(month: str, tmp_path: Path) -> None:
    archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)
    make.fills(make.record(tradeId=7))
    assert breaches() == []

    second = archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)

    assert (second.part, second.fills) == (2, 1)
    assert breaches() == []
    assert [fill["trade_id"] for fill in archive.fills(OCTOBER, broker_code=1400, folder=tmp_path)] == [
        1,
        2,
        7,
    ]
    assert archive.archived_of(broker_code=1400) == {OCTOBER: 3}
    assert archive.restore(OCTOBER, folder=tmp_path, now=make.NOW) == 6
    assert breaches() == []


def test_a_file_that_is_not_what_was_archived_is_not_taken_back(month: str, tmp_path: Path) -> None:
    made = archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)
    path = tmp_path / made.file
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with pytest.raises(archive.FileIsNotTheMonth, match="is missing or is not what was archived"):
        archive.restore(OCTOBER, folder=tmp_path, now=make.NOW)
    path.unlink()
    with pytest.raises(archive.FileIsNotTheMonth):
        archive.restore(OCTOBER, folder=tmp_path, now=make.NOW)
    path.write_bytes(whole)

    assert archive.restore(OCTOBER, folder=tmp_path, now=make.NOW) == 5
    with pytest.raises(archive.NothingToRestore, match="No fill of 2026-10 is archived"):
        archive.restore(OCTOBER, folder=tmp_path, now=make.NOW)


def test_a_month_without_fills_is_not_archived(month: str, tmp_path: Path) -> None:
    with pytest.raises(archive.NothingToArchive, match="2026-09 has no fills in the table"):
        archive.archive(Month(2026, 9), folder=tmp_path, now=make.NOW)


def test_a_fill_that_comes_while_the_file_is_written_keeps_its_partition(
    month: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = archive_file.sums

    def meanwhile(path: Path) -> archive_file.Sums:
        make.fills(make.record(tradeId=8))
        return real(path)

    monkeypatch.setattr(archive_file, "sums", meanwhile)
    with pytest.raises(archive.FileIsNotTheMonth, match="came while it was archived"):
        archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)
    monkeypatch.undo()

    assert Fill.objects.count() == 7
    assert archive.archive(OCTOBER, folder=tmp_path, now=make.NOW).fills == 6
    assert breaches() == []


@pytest.mark.parametrize(
    ("fills", "volume", "says"), [(4, "601", "the file holds 4 fills"), (5, "600", "the file holds 5 fills")]
)
def test_the_database_drops_no_partition_whose_file_holds_less(
    month: str, fills: int, volume: str, says: str
) -> None:
    with connection.cursor() as cursor, pytest.raises(DatabaseError, match=says):
        cursor.execute(
            "SELECT drop_archived_fills('2026-10-01', 'x', 1, 'x', %s, %s, 0.4005, %s)",
            [fills, Decimal(volume), make.NOW],
        )
    assert Fill.objects.count() == 6


def test_the_application_can_neither_drop_a_partition_nor_write_of_archives_itself(month: str) -> None:
    for statement in (
        "DROP TABLE fill_202610",
        "ALTER TABLE fill DETACH PARTITION fill_202610",
        "INSERT INTO fill_archive_total SELECT * FROM fill_archive_total",
        "UPDATE fill_archive SET state = 'restored'",
        "DELETE FROM fill_archive",
    ):
        with (
            connection.cursor() as cursor,
            pytest.raises(ProgrammingError, match=r"must be owner|permission"),
        ):
            cursor.execute(statement)


@pytest.mark.parametrize(
    ("breaks", "breached"),
    [
        (
            "UPDATE fill_archive SET fills = fills - 1",
            {
                "an archive is the sum of its brokers",
                "every fill and excluded record holds its own key",
                "received = accepted + duplicate + excluded + quarantined",
            },
        ),
        (
            "ALTER TABLE fill_archive_total DISABLE TRIGGER USER;"
            "UPDATE fill_archive_total SET fills = fills - 1 WHERE broker_code = 1500",
            {
                "an archive is the sum of its brokers",
                "archived fills and those that came since = totals of their month",
            },
        ),
        (
            "UPDATE total_by_hour SET volume = volume + 1 WHERE hour < '2026-10-31T23:00Z'",
            {"the totals of an archived month agree"},
        ),
        (
            "UPDATE total_by_day SET fees = fees + 1 WHERE day = '2026-10-31'",
            {"the totals of an archived month agree"},
        ),
        (
            "ALTER TABLE fill_key DISABLE TRIGGER USER; DELETE FROM fill_key WHERE trade_id = 1",
            {"every fill and excluded record holds its own key"},
        ),
    ],
)
def test_a_lost_row_of_an_archived_month_is_a_breach(
    month: str, tmp_path: Path, breaks: str, breached: set[str]
) -> None:
    archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)
    with connected() as role:
        role.execute(breaks)

    assert set(breaches()) == breached


#: Where the process is killed, and how many fills are in the table then.
KILLED = [
    ("archive: written", 6),
    ("archive: named", 6),
    ("archive: before commit", 6),
    ("archive: committed", 1),
]


@pytest.mark.parametrize(("point", "left"), KILLED)
def test_an_archiving_that_was_killed_is_begun_again(
    month: str, tmp_path: Path, point: str, left: int
) -> None:
    assert archived_by_another(month, tmp_path, CRASH_POINT=point) == -signal.SIGKILL

    assert Fill.objects.count() == left
    assert breaches() == []
    if left > 1:
        assert archived_by_another(month, tmp_path) == 0
    assert FillArchive.objects.get().fills == 5
    assert [file.name for file in tmp_path.iterdir()] == ["fills-2026-10-1.parquet"]
    assert breaches() == []


def archived_by_another(database: str, folder: Path, **environment: str) -> int:
    code = (
        "import sys, django; django.setup(); from pathlib import Path; from datetime import datetime, UTC;"
        "from payouts.feed import archive; from payouts.month import Month;"
        "archive.archive(Month(2026, 10), folder=Path(sys.argv[1]), now=datetime(2026, 11, 22, tzinfo=UTC))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "portal.settings"}
        | environment,
        check=False,
    ).returncode


def test_an_intake_that_began_before_the_drop_sees_that_the_partition_is_gone(
    month: str, tmp_path: Path
) -> None:
    remembers = "SELECT to_regclass('public.fill_202610') IS NOT NULL"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(remembers)
        assert partitions.missing([OCTOBER]) == frozenset()
        dropping = threading.Thread(target=archived_in_a_thread, args=[tmp_path])
        dropping.start()
        dropping.join()

        assert partitions.missing([OCTOBER]) == {OCTOBER}
    assert make.fills(make.record(tradeId=9)).accepted == 1
    assert breaches() == []


def archived_in_a_thread(folder: Path) -> None:
    archive.archive(OCTOBER, folder=folder, now=make.NOW)
    connection.close()


def test_two_never_write_the_file_of_a_month_at_once(month: str, tmp_path: Path) -> None:
    with connected() as another:
        another.execute("SELECT pg_advisory_lock(%s, %s)", [archive._ARCHIVING_LOCK, 2026 * 12 + 10])
        with pytest.raises(archive.UnderWay, match="2026-10 is being archived by another command"):
            archive.archive(OCTOBER, folder=tmp_path, now=make.NOW)
        assert list(tmp_path.iterdir()) == []
        another.execute("SELECT pg_advisory_unlock_all()")

    assert archive.archive(OCTOBER, folder=tmp_path, now=make.NOW).fills == 5
