"""What the exchange's order gateway is told: every code ever issued, and whether orders may carry it now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import connection

CodeState = Literal["live", "suspended", "terminated"]


@dataclass(frozen=True, slots=True)
class IssuedCode:
    code: int
    state: CodeState
    #: From when it is so, inclusive: the enrolment, the suspension, its end, or the termination.
    since: datetime


@dataclass(frozen=True, slots=True)
class IssuedCodes:
    """Every code by number, and how many changes of standing have made the list so.

    `version` only grows, also when a planned change takes effect by the clock alone; whoever has heard a
    higher one has heard later news. Two lists of the same version are the same list.
    """

    version: int
    codes: list[IssuedCode]


# One statement is one moment: the version and the list cannot come from two. Of a broker's ranges at most one
# holds at an instant, the database sees to that; one that was cancelled before it began holds never.
_CODES = """
SELECT broker.code,
       COALESCE(now_in.kind, 'live'),
       COALESCE(now_in.starts_at, GREATEST(broker.enrolled_at, past.ended_at)),
       (SELECT count(*) FROM standing_change WHERE effective_at <= %(now)s)
FROM broker
LEFT JOIN standing_range AS now_in
    ON now_in.broker_id = broker.code AND now_in.starts_at <= %(now)s
    AND (now_in.ends_at IS NULL OR now_in.ends_at > %(now)s)
LEFT JOIN (
    SELECT broker_id, max(ends_at) AS ended_at FROM standing_range
    WHERE starts_at < ends_at AND ends_at <= %(now)s GROUP BY broker_id
) AS past ON past.broker_id = broker.code
WHERE broker.enrolled_at <= %(now)s
ORDER BY broker.code
"""


def issued_codes(*, now: datetime) -> IssuedCodes:
    """Every code issued until `now`, as it stands at that instant. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_CODES, {"now": now})
        rows = cursor.fetchall()
    return IssuedCodes(
        version=rows[0][3] if rows else 0,
        codes=[IssuedCode(code, state, since) for code, state, since, _version in rows],
    )
