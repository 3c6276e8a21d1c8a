"""Letters that are tried again: by staff, and after a sweep that died."""

import logging

import pytest

from portal.letters import sending
from portal.letters.actions import NoSuchLetter, NotWaiting, send_again
from portal.letters.models import Letter
from tests import make
from tests.portal.letters.conftest import a_letter

pytestmark = pytest.mark.django_db


def states():
    return sorted(Letter.objects.values_list("key", "state", "attempts"))


def test_staff_send_a_dead_letter_again_with_the_same_message_id(office, sweep, clock):
    office.at_recipient = lambda _: "550 5.1.1 nobody of that name"
    letter = a_letter()
    for _ in range(3):
        sweep()
        clock.goes_on(hours=1)
    office.at_recipient = lambda _: "250 OK"
    send_again(letter_id=letter.pk, by=make.login(), now=clock.now)

    assert sweep() == 1
    assert office.message_ids == [letter.message_id]
    assert states() == [("one", "sent", 4)]


def test_a_failed_letter_need_not_wait_for_its_time(office, sweep, clock):
    office.at_recipient = lambda _: "450 4.2.0 come back later"
    letter = a_letter()
    sweep()
    office.at_recipient = lambda _: "250 OK"
    send_again(letter_id=letter.pk, by=make.login(), now=clock.now)

    assert sweep() == 1


def test_a_letter_that_was_sent_is_not_sent_again_by_staff(office, sweep, clock):
    letter = a_letter()
    with pytest.raises(NotWaiting) as unsent:
        send_again(letter_id=letter.pk, by=make.login(), now=clock.now)
    sweep()
    with pytest.raises(NotWaiting) as sent:
        send_again(letter_id=letter.pk, by=make.login(email="other@example.com"), now=clock.now)
    with pytest.raises(NoSuchLetter):
        send_again(letter_id=letter.pk + 1, by=None, now=clock.now)

    assert str(unsent.value) == (
        "This letter waits for its first attempt, which comes by itself; nothing was done."
    )
    assert str(sent.value) == (
        "This letter was taken by the mail server at 2026-11-22 12:00:00 UTC; nothing was done."
    )


def test_a_letter_whose_sweep_died_is_sent_once_the_lease_is_over(office, sweep, clock):
    letter = a_letter()
    Letter.objects.update(attempts=1, leased_until=clock.now + sending.LEASE)

    assert sweep() == 0
    clock.goes_on(seconds=sending.LEASE.total_seconds())
    assert sweep() == 1
    assert states() == [("one", "sent", 2)]
    assert office.message_ids == [letter.message_id]


def test_a_letter_that_kills_every_sweep_is_given_up(office, sweep, clock, caplog):
    a_letter()
    Letter.objects.update(attempts=11, leased_until=clock.now)
    caplog.set_level(logging.INFO)

    assert sweep() == 0
    assert Letter.objects.get().state == "dead"
    assert Letter.objects.get().last_error == "every attempt was broken off from our side"
