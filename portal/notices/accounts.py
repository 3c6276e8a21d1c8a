"""Letters about each step of a change of the exchange account, to owners and who was one until lately."""

from datetime import datetime
from typing import Any

from django.db import transaction

from payouts.desk.models import AccountChange, AccountChangeStep
from portal.accounts.models import User
from portal.notices import rows
from portal.notices.rows import Missing
from portal.team import former
from portal.team.models import Membership, Role

#: That one of two has checked it is no news to owners: nothing follows from it yet.
LETTERS = {
    AccountChangeStep.Kind.ASKED: "account_change_asked",
    AccountChangeStep.Kind.CONFIRMED: "account_change_confirmed",
    AccountChangeStep.Kind.APPLIED: "account_change_applied",
    AccountChangeStep.Kind.CANCELLED: "account_change_cancelled",
    AccountChangeStep.Kind.REFUSED: "account_change_refused",
}
#: A thief with one owner's login removes the others first: they would be the last to hear of it.
_QUESTION = f"""
    SELECT DISTINCT step.id, step.kind, member.login_id
    FROM account_change_step AS step JOIN account_change AS change ON change.id = step.change_id
    JOIN (
        SELECT broker_id, login_id, joined_at, NULL AS ended_at FROM portal_membership WHERE role = 'owner'
        UNION ALL SELECT broker_id, login_id, joined_at, ended_at FROM ({former.ENDS}) AS gone
    ) AS member ON member.broker_id = change.broker_id AND member.joined_at <= step.at
        AND (member.ended_at IS NULL
            OR member.ended_at > change.asked_at - interval '{former.LATELY.days} days')
    JOIN portal_user AS login ON login.id = member.login_id AND login.is_active
    WHERE step.kind <> 'prepared' AND step.at > %(since)s AND 0 = (
        SELECT count(*) FROM letter
        WHERE letter.key = 'account:' || step.id || ':' || member.login_id)
"""
_LAST = 4


def without_letter(*, since: datetime, now: datetime) -> list[Missing]:
    """Steps of changes of an account that an owner was not told of."""
    return rows.missing(_QUESTION, since=since, now=now)


@transaction.atomic
def write(missing: Missing, *, now: datetime) -> bool:
    """The letter about a step; whether it was not there before."""
    step = AccountChangeStep.objects.select_related(
        "change__broker", "change__asked_by", "change__ended_by"
    ).get(pk=missing.fact)
    kind = LETTERS[AccountChangeStep.Kind(step.kind)]
    facts = _facts(step, kind)
    if not Membership.objects.filter(
        broker_id=step.change.broker_id, login_id=missing.login, role=Role.OWNER
    ).exists():
        facts["was_owner"] = "yes"
    return rows.write(
        key=f"account:{step.pk}:{missing.login}",
        kind=kind,
        login=missing.login,
        facts=facts,
        now=now,
    )


def masked(account_id: str) -> str:
    """Enough of an account for its owner to know it by, and no more: •••1400."""
    shown = min(_LAST, len(account_id) // 2)
    return "•••" + account_id[len(account_id) - shown :]


def _facts(step: AccountChangeStep, kind: str) -> dict[str, Any]:
    change = step.change
    facts: dict[str, Any] = {
        "broker": change.broker.name,
        "code": change.broker_id,
        "old": masked(change.old_account_id),
        "new": masked(change.new_account_id),
        "asked_by": change.asked_by.email,
        "at": step.at.isoformat(),
    }
    if kind == "account_change_confirmed":
        assert change.effective_at is not None, "confirmed says from when, by constraint"  # noqa: S101
        facts["takes_effect"] = change.effective_at.isoformat()
    if kind == "account_change_cancelled":
        facts["ended_by"] = _who(change)
    if kind in ("account_change_cancelled", "account_change_refused") and change.ended_why:
        facts["why"] = change.ended_why
    return facts


def _who(change: AccountChange) -> str:
    """The member who ended it; the exchange speaks with one voice."""
    login: User | None = change.ended_by
    return "Backpack" if login is None or login.is_staff or login.is_superuser else login.email
