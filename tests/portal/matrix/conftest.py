"""The world of the matrix, built once for all of its tests in a database of its own."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client, override_settings

from tests import databases, make
from tests.exchange import PRIVATE_KEY, answering
from tests.portal.matrix import world as worlds
from tests.portal.matrix.knocking import undone
from tests.portal.matrix.world import World


@pytest.fixture(scope="package")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    # Thousands of refusals are what is asked for here; as lines of a log they take longer than to make.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)
    with (
        django_db_blocker.unblock(),
        databases.clone(databases.own_name("matrix")),
        time_machine.travel(make.NOW, tick=False),
        answering() as exchange,
        override_settings(
            EXCHANGE_URL=exchange.url,
            EXCHANGE_PRIVATE_KEY=PRIVATE_KEY,
            # How long it takes to try a password is no question of who may do what.
            PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ),
    ):
        yield worlds.build()
    logging.getLogger("django.request").setLevel(logging.NOTSET)


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    """Everybody's browser: each cell puts the visitor's session into it, and leaves nothing behind."""
    with undone():
        yield Client()
