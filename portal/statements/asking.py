"""Asking for a file that is made in the background."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from payouts.month import Month
from payouts.refusal import Refusal
from portal.statements import zips
from portal.statements.models import Export

#: Files that a login may ask for, of one broker, within 24 hours.
MOST_A_DAY = 20
_DAY = timedelta(hours=24)
_UNDER_WAY = (Export.State.DUE, Export.State.WORKING)


class NothingToPrepare(Refusal):
    """There is no statement to pack."""


class NotBegun(Refusal):
    """The month lies in the future."""


class TooManyFiles(Refusal):
    """The login has asked for too many files within a day."""


def ask(*, broker_code: int, kind: str, of: str, file_format: str, by: Any, now: datetime) -> Export:
    """Ask for all statements, those of the year `of`, or the month `of` as json, csv or pdf.

    What the login has asked for and waits for is not asked for again: that export is the answer.
    Refuses `NothingToPrepare`, `NotBegun`, `TooManyFiles`.
    """
    _must_be_there(broker_code, kind=kind, of=of, now=now)
    wanted = {"broker_id": broker_code, "asked_by": by, "kind": kind, "of": of, "file_format": file_format}
    found = _waiting(wanted)
    if found is not None:
        return found
    lately = Export.objects.filter(broker=broker_code, asked_by=by, asked_at__gt=now - _DAY)
    if lately.count() >= MOST_A_DAY:
        raise TooManyFiles(
            _("You have asked for %(most)d files within a day: take those that are ready, or ask tomorrow.")
            % {"most": MOST_A_DAY}
        )
    try:
        with transaction.atomic():
            return Export.objects.create(**wanted, asked_at=now)
    except IntegrityError as problem:
        # Asked twice in the same moment: the database decided which of them.
        if "one_export_of_a_thing_at_a_time" not in str(problem):
            raise
        return Export.objects.filter(**wanted).latest("pk")


def _waiting(wanted: dict[str, Any]) -> Export | None:
    return Export.objects.filter(**wanted, state__in=_UNDER_WAY).first()


def _must_be_there(broker_code: int, *, kind: str, of: str, now: datetime) -> None:
    if kind == Export.Kind.DRAFT:
        if Month.parse(of) > Month.of(now):
            raise NotBegun(_("This month has not begun: choose one from the list."))
        return
    year = int(of) if of else None
    if not zips.statements(broker_code=broker_code, year=year):
        raise NothingToPrepare(
            _("No statement is issued yet for that time: the first comes when a month's payout is approved.")
        )
