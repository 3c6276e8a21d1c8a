"""The letter of the day: what was gathered for a login until the morning, told of in one letter."""

from datetime import datetime, time

from django.db import transaction

from portal.letters import actions
from portal.letters.models import Letter

State = Letter.State

#: UTC. What is gathered later waits for the next morning.
FROM = time(8)
KIND = "digest"


def gather_due(*, now: datetime) -> int:
    """Write today's letters of the day, one a login at most; how many were written.

    Each in a transaction of its own, in which the letters that it tells of become `told`: sweeps may run side
    by side and the letter's unique key decides. After an outage of any length one letter tells of everything.
    """
    until = datetime.combine(now.date(), FROM, tzinfo=now.tzinfo)
    if now < until:
        return 0
    return sum(_gather(login, until=until, now=now) for login in _logins(until, now=now))


def key(login: int, day: datetime) -> str:
    return f"digest:{login}:{day.date().isoformat()}"


def _logins(until: datetime, *, now: datetime) -> list[int]:
    """Those for whom something waits and who had no letter of the day yet."""
    waiting = Letter.objects.filter(state=State.GATHERED, written_at__lt=until)
    logins = set(waiting.order_by().values_list("unsubscribe__login", flat=True).distinct())
    written = Letter.objects.filter(key__in=[key(login, now) for login in logins])
    had = set(written.values_list("key", flat=True))
    return sorted(login for login in logins if key(login, now) not in had)


@transaction.atomic
def _gather(login: int, *, until: datetime, now: datetime) -> bool:
    waiting = Letter.objects.filter(state=State.GATHERED, unsubscribe__login=login, written_at__lt=until)
    newest = waiting.order_by("-written_at", "-pk").first()
    if newest is None:
        return False
    is_ours = actions.write(
        key=key(login, now),
        kind=KIND,
        to=newest.to,
        facts={"day": now.date().isoformat()},
        unsubscribe={"login": login, "broker": None, "topic": "digest"},
        now=now,
    )
    if is_ours:
        into = Letter.objects.get(key=key(login, now))
        waiting.update(state=State.TOLD, gathered_into=into)
    return is_ours
