"""How the windows of money are asked: months, payouts, prepared acts, credits, the ledger."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from payouts.desk import approve, void
from portal.staff.proposal_preparing import digest_of_preview
from tests.portal.application.papers import pdf
from tests.portal.matrix import money, statements
from tests.portal.matrix.entry import Asked, Values
from tests.portal.matrix.world import World

_RUN, _PAYOUT = "staff/payouts/run/<int:number>/", "staff/payouts/payout/<int:number>/"
_ACT, _NEW_ACT = "staff/payouts/proposal/<int:number>/", "staff/payouts/proposal/"
_PAGE_OF_PAYOUT, _PAGE_OF_ACT = "admin:payouts_payout_change", "admin:payouts_proposal_change"
_NOTE = {"note": "Seen by two of us."}


def _first(do: Callable[[int], object]) -> Callable[[World], object]:
    return lambda world: do(world.desk.first)


def _both(do: Callable[[int, int], object]) -> Callable[[World], object]:
    """Prepared by one and approved by another, neither of whom asks."""
    return lambda world: do(world.desk.first, world.logins["strng"].pk)


def _nothing(_world: World) -> None:
    """Everything is as it stands in the world."""


def _of(
    number: Callable[[], Any],
    *,
    name: str = "number",
    ok: str = "",
    sends: Callable[[], dict[str, Any]] = dict,
    before: Callable[[World], object] = _nothing,
) -> Asked:
    values: Values = lambda _world, _visitor: {name: number().pk}  # noqa: E731 - typed so
    return Asked(ok=ok, at=values, sends=lambda _world, _visitor: sends(), before=before)


def _payouts() -> dict[str, str]:
    return {"payouts": str(money.payout().pk)}


def _shown() -> dict[str, str]:
    return _payouts() | {"shown": approve.shown([money.payout().pk])}


def _acknowledged() -> dict[str, str]:
    return _NOTE | {"name": "negative total", "value": "0.00 USD"}


def _voided() -> dict[str, str]:
    """The button under the preview of all fills of a trader."""
    found = void.preview(broker_code=money.BROKER, selection=void.Selection(trader=7))
    return _NOTE | {"trader": "7", "step": "do", "shown": digest_of_preview(found)}


def _document() -> Any:
    return SimpleUploadedFile("why.pdf", pdf(), "application/pdf")


OF_MONEY: dict[str, Asked] = {
    # -- months --------------------------------------------------------------------------------
    "staff/payouts/run/<path:object_id>/change/": _of(money.run, name="object_id"),
    _RUN + "prepare/": _of(money.run, ok=_PAGE_OF_PAYOUT, sends=_payouts, before=_first(money.looked_at)),
    _RUN + "take-back/": _of(money.run, ok=_PAGE_OF_PAYOUT, sends=_payouts, before=_first(money.prepared)),
    _RUN + "approve/": _of(money.run, ok=_PAGE_OF_PAYOUT, sends=_shown, before=_first(money.prepared)),
    _RUN + "recalculate/": _of(money.run, ok="admin:payouts_run_change"),
    _RUN + "dry-run/": _of(money.run),
    _RUN + "progress/": _of(money.run),
    _RUN + "pack/": _of(money.run),
    _RUN + "pack.csv": _of(money.run),
    # -- payouts -------------------------------------------------------------------------------
    "staff/payouts/payout/<path:object_id>/change/": _of(money.payout, name="object_id"),
    _PAYOUT + "acknowledge/": _of(
        money.payout, ok=_PAGE_OF_PAYOUT, sends=_acknowledged, before=_first(money.unusual)
    ),
    _PAYOUT + "recalculate/": _of(money.payout, ok=_PAGE_OF_PAYOUT),
    _PAYOUT + "retry/": _of(money.payout, ok=_PAGE_OF_PAYOUT, before=_both(money.rejected)),
    _PAYOUT + "release/<int:hold>/": Asked(
        ok=_PAGE_OF_ACT,
        at=lambda _world, _visitor: {"number": money.payout().pk, "hold": money.hold().pk},
        sends=lambda _world, _visitor: _NOTE | {"mode": "in full"},
        before=_both(money.held),
    ),
    _PAYOUT + "forfeit/": _of(
        money.payout, ok=_PAGE_OF_ACT, sends=lambda: _NOTE, before=_both(money.approved)
    ),
    _PAYOUT + "fills/": _of(money.payout),
    _PAYOUT + "statement.<str:kind>": Asked(
        at=lambda _world, _visitor: {"number": money.payout().pk, "kind": "pdf"}, before=statements.issued
    ),
    # -- prepared acts -------------------------------------------------------------------------
    "staff/payouts/proposal/<path:object_id>/change/": _of(
        money.proposal, name="object_id", before=_first(money.proposed)
    ),
    _ACT + "confirm/": _of(
        money.proposal,
        ok=_PAGE_OF_ACT,
        sends=lambda: {"shown": money.proposal().digest},
        before=_first(money.proposed),
    ),
    _ACT + "withdraw/": _of(
        money.proposal, ok=_PAGE_OF_ACT, sends=lambda: _NOTE, before=_first(money.proposed)
    ),
    _ACT + "files/<uuid:file>/": Asked(
        at=lambda _world, _visitor: {
            "number": money.proposal().pk,
            "file": money.proposal().files.get().reference,
        },
        before=_first(money.proposed),
    ),
    _NEW_ACT + "adjust/<int:code>/": Asked(
        ok=_PAGE_OF_ACT,
        at=lambda _world, _visitor: {"code": money.BROKER},
        sends=lambda _world, _visitor: (
            _NOTE | {"amount": "-1.00", "text": "A fee", "attachments": _document()}
        ),
    ),
    _NEW_ACT + "void/<int:code>/": Asked(
        ok=_PAGE_OF_ACT,
        at=lambda _world, _visitor: {"code": money.BROKER},
        sends=lambda _world, _visitor: _voided(),
    ),
    # -- credits and the ledger ----------------------------------------------------------------
    "staff/payouts/attempt/<path:object_id>/change/": _of(
        money.attempt, name="object_id", before=_both(money.sent)
    ),
    "staff/payouts/attempt/<int:number>/resolve/": _of(
        money.attempt,
        ok=_PAGE_OF_ACT,
        sends=lambda: _NOTE | {"mode": "rejected"},
        before=_both(money.sent),
    ),
    "staff/payouts/difference/<path:object_id>/change/": _of(
        money.difference, name="object_id", before=_first(money.differs)
    ),
    "staff/payouts/difference/<int:number>/resolve/": _of(
        money.difference, ok=_PAGE_OF_ACT, sends=lambda: _NOTE, before=_first(money.differs)
    ),
    "staff/payouts/transaction/<path:object_id>/change/": _of(
        money.transaction, name="object_id", before=_both(money.approved)
    ),
    "staff/payouts/transaction/broker/<int:code>/": Asked(at=lambda _world, _visitor: {"code": money.BROKER}),
    "staff/payouts/reconciliation/<path:object_id>/change/": _of(
        money.compared, name="object_id", before=lambda _world: money.compare()
    ),
}
