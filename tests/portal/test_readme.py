"""Every command of the README is run here as it is written there."""

import gzip
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import yaml
from django.conf import settings
from django.test import Client

from tests import databases, make
from tests.exchange import PRIVATE_KEY

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SAMPLE = ROOT / "tests" / "data" / "sample"
BIN = Path(sys.executable).parent


def blocks(language: str, *, bare: bool = False) -> list[list[str]]:
    """The code blocks of a language, as lines without comments; bare: as they are."""
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", README, flags=re.DOTALL | re.MULTILINE)
    if bare:
        return [block.splitlines() for block in found]
    return [
        [line.split("#")[0].strip() for line in block.splitlines() if line.split("#")[0].strip()]
        for block in found
    ]


def test_the_readme_has_the_commands_that_are_run_here() -> None:
    assert blocks("sh") == [
        ["make demo", "make test"],
        [
            "python manage.py import_brokers brokers.csv",
            "python manage.py ingest_fills fills.ndjson",
            "python manage.py month_end 2026-10 --json",
            "python manage.py statement 1400 2026-10 --format csv --output statement.csv",
            "python manage.py check_books",
        ],
        [
            "uvicorn portal.asgi:application --host 0.0.0.0 --port 8000 --proxy-headers --no-access-log",
            "celery --app portal.celery worker --loglevel INFO",
            "celery --app portal.celery beat --loglevel INFO",
        ],
        ["python manage.py make_service_token prometheus --scope metrics:read --days 365"],
        ["python manage.py make_service_token order-gateway --days 90"],
    ]


def test_the_example_is_the_one_that_the_engines_readme_works_out() -> None:
    engine = (ROOT / "payouts" / "README.md").read_text(encoding="utf-8")
    example = README[README.index("**Tier.**") : README.index("has the words, the formula")]
    paragraphs = [each for each in example.split("\n\n")[:3] if each.strip()]

    assert len(paragraphs) == 3
    for paragraph in paragraphs:
        assert paragraph in engine


def test_the_two_commands_are_targets_of_make() -> None:
    for command in blocks("sh")[0]:
        planned = subprocess.run(
            [*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True
        )

        assert "manage.py demo" in planned.stdout or "pytest" in planned.stdout


def test_a_file_of_fills_becomes_payouts_as_the_readme_says(committed_db: str, tmp_path: Path) -> None:
    (tmp_path / "brokers.csv").write_bytes((SAMPLE / "brokers.csv").read_bytes())
    (tmp_path / "fills.ndjson").write_bytes(gzip.decompress((SAMPLE / "fills.ndjson.gz").read_bytes()))
    answers = []
    for command in blocks("sh")[1]:
        words = command.replace("python manage.py", f"{sys.executable} {ROOT / 'manage.py'}").split()
        done = subprocess.run(
            words,
            cwd=tmp_path,
            env=os.environ | {"DATABASE_URL": committed_db},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(done.stdout.splitlines()[-1])

    assert json.loads(answers[0]) == {"imported": 13, "unchanged": 0}
    assert json.loads(answers[1])["accepted"] == 20_460
    assert json.loads(answers[2])["payouts"][0]["payout"] == "0.10"
    assert answers[3] == "statement.csv"
    assert (tmp_path / "statement.csv").read_bytes().startswith(b"row,month,broker,")
    assert json.loads(answers[4]) == {"breaches": []}


def token_made(command: str, database: str) -> str:
    words = command.replace("python manage.py", f"{sys.executable} {ROOT / 'manage.py'}").split()
    environment = os.environ | {"DATABASE_URL": database}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    token: str = json.loads(done.stdout.splitlines()[-1])["token"]
    return token


def test_prometheus_comes_in_as_the_readme_says(committed_db: str) -> None:
    (command,) = blocks("sh")[3]
    (job,) = yaml.safe_load("\n".join(blocks("yaml", bare=True)[0]))["scrape_configs"]

    answer = Client().get(
        "/metrics", headers={"Authorization": f"Bearer {token_made(command, committed_db)}"}
    )

    assert (job["job_name"], list(job["authorization"])) == ("broker-portal", ["credentials_file"])
    assert answer.status_code == 200
    assert b"portal_database_up 1.0" in answer.content


def test_the_gateway_comes_in_as_the_readme_says(committed_db: str) -> None:
    (command,) = blocks("sh")[4]
    token = token_made(command, committed_db)
    make.broker(code=1400, enrolled_at=datetime(2026, 9, 1, tzinfo=UTC))
    ask, authorization, condition = blocks("http")[0]
    name, _, _form = authorization.partition(": Bearer bpk_codes_")
    headers = {name: f"Bearer {token}"}

    answer = Client().get(ask.split()[1], headers=headers)
    again = Client().get(ask.split()[1], headers=headers | {condition.split(":")[0]: answer["ETag"]})

    assert [answer.content.decode()] == blocks("json")[0]
    assert again.status_code == 304


@pytest.fixture
def production(tmp_path: Path, django_db_setup: None) -> Iterator[dict[str, str]]:
    """The environment of a production with servers of its own: an empty database, two roles, a queue."""
    name = databases.own_name("production")
    owner, app = settings.DATABASE_OWNER, settings.DATABASES["default"]

    def url(role: dict[str, str], database: str) -> str:
        return f"postgres://{role['USER']}:{role['PASSWORD']}@{role['HOST']}:{role['PORT']}/{database}"

    with psycopg.connect(url(owner, "portal"), autocommit=True) as server:
        databases.drop(server, name)
        server.execute(f"CREATE DATABASE {name} OWNER portal_owner")
        try:
            yield {
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "PORTAL_MODE": "production",
                "SECRET_KEY": secrets.token_urlsafe(64),
                "PSEUDONYM_KEY": "p" * 32,
                "STATEMENT_KEY": "c3RhdGVtZW50cyBhcmUgc2lnbmVkIHdpdGggdGhpcyE=",
                "ALLOWED_HOSTS": "localhost",
                "DATABASE_URL": url(app, name),
                "DATABASE_OWNER_URL": url(owner, name),
                "BROKER_URL": settings.CELERY_BROKER_URL,
                "PORTAL_URL": "https://localhost",
                "EMAIL_URL": "smtps://portal:word@localhost:465",
                "DEFAULT_FROM_EMAIL": "brokers@example.com",
                "EXCHANGE_URL": "https://localhost",
                "EXCHANGE_PRIVATE_KEY": PRIVATE_KEY,
                "DATA_DIR": str(tmp_path / "data"),
            }
        finally:
            databases.drop(server, name)


@contextmanager
def running(command: str, environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    program, *arguments = command.split()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(BIN / program), *arguments], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def wait_for(log: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 40
    while words not in log.read_text(encoding="utf-8", errors="replace"):
        assert process.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < until, log.read_text(encoding="utf-8", errors="replace")
        time.sleep(0.1)


@pytest.mark.long
def test_production_runs_as_the_readme_says(production: dict[str, str], tmp_path: Path) -> None:
    manage = [sys.executable, str(ROOT / "manage.py")]
    for command in ("migrate", "collectstatic --noinput", "check --deploy --fail-level WARNING"):
        done = subprocess.run(
            [*manage, *command.split()], env=production, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    web, worker, beat = blocks("sh")[2]
    web = web.replace("--host 0.0.0.0", "--host 127.0.0.1").replace("8000", str(port))
    logs = [tmp_path / f"{name}.log" for name in ("web", "worker", "beat")]
    with (
        running(web, production | {"SECURE_SSL_REDIRECT": "False"}, logs[0]) as serving,
        running(worker, production, logs[1]) as working,
        running(f"{beat} --schedule {tmp_path / 'ticks'}", production, logs[2]) as ticking,
    ):
        wait_for(logs[0], "Uvicorn running", serving)
        with urllib.request.urlopen(f"http://localhost:{port}/accounts/login/") as page:
            assert page.status == 200
        wait_for(logs[1], "ready", working)
        wait_for(logs[2], "beat: Starting", ticking)


def test_commands_never_migrate_a_given_database(production: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check_books"],
        env=production,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["the database is not up to date: run `python manage.py migrate` first"],
    )
