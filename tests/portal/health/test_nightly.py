"""The night's check of the books: beat wakes it every minute, and one worker at a time does it."""

from datetime import timedelta

import pytest
from django.db import connection

from payouts import books
from payouts.ledger.models import BooksCheck
from tests import make
from tests.payouts import owner


def test_who_comes_while_another_is_at_it_leaves_it_to_that_one(committed_db: str) -> None:
    with owner.connected() as other:
        other.execute("SELECT pg_advisory_lock(7230061)")
        assert books.check_due(now=make.NOW) is None
        other.execute("SELECT pg_advisory_unlock(7230061)")

    assert books.check_due(now=make.NOW) is not None
    assert books.check_due(now=make.NOW + timedelta(minutes=1)) is None
    assert BooksCheck.objects.count() == 1


def test_whose_check_fails_keeps_nobody_from_the_next(
    committed_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(books, "breaches", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            books.check_due(now=make.NOW)

    with owner.connected() as other:
        assert other.execute("SELECT pg_try_advisory_lock(7230061)").fetchone() == (True,)
        assert connection.connection.info.backend_pid != other.info.backend_pid
