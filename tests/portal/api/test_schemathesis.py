"""schemathesis asks the running feed whatever its description allows, and more: with every kind of token."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import timezone

from portal.api import actions
from tests import make
from tests.payouts import owner
from tests.portal.api.asking import token
from tests.portal.api.serving import Served, served

#: What is asked of every answer is asked with every token; these need a token that is let in.
_ONLY_WITH_A_GOOD_ONE = "positive_data_acceptance"


@pytest.fixture
def feed(committed_db: str, tmp_path: Path) -> Iterator[Served]:
    for code in (1400, 1500, 1600):
        broker = make.broker(code=code)
        if code == 1500:
            make.suspended(broker, timezone.now())
        if code == 1600:
            make.terminated(broker, timezone.now())
    with served(committed_db, tmp_path / "log") as found:
        yield found


def tokens() -> dict[str, str]:
    """One token of each kind; only the first is good for the codes."""
    now = timezone.now()
    made = {
        "good": token(name="good"),
        "expired": token(name="expired", days=1, now=now - timedelta(days=2)),
        "revoked": token(name="revoked"),
        "wrong scope": token(name="wrong scope"),
    }
    actions.revoke_token(prefix=made["revoked"].token.prefix, reason="test", by=None, now=now)
    with owner.connected() as database:  # there is one scope so far: this one is of the future
        database.execute("ALTER TABLE service_token DROP CONSTRAINT service_token_scope_is_known")
        database.execute("UPDATE service_token SET scope = 'fills:write' WHERE name = 'wrong scope'")
    texts = {kind: each.secret.reveal() for kind, each in made.items()}
    return texts | {"garbage": "bpk_codes_" + "x" * 50}


def ask_everything(feed: Served, text: str | None, *options: str) -> tuple[int, str]:
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{feed.address}/feed/v1/openapi.json"),
        *("--checks", "all", "--mode", "all", "--phases", "examples,coverage,fuzzing"),
        "--generation-deterministic",
        *("--max-response-time", "5", "--no-color", "--continue-on-failure"),
        *(("--header", f"Authorization: Bearer {text}") if text is not None else ()),
        *options,
    ]
    done = subprocess.run(
        command, cwd=feed.log.parent, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_feed_keeps_its_description_whoever_asks(feed: Served) -> None:
    said = {}
    for kind, text in tokens().items():
        options = ("--max-examples", "60") if kind == "good" else ("--max-examples", "15")
        if kind != "good":
            options += ("--exclude-checks", _ONLY_WITH_A_GOOD_ONE)
        cache.clear()  # each kind begins with no wrong tokens counted
        code, output = ask_everything(feed, text, *options)
        assert code == 0, f"{kind}: {output}"
        cases, passed = re.findall(r"(\d+) generated, (\d+) passed", output)[0]
        assert int(cases) == int(passed) > 20
        said[kind] = "Authentication failed" not in output
    code, output = ask_everything(
        feed, None, "--max-examples", "15", "--exclude-checks", _ONLY_WITH_A_GOOD_ONE
    )
    assert code == 0, output

    assert said == {
        "good": True,
        "expired": False,
        "revoked": False,
        "wrong scope": False,
        "garbage": False,
    }
    assert "Traceback" not in feed.log.read_text(encoding="utf-8")


def test_schemathesis_sees_an_answer_that_breaks_the_description(committed_db: str, tmp_path: Path) -> None:
    """The twin: a feed that answers anything to everybody is found out."""
    (tmp_path / "broken.py").write_text(_BROKEN, encoding="utf-8")
    with served(committed_db, tmp_path / "log", app="broken:application", PYTHONPATH=str(tmp_path)) as feed:
        code, output = ask_everything(feed, token().secret.reveal(), "--max-examples", "5")

    assert code == 1
    assert "Response violates schema" in output
    assert "API accepts requests without authentication" in output


_BROKEN = """
import portal.asgi

async def application(scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/feed/v1/codes":
        await portal.asgi.application(scope, receive, send)
        return
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"version": "new", "codes": []}'})
"""
