"""Two sweeps at once never send one letter twice; each guard has a twin that shows the race without it."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction

from portal.letters import actions, claims
from portal.letters.models import Letter
from tests import make
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner
from tests.portal.letters.conftest import WHERE, a_letter, letters

pytestmark = pytest.mark.usefixtures("committed_db")

NO_LEASE = timedelta(0)


def test_nothing_is_sent_inside_a_transaction(office, sweep):
    a_letter()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        sweep()

    assert office.arrived == []


# -- the lease: a letter on its way belongs to one sweep ------------------------------------------


def sent_while_on_its_way(office, sweep, **options):
    """What a second sweep sends while the first waits for the mail server's word on the same letter."""
    a_letter()
    office.gate.clear()
    with side_by_side() as start:
        first = start(lambda: sweep(**options))
        assert office.at_the_gate.wait(10)
        threading.Timer(0.5, office.gate.set).start()
        second = start(lambda: sweep(**options))
        return first.result(), second.result()


def test_a_letter_on_its_way_is_left_alone_by_another_sweep(office, sweep):
    assert sent_while_on_its_way(office, sweep) == (1, 0)
    assert len(office.arrived) == 1
    assert Letter.objects.get().attempts == 1


def test_twin_without_the_lease_both_sweeps_send_it(office, sweep):
    sent_while_on_its_way(office, sweep, lease=NO_LEASE)

    assert len(office.arrived) >= 2  # as often as they find time for
    assert len(set(office.message_ids)) == 1


def test_the_word_of_a_sweep_that_lost_its_lease_does_not_count(office, sweep, clock, caplog):
    """It was so slow that another took over: two attempts, counted, and the other's word stands."""
    letter = a_letter()
    slow = claims.claim(now=clock.now, lease=timedelta(seconds=1))
    clock.goes_on(seconds=2)
    assert sweep() == 1

    assert claims.settle(slow, state="failed", due_at=clock.now, last_error="too late") is False
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == ("sent", 2, "")


# -- the lock: no two sweeps claim the same row -----------------------------------------------------


def two_sweeps_that_look_at_the_same_moment(office, sweep, monkeypatch, guarded):
    """Both have read what is due before either has claimed it."""
    letters(5)
    together = threading.Barrier(2)

    def looked_at(due):
        letter = guarded(due).first()
        if len(looks) < 2:
            looks.append(letter)
            together.wait(10)
        return SimpleNamespace(first=lambda: letter)

    looks: list[Letter | None] = []
    monkeypatch.setattr(claims, "_for_us_alone", looked_at)
    with side_by_side() as start:
        sweeps = [start(sweep), start(sweep)]
        return [each.result() for each in sweeps]


def test_two_sweeps_that_begin_at_the_same_moment_send_each_letter_once(office, sweep, monkeypatch):
    sent = two_sweeps_that_look_at_the_same_moment(office, sweep, monkeypatch, claims._for_us_alone)

    assert sum(sent) == 5
    assert len(office.arrived) == len(set(office.message_ids)) == 5
    assert set(Letter.objects.values_list("attempts", flat=True)) == {1}


def test_twin_without_the_lock_both_sweeps_claim_the_same_letter(office, sweep, monkeypatch):
    two_sweeps_that_look_at_the_same_moment(office, sweep, monkeypatch, lambda due: due)

    assert len(office.arrived) > len(set(office.message_ids)) == 5


# -- the key: written twice at once, it exists once ---------------------------------------------------


def write_one():
    return actions.write(key="the same", kind="new_device", to="olga@example.com", facts=WHERE, now=make.NOW)


def written_by_two_at_once():
    with side_by_side() as start:
        with transaction.atomic():
            first = write_one()
            other = start(write_one)
            if len(unique_keys()) == 1:
                until_waiting(1, FOR_ANOTHERS_ROW)
            else:
                other.result()
        return first, other.result()


def unique_keys():
    with owner() as hand:
        return hand.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'letter'::regclass AND contype = 'u'"
            " AND conkey = ARRAY[(SELECT attnum FROM pg_attribute"
            "   WHERE attrelid = 'letter'::regclass AND attname = 'key')]"
        ).fetchall()


def test_a_letter_written_by_two_at_once_exists_once_and_only_one_of_them_wrote_it():
    assert written_by_two_at_once() == (True, False)
    assert Letter.objects.count() == 1


def test_twin_without_the_unique_key_it_exists_twice():
    with owner() as hand:
        hand.execute(f'ALTER TABLE letter DROP CONSTRAINT "{unique_keys()[0][0]}"')

    assert written_by_two_at_once() == (True, True)
    assert Letter.objects.count() == 2
