"""A trader's name on what a broker sees: the same for ever, and no way back. Pure."""

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterable
from hashlib import sha256

#: 60 bits: no two of a broker's traders meet, and the name still fits a table and a telephone call.
_SIGNS = 12
#: 60 bits are seven bytes and a half.
_WHOLE_BYTES = _SIGNS * 5 // 8
_NAME = re.compile(rf"T-[A-Z2-7]{{{_SIGNS}}}")


def of(*, trader: int, broker: int, key: bytes) -> str:
    """The pseudonym of a trader under one broker, such as `T-4QX7…`; another broker sees another one.

    The key never rotates, so that a trader keeps the name on every statement.
    """
    digest = hmac.new(key, f"{broker}:{trader}".encode(), sha256).digest()
    return f"T-{b32encode(digest).decode()[:_SIGNS]}"


def is_name(text: str) -> bool:
    """Whether a text is written like a pseudonym."""
    return _NAME.fullmatch(text) is not None


def bearer(name: str, traders: Iterable[int], *, broker: int, key: bytes) -> int | None:
    """Which of these traders bears the name under a broker: each is tried, because there is no way back."""
    if not is_name(name):
        return None
    begins = b32decode(f"{name.removeprefix('T-')}AAAA")[:_WHOLE_BYTES]
    unkeyed = hmac.new(key, digestmod=sha256)
    for each in traders:
        tried = unkeyed.copy()
        tried.update(f"{broker}:{each}".encode())
        if tried.digest().startswith(begins) and of(trader=each, broker=broker, key=key) == name:
            return each
    return None
