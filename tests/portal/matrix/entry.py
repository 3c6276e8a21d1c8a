"""What is said of an address: what stands in it, what a POST sends, in which state its things are before."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.portal.matrix.world import World

Values = Callable[[World, str], dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """`ok` is the name of the address that a redirect leads to when the visitor was let in."""

    ok: str = ""
    sends: Values = lambda _world, _visitor: {}
    at: Values = lambda _world, _visitor: {}
    before: Callable[[World], object] = lambda _world: None
