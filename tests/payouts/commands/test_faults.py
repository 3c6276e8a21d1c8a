"""Killed again and again at any moment: the long version of what happens to a file in real life."""

import json
import random
import time

import pytest

from tests.payouts.commands.conftest import Sample
from tests.payouts.commands.process import SAMPLE, answer, run, started
from tests.payouts.commands.test_sample import import_brokers, month_end

KILLS = 20


@pytest.mark.fault
def test_killed_twenty_times_at_any_moment_the_month_is_the_same(committed_db: str, sample: Sample) -> None:
    import_brokers(committed_db)
    chance = random.Random(20)
    for _ in range(KILLS):
        with started("ingest_fills", SAMPLE / "fills.ndjson.gz", url=committed_db) as process:
            time.sleep(chance.uniform(0.4, 3.5))
            process.kill()
            process.communicate()

    answer(run("ingest_fills", SAMPLE / "fills.ndjson.gz", url=committed_db))

    assert month_end(committed_db) == sample.month_end
    assert json.loads(run("check_books", url=committed_db).stdout) == {"breaches": []}
