"""The house's order: imports go down only, views and the API stay off the models, rules stay pure."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: From the bottom up; a room may import its own and everything before it.
FLOORS = (
    ("payouts.money", "payouts.month", "payouts.refusal", "payouts.crash"),
    ("payouts.program", "payouts.exchange"),
    ("payouts.ledger",),
    ("payouts.feed",),
    ("payouts.volume",),
    ("payouts.monthend",),
    ("payouts.statements",),
    ("payouts.settlement",),
    ("payouts.desk",),
    ("payouts.books",),
    ("payouts.models",),
    ("payouts.tasks", "payouts.management"),
    ("portal.env", "portal.embedded", "portal.machines"),
    ("portal.letters", "portal.files"),
    ("portal.accounts",),
    ("portal.team", "portal.access", "portal.charts"),
    (
        "portal.home",
        "portal.application",
        "portal.dashboard",
        "portal.exchange_account",
        "portal.explain",
        "portal.preferences",
        "portal.statements",
        "portal.standing",
        "portal.verify",
        "portal.integration",
    ),
    ("portal.health", "portal.live", "portal.notices"),
    ("portal.staff", "portal.api"),
    ("portal.metrics",),
)
#: The frame of the portal stands above all rooms; models gather them for Django.
FRAME = (
    "portal",
    "portal.admin",
    "portal.asgi",
    "portal.body_limit",
    "portal.books",
    "portal.celery",
    "portal.checks",
    "portal.frame",
    "portal.management",
    "portal.migrated",
    "portal.headers",
    "portal.models",
    "portal.quiet_logs",
    "portal.recording",
    "portal.schedule",
    "portal.settings",
    "portal.simulator",
    "portal.tasks",
    "portal.templatetags",
    "portal.urls",
    "portal.wsgi",
)
#: Models are gathered by `payouts.models`, which Django and the portal's own models read.
GATHERED = {
    "portal.application.models": {"payouts.models"},
    "portal.preferences.models": {"payouts.models"},
    "portal.statements.models": {"payouts.models"},
    "portal.team.models": {"payouts.models"},
}
#: Rooms on one floor that never import each other.
SEPARATE = (
    "portal.home",
    "portal.application",
    "portal.dashboard",
    "portal.exchange_account",
    "portal.explain",
    "portal.preferences",
    "portal.statements",
    "portal.standing",
    "portal.verify",
    "portal.integration",
)
PURE = (
    "payouts.money",
    "payouts.month",
    "payouts.refusal",
    "payouts.exchange.answers",
    "payouts.exchange.credit_answers",
    "payouts.exchange.eligibility",
    "payouts.exchange.port",
    "payouts.exchange.signing",
    "payouts.desk.wording",
    "payouts.program.broker_code",
    "payouts.program.broker_file",
    "payouts.program.standing",
    "payouts.program.terms",
    "payouts.program.tiers",
    "payouts.feed.csv_rows",
    "payouts.feed.legible",
    "payouts.feed.lines",
    "payouts.feed.outcomes",
    "payouts.feed.prepared",
    "payouts.feed.quarantine_share",
    "payouts.feed.record",
    "payouts.feed.verdict",
    "payouts.ledger.entries",
    "payouts.monthend.arms",
    "payouts.monthend.bounds",
    "payouts.monthend.calculation",
    "payouts.monthend.cap_cost",
    "payouts.monthend.corrections",
    "payouts.monthend.figures",
    "payouts.monthend.formula",
    "payouts.monthend.what_if",
    "payouts.settlement.attempts",
    "payouts.settlement.comparing",
    "payouts.statements.document",
    "payouts.statements.pseudonym",
    "payouts.statements.sheet",
    "payouts.statements.signature",
    # Pure but for its `main`, which opens the two files that it is given and prints: it runs by itself.
    "payouts.statements.verify_statement",
    "payouts.volume.ladder",
    "portal.api.token_form",
    "portal.explain.asking",
    "portal.explain.cursors",
    "portal.health.signs",
    "portal.preferences.topics",
    "portal.statements.reading",
    "portal.staff.quarantine_beside",
    "portal.staff.visible",
    "portal.team.roles",
    "portal.application.country_rules",
    "portal.application.promise",
    "portal.application.risk",
)
#: What a pure module may import beyond the standard library and other pure modules.
ALLOWED_IN = {
    "payouts.exchange.answers": {"msgspec"},
    "payouts.exchange.credit_answers": {"msgspec"},
    "payouts.exchange.signing": {"cryptography"},
    "payouts.feed.outcomes": {"msgspec"},
    "payouts.feed.prepared": {"msgspec"},
    "payouts.feed.record": {"msgspec"},
    "payouts.statements.signature": {"cryptography"},
    "payouts.statements.verify_statement": {"cryptography"},
}
NO_CLOCK_NO_WORLD = {
    "asyncio",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "subprocess",
    "threading",
    "time",
}


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("payouts", "portal"):
        for file in sorted((ROOT / top).rglob("*.py")):
            if "migrations" in file.parts:
                continue
            parts = list(file.relative_to(ROOT).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts.pop()
            yield ".".join(parts), file


def imports_of(file: Path) -> set[str]:
    """The modules that a file imports; `from a import b` counts as `a.b` where that is a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in ALL else node.module)
    return found


ALL = dict(modules())


def room_of(module: str) -> str | None:
    """The room of a module: the longest name in the table of floors that begins it."""
    rooms = [room for floor in FLOORS for room in floor]
    found = [room for room in rooms if module == room or module.startswith((f"{room}.", f"{room}_"))]
    return max(found, key=len, default=None)


def floor_of(room: str) -> int:
    return next(number for number, floor in enumerate(FLOORS) if room in floor)


def is_frame(module: str) -> bool:
    return any(module == name or (name != "portal" and module.startswith(f"{name}.")) for name in FRAME)


@pytest.mark.parametrize("module", sorted(ALL))
def test_every_module_has_a_room(module: str) -> None:
    assert module == "payouts" or room_of(module) or is_frame(module), f"{module} is in no room"


@pytest.mark.parametrize("module", sorted(ALL))
def test_imports_go_down_only(module: str) -> None:
    room = room_of(module)
    upward = []
    for imported in imports_of(ALL[module]):
        if imported.split(".")[0] not in ("payouts", "portal") or room is None:
            continue
        if imported in GATHERED.get(module, set()) or module == "payouts.models":
            continue
        other = room_of(imported)
        if other is None:
            if imported != "payouts":
                upward.append(imported)
        elif floor_of(other) > floor_of(room) or (other != room and other in SEPARATE and room in SEPARATE):
            upward.append(imported)

    assert upward == []


def test_the_engine_never_imports_the_portal() -> None:
    guilty = {
        module: imported
        for module, file in ALL.items()
        for imported in imports_of(file)
        if module.startswith("payouts") and imported.startswith("portal")
    }

    assert guilty == {}


def test_the_engine_never_sees_a_request() -> None:
    guilty = {
        module: imported
        for module, file in ALL.items()
        for imported in imports_of(file)
        if module.startswith("payouts") and imported.startswith(("django.http", "rest_framework"))
    }

    assert guilty == {}


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in ALL
        if (name.endswith(".views") or ".api" in name)
        and not name.endswith((".models", ".actions", ".queries"))  # the API's own tokens
    ],
)
def test_views_and_the_api_never_import_models(module: str) -> None:
    assert [name for name in imports_of(ALL[module]) if name.endswith("models")] == []


@pytest.mark.parametrize("module", PURE)
def test_rules_are_pure(module: str) -> None:
    allowed = ALLOWED_IN.get(module, set())
    guilty = []
    for imported in imports_of(ALL[module]):
        top = imported.split(".")[0]
        if top in ("payouts", "portal"):
            if imported not in PURE:
                guilty.append(imported)
        elif top in NO_CLOCK_NO_WORLD or (top not in sys.stdlib_module_names and top not in allowed):
            guilty.append(imported)

    assert guilty == []


@pytest.mark.parametrize("module", PURE)
def test_rules_never_read_the_clock(module: str) -> None:
    calls = [
        node.attr
        for node in ast.walk(ast.parse(ALL[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "utcnow", "today"}
    ]

    assert calls == []


@pytest.mark.parametrize(
    "module",
    [
        name
        for name in ALL
        if name.startswith("payouts") and ".management" not in name and name != "payouts.tasks"
    ],
)
def test_the_clock_is_read_at_the_door(module: str) -> None:
    text = ALL[module].read_text(encoding="utf-8")

    assert "timezone.now" not in text
    assert "datetime.now" not in text
    assert "time.time" not in text


def test_this_test_sees_an_upward_import(tmp_path: Path) -> None:
    """The twin: without it a broken reader of imports would pass everything."""
    guilty = tmp_path / "guilty.py"
    guilty.write_text("from payouts.monthend import actions\nimport payouts.feed.record\n")

    assert imports_of(guilty) == {"payouts.monthend.actions", "payouts.feed.record"}
