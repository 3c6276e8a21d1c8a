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
    "STATEMENT_KEY": "c3RhdGVtZW50cyBhcmUgc2lnbmVkIHdpdGggdGhpcyE=",
    "ALLOWED_HOSTS": "brokers.example.com",
    "DATABASE_URL": "postgres://portal_app:x@127.0.0.1:1/portal",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "PORTAL_URL": "https://brokers.example.com",
    "EMAIL_URL": "smtps://portal:x@127.0.0.1:1",
    "DEFAULT_FROM_EMAIL": "brokers@example.com",
    "EXCHANGE_URL": "https://api.exchange.example",
    "EXCHANGE_PRIVATE_KEY": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
}
NOT_AN_ADDRESS = "is not an address like https://host.example.com, without a path"
NOT_A_MAIL_SERVER = "EMAIL_URL is not an address like smtps://name:password@mail.example.com:465"
NOT_A_SENDER = "DEFAULT_FROM_EMAIL is not a sender like Brokers <brokers@example.com>"
NOT_A_KEY = "EXCHANGE_PRIVATE_KEY is not an ED25519 key: give its 32 secret bytes in base64"
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
        {"STATEMENT_KEY": ""},
        "STATEMENT_KEY is not set: statements are signed with its 32 secret bytes in base64",
    ),
    (
        {"STATEMENT_KEY": "AQID"},
        "STATEMENT_KEY is not an ED25519 key: give its 32 secret bytes in base64",
    ),
    (
        {"ALLOWED_HOSTS": ""},
        "ALLOWED_HOSTS is not set: name the hosts of the portal, separated by commas",
    ),
    (
        {"PORTAL_URL": ""},
        "PORTAL_URL is not set: the links in letters begin with it, like https://brokers.example.com",
    ),
    (
        {"PORTAL_URL": "http://brokers.example.com"},
        "PORTAL_URL must begin with https://: what goes there must not be read on the way",
    ),
    ({"PORTAL_URL": "brokers.example.com"}, f"PORTAL_URL {NOT_AN_ADDRESS}"),
    ({"PORTAL_URL": "https://brokers.example.com/portal"}, f"PORTAL_URL {NOT_AN_ADDRESS}"),
    ({"PORTAL_URL": "https://name:word@brokers.example.com"}, f"PORTAL_URL {NOT_AN_ADDRESS}"),
    ({"PORTAL_URL": "https://brokers.example.com:port"}, f"PORTAL_URL {NOT_AN_ADDRESS}"),
    ({"PORTAL_URL": "javascript:alert(1)"}, f"PORTAL_URL {NOT_AN_ADDRESS}"),
    (
        {"EMAIL_URL": ""},
        "EMAIL_URL is not set: letters leave by it, like smtps://name:password@mail.example.com:465",
    ),
    ({"EMAIL_URL": "mail.example.com:25"}, NOT_A_MAIL_SERVER),
    ({"EMAIL_URL": "https://mail.example.com"}, NOT_A_MAIL_SERVER),
    ({"EMAIL_URL": "smtps://"}, NOT_A_MAIL_SERVER),
    ({"EMAIL_URL": "smtps://mail.example.com:smtp"}, NOT_A_MAIL_SERVER),
    (
        {"EMAIL_URL": "smtp://portal:word@mail.example.com"},
        "EMAIL_URL would send its password in the clear: write smtps:// or smtp+tls://",
    ),
    (
        {"EMAIL_URL": "smtp://relay.example.com"},
        "EMAIL_URL would send letters in the clear: write smtps:// or smtp+tls://",
    ),
    (
        {"EMAIL_URL": "smtp://localhost.example.com"},
        "EMAIL_URL would send letters in the clear: write smtps:// or smtp+tls://",
    ),
    (
        {"DEFAULT_FROM_EMAIL": ""},
        "DEFAULT_FROM_EMAIL is not set: letters come from it, like Brokers <brokers@example.com>",
    ),
    ({"DEFAULT_FROM_EMAIL": "Brokers"}, NOT_A_SENDER),
    ({"DEFAULT_FROM_EMAIL": "Brokers <brokers@example.com>\nBcc: all@example.com"}, NOT_A_SENDER),
    (
        {"EXCHANGE_URL": ""},
        "EXCHANGE_URL is not set: accounts are looked up there, like https://api.exchange.example",
    ),
    (
        {"EXCHANGE_URL": "http://api.exchange.example"},
        "EXCHANGE_URL must begin with https://: what goes there must not be read on the way",
    ),
    ({"EXCHANGE_URL": "api.exchange.example"}, f"EXCHANGE_URL {NOT_AN_ADDRESS}"),
    ({"EXCHANGE_URL": "https://api.exchange.example?a=b"}, f"EXCHANGE_URL {NOT_AN_ADDRESS}"),
    ({"EXCHANGE_URL": "https://[::1"}, f"EXCHANGE_URL {NOT_AN_ADDRESS}"),
    (
        {"EXCHANGE_PRIVATE_KEY": ""},
        "EXCHANGE_PRIVATE_KEY is not set: questions to the exchange are signed with it",
    ),
    ({"EXCHANGE_PRIVATE_KEY": "not base64!"}, NOT_A_KEY),
    ({"EXCHANGE_PRIVATE_KEY": "AQIDBAUGBwg="}, NOT_A_KEY),
    (
        {"PORTAL_DEMO": "True"},
        "PORTAL_DEMO must not be set in production: it shows the demo's codes and letters",
    ),
    (
        {"CRASH_POINT": "run: claimed"},
        "CRASH_POINT must not be set in production: it kills the process on purpose",
    ),
]
#: What a development may not have either.
REFUSED_ANYWHERE = [
    ({"EXCHANGE_PRIVATE_KEY": ""}, "EXCHANGE_URL and EXCHANGE_PRIVATE_KEY go together: set both, or none"),
    ({"EXCHANGE_URL": ""}, "EXCHANGE_URL and EXCHANGE_PRIVATE_KEY go together: set both, or none"),
    ({"EXCHANGE_PRIVATE_KEY": "AQID"}, NOT_A_KEY),
    ({"EXCHANGE_URL": "ftp://127.0.0.1"}, f"EXCHANGE_URL {NOT_AN_ADDRESS}"),
    ({"PORTAL_URL": "localhost:8000"}, f"PORTAL_URL {NOT_AN_ADDRESS}"),
    ({"EMAIL_URL": "mail.example.com"}, NOT_A_MAIL_SERVER),
    ({"PORTAL_DEMO": "yes"}, "PORTAL_DEMO must be True or False, not 'yes'"),
]
GOES = [
    {"EXCHANGE_URL": "http://localhost:9000"},  # a proxy on the same machine ends TLS
    {"EXCHANGE_URL": "http://[::1]:9000/"},
    {"EXCHANGE_URL": "https://api.exchange.example:8443/"},
    {"PORTAL_URL": "https://brokers.example.com/"},
    {"PORTAL_URL": "http://localhost:8000"},
    {"EMAIL_URL": "smtp://localhost"},  # a relay on the same machine adds TLS
    {"EMAIL_URL": "smtp://[::1]:1025"},
    {"PORTAL_MODE": "development", "EMAIL_URL": "smtp://relay.example.com"},
    {"EMAIL_URL": "smtp+tls://portal:pass%2Fword@mail.example.com"},
    {"EMAIL_URL": "smtp://portal:word@localhost:1025"},
    {"DEFAULT_FROM_EMAIL": "Backpack broker portal <brokers@example.com>"},
    {"PORTAL_DEMO": "False"},
    {"CRASH_POINT": ""},
    {"PORTAL_MODE": "development", "CRASH_POINT": "run: claimed"},
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
        timeout=180,
        check=False,
    )


@pytest.mark.parametrize(("changes", "says"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_command_is_refused_in_one_line(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    ended = start("command", tmp_path, **changes)

    assert (ended.returncode, ended.stderr.splitlines()) == (2, [says])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("changes", "says"), REFUSED_ANYWHERE, ids=lambda value: str(value)[:40])
def test_so_it_is_in_development(tmp_path: Path, changes: dict[str, str], says: str) -> None:
    ended = start("command", tmp_path, **({"PORTAL_MODE": "development"} | changes))

    assert (ended.returncode, ended.stderr.splitlines()) == (2, [says])


@pytest.mark.parametrize("changes", GOES, ids=str)
def test_what_is_good_goes_as_far_as_the_database(tmp_path: Path, changes: dict[str, str]) -> None:
    ended = start("command", tmp_path, **changes)

    assert ended.stderr.startswith("the database does not answer: ")


@pytest.mark.parametrize("name", ["SECRET_KEY", "STATEMENT_KEY", "EXCHANGE_PRIVATE_KEY", "EMAIL_URL"])
def test_a_refusal_does_not_repeat_a_secret(tmp_path: Path, name: str) -> None:
    ended = start("command", tmp_path, **{name: "smtps://a:hunter2"})

    assert ended.returncode == 2
    assert "hunter2" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("kind", ["server", "worker", "beat"])
@pytest.mark.parametrize(
    ("changes", "says"),
    [REFUSED[0], REFUSED[2], REFUSED[3], REFUSED[5], REFUSED[-1]],
    ids=lambda value: str(value)[:40],
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
