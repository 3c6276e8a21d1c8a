"""What is known of a file or of a digest: genuine, genuine and corrected, or unknown."""

import re
from dataclasses import dataclass
from itertools import islice

from payouts.statements import queries as statements
from payouts.statements import verify_statement
from payouts.statements.keys import keys_by_id


@dataclass(frozen=True, slots=True)
class Answer:
    """All that anybody is told."""

    is_known: bool
    #: Numbers of later statements of the same broker that correct the month.
    corrected_by: tuple[int, ...] = ()

    @property
    def outcome(self) -> str:
        if not self.is_known:
            return "unknown"
        return "corrected" if self.corrected_by else "valid"


UNKNOWN = Answer(is_known=False)

#: A statement says its digest and that of the one before; however it is formatted, they are written so.
_SAID = re.compile(rb'"digest"\s*:\s*"([0-9a-f]{64})"')
_SAID_AT_MOST = 4


def of_digest(digest: str) -> Answer:
    """Of 64 hexadecimal digits: a document's digest, or the SHA-256 of one of its files."""
    known = statements.known(digest)
    return UNKNOWN if known is None else Answer(is_known=True, corrected_by=known.corrected_by)


def of_file(digest: str, content: bytes) -> Answer:
    """Of a file by its SHA-256; of a JSON file with other bytes, by what it says.

    Reformatted, a document has the same canonical bytes and still bears its signature. One whose signature is
    good but that is not among those issued is unknown.
    """
    answer = of_digest(digest)
    return answer if answer.is_known else _of_content(content)


def _of_content(content: bytes) -> Answer:
    # Reading costs seconds where a stranger chooses what is read, so first it must say a digest of ours.
    said = {each[1].decode() for each in islice(_SAID.finditer(content), _SAID_AT_MOST)}
    if not any(of_digest(each).is_known for each in said):
        return UNKNOWN
    try:
        document = verify_statement.read(content)
        answer = of_digest(verify_statement.digest(document))
    except (ValueError, RecursionError):  # no JSON, or one that a statement is never written in
        return UNKNOWN
    # What it says is ours; its signature is good and its figures are right only if this says so too.
    if not answer.is_known or verify_statement.check(document, keys_by_id()):
        return UNKNOWN
    return answer
