"""Gives the tests PostgreSQL and Valkey of their own, never the demo's. A pytest plugin, loaded first."""

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path

import pytest

_IN_USE = pytest.StashKey[TextIOWrapper]()
ROOT = Path(__file__).resolve().parent.parent

# Before Django's settings are read: they compute the servers' addresses from these.
os.environ["DATA_DIR"] = os.environ.get("TEST_DATA_DIR", str(ROOT / "var" / "test"))
for name in (
    "BROKER_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_POOL",
    "DATABASE_URL",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "EXCHANGE_PRIVATE_KEY",
    "EXCHANGE_URL",
    "PORTAL_DEMO",
    "PORTAL_MODE",
    "PORTAL_URL",
    "SECRET_KEY",
    "TIME_ZONE",
):
    os.environ.pop(name, None)


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    from portal import embedded

    if _is_worker(config):
        return
    folder = embedded.data_dir()
    folder.mkdir(parents=True, exist_ok=True)
    # Shared by every run of tests; who gets it alone at the end is the last one and stops the servers.
    in_use = (folder / "in_use").open("w")
    fcntl.flock(in_use, fcntl.LOCK_SH)
    config.stash[_IN_USE] = in_use
    embedded.start(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    from portal import embedded

    in_use = config.stash.get(_IN_USE, None)
    if in_use is None:
        return
    try:
        fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        embedded.stop(embedded.data_dir())
    except BlockingIOError:
        pass  # another run of tests goes on
    finally:
        in_use.close()
