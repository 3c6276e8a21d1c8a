"""What every step of a change of account asks first, in the transaction that then does it."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from payouts.desk.models import AccountChange
from payouts.exchange.eligibility import must_be_eligible
from payouts.exchange.port import Account
from payouts.program.models import Broker
from payouts.program.queries import standing_of
from payouts.refusal import Refusal

#: The first numbers of advisory locks. The second is the broker's code, where the database itself waits
#: before it changes a standing; and a hash of the account's id.
_STANDING_LOCK, _ACCOUNT_LOCK = 7_230_031, 7_230_032

OPEN = (AccountChange.State.ASKED, AccountChange.State.PREPARED, AccountChange.State.CONFIRMED)


class NoSuchChange(Refusal):
    """There is no change of account with this reference."""


class WentOn(Refusal):
    """The change is no longer at the step that this act belongs to."""


class BrokerIsSuspended(Refusal):
    """Nothing about a broker's account changes while it is suspended."""


class BrokerIsTerminated(Refusal):
    """Nothing about a broker's account changes after its termination."""


class SamePerson(Refusal):
    """Three people change an account: who asks, who checks, who confirms."""


class AnotherAccount(Refusal):
    """The exchange's answer is about another account than the one that was asked for."""


class BelongsToAnother(Refusal):
    """The account is another broker's; only staff are told so."""


def locked(reference: UUID) -> AccountChange:
    """The change, its row held until the transaction ends. Refuses `NoSuchChange`."""
    found = AccountChange.objects.select_for_update(of=("self",)).filter(reference=reference).first()
    if found is None:
        raise NoSuchChange("There is no such change of account: open the page again.")
    return found


def must_be(change: AccountChange, *states: AccountChange.State) -> None:
    """Refuses `WentOn`."""
    if change.state not in states:
        raise WentOn(f"This change is {change.get_state_display()} by now: open its page again.")


def must_stand(broker_code: int, *, now: datetime) -> None:
    """The broker is neither suspended nor terminated, and stays so until the transaction ends.

    Refuses `BrokerIsSuspended`, `BrokerIsTerminated`.
    """
    state = settled_standing(broker_code, now=now)
    if state == "suspended":
        raise BrokerIsSuspended(
            "The broker is suspended: its account can be changed once the suspension is lifted."
        )
    if state == "terminated":
        raise BrokerIsTerminated("The broker was terminated: its account is not changed any more.")


def settled_standing(broker_code: int, *, now: datetime) -> str:
    """The state now. Who records another one waits until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_STANDING_LOCK, broker_code])
    return standing_of(broker_code, now=now).state


def one_at_a_time_to(account_id: str) -> None:
    """Changes to the same account wait for each other: one that was applied is seen by the next that asks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_ACCOUNT_LOCK, account_id])


def must_be_another_person(by: int, *others: int | None) -> None:
    """Refuses `SamePerson`."""
    if by in others:
        raise SamePerson(
            "You have asked for or checked this change yourself: another member of staff has to do this."
        )


def must_be_usable(change: AccountChange, account: Account | None) -> None:
    """The exchange still says that it may be a broker's, and no other broker has it.

    "Open up a business account at Backpack Exchange." Refuses `NoSuchAccount`, `NotABusinessAccount`,
    `IsAnAffiliate`, `AnotherAccount`, `BelongsToAnother`.
    """
    must_be_eligible(account)
    must_be_about(account, change.new_account_id)
    if belongs_to_another(change.new_account_id, broker_code=change.broker_id):
        raise BelongsToAnother("The account belongs to another broker: refuse the change.")


def must_be_about(account: Account | None, account_id: str) -> None:
    """Refuses `AnotherAccount`."""
    if account is not None and account.account_id != account_id:
        raise AnotherAccount("The exchange answered about another account: ask it about this one again.")


def belongs_to_another(account_id: str, *, broker_code: int) -> bool:
    """Whether it is the account of another broker, a terminated one included."""
    return Broker.objects.filter(account_id=account_id).exclude(code=broker_code).exists()
