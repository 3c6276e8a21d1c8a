"""The command `statement` as people call it: a process of its own, a file, and one plain line when not."""

import json

import pytest

from tests.payouts.monthend.processes import manage
from tests.payouts.statements.test_document import DRAFT, a_month
from tests.payouts.statements.test_sheet import HEADER


@pytest.fixture
def database(committed_db):
    a_month()
    return committed_db


def test_it_writes_the_draft_and_says_where(database, tmp_path):
    as_json, as_csv = tmp_path / "statement.json", tmp_path / "a name with spaces.csv"

    said = manage(
        "statement", "1400", "2026-10", "--format", "json", "--output", str(as_json), database=database
    )
    assert (said.returncode, said.stdout.splitlines()[-1], said.stderr) == (0, str(as_json), "")
    assert json.loads(as_json.read_bytes()) == DRAFT

    said = manage(
        "statement", "1400", "2026-10", "--format", "csv", "--output", str(as_csv), database=database
    )
    assert (said.returncode, said.stdout.splitlines()[-1], said.stderr) == (0, str(as_csv), "")
    rows = as_csv.read_bytes().decode().split("\r\n")
    assert (rows[0], len(rows), rows[-2].split(",")[-1]) == (HEADER, 7, "1300.00")


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
    database, tmp_path, arguments, sentence
):
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
def test_a_file_that_cannot_be_written_is_one_line_on_stderr(database, tmp_path, output, reason):
    path = tmp_path / output
    said = manage(
        "statement", "1400", "2026-10", "--format", "json", "--output", str(path), database=database
    )
    assert (said.returncode, said.stdout, said.stderr) == (2, "", f"{path}: {reason}\n")
