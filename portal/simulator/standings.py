"""What the demo's staff have to decide: a suspension with its appeal, a suspicion, a change of account."""

from datetime import datetime, timedelta

from payouts.desk import account_change, appeals, cases, suspend, terminate
from payouts.desk import queries as desk
from payouts.exchange.port import Account
from portal.accounts.models import User

SUSPENDED, SUSPECTED, TO_BE_TERMINATED, MOVES_ACCOUNT = 2600, 2900, 2800, 2200


def seed(*, now: datetime) -> int:
    """Let it happen if nothing has happened yet, through the engine's own acts; how many cases there are."""
    if any(desk.has_cases(code) for code in (SUSPENDED, SUSPECTED, TO_BE_TERMINATED)):
        return 0
    _suspended(now - timedelta(days=6))
    _suspected(now - timedelta(days=2))
    _to_be_terminated(now - timedelta(hours=5))
    _moves_account(now - timedelta(hours=9))
    return 3


def _suspended(at: datetime) -> None:
    change = suspend.suspend(
        broker_code=SUSPENDED,
        reason="conduct",
        note="Three traders report orders that they did not place. Logs asked for by telephone.",
        message=(
            "Traders report orders that they did not place. Send us the log of order submissions of the last"
            " fourteen days; as soon as it is clear that each order was asked for, the suspension is lifted."
        ),
        starts_at=None,
        case_id=None,
        by=_login("operations@exchange.example"),
        now=at,
    )
    appeals.open_appeal(
        broker_code=SUSPENDED,
        change_id=change.pk,
        text=(
            "The orders come from a copied strategy that the three traders had switched on themselves. We"
            " can show the click with time and address for each, and ask you to lift the suspension."
        ),
        files=(),
        by=_login("owner@perchwell.example"),
        now=at + timedelta(hours=7),
    )


def _suspected(at: datetime) -> None:
    case = cases.open_case(
        broker_code=SUSPECTED,
        kind="fraud",
        title="Both sides of trades between two of its traders",
        text="A quarter of the volume of the last week is between the same two traders, at night.",
        by=_login("reviewer@exchange.example"),
        now=at,
    )
    cases.take(case_id=case.pk, by=_login("operations@exchange.example"), now=at + timedelta(hours=3))


def _to_be_terminated(at: datetime) -> None:
    terminate.prepare(
        broker_code=TO_BE_TERMINATED,
        reason="agreement",
        note="Sells access to its code to others, see the screenshots in the mail of Tuesday.",
        message="Your broker code was passed on to other businesses, against the User Agreement.",
        effective_at=None,
        case_id=None,
        by=_login("operations@exchange.example"),
        now=at,
    )


def _moves_account(at: datetime) -> None:
    account_change.ask(
        broker_code=MOVES_ACCOUNT,
        new_account_id="BP-900722",
        account=Account("BP-900722", is_business=True, is_affiliate=False),
        by=_login("owner@tidewater.example"),
        address="203.0.113.41",
        now=at,
    )


def _login(email: str) -> int:
    return User.objects.values_list("pk", flat=True).get(email=email)
