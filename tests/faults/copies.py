"""Databases to which nothing stays connected meanwhile, so that PostgreSQL may be killed."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests import databases
from tests.databases import own_name


@contextmanager
def copy_of(source: str, purpose: str) -> Iterator[str]:
    """As `databases.clone_of`: in use by Django inside the block, and gone after it. Yields its name."""
    with kept_copy_of(source, purpose) as name:
        yield name
    drop(name)


@contextmanager
def kept_copy_of(source: str, purpose: str) -> Iterator[str]:
    """The same, and it stays, so that it can be copied in its turn."""
    name = own_name(purpose)
    with databases._administer() as server:
        databases.drop(server, name)
        server.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    with databases._named(name):
        yield name


def drop(name: str) -> None:
    with databases._administer() as server:
        databases.drop(server, name)
