"""The cache that all processes share: it counts limits and spent codes, so it forgets nothing early."""

import base64
import pickle
from collections.abc import Iterable
from datetime import UTC, datetime
from random import randrange
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connection
from django.utils import timezone

#: One write in so many removes what has expired, at most so many rows of it.
_SWEEP_EVERY, _SWEEP_ROWS = 50, 500
_FOR_EVER = datetime.max.replace(tzinfo=UTC)


class SharedCache(DatabaseCache):
    """Django's database cache with each write as one statement.

    Django's own looks first and writes then, so that two processes may both `add` over an expired row; and
    above a number of rows it throws living ones away, so that a flood of logins would empty the limits.
    """

    _table: str

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT cache_key, value FROM {self._table} WHERE cache_key = ANY(%s) AND expires > %s",
                [list(names), timezone.now()],
            )
            return {
                names[name]: pickle.loads(base64.b64decode(value))  # noqa: S301 - written by us alone
                for name, value in cursor.fetchall()
            }

    def has_key(self, key: str, version: int | None = None) -> bool:
        return bool(self.get_many([key], version))

    def _base_set(self, mode: str, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT) -> bool:
        now = timezone.now()
        ends = self.get_backend_timeout(timeout)
        expires = _FOR_EVER if ends is None else datetime.fromtimestamp(ends, tz=UTC)
        with connection.cursor() as cursor:
            if mode == "touch":
                cursor.execute(
                    f"UPDATE {self._table} SET expires = %s WHERE cache_key = %s AND expires > %s",
                    [expires, key, now],
                )
                return bool(cursor.rowcount)
            only_over_expired = "" if mode == "set" else " WHERE held.expires <= %s"
            cursor.execute(
                f"INSERT INTO {self._table} AS held (cache_key, value, expires) VALUES (%s, %s, %s)"
                " ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
                f"{only_over_expired}",
                [
                    key,
                    base64.b64encode(pickle.dumps(value)).decode(),
                    expires,
                    *([] if mode == "set" else [now]),
                ],
            )
            was_written = bool(cursor.rowcount)
            if randrange(_SWEEP_EVERY) == 0:  # noqa: S311 - nothing to guess
                self._sweep(cursor, now)
        return was_written

    def _sweep(self, cursor: Any, now: datetime) -> None:
        cursor.execute(
            f"DELETE FROM {self._table} WHERE cache_key IN"
            f" (SELECT cache_key FROM {self._table} WHERE expires <= %s LIMIT %s FOR UPDATE SKIP LOCKED)",
            [now, _SWEEP_ROWS],
        )
