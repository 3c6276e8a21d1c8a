"""Two ask, two make, one is killed midway: a file is made once, and whole. Each with its twin."""

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from payouts.month import Month
from payouts.statements import queries as engine
from portal.models import Export, ExportPart
from portal.statements import asking, claims, making, prepared
from tests import make
from tests.payouts import owner
from tests.payouts.monthend.processes import PROJECT
from tests.payouts.monthend.racing import AT_THE_GATE, gate_before_writing, side_by_side, until_waiting

CSV = {"kind": "draft", "of": "2026-10", "file_format": "csv"}


@pytest.fixture
def login(committed_db: str) -> Any:
    found = make.login(email="mia@example.com")
    make.membership(found, make.broker(code=1400), role="finance")
    make.fills(*(make.record(userId=number) for number in range(1, 4)))
    return found


def ask(login: Any) -> Export:
    return asking.ask(broker_code=1400, by=login, now=timezone.now(), **CSV)


def both_ask(login: Any) -> list[int]:
    """Both have looked, and found nothing, before either writes."""
    with side_by_side() as start:
        with gate_before_writing("statement_export"):
            found = [start(lambda: ask(login).pk) for _ in range(2)]
            until_waiting(2, AT_THE_GATE)
        return [each.result() for each in found]


def both_claim() -> list[claims.Claim | None]:
    """One has chosen its export, and has not written that yet, when the other chooses."""
    with side_by_side() as start:
        with gate_before_writing("statement_export"):
            first = start(lambda: claims.claim(now=make.NOW + timedelta(days=400)))
            until_waiting(1, AT_THE_GATE)
            second = start(lambda: claims.claim(now=make.NOW + timedelta(days=400)))
            if claims._for_us_alone is ALONE:
                assert second.result() is None
            else:
                until_waiting(2, AT_THE_GATE)
        return [first.result(), second.result()]


ALONE = claims._for_us_alone


def test_two_who_ask_in_one_moment_get_one_file(login: Any) -> None:
    first, second = both_ask(login)

    assert first == second
    assert Export.objects.count() == 1


def test_without_the_constraint_it_would_be_made_twice(login: Any) -> None:
    with owner.connected() as hand:
        hand.execute("DROP INDEX one_export_of_a_thing_at_a_time")

    first, second = both_ask(login)

    assert first != second
    assert Export.objects.count() == 2


def test_an_export_is_claimed_by_one_sweep(login: Any) -> None:
    export = ask(login)

    first, second = both_claim()

    assert first is not None
    assert (first.export_id, first.fence, second) == (export.pk, 1, None)


def test_without_its_lock_two_sweeps_would_make_it(login: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "_for_us_alone", lambda exports: exports)
    ask(login)

    first, second = both_claim()

    assert first is not None
    assert first == second  # the same fence: neither would be stopped


def slow_and_fast(login: Any) -> tuple[Export, bytes]:
    """A worker that is stopped after its first part goes on when another has made the file."""
    export = ask(login)
    slow_claim = claims.claim(now=timezone.now())
    assert slow_claim is not None
    slow = claims.Writing(slow_claim, timezone.now)
    slow.keep(b"of the slow one")
    ticks = iter(range(1_000_000))
    later = timezone.now() + claims.LEASE
    making.make_due(clock=lambda: later + timedelta(milliseconds=next(ticks)))
    with suppress(claims.ClaimLost):
        slow.is_over(name="slow.csv", media_type="text/csv")
    export.refresh_from_db()
    found = prepared.of_reference(
        export.reference, broker_code=1400, login=login, sees_all=False, now=timezone.now()
    )
    assert found is not None
    return export, b"".join(prepared.file_of(found).read())


def whole() -> bytes:
    return engine.draft(broker_code=1400, month=Month(2026, 10), with_pseudonyms=True).as_csv()


def test_a_worker_that_was_stopped_too_long_changes_nothing(login: Any) -> None:
    export, content = slow_and_fast(login)

    assert content == whole()
    assert (export.file_name, export.size) == ("backpack-broker-1400-2026-10-draft.csv", len(content))


def test_without_the_fence_it_would_say_that_its_file_is_the_one(
    login: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_ours", lambda of: Export.objects.filter(pk=of.export_id))

    export, content = slow_and_fast(login)

    assert (export.file_name, export.size) == ("slow.csv", len(b"of the slow one"))
    assert len(content) != export.size


@pytest.mark.fault
@pytest.mark.parametrize("point", making.CRASH_POINTS)
def test_killed_anywhere_the_file_is_whole_in_the_end(
    committed_db: str, login: Any, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = ask(login)

    killed = subprocess.run(
        [sys.executable, "-m", "tests.portal.statements.sweeping"],
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": committed_db, "CRASH_POINT": point},
        timeout=180,
        check=False,
    )
    assert killed.returncode == -9
    ticks = iter(range(1_000_000))
    later = timezone.now() + claims.LEASE
    making.make_due(clock=lambda: later + timedelta(milliseconds=next(ticks)))

    export.refresh_from_db()
    assert (export.state, export.fence) == ("ready", 1 if point == "export: ready" else 2)
    parts = ExportPart.objects.filter(export=export)
    assert {each.fence for each in parts} == {export.fence}
    assert b"".join(bytes(each.content) for each in parts.order_by("number")) == whole()
