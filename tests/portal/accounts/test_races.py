"""Many at once, on a database that commits: a code opens one session, and limits are never exceeded."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.cache import cache, caches
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import override_settings

from portal.accounts import codes
from portal.accounts.shared_cache import SharedCache
from tests import make
from tests.portal.accounts.visitor import is_in, log_in

T = TypeVar("T")
NO_LIMITS = override_settings(ACCOUNT_RATE_LIMITS=False, MFA_RATE_LIMITS=False)


def all_at_once(acts: list[Callable[[], T]]) -> list[T]:
    """Do each in a thread of its own, started by one gun."""
    gun = threading.Barrier(len(acts))

    def run(act: Callable[[], T]) -> T:
        try:
            gun.wait(timeout=60)
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(run, act) for act in acts]]


def at_the_second_page(login: Any, number: int) -> list[Client]:
    clients = [Client() for _ in range(number)]
    for client in clients:
        log_in(client, login.email)
    return clients


@NO_LIMITS
def test_of_twenty_with_one_code_of_the_app_one_gets_in(committed_db: str) -> None:
    login = make.login()
    make.totp(login)
    clients = at_the_second_page(login, 20)
    code = make.totp_code(login)
    all_at_once([lambda c=c: c.post("/accounts/2fa/authenticate/", {"code": code}) for c in clients])
    assert sum(is_in(client) for client in clients) == 1


@NO_LIMITS
def test_of_twenty_with_one_recovery_code_one_gets_in(committed_db: str) -> None:
    login = make.login()
    make.totp(login)
    clients = at_the_second_page(login, 20)
    held = RecoveryCodes(Authenticator.objects.get(user=login, type="recovery_codes"))
    code = held.get_unused_codes()[0]
    all_at_once([lambda c=c: c.post("/accounts/2fa/authenticate/", {"code": code}) for c in clients])
    assert sum(is_in(client) for client in clients) == 1


def recovery_code_by_two(login: Any) -> list[bool]:
    def use() -> bool:
        held = RecoveryCodes(Authenticator.objects.get(user=login, type="recovery_codes"))
        return held.validate_code(held.get_unused_codes()[0])

    return all_at_once([use, use])


def test_without_the_lock_both_use_the_recovery_code(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = make.login()
    make.totp(login)
    both_have_looked = threading.Barrier(2)
    mark = RecoveryCodes._mark_code_used

    def wait_and_mark(self: RecoveryCodes, number: int) -> None:
        both_have_looked.wait(timeout=30)
        mark(self, number)

    monkeypatch.setattr(QuerySet, "select_for_update", lambda self, **_: self)
    monkeypatch.setattr(RecoveryCodes, "_mark_code_used", wait_and_mark)
    assert recovery_code_by_two(login) == [True, True]


def spend(login: Any) -> bool:
    try:
        codes.spend(login, "123456")
    except ValidationError:
        return False
    return True


def test_of_twenty_one_spends_a_code_also_where_an_old_one_lies(committed_db: str) -> None:
    login = make.login()
    cache.set(f"code-spent:{login.pk}:123456", True, timeout=0.01)
    time.sleep(0.05)
    assert sum(all_at_once([lambda: spend(login)] * 20)) == 1


def test_looking_first_and_writing_then_lets_both_spend_it(committed_db: str) -> None:
    both_have_looked = threading.Barrier(2)

    def naive() -> bool:
        if cache.get("naive"):
            return False
        both_have_looked.wait(timeout=30)
        cache.set("naive", True)
        return True

    assert all_at_once([naive, naive]) == [True, True]


def verdicts(answers: list[Any]) -> dict[str, int]:
    found = {"429": 0, "wrong": 0, "too many": 0}
    for answer in answers:
        text = answer.content.decode()
        if answer.status_code == 429:
            assert "Too many tries in a short time" in text
            found["429"] += 1
        elif "Too many failed login attempts" in text:
            found["too many"] += 1
        else:
            assert "are not correct" in text
            found["wrong"] += 1
    return found


def test_fifty_guesses_at_once_are_five(committed_db: str) -> None:
    login = make.login()
    found = verdicts(all_at_once([lambda: log_in(Client(), login.email, "a guess that is wrong")] * 50))
    assert 1 <= found["wrong"] <= 5
    assert found["429"] >= 20, "of thirty a minute from one address"
    # Who waits too long for the count is refused uncounted, so that a slow machine looks at fewer than five.
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")
    left = verdicts([log_in(elsewhere, login.email, "a guess that is wrong") for _ in range(6)])
    assert found["wrong"] + left["wrong"] == 5
    assert b"Too many failed login attempts" in log_in(elsewhere, login.email).content


GUESS = """
import django; django.setup()
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS.append("testserver")
for _ in range(5):
    Client().post("/accounts/login/", {"login": "olga@example.com", "password": "a wrong guess"})
"""


def guess_in_another_process(database: str) -> None:
    subprocess.run(
        [sys.executable, "-c", GUESS],
        env=os.environ | {"DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "portal.settings"},
        check=True,
        timeout=120,
    )


def test_guesses_in_another_process_count_here(committed_db: str) -> None:
    make.login()
    guess_in_another_process(committed_db)
    assert b"Too many failed login attempts" in log_in(Client(), "olga@example.com").content


@override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}})
def test_with_a_cache_of_each_process_they_do_not(committed_db: str) -> None:
    make.login()
    guess_in_another_process(committed_db)
    assert log_in(Client(), "olga@example.com").status_code == 302


def test_a_flood_of_names_does_not_push_a_limit_out(committed_db: str) -> None:
    cache.set("limit", 5)
    for number in range(600):
        cache.set(f"flood{number}", number)
    assert cache.get("limit") == 5


def test_djangos_own_database_cache_would_lose_it(committed_db: str) -> None:
    """Above 300 rows it throws a third of them away, the first by name, living or not."""
    from django.core.cache.backends.db import DatabaseCache

    own = DatabaseCache("portal_cache", {"OPTIONS": {}})
    own.set("a-limit", 5, timeout=3_600)
    for number in range(600):
        own.set(f"flood{number:03}", number, timeout=3_600)
    assert own.get("flood599") == 599, "what came last is there"
    assert own.get("a-limit") is None


@pytest.mark.django_db
def test_the_shared_cache_behaves_as_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    held = caches["default"]
    assert isinstance(held, SharedCache)
    assert (held.add("a", 1), held.add("a", 2), held.get("a")) == (True, False, 1)
    held.set("a", [3])
    assert (held.get("a"), held.get("b", "none"), held.has_key("a"), "b" in held) == (
        [3],
        "none",
        True,
        False,
    )
    assert (held.touch("a", 60), held.touch("b", 60)) == (True, False)
    held.set("gone", 1, timeout=0.01)
    held.set("stays", 1, timeout=None)
    time.sleep(0.05)
    assert (held.get("gone"), held.touch("gone", 60), held.add("gone", 2)) == (None, False, True)
    assert (held.delete("a"), held.get("a"), held.incr("stays")) == (True, None, 2)

    held.set("old", 1, timeout=0.01)
    time.sleep(0.05)
    monkeypatch.setattr("portal.accounts.shared_cache.randrange", lambda _: 0)
    held.set("new", 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache WHERE cache_key LIKE '%%old'")
        assert cursor.fetchone() == (0,)
