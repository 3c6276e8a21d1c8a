"""The line of the log about a push: which batch it became, who sent it, and where its records went."""

import logging

import msgspec
from structlog.contextvars import bind_contextvars

_log = logging.getLogger(__name__)


class _Told(msgspec.Struct):
    """What the line takes of an answer; the records that were not accepted stay out of it."""

    batch: int
    received: int
    accepted: int
    duplicate: int
    excluded: dict[str, int]
    quarantined: dict[str, int]


_reader = msgspec.json.Decoder(_Told)


def note(answer: str, *, sender: str) -> None:
    """Every later line of the request bears the batch; a push that was answered before has its old one."""
    told = _reader.decode(answer)
    bind_contextvars(batch=told.batch)
    _log.info(
        "a push is answered",
        extra={
            "sender": sender,
            "received": told.received,
            "accepted": told.accepted,
            "duplicate": told.duplicate,
            "excluded": told.excluded,
            "quarantined": told.quarantined,
        },
    )
