"""Voids as two people confirm them, without the words."""

from payouts.feed import voiding
from payouts.feed.models import Fill
from payouts.models import Proposal, ProposedVoid
from portal.accounts.models import User
from tests import make


def void(*trades: int) -> None:
    """Void the fills with these trade numbers, all of one broker."""
    first, second = (
        User.objects.get_or_create(email=f"{name}@exchange.example")[0] for name in ("pia", "quentin")
    )
    fills = list(Fill.objects.filter(trade_id__in=trades).values_list("id", "executed_at", "broker_code"))
    assert len(fills) == len(trades)
    act = Proposal.objects.create(
        kind="void",
        broker_id=fills[0][2],
        note="why",
        digest="0" * 64,
        prepared_by=first,
        prepared_at=make.NOW,
    )
    ProposedVoid.objects.bulk_create(
        ProposedVoid(proposal=act, fill_id=number, executed_at=at) for number, at, _ in fills
    )
    Proposal.objects.filter(pk=act.pk).update(state="confirmed", decided_by=second, decided_at=make.NOW)
    voiding.void([fill[:2] for fill in fills], proposal_id=act.pk, now=make.NOW)
