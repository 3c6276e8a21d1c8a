"""What staff do with cases and appeals: the role's act and whose business it is, then one act of the desk.

The desk's own refusals come through as they are.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from payouts.desk import appeals, cases
from payouts.desk.evidence import NewFile
from payouts.desk.models import Appeal, AppealMessage, Case
from payouts.refusal import Refusal
from portal.accounts.staff_roles import Act, must_be_allowed
from portal.staff.own import must_not_be_own


class TakenMeanwhile(Refusal):
    """Somebody else took the case after it was shown."""


def open_case(*, broker_code: int, kind: str, title: str, text: str, by: Any, now: datetime) -> Case:
    """Open a case about a broker by hand. Refuses `NotYourRole`, `OwnBroker`."""
    must_be_allowed(by, Act.WORK_CASES)
    must_not_be_own(by, broker_code)
    return cases.open_case(broker_code=broker_code, kind=kind, title=title, text=text, by=by.pk, now=now)


@transaction.atomic
def take(*, case_id: int, holder: int | None, by: Any, now: datetime) -> None:
    """Look after a case from now on; `holder` is the login that the page named as its owner, None for nobody.

    Refuses `NotYourRole`, `OwnBroker`, `TakenMeanwhile`.
    """
    _must_be_free(case_id, by)
    # Locked as the desk locks it: of two at once the second sees who was first.
    case = cases.locked(case_id)
    if case.owner_id != holder:
        who = str(case.owner) if case.owner else "nobody"
        raise TakenMeanwhile(f"In the meantime {who} has this case: look at it again.")
    cases.take(case_id=case_id, by=by.pk, now=now)


def note(*, case_id: int, text: str, by: Any, now: datetime) -> None:
    """Note something for other staff. Refuses `NotYourRole`, `OwnBroker`."""
    _must_be_free(case_id, by)
    cases.note(case_id=case_id, text=text, by=by.pk, now=now)


def add_evidence(*, case_id: int, text: str, files: Sequence[NewFile], by: Any, now: datetime) -> None:
    """Add files, with words about them. Refuses `NotYourRole`, `OwnBroker`."""
    _must_be_free(case_id, by)
    cases.add_evidence(case_id=case_id, text=text, files=files, by=by.pk, now=now)


def close(*, case_id: int, outcome: str, by: Any, now: datetime) -> None:
    """End a case with its outcome; standing and held payouts stay as they are.

    Refuses `NotYourRole`, `OwnBroker`.
    """
    _must_be_free(case_id, by)
    cases.close(case_id=case_id, outcome=outcome, by=by.pk, now=now)


def reopen(*, case_id: int, text: str, by: Any, now: datetime) -> None:
    """Work on a closed case again. Refuses `NotYourRole`, `OwnBroker`."""
    _must_be_free(case_id, by)
    cases.reopen(case_id=case_id, text=text, by=by.pk, now=now)


def answer(*, reference: UUID, text: str, files: Sequence[NewFile], by: Any, now: datetime) -> AppealMessage:
    """Answer the broker in its appeal. Refuses `NotYourRole`, `OwnBroker`."""
    _appeal(reference, by)
    return appeals.answer(
        reference=reference, text=text, files=files, by=by.pk, is_from_exchange=True, now=now
    )


def decide(*, reference: UUID, granted: bool, decision: str, by: Any, now: datetime) -> None:
    """Grant or refuse an appeal; granting lifts nothing. Refuses `NotYourRole`, `OwnBroker`."""
    _appeal(reference, by)
    appeals.decide(reference=reference, granted=granted, decision=decision, by=by.pk, now=now)


def _must_be_free(case_id: int, by: Any) -> None:
    must_be_allowed(by, Act.WORK_CASES)
    must_not_be_own(by, Case.objects.get(pk=case_id).broker_id)


def _appeal(reference: UUID, by: Any) -> None:
    must_be_allowed(by, Act.WORK_CASES)
    must_not_be_own(by, Appeal.objects.get(reference=reference).broker_id)
