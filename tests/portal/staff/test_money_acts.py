"""Acts about money on the staff site: one person prepares by a form, another confirms what the page shows."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from payouts.ledger import queries as ledger
from payouts.models import (
    Adjustment,
    Attempt,
    Broker,
    Difference,
    ExchangeCredit,
    FillVoid,
    Payout,
    PayoutRelease,
    Proposal,
)
from payouts.settlement import allowed, sending
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
def broker() -> Broker:
    return make.broker(code=1400, name="=Delta", account_id="ACC01400")


@pytest.fixture
def payout(broker: Broker, pia: Any, quentin: Any) -> Payout:
    """Approved, of $123.45."""
    return the.approved(the.payout(broker), first=pia, second=quentin)[0]


def prepare(client: Client, address: str, **sent: Any) -> Any:
    return client.post(address, {"note": the.NOTE} | sent)


def confirm(client: Client, proposal: Proposal) -> Any:
    """As a person does: the page, and the button on it."""
    shown = the.shown_by(client.get(the.at_proposal(proposal, "confirm")))
    return client.post(the.at_proposal(proposal, "confirm"), {"shown": shown})


def test_a_held_payout_is_released_by_two_people(preparer: Client, approver: Client, payout: Payout) -> None:
    hold = the.held(payout)
    address = the.at_payout(payout, f"release/{hold.pk}")
    assert "Released without suspended days" in preparer.get(address).content.decode()

    assert prepare(preparer, address).status_code == 422
    assert prepare(preparer, address, mode="in full").status_code == 302
    proposal = Proposal.objects.get()
    assert "another person confirms it" in preparer.get(the.at_proposal(proposal)).content.decode()
    assert confirm(approver, proposal).status_code == 302

    assert PayoutRelease.objects.get().mode == "in full"
    assert ledger.balances([1400])[1400]["held"] == 0


def test_the_same_is_not_prepared_twice_and_says_so(preparer: Client, payout: Payout) -> None:
    address = the.at_payout(payout, "forfeit")
    assert prepare(preparer, address).status_code == 302

    second = prepare(preparer, address)

    assert second.status_code == 409
    assert "The same is prepared already" in the.refused(second)
    assert Proposal.objects.count() == 1


def test_an_adjustment_needs_its_document_and_an_amount(preparer: Client, broker: Broker) -> None:
    address = "/staff/payouts/proposal/adjust/1400/"
    sent = {"amount": "−1,012.50", "text": "A fee that was paid twice"}

    without = prepare(preparer, address, **sent)
    absurd = prepare(preparer, address, **sent | {"amount": "1e999", "attachments": pages.pdf()})
    done = prepare(preparer, address, **sent, attachments=pages.pdf())

    assert (without.status_code, absurd.status_code, done.status_code) == (422, 422, 302)
    proposal = Proposal.objects.get()
    assert (proposal.amount, proposal.files.get().name) == (Decimal("-1012.50"), "orders.pdf")


def test_a_confirmed_adjustment_is_booked_once_however_often_the_button_is_pressed(
    preparer: Client, approver: Client, broker: Broker
) -> None:
    prepare(preparer, "/staff/payouts/proposal/adjust/1400/", amount="10", text="x", attachments=pages.pdf())
    proposal = Proposal.objects.get()
    address = the.at_proposal(proposal, "confirm")
    shown = the.shown_by(approver.get(address))

    first = approver.post(address, {"shown": shown})
    second = approver.post(address, {"shown": shown})

    assert (first.status_code, second.status_code) == (302, 409)
    assert "already: nothing was changed" in the.refused(second)
    assert (Adjustment.objects.count(), ledger.balance(1400)) == (1, Decimal("10.00"))


def test_the_document_of_an_act_is_handed_out_to_be_saved(preparer: Client, broker: Broker) -> None:
    prepare(preparer, "/staff/payouts/proposal/adjust/1400/", amount="10", text="x", attachments=pages.pdf())
    proposal = Proposal.objects.get()
    file = proposal.files.get()

    answer = preparer.get(f"/staff/payouts/proposal/{proposal.pk}/files/{file.reference}/")
    other = preparer.get(f"/staff/payouts/proposal/{proposal.pk}/files/{proposal_of_nobody()}/")

    assert answer["Content-Disposition"] == 'attachment; filename="orders.pdf"'
    assert answer.content.startswith(b"%PDF")
    assert other.status_code == 404


def proposal_of_nobody() -> str:
    return "00000000-0000-0000-0000-000000000000"


def test_what_changed_since_it_was_prepared_is_not_confirmed_and_the_page_says_why(
    preparer: Client, approver: Client, payout: Payout
) -> None:
    prepare(preparer, the.at_payout(payout, "forfeit"))
    proposal = Proposal.objects.get()
    shown = the.shown_by(approver.get(the.at_proposal(proposal, "confirm")))
    the.held(payout)

    answer = approver.post(the.at_proposal(proposal, "confirm"), {"shown": shown})

    assert answer.status_code == 409
    assert "Something has changed since this was prepared" in the.refused(answer)
    assert Payout.objects.get(pk=payout.pk).state == "approved"


@pytest.mark.parametrize(("sent", "status"), [({}, 422), ({"shown": "0" * 64}, 409)])
def test_a_confirmation_without_what_was_shown_does_nothing(
    sent: dict[str, str], status: int, preparer: Client, approver: Client, payout: Payout
) -> None:
    prepare(preparer, the.at_payout(payout, "forfeit"))
    proposal = Proposal.objects.get()

    assert approver.post(the.at_proposal(proposal, "confirm"), sent).status_code == status
    assert Proposal.objects.get().state == "prepared"


def test_a_superuser_does_not_confirm_what_they_prepared(payout: Payout) -> None:
    client = at(make_.staff("superuser"), proven=True)
    prepare(client, the.at_payout(payout, "forfeit"))
    proposal = Proposal.objects.get()

    page = client.get(the.at_proposal(proposal, "confirm")).content.decode()
    answer = client.post(the.at_proposal(proposal, "confirm"), {"shown": proposal.digest})

    assert "Confirm it<" not in page
    assert answer.status_code == 409
    assert "another person has to confirm it" in the.refused(answer)


def test_a_prepared_act_is_withdrawn_with_a_reason(preparer: Client, payout: Payout) -> None:
    prepare(preparer, the.at_payout(payout, "forfeit"))
    proposal = Proposal.objects.get()

    assert preparer.post(the.at_proposal(proposal, "withdraw"), {"note": ""}).status_code == 422
    assert preparer.post(the.at_proposal(proposal, "withdraw"), {"note": "A slip."}).status_code == 302
    assert "A slip." in preparer.get(the.at_proposal(proposal)).content.decode()


def test_fills_are_voided_by_selection_preview_and_two_people(
    preparer: Client, approver: Client, broker: Broker
) -> None:
    make.fills(*(make.record(userId=trader) for trader in (7, 7, 8)))
    address = "/staff/payouts/proposal/void/1400/"

    nothing = preparer.post(address, {"step": "preview"})
    preview = preparer.post(address, {"trader": "7", "step": "preview"})
    assert (nothing.status_code, preview.status_code) == (409, 200)
    assert "2 fills would count no more" in preview.content.decode()
    sent = {"trader": "7", "step": "do", "shown": the.shown_by(preview), "note": the.NOTE}
    make.fills(make.record(userId=7))
    late = preparer.post(address, sent)
    assert late.status_code == 409
    assert "these are not the fills that were shown" in the.refused(late)
    again = the.shown_by(preparer.post(address, {"trader": "7", "step": "preview"}))
    assert preparer.post(address, sent | {"shown": again}).status_code == 302
    assert confirm(approver, Proposal.objects.get()).status_code == 302

    assert set(FillVoid.objects.values_list("trader", flat=True)) == {7}
    assert FillVoid.objects.count() == 3


@pytest.fixture
def unknown(payout: Payout) -> Attempt:
    """Nobody knows what became of it, and nobody asks any more."""
    made = sending.make(
        allowed.facts(payout.pk, at=the.THEN),
        account_id=payout.account_id,
        ready_until=the.THEN,
        now=the.THEN,
    )
    rows = Attempt.objects.filter(pk=made.pk)
    rows.update(state="sending", sent_at=the.THEN, lease_until=None, next_ask_at=None)
    rows.update(state="unknown")
    made.refresh_from_db()
    return made


def test_an_unknown_credit_is_resolved_as_rejected_and_then_sent_again(
    preparer: Client, approver: Client, unknown: Attempt
) -> None:
    address = f"/staff/payouts/attempt/{unknown.pk}/"
    assert "two people resolve it" in preparer.get(f"{address}change/").content.decode()

    unnumbered = prepare(preparer, f"{address}resolve/", mode="credited")
    assert unnumbered.status_code == 409
    assert "Give the number" in the.refused(unnumbered)
    assert prepare(preparer, f"{address}resolve/", mode="rejected").status_code == 302
    assert confirm(approver, Proposal.objects.get()).status_code == 302
    assert preparer.post(the.at_payout(unknown.payout, "retry")).status_code == 302

    assert list(Attempt.objects.order_by("number").values_list("state", flat=True)) == ["rejected", "pending"]
    refused = preparer.post(the.at_payout(unknown.payout, "retry"))
    assert refused.status_code == 409
    assert "under way" in the.refused(refused)


def test_a_difference_is_resolved_by_two_people(preparer: Client, approver: Client, broker: Broker) -> None:
    credit = ExchangeCredit.objects.create(
        credit_id="CR-9", key="k", account_id="A", amount=1, credited_at=the.THEN, seen_at=the.THEN
    )
    found = Difference.objects.create(
        kind="unknown", broker=broker, credit=credit, detail="CR-9 is not ours.", found_at=the.THEN
    )

    assert prepare(preparer, f"/staff/payouts/difference/{found.pk}/resolve/").status_code == 302
    assert confirm(approver, Proposal.objects.get()).status_code == 302

    assert Difference.objects.get().state == "resolved"
    assert the.NOTE in preparer.get(f"/staff/payouts/difference/{found.pk}/change/").content.decode()


# -- the ledger and the pack -------------------------------------------------------------------------


def test_the_ledger_of_a_broker_shows_what_is_owed_after_each_transaction(
    preparer: Client, payout: Payout
) -> None:
    the.held(payout)

    page = pages.text(preparer.get("/staff/payouts/transaction/broker/1400/").content.decode())

    assert "hold – −$123.45 +$123.45 – – $0.00 $123.45" in page
    assert "accrual 2026-10 +$123.45 – −$123.45 – $123.45 $0.00" in page


def pack(client: Client, payout: Payout) -> list[dict[str, str]]:
    answer = client.get(f"/staff/payouts/run/{payout.run_id}/pack.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_pack_has_every_payout_its_people_totals_and_the_ledgers_own_sums(
    approver: Client, payout: Payout
) -> None:
    the.payout(make.broker(code=1500), amount="50.00")

    first, second, total, booked = pack(approver, payout)

    assert {name: first[name] for name in ("broker", "payout", "due", "prepared_by", "approved_by")} == {
        "broker": "1400",
        "payout": "123.45",
        "due": "123.45",
        "prepared_by": "pia@exchange.example",
        "approved_by": "quentin@exchange.example",
    }
    assert (second["state"], second["due"], second["approved_by"]) == ("calculated", "", "")
    assert (total["row"], total["payout"], total["due"]) == ("total", "173.45", "123.45")
    assert (booked["row"], booked["payout"], booked["state"]) == ("ledger", "123.45", "ties")


def test_a_name_in_the_pack_is_never_a_formula(approver: Client, payout: Payout) -> None:
    assert pack(approver, payout)[0]["broker_name"] == "'=Delta"


def test_a_pack_that_differs_from_the_ledger_says_so(approver: Client, pia: Any) -> None:
    """A payout that was approved behind the desk's back is in no ledger."""
    payout = make.approved(the.payout(make.broker(code=1500)))

    assert pack(approver, payout)[-1]["state"] == "DIFFERS"
    page = approver.get(f"/staff/payouts/run/{payout.run_id}/pack/").content.decode()
    assert "have the books checked before anybody signs this" in page.replace("\n", " ")
