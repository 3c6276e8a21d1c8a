"""Letters that a statement is ready, with the statement, to each member who may see it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from payouts.desk import hold
from payouts.money import plain, two_places
from payouts.month import Month
from payouts.monthend.models import Correction
from payouts.statements.models import Statement
from portal.notices import members, rows
from portal.notices.accounts import masked
from portal.notices.rows import Missing

TOPIC = "statements"
_QUESTION = members.told(
    TOPIC,
    fact="statement.id",
    at="statement.issued_at",
    of="statement",
    broker="statement.broker_id",
    prefix="statement",
)


def without_letter(*, since: datetime, now: datetime) -> list[Missing]:
    """Statements that a member was not told of."""
    return rows.missing(_QUESTION, since=since, now=now)


@transaction.atomic
def write(missing: Missing, *, now: datetime) -> bool:
    """The letter about a statement; whether it was not there before."""
    statement = Statement.objects.select_related("broker", "payout").get(pk=missing.fact)
    return rows.write(
        key=f"statement:{statement.pk}:{missing.login}",
        kind="statement_ready",
        login=missing.login,
        facts=_facts(statement),
        attachment={"kind": "statement", "statement": statement.pk},
        unsubscribe={"login": missing.login, "broker": statement.broker_id, "topic": TOPIC},
        daily=missing.about == "daily",
        now=now,
    )


def grouped(amount: Decimal) -> str:
    """Dollars with all their digits, cents at least: `48,200,000.00`, `−3.50`. Nothing is rounded."""
    digits = plain(amount)
    whole, _dot, places = digits.removeprefix("-").partition(".")
    shown = f"{int(whole):,}.{places.ljust(2, '0')}"
    return f"−{shown}" if digits.startswith("-") else shown


def _facts(statement: Statement) -> dict[str, Any]:
    payout = statement.payout
    with translation.override(settings.LANGUAGE_CODE):
        facts: dict[str, Any] = {
            "broker": statement.broker.name,
            "code": statement.broker_id,
            "month": f"{statement.month:%Y-%m}",
            "number": statement.number,
            "due": grouped(Decimal(two_places(statement.due))),
            "tier": payout.tier,
            "volume": grouped(payout.volume),
            "status": _status(statement),
        }
        corrected = Correction.objects.filter(payout=payout).order_by("month").values_list("month", flat=True)
        if corrected:
            facts["corrects"] = ", ".join(date_format(month, "F Y") for month in corrected)
    return facts


def _status(statement: Statement) -> str:
    """What happens with the money next, as it looks when the letter is written."""
    held = hold.held_months(statement.broker_id).get(Month.of_date(statement.month), "")
    account = masked(statement.payout.account_id)
    if held == "terminated":
        return _("it is held because the participation was terminated")
    if held:
        return _("it is held while the broker is suspended")
    match statement.payout.state:
        case "credited":
            return _("it is credited to the exchange account %(account)s") % {"account": account}
        case "nil":
            return _("nothing is due, so nothing is credited")
        case "carried":
            return _("nothing is credited: the balance is carried to the next statement")
        case "forfeited":
            return _("it was forfeited and is not credited")
        case _:
            return _("it is being credited to the exchange account %(account)s") % {"account": account}
