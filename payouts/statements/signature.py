"""Signs the digest of a statement; `verify_statement` says what is signed, and verifies it. Pure."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from payouts.statements.verify_statement import ALGORITHM, message

_SIGNS_OF_AN_ID = 16


@dataclass(frozen=True, slots=True)
class Key:
    """A key that statements are signed with, as it is published: texts in base64."""

    key_id: str
    public_key: str


def key_of(secret: str) -> Key:
    """The public half of a secret key (32 bytes in base64). A lost key is another key with another id."""
    public = _private(secret).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return Key(key_id=sha256(public).hexdigest()[:_SIGNS_OF_AN_ID], public_key=b64encode(public).decode())


def sign(digest: str, secret: str) -> str:
    """The signature of a digest (64 hexadecimal digits), in base64. The same for the same two, always."""
    return b64encode(_private(secret).sign(message(digest))).decode()


def member(*, digest: str, key_id: str, signature: str) -> dict[str, str]:
    """What a document says of its own signature; left out of what is digested."""
    return {"algorithm": ALGORITHM, "digest": digest, "key_id": key_id, "value": signature}


def _private(secret: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(b64decode(secret, validate=True))
