"""How the windows of quarantine are asked: the record in the addresses names the broker of the addresses."""

from collections.abc import Callable
from typing import Any

from tests.portal.matrix import quarantine
from tests.portal.matrix.entry import Asked
from tests.portal.matrix.world import World

_LIST = "staff/payouts/quarantineplace/"
_RECORD, _REASON = _LIST + "<int:number>/", _LIST + "reasons/<slug:reason>/"
_PAGE, _OVERVIEW, _RECORDS = (
    "admin:payouts_quarantineplace_change",
    "admin:payouts_quarantineplace_changelist",
    "admin:quarantine_records",
)
_REPLAY = "admin:quarantine_replay"
_WHY = {"note": "Nobody's."}


def _waits(_world: World) -> None:
    quarantine.waits()


def _of_record(
    *,
    ok: str = "",
    sends: dict[str, Any] | None = None,
    before: Callable[[World], object] = _waits,
    name: str = "number",
) -> Asked:
    return Asked(
        ok=ok,
        at=lambda _world, _visitor: {name: quarantine.record().pk},
        sends=lambda _world, _visitor: sends or {},
        before=before,
    )


def _of_reason(ok: str = "", sends: dict[str, Any] | None = None) -> Asked:
    return Asked(
        ok=ok,
        at=lambda _world, _visitor: {"reason": quarantine.REASON},
        sends=lambda _world, _visitor: {"up_to": str(quarantine.record().pk)} | (sends or {}),
        before=_waits,
    )


def _of_chosen(ok: str = "", sends: dict[str, Any] | None = None) -> Asked:
    return Asked(
        ok=ok,
        sends=lambda _world, _visitor: {"records": str(quarantine.record().pk)} | (sends or {}),
        before=_waits,
    )


OF_QUARANTINE: dict[str, Asked] = {
    _LIST + "<path:object_id>/change/": _of_record(name="object_id"),
    _LIST + "replays/<int:number>/": Asked(
        at=lambda _world, _visitor: {"number": quarantine.replay().pk},
        before=lambda world: quarantine.replayed(world.desk.first),
    ),
    _LIST + "replays/<int:number>/stop/": Asked(
        ok=_REPLAY,
        at=lambda _world, _visitor: {"number": quarantine.replay().pk},
        before=lambda world: quarantine.under_way(world.desk.first),
    ),
    _LIST + "replay/": Asked(ok=_REPLAY, before=_waits),
    _REASON + "replay/": _of_reason(ok=_REPLAY),
    _REASON + "discard/": _of_reason(ok=_OVERVIEW, sends=_WHY),
    _REASON + "ask/": _of_reason(),
    _LIST + "chosen/discard/": _of_chosen(ok=_RECORDS, sends=_WHY),
    _LIST + "chosen/ask/": _of_chosen(ok=_RECORDS),
    _RECORD + "replay/": _of_record(ok=_REPLAY),
    _RECORD + "discard/": _of_record(ok=_PAGE, sends=_WHY),
    _RECORD + "reopen/": _of_record(
        ok=_PAGE, sends=_WHY, before=lambda world: quarantine.discarded(world.desk.first)
    ),
    _RECORD + "ask/": _of_record(),
}
