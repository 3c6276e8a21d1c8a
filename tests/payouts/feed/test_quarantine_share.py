"""When the share of quarantined records has jumped: limits to the record, told by literal values."""

import pytest

from payouts.feed.quarantine_share import Counted, has_jumped, percent


@pytest.mark.parametrize(
    ("received", "quarantined", "received_before", "quarantined_before", "jumped"),
    [
        (100, 20, 100_000, 100, True),
        (100, 19, 100_000, 100, False),  # too few to say anything
        (2_000, 20, 100_000, 0, False),  # 1 % is not above 1 %
        (1_999, 20, 100_000, 0, True),
        (1_000, 100, 1_000, 20, False),  # 10 % is not above 5 times 2 %
        (1_000, 101, 1_000, 20, True),
        (1_000_000, 100_000, 10**12, 2 * 10**10, False),
        (20, 20, 0, 0, True),  # the first hour of all
        (0, 0, 0, 0, False),
        (10**9, 10**9, 10**12, 10**12, False),  # it was never any better
    ],
)
def test_a_jump(
    received: int, quarantined: int, received_before: int, quarantined_before: int, jumped: bool
) -> None:
    assert has_jumped(Counted(received, quarantined, received_before, quarantined_before)) is jumped


def test_a_share_has_two_places() -> None:
    assert [percent(1, 3), percent(0, 5), percent(0, 0), percent(20_000, 20_000)] == [
        "33.33 %", "0.00 %", "0.00 %", "100.00 %",
    ]  # fmt: skip
