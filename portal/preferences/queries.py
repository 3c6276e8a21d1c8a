"""Reads of which letters a login wants, has, and could have."""

from dataclasses import dataclass

from portal.accounts.models import User
from portal.preferences.models import LetterPreference
from portal.preferences.topics import (
    AT_ONCE,
    BROKER_TOPICS,
    DAILY,
    GATHERING,
    NEVER,
    OF_STAFF,
    OF_THE_DAY,
    STAFF_TOPICS,
    Topic,
    topic,
)
from portal.team.models import Membership

#: The broker's code, None for staff; and the topic's name.
Place = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class Wish:
    """How a login gets letters on a topic."""

    topic: Topic
    delivery: str
    #: In a form: of which broker, and on what.
    field: str


@dataclass(frozen=True, slots=True)
class OfBroker:
    """The wishes of a login about one of its brokers; none where its role gets no letters on a topic."""

    code: int
    name: str
    role: str
    wishes: list[Wish]


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that a login may choose."""

    brokers: list[OfBroker]
    staff: list[Wish]

    @property
    def places(self) -> dict[str, tuple[Place, Wish]]:
        """Each wish by its field."""
        found: dict[str, tuple[Place, Wish]] = {
            wish.field: ((of.code, wish.topic.name), wish) for of in self.brokers for wish in of.wishes
        }
        return found | {wish.field: ((None, wish.topic.name), wish) for wish in self.staff}


def delivery(*, login: int, broker: int | None, topic: str) -> str:
    """How a login wants letters on a topic: "at once", "daily" or "never". It may not get any."""
    return _of(_said(login), broker, topic)


def wanted(*, login: int, broker: int | None, topic: str) -> str:
    """The same for a letter that is about to leave: "never" as well for who may not get it any more.

    That is a login that is switched off, left the team, or has another role.
    """
    if topic in GATHERING:
        if topic == OF_STAFF:
            is_due = any(each.delivery != NEVER for each in _of_staff(login, _said(login)))
        else:
            is_due = User.objects.filter(pk=login, is_active=True).exists()
        return AT_ONCE if is_due else NEVER
    of = BROKER_TOPICS.get(topic)
    if of is None or broker is None:
        return NEVER
    seat = Membership.objects.filter(login_id=login, broker_id=broker, login__is_active=True)
    if seat.values_list("role", flat=True).first() not in of.roles:
        return NEVER
    return delivery(login=login, broker=broker, topic=topic)


def wishes_of(login: int) -> Wishes:
    """What a login may choose, by the names of its brokers. Four queries at most."""
    said = _said(login)
    seats = (
        Membership.objects.filter(login_id=login)
        .select_related("broker")
        .order_by("broker__name", "broker_id")
    )
    brokers = [
        OfBroker(
            seat.broker_id,
            seat.broker.name,
            seat.get_role_display(),
            [
                Wish(each, _of(said, seat.broker_id, each.name), f"{seat.broker_id}-{each.name}")
                for each in BROKER_TOPICS.values()
                if seat.role in each.roles
            ],
        )
        for seat in seats
    ]
    return Wishes(brokers, _of_staff(login, said))


def daily_ones(login: int) -> list[Place]:
    """Topics of brokers that a login wants in the letter of the day."""
    found = LetterPreference.objects.filter(login=login, broker__isnull=False, delivery=DAILY)
    return list(found.order_by("broker_id", "topic").values_list("broker_id", "topic"))


def staff_ones(login: int) -> list[Place]:
    """Topics of staff that a login has and wants."""
    return [(None, each.topic.name) for each in _of_staff(login, _said(login)) if each.delivery != NEVER]


def gathered_in(*, login: int, topic: str) -> list[Place]:
    """What comes in a letter of the day, of a login that may or may not be switched off."""
    return daily_ones(login) if topic == OF_THE_DAY else staff_ones(login)


def staff_topics_of(login: User) -> list[str]:
    """The topics that a login's staff roles have; all of them for a superuser."""
    if not (login.is_active and login.is_staff):
        return []
    if login.is_superuser:
        return list(STAFF_TOPICS)
    roles = set(login.groups.values_list("name", flat=True))
    return [name for name, each in STAFF_TOPICS.items() if roles & each.roles]


def _of_staff(login: int, said: dict[Place, str]) -> list[Wish]:
    found = User.objects.get(pk=login)
    return [
        Wish(STAFF_TOPICS[name], _of(said, None, name), f"staff-{name}") for name in staff_topics_of(found)
    ]


def _said(login: int) -> dict[Place, str]:
    rows = LetterPreference.objects.filter(login=login).values_list("broker_id", "topic", "delivery")
    return {(broker, name): wish for broker, name, wish in rows}


def _of(said: dict[Place, str], broker: int | None, name: str) -> str:
    found = topic(broker=broker, name=name)
    return said.get((broker, name), NEVER if found is None else found.usual)
