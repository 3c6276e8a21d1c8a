"""A month's payouts on the staff site, from calculated to approved, by pages and buttons of two people."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from payouts.models import BoundAcknowledgement, Payout, Run, Transaction, WorkItem
from tests import make
from tests.portal.staff import make_money as the
from tests.portal.staff import make_review as make_
from tests.portal.staff import make_standing as pages
from tests.portal.staff.browsing import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_by_hand")]


@pytest.fixture
def pia() -> Any:
    return make_.staff("finance preparer", email="pia@exchange.example")


@pytest.fixture
def quentin() -> Any:
    return make_.staff("finance approver", email="quentin@exchange.example")


@pytest.fixture
def preparer(pia: Any) -> Client:
    return at(pia, proven=True)


@pytest.fixture
def approver(quentin: Any) -> Client:
    return at(quentin, proven=True)


@pytest.fixture
def payouts() -> list[Payout]:
    return [the.payout(make.broker(code=code), amount="100.10") for code in (1400, 1500)]


def ids(payouts: list[Payout]) -> dict[str, str]:
    return {"payouts": ",".join(str(each.pk) for each in payouts)}


def states() -> list[str]:
    return list(Payout.objects.order_by("broker").values_list("state", flat=True))


def test_two_people_take_a_whole_month_from_calculated_to_approved(
    preparer: Client, approver: Client, payouts: list[Payout]
) -> None:
    page = preparer.get(the.at_run(payouts[0], "prepare") + "?payouts=all")
    assert "Prepare 2 payouts" in page.content.decode()
    assert "$200.20" in page.content.decode()

    prepared = preparer.post(the.at_run(payouts[0], "prepare"), ids(payouts))
    assert (prepared.status_code, states()) == (302, ["prepared", "prepared"])

    page = approver.get(the.at_run(payouts[0], "approve") + "?payouts=all")
    assert "Approve 2 payouts" in page.content.decode()
    sent = ids(payouts) | {"shown": the.shown_by(page)}
    approved = approver.post(the.at_run(payouts[0], "approve"), sent)
    assert (approved.status_code, states()) == (302, ["approved", "approved"])
    assert list(Transaction.objects.values_list("kind", flat=True)) == ["accrual", "accrual"]


def test_a_double_click_approves_once_and_says_so(approver: Client, pia: Any, payouts: list[Payout]) -> None:
    the.prepared(*payouts, by=pia)
    address = the.at_run(payouts[0], "approve")
    page = approver.get(f"{address}?payouts=all")
    sent = ids(payouts) | {"shown": the.shown_by(page)}

    assert approver.post(address, sent).status_code == 302
    second = approver.post(address, sent)

    assert second.status_code == 409
    assert "is approved already: nothing was changed" in the.refused(second)
    assert Transaction.objects.count() == 2


def test_what_changed_since_it_was_shown_is_not_approved(
    approver: Client, pia: Any, payouts: list[Payout]
) -> None:
    the.prepared(*payouts, by=pia)
    address = the.at_run(payouts[0], "approve")
    shown = the.shown_by(approver.get(f"{address}?payouts=all"))
    the.held(payouts[0])

    answer = approver.post(address, ids(payouts) | {"shown": shown})

    assert answer.status_code == 409
    assert "has changed since it was prepared" in the.refused(answer)
    assert states() == ["prepared", "prepared"]


@pytest.mark.parametrize("shown", ["", "0" * 64, "x"])
def test_a_digest_that_no_page_showed_approves_nothing(
    shown: str, approver: Client, pia: Any, payouts: list[Payout]
) -> None:
    the.prepared(*payouts, by=pia)

    answer = approver.post(the.at_run(payouts[0], "approve"), ids(payouts) | {"shown": shown})

    assert (answer.status_code, states()) == (409, ["prepared", "prepared"])


def test_who_prepared_does_not_approve_a_superuser_neither(payouts: list[Payout]) -> None:
    root = make_.staff("superuser")
    the.prepared(*payouts, by=root)
    client = at(root, proven=True)
    address = the.at_run(payouts[0], "approve")
    page = client.get(f"{address}?payout={payouts[0].pk}")

    answer = client.post(address, ids(payouts[:1]) | {"shown": the.shown_by(page)})

    assert answer.status_code == 409
    assert "another person has to approve it" in the.refused(answer)


def test_a_preparation_is_taken_back(preparer: Client, pia: Any, payouts: list[Payout]) -> None:
    the.prepared(*payouts, by=pia)

    answer = preparer.post(the.at_run(payouts[0], "take-back"), ids(payouts[:1]))

    assert (answer.status_code, states()) == (302, ["calculated", "prepared"])


def test_a_login_that_proved_itself_long_ago_proves_itself_again(pia: Any, payouts: list[Payout]) -> None:
    client = Client()
    client.force_login(pia)
    session = client.session
    session["account_authentication_methods"] = []
    session.save()

    answer = client.get(the.at_run(payouts[0], "prepare") + "?payouts=all")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")


def test_choosing_nothing_says_so_and_payouts_of_another_month_are_none(
    preparer: Client, payouts: list[Payout]
) -> None:
    other = the.payout(payouts[0].broker, month="2026-09")
    address = the.at_run(payouts[0], "prepare")

    assert "Nothing is chosen" in preparer.get(address).content.decode()
    forged = preparer.post(address, {"payouts": f"{other.pk}, 999999999999999999, x; DROP"})
    assert forged.status_code == 409
    assert Payout.objects.filter(state="prepared").count() == 0


def test_something_unusual_is_acknowledged_with_a_note_on_the_page_of_the_payout(
    preparer: Client, payouts: list[Payout]
) -> None:
    bound = the.bound(payouts[0])
    sent = {"name": bound.name, "value": bound.value, "note": "A market maker that we know."}

    empty = preparer.post(the.at_payout(payouts[0], "acknowledge"), sent | {"note": " "})
    stale = preparer.post(the.at_payout(payouts[0], "acknowledge"), sent | {"value": "70.00 %"})
    done = preparer.post(the.at_payout(payouts[0], "acknowledge"), sent)

    assert (empty.status_code, stale.status_code, done.status_code) == (422, 409, 302)
    assert "not what was found any more" in the.refused(stale)
    assert BoundAcknowledgement.objects.get().note == "A market maker that we know."


def test_a_payout_with_something_unusual_is_not_prepared_before_it_is_acknowledged(
    preparer: Client, payouts: list[Payout]
) -> None:
    the.bound(payouts[0])

    answer = preparer.post(the.at_run(payouts[0], "prepare"), ids(payouts))

    assert (answer.status_code, states()) == (409, ["calculated", "calculated"])


def test_the_month_says_what_each_payout_waits_for_and_filters_by_it(
    preparer: Client, pia: Any, payouts: list[Payout]
) -> None:
    the.prepared(payouts[0], by=pia)
    the.bound(payouts[1])

    everything = pages.text(preparer.get(the.at_run(payouts[0])).content.decode())
    unusual = preparer.get(the.at_run(payouts[0]) + "?show=unusual").content.decode()

    assert "Needs somebody 2" in everything
    assert "a look at what is unusual" in everything
    assert "Broker 1500" in unusual
    assert f'href="{the.at_payout(payouts[0])}"' not in unusual


def test_a_parked_payout_stands_first_with_its_reason_and_next_step(
    preparer: Client, payouts: list[Payout]
) -> None:
    Payout.objects.filter(pk=payouts[1].pk).update(state="parked")
    WorkItem.objects.create(
        run=payouts[1].run,
        broker=payouts[1].broker,
        state="parked",
        reason="The figures are too large.",
        next_step="Have the fills voided.",
        changed_at=the.THEN,
    )

    page = preparer.get(the.at_run(payouts[0])).content.decode()

    assert page.index("Broker 1500") < page.index("Broker 1400")
    assert "The figures are too large." in page
    assert "Have the fills voided." in page


def test_the_page_of_a_month_asks_the_database_as_often_for_sixty_payouts_as_for_two(
    preparer: Client, payouts: list[Payout]
) -> None:
    address = the.at_run(payouts[0])
    preparer.get(address)
    with CaptureQueriesContext(connection) as few:
        preparer.get(address)
    for code in range(2000, 2058):
        the.bound(the.payout(make.broker(code=code)))
    with CaptureQueriesContext(connection) as many:
        page = preparer.get(address)

    assert page.content.decode().count('name="payout"') == 60
    # Sixteen, and the two that make them one instant.
    assert (len(few), len(many)) == (18, 18)


def test_a_payout_of_ones_own_broker_is_in_the_sum_and_opens_for_others_alone(
    pia: Any, preparer: Client, payouts: list[Payout]
) -> None:
    make.membership(pia, payouts[0].broker, role="viewer")

    page = preparer.get(the.at_run(payouts[0])).content.decode()

    assert "$200.20" in page
    assert the.at_payout(payouts[0]) not in page
    assert preparer.get(the.at_payout(payouts[0])).status_code == 403
    chosen = preparer.get(the.at_run(payouts[0], "prepare") + f"?payout={payouts[0].pk}")
    assert chosen.status_code == 403
    forged = preparer.post(the.at_run(payouts[0], "prepare"), ids(payouts))
    assert (forged.status_code, states()) == (403, ["calculated", "calculated"])


def test_progress_says_how_many_brokers_are_done(preparer: Client, payouts: list[Payout]) -> None:
    for each, state in zip(payouts, ("done", "due"), strict=True):
        WorkItem.objects.create(run=each.run, broker=each.broker, state=state, changed_at=the.THEN)

    assert preparer.get(the.at_run(payouts[0], "progress")).json() == {"done": 1, "all": 2, "works": True}
    assert 'data-progress="/staff/payouts/run/' in preparer.get(the.at_run(payouts[0])).content.decode()


def test_calculating_again_and_a_dry_run_work_from_the_page(preparer: Client) -> None:
    make.broker(code=1400)
    the.month_of_fills(1400)
    run = Run.objects.create(month="2026-10-01", calculated_at=the.THEN, terms="2025-09")

    dry = preparer.get(f"/staff/payouts/run/{run.pk}/dry-run/")
    assert (dry.status_code, Payout.objects.count()) == (200, 0)
    done = preparer.post(f"/staff/payouts/run/{run.pk}/recalculate/")

    assert done.status_code == 302
    payout = Payout.objects.get()
    assert preparer.post(the.at_payout(payout, "recalculate")).status_code == 302
    line = preparer.get(the.at_payout(payout)).content.decode()
    fills = line.split("fills/?")[1].split('"')[0].replace("&amp;", "&")
    opened = preparer.get(f"{the.at_payout(payout, 'fills')}?{fills}")
    assert "SOL_USDC" in opened.content.decode()


@pytest.mark.parametrize("number", ["0", "999999", "9" * 30, "x", "%00"])
def test_what_is_not_there_is_not_found(number: str, preparer: Client) -> None:
    for window in ("run", "payout", "proposal", "attempt", "difference", "transaction"):
        assert preparer.get(f"/staff/payouts/{window}/{number}/change/").status_code == 404


def test_the_first_page_says_what_waits_for_whom(
    preparer: Client, approver: Client, pia: Any, payouts: list[Payout]
) -> None:
    the.prepared(payouts[0], by=pia)

    def waits(client: Client) -> dict[str, str]:
        found = pages.facts(client.get("/staff/"))
        return {label: number for label, number in found.items() if label.startswith("To ")}

    assert waits(preparer) == {"To prepare": "1"}
    assert waits(approver) == {"To approve": "1", "To prepare": "1"}
