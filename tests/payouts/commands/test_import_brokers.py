"""`import_brokers`: all rows or none, and a code belongs to one broker for ever."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from payouts.models import Broker, StandingChange
from tests.payouts.commands.process import answer, ended, run, started

HEADER = "code,name,account_id,enrolled_at\n"
ROWS = HEADER + "1400,A,ACC1,2026-08-22T00:00:00Z\n0,Ü,ACC2,2026-08-22T00:00:00.5\n"
Import = Callable[[str | bytes], "CompletedProcess[str]"]


@pytest.fixture
def imported(committed_db: str, tmp_path: Path) -> Import:
    def run_with(content: str | bytes) -> "CompletedProcess[str]":
        path = tmp_path / "brokers.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return run("import_brokers", path, url=committed_db)

    return run_with


def refused(result: "CompletedProcess[str]") -> str:
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    return line


def test_brokers_are_imported_once_and_then_unchanged(imported: Import) -> None:
    assert answer(imported(ROWS)) == {"imported": 2, "unchanged": 0}
    assert answer(imported(ROWS + "7,B,ACC3,2026-08-22T00:00:00Z\n")) == {"imported": 1, "unchanged": 2}
    assert list(Broker.objects.order_by("code").values_list("code", "name", "account_id")) == [
        (0, "Ü", "ACC2"), (7, "B", "ACC3"), (1400, "A", "ACC1"),
    ]  # fmt: skip
    changes = StandingChange.objects.order_by("broker_id").values_list("broker_id", "kind", "effective_at")
    assert [(code, kind, at.isoformat()) for code, kind, at in changes] == [
        (0, "enrolled", "2026-08-22T00:00:00.500000+00:00"),
        (7, "enrolled", "2026-08-22T00:00:00+00:00"),
        (1400, "enrolled", "2026-08-22T00:00:00+00:00"),
    ]


def test_a_known_code_with_another_value_imports_nothing(imported: Import) -> None:
    answer(imported(ROWS))

    told = refused(imported(HEADER + "8,C,ACC4,2026-08-22T00:00:00Z\n1400,B,ACC1,2026-08-22T00:00:00Z\n"))

    assert told.startswith("line 3: code 1400 is A, account ACC1")
    assert sorted(Broker.objects.values_list("code", flat=True)) == [0, 1400]


def test_an_invalid_row_imports_nothing(imported: Import) -> None:
    assert refused(imported(ROWS + "65536,C,ACC,2026-08-22T00:00:00Z\n")).startswith("line 4: ")
    assert not Broker.objects.exists()
    assert not StandingChange.objects.exists()


def test_a_file_that_is_missing_or_a_folder_or_not_named_is_exit_2(committed_db: str, tmp_path: Path) -> None:
    for arguments in ((tmp_path / "no.csv",), (tmp_path,), ()):
        result = run("import_brokers", *arguments, url=committed_db)
        assert (result.returncode, result.stdout, len(result.stderr.splitlines())) == (2, "", 1)


def test_the_same_file_at_once_imports_each_broker_once(committed_db: str, tmp_path: Path) -> None:
    path = tmp_path / "brokers.csv"
    rows = [f"{code},B{code},ACC{code},2026-08-22T00:00:00Z\n" for code in range(2_000)]
    path.write_text(HEADER + "".join(rows))

    together = [started("import_brokers", path, url=committed_db) for _ in range(2)]
    said = [answer(ended(each)) for each in together]

    assert sum(each["imported"] for each in said) == 2_000
    assert sum(each["unchanged"] for each in said) == 2_000
    assert StandingChange.objects.count() == Broker.objects.count() == 2_000
