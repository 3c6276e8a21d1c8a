"""What the streams of a process have to know, read for all at once: standings, and who may still look."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from payouts.program.models import StandingChange
from payouts.program.queries import standing_from
from portal.accounts.factors import FACTORS
from portal.accounts.models import User
from portal.accounts.staff_roles import Act, may
from portal.standing.queries import mark
from portal.team.models import Membership, Role, ViewAs
from portal.team.roles import LOOK, ROLES, May

_NOTHING: frozenset[May] = frozenset()
_MONEY = (Role.OWNER, Role.FINANCE)


@dataclass(frozen=True, slots=True)
class Watched:
    """On whose behalf a stream is open: a login, in a session, at a broker; staff by a look."""

    login: int
    broker: int
    session: str
    #: What the session says of the login's password; another password ends it.
    password: str
    #: The session was begun before its login had a second factor.
    is_from_before_the_factor: bool
    look: int | None
    #: What the login's role has to include for what the stream tells.
    needs: frozenset[May] = frozenset({May.SEE_STANDING})


@dataclass(frozen=True, slots=True)
class State:
    """What holds at an instant."""

    #: For whom it was asked.
    asked: frozenset[Watched]
    #: Broker → the mark of its standing.
    marks: dict[int, str]
    #: Whose pages still open.
    seated: frozenset[Watched]


def state(watched: Collection[Watched], *, now: datetime) -> State:
    """The same answers that the doors of the pages give, in the same number of queries for any number of
    streams, but one more for each look of staff.
    """
    logins = {each.login for each in watched}
    brokers = {each.broker for each in watched}
    people = {each.pk: each for each in _people(logins)}
    sessions = set(
        Session.objects.filter(
            session_key__in={each.session for each in watched}, expire_date__gt=now
        ).values_list("session_key", flat=True)
    )
    seats = {
        (login, broker): ROLES[role]
        for login, broker, role in Membership.objects.filter(
            login__in=logins, broker__in=brokers
        ).values_list("login_id", "broker_id", "role")
    }
    looks = _looks({each.look for each in watched if each.look is not None}, now=now)

    def is_seated(each: Watched) -> bool:
        login = people.get(each.login)
        if login is None or each.session not in sessions or login.get_session_auth_hash() != each.password:
            return False
        if not _is_proven(login, each):
            return False
        if each.look is None:
            return each.needs <= seats.get((each.login, each.broker), _NOTHING)
        is_open = (each.look, each.login, each.broker) in looks
        return is_open and each.needs <= LOOK and may(login, Act.VIEW_AS)

    return State(
        asked=frozenset(watched),
        marks=_marks(brokers, now=now),
        seated=frozenset(filter(is_seated, watched)),
    )


def _people(logins: Iterable[int]) -> Iterable[User]:
    """Logins that are switched on, with what `access.second_factor_of` asks of each."""
    return User.objects.filter(pk__in=logins, is_active=True).annotate(
        holds_factor=Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)),
        handles_money=Exists(Membership.objects.filter(login=OuterRef("pk"), role__in=_MONEY)),
    )


def _is_proven(login: User, watched: Watched) -> bool:
    if login.holds_factor:  # type: ignore[attr-defined]  # annotated
        return not watched.is_from_before_the_factor
    return not (login.is_staff or login.is_superuser or login.handles_money)  # type: ignore[attr-defined]


def _looks(numbers: Collection[int], *, now: datetime) -> set[tuple[int, int, int]]:
    if not numbers:
        return set()
    open_ones = ViewAs.objects.filter(pk__in=numbers, ended_at__isnull=True, expires_at__gt=now)
    return set(open_ones.values_list("pk", "login_id", "broker_id"))


def _marks(brokers: Collection[int], *, now: datetime) -> dict[int, str]:
    changes: dict[int, list[StandingChange]] = defaultdict(list)
    for change in StandingChange.objects.filter(broker__in=brokers).order_by("pk"):
        changes[change.broker_id].append(change)
    return {code: mark(standing_from(changes[code], now=now)) for code in brokers}
