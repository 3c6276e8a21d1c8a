"""A month's end while mail is down for a day, and then fails: payouts do not notice, no letter is lost."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

import portal.settings
from payouts.desk import approve as approving
from payouts.desk import prepare as preparing
from payouts.models import Payout, Statement
from payouts.monthend import actions as monthend
from portal import notices
from portal.letters import digest
from portal.letters.models import Letter
from portal.preferences import actions
from tests import make
from tests.payouts.desk.money_acts import OCTOBER, pia, quentin
from tests.payouts.monthend.racing import eventually
from tests.portal.letters.conftest import through
from tests.portal.letters.post_office import CUT, closed_port, open_office

ROOT = Path(__file__).resolve().parents[3]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
#: A letter with a PDF has more bytes than this, one without has fewer.
WITH_FILE = 20_000
THE_SECOND = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_ways(links, settings):
    """What is attached and how it is stopped is the portal's own."""
    settings.LETTER_UNSUBSCRIBE = portal.settings.LETTER_UNSUBSCRIBE
    settings.LETTER_ATTACHMENTS = portal.settings.LETTER_ATTACHMENTS


def brokers(count):
    """Each with fills in October and two members; of the viewers some want it daily, some not at all."""
    records = []
    for number in range(count):
        broker = make.broker(code=1000 + number, enrolled_at=LONG_AGO)
        records.append(make.record(brokerId=broker.code, price=f"{10_000 + number}"))
        for role in ("owner", "viewer"):
            login = make.login(email=f"{role}{number}@example.com", password=None)
            seat = make.membership(login, broker, role=role, mfa=False)
            seat.joined_at = LONG_AGO
            seat.save(update_fields=["joined_at"])
            wish = {(0, "viewer"): "daily", (1, "viewer"): "never"}.get((number % 4, role))
            if wish:
                actions.wish(
                    login=login.pk, broker=broker.code, topic="statements", delivery=wish, now=LONG_AGO
                )
    make.fills(*records)


def month_is_closed(now):
    """Calculated, prepared by one and approved by another, as on any other day."""
    monthend.calculate(month=OCTOBER, now=now)
    for payout in Payout.objects.filter(bounds__isnull=False).distinct():
        for bound in payout.bounds.all():
            payout.acknowledgements.create(
                name=bound.name, value=bound.value, note="seen", by_id=pia(), at=now
            )
    numbers = list(Payout.objects.order_by("pk").values_list("pk", flat=True))
    preparing.prepare(payout_ids=numbers, by=pia(), now=now)
    approving.approve(payout_ids=numbers, shown=approving.shown(numbers), by=quentin(), now=now)


def by_state():
    return dict(Counter(Letter.objects.values_list("state", flat=True)))


class Faults:
    """A mail server that fails in every way; `taken` counts what it said yes to."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.taken = Counter()

    def at_recipient(self, _envelope):
        return self.chance.choices(["250 OK", "451 later"], [9, 1])[0]

    def at_the_end(self, envelope):
        answer = self.chance.choices(
            ["250 OK", "451 later", "421 closing", "552 too large", CUT], [80, 6, 5, 2, 7]
        )[0]
        if answer.startswith("552") and len(envelope.content) < WITH_FILE:
            answer = "250 OK"
        if answer == "250 OK":
            self.taken[message_from_bytes(envelope.content)["Message-ID"]] += 1
        return answer


def test_while_mail_is_down_for_a_day_a_month_is_closed_and_then_each_letter_arrives_once(
    committed_db, settings, sweep, clock
):
    count = 20
    brokers(count)
    clock.now = THE_SECOND
    with closed_port() as port:
        through(settings, port)
        month_is_closed(clock.now)
        for _ in range(24):
            notices.write_due(now=clock.now)
            assert sweep() == 0
            digest.gather_due(now=clock.now)
            clock.goes_on(hours=1)
        assert Payout.objects.filter(state="approved").count() == Statement.objects.count() == count
        assert set(Letter.objects.exclude(state="told").values_list("attempts", flat=True)) == {0}
    # Of a viewer in four it waits for the day, which came meanwhile; another viewer in four wants none.
    assert by_state() == {"written": count + count // 2 + count // 4, "told": count // 4}

    faults = Faults(seed=7)
    with open_office() as office:
        through(settings, office.port)
        office.at_recipient, office.at_the_end = faults.at_recipient, faults.at_the_end
        for _ in range(100):
            clock.goes_on(hours=1)
            sweep()
            if "written" not in by_state() and "failed" not in by_state():
                break
    assert by_state() == {"sent": count + count // 2 + count // 4, "told": count // 4}
    sent = set(Letter.objects.filter(state="sent").values_list("message_id", flat=True))
    assert faults.taken == dict.fromkeys(sent, 1)
    # Whatever arrived without our hearing the yes was an attempt that we counted.
    attempts = dict(Letter.objects.values_list("message_id", "attempts"))
    assert all(arrived <= attempts[each] for each, arrived in Counter(office.message_ids).items())
    with_pdf = {letter["To"] for letter in office.arrived if any(letter.iter_attachments())}
    assert {f"owner{number}@example.com" for number in range(count)} <= with_pdf


#: What Celery does every second, without a pause and with a short lease.
WORKER = """
import sys, time
from datetime import timedelta
import django
django.setup()
from django.conf import settings
from django.utils import timezone
from portal import notices
from portal.letters import outage, sending
settings.EMAIL_TIMEOUT = 2
outage._PAUSES = (timedelta(seconds=0.2),)
outage._PROBE = timedelta(seconds=0.2)
# All senders have one clock, on which a minute passes in a quarter of a second.
began, then = (timezone.datetime.fromisoformat(each) for each in sys.argv[1:])
clock = lambda: then + 240 * (timezone.now() - began)
while True:
    notices.write_due(now=then)
    sending.send_due(clock=clock, lease=timedelta(hours=2), turn=timedelta(hours=1))
    time.sleep(0.02)
"""


def worker(database, port, began, then):
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, began.isoformat(), then.isoformat()],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        },
    )


@pytest.mark.fault
@pytest.mark.timeout(900)
def test_of_five_hundred_brokers_no_letter_is_lost_while_servers_fail_and_senders_are_killed(
    committed_db, clock
):
    count = 500
    brokers(count)
    clock.now = THE_SECOND
    expected = count + count // 2 + count // 4 - count // 4
    chance, faults = random.Random(3), Faults(seed=11)
    with closed_port() as port:
        senders = [worker(committed_db, port, timezone.now(), THE_SECOND) for _ in range(2)]
        try:
            starts = time.monotonic()
            month_is_closed(clock.now)
            took = time.monotonic() - starts
            assert Payout.objects.filter(state="approved").count() == Statement.objects.count() == count
            eventually(lambda: Letter.objects.count() == count + count * 3 // 4, seconds=120)
            assert not Letter.objects.filter(attempts__gt=0).exists()
        finally:
            stop(senders)
    kills = 0
    with open_office() as office:
        office.at_recipient, office.at_the_end = faults.at_recipient, faults.at_the_end
        sender = partial(worker, committed_db, office.port, timezone.now(), THE_SECOND + timedelta(days=1))
        senders = [sender(), sender()]
        try:
            while left():
                seen = len(office.arrived)
                eventually(lambda seen=seen: len(office.arrived) > seen + 30 or not left(), seconds=300)
                if kills < 12:
                    victim = chance.randrange(2)
                    stop([senders[victim]])
                    kills += 1
                    senders[victim] = sender()
        finally:
            stop(senders)

    found = by_state()
    print(f"closed in {took:.1f} s, {kills} kills, {len(office.arrived)} arrivals, {found}")
    assert kills >= 5
    assert found == {"sent": count + count // 2, "gathered": count // 4}
    sent = dict(Letter.objects.filter(state="sent").values_list("message_id", "attempts"))
    assert faults.taken.keys() == sent.keys()
    assert expected == len(sent)
    # Doubled is only what a sender that was killed had no time to note.
    assert faults.taken.total() - len(sent) <= kills
    arrived = Counter(office.message_ids)
    assert all(arrived[each] <= sent[each] for each in arrived)


def left():
    return Letter.objects.filter(state__in=["written", "failed"]).exists()


def stop(processes):
    for each in processes:
        each.kill()
        each.wait()
