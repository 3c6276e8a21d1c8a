"""The house's furniture: short files, no drawers, one rounding, no floats, nothing left open."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    ".ci",
    ".dockerignore",
    ".env.example",
    ".gitignore",
    "Dockerfile",
    "Makefile",
    "README.md",
    "compose.yaml",
    "manage.py",
    "payouts",
    "portal",
    "pyproject.toml",
    "requirements.lock",
    "static",
    "templates",
    "tests",
}
DRAWERS = re.compile(r"(^|/)(utils?|helpers?|common|misc)(\.py|/|$)")
LONGEST_FILE = 400


def tracked() -> list[str]:
    """The files of the project: tracked by git, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


FILES = tracked()
PYTHON = [name for name in FILES if name.endswith(".py")]
CODE = [name for name in PYTHON if name.startswith(("payouts/", "portal/")) and "/migrations/" not in name]


def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def test_only_the_owners_names_stand_at_the_top() -> None:
    assert {name.split("/")[0] for name in FILES} - TOP_LEVEL == set()


@pytest.mark.parametrize("name", [each for each in FILES if each.endswith((".py", ".css", ".js", ".html"))])
def test_no_file_is_longer_than_the_wall(name: str) -> None:
    if "/migrations/" not in name:
        assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


def test_the_house_has_no_drawers() -> None:
    assert [name for name in FILES if DRAWERS.search(name)] == []


@pytest.mark.parametrize("name", [each for each in CODE if (ROOT / each).stat().st_size])
def test_every_module_says_what_it_is_for(name: str) -> None:
    assert ast.get_docstring(tree(name)), f"{name} has no docstring"


@pytest.mark.parametrize("name", [each for each in CODE if each != "payouts/money.py"])
def test_nothing_rounds_but_money(name: str) -> None:
    rounding = [
        ast.unparse(node)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "round")
            or (isinstance(node.func, ast.Attribute) and node.func.attr in {"quantize", "normalize"})
        )
    ]

    assert rounding == []


@pytest.mark.parametrize("name", [each for each in CODE if each.startswith("payouts/")])
def test_the_engine_has_no_floats(name: str) -> None:
    floats = [
        ast.unparse(node)
        for node in ast.walk(tree(name))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]

    assert floats == []


@pytest.mark.parametrize("name", CODE)
def test_no_chords_and_no_signals(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert re.search(r"from celery import .*\b(chord|chain|group)\b", text) is None
    assert "post_save" not in text
    assert "pre_save" not in text


@pytest.mark.parametrize("name", [each for each in CODE if each.endswith("models.py")])
def test_models_have_no_save_of_their_own(name: str) -> None:
    methods = {node.name for node in ast.walk(tree(name)) if isinstance(node, ast.FunctionDef)}

    assert methods & {"save", "delete", "clean", "full_clean"} == set()


def test_no_registry_and_no_machine_is_named() -> None:
    hosts = "|".join(("py" + "pi", "python" + "hosted", "npm" + "js", "deb" + "ian"))
    registry = re.compile(rf"({hosts})\.(org|com)", re.IGNORECASE)
    machine = re.compile(r"(^|[^A-Za-z0-9_.])/(" + "|".join(("wo" + "rk", "fa" + "rm", "ro" + "ot")) + ")/")
    guilty = []
    for name in FILES:
        content = (ROOT / name).read_bytes()
        if b"\0" in content or name.endswith((".gz", ".parquet")):
            continue
        text = content.decode("utf-8", "replace")
        if registry.search(text) or machine.search(text):
            guilty.append(name)

    assert guilty == []


@pytest.mark.parametrize("name", PYTHON)
def test_nothing_is_left_open(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX"))

    assert re.search(rf"#\s*({marks})", text) is None
