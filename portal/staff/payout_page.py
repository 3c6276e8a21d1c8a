"""A payout opened: what decided it, what it carries, who did what with it, and what may be done now."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.translation import gettext as _

from payouts.desk.models import PayoutHold
from payouts.desk.money_models import Proposal
from payouts.desk.payout_facts import facts_of
from payouts.month import Month
from payouts.monthend.models import BoundAcknowledgement, Correction, Line, Payout, PayoutBound
from payouts.settlement.models import Attempt
from portal.accounts.staff_roles import Act
from portal.staff import ledger_lines, month_rows, payout_opened, payout_statement
from portal.staff.broker_page import Door
from portal.staff.history import history_of
from portal.staff.month_rows import Need, Row
from portal.staff.waiting import own

_State = Payout.State
LINES_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class BoundShown:
    bound: PayoutBound
    #: By whom and why; None while nobody has.
    said: BoundAcknowledgement | None
    #: The address that opens the fills behind it.
    opens: str


@dataclass(frozen=True, slots=True)
class HoldShown:
    hold: PayoutHold
    is_open: bool
    #: A release of it that waits for its second person.
    proposal: Proposal | None


def page(payout: Payout, *, login: Any, acts: set[Act], lines_page: str) -> dict[str, Any]:
    """Everything that the page of a payout shows, in as many queries for many lines as for few."""
    row = month_rows.rows_of([payout], login=login)[0]
    lines = lines_of(payout, lines_page)
    statement = payout_statement.of_payout(payout)
    waiting = list(
        Proposal.objects.filter(payout=payout, state=Proposal.State.PREPARED).select_related("prepared_by")
    )
    return {
        "payout": payout,
        "row": row,
        "run": payout.run,
        "month": Month.of_date(payout.run.month),
        "facts": figures_of(payout),
        "lines": lines,
        "lines_opened": [(line, payout_opened.of_line(line)) for line in lines.object_list],
        "corrections": list(
            Correction.objects.filter(payout=payout).prefetch_related("lines").order_by("month")
        ),
        "holds": holds_of(payout, waiting),
        "bounds": bounds_of(payout),
        "waiting": waiting,
        "statement": statement,
        "statement_files": payout_statement.files_of(statement),
        "attempts": list(Attempt.objects.filter(payout=payout).order_by("-number")),
        "transactions": ledger_lines.of_payout(payout),
        "history": history_of(payout) if Act.SEE_HISTORY in acts else [],
        "sees_history": Act.SEE_HISTORY in acts,
        "can_acknowledge": Act.ACKNOWLEDGE_BOUNDS in acts and payout.approved_at is None,
        "can_prepare_money": Act.PREPARE_MONEY in acts,
        "doors": list(doors(row, login=login, acts=acts, waiting=waiting)),
        "neighbours": neighbours(payout, login=login),
    }


def figures_of(payout: Payout) -> dict[str, Any]:
    """What is due and of what; before it is prepared, as it would be if it were prepared now."""
    found = facts_of([payout])[payout.pk]
    if payout.due is None:
        return {
            "adjustments": found.adjustments,
            "carried": found.carried,
            "due": found.due,
            "adjusted": found.adjusted,
        }
    return {
        "adjustments": payout.adjustments,
        "carried": payout.carried,
        "due": payout.due,
        "adjusted": found.adjusted,
    }


def lines_of(payout: Payout, page: str) -> Page[Line]:
    """The lines in the order of statements."""
    rows = Line.objects.filter(payout=payout).order_by("trader", "market", "fee_rate", "affiliate_rate")
    return Paginator(rows, LINES_A_PAGE).get_page(page)


def bounds_of(payout: Payout) -> list[BoundShown]:
    said = {
        (each.name, each.value): each
        for each in BoundAcknowledgement.objects.filter(payout=payout).select_related("by")
    }
    return [
        BoundShown(
            bound=each,
            said=said.get((each.name, each.value)),
            opens=payout_opened.behind(each),
        )
        for each in PayoutBound.objects.filter(payout=payout).order_by("pk")
    ]


def holds_of(payout: Payout, waiting: list[Proposal]) -> list[HoldShown]:
    released = {each.hold_id: each for each in waiting if each.kind == Proposal.Kind.RELEASE}
    holds = PayoutHold.objects.filter(payout=payout).select_related(
        "case", "release", "release__proposal__prepared_by", "release__proposal__decided_by"
    )
    return [
        HoldShown(hold=each, is_open=not hasattr(each, "release"), proposal=released.get(each.pk))
        for each in holds.order_by("pk")
    ]


def doors(row: Row, *, login: Any, acts: set[Act], waiting: list[Proposal]) -> Iterator[Door]:
    """What the login's roles may do with a payout as it stands; releases stand with their holds."""
    payout = row.payout
    of_month = {
        name: f"{reverse(f'admin:payouts_{name}', args=[payout.run_id])}?payout={payout.pk}"
        for name in ("prepare", "take_back", "approve")
    }
    if payout.state == _State.CALCULATED and Act.PREPARE_PAYOUTS in acts:
        yield Door(of_month["prepare"], _("Prepare…"))
    if payout.state == _State.PREPARED:
        if Act.APPROVE_PAYOUTS in acts and payout.prepared_by_id != login.pk:
            yield Door(of_month["approve"], _("Approve…"))
        if Act.PREPARE_PAYOUTS in acts:
            yield Door(of_month["take_back"], _("Take the preparation back…"))
    if payout.approved_at is None and Act.RECALCULATE in acts:
        yield Door(reverse("admin:payout_recalculate", args=[payout.pk]), _("Calculate again…"))
    if row.need is Need.RETRY and Act.RETRY_CREDITS in acts:
        yield Door(reverse("admin:payout_retry", args=[payout.pk]), _("Send again…"))
    is_forfeited = any(each.kind == Proposal.Kind.FORFEIT for each in waiting)
    if payout.state == _State.APPROVED and Act.PREPARE_MONEY in acts and not is_forfeited:
        yield Door(reverse("admin:forfeit_prepare", args=[payout.pk]), _("Forfeit…"), is_danger=True)


def neighbours(payout: Payout, *, login: Any) -> dict[str, Any]:
    """The payouts of the month before and after this one, by code, that need somebody."""
    needy = (
        month_rows.waiting_payouts()
        .filter(~own(login), month_rows.needs_somebody(), run=payout.run_id)
        .exclude(pk=payout.pk)
        .select_related("broker")
    )
    return {
        "before": needy.filter(broker__lt=payout.broker_id).order_by("-broker").first(),
        "after": needy.filter(broker__gt=payout.broker_id).order_by("broker").first(),
        "left": needy.count(),
    }
