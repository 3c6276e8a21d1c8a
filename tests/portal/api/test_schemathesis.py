"""schemathesis asks the running feed whatever its description allows, and more: with every kind of token."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import timezone

from payouts.models import Batch
from portal.api import actions
from tests import make
from tests.portal.api.asking import token
from tests.portal.api.serving import Served, served

#: What is asked of every answer is asked with every token; these need a token that is let in.
_ONLY_WITH_A_GOOD_ONE = "positive_data_acceptance"


#: What no description can say: bytes go as they are, zipped where it says so, and a good key goes once.
_OF_LINES = r"""
import gzip, itertools
import schemathesis

numbers = itertools.count()

@schemathesis.serializer("application/x-ndjson")
def of_lines(context, value):
    body = value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
    is_gzip = (context.case.headers or {}).get("Content-Encoding") == "gzip"
    return gzip.compress(body) if is_gzip else body

@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    is_good = case.meta is not None and not case.meta.generation.mode.is_negative
    if is_good and isinstance(key, str) and len(key) <= 190:
        case.headers["Idempotency-Key"] = f"{key}{next(numbers)}"
"""


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


def tokens() -> dict[str, str | None]:
    """One of each kind that opens nothing of what is asked."""
    now = timezone.now()
    made = {
        "expired": token(name="expired", scope="fills:write", days=1, now=now - timedelta(days=2)),
        "revoked": token(name="revoked", scope="fills:write"),
        "wrong scope": token(name="wrong scope", scope="metrics:read"),
    }
    actions.revoke_token(prefix=made["revoked"].token.prefix, reason="test", by=None, now=now)
    texts = {kind: each.secret.reveal() for kind, each in made.items()}
    return {**texts, "garbage": "bpk_codes_" + "x" * 50, "none": None}


def ask_everything(feed: Served, text: str | None, *options: str) -> tuple[int, str]:
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{feed.address}/feed/v1/openapi.json"),
        *("--checks", "all", "--mode", "all", "--phases", "examples,coverage,fuzzing"),
        "--generation-deterministic",
        *("--max-response-time", "5", "--no-color", "--continue-on-failure"),
        *(("--header", f"Authorization: Bearer {text}") if text is not None else ()),
        *options,
    ]
    folder = feed.log.parent
    (folder / "of_lines.py").write_text(_OF_LINES, encoding="utf-8")
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "of_lines", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def asked_in_full(feed: Served, text: str | None, *options: str) -> str:
    cache.clear()  # each begins with no wrong tokens counted
    code, output = ask_everything(feed, text, *options)
    assert code == 0, output
    cases, passed = re.findall(r"(\d+) generated, (\d+) passed", output)[0]
    assert int(cases) == int(passed) > 20
    assert "Traceback" not in feed.log.read_text(encoding="utf-8")
    return output


@pytest.mark.parametrize(
    ("scope", "paths"), [("codes:read", "^/feed/v1/codes"), ("fills:write", "^/feed/v1/fills")], ids=str
)
def test_the_feed_keeps_its_description(feed: Served, scope: str, paths: str) -> None:
    good = token(scope=scope).secret.reveal()

    output = asked_in_full(feed, good, "--include-path-regex", paths, "--max-examples", "60")

    assert "Authentication failed" not in output


def test_who_has_no_good_token_gets_nothing_but_a_described_refusal(feed: Served) -> None:
    for kind, text in tokens().items():
        output = asked_in_full(feed, text, "--max-examples", "15", "--exclude-checks", _ONLY_WITH_A_GOOD_ONE)

        assert "Authentication failed" in output or text is None, kind
    assert Batch.objects.count() == 0


def test_schemathesis_sees_an_answer_that_breaks_the_description(committed_db: str, tmp_path: Path) -> None:
    """The twin: a feed that answers anything to everybody is found out."""
    (tmp_path / "broken.py").write_text(_BROKEN, encoding="utf-8")
    with served(committed_db, tmp_path / "log", app="broken:application", PYTHONPATH=str(tmp_path)) as feed:
        code, output = ask_everything(
            feed, token().secret.reveal(), "--include-path-regex", "^/feed/v1/codes", "--max-examples", "5"
        )

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
