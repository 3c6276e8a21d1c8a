"""What stands in the way of preparing and approving payouts, and the locks under which it is decided."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from payouts.desk.payout_facts import PayoutFacts
from payouts.desk.standing import one_at_a_time
from payouts.ledger import actions as ledger
from payouts.ledger.queries import books_breached
from payouts.monthend.models import Payout, WorkItem
from payouts.refusal import Refusal


class NoSuchPayout(Refusal):
    """A payout that was chosen does not exist, or none was chosen."""


class AlreadyApproved(Refusal):
    """The payout is approved, and nothing edits it any more."""


class Parked(Refusal):
    """The broker's month could not be calculated; the work item says why and what to do."""


class StillCalculating(Refusal):
    """The payout's figures are about to be replaced."""


class NotAcknowledged(Refusal):
    """Nobody has said why a payout that breaks a bound is in order."""


class EarlierMonthOpen(Refusal):
    """Payouts of a broker are approved in the order of their months."""


class BooksAreBreached(Refusal):
    """The latest check of the books found a breach: "breached books refuse any approval"."""


def locked(payout_ids: Collection[int]) -> list[Payout]:
    """The payouts with their runs and brokers, by number, with every lock that deciding about them takes.

    Their brokers' standing locks, so that no hold comes in between; their rows; their brokers' ledger locks,
    so that no balance moves: in this order, in which every act takes them (see `desk.hold`). Refuses
    `NoSuchPayout`.
    """
    wanted = sorted(set(payout_ids))
    codes = sorted(set(Payout.objects.filter(pk__in=wanted).values_list("broker_id", flat=True)))
    for code in codes:
        one_at_a_time(code)
    # By rows alone: of brokers and runs nothing is written here, and others may read them meanwhile.
    rows = Payout.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=wanted)
    found = list(rows.select_related("run", "broker").order_by("pk"))
    if not wanted or len(found) < len(wanted):
        raise NoSuchPayout("Choose payouts from the list: one of these does not exist, or none was chosen.")
    ledger.each_at_a_time(codes)
    return found


def must_be_sound() -> None:
    """Refuse `BooksAreBreached`."""
    if books_breached():
        raise BooksAreBreached(
            "The books are breached: open Staff › Books, mend what it lists, check again and approve then."
        )


def must_be_calculated(payouts: Iterable[Payout]) -> None:
    """Refuse `AlreadyApproved`, `Parked`, `StillCalculating`."""
    payouts = list(payouts)
    items = {
        (each.run_id, each.broker_id): each
        for each in WorkItem.objects.filter(run__in={each.run_id for each in payouts})
    }
    for each in payouts:
        item = items.get((each.run_id, each.broker_id))
        if each.approved_at is not None:
            raise AlreadyApproved(f"{named(each)} is approved already: leave it out.")
        if each.state == Payout.State.PARKED or (item and item.state == WorkItem.State.PARKED):
            why = f" {item.reason} {item.next_step}" if item else ""
            raise Parked(f"{named(each)} is parked: leave it out, or repair it first.{why}")
        if item and item.state != WorkItem.State.DONE:
            raise StillCalculating(f"{named(each)} is being calculated: wait a moment and look at it again.")


def must_be_in_order(payouts: Iterable[Payout], facts: Mapping[int, PayoutFacts]) -> None:
    """Refuse `EarlierMonthOpen`, `NotAcknowledged`."""
    payouts = list(payouts)
    _earlier_months_must_be_approved(payouts)
    for each in payouts:
        waiting = [bound for bound in facts[each.pk].bounds if not bound.is_acknowledged]
        if waiting:
            told = "; ".join(f"{bound.name}: {bound.value}" for bound in waiting)
            raise NotAcknowledged(f"{named(each)} needs a look, then acknowledge it with a note: {told}.")


def named(payout: Payout) -> str:
    """A payout in a sentence."""
    return f"The payout of {payout.broker.name} (code {payout.broker_id}) for {payout.run.month:%Y-%m}"


def _earlier_months_must_be_approved(payouts: list[Payout]) -> None:
    still_open = Payout.objects.filter(
        broker__in={each.broker_id for each in payouts}, approved_at__isnull=True
    ).values_list("broker_id", "run__month")
    earliest: dict[int, date] = {}
    for code, month in still_open.order_by("-run__month"):
        earliest[code] = month
    for each in payouts:
        if (month := earliest.get(each.broker_id, each.run.month)) != each.run.month:
            raise EarlierMonthOpen(
                f"{named(each)} comes after that for {month:%Y-%m}: approve that one first."
            )
