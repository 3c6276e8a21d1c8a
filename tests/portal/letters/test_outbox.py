"""A letter is written once by its key, and never without what its text needs."""

import pytest
from django.db import transaction

from portal.letters import actions
from portal.letters.kinds import KINDS, WrongLetter
from portal.letters.models import Letter
from tests import make
from tests.portal.letters.conftest import WHERE, a_letter

pytestmark = pytest.mark.django_db


def written(**changes):
    given = {"key": "one", "kind": "new_device", "to": "olga@example.com", "facts": WHERE, "now": make.NOW}
    return actions.write(**(given | changes))


def test_a_letter_is_written_once_by_its_key():
    assert [written(), written(to="other@example.com")] == [True, False]
    assert Letter.objects.get().to == "olga@example.com"


def test_a_letter_of_a_transaction_that_is_taken_back_was_never_written():
    with transaction.atomic():
        written()
        transaction.set_rollback(True)

    assert Letter.objects.count() == 0


def test_each_letter_has_a_message_id_of_its_own_at_the_senders_domain():
    ids = {a_letter(f"letter {number}").message_id for number in range(3)}

    assert len(ids) == 3
    assert all(each.startswith("<") and each.endswith("@localhost>") for each in ids)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"kind": "newsletter"}, "there is no letter 'newsletter'"),
        ({"facts": {"at": WHERE["at"]}}, "letter 'new_device' needs the facts address, browser"),
        ({"facts": WHERE | {"token": "x"}}, "letter 'new_device' has no use for the facts token"),
        ({"facts": WHERE | {"at": "yesterday"}}, "the fact at is to be an instant as ISO text"),
        ({"facts": WHERE | {"at": "2026-11-22T12:00:00"}}, "the fact at is to be an instant as ISO text"),
        ({"facts": WHERE | {"address": 7}}, "the fact address is to be a text"),
        (
            {"link": {"kind": "reset", "login": 1}},
            "letter 'new_device' is to have the link None, not 'reset'",
        ),
        (
            {"kind": "reset_password", "facts": {}},
            "letter 'reset_password' is to have the link 'reset', not None",
        ),
        ({"to": "nobody"}, "letter 'new_device' is to go to an e-mail address"),
        ({"to": "olga@example.com\nBcc: x@example.com"}, "is to go to an e-mail address"),
        (
            {"kind": "application_submitted", "facts": {"legal_name": "A", "reference": "7"}},
            "the fact reference is to be a UUID",
        ),
        (
            {
                "kind": "application_rejected",
                "facts": {
                    "legal_name": "A",
                    "reference": "0b0d6f6e-3c36-4a5e-9a0e-6d3f5a1c2b3d",
                    "reason": "B",
                    "message": "C",
                    "reapply_from": "soon",
                },
            },
            "the fact reapply_from is to be a date",
        ),
    ],
)
def test_a_mistake_shows_where_the_letter_is_written(changes, why):
    with pytest.raises(WrongLetter, match=why):
        written(**changes)

    assert Letter.objects.count() == 0


def test_every_kind_has_its_template_and_there_are_no_others(settings):
    folder = settings.BASE_DIR / "templates" / "letters"

    assert {file.name for file in folder.iterdir()} == {"parts"} | {f"{kind}.txt" for kind in KINDS}
