"""Adds up what the processes of a host count, so that whichever is asked tells of all of them.

Each writes what it counts to a file of its own, every few seconds and only if it changed, and holds a lock
for as long as it lives: a file without a lock is of a process that ended. Its counts stay, in one file for
all that ended, and its gauges go.

Not `prometheus_client`'s own mode for several processes: that maps files into memory, and on a full disk the
process that counts dies of a bus error. Here a disk that is full only keeps others from hearing.
"""

import fcntl
import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from prometheus_client.metrics_core import Metric

from portal.metrics import measures

log = logging.getLogger(__name__)

#: Seconds between two tellings of a process, if there is anything new.
EVERY = 5.0
#: How many names of processes that ended are kept: whoever reads meanwhile must not count them twice.
_REMEMBERED = 200
_ENDED = "ended"

#: Family, sample, labels → value.
Key = tuple[str, str, tuple[tuple[str, str], ...]]
Samples = dict[Key, float]


@dataclass
class _Process:
    """This process among the others."""

    pid: int
    name: str
    lock: IO[str] | None = None
    #: What it told last.
    told: str = ""
    failed: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)


_this = _Process(0, "")


def start() -> None:
    """Begin to tell what this process counts. Once a process, whatever calls it; also after a fork."""
    global _this
    if _this.pid == os.getpid():
        return
    host = "".join(sign for sign in socket.gethostname() if sign.isalnum() or sign == "-")
    _this = _Process(os.getpid(), f"{host}-{os.getpid()}-{secrets.token_hex(4)}")
    threading.Thread(target=_go_on, args=[_this], name="tells what it counts", daemon=True).start()


def _go_on(process: _Process) -> None:
    while True:
        time.sleep(EVERY)
        tell(process)


def tell(process: _Process | None = None) -> Samples:
    """Write what this process counts, and return it. A disk that takes nothing is told once, and keeps nobody
    from work."""
    process = process or _this
    if process.pid != os.getpid():
        return own()  # it has not begun to
    with process.turn:
        samples = own()
        try:
            _write(process, samples)
            process.failed = False
        except OSError as problem:
            if not process.failed:
                log.warning("what this process counts cannot be told: %s", problem.strerror)
            process.failed = True
        return samples


def _write(process: _Process, samples: Samples) -> None:
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{process.name}.lock"
    if process.lock is None or not mark.exists():  # somebody may have cleared the folder
        if process.lock is not None:
            process.lock.close()
        lock = mark.open("w", encoding="ascii")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process.lock, process.told = lock, ""
        _fold(folder)
    text = _as_text(samples)
    if text != process.told:
        _replace(folder / f"{process.name}.json", text)
        process.told = text


def own() -> Samples:
    """What this process counts, now."""
    measures.look_around()
    return {
        (family.name, sample.name, tuple(sorted(sample.labels.items()))): float(sample.value)
        for family in measures.REGISTRY.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def gathered() -> tuple[list[Metric], int]:
    """The families of this process and all others of the host, added up; and how many processes live."""
    # First of all: whoever is asked next, in another process, must not tell of less than we do now, or
    # Prometheus takes it for a counter that began anew.
    counted = tell()
    folder = _folder()
    ours = _this.name if _this.pid == os.getpid() else ""
    found: dict[str, Samples] = {}
    for file in _files(folder):
        if file.stem != ours:
            with suppress(OSError, ValueError):  # it was folded away meanwhile, and is counted there
                found[file.stem] = _read(file)["samples"]
    # Read last: who was folded away since is in it by name, and not counted twice.
    ended = _ended(folder)
    for name in ended["names"]:
        found.pop(name, None)
    living = {name for name in found if _lives(folder, name)}
    total = dict(ended["samples"])
    for name, samples in found.items():
        _add(total, samples, lives=name in living)
    _add(total, counted, lives=True)
    with suppress(OSError):
        _fold(folder)
    return _families(total), len(living) + 1


def _add(total: Samples, samples: Samples, *, lives: bool) -> None:
    for key, value in samples.items():
        kind, _says = measures.FAMILIES.get(key[0], ("unknown", ""))
        if key[0] in measures.LATEST:
            total[key] = max(total.get(key, value), value)
        elif lives or kind != "gauge":
            total[key] = total.get(key, 0.0) + value


def _families(total: Samples) -> list[Metric]:
    """Only what this version of the code knows: files may be older."""
    families = {name: Metric(name, says, kind) for name, (kind, says) in measures.FAMILIES.items()}
    for (family, sample, labels), value in sorted(total.items(), key=lambda each: _in_order(*each[0])):
        if family in families:
            families[family].add_sample(sample, dict(labels), value)
    return list(families.values())


def _in_order(family: str, sample: str, labels: Iterable[tuple[str, str]]) -> tuple[Any, ...]:
    """Buckets by their edge."""
    named = dict(labels)
    edge = float(named.pop("le", "0"))
    return family, sorted(named.items()), sample, edge


# -- processes that ended ---------------------------------------------------------------------


def _fold(folder: Path) -> None:
    """Put the counts of processes that ended into one file. One process at a time does it."""
    with _alone(folder) as is_alone:
        gone = [file for file in _files(folder) if not _lives(folder, file.stem)] if is_alone else []
        if not gone:
            return
        ended = _ended(folder)
        names, total = list(ended["names"]), dict(ended["samples"])
        for file in gone:
            with suppress(ValueError):
                if file.stem not in names:  # else whoever folded it was killed before it removed it
                    _add(total, _read(file)["samples"], lives=False)
                    names.append(file.stem)
        _replace(folder / f"{_ENDED}.json", _as_text(total, names[-_REMEMBERED:]))
        for file in gone:
            file.unlink(missing_ok=True)
            file.with_suffix(".lock").unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    with (folder / "folding").open("w", encoding="ascii") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _lives(folder: Path, name: str) -> bool:
    try:
        with (folder / f"{name}.lock").open(encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


# -- files ------------------------------------------------------------------------------------


def _folder() -> Path:
    return Path(settings.METRICS_DIR)


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob("*.json")) if file.stem != _ENDED]


def _ended(folder: Path) -> Mapping[str, Any]:
    try:
        return _read(folder / f"{_ENDED}.json")
    except (OSError, ValueError):
        return {"names": [], "samples": {}}


def _as_text(samples: Samples, names: Iterable[str] = ()) -> str:
    return json.dumps({"names": list(names), "samples": [[*key, value] for key, value in samples.items()]})


def _read(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8"))
    samples = {
        (family, sample, tuple((name, said) for name, said in labels)): value
        for family, sample, labels, value in found["samples"]
    }
    return {"names": found["names"], "samples": samples}


def _replace(file: Path, text: str) -> None:
    """Whole or not at all, whoever reads or is killed meanwhile."""
    new = file.with_suffix(f".{secrets.token_hex(4)}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(file)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise
