"""The commands: the token as the last line of stdout, talk on stderr, one line for a mistake."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from portal.api.models import ServiceToken
from portal.api.token_form import Secret
from tests.portal.api.asking import ask
from tests.portal.api.serving import ROOT


@pytest.fixture(autouse=True)
def _own(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", committed_db)


def run(*words: str) -> tuple[int, str, list[str]]:
    """Exit code, stdout, and the lines of stderr."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.splitlines()


def test_a_token_is_made_used_and_revoked() -> None:
    code, stdout, stderr = run("make_service_token", "order-gateway", "--days", "30")
    said = json.loads(stdout.splitlines()[-1])
    row = ServiceToken.objects.get()

    assert (code, len(stdout.splitlines())) == (0, 1)
    assert stderr == [
        "Put the token where the system keeps its secrets: it is shown this once and never again."
    ]
    assert said == {
        "token": said["token"],
        "prefix": row.prefix,
        "scope": "codes:read",
        "expires_at": f"{row.expires_at:%Y-%m-%dT%H:%M:%S.%fZ}",
    }
    assert (row.token_hash, row.created_by) == (Secret(said["token"]).hash, None)
    assert (row.expires_at - datetime.now(UTC)).days == 29
    assert ask(said["token"]).status_code == 200

    code, stdout, _stderr = run("revoke_service_token", row.prefix, "--reason", "rotated")
    assert (code, json.loads(stdout)) == (0, {"revoked": row.prefix})
    assert ask(said["token"]).status_code == 401
    assert ServiceToken.objects.get().revoked_why == "rotated"


def test_a_mistake_is_one_line_that_says_what_to_do() -> None:
    run("make_service_token", "order-gateway")

    assert run("make_service_token", "order-gateway") == (
        1,
        "",
        ["'order-gateway' has a token in use: revoke it, or name the new one otherwise while both work."],
    )
    assert run("make_service_token", "x", "--days", "401") == (
        1,
        "",
        ["A token lives 1 to 400 days: choose a number of days between them."],
    )
    assert run("make_service_token", "x", "--scope", "all") == (
        1,
        "",
        ["'all' is not a scope: choose one of codes:read, fills:write, metrics:read."],
    )
    assert run("make_service_token", "x", "--days", "ten")[0] == 2
    assert run("make_service_token")[0] == 2
    assert run("revoke_service_token", "bpk_codes_00000000", "--reason", "x") == (
        1,
        "",
        ["No token begins with 'bpk_codes_00000000': look at the list of tokens."],
    )
    assert ServiceToken.objects.count() == 1
