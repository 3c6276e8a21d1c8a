"""In production every cookie that matters is bound to the host, secure, and out of reach of scripts."""

import json
import os
import secrets
import subprocess
import sys

from tests import make
from tests.portal.test_settings import GOOD

VISIT = """
import json, django; django.setup()
from django.test import Client
client = Client()
over = {"secure": True, "headers": {"host": "brokers.example.com"}}
client.get("/accounts/login/", **over)
who = {"login": "olga@example.com", "password": "correct horse battery"}
answer = client.post("/accounts/login/", who, **over)
client.get("/accounts/password/change/", **over)
plain = Client().get("/accounts/login/", headers={"host": "brokers.example.com"})
print(json.dumps({
    "in": answer.status_code,
    "plain": [plain.status_code, plain["Location"]],
    "cookies": {
        name: [bool(each["secure"]), bool(each["httponly"]), each["samesite"], each["path"], each["domain"]]
        for name, each in client.cookies.items()
    },
    "hsts": answer["Strict-Transport-Security"],
}))
"""


def in_production(database: str, *command: str) -> subprocess.CompletedProcess[str]:
    key = {"SECRET_KEY": secrets.token_urlsafe(50)}
    return subprocess.run(
        [sys.executable, "-W", "ignore", *command],
        env=os.environ | GOOD | key | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_every_cookie_is_a_host_cookie(committed_db: str, tmp_path: object) -> None:
    make.login()
    collected = in_production(committed_db, "manage.py", "collectstatic", "--noinput", "-v", "0")
    assert collected.returncode == 0, collected.stderr
    done = in_production(committed_db, "-c", VISIT)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {
        "in": 302,
        "plain": [301, "https://brokers.example.com/accounts/login/"],
        "cookies": {
            "__Host-csrftoken": [True, False, "Lax", "/", ""],
            "__Host-sessionid": [True, True, "Lax", "/", ""],
            "__Host-device": [True, True, "Lax", "/", ""],
        },
        "hsts": "max-age=31536000; includeSubDomains; preload",
    }


def test_djangos_deployment_check_is_clean(committed_db: str) -> None:
    done = in_production(committed_db, "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "System check identified no issues (0 silenced).\n"
