"""How the windows of the desk are asked: standing, cases, changes of account, tokens, looks."""

from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from payouts.desk import consequences
from payouts.desk import terminate as desk_terminate
from portal.staff import account_change_actions, standing_forms
from tests import make
from tests.portal.application.papers import pdf
from tests.portal.matrix import desk
from tests.portal.matrix.entry import Asked, Values
from tests.portal.matrix.world import World

_BROKER = "staff/payouts/broker/<int:code>/"
_CASE = "staff/payouts/case/<int:number>/"
_CHANGE = "staff/payouts/accountchange/<int:number>/"
_TEXT = {"text": "Looks right."}


def _nothing(_desk: desk.Desk) -> None:
    """Everything is as it stands in the world."""


def _of_broker(
    *,
    ok: str = "admin:payouts_broker_change",
    at: Values = lambda _world, _visitor: {},
    sends: Values = lambda _world, _visitor: {},
    before: Callable[[desk.Desk], object] = _nothing,
) -> Asked:
    return Asked(
        ok=ok,
        at=lambda world, visitor: {"code": desk.BROKER} | at(world, visitor),
        sends=sends,
        before=lambda world: before(world.desk),
    )


def _stopped(follows: Callable[[], consequences.Consequences]) -> Values:
    """What the second step of a suspension or a termination sends: the words, and what was shown."""
    return lambda _world, _visitor: {
        "step": "do",
        "reason": "conduct",
        "at": "",
        "message": "Orders were sent that nobody had asked for.",
        "note": "It was seen in the feed.",
        "case": "",
        "shown": standing_forms.digest(follows()),
    }


def _of_case(
    sends: Values = lambda _world, _visitor: _TEXT, before: Callable[[desk.Desk], object] = _nothing
) -> Asked:
    return Asked(
        ok="admin:payouts_case_change",
        at=lambda world, _visitor: {"number": world.desk.case.pk},
        sends=sends,
        before=lambda world: before(world.desk),
    )


def _of_appeal(sends: dict[str, str]) -> Asked:
    def at(_world: World, _visitor: str) -> dict[str, Any]:
        appeal = desk.appeal("own")
        return {"number": appeal.case_id, "reference": appeal.reference}

    return Asked(
        ok="admin:payouts_case_change",
        at=at,
        sends=lambda _world, _visitor: sends,
        before=lambda world: desk.appealed(world.desk),
    )


def _of_change(sends: Values, before: Callable[[desk.Desk], object] = _nothing) -> Asked:
    return Asked(
        ok="admin:payouts_accountchange_change",
        at=lambda _world, _visitor: {"number": desk.change_of_account("own").pk},
        sends=sends,
        before=lambda world: before(world.desk),
    )


OF_STAFF: dict[str, Asked] = {
    # -- standing ------------------------------------------------------------------------------
    _BROKER + "suspend/": _of_broker(
        sends=_stopped(
            lambda: consequences.of_suspension(broker_code=desk.BROKER, starts_at=None, now=make.NOW)
        )
    ),
    _BROKER + "terminate/": _of_broker(
        sends=_stopped(
            lambda: consequences.of_termination(broker_code=desk.BROKER, effective_at=None, now=make.NOW)
        )
    ),
    _BROKER + "standing/<int:change>/lift/": _of_broker(
        at=lambda _world, _visitor: {"change": desk.stop("own").pk},
        sends=lambda _world, _visitor: {"message": "It is over.", "note": "It was not them."},
        before=desk.suspended,
    ),
    _BROKER + "terminations/<int:number>/confirm/": _of_broker(
        at=lambda _world, _visitor: {"number": desk.termination_of("own").pk},
        sends=lambda _world, _visitor: {
            "shown": desk_terminate.shown(desk.termination_of("own").pk, now=make.NOW)
        },
        before=desk.prepared,
    ),
    _BROKER + "terminations/<int:number>/withdraw/": _of_broker(
        at=lambda _world, _visitor: {"number": desk.termination_of("own").pk},
        sends=lambda _world, _visitor: {"note": "Too early."},
        before=desk.prepared,
    ),
    # -- looks at a broker's pages -------------------------------------------------------------
    _BROKER + "view-as/": _of_broker(
        ok="dashboard", sends=lambda _world, _visitor: {"reason": "They asked what the page says."}
    ),
    "staff/portal/viewas/end/": Asked(ok="admin:payouts_broker_change"),
    "staff/portal/viewas/<path:object_id>/change/": Asked(
        at=lambda world, _visitor: {"object_id": world.look.pk}
    ),
    # -- cases and appeals ---------------------------------------------------------------------
    "staff/payouts/case/<path:object_id>/change/": Asked(
        at=lambda world, _visitor: {"object_id": world.desk.case.pk}
    ),
    "staff/payouts/case/open/<int:code>/": _of_broker(
        ok="admin:payouts_case_change",
        sends=lambda _world, _visitor: {"kind": "fraud", "title": "Twice the same", "text": "Look at it."},
    ),
    _CASE + "take/": _of_case(lambda _world, _visitor: {"holder": ""}),
    _CASE + "note/": _of_case(),
    _CASE + "evidence/": _of_case(
        lambda _world, _visitor: (
            _TEXT | {"attachments": SimpleUploadedFile("more.pdf", pdf(), "application/pdf")}
        )
    ),
    _CASE + "close/": _of_case(lambda _world, _visitor: {"outcome": "Nothing was wrong."}),
    _CASE + "reopen/": _of_case(before=desk.closed),
    _CASE + "files/<uuid:file>/": Asked(
        at=lambda world, _visitor: {"number": world.desk.case.pk, "file": desk.evidence().reference}
    ),
    _CASE + "appeals/<uuid:reference>/answer/": _of_appeal(_TEXT),
    _CASE + "appeals/<uuid:reference>/decide/": _of_appeal(
        {"verdict": "refused", "decision": "We have seen it ourselves."}
    ),
    # -- changes of account --------------------------------------------------------------------
    "staff/payouts/accountchange/<path:object_id>/change/": Asked(
        at=lambda _world, _visitor: {"object_id": desk.change_of_account("own").pk}
    ),
    _CHANGE + "check/": _of_change(lambda _world, _visitor: {"how": "I rang the number that we knew."}),
    _CHANGE + "confirm/": _of_change(
        lambda _world, _visitor: {"shown": account_change_actions.shown(desk.change_of_account("own"))},
        before=desk.checked,
    ),
    _CHANGE + "refuse/": _of_change(lambda _world, _visitor: {"why": "No owner wanted it."}),
    # -- tokens --------------------------------------------------------------------------------
    "staff/portal/servicetoken/make/": Asked(
        sends=lambda _world, _visitor: {"name": "another gateway", "scope": "codes:read", "days": "30"}
    ),
    "staff/portal/servicetoken/<path:object_id>/change/": Asked(
        at=lambda world, _visitor: {"object_id": world.desk.token.pk}
    ),
    "staff/portal/servicetoken/<int:number>/revoke/": Asked(
        ok="admin:portal_servicetoken_change",
        at=lambda world, _visitor: {"number": world.desk.token.pk},
        sends=lambda _world, _visitor: {"reason": "It was replaced."},
    ),
}
