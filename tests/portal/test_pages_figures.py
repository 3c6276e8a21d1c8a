"""Numbers and times as templates show them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from plotly.graph_objects import Figure

from payouts.volume.queries import Day
from portal import charts
from portal.templatetags import figures


def test_money_shows_cents_and_refuses_to_lose_digits() -> None:
    assert figures.money(Decimal("1234.56")) == "$1,234.56"
    assert figures.money(Decimal("0")) == "$0.00"
    assert figures.money(Decimal("-1234567.5")) == "−$1,234,567.50"
    with pytest.raises(ArithmeticError):
        figures.money(Decimal("0.005"))


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1677.91868621", "$1,677.91…"),
        ("0.999999999999999999", "$0.99…"),
        ("12.3", "$12.30"),
        ("12.30000", "$12.30"),
        ("0E-36", "$0.00"),
        ("123456789012345678901234567890.12", "$123,456,789,012,345,678,901,234,567,890.12"),
    ],
)
def test_dollars_are_cut_never_rounded_and_say_that_they_go_on(amount: str, shown: str) -> None:
    html = str(figures.dollars(Decimal(amount)))

    assert html.split(">", 1)[1].replace('<span class="goes-on">…</span>', "…") == (f"{shown}</data>")


def test_dollars_carry_every_digit() -> None:
    assert str(figures.dollars(Decimal("1677.918686210000"))) == (
        '<data class="figure" value="1677.91868621" title="$1,677.91868621">$1,677.91'
        '<span class="goes-on">…</span></data>'
    )


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [
        ("0.2", "20%"),
        ("0.50", "50%"),
        ("0.00026", "0.026%"),
        ("-0.00005", "-0.005%"),
        ("0", "0%"),
        ("0.123456789012345678", "12.3456789012345678%"),
    ],
)
def test_a_percentage_keeps_every_digit(fraction: str, shown: str) -> None:
    assert figures.percent(Decimal(fraction)) == shown


def test_floors_and_counts_have_separators() -> None:
    assert figures.whole_dollars(Decimal("100000000.00")) == "$100,000,000"
    assert figures.count(20460) == "20,460"
    with pytest.raises(ValueError, match="not a whole number"):
        figures.whole_dollars(Decimal("0.5"))


@pytest.mark.parametrize("show", [figures.money, figures.dollars, figures.percent, figures.whole_dollars])
@pytest.mark.parametrize("number", [1.5, 1, "1.50", None, Fraction(1, 2), True])
def test_only_decimals_are_money(show: Any, number: Any) -> None:
    with pytest.raises(TypeError):
        show(number)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_a_number_is_not_shown(number: str) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        figures.dollars(Decimal(number))


@pytest.mark.parametrize("number", [1.0, True, Decimal(1), "1"])
def test_only_integers_are_counts(number: Any) -> None:
    with pytest.raises(TypeError):
        figures.count(number)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 seconds ago"),
        (1, "1 second ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3_599, "59 minutes ago"),
        (3_600, "1 hour ago"),
        (172_799, "47 hours ago"),
        (172_800, "2 days ago"),
    ],
)
def test_how_long_ago(seconds: int, said: str) -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    assert f">{said}</time>" in figures.ago(now - timedelta(seconds=seconds), now)


def test_times_are_utc_and_say_so() -> None:
    at = datetime.fromisoformat("2026-11-22T23:30:05+02:00")

    assert figures.instant(at) == ('<time datetime="2026-11-22T21:30:05Z">2026-11-22 21:30:05 UTC</time>')
    assert figures.hour(datetime(2026, 11, 22, 23, tzinfo=UTC)) == (
        '<time datetime="2026-11-22T23:00Z">2026-11-22 23:00–00:00 UTC</time>'
    )


def test_the_chart_is_one_that_plotly_takes() -> None:
    exact = Decimal("123456789012345678.123456789012345678")
    day = Day(date(2026, 11, 1), exact, Decimal("0.5"), exact + Decimal("0.5"), Decimal(0), 2)

    chart = charts.volume_by_day([day])

    figure = Figure(chart)
    assert [trace.name for trace in figure.data] == ["Futures", "Spot"]
    assert chart["data"][1]["y"] == ["123456789012345678.123456789012345678"]
