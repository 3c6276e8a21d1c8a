"""A prepared act as its page shows it: what it does, to whom, by whom, with which documents."""

from typing import Any

from django.db.models import Count, Prefetch, QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from payouts.desk import proposal_queries, release, void
from payouts.desk.hold import to_be_sent
from payouts.desk.money_models import Proposal, ProposalFile
from payouts.refusal import Refusal
from payouts.settlement.models import ExchangeCredit
from portal.accounts.staff_roles import Act
from portal.staff import proposal_actions
from portal.staff.history import history_of
from portal.staff.money_doors import must_not_be_ones_own, number_of

_State = Proposal.State


def rows() -> QuerySet[Proposal]:
    return (
        Proposal.objects.select_related(
            "broker",
            "payout__run",
            "payout__broker",
            "hold__case",
            "attempt__payout__run",
            "difference__credit",
            "difference__attempt",
            "prepared_by",
            "decided_by",
        )
        .annotate(fills=Count("proposed_voids"))
        .prefetch_related(Prefetch("files", ProposalFile.objects.defer("content").order_by("pk")))
    )


def proposal_of(request: HttpRequest, number: object) -> Proposal:
    """The act or a 404; a 403 when it is about a broker whose team the login belongs to."""
    found = rows().filter(pk=number_of(number)).first()
    if found is None:
        raise Http404(_("There is no such prepared act."))
    must_not_be_ones_own(request, found.broker_id)
    return found


def page(proposal: Proposal, *, login: Any, acts: set[Act]) -> dict[str, Any]:
    """What its page shows. `digest` is empty, and `hindrance` says why, where it cannot be confirmed now."""
    waits = proposal.state == _State.PREPARED
    digest, hindrance = shown(proposal) if waits else ("", "")
    is_mine = proposal.prepared_by_id == login.pk
    return {
        "proposal": proposal,
        "effect": effect_of(proposal) if waits else {},
        "listed": ExchangeCredit.objects.filter(key=str(proposal.attempt.key)).order_by("pk")
        if proposal.attempt is not None
        else [],
        "waits": waits,
        "is_mine": is_mine,
        "digest": digest,
        "hindrance": hindrance,
        "can_confirm": waits and Act.CONFIRM_MONEY in acts and not is_mine,
        "can_withdraw": waits and bool(acts & {Act.CONFIRM_MONEY, Act.PREPARE_MONEY}),
        "withdrawn_because": proposal_queries.withdrawn_because(proposal.pk)
        if proposal.state == _State.WITHDRAWN
        else "",
        "sees_history": Act.SEE_HISTORY in acts,
        "history": history_of(proposal) if Act.SEE_HISTORY in acts else [],
    }


def shown(proposal: Proposal) -> tuple[str, str]:
    """The digest of what is shown, or why there is none any more."""
    try:
        return proposal_actions.shown(proposal), ""
    except Refusal as refusal:
        return "", str(refusal)


def effect_of(proposal: Proposal) -> dict[str, Any]:
    """What confirming would do now, as the desk works it out."""
    kind = Proposal.Kind
    try:
        if proposal.kind == kind.RELEASE and proposal.hold_id is not None:
            return {"release": release.preview(hold_id=proposal.hold_id, mode=proposal.mode)}
        if proposal.kind == kind.VOID:
            return {"void": void.preview_of(proposal.pk)}
        if proposal.kind == kind.FORFEIT and proposal.payout is not None:
            return {"forfeit": to_be_sent(proposal.payout)}
    except Refusal:
        pass  # the page says it: its digest is refused for the same reason
    return {}
