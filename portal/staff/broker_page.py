"""What the page of a broker shows to staff, read in as many queries for a large broker as for a small one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Case as When_
from django.db.models import Count, Exists, OuterRef, Prefetch, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from payouts.desk.models import (
    AccountChange,
    AccountChangeStep,
    AffiliateCheck,
    Case,
    CaseEntry,
    PayoutHold,
    Termination,
)
from payouts.month import Month
from payouts.monthend import queries as monthend
from payouts.monthend.models import Payout
from payouts.program import queries as program
from payouts.program.models import Broker, StandingChange
from payouts.program.queries import Standing
from portal.accounts.factors import FACTORS
from portal.accounts.staff_roles import Act
from portal.letters.models import Letter
from portal.staff.history import history_of
from portal.staff.letter_titles import title_of
from portal.team import queries as team
from portal.team.models import Activity, Invitation, Membership, Role, ViewAs

#: How many of what has no end are shown; the windows of their own show all.
_NOTES, _LETTERS, _ENTRIES, _LOOKS = 10, 30, 100, 10
_OPEN = (AccountChange.State.ASKED, AccountChange.State.PREPARED, AccountChange.State.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Door:
    """A button that leads to the page of an act."""

    address: str
    words: str
    is_danger: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a broker; `who` is empty where the portal itself did it."""

    at: datetime
    what: str
    about: str
    who: str


class Invited:
    """An invitation and what staff may still do with it: only those of first owners are theirs."""

    def __init__(self, invitation: Invitation, *, by_a_member: bool, now: datetime) -> None:
        self.invitation = invitation
        self.by_a_member = by_a_member
        self.is_undecided = invitation.state == Invitation.State.OPEN
        self.is_open = self.is_undecided and now < invitation.expires_at


def state_of(broker: Any) -> str:
    """The standing of a row of the list, as `broker_list.listed` read it."""
    if broker.is_terminated:
        return "terminated"
    return "suspended" if broker.is_suspended else "active"


def page(broker: Any, *, login: Any, acts: set[Act], now: datetime) -> dict[str, Any]:
    """The page for a login with these acts. Of a broker of their own, staff see what its members see."""
    own = team.is_member(login, broker.pk)
    if own:
        acts = acts & {Act.SEE_BROKERS}
    changes = list(
        StandingChange.objects.filter(broker=broker)
        .select_related("recorded_by", "prepared_by", "case", "range")
        .order_by("pk")
    )
    standing = program.standing_from(changes, now=now)
    prepared = None if own else _prepared(broker)
    members = list(_members(broker))
    invited = _invited(broker, now=now)
    sees_cases = Act.SEE_CASES in acts
    cases = list(_cases(broker)) if sees_cases else []
    steps = list(
        AccountChangeStep.objects.filter(change__broker=broker).select_related("by", "change").order_by("-pk")
    )
    can_invite = Act.INVITE in acts
    return {
        "broker": broker,
        "own": own,
        "now": now,
        "standing": standing,
        "standing_changes": changes[::-1],
        "sees_cases": sees_cases,
        "prepared": prepared,
        "doors": list(_doors(broker, standing, prepared, login=login, acts=acts)),
        "termination_doors": list(_termination_doors(prepared, login=login, acts=acts)),
        "account_change": AccountChange.objects.filter(broker=broker, state__in=_OPEN)
        .select_related("asked_by", "prepared_by", "confirmed_by")
        .first(),
        "sees_account_changes": bool(acts & {Act.CHECK_ACCOUNT, Act.CONFIRM_ACCOUNT, Act.SEE_HISTORY}),
        "check": AffiliateCheck.objects.filter(broker=broker).first(),
        "members": members,
        "invitations": invited,
        "can_invite": can_invite,
        "can_invite_owner": can_invite
        and not any(each.role == Role.OWNER for each in members)
        and not any(each.is_open for each in invited),
        "this_month": monthend.month_so_far(broker_code=broker.pk, month=Month.of(now)),
        "payouts": list(_payouts(broker)),
        "sees_payouts": Act.SEE_PAYOUTS in acts,
        "cases": cases,
        "notes": list(_entries(broker).filter(kind=CaseEntry.Kind.NOTE)[:_NOTES]) if sees_cases else [],
        "sees_letters": Act.SEE_LETTERS in acts,
        "letters": _letters(members) if Act.SEE_LETTERS in acts else [],
        "timeline": [] if own else _timeline(broker, changes, steps, sees_cases=sees_cases),
        "sees_history": Act.SEE_HISTORY in acts,
        "history": history_of(broker) if Act.SEE_HISTORY in acts else [],
        "looks": list(_looks(broker)) if Act.SEE_HISTORY in acts else [],
    }


def _doors(
    broker: Broker, standing: Standing, prepared: Termination | None, *, login: Any, acts: set[Act]
) -> Iterator[Door]:
    """What the login's roles may do with the broker as it stands."""
    code, planned = broker.pk, standing.planned
    if Act.VIEW_AS in acts:
        yield Door(reverse("admin:broker_view_as", args=[code]), _("View as this broker…"))
    if Act.WORK_CASES in acts:
        yield Door(reverse("admin:case_open", args=[code]), _("Open a case…"))
    if standing.state == "terminated":
        return
    if Act.SUSPEND in acts:
        if standing.state == "suspended" and standing.change is not None:
            yield Door(
                reverse("admin:standing_lift", args=[code, standing.change.pk]), _("Lift the suspension…")
            )
        elif planned is not None and planned.kind == StandingChange.Kind.SUSPENDED:
            yield Door(
                reverse("admin:standing_lift", args=[code, planned.pk]), _("Cancel the planned suspension…")
            )
        if standing.state == "active":
            yield Door(reverse("admin:broker_suspend", args=[code]), _("Suspend…"), is_danger=True)
    ends = planned is not None and planned.kind == StandingChange.Kind.TERMINATED
    if Act.PREPARE_TERMINATION in acts and prepared is None and not ends:
        yield Door(reverse("admin:broker_terminate", args=[code]), _("Terminate…"), is_danger=True)


def _termination_doors(prepared: Termination | None, *, login: Any, acts: set[Act]) -> Iterator[Door]:
    if prepared is None:
        return
    numbers = [prepared.broker_id, prepared.pk]
    if Act.CONFIRM_TERMINATION in acts and prepared.prepared_by_id != login.pk:
        yield Door(
            reverse("admin:termination_confirm", args=numbers), _("Look at it and confirm…"), is_danger=True
        )
    if Act.PREPARE_TERMINATION in acts:
        yield Door(reverse("admin:termination_withdraw", args=numbers), _("Withdraw it…"))


def _prepared(broker: Broker) -> Termination | None:
    return (
        Termination.objects.filter(broker=broker, state=Termination.State.PREPARED)
        .select_related("prepared_by", "case")
        .first()
    )


def _members(broker: Broker) -> QuerySet[Membership]:
    """Owners first, then by when they joined."""
    factors = Authenticator.objects.filter(user=OuterRef("login"), type__in=FACTORS)
    return (
        Membership.objects.filter(broker=broker)
        .select_related("login")
        .annotate(
            has_factor=Exists(factors), rank=When_(When(role=Role.OWNER, then=Value(0)), default=Value(1))
        )
        .order_by("rank", "joined_at", "pk")
    )


def _invited(broker: Broker, *, now: datetime) -> list[Invited]:
    """As `team.queries.is_by_exchange` tells whose invitation is whose, for all at once."""
    by_members = set(
        Activity.objects.filter(broker=broker, kind=Activity.Kind.INVITED, is_by_exchange=False).values_list(
            "by_id", "at"
        )
    )
    return [
        Invited(each, by_a_member=(each.invited_by_id, each.invited_at) in by_members, now=now)
        for each in team.invitations(broker.pk)
    ]


def _payouts(broker: Broker) -> QuerySet[Payout]:
    holds = PayoutHold.objects.order_by("pk")
    return (
        Payout.objects.filter(broker=broker)
        .select_related("run")
        .prefetch_related(Prefetch("holds", holds))
        .order_by("-run__month")
    )


def _cases(broker: Broker) -> QuerySet[Case]:
    """The open ones first, then the latest."""
    return Case.objects.filter(broker=broker).select_related("owner").order_by("-state", "-pk")


def _entries(broker: Broker) -> QuerySet[CaseEntry]:
    return CaseEntry.objects.filter(case__broker=broker).select_related("by").order_by("-pk")


def _letters(members: list[Membership]) -> list[tuple[str, Letter]]:
    """The latest letters to the addresses of the members, each with its title."""
    found = Letter.objects.filter(to__in=[each.login.email for each in members]).defer("link", "facts")
    return [(title_of(each.kind), each) for each in found.order_by("-pk")[:_LETTERS]]


def _looks(broker: Broker) -> QuerySet[ViewAs]:
    looks = ViewAs.objects.filter(broker=broker).select_related("login")
    return looks.annotate(number_of_pages=Count("pages")).order_by("-pk")[:_LOOKS]


def _timeline(
    broker: Broker, changes: list[StandingChange], steps: list[AccountChangeStep], *, sees_cases: bool
) -> list[Event]:
    """Standing, cases and account in one line of time, the latest first."""
    # What changed the standing under a case stands in the case's entries too: each is told once.
    told = [
        Event(each.recorded_at, each.get_kind_display(), _from(each), _name(each.recorded_by))
        for each in changes
    ]
    told += [
        Event(
            each.at,
            _("account: %(step)s") % {"step": each.get_kind_display()},
            f"{each.change.old_account_id} → {each.change.new_account_id}",
            _name(each.by),
        )
        for each in steps
    ]
    if sees_cases:
        of_standing = (CaseEntry.Kind.SUSPENDED, CaseEntry.Kind.LIFTED, CaseEntry.Kind.TERMINATED)
        told += [
            Event(
                each.at,
                _("case %(number)s: %(what)s") % {"number": each.case_id, "what": each.get_kind_display()},
                each.text,
                _name(each.by),
            )
            for each in _entries(broker).exclude(kind__in=of_standing)[:_ENTRIES]
        ]
    return sorted(told, key=lambda event: event.at, reverse=True)


def _from(change: StandingChange) -> str:
    return _("from %(at)s UTC") % {"at": f"{change.effective_at:%Y-%m-%d %H:%M:%S}"}


def _name(login: Any) -> str:
    return "" if login is None else str(login)
