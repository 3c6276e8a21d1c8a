"""The README's chapter for the exchange is done here word by word, with curl and the real web process."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from payouts.feed import forgetting, push
from portal.api import schema, turns
from tests import make
from tests.portal.api.serving import ROOT, served

TEXT = (ROOT / "portal" / "README.md").read_text(encoding="utf-8")
CHAPTER = TEXT[TEXT.index("## For the exchange") : TEXT.index("## To add a page")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", CHAPTER, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README uses curl")
def test_the_exchange_pushes_as_the_readme_says(committed_db: str, tmp_path: Path) -> None:
    make.broker(code=1400, enrolled_at=datetime(2026, 9, 1, tzinfo=UTC))
    (command,) = blocks("sh")[0].splitlines()
    words = command.replace("python manage.py", f"{sys.executable} {ROOT / 'manage.py'}").split()
    environment = os.environ | {"DATABASE_URL": committed_db}
    made = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    fills, answer, watermark = blocks("json")
    (tmp_path / "fills.ndjson").write_text(fills, encoding="utf-8")
    with served(committed_db, tmp_path / "log") as feed:
        where = {
            "TOKEN": json.loads(made.stdout)["token"],
            "PORTAL": feed.address,
            "PATH": os.environ["PATH"],
        }
        zipped, pushed, asked = blocks("sh")[1].splitlines()
        said = [
            subprocess.run(
                ["sh", "-c", each], cwd=tmp_path, env=where, capture_output=True, text=True, check=True
            ).stdout
            for each in (zipped, pushed, pushed, asked)
        ]

    assert said[0] == ""
    assert said[1] == said[2]
    assert json.loads(said[1]) | {"batch": 1} == json.loads(answer)
    assert json.loads(said[3]) | {"last_received_at": "…"} == json.loads(watermark)


def test_its_limits_are_those_of_the_door() -> None:
    assert f"{push.MOST_RECORDS:,} records or {push.MOST_BYTES // 1024**2} MB" in CHAPTER
    assert f"1 to {push.LONGEST_KEY} signs" in CHAPTER
    assert f"kept for {forgetting.KEPT_FOR.days} days" in CHAPTER
    assert turns.AT_ONCE == 4
    assert "Beyond four at once" in CHAPTER


def test_its_table_has_every_status_that_the_description_has() -> None:
    described = json.loads(schema.document())["paths"]["/feed/v1/fills"]["post"]["responses"]
    table = "".join(line.split("|")[1] for line in CHAPTER.splitlines() if line.startswith("|"))

    assert sorted(re.findall(r"\d{3}", table)) == sorted(described)
