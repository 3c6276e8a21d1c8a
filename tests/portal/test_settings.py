"""Production refuses what must not start so: in the settings, a started server and a started worker."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "PORTAL_MODE": "production",
    "SECRET_KEY": "s" * 50,
    "PSEUDONYM_KEY": "p" * 32,
    "ALLOWED_HOSTS": "brokers.example.com",
    "DATABASE_URL": "postgres://portal_app:x@127.0.0.1:1/portal",
    "BROKER_URL": "redis://127.0.0.1:1/0",
}
REFUSED = [
    ({"DATABASE_URL": ""}, "DATABASE_URL is not set: production does not start the embedded PostgreSQL"),
    ({"BROKER_URL": ""}, "BROKER_URL is not set: production does not start the embedded Valkey"),
    ({"DEBUG": "True"}, "DEBUG must be off in production: set DEBUG=False"),
    (
        {"SECRET_KEY": ""},
        "SECRET_KEY is not set: production needs one of at least 50 random characters",
    ),
    (
        {"SECRET_KEY": "short"},
        "SECRET_KEY is too short: production needs at least 50 random characters",
    ),
    ({"TIME_ZONE": "Europe/Paris"}, "TIME_ZONE must be UTC: months begin and end in UTC"),
    (
        {"PSEUDONYM_KEY": ""},
        "PSEUDONYM_KEY must have at least 32 random characters and never change again",
    ),
    (
        {"ALLOWED_HOSTS": ""},
        "ALLOWED_HOSTS is not set: name the hosts of the portal, separated by commas",
    ),
]
STARTS = {
    "server": ["uvicorn", "portal.asgi:application", "--port", "0"],
    "worker": ["celery", "--app", "portal.celery", "worker", "--pool", "solo"],
    "beat": ["celery", "--app", "portal.celery", "beat"],
    "command": ["manage", "month_end", "2026-10"],
}


def start(kind: str, folder: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    program, *arguments = STARTS[kind]
    way = [str(ROOT / "manage.py")] if program == "manage" else ["-m", program]
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, *way, *arguments],
        cwd=ROOT,
        env=keep | GOOD | {"DATA_DIR": str(folder)} | changes,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("changes", "says"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_command_is_refused_in_one_line(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    ended = start("command", tmp_path, **changes)

    assert (ended.returncode, ended.stderr.splitlines()) == (2, [says])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["server", "worker", "beat"])
@pytest.mark.parametrize(
    ("changes", "says"), [REFUSED[0], REFUSED[2], REFUSED[3], REFUSED[5]], ids=lambda value: str(value)[:40]
)
def test_no_process_starts_so(tmp_path: Path, kind: str, changes: dict[str, str], says: str) -> None:
    ended = start(kind, tmp_path, **changes)

    assert ended.returncode != 0
    assert says in ended.stderr
    assert not (tmp_path / "postgres").exists()


def test_a_good_production_does_not_touch_the_embedded_servers(tmp_path: Path) -> None:
    ended = start("command", tmp_path)

    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert ended.stderr.startswith("the database does not answer: ")
    assert list(tmp_path.iterdir()) == []


def test_a_flag_is_true_or_false_and_nothing_else(tmp_path: Path) -> None:
    ended = start("command", tmp_path, DEBUG="yes")

    assert ended.stderr.splitlines() == ["DEBUG must be True or False, not 'yes'"]
