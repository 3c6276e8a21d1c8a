"""Facts become letters: one each, whoever sweeps, however often, killed anywhere."""

from datetime import date
from uuid import UUID

import pytest
from django.db import connection, transaction

from portal import notices
from portal.application.models import Application, TimelineEntry
from portal.letters import rendering
from portal.letters.models import Letter
from portal.notices import applications
from tests import make
from tests.payouts.monthend.racing import FOR_ANOTHERS_ROW, side_by_side, until_waiting
from tests.payouts.owner import connected as owner

REFERENCE = UUID("0b0d6f6e-3c36-4a5e-9a0e-6d3f5a1c2b3d")
ABOUT = {"legal_name": "Nordlicht ApS", "reference": str(REFERENCE)}


def application(*, email="olga@example.com", **changes):
    given = {
        "reference": REFERENCE,
        "applicant": make.login(email=email),
        "state": "submitted",
        "legal_name": "Nordlicht ApS",
        "is_no_affiliate": True,
        "terms_version": "2026-01",
        "terms_accepted_at": make.NOW,
        "terms_address": "203.0.113.7",
        "started_at": make.NOW,
        "saved_at": make.NOW,
        "submitted_at": make.NOW,
    }
    return Application.objects.create(**(given | changes))


def decided(**changes):
    reviewer = make.login(email="rita@backpack.exchange", is_staff=True)
    return application(decided_at=make.NOW, decided_by=reviewer, **changes)


def entry(application, kind, text=""):
    return TimelineEntry.objects.create(application=application, kind=kind, at=make.NOW, text=text)


def sweep():
    return notices.write_due(now=make.NOW)


def written():
    return [(each.key, each.kind, each.to, each.facts) for each in Letter.objects.order_by("pk")]


@pytest.mark.django_db
class TestEachFactHasItsLetter:
    def test_submitted(self):
        made = entry(application(), "submitted")
        login = made.application.applicant

        assert sweep() == 1
        assert written() == [
            (f"timeline:{made.pk}:{login.pk}", "application_submitted", "olga@example.com", ABOUT)
        ]

    def test_information_requested(self):
        entry(application(state="information_requested"), "information_requested", "Who owns it?")
        sweep()

        assert written()[0][1:] == (
            "information_requested", "olga@example.com", ABOUT | {"text": "Who owns it?"},
        )  # fmt: skip

    def test_approved(self):
        broker = make.broker(code=2300, name="Nordlicht")
        entry(decided(state="approved", broker=broker), "approved")
        sweep()

        assert written()[0][1:] == (
            "application_approved", "olga@example.com", ABOUT | {"code": 2300, "broker": "Nordlicht"},
        )  # fmt: skip

    def test_rejected(self):
        entry(
            decided(
                state="rejected",
                rejection_reason="affiliate",
                decision_message="The programs exclude each other.",
                reapply_from=date(2027, 2, 20),
            ),
            "rejected",
        )
        sweep()

        assert written()[0][1:] == (
            "application_rejected",
            "olga@example.com",
            ABOUT
            | {
                "reason": "Enrolled in the Affiliate Program",
                "message": "The programs exclude each other.",
                "reapply_from": "2027-02-20",
            },
        )

    def test_withdrawn(self):
        entry(application(state="withdrawn"), "withdrawn")
        sweep()

        assert written()[0][1:] == ("application_withdrawn", "olga@example.com", ABOUT)

    @pytest.mark.parametrize("kind", ["review_started", "answered"])
    def test_what_staff_or_the_applicant_did_themselves_needs_none(self, kind):
        entry(application(), kind)

        assert sweep() == 0

    def test_every_letter_can_be_made(self):
        broker = make.broker(code=2300)
        entry(decided(state="approved", broker=broker), "submitted")
        entry(Application.objects.get(), "information_requested", "Who owns it?")
        entry(Application.objects.get(), "approved")

        assert sweep() == 3
        assert [rendering.render(kind=kind, facts=facts).subject for _, kind, _, facts in written()] == [
            "We have your application",
            "A question about your application",
            "Approved: your broker code is 2300",
        ]


@pytest.mark.django_db
def test_a_fact_has_its_letter_once_however_often_one_sweeps():
    entry(application(), "submitted")

    assert [sweep(), sweep(), sweep()] == [1, 0, 0]
    assert Letter.objects.count() == 1


@pytest.mark.django_db
def test_two_questions_are_two_letters():
    one = application(state="information_requested")
    entry(one, "information_requested", "Who owns it?")
    sweep()
    entry(one, "information_requested", "And where?")
    sweep()

    assert [facts["text"] for *_, facts in written()] == ["Who owns it?", "And where?"]


@pytest.mark.django_db
def test_a_fact_that_commits_late_is_not_skipped():
    """Its number is lower than one that has its letter already: "id > last seen" would never find it."""
    late_number = entry(application(), "submitted").pk + 1
    entry_after = TimelineEntry.objects.create(
        pk=late_number + 1, application=Application.objects.get(), kind="answered", at=make.NOW
    )
    sweep()
    TimelineEntry.objects.create(
        pk=late_number,
        application=Application.objects.get(),
        kind="information_requested",
        at=make.NOW,
        text="Who owns it?",
    )

    assert late_number < entry_after.pk
    assert sweep() == 1


@pytest.mark.django_db
def test_a_fact_that_fails_keeps_no_other_from_its_letter():
    one = application()
    # An e-mail address that no letter can go to, as nobody can give it on the site.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_user SET email = 'nobody' WHERE id = %s", [one.applicant_id])
    entry(one, "submitted")
    other = application(reference=UUID(int=1), email="other@example.com")
    entry(other, "submitted")

    with pytest.raises(ExceptionGroup, match="letters that could not be written"):
        sweep()
    assert [to for _, _, to, _ in written()] == ["other@example.com"]


def two_sweeps_at_once():
    """The second begins when the first has written its letter and not committed."""
    entry(application(), "submitted")
    with side_by_side() as start:
        with transaction.atomic():
            first = sweep()
            second = start(sweep)
            if _key_is_unique():
                until_waiting(1, FOR_ANOTHERS_ROW)
            else:
                second.result()
        return first, second.result()


def _key_is_unique():
    with owner() as hand:
        return hand.execute(
            "SELECT count(*) FROM pg_constraint WHERE conname = 'letter_key_key'"
        ).fetchone() == (1,)


def test_two_sweeps_at_once_write_one_letter(committed_db):
    assert two_sweeps_at_once() == (1, 0)
    assert Letter.objects.count() == 1


def test_twin_without_the_unique_key_they_write_two(committed_db):
    with owner() as hand:
        hand.execute("ALTER TABLE letter DROP CONSTRAINT letter_key_key")

    assert two_sweeps_at_once() == (1, 1)
    assert Letter.objects.count() == 2


def test_a_sweep_that_dies_midway_leaves_the_rest_to_the_next(committed_db, monkeypatch):
    for number in range(5):
        one = application(reference=UUID(int=number), email=f"{number}@example.com")
        entry(one, "submitted")
    facts, left = applications._facts, iter([True, True, False])

    def dies_at_the_third(entry):
        if not next(left):
            raise SystemExit  # as if the process were gone: nobody handles it
        return facts(entry)

    with monkeypatch.context() as patch:
        patch.setattr(applications, "_facts", dies_at_the_third)
        with pytest.raises(SystemExit):
            sweep()
    connection.close()

    assert Letter.objects.count() == 2
    assert sweep() == 3
    assert sorted(Letter.objects.values_list("to", flat=True)) == [f"{each}@example.com" for each in range(5)]
