"""The program's pure rules: tiers, terms, standing and codes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest

from payouts.month import Month
from payouts.program import broker_code
from payouts.program.standing import Change, Range, ranges, state_at, terminated_at
from payouts.program.terms import ENTRIES, entry_named, terms_for
from payouts.program.tiers import NextTier, Tier, next_tier, tier_of

TERMS = ENTRIES[0]
LADDER = TERMS.ladder


@pytest.mark.parametrize(
    ("volume", "name", "rebate"),
    [
        ("0", "BKR 0", "0.20"), ("4999999.999999999999999999", "BKR 0", "0.20"),
        ("5000000", "BKR 1", "0.30"), ("9999999.99", "BKR 1", "0.30"),
        ("10000000", "BKR 2", "0.35"), ("19999999.99", "BKR 2", "0.35"),
        ("20000000", "BKR 3", "0.40"), ("59999999.99", "BKR 3", "0.40"),
        ("60000000", "BKR 4", "0.45"), ("99999999.99", "BKR 4", "0.45"),
        ("100000000", "BKR 5", "0.50"), ("1E+40", "BKR 5", "0.50"),
    ],
)  # fmt: skip
def test_reaching_a_floor_exactly_is_reaching_the_tier(volume: str, name: str, rebate: str) -> None:
    for ladder in (LADDER, LADDER[::-1]):
        tier = tier_of(Decimal(volume), ladder)
        assert (tier.name, str(tier), tier.rebate) == (name, name, Decimal(rebate))


def test_a_negative_volume_reaches_no_tier() -> None:
    with pytest.raises(ValueError, match="reaches no tier"):
        tier_of(Decimal("-0.01"), LADDER)


def test_the_next_tier_and_what_is_missing_to_it() -> None:
    assert next_tier(Decimal("4999999.999999999999999999"), LADDER) == NextTier(
        LADDER[1], Decimal("0.000000000000000001")
    )
    assert next_tier(Decimal(5_000_000), LADDER) == NextTier(LADDER[2], Decimal(5_000_000))
    assert next_tier(Decimal(100_000_000), LADDER) is None


def test_the_terms_say_what_the_program_s_text_says() -> None:
    assert [(tier.name, tier.floor, tier.rebate) for tier in LADDER] == [
        ("BKR 0", 0, Decimal("0.20")),
        ("BKR 1", 5_000_000, Decimal("0.30")),
        ("BKR 2", 10_000_000, Decimal("0.35")),
        ("BKR 3", 20_000_000, Decimal("0.40")),
        ("BKR 4", 60_000_000, Decimal("0.45")),
        ("BKR 5", 100_000_000, Decimal("0.50")),
    ]
    assert (TERMS.rebate_cap, TERMS.tier_basis) == (Decimal("0.5"), "settled_month")
    assert TERMS.dollar_assets == {"USD", "USDC"}
    assert TERMS.fee_tolerance == Decimal("0.000001")


def test_the_latest_entry_that_has_begun_is_in_force() -> None:
    second = replace(TERMS, name="second", in_force_from=Month(2026, 3))
    third = replace(TERMS, name="third", in_force_from=Month(2026, 5))
    for entries in permutations([TERMS, second, third]):
        found = {
            str(month): terms_for(month, entries).name
            for month in (Month(2025, 9), Month(2026, 2), Month(2026, 3), Month(2026, 5), Month(2030, 1))
        }
        assert list(found.values()) == [TERMS.name, TERMS.name, "second", "third", "third"]
        assert terms_for(Month(2020, 1), entries).name == TERMS.name  # before all of them: the first


def test_an_entry_is_found_by_its_name() -> None:
    assert entry_named(TERMS.name) is TERMS


@pytest.mark.parametrize(
    "ladder",
    [
        (),
        (Tier("a", Decimal(1), Decimal("0.2")),),
        (Tier("a", Decimal(0), Decimal("0.2")), Tier("b", Decimal(0), Decimal("0.3"))),
        (Tier("a", Decimal(0), Decimal("0.2")), Tier("b", Decimal(2), Decimal("0.3")),
         Tier("c", Decimal(1), Decimal("0.4"))),
        (Tier("a", Decimal(0), Decimal("0.3")), Tier("b", Decimal(1), Decimal("0.2"))),
        (Tier("a", Decimal(0), Decimal("0.51")),),
        (Tier("a", Decimal(0), Decimal("-0.1")),),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_meant_are_refused(ladder: tuple[Tier, ...]) -> None:
    with pytest.raises(ValueError, match=r"^terms 2025-09: "):
        replace(TERMS, ladder=ladder)


START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
CHANGES = [
    Change("enrolled", START),
    Change("suspended", START + DAY, 2),
    Change("lifted", START + 2 * DAY, 2),
    Change("terminated", START + 3 * DAY, 4),
]


def test_standing_follows_its_changes_in_the_order_of_time() -> None:
    moments = [START - DAY, *(START + days * DAY for days in range(5))]
    expected = ["not enrolled", "active", "suspended", "active", "terminated", "terminated"]

    for changes in (CHANGES, CHANGES[::-1]):
        assert [state_at(changes, moment) for moment in moments] == expected
    assert state_at(CHANGES, START + DAY - TICK) == "active"
    assert state_at([], START) == "not enrolled"


def test_ranges_are_what_the_changes_come_to_in_whatever_order_they_are_given() -> None:
    for changes in permutations(CHANGES):
        assert ranges(changes) == [
            Range("suspended", START + DAY, START + 2 * DAY, 2),
            Range("terminated", START + 3 * DAY, None, 4),
        ]


def test_a_suspension_that_nobody_lifted_ends_with_the_termination_or_not_at_all() -> None:
    enrolled, suspended, _, terminated = CHANGES

    assert ranges([enrolled, suspended]) == [Range("suspended", START + DAY, None, 2)]
    assert ranges([enrolled, suspended, terminated]) == [
        Range("suspended", START + DAY, START + 3 * DAY, 2),
        Range("terminated", START + 3 * DAY, None, 4),
    ]


def test_of_a_lifting_and_a_termination_the_earlier_one_ends_a_suspension() -> None:
    """Clocks of two hosts differ: a termination may be recorded after a lifting and hold from before it."""
    enrolled, suspended, lifted, _ = CHANGES
    terminated = Change("terminated", START + 2 * DAY - TICK, 4)

    assert ranges([enrolled, suspended, lifted, terminated]) == [
        Range("suspended", START + DAY, START + 2 * DAY - TICK, 2),
        Range("terminated", START + 2 * DAY - TICK, None, 4),
    ]


def test_a_planned_suspension_that_was_cancelled_leaves_another_alone() -> None:
    planned, cancelled = Change("suspended", START + 5 * DAY, 5), Change("lifted", START + 5 * DAY, 5)
    instead = Change("suspended", START + 4 * DAY, 7)
    changes = [CHANGES[0], planned, cancelled]

    assert ranges(changes) == []
    assert ranges([*changes, instead]) == [Range("suspended", START + 4 * DAY, None, 7)]
    assert [state_at([*changes, instead], START + days * DAY) for days in (3, 4, 5, 6)] == [
        "active",
        "suspended",
        "suspended",
        "suspended",
    ]


def test_a_range_holds_from_its_start_until_before_its_end() -> None:
    found = Range("suspended", START, START + DAY)

    moments = (START - TICK, START, START + DAY - TICK, START + DAY)
    assert [found.holds_at(moment) for moment in moments] == [False, True, True, False]
    beside, over = Range("suspended", START + DAY, None), Range("suspended", START + DAY - TICK, None)
    assert (found.meets(beside), beside.meets(found)) == (False, False)
    assert (found.meets(over), over.meets(found)) == (True, True)


def test_termination_is_an_instant_or_none() -> None:
    assert terminated_at(CHANGES) == START + 3 * DAY
    assert terminated_at(CHANGES[:3]) is None


def test_codes_are_uint16() -> None:
    assert [broker_code.is_code(number) for number in (-1, 0, 65_535, 65_536)] == [False, True, True, False]


def test_the_next_free_code_is_a_multiple_of_100_from_2300() -> None:
    assert broker_code.next_free([]) == 2_300
    assert broker_code.next_free({1_400, 2_300, 2_301, 2_500}) == 2_400
    assert broker_code.next_free(set(range(65_500))) == 65_500
    with pytest.raises(broker_code.NoCodeLeft, match="choose another one"):
        broker_code.next_free(set(range(2_300, 65_536, 100)))
