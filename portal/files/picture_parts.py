"""What the readers of PNG and JPEG say of a picture."""

from collections.abc import Callable
from dataclasses import dataclass


class Broken(Exception):
    """The structure does not hold."""


class Unreadable(Exception):
    """The structure holds, but what it holds is no picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its structure alone; its pixels are not looked at yet."""

    width: int
    height: int
    #: Where the file ends by what it says itself.
    end: int
    #: Reads all of its pixels. Raises `Unreadable`; refuses what would cost too much (`FileRefused`).
    must_be_whole: Callable[[], None]
