"""The pages of quarantine that a browser looks at: who opens which, and what is done there."""

from tests.journeys.every_page import Visit
from tests.portal.staff.make_quarantine import LIST

_RECORDS = f"{LIST}records/"
_RECORDS_OF = ("unknown_broker", "malformed", "conflict", "binary", "hidden", "corrected", "discarded")
QUARANTINE: tuple[Visit, ...] = (
    Visit("/staff/", "oper"),
    Visit(LIST, "oper"),
    Visit(LIST, "ada"),
    Visit(_RECORDS, "oper"),
    Visit(_RECORDS, "ada", asked="?state=any&q=nothing+like+this&trader=7"),
    Visit(_RECORDS, "oper", asked="?broker=x&month=2026-13"),
    *(Visit(f"{LIST}{{{name}_pk}}/change/", "oper") for name in _RECORDS_OF),
    Visit(f"{LIST}{{discarded_pk}}/change/", "ada"),
    Visit(f"{LIST}{{unknown_broker_pk}}/replay/", "oper"),
    Visit(f"{LIST}{{unknown_broker_pk}}/discard/", "oper"),
    Visit(f"{LIST}{{unknown_broker_pk}}/discard/", "oper", press="Discard", status=422),
    Visit(f"{LIST}{{unknown_broker_pk}}/ask/", "oper"),
    Visit(f"{LIST}{{discarded_pk}}/reopen/", "oper"),
    Visit(f"{LIST}replay/", "oper"),
    *(Visit(f"{LIST}reasons/unknown_broker/{act}/", "oper") for act in ("replay", "discard", "ask")),
    *(
        Visit(f"{LIST}chosen/{act}/", "oper", asked="?record={conflict_pk}&record={malformed_pk}")
        for act in ("discard", "ask")
    ),
    Visit(f"{LIST}replays/{{ended_pk}}/", "ada"),
    Visit(f"{LIST}replays/{{under_way_pk}}/", "oper"),
    Visit(f"{LIST}replays/{{under_way_pk}}/stop/", "oper"),
    Visit(f"{LIST}{{unknown_broker_pk}}/replay/", "oper", press="Replay", status=409),
)
