"""The command `statement` as people call it: a process of its own, a file, and one plain line when not."""

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from payouts.models import Statement
from tests import make
from tests.payouts.monthend.processes import manage
from tests.payouts.statements import issuing
from tests.payouts.statements.test_numbers import never_issued
from tests.payouts.statements.test_sheet import HEADER


@pytest.fixture
def database(committed_db: str) -> str:
    make.broker()
    make.fills(make.record(price="5000"), make.record(userId=8, price="5000"))
    return committed_db


def statement(database: str, kind: str, output: Path, *, month: str = "2026-10") -> CompletedProcess[str]:
    return manage("statement", "1400", month, "--format", kind, "--output", str(output), database=database)


def test_before_approval_it_writes_the_draft_and_says_where(database: str, tmp_path: Path) -> None:
    output = tmp_path / "a name with spaces"
    written = {}
    for kind in ("json", "csv"):
        said = statement(database, kind, output)
        assert (said.returncode, said.stdout.splitlines()[-1], said.stderr) == (0, str(output), "")
        written[kind] = output.read_bytes()

    document = json.loads(written["json"])
    assert (document["status"], document["payout"]) == ("draft", "2.00")
    assert [line["trader"] for line in document["lines"]] == [7, 8]
    rows = written["csv"].decode().split("\r\n")
    assert (rows[0], [row.split(",")[0] for row in rows[1:-1]]) == (
        HEADER,
        ["line", "line", "subtotal", "total"],
    )


def test_a_draft_as_pdf(database: str, tmp_path: Path) -> None:
    issuing.money_acts.calculated(issuing.Broker.objects.get())

    said = statement(database, "pdf", tmp_path / "draft.pdf")

    assert (said.returncode, said.stderr) == (0, "")
    assert (tmp_path / "draft.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("kind", ["json", "csv", "pdf"])
def test_once_it_is_issued_it_writes_the_stored_bytes(database: str, tmp_path: Path, kind: str) -> None:
    issued = issuing.october(issuing.Broker.objects.get())

    said = statement(database, kind, tmp_path / "statement")

    assert (said.returncode, said.stderr) == (0, "")
    assert (tmp_path / "statement").read_bytes() == issuing.bytes_of(issued, kind)


def test_of_a_payout_from_before_statements_it_says_what_to_do(database: str, tmp_path: Path) -> None:
    issuing.october(issuing.Broker.objects.get())
    never_issued()

    said = statement(database, "csv", tmp_path / "statement")

    assert (said.returncode, said.stdout, said.stderr) == (
        1,
        "",
        "the payout of 1400 for 2026-10 was approved before there were statements:"
        " run `manage.py issue_statements`\n",
    )
    assert not (tmp_path / "statement").exists()
    assert manage("issue_statements", database=database).stdout == '{"issued": 1}\n'
    assert statement(database, "csv", tmp_path / "statement").returncode == 0
    assert Statement.objects.get().number == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["1500", "2026-10", "--format", "json"], "no broker has the code 1500"),
        (
            ["65536", "2026-10", "--format", "json"],
            "'65536' is not a broker code: a number from 0 to 65535",
        ),
        (
            ["1400", "2026-13", "--format", "json"],
            "'2026-13' is not a month: write it as YYYY-MM, for example 2026-10",
        ),
        (["1400", "2026-10", "--format", "xlsx"], "argument --format: invalid choice: 'xlsx'"),
    ],
    ids=["unknown broker", "no code", "no month", "unknown format"],
)
def test_a_wrong_argument_is_one_line_on_stderr_and_nothing_is_written(
    database: str, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    output = tmp_path / "statement"
    said = manage("statement", *arguments, "--output", str(output), database=database)
    assert (said.returncode, said.stdout) == (2, "")
    [line] = said.stderr.splitlines()
    assert line.startswith(sentence)
    assert not output.exists()


@pytest.mark.parametrize(
    ("output", "reason"),
    [("no such folder/statement.json", "No such file or directory"), (".", "Is a directory")],
)
def test_a_file_that_cannot_be_written_is_one_line_on_stderr(
    database: str, tmp_path: Path, output: str, reason: str
) -> None:
    path = tmp_path / output
    said = statement(database, "json", path)
    assert (said.returncode, said.stdout, said.stderr) == (2, "", f"{path}: {reason}\n")
