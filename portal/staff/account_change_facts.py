"""What staff look at before they let a broker's money go elsewhere: people, and what changed about them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.utils import timezone

from payouts.desk.models import AccountChange
from portal.accounts.factors import FACTORS
from portal.accounts.models import Device
from portal.team import former
from portal.team.models import Activity, Membership, Role

#: What changed about the team or an owner's login within so long before the asking is marked.
LATELY = former.LATELY


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the broker's team as it stands now."""

    email: str
    role: Role
    is_asker: bool
    is_active: bool
    joined_at: datetime
    #: When the newest second factor was set up; None without one.
    factor_since: datetime | None
    #: When the login's e-mail address was last changed; None if never.
    email_changed_at: datetime | None
    #: Joined, or changed the factor or the address, shortly before the change was asked for, or since.
    is_new: bool


@dataclass(frozen=True, slots=True)
class People:
    """Who is behind a change. All of it is part of what a confirmation confirms."""

    team: tuple[Person, ...]
    #: The asker's role now; empty for who is not in the team any more.
    asker_role: str
    #: Whether the asker's login was used from that address earlier than a day before.
    address_is_known: bool
    #: Owners who were removed or made something else shortly before the change was asked for, or since.
    former_owners: tuple[former.Former, ...]


def people(change: AccountChange) -> People:
    members = list(
        Membership.objects.filter(broker_id=change.broker_id)
        .select_related("login")
        .order_by("joined_at", "pk")
    )
    logins = [each.login_id for each in members]
    factors: dict[int, datetime] = {}
    for login, made in (
        Authenticator.objects.filter(user__in=logins, type__in=FACTORS)
        .order_by("created_at")
        .values_list("user", "created_at")
    ):
        factors[login] = made
    emails = _changes_of_address(logins)
    since = change.asked_at - LATELY
    team = tuple(
        Person(
            email=each.login.email,
            role=Role(each.role),
            is_asker=each.login_id == change.asked_by_id,
            is_active=each.login.is_active,
            joined_at=each.joined_at,
            factor_since=factors.get(each.login_id),
            email_changed_at=emails.get(each.login_id),
            is_new=any(
                at is not None and at > since
                for at in (each.joined_at, factors.get(each.login_id), emails.get(each.login_id))
            ),
        )
        for each in members
    )
    asker = next((each for each in team if each.is_asker), None)
    return People(
        team=team,
        asker_role=asker.role.value if asker else "",
        address_is_known=Device.objects.filter(
            login_id=change.asked_by_id,
            address=change.asked_from,
            first_seen_at__lt=change.asked_at - timedelta(days=1),
        ).exists(),
        former_owners=former.owners(broker_code=change.broker_id, since=since),
    )


def digest(found: People) -> str:
    return sha256(repr(found).encode()).hexdigest()


def team_changes(change: AccountChange) -> list[Activity]:
    """What was done with the team shortly before the change was asked for, and since; newest first."""
    kinds = Activity.Kind
    return list(
        Activity.objects.filter(
            broker_id=change.broker_id,
            at__gt=change.asked_at - LATELY,
            kind__in=[kinds.INVITED, kinds.JOINED, kinds.ROLE_CHANGED, kinds.REMOVED, kinds.LEFT],
        )
        .select_related("by")
        .order_by("-pk")[:20]
    )


def how_checked(change: AccountChange) -> str:
    """What the first of the two wrote, from the history that nobody can edit; empty until then."""
    row = (
        apps.get_model("payouts.AccountChangeHistory")
        .objects.filter(pgh_obj_id=change.pk, state=AccountChange.State.PREPARED)
        .order_by("pgh_id")
        .first()
    )
    return str((row.pgh_context or {}).get("reason", "")) if row else ""


def owners(found: People) -> list[str]:
    """Whom letters go to, and who can cancel."""
    return [each.email for each in found.team if each.role == Role.OWNER and each.is_active]


def until_now(change: AccountChange) -> bool:
    """Whether a confirmed change waits beyond its time."""
    return change.effective_at is not None and change.effective_at <= timezone.now()


def _changes_of_address(logins: list[int]) -> dict[int, datetime]:
    """When each login's address was last changed to another one, by the history that triggers write."""
    found: dict[int, datetime] = {}
    before: dict[int, str] = {}
    rows = apps.get_model("portal.UserHistory").objects.filter(pgh_obj_id__in=logins).order_by("pgh_id")
    for login, email, at in rows.values_list("pgh_obj_id", "email", "pgh_created_at"):
        if before.get(login, email) != email:
            found[login] = at
        before[login] = email
    return found
