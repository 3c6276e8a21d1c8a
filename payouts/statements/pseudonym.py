"""A trader's name on what a broker sees: the same for ever, and no way back. Pure."""

import hmac
from base64 import b32encode
from hashlib import sha256

#: 60 bits: no two of a broker's traders meet, and the name still fits a table and a telephone call.
_SIGNS = 12


def of(*, trader: int, broker: int, key: bytes) -> str:
    """The pseudonym of a trader under one broker, such as `T-4QX7…`; another broker sees another one.

    The key never rotates, so that a trader keeps the name on every statement.
    """
    digest = hmac.new(key, f"{broker}:{trader}".encode(), sha256).digest()
    return f"T-{b32encode(digest).decode()[:_SIGNS]}"
