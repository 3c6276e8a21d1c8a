"""The portal's own PostgreSQL and Valkey under DATA_DIR: where they are, starting, reusing and
stopping them. Real servers from the wheels, no system packages; nothing here reads settings.

Servers outlive the command that started them; the next command reuses them. What a folder holds:
`servers.json` (ports and passwords), `running.json` (which processes are ours), `postgres/`,
`valkey/`, a log each, and the lock.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from portal import embedded_process as process
from portal.embedded_files import (
    LARGEST_LOG,
    EmbeddedError,
    Say,
    in_plain_words,
    locked,
    reason_in,
    size_of,
    trim,
)
from portal.embedded_postgres import Postgres
from portal.embedded_record import (
    Note,
    Record,
    new_record,
    read_notes,
    read_record,
    write_note,
)
from portal.embedded_valkey import Valkey

__all__ = [
    "NAMES",
    "Addresses",
    "EmbeddedError",
    "Status",
    "addresses",
    "data_dir",
    "start",
    "status",
    "stop",
]

NAMES = ("postgres", "valkey")
PATIENCE = 600.0  # seconds: recovery after a power failure may take minutes
SECONDS_BETWEEN_WORDS = 5.0

Server = Postgres | Valkey


@dataclass(frozen=True)
class Addresses:
    """Where the servers are, passwords included."""

    database_url: str
    database_owner_url: str
    broker_url: str


@dataclass(frozen=True)
class Status:
    """How one server is; its address is told without the password."""

    name: str
    title: str
    running: bool
    answering: bool
    pid: int | None
    address: str
    data: Path


class _EndedError(EmbeddedError):
    """A server ended while we waited for it to answer."""


def data_dir() -> Path:
    """The folder of everything the portal keeps on disk: DATA_DIR, or `var` beside the code."""
    given = os.environ.get("DATA_DIR", "").strip()
    beside_the_code = Path(__file__).absolute().parents[1] / "var"
    return Path(given).expanduser().absolute() if given else beside_the_code


def addresses(folder: Path) -> Addresses:
    """Where the servers are or will be; starts nothing.

    Ports and passwords are made at the first call. A port that something else has taken in the
    meantime is exchanged here, so that whoever reads addresses first and starts servers second
    holds the right ones.
    """
    folder = Path(folder).absolute()
    with in_plain_words(folder):
        record = read_record(folder)
        if record is None or any(_must_move(folder, record, name) for name in NAMES):
            folder.mkdir(parents=True, exist_ok=True)
            with locked(folder, _silent):
                record = _record(folder)
                for name in NAMES:
                    if _must_move(folder, record, name):
                        record = record.with_another_port(name)
                        record.write(folder)
        postgres, valkey = _server(folder, record, "postgres"), _server(folder, record, "valkey")
    database = f"127.0.0.1:{postgres.port}/portal"
    return Addresses(
        database_url=f"postgresql://portal_app:{record.app_password}@{database}",
        database_owner_url=f"postgresql://portal_owner:{record.owner_password}@{database}",
        broker_url=f"redis://:{record.valkey_password}@127.0.0.1:{valkey.port}/0",
    )


def _silent(_: str) -> None:
    pass


def start(folder: Path, *, postgres: bool = True, valkey: bool = True, say: Say = _silent) -> frozenset[str]:
    """Start the servers, or reuse them; return the names of those that this call started.

    Returns only when all of them answer. Any number of processes may call this at once.
    """
    folder = Path(folder).absolute()
    names = [name for name, wanted in zip(NAMES, (postgres, valkey), strict=True) if wanted]
    with in_plain_words(folder):
        if all(_is_ready(folder, name) for name in names):
            return frozenset()
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, say):
            return frozenset(name for name in names if _start_one(folder, name, say))


def stop(folder: Path, names: Iterable[str] = NAMES, *, say: Say = _silent) -> frozenset[str]:
    """End the servers, PostgreSQL cleanly; return the names of those that ran. Only our own end."""
    folder = Path(folder).absolute()
    with in_plain_words(folder):
        record = read_record(folder)
        if record is None:
            return frozenset()
        with locked(folder, say):
            return frozenset(
                name
                for name in NAMES
                if name in set(names) and _stop_one(folder, _server(folder, record, name), say)
            )


def status(folder: Path) -> tuple[Status, ...]:
    """How each server is, without starting or making anything."""
    folder = Path(folder).absolute()
    with in_plain_words(folder):
        record = read_record(folder)
        told: list[Status] = []
        for name in NAMES:
            server = _server(folder, record or Record(0, "", "", "", 0, ""), name)
            pid = _pid_of(folder, server) if record else None
            scheme, path = ("postgresql", "portal") if name == "postgres" else ("redis", "0")
            told.append(
                Status(
                    name=name,
                    title=server.title,
                    running=pid is not None,
                    answering=pid is not None and server.answers(),
                    pid=pid,
                    address=f"{scheme}://127.0.0.1:{server.port}/{path}" if record else "",
                    data=server.data,
                )
            )
        return tuple(told)


# -- one server -------------------------------------------------------------------------------


def _is_ready(folder: Path, name: str) -> bool:
    """The short way: it was made ready, it is the same process, it answers now."""
    record, note = read_record(folder), read_notes(folder).get(name)
    if record is None or note is None or not note.ready or note.born != process.birth(note.pid):
        return False
    server = _server(folder, record, name)
    at_home = server.port == record.port(name) and size_of(server.log) <= LARGEST_LOG
    return at_home and server.answers()


def _start_one(folder: Path, name: str, say: Say) -> bool:
    for attempt in (1, 2, 3):
        record = _record(folder)
        server = _server(folder, record, name)
        trim(server.log)
        since = size_of(server.log)
        pid = _pid_of(folder, server)
        started = pid is None
        if pid is None:
            server = _at_a_free_port(folder, record, server)
            server.prepare(say)
            pid = server.spawn()
        elif server.port != record.port(name):
            raise EmbeddedError(
                f"{server.title} already runs on port {record.port(name)} but"
                f" {server.port_variable} asks for {server.port}: run `manage.py servers stop`."
            )
        note = Note(pid, process.birth(pid) or "", ready=False)
        write_note(folder, name, note)
        try:
            _await_answer(server, pid, since, say)
        except _EndedError:
            # Lost the port between looking and taking it; anything else is for people.
            if attempt == 3 or process.is_free(server.port):
                raise
            continue
        server.settle()
        write_note(folder, name, replace(note, ready=True))
        return started
    raise AssertionError("the last attempt returns or raises")


def _await_answer(server: Server, pid: int, since: int, say: Say) -> None:
    began = told = time.monotonic()
    while True:
        answers = server.answers()
        if process.birth(pid) is None:  # looked at last: another's answer on our port is no answer
            reason = reason_in(server.log, since) or "without a word"
            raise _EndedError(
                f"{server.title} did not start ({reason}): put that right and start again; its log"
                f" is {server.log}."
            )
        if answers:
            return
        now = time.monotonic()
        if now - began > PATIENCE:
            raise EmbeddedError(
                f"{server.title} (process {pid}) has not answered for {PATIENCE:.0f} seconds: read"
                f" {server.log}, then run `manage.py servers stop` and start again."
            )
        if now - told >= SECONDS_BETWEEN_WORDS:
            say(f"Waiting for {server.title} to answer, {now - began:.0f} s so far ({server.log}).")
            told = now
        time.sleep(0.03)


def _stop_one(folder: Path, server: Server, say: Say) -> bool:
    pid = _pid_of(folder, server)
    born = None if pid is None else process.birth(pid)
    if pid is None or born is None:
        return False
    say(f"Stopping {server.title}.")
    if not process.end(pid, born, server.ways_to_end):
        raise EmbeddedError(
            f"{server.title} (process {pid}) does not end: read {server.log}, then end it yourself."
        )
    write_note(folder, server.name, None)
    return True


def _pid_of(folder: Path, server: Server) -> int | None:
    """The server's process if it is proved ours: noted with its birth, or at work in our folder."""
    note = read_notes(folder).get(server.name)
    if note is not None and note.born == process.birth(note.pid):
        return note.pid
    return server.unrecorded()


# -- where it listens -------------------------------------------------------------------------


def _record(folder: Path) -> Record:
    """The record, made if there is none; the caller holds the lock."""
    record = read_record(folder)
    if record is None:
        record = new_record()
        record.write(folder)
    return record


def _server(folder: Path, record: Record, name: str) -> Server:
    """The server as recorded, on the port that the environment demands if it demands one."""
    if name == "postgres":
        return Postgres(
            folder,
            process.fixed_port(Postgres.port_variable) or record.postgres_port,
            record.postgres_password,
            record.owner_password,
            record.app_password,
        )
    port = process.fixed_port(Valkey.port_variable) or record.valkey_port
    return Valkey(folder, port, record.valkey_password)


def _must_move(folder: Path, record: Record, name: str) -> bool:
    """Whether another program has the recorded port, and we may choose one."""
    server = _server(folder, record, name)
    return (
        process.fixed_port(server.port_variable) is None
        and not process.is_free(server.port)
        and _pid_of(folder, server) is None
    )


def _at_a_free_port(folder: Path, record: Record, server: Server) -> Server:
    """The server where it can listen, written down before it does; the caller holds the lock."""
    if process.is_free(server.port):
        moved = record.with_port(server.name, server.port)
    elif process.fixed_port(server.port_variable) is not None:
        raise EmbeddedError(
            f"Port {server.port} for {server.title} is taken by another program: end that, or"
            f" change {server.port_variable}."
        )
    else:
        moved = record.with_another_port(server.name)
    if moved != record:
        moved.write(folder)
    return _server(folder, moved, server.name)
