"""Signing: what is signed, with which key, and that the verifier's own library agrees."""

from base64 import b64decode
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from payouts.statements import signature, verify_statement
from tests.payouts.statements.documents import FOREIGN_SECRET, SECRET

DIGEST = sha256(b"a statement").hexdigest()
#: The first test vector of RFC 8032, section 7.1.
RFC_SECRET = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
RFC_PUBLIC = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def test_a_key_is_known_by_the_first_digits_of_the_digest_of_its_public_half():
    key = signature.key_of(RFC_SECRET)
    assert key.public_key == RFC_PUBLIC
    assert key.key_id == sha256(b64decode(RFC_PUBLIC)).hexdigest()[:16] == "21fe31dfa154a261"
    assert signature.key_of(SECRET) != signature.key_of(FOREIGN_SECRET)


def test_what_is_signed_says_what_it_is():
    assert verify_statement.message(DIGEST) == b"backpack-broker-statement/1 " + DIGEST.encode()
    signed = b64decode(signature.sign(DIGEST, SECRET))
    public = Ed25519PublicKey.from_public_bytes(b64decode(signature.key_of(SECRET).public_key))
    public.verify(signed, b"backpack-broker-statement/1 " + DIGEST.encode())
    for other in (DIGEST.encode(), b"backpack-broker-statement/2 " + DIGEST.encode()):
        with pytest.raises(InvalidSignature):
            public.verify(signed, other)


def test_a_digest_is_signed_in_the_same_way_each_time():
    signed = signature.sign(DIGEST, SECRET)
    assert signed == signature.sign(DIGEST, SECRET)
    assert signed != signature.sign(DIGEST, FOREIGN_SECRET)
    assert len(b64decode(signed, validate=True)) == 64


def test_a_document_says_by_what_it_is_signed():
    assert signature.member(digest=DIGEST, key_id="0123456789abcdef", signature="c2lnbmVk") == {
        "algorithm": "Ed25519",
        "digest": DIGEST,
        "key_id": "0123456789abcdef",
        "value": "c2lnbmVk",
    }


@pytest.mark.parametrize("secret", ["", "AAAA", "no base64"])
def test_what_is_no_secret_key_signs_nothing(secret):
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        signature.sign(DIGEST, secret)
