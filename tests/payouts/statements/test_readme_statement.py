"""The README's table of a statement has every member, and says of each rightly what protects it."""

import json
import re
from pathlib import Path

import pytest

import payouts
from payouts.statements import verify_statement
from tests.payouts.statements.test_verify_statement import SAMPLE, replaced
from tests.payouts.statements.test_verify_statement_figures import ONLY_SIGNED, leaves, name_of
from tests.payouts.statements.test_verify_statement_file import PUBLISHED

TEXT = (Path(payouts.__file__).parent / "README.md").read_text(encoding="utf-8").split("\n## Statements\n")[1]
#: The first table; the second is the CSV's.
TABLE = TEXT.split("\n**As CSV**")[0]
ROWS = [re.split(r" \| ", row.strip("| ")) for row in TABLE.splitlines() if row.startswith("| `")]


def members(rows):
    """The members that rows name; the marks of lists are left out."""
    return [name.replace("[]", "") for row in rows for name in re.findall("`([^`]+)`", row[0])]


def test_every_member_of_a_statement_is_in_the_table_once():
    whole = json.loads(SAMPLE)
    assert sorted(members(ROWS)) == sorted({name_of(path) for path, _ in leaves(whole)})


def test_the_table_says_which_members_only_the_signature_protects():
    assert {row[3] for row in ROWS} == {"figures", "signature", "itself"}
    assert set(members(row for row in ROWS if row[3] == "signature")) == ONLY_SIGNED


def test_the_verification_by_hand_is_run_as_it_stands(tmp_path, monkeypatch):
    [code] = re.findall(r"```python\n(.+?)```", TEXT, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.json").write_text(json.dumps(PUBLISHED), encoding="utf-8")
    (tmp_path / "statement.json").write_text(json.dumps(json.loads(SAMPLE), indent=4), encoding="utf-8")
    exec(compile(code, "README", "exec"), {})
    (tmp_path / "statement.json").write_text(replaced(due="1902.06"), encoding="utf-8")
    with pytest.raises(AssertionError):
        exec(compile(code, "README", "exec"), {})


def test_the_schema_that_it_names_is_the_one_that_is_signed():
    assert set(re.findall("backpack-broker-statement/[0-9]+", TEXT)) == {verify_statement.SCHEMA}
