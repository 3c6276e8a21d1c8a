"""A closed month leaves by one command and comes back by another; what its statement says never moves."""

import json
from pathlib import Path
from typing import Any

import pytest

from payouts.models import Fill, Payout
from payouts.month import Month
from payouts.monthend import actions
from tests import make
from tests.payouts.commands.process import run
from tests.payouts.desk import approving

MONTH = Month(2026, 8)


@pytest.fixture
def closed(committed_db: str) -> str:
    """August, calculated: two fills that paid no fee, and a broker without any."""
    make.broker()
    make.broker(code=1500)
    make.fills(
        make.record(tradeId=1, orderId="1", feeRate="0", timestamp="2026-08-15T12:00:00Z"),
        make.record(tradeId=2, orderId="2", feeRate="0", timestamp="2026-08-16T12:00:00Z"),
    )
    actions.calculate(month=MONTH, now=make.NOW)
    return committed_db


def approve() -> None:
    payouts = list(Payout.objects.order_by("broker"))
    for each in payouts:
        approving.acknowledge_all(each)
    approving.approved(*payouts)


def answer(url: str, *words: str | Path) -> Any:
    done = run(*words, url=url)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def refusal(url: str, *words: str | Path) -> tuple[int, str]:
    done = run(*words, url=url)
    return done.returncode, done.stderr


def test_a_month_is_archived_verified_and_restored_by_its_commands(closed: str, tmp_path: Path) -> None:
    approve()
    digest = Payout.objects.get(broker=1400).input_digest

    told = answer(closed, "archive_fills", "2026-08", "--folder", tmp_path)

    assert (told["month"], told["fills"]) == ("2026-08", 2)
    assert told["bytes"] == Path(told["file"]).stat().st_size
    assert Fill.objects.count() == 0
    assert answer(closed, "check_books") == {"breaches": []}
    assert answer(closed, "month_end", "2026-08", "--json")["payouts"][0]["payout"] == "0.00"
    statement = tmp_path / "statement.json"
    answer_of = run("statement", "1400", "2026-08", "--format", "json", "--output", statement, url=closed)
    assert answer_of.returncode == 0
    assert json.loads(statement.read_bytes())["lines"][0]["fills"] == 2
    assert answer(closed, "restore_fills", "2026-08", "--folder", tmp_path) == {
        "month": "2026-08",
        "fills": 2,
    }
    assert Fill.objects.count() == 2
    assert answer(closed, "check_books") == {"breaches": []}
    assert Payout.objects.get(broker=1400).input_digest == digest


def test_a_month_with_an_open_payout_stays(closed: str, tmp_path: Path) -> None:
    assert refusal(closed, "archive_fills", "2026-08", "--folder", tmp_path) == (
        1,
        "2026-08 is not paid or closed for brokers 1400, 1500: finish that first.\n",
    )
    assert Fill.objects.count() == 2


@pytest.mark.parametrize(
    ("month", "code", "says"),
    [
        ("2026-07", 1, "2026-07 was never calculated: run `manage.py month_end 2026-07` first.\n"),
        ("2027-01", 1, "2027-01 may be archived from 2027-04-02: late records and voids of it"),
        ("08-2026", 2, "is not a month"),
    ],
)
def test_what_cannot_be_archived_is_refused_in_one_line(
    closed: str, tmp_path: Path, month: str, code: int, says: str
) -> None:
    returned, said = refusal(closed, "archive_fills", month, "--folder", tmp_path)

    assert (returned, says in said, said.count("\n")) == (code, True, 1)
    assert refusal(closed, "restore_fills", "2026-08", "--folder", tmp_path) == (
        1,
        "No fill of 2026-08 is archived: there is nothing to restore.\n",
    )
