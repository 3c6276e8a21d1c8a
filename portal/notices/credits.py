"""Letters that a payout was credited, to each member who may see its statement."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from payouts.money import two_places
from payouts.settlement.models import Attempt
from portal.notices import members, rows
from portal.notices.accounts import masked
from portal.notices.rows import Missing
from portal.notices.statements import grouped

TOPIC = "credits"
#: A payout has one attempt at most that was confirmed: what was credited is never credited again.
_QUESTION = members.told(
    TOPIC,
    fact="payout.id",
    at="attempt.decided_at",
    of="credit_attempt AS attempt"
    " JOIN payout ON payout.id = attempt.payout_id AND attempt.state = 'confirmed'",
    broker="payout.broker_id",
    prefix="credit",
)


def without_letter(*, since: datetime, now: datetime) -> list[Missing]:
    """Credited payouts that a member was not told of."""
    return rows.missing(_QUESTION, since=since, now=now)


@transaction.atomic
def write(missing: Missing, *, now: datetime) -> bool:
    """The letter about a credit; whether it was not there before."""
    attempt = Attempt.objects.select_related("payout__broker", "payout__run").get(
        payout=missing.fact, state=Attempt.State.CONFIRMED
    )
    assert attempt.decided_at is not None, "a confirmed attempt says when, by constraint"  # noqa: S101
    payout = attempt.payout
    return rows.write(
        key=f"credit:{payout.pk}:{missing.login}",
        kind="credit_sent",
        login=missing.login,
        facts={
            "broker": payout.broker.name,
            "code": payout.broker_id,
            "month": f"{payout.run.month:%Y-%m}",
            "amount": grouped(Decimal(two_places(attempt.amount))),
            "account": masked(attempt.account_id),
            "credit_id": attempt.credit_id,
            "at": attempt.decided_at.isoformat(),
        },
        unsubscribe={"login": missing.login, "broker": payout.broker_id, "topic": TOPIC},
        daily=missing.about == "daily",
        now=now,
    )
