"""No field costs the server more than a moment, however much is typed into it."""

import time
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from portal.application import typed

#: Marks that belong below and above a letter, the wrong way round: to put them in order takes the square
#: of their number. One request carries a million of them.
MARKS = "a" + "\u0301" * 20_000 + "\u0316" * 20_000


@pytest.mark.parametrize(
    "field",
    [
        typed.Line(max_length=200),
        typed.Telephone(max_length=40),
        typed.Text(max_length=4_000),
        typed.Website(max_length=300),
        typed.Dollars(),
        typed.Count(),
    ],
    ids=lambda field: type(field).__name__,
)
@pytest.mark.parametrize("text", [MARKS, "9" * 2_000_000, "9," * 1_000_000, "+" + "( " * 1_000_000])
def test_what_is_far_too_long_is_refused_at_once(field: Any, text: str) -> None:
    begun = time.process_time()
    with pytest.raises(ValidationError):
        field.clean(text)
    assert time.process_time() - begun < 0.5
