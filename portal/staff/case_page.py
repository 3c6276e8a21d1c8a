"""A case on one screen: all that staff know of it, and what this login may do now."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from payouts.desk.models import Appeal, AppealMessage, Case, CaseFile, Termination
from payouts.program import queries as program
from payouts.program.models import StandingChange, StandingRange
from portal.accounts.staff_roles import Act
from portal.staff import case_forms
from portal.staff.held import held_by
from portal.staff.window import acts


@dataclass(frozen=True, slots=True)
class ChangeShown:
    change: StandingChange
    #: Neither lifted, nor cancelled, nor cut off by a termination.
    can_be_lifted: bool
    is_planned: bool


@dataclass(frozen=True, slots=True)
class Said:
    message: AppealMessage
    files: list[CaseFile]


@dataclass(frozen=True, slots=True)
class AppealShown:
    appeal: Appeal
    thread: list[Said]
    is_open: bool
    #: The broker spoke last.
    waits: bool
    #: It is granted by lifting, and by nothing else.
    is_of_what_holds: bool
    form: case_forms.Answer


def shown(
    request: HttpRequest, case: Case, *, now: datetime, answered: case_forms.Answer | None = None
) -> dict[str, Any]:
    """What the page of a case shows; `answered` is an answer in an appeal that came back with a fault."""
    can = acts(request)
    changes = changes_of(case, now)
    is_open = case.state == Case.State.OPEN
    can_work = Act.WORK_CASES in can
    return {
        "case": case,
        "broker": case.broker,
        "standing": program.standing_of(case.broker_id, now=now),
        "is_open": is_open,
        "is_mine": case.owner_id == request.user.pk,
        "can_work": can_work,
        "can_note": can_work and is_open,
        "can_lift": Act.SUSPEND in can,
        "can_prepare": Act.PREPARE_TERMINATION in can,
        "can_confirm": Act.CONFIRM_TERMINATION in can,
        "can_see_broker": Act.SEE_BROKERS in can,
        "changes": changes,
        "terminations": Termination.objects.filter(case=case)
        .select_related("prepared_by", "decided_by")
        .order_by("pk"),
        "timeline": case.timeline.select_related("by").order_by("-pk"),
        "evidence": CaseFile.objects.filter(case=case, message=None)
        .select_related("uploaded_by")
        .order_by("pk"),
        "appeals": appeals_of(case, changes, answered=answered),
        "held": held_by(case),
        "note_form": case_forms.Note(),
        "evidence_form": case_forms.Evidence(),
        "now": now,
    }


def changes_of(case: Case, now: datetime) -> list[ChangeShown]:
    """The suspensions, liftings and terminations of a case, in the order of recording."""
    rows = (
        StandingChange.objects.filter(case=case).select_related("recorded_by", "prepared_by").order_by("pk")
    )
    holding = set(
        StandingRange.objects.filter(change__case=case, kind="suspended")
        .exclude(ends_at__lte=now)
        .filter(change__ended_by__isnull=True)
        .values_list("change_id", flat=True)
    )
    return [ChangeShown(row, row.pk in holding, row.effective_at > now) for row in rows]


def appeals_of(
    case: Case, changes: list[ChangeShown], *, answered: case_forms.Answer | None = None
) -> list[AppealShown]:
    """The appeals with what was said and sent, oldest first."""
    holding = {each.change.pk for each in changes if each.can_be_lifted}
    files: dict[int, list[CaseFile]] = defaultdict(list)
    for file in CaseFile.objects.filter(case=case, message__isnull=False).order_by("pk"):
        if file.message_id is not None:
            files[file.message_id].append(file)
    found = []
    rows = case.appeals.select_related("opened_by", "decided_by", "change").order_by("opened_at", "pk")
    for appeal in rows.prefetch_related("messages__by"):
        said = sorted(appeal.messages.all(), key=lambda each: each.pk)
        is_open = appeal.state == Appeal.State.OPEN
        found.append(
            AppealShown(
                appeal,
                [Said(each, files[each.pk]) for each in said],
                is_open,
                is_open and bool(said) and not said[-1].is_from_exchange,
                appeal.change_id in holding,
                answered
                if answered is not None and answered.appeal == appeal.reference
                else case_forms.Answer(appeal=appeal.reference),
            )
        )
    return found
