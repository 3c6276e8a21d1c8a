"""The way to the mail server: one connection for as many letters as it takes."""

from contextlib import suppress
from types import TracebackType
from typing import Self

from django.core.mail import EmailMessage, get_connection


class Post:
    """A connection of Django's mail backend that a sweep opens, keeps while it is sound, and closes."""

    def __init__(self) -> None:
        self.is_open = False
        self._taken = 0
        self._backend = get_connection(fail_silently=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()

    @property
    def is_new(self) -> bool:
        """Nothing was sent on it yet, so that a failure is no tiredness of an old connection."""
        return self._taken == 0

    @property
    def is_first(self) -> bool:
        return self._taken == 1

    def open(self) -> None:
        """Reach the mail server: greeting, TLS and login. Raises OSError, of which SMTPException is one."""
        self._taken = 0
        try:
            self._backend.open()
        except OSError:
            self.drop()
            raise
        self.is_open = True

    def send(self, letter: EmailMessage) -> None:
        """Returns when the mail server has taken it; raises whatever kept it from doing so."""
        if self._backend.send_messages([letter]) != 1:
            raise ConnectionError("the mail backend took nothing")
        self._taken += 1

    def drop(self) -> None:
        """Close it, politely or not; what is said on the way out is of no interest."""
        with suppress(OSError):
            self._backend.close()
        self.is_open = False
