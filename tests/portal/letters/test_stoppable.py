"""Letters that nobody has to get: they say how they are stopped, and who stopped them gets them no more."""

import pytest

from portal.letters import actions
from portal.letters.kinds import WrongLetter
from portal.letters.models import Letter
from tests import make
from tests.portal.letters.conftest import CREDITED, WHERE, WISHES, news

pytestmark = pytest.mark.django_db
OF_SEVEN = {"login": 7, "broker": 1400, "topic": "credits"}


def write(**changes):
    given = {
        "key": "one",
        "kind": "credit_sent",
        "to": "olga@example.com",
        "facts": CREDITED,
        "now": make.NOW,
    }
    return actions.write(**(given | changes))


def state():
    return Letter.objects.values_list("state", "attempts", "last_error").get()


def test_a_letter_on_a_topic_bears_the_address_that_stops_it_in_one_click(office, sweep):
    news()

    assert sweep() == 1
    [arrived] = office.arrived
    assert arrived["List-Unsubscribe"] == "<http://localhost:8000/letters/7-credits/>"
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "http://localhost:8000/letters/7-credits/" in arrived.get_body(("plain",)).get_content()


def test_a_mandatory_letter_bears_none(office, sweep):
    write(kind="new_device", facts=WHERE)
    sweep()

    assert office.arrived[0]["List-Unsubscribe"] is None


def test_who_stopped_it_while_it_waited_does_not_get_it(office, sweep):
    news()
    WISHES[7] = "never"

    assert sweep() == 0
    assert office.arrived == []
    assert state() == ("dead", 1, "no longer needed")


def test_who_chose_one_letter_a_day_while_it_waited_gets_it_there(office, sweep):
    news()
    WISHES[7] = "daily"

    assert [sweep(), sweep()] == [0, 0]
    assert office.arrived == []
    assert state() == ("gathered", 1, "")


def test_a_letter_for_the_day_is_never_sent_by_itself(office, sweep, clock):
    news(daily=True)
    for _ in range(5):
        assert sweep() == 0
        clock.goes_on(days=1)

    assert office.connections == 0
    assert state() == ("gathered", 0, "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "'credit_sent' is to say whose wish it follows, on the topic 'credits'"),
        ({"unsubscribe": OF_SEVEN | {"topic": "team"}}, "is to say whose wish it follows"),
        ({"unsubscribe": {"topic": "credits"}}, "is to name the login, the broker and the topic"),
        ({"unsubscribe": OF_SEVEN | {"login": "7"}}, "is to name the login, the broker and the topic"),
        ({"unsubscribe": OF_SEVEN | {"why": "x"}}, "is to name the login, the broker and the topic"),
        ({"kind": "new_device", "facts": WHERE, "unsubscribe": OF_SEVEN}, "on the topic None"),
        ({"kind": "new_device", "facts": WHERE, "daily": True}, "cannot wait for the letter of the day"),
        (
            {
                "kind": "digest", "facts": {"day": "2026-11-22"}, "daily": True,
                "unsubscribe": {"login": 7, "broker": None, "topic": "digest"},
            },
            "'digest' cannot wait for the letter of the day",
        ),
        ({"unsubscribe": OF_SEVEN, "attachment": {"kind": "virus"}}, "there is no attachment 'virus'"),
        ({"unsubscribe": OF_SEVEN, "attachment": {}}, "there is no attachment None"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_code_that_writes_it_is_found_at_once(changes, says):
    with pytest.raises(WrongLetter, match=says):
        write(**changes)
    assert not Letter.objects.exists()
