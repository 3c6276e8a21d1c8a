"""Processes for portal.embedded: starts them detached, proves which are ours, ends only those.
Standard library only."""

import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from portal.embedded_files import Account, EmbeddedError

_PROC = Path("/proc")
#: A process whose current folder this is needs no right to the folders above it.
_CURRENT_FOLDER = Path("/proc/self/cwd")
#: The shell ends at once, so that the server is nobody's child: no zombie, no shared terminal. Its
#: standard output is the caller's pipe, which the server must not keep: it writes to the log.
_DETACH = 'exec 3<&0; "$@" <&3 3<&- >&2 & echo $!'


def own_folder(folder: Path) -> str:
    """How a process whose current folder is `folder` names it, closed parent folders or not."""
    return str(_CURRENT_FOLDER if _CURRENT_FOLDER.exists() else folder)


def account_for(folder: Path) -> Account:
    """Whom the server in the folder runs as: its owner; as root, never root."""
    owner = folder.stat() if folder.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise EmbeddedError(
                f"{folder} belongs to another user: start the servers as that user or as root, or"
                " set DATA_DIR to another folder."
            )
        return Account()
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "This machine has no user 'nobody' for the servers to run as: start the portal as a user"
        " other than root."
    )


def spawn(command: Sequence[str | Path], *, folder: Path, log: Path, account: Account, said: str = "") -> int:
    """Start a server in its folder, detached from the caller in every way; return its process id.

    `said` is what it reads on its standard input, so that no secret stands in its command line.
    """
    with tempfile.TemporaryFile() as spoken, log.open("ab") as written:
        log.chmod(0o600)
        spoken.write(said.encode())
        spoken.seek(0)
        shell = subprocess.run(
            ["/bin/sh", "-c", _DETACH, "sh", *command],
            cwd=folder,
            stdin=spoken if said else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=written,
            start_new_session=True,
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
            umask=0o077,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            check=True,
        )
    return int(shell.stdout)


@cache
def _this_boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def birth(pid: int) -> str | None:
    """What tells this process from any other that ever had its id; None when it does not live."""
    if _PROC.joinpath("self/stat").exists():
        try:
            fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else f"{_this_boot()}:{fields[19]}"
    return _told_by_ps(pid, "lstart=") or None


def _told_by_ps(pid: int, column: str) -> str:
    answer = subprocess.run(["ps", "-o", column, "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def works_in(pid: int, program: str, folder: Path) -> bool | None:
    """Whether a process runs the program in the folder; None when the system does not tell us."""
    if birth(pid) is None:
        return False
    about = _PROC / str(pid)
    if not _PROC.joinpath("self/stat").exists():
        command = _told_by_ps(pid, "command=")
        return program in command and str(folder) in command
    try:
        if about.stat().st_uid != folder.stat().st_uid:
            return False
        runs = Path(os.readlink(about / "exe").removesuffix(" (deleted)")).name
        return runs == program and (about / "cwd").samefile(folder)
    except FileNotFoundError:
        return False  # it ended while we looked
    except PermissionError:
        return None


def all_in(program: str, folder: Path) -> list[int]:
    """Every process that runs the program in the folder (none where the system has no /proc)."""
    if not _PROC.joinpath("self/stat").exists() or not folder.exists():
        return []
    pids = sorted(int(path.name) for path in _PROC.iterdir() if path.name.isdigit())
    return [pid for pid in pids if works_in(pid, program, folder)]


def end(pid: int, born: str, ways: Sequence[tuple[signal.Signals, float]]) -> bool:
    """Ask the process to end, each way for its seconds; whether it ended. A frozen one is woken."""
    for how, patience in ways:
        for sent in (how, signal.SIGCONT):
            if birth(pid) != born:
                return True
            with suppress(ProcessLookupError):
                os.kill(pid, sent)
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if birth(pid) != born:
                return True
            time.sleep(0.02)
    return False


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(*, apart_from: Collection[int] = ()) -> int:
    """A free port below those that systems lend to outgoing connections."""
    for _ in range(1000):
        port = 15_000 + secrets.randbelow(17_000)
        if port not in apart_from and is_free(port):
            return port
    raise EmbeddedError(
        "No free port between 15000 and 32000 on 127.0.0.1: end what uses them, or set"
        " PORTAL_POSTGRES_PORT and PORTAL_VALKEY_PORT."
    )


def fixed_port(variable: str) -> int | None:
    """The port that the environment demands, if it does."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise EmbeddedError(f"{variable} must be a port number from 1 to 65535, not {text!r}.")
    return int(text)


def memory() -> int:
    """Bytes of memory that this machine, or this container, may use."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if sys.platform == "linux":
        with suppress(OSError, ValueError):  # "max" when a container is not limited
            total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total
