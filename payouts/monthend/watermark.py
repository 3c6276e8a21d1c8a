"""What a calculation could see: the batches and voids of its snapshot, as text of multiranges of their ids.

With them the same input can be read again from the fills, however much has arrived since.
"""

from dataclasses import dataclass

from django.db import connection

#: Batches and voids are only ever added, so what an earlier calculation saw is not counted again: only
#: what is above it, and what has filled the gaps that transactions under way had left.
_VISIBLE = """
    WITH before AS (
        SELECT coalesce((SELECT {column} FROM payout WHERE {column} <> '{{}}' ORDER BY id DESC LIMIT 1),
                        '{{}}')::int8multirange AS seen
    ), open AS (
        SELECT unnest(int8multirange(int8range(0, NULL)) - seen) AS gap FROM before
    ), added AS (
        SELECT range_agg(int8range(id, id, '[]')) AS seen FROM open JOIN {table}
            ON id >= lower(gap) AND (upper(gap) IS NULL OR id < upper(gap))
    )
    SELECT (before.seen + coalesce(added.seen, '{{}}'))::text FROM before, added
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Text of `int8multirange`s: the batches, and the voids, that a snapshot holds."""

    batches: str
    voids: str


def visible() -> Seen:
    """What the transaction's snapshot holds."""
    return Seen(
        batches=_ids(column="watermark", table="feed_batch"),
        voids=_ids(column="voids", table="fill_void"),
    )


def _ids(*, column: str, table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_VISIBLE.format(column=column, table=table))
        return str(cursor.fetchone()[0])
