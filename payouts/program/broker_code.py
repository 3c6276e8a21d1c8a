"""The broker code: the uint16 that a broker sends as `X-BROKER-ID`. Public, an identifier. Pure."""

from collections.abc import Collection

LOWEST = 0
HIGHEST = 65_535
_FIRST_ISSUED = 2_300
_STEP = 100


class NoCodeLeft(ValueError):
    """Every multiple of 100 from 2300 up is taken; staff must choose a code."""


def is_code(number: int) -> bool:
    """Whether a number fits the header's type, uint16."""
    return LOWEST <= number <= HIGHEST


def next_free(taken: Collection[int]) -> int:
    """The code that a new broker gets unless staff choose one: the next free multiple of 100 from 2300.

    "Send your unique broker code as the API request header."
    """
    for code in range(_FIRST_ISSUED, HIGHEST + 1, _STEP):
        if code not in taken:
            return code
    raise NoCodeLeft("all codes that are multiples of 100 are taken: choose another one")
