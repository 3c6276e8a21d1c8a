"""Fills an empty program with a believable one, and brings a seeded one up to the present."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from django.contrib.auth.models import Group

from payouts.feed.intake import Tally
from payouts.month import Month
from payouts.monthend import actions as monthend
from payouts.monthend.actions import CLOSES_AFTER
from payouts.monthend.models import Run
from payouts.program import actions as program
from payouts.program import queries as brokers
from payouts.program.broker_file import BrokerRow
from portal.accounts import actions as accounts
from portal.accounts import factors
from portal.accounts.models import User
from portal.simulator import applicants, money, standings
from portal.simulator.businesses import BUSINESSES
from portal.simulator.feed import Feed, start_of_the_program
from portal.simulator.market import Market
from portal.simulator.people import PASSWORD, PEOPLE, Person
from portal.team import actions as team
from portal.team.models import Membership

#: The running month and so many before it, unless it is told otherwise.
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
    months: int = MONTHS_BEFORE,
    credits_file: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[Tally], None] = lambda _: None,
) -> Seeded:
    """Add what is missing up to `now`, through the project's own actions; what is there stays.

    An empty program begins so many `months` before the running one. May be interrupted at any point: the
    next call goes on from what was booked. `credits_file` is the list of credits of the exchange that will
    run beside it; without one nothing is approved or credited.
    """
    start = start_of_the_program() or _first_month(now, months).starts_at
    imported = program.import_brokers(rows=_rows(start), now=now)
    if imported.imported:
        say(f"Enrolled {imported.imported} brokers, the first on {start:%Y-%m-%d}.")
    logins = sum(_make_login(person, now=now) for person in PEOPLE)
    applicants.seed(now=now)
    tally = Tally()
    credited = 0

    def pay(month: Month) -> None:
        nonlocal credited
        if credits_file:
            credited += money.pay(month, now=now, credits_file=credits_file)

    feed = Feed(Market(start=start, size=size))
    take_in = partial(feed.bring_up_to, tally=tally, progress=progress)
    closed = _live(start, now, take_in=take_in, then=pay)
    if tally.received:
        say(f"Booked {tally.accepted:,} fills of {tally.received:,} records.")
    if closed:
        say(f"Calculated {', '.join(map(str, closed))}.")
    if credits_file:
        money.seed(now=now, credits_file=credits_file)
    standings.seed(now=now)
    if credited:
        say(f"Approved and credited {credited} payouts.")
    return Seeded(imported.imported, logins, tally.accepted, closed)


def _live(
    start: datetime, now: datetime, *, take_in: Callable[[datetime], None], then: Callable[[Month], None]
) -> list[Month]:
    """Take in fills up to `now`, closing each month when its time comes; `then` is called for each."""
    closed: list[Month] = []
    month = Month.of(start)
    calculated = set(Run.objects.values_list("month", flat=True))
    while month.is_over(now - CLOSES_AFTER):
        if month.first_date not in calculated:
            closes_at = month.ends_at + CLOSES_AFTER
            take_in(closes_at)
            closed += monthend.close_due_months(now=closes_at)
        then(month)
        month = month.next()
    take_in(now)
    return closed + monthend.close_due_months(now=now)


def _joined(code: int, *, now: datetime) -> datetime:
    """Teams of the demo are as old as their brokers."""
    broker = brokers.broker_with(code)
    return min(now, broker.enrolled_at) if broker else now


def _first_month(now: datetime, before: int) -> Month:
    month = Month.of(now)
    for _ in range(before):
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
