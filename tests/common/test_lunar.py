"""The lunar calendar against another library and against published almanac dates."""

from datetime import date, timedelta

import pytest
from borax.calendars.lunardate import LCalendars
from borax.calendars.lunardate import LunarDate as Almanac

from common.lunar import (
    COVERED_FROM,
    COVERED_UNTIL,
    LunarDate,
    LunarRangeError,
    NoSuchLunarDay,
    lunar_to_solar,
    months_of,
    solar_term,
    solar_to_lunar,
)

# In these two years a new moon falls within minutes of midnight, and printed tables disagree on the day.
DISPUTED = {2089, 2097}


def test_every_month_from_1901_to_2100_begins_and_ends_as_in_the_other_library() -> None:
    different = set()
    for year in range(1901, 2101):
        theirs = [
            (month, bool(leap), Almanac(year, month, 1, leap).to_solar_date(), days)
            for month, days, leap in LCalendars.iter_year_month(year)
        ]
        if [tuple(month) for month in months_of(year)] != theirs:
            different.add(year)
    assert different == DISPUTED


def test_every_day_from_1901_to_2061_converts_as_in_the_other_library_and_back() -> None:
    """The birthdays of 1930 to 2060 lie within; the lunar year 2060 ends in January 2061."""
    day = date(1901, 2, 19)
    while day < date(2061, 3, 1):
        lunar = solar_to_lunar(day)
        theirs = Almanac.from_solar(day)
        assert lunar == (theirs.year, theirs.month, theirs.day, bool(theirs.leap)), day
        assert lunar_to_solar(*lunar) == day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("what", "lunar", "day"),
    [
        ("Spring Festival 2000", (2000, 1, 1, False), date(2000, 2, 5)),
        ("Spring Festival 2025", (2025, 1, 1, False), date(2025, 1, 29)),
        ("Spring Festival 2026", (2026, 1, 1, False), date(2026, 2, 17)),
        (
            "Spring Festival 2034, after the leap eleventh month",
            (2034, 1, 1, False),
            date(2034, 2, 19),
        ),
        ("Mid-Autumn 2020, on National Day", (2020, 8, 15, False), date(2020, 10, 1)),
        ("Mid-Autumn 2026", (2026, 8, 15, False), date(2026, 9, 25)),
        ("the sixth month of 2025", (2025, 6, 1, False), date(2025, 6, 25)),
        ("the leap sixth month of 2025", (2025, 6, 1, True), date(2025, 7, 25)),
        ("the leap eleventh month of 2033", (2033, 11, 1, True), date(2033, 12, 22)),
        ("the eve of 2025 was the 29th", (2024, 12, 29, False), date(2025, 1, 28)),
        ("the eve of 2024 was the 30th", (2023, 12, 30, False), date(2024, 2, 9)),
    ],
)
def test_published_dates(what: str, lunar: tuple[int, int, int, bool], day: date) -> None:
    assert lunar_to_solar(*lunar) == day, what
    assert solar_to_lunar(day) == LunarDate(*lunar), what


@pytest.mark.parametrize(
    "lunar", [(2026, 6, 1, True), (2026, 12, 30, False), (2026, 13, 1, False), (2026, 1, 0, False)]
)
def test_a_lunar_day_that_is_not_there_is_refused(lunar: tuple[int, int, int, bool]) -> None:
    with pytest.raises(NoSuchLunarDay):
        lunar_to_solar(*lunar)


def test_nothing_is_guessed_outside_the_covered_years() -> None:
    assert solar_to_lunar(COVERED_FROM) == (1900, 1, 1, False)
    assert solar_to_lunar(COVERED_UNTIL) == (2100, 12, 29, False)
    for beyond in (COVERED_FROM - timedelta(days=1), COVERED_UNTIL + timedelta(days=1)):
        with pytest.raises(LunarRangeError):
            solar_to_lunar(beyond)
    with pytest.raises(LunarRangeError):
        lunar_to_solar(2101, 1, 1)
    with pytest.raises(LunarRangeError):
        solar_term(2101, "清明")
