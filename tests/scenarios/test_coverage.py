"""What the months of `months/` cover between them."""

import pytest

from tests.scenarios import reading

MUST_COVER = {
    *(f"threshold {floor}M {where}" for floor in (5, 10, 20, 60, 100) for where in ("below", "at", "above")),
    *(f"affiliate rates at BKR {number}" for number in range(6)),
    "affiliate 100 %",
    "affiliate cap",
    "affiliate change",
    "negative fee",
    "zero fee",
    "fee as charged",
    "fee rate bounds",
    "fee tier change",
    "month edge",
    "microsecond",
    "30 days",
    "31 days",
    "leap February",
    "common February",
    "year edge",
    "settled_month",
    "preceding_month",
    "tier falls",
    "two brokers",
    "no fills",
    "terminated",
    "suspended",
    "suspension's first and last microsecond",
    "suspension back-dated",
    "suspension planned",
    "suspension cancelled",
    "termination planned",
    "enrolment",
    "half cent",
    "below half cent",
    "rounded once",
    "many fills",
    "market types",
    "RFQ excluded",
    "system orders excluded",
    "quarantine",
    "duplicates",
    "both sides",
    "dollar assets",
    "equal values",
    "line order",
    "18 digits",
    "huge numbers",
    "threshold",
}


def test_there_are_at_least_forty_five_months():
    assert len(reading.names()) >= 45


def test_together_they_cover_what_must_be_covered():
    assert {tag for name in reading.names() for tag in reading.read(name).tags} == MUST_COVER


def test_every_affiliate_rate_around_the_cap_meets_every_tier():
    found = {
        (each.payout["tier"], line["affiliate_rate"], line["applied_rate"])
        for number in range(6)
        for each in reading.read(f"affiliate_rates_at_bkr_{number}").expected
        for line in each.payout["lines"]
    }
    tiers = {"BKR 0": "0.2", "BKR 1": "0.3", "BKR 2": "0.35", "BKR 3": "0.4", "BKR 4": "0.45", "BKR 5": "0.5"}
    assert found == {
        *((tier, "0", rebate) for tier, rebate in tiers.items()),
        *((tier, "0.1", min(rebate, "0.4")) for tier, rebate in tiers.items()),
        *((tier, "0.3", "0.2") for tier in tiers),
        *((tier, "0.35", "0.15") for tier in tiers),
        *((tier, "0.499", "0.001") for tier in tiers),
        *((tier, "0.5", "0") for tier in tiers),
        *((tier, "0.6", "0") for tier in tiers),
    }


def test_a_misspelt_part_of_a_file_is_noticed():
    said = {
        "title": "t",
        "why": "w",
        "tags": [],
        "month": "2026-10",
        "tier_basis": "settled_month",
        "broker": [],
        "fills": {"given": " trader | price"},
        "intake": {},
        "expected": [],
        "expcted": [],
    }
    with pytest.raises(AssertionError, match="nobody reads"):
        reading.understand("misspelt", said)
