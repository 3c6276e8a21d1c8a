"""Reads for the log of a broker: what members did, and what the exchange decided, newest first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.db.models import CharField, F, Value
from django.utils.translation import gettext as _

from payouts.desk.account_models import AccountChangeStep
from payouts.desk.models import Appeal, AppealMessage
from payouts.program.models import StandingChange
from portal.team.invitations import EXCHANGE
from portal.team.models import Activity

A_PAGE = 50
#: The steps of a change of account that owners take; every other is the exchange's.
_BY_OWNERS = (AccountChangeStep.Kind.ASKED, AccountChangeStep.Kind.CANCELLED)


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    #: A member's address, or "Backpack".
    who: str
    what: str
    about: str


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Line]
    number: int
    #: How many pages there are; at least 1.
    of: int
    newer: int | None
    older: int | None


def page(*, broker_code: int, number: int) -> Page:
    """One page of `A_PAGE` lines; a number beyond the last page is the last one."""
    sources = [
        Activity.objects.filter(broker_id=broker_code).annotate(moment=F("at"), source=_named("team")),
        StandingChange.objects.filter(broker_id=broker_code).annotate(
            moment=F("recorded_at"), source=_named("standing")
        ),
        AccountChangeStep.objects.filter(change__broker_id=broker_code).annotate(
            moment=F("at"), source=_named("account")
        ),
        AppealMessage.objects.filter(appeal__broker_id=broker_code).annotate(
            moment=F("at"), source=_named("appeal")
        ),
        Appeal.objects.filter(broker_id=broker_code, decided_at__isnull=False).annotate(
            moment=F("decided_at"), source=_named("decision")
        ),
    ]
    rows = [each.order_by().values_list("moment", "source", "pk") for each in sources]
    all_of_them = rows[0].union(*rows[1:], all=True).order_by("-moment", "-source", "-pk")
    shown = Paginator(all_of_them, A_PAGE).get_page(number)
    found = list(shown.object_list)
    lines: dict[tuple[str, int], Line] = {}
    for source, read in _LINES.items():
        lines |= {
            (source, key): line for key, line in read([pk for _, of, pk in found if of == source]).items()
        }
    return Page(
        lines=[lines[source, pk] for _, source, pk in found],
        number=shown.number,
        of=shown.paginator.num_pages,
        newer=shown.previous_page_number() if shown.has_previous() else None,
        older=shown.next_page_number() if shown.has_next() else None,
    )


def _named(source: str) -> Value:
    return Value(source, output_field=CharField())


def _of_the_team(numbers: list[int]) -> dict[int, Line]:
    return {
        each.pk: Line(
            at=each.at,
            who=EXCHANGE if each.is_by_exchange else each.by.email,
            what=each.get_kind_display(),
            about=each.about,
        )
        for each in Activity.objects.filter(pk__in=numbers).select_related("by")
    }


def _of_the_standing(numbers: list[int]) -> dict[int, Line]:
    return {
        each.pk: Line(at=each.recorded_at, who=EXCHANGE, what=each.get_kind_display(), about=_from_when(each))
        for each in StandingChange.objects.filter(pk__in=numbers)
    }


def _from_when(change: StandingChange) -> str:
    since = _("from %(at)s UTC") % {"at": f"{change.effective_at:%Y-%m-%d %H:%M:%S}"}
    return f"{since}, {change.get_reason_display()}" if change.reason else since


def _of_the_account(numbers: list[int]) -> dict[int, Line]:
    found = AccountChangeStep.objects.filter(pk__in=numbers).select_related("by", "change")
    return {
        each.pk: Line(
            at=each.at,
            who=_who(each),
            what=_("change of account: %(step)s") % {"step": each.get_kind_display()},
            about=f"{each.change.old_account_id} → {each.change.new_account_id}",
        )
        for each in found
    }


def _who(step: AccountChangeStep) -> str:
    """Never a name of the exchange's staff."""
    by = step.by
    return by.email if by is not None and step.kind in _BY_OWNERS and not by.is_staff else EXCHANGE


def _of_the_appeals(numbers: list[int]) -> dict[int, Line]:
    """What was written stands on the page of the standing; here only that it was, and by whom."""
    found = AppealMessage.objects.filter(pk__in=numbers).select_related("by", "appeal")
    return {
        each.pk: Line(
            at=each.at,
            who=EXCHANGE if each.is_from_exchange else each.by.email,
            what=_("appealed") if each.at == each.appeal.opened_at else _("message in the appeal"),
            about="",
        )
        for each in found
    }


def _of_the_decisions(numbers: list[int]) -> dict[int, Line]:
    found = Appeal.objects.filter(pk__in=numbers).select_related("decided_by")
    return {
        each.pk: Line(
            at=_moment(each.decided_at),
            who=_who_decided(each),
            what=_("appeal %(state)s") % {"state": each.get_state_display()},
            about="",
        )
        for each in found
    }


def _who_decided(appeal: Appeal) -> str:
    by = appeal.decided_by
    return by.email if by is not None and appeal.state == Appeal.State.WITHDRAWN else EXCHANGE


def _moment(at: datetime | None) -> datetime:
    assert at is not None, "only decided ones are asked for"  # noqa: S101
    return at


_LINES: Mapping[str, Callable[[list[int]], dict[int, Line]]] = {
    "team": _of_the_team,
    "standing": _of_the_standing,
    "account": _of_the_account,
    "appeal": _of_the_appeals,
    "decision": _of_the_decisions,
}
