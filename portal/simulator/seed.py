"""Fills an empty program with a believable one, and brings a seeded one up to the present."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group

from payouts.feed.intake import Tally
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.program import actions as program
from payouts.program import queries as brokers
from payouts.program.broker_file import BrokerRow
from portal.accounts import actions as accounts
from portal.accounts import factors
from portal.accounts.models import User
from portal.simulator import applicants, standings
from portal.simulator.businesses import BUSINESSES
from portal.simulator.feed import Feed, start_of_the_program
from portal.simulator.market import Market
from portal.simulator.people import PASSWORD, PEOPLE, Person
from portal.team import actions as team
from portal.team.models import Membership

#: The running month and so many before it.
MONTHS_BEFORE = 7


@dataclass(frozen=True, slots=True)
class Seeded:
    """What one seeding added."""

    brokers: int
    logins: int
    fills: int
    months: list[Month]


def seed(
    *,
    now: datetime,
    size: float = 1.0,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[Tally], None] = lambda _: None,
) -> Seeded:
    """Add what is missing up to `now`, through the project's own actions; what is there stays.

    May be interrupted at any point: the next call goes on from what was booked.
    """
    start = start_of_the_program() or _first_month(now).starts_at
    imported = program.import_brokers(rows=_rows(start), now=now)
    if imported.imported:
        say(f"Enrolled {imported.imported} brokers, the first on {start:%Y-%m-%d}.")
    logins = sum(_make_login(person, now=now) for person in PEOPLE)
    applicants.seed(now=now)
    tally = Tally()
    feed = Feed(Market(start=start, size=size))
    feed.bring_up_to(now, tally=tally, progress=progress)
    if tally.received:
        say(f"Booked {tally.accepted:,} fills of {tally.received:,} records.")
    months = monthend.close_due_months(now=now)
    standings.seed(now=now)
    if months:
        say(f"Calculated {', '.join(map(str, months))}.")
    return Seeded(imported.imported, logins, tally.accepted, months)


def _joined(code: int, *, now: datetime) -> datetime:
    """Teams of the demo are as old as their brokers."""
    broker = brokers.broker_with(code)
    return min(now, broker.enrolled_at) if broker else now


def _first_month(now: datetime) -> Month:
    month = Month.of(now)
    for _ in range(MONTHS_BEFORE):
        month = month.previous()
    return month


def _rows(start: datetime) -> list[BrokerRow]:
    return [
        BrokerRow(each.code, each.name, each.account_id, each.enrolled_at(start), line)
        for line, each in enumerate(BUSINESSES, start=2)
    ]


def _make_login(person: Person, *, now: datetime) -> bool:
    """Make a login and its seats, or those of them that are missing; whether the login is new."""
    login = User.objects.filter(email=person.email).first()
    is_new = login is None
    if login is None:
        login = accounts.create_login(
            email=person.email,
            name=person.name,
            password=PASSWORD,
            now=now,
            is_staff=person.is_staff,
            is_superuser=person.is_superuser,
        )
    accounts.confirm_address(login=login)
    if not factors.has_factor(login):
        factors.enrol_totp(login=login, secret=person.totp_secret)
    login.groups.set(Group.objects.filter(name__in=person.staff_roles))
    taken = set(Membership.objects.filter(login=login).values_list("broker_id", flat=True))
    for code, role in person.seats:
        if code not in taken:
            team.add_member(login=login, broker_code=code, role=role, now=_joined(code, now=now))
    return is_new
