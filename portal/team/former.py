"""Who was an owner until lately, by the history that triggers write and nobody edits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

#: So long whoever was removed or made something else still hears where the broker's money goes.
LATELY = timedelta(days=30)
#: Each end of an owner's role, but for who left of one's own accord. `ended_at` is the database's clock.
ENDS = """
    SELECT was.broker_id, was.login_id, was.joined_at, was.label, was.pgh_created_at AS ended_at
    FROM (
        SELECT broker_id, login_id, joined_at, pgh_created_at, pgh_label AS label, role, pgh_context,
            lag(role) OVER (PARTITION BY pgh_obj_id ORDER BY pgh_id) AS before
        FROM portal_membershiphistory) AS was
    WHERE was.label = 'delete' AND was.role = 'owner' AND was.pgh_context ->> 'reason' IS DISTINCT FROM 'left'
        OR was.label = 'update' AND was.before = 'owner' AND was.role <> 'owner'
"""


@dataclass(frozen=True, slots=True)
class Former:
    """An owner who was removed, or made something else."""

    email: str
    is_removed: bool
    ended_at: datetime


def owners(*, broker_code: int, since: datetime) -> tuple[Former, ...]:
    """Owners of a broker who ceased to be that after `since`, and are none now; the earliest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT login.email, gone.label = 'delete', gone.ended_at
            FROM ({ENDS}) AS gone JOIN portal_user AS login ON login.id = gone.login_id
            WHERE gone.broker_id = %(broker)s AND gone.ended_at > %(since)s AND NOT EXISTS (
                SELECT FROM portal_membership AS member
                WHERE member.broker_id = gone.broker_id AND member.login_id = gone.login_id
                    AND member.role = 'owner')
            ORDER BY gone.ended_at, login.email
            """,
            {"broker": broker_code, "since": since},
        )
        return tuple(Former(*row) for row in cursor.fetchall())
