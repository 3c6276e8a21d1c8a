"""One transaction that sees the books of one instant, while intakes and calculations go on."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Whatever is read inside was true at the same moment, so that totals and lines tie.

    Otherwise a fill that arrives between two statements would be in the lines but not in the payout.
    Inside a transaction of the caller's the isolation is the caller's: it cannot be raised midway. No month
    is archived in between: a dropped partition is gone from every snapshot, however old.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                # The lock comes before the snapshot, so that what was archived by then is known to be.
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
                    " LOCK TABLE ONLY fill IN ACCESS SHARE MODE"
                )
        yield
