"""Letters leave through a real mail server; while it is away they wait, and none is lost."""

from datetime import timedelta

import pytest

from portal.letters.models import Letter
from tests import make
from tests.portal.letters.conftest import a_letter, letters, through
from tests.portal.letters.post_office import closed_port, open_office, silent_port

pytestmark = pytest.mark.django_db


def states():
    return sorted(Letter.objects.values_list("key", "state", "attempts"))


def test_a_letter_is_taken_with_its_own_message_id_and_says_that_a_machine_wrote_it(office, sweep, clock):
    letter = a_letter()

    assert sweep() == 1

    [arrived] = office.arrived
    assert arrived["Message-ID"] == letter.message_id
    assert arrived["To"] == "olga@example.com"
    assert arrived["From"] == "Backpack broker portal <brokers@localhost>"
    assert arrived["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Subject"] == "Your login was used in a new browser"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.sent_at, letter.leased_until, letter.last_error) == (
        "sent", 1, clock.now, None, "",
    )  # fmt: skip


def test_a_sent_letter_is_not_sent_again(office, sweep, clock):
    a_letter()
    sweep()
    clock.goes_on(days=30)

    assert sweep() == 0
    assert len(office.arrived) == 1


def test_one_connection_carries_all_letters_of_a_sweep(office, sweep):
    letters(25)

    assert sweep() == 25
    assert (len(set(office.message_ids)), office.connections) == (25, 1)


def test_the_letter_that_waits_longest_goes_first(office, sweep, clock):
    late = a_letter("late", now=make.NOW - timedelta(minutes=1))
    early = a_letter("early", now=make.NOW - timedelta(minutes=2))
    sweep()

    assert office.message_ids == [early.message_id, late.message_id]


def test_nothing_to_send_makes_no_connection(office, sweep):
    assert sweep() == 0
    assert office.connections == 0


def test_a_sweep_ends_after_its_turn_and_the_next_one_goes_on(office, sweep, clock):
    letters(3)
    office.at_the_end = lambda _: (clock.goes_on(seconds=15), "250 OK")[1]

    assert [sweep(), sweep()] == [2, 1]


def test_a_domain_of_any_script_is_reached(office, sweep):
    reached = []
    office.at_recipient = lambda envelope: (reached.append(envelope.rcpt_tos[0]), "250 OK")[1]
    a_letter(to="olga@bücher.example")

    assert sweep() == 1
    assert reached == ["olga@xn--bcher-kva.example"]


def test_where_nobody_listens_no_letter_is_touched_and_staff_see_why(settings, sweep, clock):
    letters(3)
    with closed_port() as port:
        through(settings, port)

        assert sweep() == 0
    assert states() == [(f"letter {number}", "written", 0) for number in range(3)]
    assert set(Letter.objects.values_list("last_error", flat=True)) == {
        "the mail server cannot be reached: [Errno 111] Connection refused"
    }


def test_letters_outlive_an_outage_of_any_length_and_leave_within_a_minute_of_its_end(settings, sweep, clock):
    letters(3)
    with closed_port() as port:
        through(settings, port)
        for _ in range(200):
            sweep()
            clock.goes_on(hours=1)
    with open_office() as office:
        through(settings, office.port)
        clock.goes_on(minutes=1)

        assert sweep() == 3
    assert states() == [(f"letter {number}", "sent", 1) for number in range(3)]
    assert set(Letter.objects.values_list("last_error", flat=True)) == {""}


def test_a_server_that_is_away_is_left_alone_for_longer_each_time(settings, sweep, clock, caplog):
    a_letter()
    with closed_port() as port:
        through(settings, port)
        for _ in range(150):
            sweep()
            clock.goes_on(seconds=1)

    said = [record.getMessage() for record in caplog.records if "away" in record.getMessage()]
    assert [line.partition(":")[0] for line in said] == [
        "the mail server is away, trying again in 5 s",
        "the mail server is away, trying again in 15 s",
        "the mail server is away, trying again in 30 s",
        "the mail server is away, trying again in 60 s",
        "the mail server is away, trying again in 60 s",
    ]


def test_a_server_that_never_greets_is_away(settings, sweep):
    a_letter()
    with silent_port() as port:
        through(settings, port)

        assert sweep() == 0
    assert states() == [("one", "written", 0)]


def test_a_server_that_says_goodbye_gets_no_further_letter_in_this_sweep(office, sweep):
    office.at_recipient = lambda _: "421 closing for the night"
    letters(3)

    assert sweep() == 0
    assert states() == [("letter 0", "failed", 1), ("letter 1", "written", 0), ("letter 2", "written", 0)]


def test_a_connection_that_got_old_is_replaced_and_the_sweep_goes_on(office, sweep, clock):
    taken = []

    def at_most_two_a_connection(_):
        taken.append(1)
        return "421 enough for one connection" if len(taken) == 3 else "250 OK"

    office.at_recipient = at_most_two_a_connection
    letters(5)

    assert sweep() == 4
    clock.goes_on(seconds=15)
    assert sweep() == 1
    assert sorted(set(office.message_ids)) == sorted(office.message_ids)
    assert states() == [
        ("letter 0", "sent", 1),
        ("letter 1", "sent", 1),
        ("letter 2", "sent", 2),
        ("letter 3", "sent", 1),
        ("letter 4", "sent", 1),
    ]
