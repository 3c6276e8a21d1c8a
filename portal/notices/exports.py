"""Letters that a file is ready, to whoever asked for it and may still fetch it."""

from datetime import datetime

from django.db import transaction

from portal.notices import rows
from portal.notices.rows import Missing
from portal.preferences.topics import BROKER_TOPICS
from portal.statements.models import Export

#: Who may see statements may fetch files of them.
_ROLES = ", ".join(f"'{role}'" for role in sorted(BROKER_TOPICS["statements"].roles))
_QUESTION = f"""
    SELECT export.id, 'ready', export.asked_by_id
    FROM statement_export AS export
    JOIN portal_membership AS member ON member.broker_id = export.broker_id
        AND member.login_id = export.asked_by_id AND member.role IN ({_ROLES})
    JOIN portal_user AS login ON login.id = export.asked_by_id AND login.is_active
    WHERE export.state = 'ready' AND export.expires_at > %(now)s AND export.ready_at > %(since)s AND 0 = (
        SELECT count(*) FROM letter WHERE letter.key = 'export:' || export.id)
"""


def without_letter(*, since: datetime, now: datetime) -> list[Missing]:
    """Files that wait to be fetched by somebody who does not know."""
    return rows.missing(_QUESTION, since=since, now=now)


@transaction.atomic
def write(missing: Missing, *, now: datetime) -> bool:
    """The letter about a file; whether it was not there before."""
    export = Export.objects.select_related("broker").get(pk=missing.fact)
    assert export.expires_at is not None, "what is ready expires, by constraint"  # noqa: S101
    return rows.write(
        key=f"export:{export.pk}",
        kind="file_ready",
        login=missing.login,
        facts={
            "broker": export.broker.name,
            "code": export.broker_id,
            "name": export.file_name,
            "expires_at": export.expires_at.isoformat(),
            "file": str(export.reference),
        },
        now=now,
    )
