"""The form of a service token: recognised at sight, mistypings told apart without the database. Pure.

    bpk_codes_7f3k9q2m_<43 random letters and digits><6 of checksum>

The first three words are the prefix: they find the row, may be shown, and open nothing.
"""

import re
import zlib
from hashlib import sha256

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SMALL = "0123456789abcdefghijklmnopqrstuvwxyz"
#: 62^43 is just above 2^256.
ID_LENGTH, SECRET_LENGTH, CHECKSUM_LENGTH = 8, 43, 6
ID_LETTERS, SECRET_LETTERS = _SMALL, _LETTERS
_FORM = re.compile(r"(bpk_[a-z]{1,16}_[0-9a-z]{8})_[0-9A-Za-z]{49}", re.ASCII)
#: What logs must never show.
ANYWHERE = re.compile(r"(bpk_[a-z]{1,16}_[0-9a-z]{8})_[0-9A-Za-z]{20,}", re.ASCII)
LONGEST = 90


class Secret:
    """A whole token on its way: a traceback, a log or an error page that shows it shows only the prefix."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"<token {self.prefix or 'of no form'}…>"

    def reveal(self) -> str:
        """For the one page, or the one line, that shows it."""
        return self._text

    @property
    def prefix(self) -> str:
        """What finds the row; "" for what has not the form of a token."""
        found = _FORM.fullmatch(self._text) if len(self._text) <= LONGEST else None
        return found[1] if found else ""

    @property
    def is_well_formed(self) -> bool:
        """It has the form, and its checksum: what is mistyped or cut off has not."""
        return bool(self.prefix) and checksum(self._text[:-CHECKSUM_LENGTH]) == self._text[-CHECKSUM_LENGTH:]

    @property
    def hash(self) -> str:
        """What is kept. Plain SHA-256: nobody guesses 256 random bits, so there is nothing to slow down."""
        return sha256(self._text.encode("utf-8", "surrogatepass")).hexdigest()


def assemble(*, word: str, id_letters: str, secret_letters: str) -> Secret:
    """The token of a scope's word, from letters that were drawn for it."""
    head = f"bpk_{word}_{id_letters}_{secret_letters}"
    return Secret(head + checksum(head))


def checksum(head: str) -> str:
    """CRC-32 in base 62. It proves nothing; it only saves a look-up."""
    number, letters = zlib.crc32(head.encode("ascii")), ""
    while number:
        number, rest = divmod(number, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters.rjust(CHECKSUM_LENGTH, _LETTERS[0])
