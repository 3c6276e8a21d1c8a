"""The seed: a whole program through the project's own actions, added to and never doubled."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from payouts.feed.models import Batch, Fill, QuarantinedRecord
from payouts.models import (
    AccountChange,
    Appeal,
    Attempt,
    BooksCheck,
    Case,
    Correction,
    PayoutHold,
    Proposal,
    Transaction,
    WorkItem,
)
from payouts.monthend.models import Payout, Run
from payouts.program.actions import CodeTaken
from payouts.program.models import Broker
from payouts.program.queries import standing_of
from payouts.settlement import queries
from portal.accounts.models import User
from portal.application.models import Application
from portal.simulator import money, people, seed
from portal.simulator.accounts import Accounts
from portal.simulator.businesses import BUSINESSES
from portal.simulator.credits import Credits
from portal.simulator.feed import Feed, booked_until
from portal.simulator.market import Market
from portal.team.models import Membership, Role
from tests import make

NOW = datetime(2026, 11, 22, 16, 40, 30, tzinfo=UTC)
SMALL = 0.01


def seeded(*, now: datetime = NOW) -> seed.Seeded:
    return seed.seed(now=now, size=SMALL)


def counts() -> dict[str, int]:
    return {
        model.__name__: model.objects.count() for model in (Broker, User, Membership, Fill, Run, Payout, Case)
    }


@pytest.mark.django_db
def test_an_empty_program_becomes_a_believable_one() -> None:
    done = seeded()

    assert done.brokers == len(BUSINESSES)
    assert done.logins == len(people.PEOPLE)
    assert [str(month) for month in done.months] == [f"2026-{number:02d}" for number in range(4, 11)]
    assert set(Payout.objects.values_list("tier", flat=True)) == {f"BKR {number}" for number in range(6)}
    assert Fill.objects.filter(executed_at__gte=datetime(2026, 11, 1, tzinfo=UTC)).exists()
    assert NOW - booked_until(NOW) < timedelta(minutes=1)
    assert QuarantinedRecord.objects.exists()
    assert sum(Batch.objects.values_list("accepted", flat=True)) == Fill.objects.count()


@pytest.mark.django_db
def test_staff_find_something_to_decide() -> None:
    seeded()

    assert list(Case.objects.order_by("broker_id").values_list("broker_id", "kind", "state")) == [
        (2600, "suspension", "open"),
        (2800, "termination", "open"),
        (2900, "fraud", "open"),
    ]
    assert standing_of(2600, now=NOW).state == "suspended"
    assert standing_of(2800, now=NOW).state == "active"
    assert list(Appeal.objects.values_list("broker_id", "state")) == [(2600, "open")]
    assert list(AccountChange.objects.values_list("broker_id", "state")) == [(2200, "asked")]
    held = PayoutHold.objects.values_list("payout__broker_id", "payout__run__month")
    assert {code for code, _ in held} == {2600}
    assert len(held) == 7


@pytest.mark.django_db
def test_with_an_exchange_all_but_the_last_month_is_credited_and_something_of_everything_waits(
    tmp_path: Path,
) -> None:
    file = tmp_path / "exchange" / "credits.ndjson"

    seed.seed(now=NOW, size=0.002, months=3, credits_file=file)

    august, september, october = (date(2026, number, 1) for number in (8, 9, 10))
    states = Counter(Payout.objects.values_list("run__month", "state"))
    assert {state for month, state in states if month == august} == {"credited", "nil"}
    assert {state for month, state in states if month == september} == {"credited", "nil", "sending"}
    assert states[september, "sending"] == 1
    assert (states[october, "calculated"], states[october, "parked"]) == (12, 1)
    _took_place_in_the_first_days_of_the_next_month(Payout.objects.get(run__month=august, broker=2200))
    _the_exchange_lists_each_once(file)
    _waits_for_people(september, october)
    assert BooksCheck.objects.get().breaches == []

    before = (Transaction.objects.count(), Attempt.objects.count(), file.read_bytes())
    seed.seed(now=NOW + timedelta(hours=1), size=0.002, months=3, credits_file=file)
    assert (Transaction.objects.count(), Attempt.objects.count(), file.read_bytes()) == before


def _took_place_in_the_first_days_of_the_next_month(payout: Payout) -> None:
    assert payout.run.calculated_at == datetime(2026, 9, 1, 0, 30, tzinfo=UTC)
    assert payout.prepared_at == datetime(2026, 9, 2, 8, 40, tzinfo=UTC)
    assert payout.approved_at == datetime(2026, 9, 2, 13, 15, tzinfo=UTC)
    assert (payout.prepared_by.email, payout.approved_by.email) == (money.PREPARER, money.APPROVER)
    assert payout.attempts.get().decided_at - payout.approved_at < timedelta(minutes=1)


def _the_exchange_lists_each_once(file: Path) -> None:
    listed = Credits(clock=lambda: NOW, accounts=Accounts(clock=lambda: NOW), file=file).listed()
    ours = Attempt.objects.filter(state="confirmed").order_by("credit_id")
    assert [(each.credit_id, each.key, each.amount) for each in listed] == [
        (each.credit_id, str(each.key), each.amount) for each in ours
    ]


def _waits_for_people(september: date, october: date) -> None:
    [unknown] = queries.waiting_for_a_person(now=NOW)
    assert (unknown.kind, unknown.broker_code, unknown.month) == ("unknown", 1500, september)
    assert NOW - unknown.since < timedelta(hours=31)
    assert list(WorkItem.objects.exclude(state="done").values_list("broker", "run__month", "reason")) == [
        (2400, october, "The calculation was begun 5 times and never ended.")
    ]
    carried = Correction.objects.get()
    assert (carried.payout.broker_id, carried.payout.run.month, carried.month) == (2300, october, september)
    assert carried.cents < 0
    assert list(PayoutHold.objects.values_list("payout__broker", "payout__run__month")) == [(2600, october)]
    assert list(Proposal.objects.order_by("pk").values_list("kind", "broker", "state")) == [
        ("void", 2300, "confirmed"),
        ("adjust", 1400, "prepared"),
    ]


@pytest.mark.django_db
def test_seeding_again_adds_nothing() -> None:
    seeded()
    before = counts()

    again = seeded()

    assert counts() == before
    assert again == seed.Seeded(brokers=0, logins=0, fills=0, months=[])


@pytest.mark.django_db
def test_seeding_later_only_adds_what_happened_since() -> None:
    seeded()
    earlier = set(Fill.objects.values_list("symbol", "trade_id", "order_id"))

    later = seeded(now=NOW + timedelta(days=12))

    assert earlier < set(Fill.objects.values_list("symbol", "trade_id", "order_id"))
    assert [str(month) for month in later.months] == ["2026-11"]
    assert later.fills == Fill.objects.count() - len(earlier)


@pytest.mark.long
@pytest.mark.django_db
def test_a_seeding_that_was_interrupted_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Feed._history

    def stopped(feed: Feed, after: datetime, until: datetime) -> Any:
        if until.month == 7:
            raise KeyboardInterrupt
        return whole(feed, after, until)

    with monkeypatch.context() as patch:
        patch.setattr(Feed, "_history", stopped)
        with pytest.raises(KeyboardInterrupt):
            seeded()
    assert NOW - booked_until(NOW) > timedelta(days=90)

    seeded()

    assert NOW - booked_until(NOW) < timedelta(minutes=1)
    days = Fill.objects.dates("executed_at", "day").count()
    assert days == (NOW.date() - datetime(2026, 4, 1).date()).days + 1


@pytest.mark.django_db
def test_the_same_now_makes_the_same_fills() -> None:
    market = Market(start=datetime(2026, 4, 1, tzinfo=UTC), size=SMALL)
    seconds = range(int(NOW.timestamp()) - 60, int(NOW.timestamp()))

    first, again = ([Feed(market).second(second) for second in seconds] for _ in range(2))

    assert first == again


@pytest.mark.django_db
def test_the_logins_open_and_sit_where_they_should() -> None:
    seeded()

    owner, two, none = (
        User.objects.get(email=email)
        for email in ("owner@helmsman.example", "group@basalt.example", "nobody@example.com")
    )

    assert owner.check_password(people.PASSWORD)
    assert set(Membership.objects.filter(broker=1400).values_list("role", flat=True)) == set(Role.values)
    assert two.memberships.count() == 2
    assert none.memberships.count() == 0
    assert User.objects.get(email="admin@exchange.example").is_superuser
    assert not User.objects.get(email="reviewer@exchange.example").is_superuser


@pytest.mark.django_db
def test_a_program_of_somebody_else_is_left_alone() -> None:
    make.broker(code=1400, name="A real broker")

    with pytest.raises(CodeTaken):
        seeded()

    assert Broker.objects.count() == 1
    assert not Fill.objects.exists()


@pytest.mark.django_db
def test_the_queue_of_applications_has_something_to_show_and_is_not_doubled() -> None:
    seeded()
    seeded(now=NOW + timedelta(days=1))

    assert list(Application.objects.order_by("legal_name").values_list("legal_name", "state")) == [
        ("Brightshore Referrals Ltd", "rejected"),
        ("Fathomline Lda", "submitted"),
        ("Halyard Quant GmbH", "information_requested"),
        ("Kitestone KK", "submitted"),
        ("Quillon SAS", "draft"),
    ]
    assert [str(group) for group in User.objects.get(email="reviewer@exchange.example").groups.all()] == [
        "reviewer"
    ]


@pytest.mark.long
@pytest.mark.django_db
def test_money_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credits.ndjson"
    for name in ("approve.approve", "sending.send_due", "void.confirm", "asking.ask_due"):
        with monkeypatch.context() as patch:
            patch.setattr(f"portal.simulator.money.{name}", _stops)
            with pytest.raises(KeyboardInterrupt):
                seed.seed(now=NOW, size=0.002, months=3, credits_file=file)

    seed.seed(now=NOW, size=0.002, months=3, credits_file=file)

    assert set(Payout.objects.filter(run__month__lt=date(2026, 10, 1)).values_list("state", flat=True)) == {
        "credited",
        "nil",
        "sending",
    }
    assert list(Attempt.objects.exclude(state="confirmed").values_list("payout__broker", "state")) == [
        (1500, "unknown")
    ]
    assert Correction.objects.get().cents < 0
    _the_exchange_lists_each_once(file)


def _stops(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
