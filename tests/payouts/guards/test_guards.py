"""Every unique index, CHECK and trigger that guards money: what it refuses, and what comes in without it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import databases
from tests.payouts import money_rows, owner
from tests.payouts.guards import deeds, statement_deeds, walk
from tests.payouts.guards.deeds import Copy, Deed

CONSTRAINTS = deeds.CONSTRAINTS | statement_deeds.CONSTRAINTS
TRIGGERS = deeds.TRIGGERS | statement_deeds.TRIGGERS
IMPLIED = deeds.IMPLIED | statement_deeds.IMPLIED
KEPT = "its rows are kept for ever"


@pytest.fixture(scope="module")
def book(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, int]]:
    with django_db_blocker.unblock(), databases.clone(databases.own_name("guards")):
        yield money_rows.write()


@pytest.fixture(scope="module")
def owners(book: dict[str, int]) -> Iterator[walk.Connection]:
    with owner.connected() as connection:
        connection.autocommit = False
        yield connection
        connection.rollback()


@pytest.fixture
def server(owners: walk.Connection) -> Iterator[walk.Connection]:
    """The owner of the database, in a transaction that is rolled back."""
    yield owners
    owners.rollback()


def by_family(name: str, table: str, server: walk.Connection) -> list[Deed]:
    """What the guards that many tables have refuse."""
    column = walk.columns(server, table)[0]
    update = Deed((f"UPDATE {table} SET {column} = {column}",), KEPT)
    delete = Deed((f"DELETE FROM {table}",), KEPT)
    if name.endswith("_check"):
        number = name.removeprefix(f"{table}_").removesuffix("_check")
        one = f"(SELECT ctid FROM {table} LIMIT 1)"
        return [Deed((f"UPDATE {table} SET {number} = -1 WHERE ctid = {one}",))]
    return {
        f"{table}_is_append_only": [update, delete],
        f"{table}_is_kept": [delete],
        f"{table}_is_not_edited": [update],
        f"{table}_is_not_emptied": [Deed((f"TRUNCATE {table}",), KEPT)],
    }.get(name, [])


def deeds_of(name: str, table: str, server: walk.Connection) -> list[Deed]:
    return CONSTRAINTS.get(name) or TRIGGERS.get(name) or by_family(name, table, server)


def act(server: walk.Connection, acts: tuple[str | Copy, ...], rows: dict[str, int]) -> None:
    for each in acts:
        if isinstance(each, Copy):
            names = [name for name in walk.columns(server, each.table) if name != "id"]
            columns = ", ".join(f'"{name}"' for name in names)
            values = ", ".join(each.changes.get(name, f'"{name}"') for name in names)
            statement = (
                f"INSERT INTO {each.table} ({columns}) SELECT {values} FROM {each.table} WHERE {each.where}"
            )
        else:
            statement = each
        server.execute(statement.format(**rows))  # type: ignore[arg-type]


def arrange(server: walk.Connection, deed: Deed, rows: dict[str, int]) -> None:
    """What is there before the deed, whatever the triggers would say of it."""
    if deed.given:
        owner.disarm(server)
        act(server, deed.given, rows)
        server.execute("SET CONSTRAINTS ALL IMMEDIATE")
        server.execute("SET CONSTRAINTS ALL DEFERRED")
        owner.disarm(server, again=True)


def test_every_guard_of_money_is_tried_here(server: walk.Connection) -> None:
    found = walk.guards(server)

    assert [name for name, (table, _) in found.items() if not deeds_of(name, table, server)] == []
    assert (set(CONSTRAINTS) | set(TRIGGERS) | set(IMPLIED)) - set(found) == set()


@pytest.mark.parametrize("table", walk.TABLES)
def test_each_guard_of_a_table_refuses_and_without_it_the_same_goes_through(
    server: walk.Connection, book: dict[str, int], table: str
) -> None:
    for name, (of, kind) in walk.guards(server).items():
        if of == table and name not in IMPLIED:
            for deed in deeds_of(name, table, server):
                _refused_only_by(server, name, table, kind, deed, book)


def _refused_only_by(
    server: walk.Connection, name: str, table: str, kind: str, deed: Deed, rows: dict[str, int]
) -> None:
    server.rollback()
    arrange(server, deed, rows)
    if kind != "trigger":
        owner.disarm(server)
    for other, key in walk.referring(server, table) if "TRUNCATE" in str(deed.acts[0]) else []:
        server.execute(f"ALTER TABLE {other} DROP CONSTRAINT {key}")  # type: ignore[arg-type]
    with pytest.raises(psycopg.Error) as refused, server.transaction():
        act(server, deed.acts, rows)
    assert deed.says in str(refused.value), name
    if kind != "trigger":
        assert refused.value.diag.constraint_name == name

    walk.drop(server, name, table, kind)
    act(server, deed.acts, rows)
