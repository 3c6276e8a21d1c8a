"""The verifier as people use it: one file beside two others, whatever stands in them, and no traceback."""

import json
import runpy
import shutil
import subprocess
import sys
from io import StringIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from payouts.statements import verify_statement
from payouts.statements.verify_statement import Unreadable, check, keys_in, main, read
from tests.payouts.statements.test_verify_statement import KEYS, OUR_KEY, SAMPLE, replaced

PUBLISHED = {
    "keys": [
        {
            "key_id": OUR_KEY.key_id,
            "algorithm": "Ed25519",
            "public_key": OUR_KEY.public_key,
            "first_used_at": "2026-11-02T14:05:59.25Z",
        }
    ]
}
AGAIN = "download the JSON file again and give it unchanged"
NO_JSON = f"it is no JSON in UTF-8, or nested too deeply: {AGAIN}"
TWICE = f"it says one member twice: {AGAIN}"
#: Files that nobody's reader should fail on, and the one line that is said of each.
UNREADABLE = {
    "empty": (b"", NO_JSON),
    "no JSON": (b"<html>", NO_JSON),
    "cut off": (SAMPLE.encode()[:-1], NO_JSON),
    "two documents": (SAMPLE.encode() * 2, NO_JSON),
    "UTF-16": (SAMPLE.encode("utf-16"), NO_JSON),
    "Latin-1": (SAMPLE.replace("Ltd", "Lté").encode("latin-1", "replace"), NO_JSON),
    "raw surrogate": (b'{"a":"\xed\xa0\x80"}', NO_JSON),
    "NUL": (b"\0", NO_JSON),
    "deep lists": (b"[" * 200_000, NO_JSON),
    "deep objects": (b'{"a":' * 200_000, NO_JSON),
    "a list": (b"[]", f"it is no JSON object: {AGAIN}"),
    "a text": (b'"valid"', f"it is no JSON object: {AGAIN}"),
    "null": (b"null", f"it is no JSON object: {AGAIN}"),
    "a member twice": (b'{"a":1,"a":1}', TWICE),
    "a member twice inside": (SAMPLE.replace('"fills":4812', '"fills":4812,"fills":4812').encode(), TWICE),
    "a float": (
        SAMPLE.replace('"fills":4812', '"fills":4812.0').encode(),
        f"it has a number that is not whole or too long (4812.0): {AGAIN}",
    ),
    "an exponent": (b'{"a":1e2}', f"it has a number that is not whole or too long (1e2): {AGAIN}"),
    "NaN": (b'{"a":NaN}', f"it has a number that is not whole or too long (NaN): {AGAIN}"),
    "Infinity": (b'{"a":-Infinity}', f"it has a number that is not whole or too long (-Infinity): {AGAIN}"),
    "a huge integer": (
        b'{"a":' + b"1" * 1_000_000 + b"}",
        f"it has a number that is not whole or too long ({'1' * 59}…): {AGAIN}",
    ),
}


@pytest.mark.parametrize(("content", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_one_sentence(content, says):
    with pytest.raises(Unreadable) as refused:
        read(content)
    assert str(refused.value) == says


def test_an_integer_of_fifteen_digits_is_read():
    assert read(b'{"a":-999999999999999}') == {"a": -999999999999999}


@settings(deadline=None, max_examples=60, database=None)
@given(
    some.one_of(
        some.binary(),
        some.recursive(
            some.one_of(some.none(), some.booleans(), some.integers(), some.floats(), some.text()),
            lambda inner: some.one_of(some.lists(inner), some.dictionaries(some.text(), inner)),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_whatever_the_bytes_are_they_are_read_or_refused(content):
    try:
        document = read(content)
    except Unreadable:
        return
    assert check(document, KEYS) != []


JSON_VALUES = [
    "",
    "x" * 1_000_000,
    "\ud800",
    "\x1b[2J\n",
    "0",
    -1,
    0,
    True,
    None,
    [],
    {},
    [[]],
    {"a": [None]},
]


@pytest.mark.parametrize("name", list(json.loads(SAMPLE)))
def test_a_member_of_another_type_or_none_is_told_and_never_an_error(name):
    for value in JSON_VALUES:
        for found in check(json.loads(SAMPLE) | {name: value}, KEYS):
            assert found.isprintable()
            assert len(found) < 300
    without = {other: value for other, value in json.loads(SAMPLE).items() if other != name}
    [missing] = check(without, KEYS)
    assert missing.startswith((f"{name} is missing", f"{name}: null is not"))


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"note": "1"}, "note is no member of backpack-broker-statement/1"),
        ({"\x1b[2J\n": "1"}, "?[2J? is no member of backpack-broker-statement/1"),
        ({"\ud800": {}}, "? is no member of backpack-broker-statement/1"),
        ({"broker_name": "\ud800"}, "broker_name: ? is not a text"),
        ({"broker_name": 5}, "broker_name: 5 is not a text"),
        ({"broker": True}, "broker: true is not a broker code of at most five digits"),
        ({"broker": "1400"}, "broker: 1400 is not a broker code of at most five digits"),
        ({"number": 0}, "number: 0 is not a whole number of 1 or more"),
        ({"payout": "2188.9"}, "payout: 2188.9 is not an amount with two places"),
        ({"payout": "-0.00"}, "payout: -0.00 is not an amount with two places"),
        ({"payout": "٢188.91"}, "payout: ٢188.91 is not an amount with two places"),
        ({"rounding": "-0"}, "rounding: -0 is not a decimal without needless zeros"),
        ({"rounding": "0.10"}, "rounding: 0.10 is not a decimal without needless zeros"),
        ({"rounding": "1e-3"}, "rounding: 1e-3 is not a decimal without needless zeros"),
        ({"rounding": "NaN"}, "rounding: NaN is not a decimal without needless zeros"),
        ({"rounding": "1" * 81}, f"rounding: {'1' * 59}… is not a decimal without needless zeros"),
        ({"volume": "-1"}, "volume: -1 is not a decimal of 0 or more without needless zeros"),
        ({"volume": ""}, 'volume: "" is not a decimal of 0 or more without needless zeros'),
        ({"account": "acct-1400"}, "account: acct-1400 is not an account masked as •••1234"),
        ({"month": "2026-13"}, "month: 2026-13 is not a month written YYYY-MM"),
        (
            {"approved_at": "2026-11-02T24:00:00Z"},
            "approved_at: 2026-11-02T24:00:00Z is not an instant written YYYY-MM-DDTHH:MM:SSZ",
        ),
        ({"held": 0}, "held: 0 is not true or false"),
        ({"currency": "EUR"}, "currency: EUR is not USD"),
        ({"lines": {}}, "lines: an object is not a list"),
        ({"lines": [[]]}, "lines 1: a list is not an object"),
        ({"period": None}, "period: null is not an object"),
        ({"previous": {"number": 6}}, "previous: digest is missing"),
        ({"watermark": {"batches": "", "voids": "", "a": ""}}, "watermark: a is no member of"),
    ],
)
def test_what_is_not_written_by_the_schema_is_told_in_one_line(members, says):
    [found] = check(json.loads(SAMPLE) | members, KEYS)
    assert found.startswith(says)


@pytest.mark.parametrize(
    "content", [b"{}", b'{"keys":{}}', b'{"keys":[1]}', b'{"keys":[{}]}', SAMPLE.encode()], ids=range(5)
)
def test_what_is_no_list_of_keys_is_refused(content):
    with pytest.raises(
        Unreadable, match=r"^it is no list of keys: download /verify/keys.json from the portal$"
    ):
        keys_in(content)


def test_the_keys_of_a_list_are_those_of_our_algorithm():
    others = {"key_id": "0", "algorithm": "RSA", "public_key": "", "first_used_at": ""}
    assert keys_in(json.dumps({"keys": [*PUBLISHED["keys"], others]}).encode()) == KEYS
    assert keys_in(b'{"keys":[]}') == {}


@pytest.fixture
def folder(tmp_path):
    """A folder with the file that anyone can download, a statement and the keys, and nothing else."""
    shutil.copy(verify_statement.__file__, tmp_path)
    (tmp_path / "statement.json").write_text(SAMPLE, encoding="utf-8")
    (tmp_path / "keys.json").write_text(json.dumps(PUBLISHED), encoding="utf-8")
    return tmp_path


def verify(folder, *arguments, **environment):
    said = subprocess.run(
        [sys.executable, "-I", "verify_statement.py", *arguments],
        cwd=folder,
        capture_output=True,
        env=environment,
        check=False,
    )
    return said.returncode, said.stdout.decode(), said.stderr.decode()


def test_the_file_runs_alone_in_an_empty_folder(folder):
    status, said, errors = verify(folder, "statement.json", "keys.json")
    assert (status, errors) == (0, "")
    assert said.splitlines() == [
        "broker 1400, Meridian Terminal Ltd.",
        "statement number 7, month 2026-10",
        "payout 2188.91 USD, due 1902.05 USD",
        f"checked: the signature, by the key {OUR_KEY.key_id}",
        "checked: 5 lines, 2 corrections and every total",
        "valid",
    ]


def test_a_changed_statement_gets_every_reason_and_status_1(folder):
    (folder / "statement.json").write_text(replaced(due="9902.05"), encoding="utf-8")
    status, said, errors = verify(folder, "statement.json", "keys.json")
    assert (status, errors) == (1, "")
    by_signature, by_key, by_sum = said.splitlines()
    assert by_signature.startswith("not valid: signature: the digest of this document is ")
    assert by_key == f"not valid: signature: it was not made with the key {OUR_KEY.key_id} for this document"
    assert by_sum == "not valid: due: 9902.05 is stated, but it comes to 1902.05"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Write: python verify_statement.py STATEMENT.json KEYS.json"),
        (["statement.json"], "Write: python verify_statement.py STATEMENT.json KEYS.json"),
        (["a", "b", "c"], "Write: python verify_statement.py STATEMENT.json KEYS.json"),
        (["nowhere.json", "keys.json"], "nowhere.json: No such file or directory: name a file that exists"),
        ([".", "keys.json"], ".: Is a directory: name a file that exists"),
        (["verify_statement.py", "keys.json"], f"verify_statement.py: {NO_JSON}"),
        (
            ["statement.json", "statement.json"],
            "statement.json: it is no list of keys: download /verify/keys.json from the portal",
        ),
    ],
)
def test_a_wrong_argument_is_one_line_and_status_2(folder, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(folder)
    assert main(arguments) == 2
    assert capsys.readouterr() == ("", f"{says}\n")


@pytest.mark.parametrize(("content", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_hostile_file_is_one_line_and_status_2(folder, monkeypatch, capsys, content, says):
    monkeypatch.chdir(folder)
    (folder / "hostile.json").write_bytes(content)
    for arguments in (["hostile.json", "keys.json"], ["statement.json", "hostile.json"]):
        assert main(arguments) == 2
        assert capsys.readouterr() == ("", f"hostile.json: {says}\n")


@pytest.mark.parametrize("name", ["\ud800", "\x1b]0;valid\x07", "x" * 1_000_000, "valid\nvalid"])
def test_a_hostile_name_is_refused_in_lines_of_our_own(folder, monkeypatch, capsys, name):
    monkeypatch.chdir(folder)
    hostile = json.dumps(json.loads(SAMPLE) | {"broker_name": name, name: name})
    (folder / "statement.json").write_text(hostile, encoding="utf-8")
    assert main(["statement.json", "keys.json"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said
    assert all(each.startswith("not valid: ") and each.isprintable() and len(each) < 200 for each in said)


def test_the_file_run_as_a_program_ends_with_its_status(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for arguments, status in ((["statement.json", "keys.json"], 0), ([], 2)):
        monkeypatch.setattr(sys, "argv", ["verify_statement.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(verify_statement.__file__, run_name="__main__")
        assert ended.value.code == status


def test_without_cryptography_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(verify_statement.__file__, run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "This program needs `cryptography`: run `pip install cryptography`, then start it again.\n"
    )


@pytest.mark.parametrize(
    ("encoding", "shown"), [("ascii", "M?bius"), ("cp1252", "Möbius"), ("utf-8", "Möbius")]
)
def test_a_name_that_the_terminal_has_no_signs_for_is_no_error(monkeypatch, tmp_path, encoding, shown):
    with (tmp_path / "out").open("wb") as file:
        stream = TextIOWrapper(file, encoding=encoding, newline="")
        verify_statement._say(stream, "Möbius")
        stream.flush()
        assert (tmp_path / "out").read_bytes().decode(encoding) == f"{shown}\n"
    unnamed = StringIO()
    verify_statement._say(unnamed, "Möbius")
    assert unnamed.getvalue() == "Möbius\n"


def test_it_imports_nothing_of_the_project():
    text = Path(verify_statement.__file__).read_text(encoding="utf-8")
    assert "import payouts" not in text
    assert "from payouts" not in text
