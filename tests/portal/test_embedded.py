"""The embedded servers as everyone meets them: addresses, start, reuse, rights, stop, command."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from portal import embedded
from portal import embedded_process as process
from tests.portal import embedded_servers as servers

COMMAND = """
import sys
from django.conf import settings
settings.configure()
from portal.management.commands.servers import Command
Command().run_from_argv(["manage.py", "servers", sys.argv[1]])
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("running") / "var"
    with servers.folder_with_servers(folder):
        assert embedded.start(folder) == {"postgres", "valkey"}
        yield folder


def command(action: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", COMMAND, action],
        cwd=servers.PROJECT,
        env={**os.environ, "DATABASE_URL": "", "BROKER_URL": "", "DATA_DIR": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_addresses_start_nothing_and_stay_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "var"
    first = embedded.addresses(folder)
    assert embedded.addresses(folder) == first
    assert first.database_url.startswith("postgresql://portal_app:")
    assert first.database_owner_url.startswith("postgresql://portal_owner:")
    assert first.broker_url.startswith("redis://:")
    assert sorted(path.name for path in folder.iterdir()) == ["servers.json", "servers.lock"]
    assert stat.S_IMODE((folder / "servers.json").stat().st_mode) == 0o600
    assert [one.running for one in embedded.status(folder)] == [False, False]


def test_status_of_nothing_makes_nothing(tmp_path: Path) -> None:
    assert [one.running for one in embedded.status(tmp_path / "var")] == [False, False]
    assert embedded.stop(tmp_path / "var") == frozenset()
    assert not (tmp_path / "var").exists()


def test_data_dir_is_absolute_and_var_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATA_DIR", raising=False)
    assert embedded.data_dir() == servers.PROJECT / "var"
    monkeypatch.setenv("DATA_DIR", "elsewhere")
    assert embedded.data_dir() == Path.cwd() / "elsewhere"


def test_a_second_start_reuses_at_once(running: Path) -> None:
    before = servers.note(running, "postgres"), servers.note(running, "valkey")
    began = time.perf_counter()
    assert embedded.start(running) == frozenset()
    assert time.perf_counter() - began < 0.05
    assert before == (servers.note(running, "postgres"), servers.note(running, "valkey"))


def test_the_cluster_is_what_money_needs(running: Path) -> None:
    url = embedded.addresses(running).database_url
    for name, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "pglz",
        "max_connections": "200",
        "work_mem": "64MB",
        "jit": "off",
        "listen_addresses": "127.0.0.1",
        "log_lock_waits": "on",
    }.items():
        assert servers.ask(url, f"SHOW {name}") == value, name
    assert servers.ask(url, "SELECT datlocale FROM pg_database WHERE datname = 'portal'") == "C.UTF-8"
    assert servers.ask(url, "SELECT upper('ärger')") == "ÄRGER"
    assert str(servers.ask(url, "SHOW server_version")).startswith("18.")


def test_the_application_may_connect_and_nothing_else(running: Path) -> None:
    url = embedded.addresses(running).database_url
    for forbidden in (
        "CREATE TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        "SET ROLE portal_owner",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            servers.ask(url, forbidden)


def test_the_owner_makes_tables_and_databases_but_rules_nobody(running: Path) -> None:
    with servers.as_owner(running) as owner:
        owner.execute("CREATE TABLE ours (n int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            servers.ask(embedded.addresses(running).database_url, "SELECT n FROM ours")
        owner.execute("GRANT SELECT ON ours TO portal_app")
        assert servers.ask(embedded.addresses(running).database_url, "SELECT count(*) FROM ours") == 0
        owner.execute("DROP TABLE ours")
        owner.execute("CREATE DATABASE copied TEMPLATE template1")
        owner.execute("DROP DATABASE copied")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("CREATE ROLE mine")
        rights = owner.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles"
            " WHERE rolname LIKE 'portal_%' ORDER BY 1"
        )
        assert rights.fetchall() == [
            ("portal_app", False, False, False, False),
            ("portal_owner", False, True, False, False),
        ]


def test_postgres_wants_the_password(running: Path) -> None:
    url = embedded.addresses(running).database_url
    password = str(servers.recorded(running)["app_password"])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        servers.ask(url.replace(password, "guess"), "SELECT 1")
    for word in servers.recorded(running).values():
        assert str(word) not in (running / "postgres.log").read_text() or isinstance(word, int)


def test_valkey_wants_the_password_and_keeps_it_from_the_process_list(running: Path) -> None:
    port = int(str(servers.recorded(running)["valkey_port"]))
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis.from_url(embedded.addresses(running).broker_url) as ours:
        assert ours.set("written", "down")
        assert ours.config_get("bind")["bind"] == "127.0.0.1"
        assert ours.config_get("save")["save"] == ""
    told = Path(f"/proc/{servers.note(running, 'valkey').pid}/cmdline").read_bytes()
    assert str(servers.recorded(running)["valkey_password"]).encode() not in told


def test_secrets_are_private_and_no_server_is_root(running: Path) -> None:
    for name in ("servers.json", "running.json", "postgres.log", "valkey.log"):
        assert stat.S_IMODE((running / name).stat().st_mode) == 0o600, name
    for name in embedded.NAMES:
        assert stat.S_IMODE((running / name).stat().st_mode) == 0o700, name
        owner = Path(f"/proc/{servers.note(running, name).pid}").stat().st_uid
        assert owner == (running / name).stat().st_uid != 0


def test_servers_keep_nothing_of_the_process_that_started_them(tmp_path: Path) -> None:
    with servers.folder_with_servers(tmp_path / "var") as folder:
        lent, kept = os.pipe()
        os.set_inheritable(kept, True)
        starter = subprocess.Popen(
            [sys.executable, "-c", servers.START, str(folder)],
            cwd=servers.PROJECT,
            env={**os.environ, "PYTHONPATH": str(servers.PROJECT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[kept],
            text=True,
        )
        said, _ = starter.communicate(timeout=60)  # hangs if a server holds the pipe
        assert said == "postgres valkey\n"
        pipe = os.readlink(f"/proc/self/fd/{kept}")
        for name in embedded.NAMES:
            pid = servers.note(folder, name).pid
            held = {os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()}
            assert pipe not in held
            assert not any(str(folder / "servers.lock") == path for path in held)
            assert os.getsid(pid) not in (os.getsid(0), starter.pid)  # Ctrl-C does not reach it
        os.close(lent)
        os.close(kept)
        assert embedded.start(folder) == frozenset()


def test_two_processes_at_once_start_one_server(tmp_path: Path) -> None:
    with servers.folder_with_servers(tmp_path / "var") as folder:
        callers = [servers.python(servers.START, folder) for _ in range(3)]
        said = [caller.communicate(timeout=60) for caller in callers]
        assert sorted(words for words, _ in said) == ["\n", "\n", "postgres valkey\n"], said
        assert [caller.returncode for caller in callers] == [0, 0, 0]
        postmasters = [
            pid
            for pid in process.all_in("postgres", folder / "postgres")
            if b"postgres: " not in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert postmasters == [servers.note(folder, "postgres").pid]
        assert len(process.all_in("valkey-server", folder / "valkey")) == 1


def test_one_server_alone_and_stop(tmp_path: Path) -> None:
    with servers.folder_with_servers(tmp_path / "var") as folder:
        assert embedded.start(folder, postgres=False) == {"valkey"}
        assert [one.running for one in embedded.status(folder)] == [False, True]
        assert embedded.start(folder) == {"postgres"}
        assert all("@" not in one.address and one.answering for one in embedded.status(folder))
        pid = servers.note(folder, "valkey").pid
        assert embedded.stop(folder, ["valkey"]) == {"valkey"}
        assert servers.ended(pid)()
        assert embedded.stop(folder) == {"postgres"}
        assert embedded.stop(folder) == frozenset()
        assert "database system is shut down" in (folder / "postgres.log").read_text()


def test_a_command_starts_shows_and_stops(tmp_path: Path) -> None:
    with servers.folder_with_servers(tmp_path / "var") as folder:
        assert command("status", folder).returncode == 1
        began = command("start", folder)
        assert (began.returncode, began.stderr) == (0, "")
        assert "PostgreSQL: started at postgresql://127.0.0.1:" in began.stdout
        assert "Valkey: already running" in command("start", folder).stdout
        shown = command("status", folder)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert shown.stdout.count(": running at ") == 2
        for secret in servers.recorded(folder).values():
            assert isinstance(secret, int) or secret not in began.stdout + shown.stdout
        assert command("stop", folder).stdout.endswith("PostgreSQL: stopped\nValkey: stopped\n")
        assert "Valkey: was not running" in command("stop", folder).stdout


def test_the_command_leaves_given_servers_alone(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgresql://me:hidden@db/x", "BROKER_URL": "redis://:hidden@mq/0"}
    for action in ("start", "status"):
        answer = command(action, tmp_path / "var", **given)
        assert answer.returncode == 0, answer.stderr
        assert "set to use the server of DATABASE_URL, not its own PostgreSQL" in answer.stdout
        assert "set to use the server of BROKER_URL, not its own Valkey" in answer.stdout
        assert "hidden" not in answer.stdout
    assert not (tmp_path / "var").exists()


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    answer = command("start", tmp_path / "var")
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "is a file, not a folder" in answer.stderr
