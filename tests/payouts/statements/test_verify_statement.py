"""The verifier accepts every true statement, and refuses one of which anything at all was changed."""

import json
import re
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings

from payouts.monthend.corrections import Kind
from payouts.monthend.formula import BoundBy
from payouts.statements import building, document, signature, verify_statement
from payouts.statements.verify_statement import check, read
from tests.payouts.statements import documents
from tests.payouts.statements.documents import ADJUSTED, CORRECTED, FOREIGN_SECRET, SECRET, SUSPENDED
from tests.payouts.statements.true_statements import statements

trying_many = settings(
    deadline=None, max_examples=60, database=None, suppress_health_check=[HealthCheck.too_slow]
)
OUR_KEY, FOREIGN_KEY = signature.key_of(SECRET), signature.key_of(FOREIGN_SECRET)
KEYS = {OUR_KEY.key_id: OUR_KEY.public_key}
BOTH_KEYS = KEYS | {FOREIGN_KEY.key_id: FOREIGN_KEY.public_key}


def sample(**changes):
    """A statement with everything that a statement can have, as text."""
    changes = {"corrected": [SUSPENDED, CORRECTED], "adjusted": [ADJUSTED], "carried": "-412.07"} | changes
    return documents.whole(*documents.issued(**changes))


SAMPLE = sample()


def reasons(text, keys=KEYS):
    return check(read(text.encode()), keys)


def replaced(**members):
    return documents.document.canonical(json.loads(SAMPLE) | members)


def signed_anew(text, secret):
    whole = json.loads(text)
    return documents.whole(documents.signed(whole, whole["lines"], secret=secret), whole["lines"])


@trying_many
@given(statements())
def test_every_true_statement_is_valid_however_it_is_reformatted(made):
    whole = read(made.content)
    assert check(whole, KEYS) == []
    assert verify_statement.digest(whole) == made.document["signature"]["digest"]
    for reformatted in (
        json.dumps(whole, indent=4),
        json.dumps(dict(reversed(whole.items())), ensure_ascii=False, indent="\t"),
        "\ufeff" + json.dumps(whole),
    ):
        assert check(read(reformatted.encode()), KEYS) == []


@trying_many
@given(statements())
def test_the_bytes_that_are_streamed_are_the_canonical_bytes(made):
    without_signature = {name: value for name, value in made.document.items() if name != "signature"}
    streamed = b"".join(document.pieces(without_signature, made.lines))
    assert streamed == verify_statement.canonical(read(made.content))
    assert document.canonical(read(made.content)).encode() == made.content


def test_stretches_of_lines_join_to_the_same_bytes(monkeypatch):
    monkeypatch.setattr(building, "STRETCH", 500)
    made, lines = documents.issued(documents.many(40))
    texts = [document.canonical(line) for line in lines]
    stretches = list(building.stretches(made, texts))
    assert len(stretches) > 10
    assert b"".join(stretches) == documents.whole(made, lines).encode()
    read_back = [line for each in stretches[1:-1] for line in document.lines_in(each.decode())]
    assert read_back == lines


def test_the_words_of_the_rules_are_the_words_of_the_schema():
    assert set(verify_statement.KINDS) == set(get_args(Kind))
    arms = verify_statement.check(json.loads(replaced(lines=[{"bound_by": "other"}])), KEYS)[-1]
    assert arms == "lines 1: bound_by: other is not tier, affiliate cap or cap exhausted"
    assert set(get_args(BoundBy)) == {"tier", "affiliate cap", "cap exhausted"}


def test_a_sample_statement_is_valid_and_says_what_it_is():
    assert reasons(SAMPLE) == []
    assert verify_statement.summary(json.loads(SAMPLE)) == [
        "broker 1400, Meridian Terminal Ltd.",
        "statement number 7, month 2026-10",
        "payout 2188.91 USD, due 1902.05 USD",
        f"checked: the signature, by the key {OUR_KEY.key_id}",
        "checked: 5 lines, 2 corrections and every total",
    ]


def test_one_changed_digit_anywhere_is_refused():
    places = [found.start() for found in re.finditer("[0-9]", SAMPLE)]
    assert len(places) > 900
    for place in places:
        changed = SAMPLE[:place] + str((int(SAMPLE[place]) + 1) % 10) + SAMPLE[place + 1 :]
        try:
            assert reasons(changed), changed[place - 40 : place + 10]
        except verify_statement.Unreadable:
            assert SAMPLE[place] == "9"  # 07 is no number in JSON


def test_a_swapped_dropped_or_doubled_line_is_refused():
    whole = json.loads(SAMPLE)
    lines = whole["lines"]
    for place in range(len(lines)):
        swapped = lines.copy()
        swapped[place - 1], swapped[place] = swapped[place], swapped[place - 1]
        for changed in (swapped, lines[:place] + lines[place + 1 :], [*lines[: place + 1], *lines[place:]]):
            assert any(each.startswith("signature: the digest") for each in reasons(replaced(lines=changed)))


def test_a_signature_by_a_key_that_is_not_published_is_refused():
    assert reasons(signed_anew(SAMPLE, FOREIGN_SECRET)) == [
        f"signature: no published key has the id {FOREIGN_KEY.key_id}"
    ]
    assert reasons(signed_anew(SAMPLE, FOREIGN_SECRET), BOTH_KEYS) == []


def test_a_changed_statement_that_an_attacker_signed_anew_is_refused_under_whatever_key_id():
    whole = json.loads(sample(carried="0.00"))
    forged = json.loads(signed_anew(json.dumps(whole), FOREIGN_SECRET))
    forged["signature"]["key_id"] = OUR_KEY.key_id
    refusal = [f"signature: it was not made with the key {OUR_KEY.key_id} for this document"]
    assert reasons(json.dumps(forged)) == reasons(json.dumps(forged), BOTH_KEYS) == refusal


OTHERS = json.loads(sample(number=8, previous={"number": 7, "digest": "0" * 64}))["signature"]
VALUE = json.loads(SAMPLE)["signature"]["value"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        pytest.param(OTHERS["value"], "it was not made with the key", id="another statement's"),
        pytest.param("", "it was not made with the key", id="empty"),
        pytest.param("A" * 86 + "==", "it was not made with the key", id="zeros"),
        pytest.param("ä", "it was not made with the key", id="no base64"),
        pytest.param(VALUE + "\n", "it was not made with the key", id="more than base64"),
        pytest.param(
            VALUE[:-3] + chr(ord(VALUE[-3]) + 1) + "==", "it was not made with the key", id="spare bits"
        ),
        pytest.param(None, "null is not a text", id="null"),
    ],
)
def test_a_value_that_is_not_the_signature_is_refused(value, says):
    [found] = reasons(replaced(signature=json.loads(SAMPLE)["signature"] | {"value": value}))
    assert says in found


def test_two_texts_of_base64_that_mean_the_same_signature_are_not_both_valid():
    """The twin of `spare bits`: the library itself accepts both."""
    other = VALUE[:-3] + chr(ord(VALUE[-3]) + 1) + "=="
    assert other != VALUE
    assert verify_statement.b64decode(other, validate=True) == verify_statement.b64decode(VALUE)


def test_a_key_list_with_a_broken_key_refuses_and_does_not_fail():
    for broken in ("", "AAAA", "no base64"):
        [found] = reasons(SAMPLE, {OUR_KEY.key_id: broken})
        assert found == f"signature: it was not made with the key {OUR_KEY.key_id} for this document"


def test_another_digest_in_the_signature_is_refused():
    stated = "0" * 64
    [found] = reasons(replaced(signature=json.loads(SAMPLE)["signature"] | {"digest": stated}))
    right = json.loads(SAMPLE)["signature"]["digest"]
    assert found == f"signature: the digest of this document is {right}, not {stated}"


def test_a_draft_is_told_to_be_one():
    made, lines = documents.draft()
    [found] = check(made | {"lines": lines}, KEYS)
    assert found == "it is a draft, and drafts are not signed: verify the statement once it is issued"


def test_another_version_of_the_schema_is_told():
    [found] = reasons(replaced(schema="backpack-broker-statement/2"))
    assert found.startswith("schema: backpack-broker-statement/2 is not backpack-broker-statement/1: use the")
    assert check({}, KEYS) == [
        "schema: null is not backpack-broker-statement/1: use the program of that schema"
    ]


def test_many_lines_are_verified():
    """A hundred thousand take about two seconds and a half."""
    rows = [(*row[:6], row[6].removeprefix("-")) for row in documents.many(5_000)]
    made, lines = documents.issued(rows)
    assert check(made | {"lines": lines}, KEYS) == []
