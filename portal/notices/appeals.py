"""Letters about answers and decisions in an appeal: to the owners, and to whoever wrote for the broker."""

from datetime import datetime
from typing import Any

from django.db import transaction

from payouts.desk.models import Appeal, AppealMessage
from portal.notices import rows
from portal.notices.rows import Missing

#: Who is told: members since before it happened that are owners or wrote in the appeal themselves.
_TOLD = """
    JOIN portal_membership AS member ON member.broker_id = appeal.broker_id AND member.joined_at <= {at}
        AND (member.role = 'owner' OR EXISTS (
            SELECT FROM desk_appeal_message AS theirs
            WHERE theirs.appeal_id = appeal.id AND theirs.by_id = member.login_id
                AND NOT theirs.is_from_exchange))
    JOIN portal_user AS login ON login.id = member.login_id AND login.is_active
"""
_QUESTION = f"""
    SELECT message.id, 'answered', member.login_id
    FROM desk_appeal_message AS message JOIN desk_appeal AS appeal ON appeal.id = message.appeal_id
    {_TOLD.format(at="message.at")}
    WHERE message.is_from_exchange AND message.at > %(since)s AND 0 = (
        SELECT count(*) FROM letter
        WHERE letter.key = 'appeal:answered:' || message.id || ':' || member.login_id)
    UNION ALL
    SELECT appeal.id, 'decided', member.login_id
    FROM desk_appeal AS appeal
    {_TOLD.format(at="appeal.decided_at")}
    WHERE appeal.state IN ('granted', 'refused') AND appeal.decided_at > %(since)s AND 0 = (
        SELECT count(*) FROM letter
        WHERE letter.key = 'appeal:decided:' || appeal.id || ':' || member.login_id)
"""


def without_letter(*, since: datetime, now: datetime) -> list[Missing]:
    """Answers of the exchange, and decisions, that somebody was not told of."""
    return rows.missing(_QUESTION, since=since, now=now)


@transaction.atomic
def write(missing: Missing, *, now: datetime) -> bool:
    """The letter about an answer or a decision; whether it was not there before."""
    kind, facts = _answer(missing.fact) if missing.about == "answered" else _decision(missing.fact)
    return rows.write(
        key=f"appeal:{missing.about}:{missing.fact}:{missing.login}",
        kind=kind,
        login=missing.login,
        facts=facts,
        now=now,
    )


def _answer(number: int) -> tuple[str, dict[str, Any]]:
    message = AppealMessage.objects.select_related("appeal__broker").get(pk=number)
    return "appeal_answered", _about(message.appeal) | {"text": message.text, "at": message.at.isoformat()}


def _decision(number: int) -> tuple[str, dict[str, Any]]:
    appeal = Appeal.objects.select_related("broker").get(pk=number)
    assert appeal.decided_at is not None, "a decided appeal says when, by constraint"  # noqa: S101
    return "appeal_decided", _about(appeal) | {
        "outcome": str(appeal.get_state_display()),
        "decision": appeal.decision,
        "at": appeal.decided_at.isoformat(),
    }


def _about(appeal: Appeal) -> dict[str, Any]:
    return {"broker": appeal.broker.name, "code": appeal.broker_id}
