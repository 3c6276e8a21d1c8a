"""What letters are about, who gets them, and how, before anybody says anything."""

import pytest

from portal.accounts.staff_roles import StaffRole
from portal.letters.kinds import KINDS
from portal.preferences.models import LetterPreference
from portal.preferences.topics import BROKER_TOPICS, DELIVERIES, GATHERING, STAFF_TOPICS, topic


def test_of_brokers():
    assert {name: (each.usual, sorted(each.roles)) for name, each in BROKER_TOPICS.items()} == {
        "statements": ("at once", ["finance", "owner", "viewer"]),
        "credits": ("at once", ["finance", "owner", "viewer"]),
        "team": ("at once", ["owner"]),
    }


def test_of_staff():
    assert {name: (each.usual, sorted(each.roles)) for name, each in STAFF_TOPICS.items()} == {
        "applications": ("daily", ["reviewer"]),
        "months": ("daily", ["finance approver", "finance preparer"]),
        "quarantine": ("daily", ["finance approver", "finance preparer"]),
        "books": ("daily", ["auditor", "finance approver", "finance preparer", "operations", "reviewer"]),
    }
    assert STAFF_TOPICS["books"].roles == {role.value for role in StaffRole}


def test_what_waits_for_staff_never_comes_at_once():
    assert {each.deliveries for each in BROKER_TOPICS.values()} == {("at once", "daily", "never")}
    assert {each.deliveries for each in STAFF_TOPICS.values()} == {("daily", "never")}


def test_the_words_are_those_that_the_database_knows():
    assert list(DELIVERIES) == LetterPreference.Delivery.values


def test_every_letter_that_can_be_stopped_is_on_a_topic_that_can_be_chosen():
    topics = {kind.topic for kind in KINDS.values()} - {None}

    assert topics == set(BROKER_TOPICS) | set(GATHERING)


@pytest.mark.parametrize(
    ("broker", "name", "found"),
    [
        (1400, "team", True), (None, "books", True), (1400, "books", False), (None, "team", False),
        (1400, "digest", False), (None, "staff", False), (1400, "", False),
    ],
)  # fmt: skip
def test_a_topic_is_a_brokers_or_of_staff(broker, name, found):
    assert (topic(broker=broker, name=name) is not None) is found
