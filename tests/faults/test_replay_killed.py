"""`kill -9` at every step of a replay: the next worker goes on where it was, and each record leaves once."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from payouts.feed import partitions, replay_chunk, replaying
from payouts.models import Batch, QuarantineChange
from payouts.month import Month
from tests import make
from tests.payouts.feed.waiting import came, counted, went

ROOT = Path(__file__).resolve().parents[2]
#: Forks for each step: a start of Django costs seconds.
PROGRAM = """
import json, os, sys
import django
django.setup()
from django.utils import timezone
from payouts.feed import partitions, replay_chunk, replaying
replay_chunk.RECORDS = 3
ended = []
for point in replay_chunk.CRASH_POINTS:
    child = os.fork()
    if child == 0:
        os.environ["CRASH_POINT"], os.environ["CRASH_POINT_SKIP"] = point, "1"
        replaying.work(clock=timezone.now)
        os._exit(0)
    ended.append((point, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
print(json.dumps(ended))
"""


def test_a_replay_killed_at_every_step_ends_as_one_that_was_not(committed_db: str) -> None:
    partitions.make([Month(2026, 10)])  # or the first chunk would be begun twice
    came(*(make.record(brokerId=1500 if each % 3 else 1501) for each in range(24)))
    make.broker(code=1500)
    number = replaying.ask(by=None, now=make.NOW)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRASH_POINT")}

    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env=environment | {"DATABASE_URL": committed_db, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    # Each was killed in its second chunk of three; all but the last had not committed that one.
    killed = json.loads(ended.stdout)
    assert killed == [[point, -signal.SIGKILL] for point in replay_chunk.CRASH_POINTS]
    half = replaying.progress(number)
    assert half is not None
    assert (half.looked_at, half.left, half.finished_at) == (15, 9, None)

    assert replaying.work(clock=lambda: make.NOW) == 9
    done = replaying.progress(number)
    assert done is not None
    assert went(done) == {"accepted": 16, "stayed": 8}
    assert counted() == {"received": 24, "accepted": 16, "quarantined unknown_broker": 8}
    assert QuarantineChange.objects.count() == 16
    assert sum(Batch.objects.filter(is_replay=True).values_list("received", flat=True)) == 16
