"""What portal.embedded writes down: ports and passwords in `servers.json`, our processes in
`running.json`. Standard library only."""

import json
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from portal.embedded_files import EmbeddedError, write_private
from portal.embedded_process import free_port


@dataclass(frozen=True)
class Record:
    """Where the servers listen and what they ask for. Written before a server starts on a port."""

    postgres_port: int
    postgres_password: str
    owner_password: str
    app_password: str
    valkey_port: int
    valkey_password: str

    def port(self, name: str) -> int:
        return self.postgres_port if name == "postgres" else self.valkey_port

    def with_port(self, name: str, port: int) -> "Record":
        if name == "postgres":
            return replace(self, postgres_port=port)
        return replace(self, valkey_port=port)

    def with_another_port(self, name: str) -> "Record":
        return self.with_port(name, free_port(apart_from=(self.postgres_port, self.valkey_port)))

    def write(self, folder: Path) -> None:
        write_private(_servers(folder), json.dumps(asdict(self), indent=2) + "\n")


@dataclass(frozen=True)
class Note:
    """A process we started: `born` tells it from any other that ever has its id."""

    pid: int
    born: str
    ready: bool


def _servers(folder: Path) -> Path:
    return folder / "servers.json"


def new_record() -> Record:
    port = free_port()
    return Record(
        postgres_port=port,
        postgres_password=secrets.token_urlsafe(24),
        owner_password=secrets.token_urlsafe(24),
        app_password=secrets.token_urlsafe(24),
        valkey_port=free_port(apart_from=(port,)),
        valkey_password=secrets.token_urlsafe(24),
    )


def read_record(folder: Path) -> Record | None:
    """The record; None where nothing was ever made."""
    path = _servers(folder)
    try:
        return Record(**json.loads(path.read_text()))
    except FileNotFoundError:
        if (folder / "postgres").exists():
            raise EmbeddedError(
                f"{path} is lost, and with it the passwords of the database beside it: put it back"
                f" from a backup, or move {folder} away to begin with an empty database."
            ) from None
        return None
    except (ValueError, TypeError) as error:
        raise EmbeddedError(
            f"{path} is damaged: put it back from a backup, or move {folder} away to begin with an"
            " empty database."
        ) from error


def read_notes(folder: Path) -> dict[str, Note]:
    # Lost or damaged notes do no harm: our processes are found again by where they work.
    with suppress(FileNotFoundError, ValueError, TypeError, AttributeError):
        noted = json.loads((folder / "running.json").read_text())
        return {name: Note(**note) for name, note in noted.items()}
    return {}


def write_note(folder: Path, name: str, note: Note | None) -> None:
    """Note a process, or strike the note out."""
    notes = {key: asdict(value) for key, value in read_notes(folder).items() if key != name}
    if note is not None:
        notes[name] = asdict(note)
    write_private(folder / "running.json", json.dumps(notes, indent=2) + "\n")
