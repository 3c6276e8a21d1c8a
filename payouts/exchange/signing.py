"""The exchange's own way of signing a question: ED25519 over instruction, parameters and time. Pure."""

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

#: Milliseconds for which a signed question stays good, unless said otherwise; and at most.
USUAL_WINDOW = 5_000
LONGEST_WINDOW = 60_000


class NotASigningKey(ValueError):
    """The text is not an ED25519 key: 32 secret bytes in base64."""


class Signer:
    """Signs questions with one key, which never leaves it."""

    def __init__(self, private_key: str) -> None:
        """`private_key` is the 32 secret bytes in base64. Raises `NotASigningKey`."""
        try:
            secret = base64.b64decode(private_key, validate=True)
            self._key = Ed25519PrivateKey.from_private_bytes(secret)
        except (binascii.Error, ValueError):
            raise NotASigningKey("an ED25519 key is 32 bytes in base64") from None
        self.verifying_key = base64.b64encode(self._key.public_key().public_bytes_raw()).decode()

    def headers(
        self, instruction: str, parameters: Mapping[str, str], *, timestamp: int, window: int = USUAL_WINDOW
    ) -> dict[str, str]:
        """The headers that prove who asks what, and when. `timestamp` and `window` are milliseconds."""
        text = string_to_sign(instruction, parameters, timestamp=timestamp, window=window)
        return {
            "X-API-Key": self.verifying_key,
            "X-Signature": base64.b64encode(self._key.sign(text.encode("ascii"))).decode(),
            "X-Timestamp": str(timestamp),
            "X-Window": str(window),
        }


def string_to_sign(instruction: str, parameters: Mapping[str, str], *, timestamp: int, window: int) -> str:
    """What is signed: `instruction=…&<parameters by name>&timestamp=…&window=…`.

    Names and values stand as they do in the address, so that no value can pass for another parameter.
    """
    parts = [f"instruction={quote(instruction, safe='')}"]
    if parameters:
        parts.append(query(parameters))
    return "&".join([*parts, f"timestamp={timestamp}", f"window={window}"])


def query(parameters: Mapping[str, str]) -> str:
    """The parameters as they stand in the address: by name, each value quoted whole."""
    return urlencode(sorted(parameters.items()), safe="", quote_via=quote)
