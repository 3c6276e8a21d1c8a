"""The exchange that tests of credits ask."""

from collections.abc import Iterator

import pytest

from portal.simulator.answering import AnsweringExchange
from tests.exchange import answering
from tests.payouts.exchange.crediting import NOW


@pytest.fixture
def there() -> Iterator[AnsweringExchange]:
    with answering(clock=lambda: NOW) as made:
        yield made
