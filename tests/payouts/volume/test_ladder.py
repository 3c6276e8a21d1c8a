"""The ladder with a volume on it: who is reached, who is current, how full; and shares that are cut."""

from decimal import Decimal

import pytest

from payouts.month import Month
from payouts.program.terms import terms_for
from payouts.volume.ladder import rungs, share

LADDER = terms_for(Month(2026, 11)).ladder


def shown(volume: str) -> list[tuple[str, bool, bool, int]]:
    return [
        (rung.tier.name, rung.reached, rung.current, rung.filled) for rung in rungs(Decimal(volume), LADDER)
    ]


def test_nothing_stands_on_the_lowest_rung() -> None:
    assert shown("0") == [
        ("BKR 0", True, True, 0),
        ("BKR 1", False, False, 0),
        ("BKR 2", False, False, 0),
        ("BKR 3", False, False, 0),
        ("BKR 4", False, False, 0),
        ("BKR 5", False, False, 0),
    ]


def test_a_volume_between_two_floors_fills_the_rungs_below_it() -> None:
    assert shown("12500000") == [
        ("BKR 0", True, False, 1000),
        ("BKR 1", True, False, 1000),
        ("BKR 2", True, True, 250),
        ("BKR 3", False, False, 0),
        ("BKR 4", False, False, 0),
        ("BKR 5", False, False, 0),
    ]


def test_the_last_fraction_of_a_cent_before_a_floor_never_looks_full() -> None:
    assert shown("4999999.999999999999999999")[0] == ("BKR 0", True, True, 999)
    assert shown("5000000")[:2] == [("BKR 0", True, False, 1000), ("BKR 1", True, True, 0)]


def test_the_highest_rung_is_full_as_soon_as_it_is_reached() -> None:
    assert shown("100000000")[-1] == ("BKR 5", True, True, 1000)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ("1", "5", "0.2"),
        ("1", "3", "0.3333"),
        ("0.19999999", "1", "0.1999"),
        ("0", "7", "0"),
        ("1796.25", "5328.09", "0.3371"),
    ],
)
def test_a_share_is_cut_after_the_hundredth_of_a_percent(part: str, whole: str, expected: str) -> None:
    assert share(Decimal(part), Decimal(whole)) == Decimal(expected)


def test_there_is_no_share_of_nothing() -> None:
    assert share(Decimal(0), Decimal(0)) is None
