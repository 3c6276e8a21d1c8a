"""Letters to every member about each change of a broker's standing: as it is decided, and as it begins."""

from datetime import datetime
from typing import Any

from django.db import transaction

from payouts.program.models import StandingChange
from portal.notices import rows
from portal.notices.rows import Missing

_Kind = StandingChange.Kind
#: Decided: every change. Begun: what was planned, once its time has come and it was not cancelled before.
_QUESTION = """
    SELECT change.id, 'decided', member.login_id
    FROM standing_change AS change
    JOIN portal_membership AS member
        ON member.broker_id = change.broker_id AND member.joined_at <= change.recorded_at
    JOIN portal_user AS login ON login.id = member.login_id AND login.is_active
    WHERE change.kind <> 'enrolled' AND change.recorded_at > %(since)s
        -- A planned suspension that a termination cancels: the letter about the termination says it all.
        AND NOT (change.kind = 'lifted' AND EXISTS (
            SELECT FROM standing_change AS ended WHERE ended.broker_id = change.broker_id
                AND ended.kind = 'terminated' AND ended.recorded_at = change.recorded_at))
        AND 0 = (
        SELECT count(*) FROM letter
        WHERE letter.key = 'standing:' || change.id || ':decided:' || member.login_id)
    UNION ALL
    SELECT change.id, 'begun', member.login_id
    FROM standing_range AS span
    JOIN standing_change AS change ON change.id = span.change_id AND change.recorded_at < span.starts_at
    JOIN portal_membership AS member
        ON member.broker_id = span.broker_id AND member.joined_at <= span.starts_at
    JOIN portal_user AS login ON login.id = member.login_id AND login.is_active
    WHERE span.starts_at > %(since)s AND span.starts_at <= %(now)s
        AND (span.ends_at IS NULL OR span.ends_at > span.starts_at)
        AND 0 = (
        SELECT count(*) FROM letter
        WHERE letter.key = 'standing:' || change.id || ':begun:' || member.login_id)
"""


def without_letter(*, since: datetime, now: datetime) -> list[Missing]:
    """Changes that somebody was not told of who was a member when it was decided, or when it began."""
    return rows.missing(_QUESTION, since=since, now=now)


@transaction.atomic
def write(missing: Missing, *, now: datetime) -> bool:
    """The letter about a change; whether it was not there before."""
    change = StandingChange.objects.select_related("broker", "ends").get(pk=missing.fact)
    kind = _letter(change, has_begun=missing.about == "begun")
    return rows.write(
        key=f"standing:{change.pk}:{missing.about}:{missing.login}",
        kind=kind,
        login=missing.login,
        facts=_facts(change, kind),
        now=now,
    )


def _letter(change: StandingChange, *, has_begun: bool) -> str:
    if change.kind == _Kind.LIFTED:
        assert change.ends is not None, "a lifting ends a suspension, by constraint"  # noqa: S101
        is_cancelling = change.effective_at == change.ends.effective_at > change.ends.recorded_at
        return "standing_cancelled" if is_cancelling else "standing_lifted"
    if change.effective_at > change.recorded_at and not has_begun:
        return "standing_planned"
    return "standing_terminated" if change.kind == _Kind.TERMINATED else "standing_suspended"


def _facts(change: StandingChange, kind: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "broker": change.broker.name,
        "code": change.broker_id,
        "since": change.effective_at.isoformat(),
    }
    if kind in ("standing_lifted", "standing_cancelled"):
        return facts | ({"message": change.message} if change.message else {})
    if kind == "standing_planned":
        facts["what"] = change.get_kind_display()
    return facts | {"reason": str(change.get_reason_display()), "message": change.message}
