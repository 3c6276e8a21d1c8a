"""Builders: the shortest way to a broker, a login or a month of fills, through the project's own doors."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from payouts.feed import intake
from payouts.feed.files import Source
from payouts.feed.intake import Tally
from payouts.feed.lines import split
from payouts.feed.outcomes import Received
from payouts.program import actions, queries
from payouts.program.broker_file import BrokerRow
from payouts.program.models import Broker

#: After every month that tests use, unless they say otherwise.
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_numbers = count(1)


def broker(
    *,
    code: int = 1400,
    name: str = "",
    account_id: str = "",
    enrolled_at: datetime = datetime(2020, 1, 1, tzinfo=UTC),
) -> Broker:
    row = BrokerRow(code, name or f"Broker {code}", account_id or f"ACC{code:05d}", enrolled_at, 2)
    actions.import_brokers(rows=[row], now=NOW)
    found = queries.broker_with(code)
    assert found is not None
    return found


#: Of every authenticator app that tests enrol.
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def login(
    *,
    email: str = "olga@example.com",
    password: str = "correct horse battery",
    mfa: bool = True,
    **fields: Any,
) -> Any:
    """A login with a confirmed address; staff with an authenticator app unless `mfa` is False."""
    from portal.accounts.actions import confirm_address
    from portal.accounts.models import User

    made = User.objects.create_user(email=email, password=password, **fields)
    confirm_address(login=made)
    if mfa and (made.is_staff or made.is_superuser):
        totp(made)
    return made


def membership(login: Any, broker: Broker, *, role: str = "owner", mfa: bool = True) -> Any:
    """A seat; owners and finance members get an authenticator app with it unless `mfa` is False."""
    from portal.accounts.factors import has_factor
    from portal.team.models import Membership

    if mfa and role in ("owner", "finance") and not has_factor(login):
        totp(login)
    return Membership.objects.create(login=login, broker=broker, role=role, joined_at=NOW)


def totp(login: Any) -> None:
    """An authenticator app, and recovery codes, for a login."""
    from portal.accounts.factors import enrol_totp

    enrol_totp(login=login, secret=TOTP_SECRET)


def totp_code(login: Any, at: datetime | None = None) -> str:
    """What the authenticator app of a login shows, now or at another moment."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.utils import decrypt

    from portal.simulator.people import code_at

    app = Authenticator.objects.get(user=login, type=Authenticator.Type.TOTP)
    return code_at(decrypt(app.data["secret"]), at or datetime.now(UTC))


def record(**changes: Any) -> dict[str, Any]:
    """One record by the contract, with a key of its own; the fee follows from the rate unless given."""
    number = next(_numbers)
    made: dict[str, Any] = {
        "symbol": "SOL_USDC",
        "marketType": "SPOT",
        "tradeId": number,
        "orderId": str(10_000 + number),
        "clientId": None,
        "userId": 7,
        "brokerId": 1400,
        "side": "Bid",
        "isMaker": False,
        "price": "100",
        "quantity": "1",
        "feeSymbol": "USDC",
        "feeRate": "0.001",
        "affiliateRate": None,
        "systemOrderType": None,
        "timestamp": "2026-10-15T12:00:00Z",
    }
    made |= changes
    if "fee" not in made:
        volume = Decimal(made["price"]) * Decimal(made["quantity"])
        made["fee"] = format(volume * Decimal(made["feeRate"]), "f")
    return made


class Given(Source):
    """Records that need no file."""

    format = "ndjson"

    def __init__(self, lines: Iterable[bytes]) -> None:
        super().__init__("given")
        self._lines = lines

    def __iter__(self) -> Iterator[Received]:
        from payouts.feed.files import received_lines

        return received_lines(split([b"\n".join(self._lines)]))


def ndjson(records: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in records)


def take_in(lines: Iterable[bytes], *, now: datetime = NOW, **options: Any) -> Tally:
    tally = Tally()
    intake.take_in(Given(lines), clock=lambda: now, tally=tally, **options)
    return tally


def fills(*records: dict[str, Any], now: datetime = NOW, **options: Any) -> Tally:
    """Book records through the feed's own intake."""
    return take_in([json.dumps(each).encode() for each in records], now=now, **options)


def suspended(broker: Broker, at: datetime, *, recorded_at: datetime | None = None) -> Any:
    """A suspension with its case, written as a row: for tests that need the fact and not the act."""
    from payouts.models import Case, StandingChange

    recorded_at = recorded_at or at
    case = Case.objects.create(broker=broker, kind="suspension", title="A suspension", opened_at=recorded_at)
    return StandingChange.objects.create(
        broker=broker,
        kind="suspended",
        effective_at=at,
        recorded_at=recorded_at,
        reason="conduct",
        note="for staff",
        message="Orders were sent that nobody had asked for.",
        case=case,
    )


def lifted(suspension: Any, at: datetime) -> Any:
    """The end of a suspension, written as a row."""
    from payouts.models import StandingChange

    return StandingChange.objects.create(
        broker=suspension.broker,
        kind="lifted",
        effective_at=at,
        recorded_at=at,
        case=suspension.case,
        ends=suspension,
    )


def terminated(broker: Broker, at: datetime, *, recorded_at: datetime | None = None) -> Any:
    """A termination by two people, with its case, written as a row."""
    from payouts.models import Case, StandingChange
    from portal.accounts.models import User

    recorded_at = recorded_at or at
    first, second = (
        User.objects.get_or_create(email=f"{name}@exchange.example")[0] for name in ("pia", "quentin")
    )
    case = Case.objects.create(broker=broker, kind="termination", title="The end", opened_at=recorded_at)
    return StandingChange.objects.create(
        broker=broker,
        kind="terminated",
        effective_at=at,
        recorded_at=recorded_at,
        prepared_by=first,
        recorded_by=second,
        reason="agreement",
        note="for staff",
        message="The User Agreement was violated.",
        case=case,
    )


def payout(broker: Broker, month: str = "2026-10", amount: str = "1.00") -> Any:
    """A month's payout of a broker as a calculation leaves it, with one line unless it is nothing."""
    from payouts.models import Line, Payout, Run
    from payouts.month import Month

    of = Month.parse(month)
    run, _ = Run.objects.get_or_create(
        month=of.first_date, defaults={"calculated_at": of.ends_at, "terms": "2025-09"}
    )
    of_line = {"fills": int(Decimal(amount) > 0), "fees": Decimal(amount) * 5, "amount": amount}
    made = Payout.objects.create(
        run=run,
        broker=broker,
        account_id=broker.account_id,
        terms="2025-09",
        tier="BKR 0",
        rebate="0.2",
        spot_volume=0,
        futures_volume=1000 * of_line["fills"],
        volume=1000 * of_line["fills"],
        payout=amount,
        **of_line,
    )
    if of_line["fills"]:
        rates = {"fee_rate": "0.0005", "affiliate_rate": 0, "applied_rate": "0.2", "bound_by": "tier"}
        Line.objects.create(payout=made, trader=7, market="futures", volume=1000, **rates, **of_line)
    return made


def bare_statement(payout: Any, at: datetime = NOW) -> Any:
    """The statement that an approved payout cannot be without: a number and a few bytes, nothing to read."""
    from payouts.models import Statement
    from payouts.statements import actions

    before = Statement.objects.filter(broker=payout.broker_id).order_by("-number").first()
    statement = Statement.objects.create(
        broker_id=payout.broker_id,
        number=1 if before is None else before.number + 1,
        previous_number=None if before is None else before.number,
        payout=payout,
        month=payout.run.month,
        issued_at=at,
        digest=f"{payout.pk:064x}",
        key=actions.signing_key(now=at),
        signature="none",
        due=payout.due,
        lines=0,
    )
    actions.keep(statement=statement, kind="json", stretches=[b"{}"], now=at)
    return statement


def approved(payout: Any, at: datetime = NOW, *, by: Any = ()) -> Any:
    """A payout prepared by one and approved by another, written as the application's role may: no ledger.

    Its bounds are acknowledged with it, and its statement is a bare one.
    """
    from payouts.models import BoundAcknowledgement, Payout
    from portal.accounts.models import User

    first, second = by or (
        User.objects.get_or_create(email=f"{name}@exchange.example")[0] for name in ("pia", "quentin")
    )
    with transaction.atomic():
        # A calculation under way holds the row: what is approved is what it leaves.
        Payout.objects.select_for_update().get(pk=payout.pk)
        payout.refresh_from_db()
        for bound in payout.bounds.all():
            BoundAcknowledgement.objects.get_or_create(
                payout=payout,
                name=bound.name,
                value=bound.value,
                defaults={"note": "as usual", "by": first, "at": at},
            )
        due = payout.payout + payout.corrections
        rows = Payout.objects.filter(pk=payout.pk)
        rows.update(
            state="prepared",
            prepared_by=first,
            prepared_at=at,
            adjustments=0,
            carried=0,
            due=due,
            digest="0" * 64,
            input_digest="0" * 64,
        )
        state = "approved" if due > 0 else ("nil" if due == 0 else "carried")
        rows.update(state=state, approved_by=second, approved_at=at)
        bare_statement(Payout.objects.get(pk=payout.pk), at)
    payout.refresh_from_db()
    return payout
