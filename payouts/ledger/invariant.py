"""What an invariant of the books is: what finds what breaks it, and what to do then. Pure."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invariant:
    """One thing that must always be true. Its name stands where it is listed."""

    #: SQL that returns the rows for which it is not true.
    query: str
    #: The command or page that helps, as a sentence for staff.
    helps: str


@dataclass(frozen=True, slots=True)
class Check:
    """The same for what no query can tell."""

    #: Returns the rows for which it is not true, each as names and values.
    find: Callable[[], list[dict[str, str]]]
    helps: str
