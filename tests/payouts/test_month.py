"""Months are half-open and in UTC; instants are written in one way."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from payouts.month import Month, NotAMonth, read_instant

TICK = timedelta(microseconds=1)


def test_a_month_is_written_with_four_and_two_digits() -> None:
    assert Month.parse("2026-10") == Month(2026, 10)
    assert (str(Month(2026, 10)), str(Month(1, 2)), str(Month(9999, 12))) == ("2026-10", "0001-02", "9999-12")


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-1", "2026-00", "2026-13", "0000-01", "26-10", "2026-10-01", " 2026-10", "2026-10\n",
     "2026/10", "+2026-10", "２０２６-10", "October", "202610", "-026-10"],
)  # fmt: skip
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(NotAMonth, match="is not a month"):
        Month.parse(text)


@pytest.mark.parametrize(("year", "number"), [(0, 1), (10_000, 1), (2026, 0), (2026, 13)])
def test_numbers_that_make_no_month_are_refused(year: int, number: int) -> None:
    with pytest.raises(NotAMonth):
        Month(year, number)


def test_a_month_begins_with_its_first_instant_and_ends_before_the_next_begins() -> None:
    month = Month(2026, 10)

    assert month.starts_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert month.ends_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert Month.of(month.starts_at) == Month.of(month.ends_at - TICK) == month
    assert Month.of(month.ends_at) == month.next() == Month(2026, 11)
    assert Month.of(month.starts_at - TICK) == month.previous() == Month(2026, 9)
    assert (month.is_over(month.ends_at - TICK), month.is_over(month.ends_at)) == (False, True)
    assert (month.first_date, Month.of_date(date(2026, 10, 31))) == (date(2026, 10, 1), month)


def test_years_follow_each_other() -> None:
    assert (Month(2026, 12).next(), Month(2026, 1).previous()) == (Month(2027, 1), Month(2025, 12))
    assert sorted([Month(2026, 10), Month(2025, 12), Month(2026, 2)]) == [
        Month(2025, 12), Month(2026, 2), Month(2026, 10),
    ]  # fmt: skip


def test_the_zone_decides_in_which_month_an_instant_lies() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert Month.of(datetime(2026, 11, 1, 8, 59, tzinfo=tokyo)) == Month(2026, 10)
    assert Month.of(datetime(2026, 11, 1, 9, tzinfo=tokyo)) == Month(2026, 11)
    with pytest.raises(ValueError, match="without a zone"):
        Month.of(datetime(2026, 11, 1))


def test_the_last_month_of_the_calendar_ends_too() -> None:
    assert Month(9999, 12).ends_at == datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    with pytest.raises(NotAMonth):
        Month(9999, 12).next()
    with pytest.raises(NotAMonth):
        Month(1, 1).previous()


def test_an_instant_is_utc_with_at_most_six_digits_after_the_second() -> None:
    noon = datetime(2026, 10, 15, 12, tzinfo=UTC)

    assert read_instant("2026-10-15T12:00:00Z") == read_instant("2026-10-15T12:00:00") == noon
    assert read_instant("2026-10-15T12:00:00.000001Z") == noon + TICK
    assert read_instant("2028-02-29T23:59:59.9") == datetime(2028, 2, 29, 23, 59, 59, 900_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-10-15", "2026-10-15T12:00:00+00:00", "2026-10-15T24:00:00Z", "x" * 99]
)
def test_an_instant_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time written YYYY-MM-DDTHH:MM:SSZ$"):
        read_instant(text)


@pytest.mark.parametrize(
    "text", ["2026-02-29T00:00:00Z", "2026-13-01T00:00:00", "2026-10-15T12:00:60", "0000-01-01T00:00:00"]
)
def test_an_instant_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no date and time that exists$"):
        read_instant(text)
