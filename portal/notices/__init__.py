"""Turns facts into letters by sweep, each exactly once: it asks which are missing, never "id > last seen".

What happened is told to whom it concerns: applicants, members, owners. `LATEST` bounds how far a sweep looks
back, so that what it costs does not grow with all that ever happened.
"""

import logging
from datetime import datetime, timedelta

from portal.notices import accounts, appeals, applications, credits, exports, standings, statements

log = logging.getLogger(__name__)

#: A fact that is older gets no letter any more. A sweep comes every second, so nothing is that old unless all
#: sweeps stood still for a year; who became an owner since then would read of what is long over.
LATEST = timedelta(days=365)
_SOURCES = (applications, standings, appeals, accounts, statements, credits, exports)


def write_due(*, now: datetime) -> int:
    """Write the letters that facts still lack; how many were written.

    One transaction a letter, and the letter's unique key decides: sweeps may run side by side, and one that
    is killed anywhere leaves the rest to the next. A fact that fails keeps no other from its letter; what
    went wrong is raised at the end as an `ExceptionGroup`.
    """
    written, failed = 0, []
    for source in _SOURCES:
        for missing in source.without_letter(since=now - LATEST, now=now):
            try:
                written += source.write(missing, now=now)
            except Exception as problem:
                problem.add_note(f"while writing the letter about {missing} of {source.__name__}")
                failed.append(problem)
    if failed:
        raise ExceptionGroup("letters that could not be written", failed)
    return written
