"""Who may do what with money: act by act, role by role, never with one's own broker."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from payouts.desk import approve as desk_approve
from payouts.desk.evidence import NewFile
from payouts.models import Broker, Payout, Proposal
from portal.accounts.staff_roles import NotYourRole, OwnBroker
from portal.staff import payout_actions, proposal_actions
from tests import make
from tests.make import NOW
from tests.portal.application import papers
from tests.portal.staff import make_money as the
from tests.portal.staff import make_review as make_

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rows_by_hand")]

ROLES = (
    "reviewer", "operations", "finance preparer", "finance approver", "auditor", "superuser", "none",
)  # fmt: skip
PREPARER, APPROVER, BOTH = (
    {"finance preparer"},
    {"finance approver"},
    {"finance preparer", "finance approver"},
)


@pytest.fixture
def pia() -> Any:
    """A preparer who did the first half of whatever is there."""
    return make_.staff("finance preparer", email="pia@exchange.example")


@pytest.fixture
def broker() -> Broker:
    return make.broker(code=1400)


def _approved(broker: Broker, pia: Any) -> Payout:
    quentin = make_.staff("finance approver", email="quentin@exchange.example")
    return the.approved(the.payout(broker), first=pia, second=quentin)[0]


def _document() -> list[NewFile]:
    return [NewFile("why.pdf", "application/pdf", papers.pdf())]


def prepare(broker: Broker, by: Any, pia: Any) -> object:
    return payout_actions.prepare(payout_ids=[the.payout(broker).pk], by=by, now=NOW)


def take_back(broker: Broker, by: Any, pia: Any) -> object:
    found = the.prepared(the.payout(broker), by=pia)[0]
    return payout_actions.take_back(payout_ids=[found.pk], by=by, now=NOW)


def approve(broker: Broker, by: Any, pia: Any) -> object:
    found = the.prepared(the.payout(broker), by=pia)[0]
    shown = desk_approve.shown([found.pk])
    return payout_actions.approve(payout_ids=[found.pk], shown=shown, by=by, now=NOW)


def acknowledge(broker: Broker, by: Any, pia: Any) -> object:
    found = the.bound(the.payout(broker))
    return payout_actions.acknowledge(
        payout_id=found.payout_id, name=found.name, value=found.value, note=the.NOTE, by=by, now=NOW
    )


def forfeit(broker: Broker, by: Any, pia: Any) -> object:
    found = _approved(broker, pia)
    return proposal_actions.forfeit(payout_id=found.pk, text="", note=the.NOTE, evidence=[], by=by, now=NOW)


def release(broker: Broker, by: Any, pia: Any) -> object:
    found = the.held(_approved(broker, pia))
    return proposal_actions.release(
        hold_id=found.pk, mode="in full", note=the.NOTE, evidence=[], by=by, now=NOW
    )


def adjust(broker: Broker, by: Any, pia: Any) -> Proposal:
    return proposal_actions.adjust(
        broker_code=broker.code,
        amount=Decimal("-12.50"),
        text="A fee that was paid twice",
        note=the.NOTE,
        evidence=_document(),
        by=by,
        now=NOW,
    )


def confirm(broker: Broker, by: Any, pia: Any) -> object:
    found = adjust(broker, pia, pia)
    shown = proposal_actions.shown(found)
    return proposal_actions.confirm(proposal_id=found.pk, shown=shown, by=by, now=NOW)


def withdraw(broker: Broker, by: Any, pia: Any) -> object:
    found = adjust(broker, pia, pia)
    return proposal_actions.withdraw(proposal_id=found.pk, note=the.NOTE, by=by, now=NOW)


Act = Callable[[Broker, Any, Any], object]
#: Act → the roles beside superusers that may do it.
MAY: dict[Act, set[str]] = {
    prepare: PREPARER,
    take_back: PREPARER,
    approve: APPROVER,
    acknowledge: BOTH,
    forfeit: PREPARER,
    release: PREPARER,
    adjust: PREPARER,
    confirm: APPROVER,
    withdraw: BOTH,
}
_name = pytest.mark.parametrize("act", MAY, ids=[act.__name__ for act in MAY])


@_name
@pytest.mark.parametrize("role", ROLES)
def test_each_act_is_open_to_its_roles_alone(role: str, act: Act, broker: Broker, pia: Any) -> None:
    by = make_.staff(role)

    if role in MAY[act] | {"superuser"}:
        act(broker, by, pia)
        return
    with pytest.raises(NotYourRole):
        act(broker, by, pia)


@_name
def test_nobody_acts_on_a_broker_of_their_own(act: Act, broker: Broker, pia: Any) -> None:
    by = make_.staff("superuser")
    make.membership(by, broker, role="viewer")

    with pytest.raises(OwnBroker, match="another member of staff has to do this"):
        act(broker, by, pia)


def test_one_of_many_that_is_ones_own_refuses_them_all(broker: Broker) -> None:
    by = make_.staff("finance preparer")
    make.membership(by, broker, role="viewer")
    payouts = [the.payout(broker), the.payout(make.broker(code=1500))]

    with pytest.raises(OwnBroker):
        payout_actions.prepare(payout_ids=[each.pk for each in payouts], by=by, now=NOW)
    assert set(Payout.objects.values_list("state", flat=True)) == {"calculated"}
