"""The bench's own servers and databases: fresh clones, so that every take starts from nothing."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA_DIR = ROOT / "var" / "bench"
os.environ["DATA_DIR"] = str(DATA_DIR)
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"
for _name in ("BROKER_URL", "DATABASE_OWNER_URL", "DATABASE_POOL", "DATABASE_URL", "PORTAL_MODE"):
    os.environ.pop(_name, None)


def start() -> frozenset[str]:
    """Start the bench's servers and Django; what this call started is to be stopped at the end."""
    from portal import embedded

    started = embedded.start(DATA_DIR, valkey=False)
    import django

    django.setup()
    return started


def stop(started: frozenset[str]) -> None:
    from portal import embedded

    embedded.stop(DATA_DIR, started)


def command(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the portal as its users do, in a process of its own."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )


def owner_url() -> str:
    from portal import embedded

    return embedded.addresses(DATA_DIR).database_owner_url
