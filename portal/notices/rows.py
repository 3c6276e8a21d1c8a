"""Which letters are missing, asked of the database in one question a source."""

from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from portal.accounts.models import User
from portal.letters import actions as letters


class Missing(NamedTuple):
    """A fact, what of it is to be told, and the login that has no letter about it."""

    fact: int
    about: str
    login: int


def missing(question: str, *, since: datetime, now: datetime) -> list[Missing]:
    """What a question finds, the earliest facts first; it selects the three columns of `Missing`.

    Questions count the letter of each fact of late instead of asking for its absence: that the database would
    answer by reading all letters there ever were.
    """
    with connection.cursor() as cursor:
        cursor.execute(question, {"since": since, "now": now})
        return sorted(Missing(*row) for row in cursor.fetchall())


def write(*, key: str, kind: str, login: int, facts: dict[str, Any], now: datetime, **options: Any) -> bool:
    """A letter to a login; whether it was not there before. `options` are those of `letters.write`."""
    to = User.objects.values_list("email", flat=True).get(pk=login)
    return letters.write(key=key, kind=kind, to=to, facts=facts, now=now, **options)
