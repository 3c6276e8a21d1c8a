"""The Makefile: what it gates is what the house calls pure, and without a browser it says so."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.house.test_imports import PURE

ROOT = Path(__file__).resolve().parents[2]
#: One sentence and a class: no branch to cover.
WITHOUT_BRANCHES = {"payouts.refusal"}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def would_run(target: str, *variables: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", target, *variables],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_pure_module_is_under_the_gate_of_coverage() -> None:
    found = re.search(r"--include=(\S+) --fail-under=100", would_run("test"))
    assert found is not None
    gated = found[1].split(",")

    assert {name.removesuffix(".py").replace("/", ".") for name in gated} == set(PURE) - WITHOUT_BRANCHES
    assert [name for name in gated if not (ROOT / name).is_file()] == []


def test_the_tests_of_the_rules_run_once_and_watched_and_all_others_without_them() -> None:
    watched, others = (
        line for line in would_run("test").replace("\\\n", "").splitlines() if " -m pytest " in line
    )
    named = re.findall(r" (tests/\S+\.py)", watched)

    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert re.findall(r"--ignore=(\S+)", others) == named
    assert "--cov" not in others


def test_without_chromium_journeys_are_left_out_and_it_is_said() -> None:
    without = would_run("test", "CHROMIUM=")

    assert '-m "not fault and not long and not journey"' in without
    assert "No Chromium here" in without
    assert 'if [ "$CI" = true ]' in without
    assert '-m "not fault and not long"' in would_run("test", "CHROMIUM=/usr/bin/chromium")


def test_the_demo_is_what_make_demo_runs() -> None:
    assert would_run("demo").splitlines()[-1] == ".venv/bin/python manage.py demo"
