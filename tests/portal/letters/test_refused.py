"""Letters that a mail server does not want, or that cannot be made: waits, and an end that stays."""

from datetime import timedelta

import pytest

from portal.letters.models import Letter
from tests.portal.letters.conftest import TOKEN, a_letter, letters
from tests.portal.letters.post_office import CUT, SILENCE

pytestmark = pytest.mark.django_db


def states():
    return sorted(Letter.objects.values_list("key", "state", "attempts"))


def waits(letter, clock):
    letter.refresh_from_db()
    return letter.due_at - clock.now


def test_a_letter_that_is_refused_for_now_is_tried_again_later_and_keeps_no_other_waiting(
    office, sweep, clock
):
    office.at_recipient = lambda envelope: (
        "450 4.2.0 come back later" if envelope.rcpt_tos == ["busy@example.com"] else "250 OK"
    )
    busy = a_letter("busy", to="busy@example.com")
    a_letter("other")

    assert sweep() == 1
    assert waits(busy, clock) == timedelta(seconds=15)
    assert (busy.state, busy.last_error) == ("failed", "450 4.2.0 come back later")
    office.at_recipient = lambda _: "250 OK"
    clock.goes_on(seconds=14)
    assert sweep() == 0
    clock.goes_on(seconds=1)
    assert sweep() == 1
    assert states() == [("busy", "sent", 2), ("other", "sent", 1)]


def test_waits_grow_to_a_day_and_after_about_three_days_the_letter_is_given_up_and_stays(
    office, sweep, clock
):
    office.at_recipient = lambda _: "450 4.2.0 come back later"
    letter = a_letter()
    waited = []
    sweep()
    while waits(letter, clock) and letter.state == "failed":
        waited.append(waits(letter, clock))
        clock.goes_on(seconds=waited[-1].total_seconds())
        sweep()

    assert [wait.total_seconds() for wait in waited] == [
        15, 60, 300, 900, 3600, 10800, 21600, 43200, 86400, 86400,
    ]  # fmt: skip
    assert (letter.state, letter.attempts, letter.last_error) == ("dead", 11, "450 4.2.0 come back later")
    clock.goes_on(days=365)
    assert sweep() == 0
    assert states() == [("one", "dead", 11)]


@pytest.mark.parametrize("place", ["at_recipient", "at_the_end"])
def test_a_letter_that_is_refused_for_good_is_given_up_at_the_third_refusal(office, sweep, clock, place):
    setattr(office, place, lambda _: "550 5.1.1 nobody of that name")
    letter = a_letter()
    waited = []
    for _ in range(3):
        sweep()
        waited.append(waits(letter, clock))
        clock.goes_on(hours=1)

    assert waited[:2] == [timedelta(minutes=5), timedelta(hours=1)]
    assert (letter.state, letter.attempts, letter.last_error) == ("dead", 3, "550 5.1.1 nobody of that name")


def test_a_server_that_hangs_in_the_middle_costs_one_attempt_and_ends_the_sweep(office, sweep, clock):
    office.at_recipient = lambda _: SILENCE
    letters(2)

    assert sweep() == 0
    assert states() == [("letter 0", "failed", 1), ("letter 1", "written", 0)]
    office.at_recipient = lambda _: "250 OK"
    clock.goes_on(seconds=15)
    assert sweep() == 2
    assert len(office.arrived) == 2


def test_a_server_that_dies_after_the_final_dot_may_have_the_letter_twice_never_not_at_all(
    office, sweep, clock
):
    office.at_the_end = lambda _: CUT
    letter = a_letter()
    for wait in (15, 60):
        assert sweep() == 0
        clock.goes_on(seconds=wait)
    office.at_the_end = lambda _: "250 OK"

    assert sweep() == 1
    assert office.message_ids == [letter.message_id] * 3
    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == ("sent", 3)


def test_what_a_server_says_is_kept_as_one_line_without_the_secret_link(office, sweep):
    office.at_recipient = lambda _: f"550-blocked: /accounts/confirm-email/{TOKEN}/\r\n550 go away"
    letter = a_letter(kind="confirm_email", facts={}, link={"kind": "confirm", "address": 7})
    sweep()

    letter.refresh_from_db()
    assert letter.last_error == "550 blocked: /…/…/…/ go away"


def test_a_letter_whose_link_leads_nowhere_any_more_is_closed_and_not_sent(office, sweep):
    letter = a_letter(kind="confirm_email", facts={}, link={"kind": "confirm", "is_void": True})
    a_letter("other")

    assert sweep() == 1
    assert [arrived["Subject"] for arrived in office.arrived] == ["Your login was used in a new browser"]
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == ("dead", 1, "no longer needed")


def test_a_letter_that_cannot_be_made_waits_and_keeps_no_other_waiting(office, sweep, settings, caplog):
    settings.LETTER_LINKS = {"confirm": "tests.portal.letters.test_refused.broken"}
    letter = a_letter(kind="confirm_email", facts={}, link={"kind": "confirm", "address": 7})
    a_letter("other")

    assert sweep() == 1
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == ("failed", 1, "cannot be made: LookupError")
    assert TOKEN not in caplog.text
    assert "test_refused.py" in caplog.text


def broken(link):
    raise LookupError(TOKEN)
