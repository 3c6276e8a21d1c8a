"""What the page says about verifying without it, done: over real HTTP, in an empty folder."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests import make
from tests.payouts.statements import issuing
from tests.portal.api.serving import served


def run(folder: Path, statement: str) -> tuple[int, list[str]]:
    """The page's command, with nothing of the project within reach."""
    environment = {"PATH": os.environ["PATH"], "PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "verify_statement.py", statement, "keys.json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_the_four_steps(committed_db: str, tmp_path: Path) -> None:
    statement = issuing.october(make.broker(code=1400, name="Meridian"))
    folder = tmp_path / "empty"
    folder.mkdir()
    with served(committed_db, tmp_path / "log") as portal:
        with urllib.request.urlopen(f"{portal.address}/verify") as page:
            commands = page.read().decode()
        for name in ("keys.json", "verify_statement.py"):
            with urllib.request.urlopen(f"{portal.address}/verify/{name}") as answer:
                (folder / name).write_bytes(answer.read())
    content = issuing.bytes_of(statement, "json")
    (folder / "statement.json").write_bytes(content)
    changed = content.replace(b'"due":"900', b'"due":"901')
    (folder / "changed.json").write_bytes(changed)

    assert "python verify_statement.py statement.json keys.json" in commands
    assert len(changed) == len(content)
    assert changed != content
    status, said = run(folder, "statement.json")
    assert (status, said[0], said[-1]) == (0, "broker 1400, Meridian", "valid")
    status, said = run(folder, "changed.json")
    assert status == 1
    assert said[0].startswith("not valid: signature: the digest of this document is ")
