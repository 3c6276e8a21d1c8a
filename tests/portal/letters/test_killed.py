"""A thousand letters while the processes that send them are killed again and again."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db.models import Sum

from portal.letters.models import Letter
from tests.payouts.monthend.racing import eventually
from tests.portal.letters.conftest import letters

ROOT = Path(__file__).resolve().parents[3]
#: What Celery does every second, without a pause and with a short lease.
WORKER = """
import sys, time
from datetime import timedelta
import django
django.setup()
from django.conf import settings
from django.utils import timezone
from portal.letters import sending
settings.EMAIL_TIMEOUT = 5
print("up", flush=True)
while True:
    sending.send_due(clock=timezone.now, lease=timedelta(seconds=10))
    time.sleep(0.02)
"""
LETTERS = 1_000


def worker(database, office):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "EMAIL_URL": f"smtp://127.0.0.1:{office.port}",
        },
        stdout=subprocess.PIPE,
    )


@pytest.mark.fault
@pytest.mark.timeout(480)
def test_a_thousand_letters_arrive_while_their_senders_are_killed(committed_db, office):
    chance = random.Random(7)
    written = {letter.message_id: letter for letter in letters(LETTERS)}
    workers = [worker(committed_db, office) for _ in range(2)]
    kills = 0
    try:
        while len(set(office.message_ids)) < LETTERS:
            victim = chance.randrange(2)
            assert workers[victim].stdout.read(2) == b"up"
            before = len(office.arrived)
            eventually(lambda seen=before: len(office.arrived) > seen or done())
            time.sleep(chance.uniform(0, 0.4))
            if done():
                break
            workers[victim].kill()
            workers[victim].wait()
            workers[victim].stdout.close()
            kills += 1
            workers[victim] = worker(committed_db, office)
        eventually(lambda: Letter.objects.filter(state="sent").count() == LETTERS, seconds=60)
    finally:
        for each in workers:
            each.kill()
            each.wait()
            each.stdout.close()

    arrived = Counter(office.message_ids)
    attempts = dict(Letter.objects.values_list("message_id", "attempts"))
    print(f"{kills} kills, {arrived.total() - LETTERS} duplicates, {sum(attempts.values())} attempts")
    assert kills >= 5
    assert arrived.keys() == written.keys() == attempts.keys()
    assert arrived.total() - LETTERS <= kills
    # Every arrival was an attempt that was counted before it; a kill costs one attempt at most.
    assert all(arrived[each] <= attempts[each] for each in arrived)
    assert Letter.objects.aggregate(total=Sum("attempts"))["total"] <= LETTERS + kills


def done() -> bool:
    return not Letter.objects.exclude(state="sent").exists()
