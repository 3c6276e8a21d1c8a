"""Two halves of a run side by side, each in a thread with a connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pghistory
from django.db import connection, connections

#: More would wait for the same disk, and for PostgreSQL's own processes.
LANES = 2


def number_for(items: int, *, least: int) -> int:
    """How many lanes so many items are worth; one inside a transaction, which no other thread could join."""
    return LANES if items >= least and not connection.in_atomic_block else 1


def run(do: Callable[[], None], *, lanes: int) -> None:
    """Do the same in each lane and wait for all; what one of them raises is raised at the end."""
    if lanes == 1:
        do()
        return
    with pghistory.context() as told:  # what the caller says of itself is said of the lanes' changes too

        def alone() -> None:
            try:
                with pghistory.context(**told.metadata):
                    do()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(lanes, thread_name_prefix="run lane") as threads:
            begun = [threads.submit(alone) for _ in range(lanes)]
            wait(begun)
    for each in begun:
        each.result()
