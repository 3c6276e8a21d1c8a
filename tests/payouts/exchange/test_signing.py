"""Signing: the exchange's own style, one string for one question, nothing accepted but what was signed."""

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import assume, given
from hypothesis import strategies as st

from payouts.exchange.signing import NotASigningKey, Signer, string_to_sign

#: The bytes 1 to 32.
KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
texts = st.text(min_size=1, max_size=20)
questions = st.tuples(
    texts,
    st.dictionaries(texts, st.text(max_size=20), max_size=4),
    st.integers(0, 2**45),
    st.integers(1, 60_000),
)


def string(question: tuple[str, dict[str, str], int, int]) -> str:
    instruction, parameters, timestamp, window = question
    return string_to_sign(instruction, parameters, timestamp=timestamp, window=window)


def test_the_headers_are_those_that_openssl_makes() -> None:
    """The signature and the verifying key were made by `openssl pkeyutl -sign -rawin`, not by this code."""
    made = Signer(KEY).headers(
        "brokerAccountQuery", {"zone": "a&b=c", "accountId": "BP-7"}, timestamp=1_763_812_800_123
    )

    assert made == {
        "X-API-Key": "ebVWLo/mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ=",
        "X-Signature": (
            "8LnZiSEzPlfcdIQjyM4Ye/aWKIr+P5H8UhPMe1BobmdTx4a/7yaTdQJz/YnO1pPd4GKNX70QygT+deeXTiPuAw=="
        ),
        "X-Timestamp": "1763812800123",
        "X-Window": "5000",
    }


def test_parameters_stand_by_name_between_the_instruction_and_the_time() -> None:
    assert (
        string_to_sign("accountQuery", {"b": "2", "a": "1"}, timestamp=9, window=5_000)
        == "instruction=accountQuery&a=1&b=2&timestamp=9&window=5000"
    )
    assert string_to_sign("balanceQuery", {}, timestamp=9, window=60_000) == (
        "instruction=balanceQuery&timestamp=9&window=60000"
    )


@given(questions, questions)
def test_two_questions_never_share_a_string(
    one: tuple[str, dict[str, str], int, int], other: tuple[str, dict[str, str], int, int]
) -> None:
    """No value can pass for another parameter, another instruction or another time."""
    assume(one != other)

    assert string(one) != string(other)


def test_a_value_cannot_add_a_parameter() -> None:
    sly = string_to_sign("q", {"accountId": "1&affiliate=false"}, timestamp=9, window=1)

    assert sly == "instruction=q&accountId=1%26affiliate%3Dfalse&timestamp=9&window=1"


@given(questions, st.binary(min_size=32, max_size=32))
def test_the_key_that_is_named_verifies_what_was_signed_and_nothing_else(
    question: tuple[str, dict[str, str], int, int], secret: bytes
) -> None:
    instruction, parameters, timestamp, window = question
    headers = Signer(base64.b64encode(secret).decode()).headers(
        instruction, parameters, timestamp=timestamp, window=window
    )
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(headers["X-API-Key"]))
    signature = base64.b64decode(headers["X-Signature"])

    key.verify(signature, string(question).encode())
    with pytest.raises(InvalidSignature):
        key.verify(signature, string((instruction, parameters, timestamp + 1, window)).encode())


@pytest.mark.parametrize(
    "key", ["", "short", "AQID", KEY + "AAAA", KEY[:-1], "é" * 44, KEY.replace("A", "!")]
)
def test_what_is_no_key_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(NotASigningKey) as refused:
        Signer(key)

    assert str(refused.value) == "an ED25519 key is 32 bytes in base64"
