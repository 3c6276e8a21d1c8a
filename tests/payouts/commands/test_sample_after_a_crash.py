"""Killed in the middle and sent again: nothing is lost, nothing counts twice."""

import subprocess
import time
from collections.abc import Callable

import psycopg
import pytest
from django.db import connection
from django.db.models import Sum

from payouts.feed import files
from payouts.models import Batch, ExcludedRecord, Fill, FillKey, QuarantinedRecord
from tests.payouts.commands.conftest import Sample
from tests.payouts.commands.process import SAMPLE, answer, run, running
from tests.payouts.commands.test_sample import import_brokers, month_end


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.long
def test_killed_between_two_batches_and_sent_again_pays_the_same(committed_db: str, sample: Sample) -> None:
    import_brokers(committed_db)
    one_batch = files.RECORDS_IN_A_BATCH
    lines = [line for line in sample.lines if line.strip()]
    while len(lines) < one_batch + 1_000:
        lines += lines
    with running("ingest_fills", "-", url=committed_db, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(b"".join(lines[: one_batch + 1_000]))  # and the pipe stays open
        process.stdin.flush()
        wait_until(Batch.objects.exists)
        process.kill()
    booked_before = Batch.objects.get()

    said = answer(run("ingest_fills", SAMPLE / "fills.ndjson.gz", url=committed_db))

    assert booked_before.received == one_batch
    assert booked_before.accepted + said["accepted"] == sample.intake["accepted"]
    assert said["received"] == 22_339
    assert Batch.objects.aggregate(all=Sum("received"))["all"] == one_batch + 22_339
    assert month_end(committed_db) == sample.month_end


def test_killed_while_a_batch_is_being_written_leaves_nothing_of_it(
    committed_db: str, sample: Sample
) -> None:
    """Its keys, fills and totals are written when it has to wait before the last table, and dies there."""
    import_brokers(committed_db)
    with psycopg.connect(committed_db) as blocker:
        # An uncommitted row with the number that the batch will get.
        blocker.execute(
            "INSERT INTO feed_batch SELECT nextval(pg_get_serial_sequence('feed_batch', 'id')) + 1,"
            " 'blocker', now(), 0, 0, 0, 0, 0"
        )
        with running("ingest_fills", SAMPLE / "fills.ndjson.gz", url=committed_db) as process:
            wait_until(lambda: intakes("wait_event_type = 'Lock'"))
            process.kill()
        blocker.rollback()
    wait_until(lambda: not intakes("state <> 'idle'"))
    left = [model.objects.count() for model in (Batch, Fill, FillKey, ExcludedRecord, QuarantinedRecord)]

    said = answer(run("ingest_fills", SAMPLE / "fills.ndjson.gz", url=committed_db))

    assert left == [0, 0, 0, 0, 0]
    assert said == sample.intake
    assert month_end(committed_db) == sample.month_end


def intakes(condition: str) -> int:
    """How many other connections to this database are so."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            f" AND pid <> pg_backend_pid() AND {condition}"
        )
        return int(cursor.fetchone()[0])
