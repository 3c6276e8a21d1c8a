"""The public keys and the program that anybody downloads: published, kept after rotation, asked about."""

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from payouts.month import Month
from payouts.statements import queries, signature, verify_statement
from tests import make
from tests.payouts.statements import issuing
from tests.portal.page_text import text_of
from tests.portal.verify.asked import VALID, about_digest, about_file, outcome

pytestmark = pytest.mark.django_db
KEYS, PROGRAM = "/verify/keys.json", "/verify/verify_statement.py"
NEXT_KEY = b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def _no_old_rate_limits(db: None) -> None:
    cache.clear()


def listed() -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(Client().get(KEYS).content)["keys"]
    return found


def test_a_key_is_published_with_its_first_statement(settings: Any) -> None:
    broker = make.broker(code=1400)
    own = signature.key_of(settings.STATEMENT_KEY)
    assert listed() == []

    issuing.october(broker, month=issuing.SEPTEMBER)
    issuing.october(broker)

    assert listed() == [
        {
            "key_id": own.key_id,
            "algorithm": "Ed25519",
            "public_key": own.public_key,
            "first_used_at": "2026-11-22T12:00:00Z",
        }
    ]


def test_after_a_rotation_both_are_published_and_every_statement_stays_valid(settings: Any) -> None:
    broker = make.broker(code=1400)
    old_key = signature.key_of(settings.STATEMENT_KEY)
    old = issuing.october(broker, month=issuing.SEPTEMBER)
    settings.STATEMENT_KEY = NEXT_KEY
    new_key = signature.key_of(NEXT_KEY)
    new = issuing.october(broker)
    statements = {each: queries.issued_of(broker_code=1400, month=Month(2026, each)) for each in (9, 10)}

    assert {each["key_id"] for each in listed()} == {old_key.key_id, new_key.key_id}
    assert {month: each and each.key_id for month, each in statements.items()} == {
        9: old_key.key_id,
        10: new_key.key_id,
    }
    keys = verify_statement.keys_in(Client().get(KEYS).content)
    for statement in (old, new):
        document = issuing.bytes_of(statement, "json")
        assert verify_statement.check(verify_statement.read(document), keys) == []
        assert outcome(about_digest(statement.digest)) == VALID
        assert outcome(about_file(json.dumps(json.loads(document), indent=2).encode())) == VALID


@pytest.mark.parametrize("path", [KEYS, PROGRAM])
def test_both_may_be_kept_and_are_asked_about_each_time(path: str) -> None:
    issuing.october(make.broker(code=1400))
    first = Client().get(path)
    etag = first.headers["ETag"]
    again = Client().get(path, headers={"If-None-Match": etag})

    assert etag == f'"{sha256(first.content).hexdigest()}"'
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "public, no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert "Set-Cookie" not in first.headers
    assert Client().post(path).status_code == 405
    head = Client().head(path)
    assert (head.status_code, head.headers["ETag"]) == (200, etag)


def test_a_new_key_changes_what_is_asked_about(settings: Any) -> None:
    broker = make.broker(code=1400)
    issuing.october(broker, month=issuing.SEPTEMBER)
    etag = Client().get(KEYS).headers["ETag"]
    settings.STATEMENT_KEY = NEXT_KEY
    issuing.october(broker)

    answer = Client().get(KEYS, headers={"If-None-Match": etag})

    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag


def test_any_page_may_read_the_keys() -> None:
    first = Client().get(KEYS, headers={"Origin": "https://audit.example"})
    again = Client().get(KEYS, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, again.status_code) == (200, 304)
    assert first.headers["Content-Type"] == "application/json"
    assert [each.headers["Access-Control-Allow-Origin"] for each in (first, again)] == ["*", "*"]
    assert "Access-Control-Allow-Credentials" not in first.headers


def test_the_program_is_the_portals_own_and_the_page_says_its_sha256() -> None:
    served = Client().get(PROGRAM)
    page = text_of(Client().get("/verify"))

    with open(verify_statement.__file__, "rb") as own:
        assert served.content == own.read()
    assert {name: served.headers[name] for name in ("Content-Type", "Content-Disposition")} == {
        "Content-Type": "text/x-python; charset=utf-8",
        "Content-Disposition": 'attachment; filename="verify_statement.py"',
    }
    assert sha256(served.content).hexdigest() in page
    assert "Access-Control-Allow-Origin" not in served.headers
