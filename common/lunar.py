"""The Chinese lunar calendar, one table of months a year, and the solar terms of a year.

A thin layer over lunar_python: a year's months are computed once a process (about 5 ms) and every
conversion after that is a look-up. Covered are the lunar years 1900 to 2100; outside of them
nothing is guessed.
"""

from bisect import bisect_right
from datetime import date
from functools import cache
from operator import attrgetter
from typing import NamedTuple

from lunar_python import LunarYear, Solar

FIRST_YEAR, LAST_YEAR = 1900, 2100
COVERED_FROM, COVERED_UNTIL = date(1900, 1, 31), date(2101, 1, 28)

# The Julian day number of a date's noon is its proleptic Gregorian ordinal plus this.
_JULIAN_OFFSET = 1721425


class LunarRangeError(ValueError):
    """The day or year lies outside the covered years 1900 to 2100."""


class NoSuchLunarDay(ValueError):
    """That lunar year has no such leap month, or that month no such day."""


class LunarMonth(NamedTuple):
    """One month of a lunar year: number 1-12, whether it is the leap month, first day, 29 or 30."""

    number: int
    leap: bool
    first: date
    days: int


class LunarDate(NamedTuple):
    """A day of the lunar calendar; `year` is the lunar year, which begins at Spring Festival."""

    year: int
    month: int
    day: int
    leap: bool


@cache
def months_of(year: int) -> tuple[LunarMonth, ...]:
    """The 12 or 13 months of a lunar year in order. Raises LunarRangeError."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise LunarRangeError(f"lunar year {year} is outside {FIRST_YEAR}-{LAST_YEAR}")
    return tuple(
        LunarMonth(
            abs(month.getMonth()),
            month.getMonth() < 0,
            date.fromordinal(round(month.getFirstJulianDay()) - _JULIAN_OFFSET),
            month.getDayCount(),
        )
        for month in LunarYear.fromYear(year).getMonthsInYear()
    )


def month_of(year: int, number: int, leap: bool = False) -> LunarMonth | None:
    """The month of that number in a lunar year, or None where the year has no such leap month."""
    for month in months_of(year):
        if month.number == number and month.leap == leap:
            return month
    return None


def solar_to_lunar(day: date) -> LunarDate:
    """The lunar date of a day. Raises LunarRangeError."""
    if not COVERED_FROM <= day <= COVERED_UNTIL:
        raise LunarRangeError(f"{day} is outside {COVERED_FROM} to {COVERED_UNTIL}")
    year = min(day.year, LAST_YEAR)
    if day < months_of(year)[0].first:
        year -= 1
    months = months_of(year)
    month = months[bisect_right(months, day, key=attrgetter("first")) - 1]
    return LunarDate(year, month.number, (day - month.first).days + 1, month.leap)


def lunar_to_solar(year: int, month: int, day: int, leap: bool = False) -> date:
    """The day of a lunar date. Raises LunarRangeError, or NoSuchLunarDay where there is none."""
    found = month_of(year, month, leap)
    if found is None or not 1 <= day <= found.days:
        raise NoSuchLunarDay(f"{year}-{'leap ' if leap else ''}{month}-{day}")
    return date.fromordinal(found.first.toordinal() + day - 1)


@cache
def _terms(year: int) -> dict[str, date]:
    table = Solar.fromYmd(year, 6, 1).getLunar().getJieQiTable()
    # The table runs from one winter solstice to the next; the second one has a Latin name.
    return {
        name: date(term.getYear(), term.getMonth(), term.getDay())
        for name, term in (("清明", table["清明"]), ("冬至", table["DONG_ZHI"]))
    }


def solar_term(year: int, name: str) -> date:
    """The day of a solar term (`清明` or `冬至`) in a calendar year. Raises LunarRangeError."""
    if not FIRST_YEAR < year <= LAST_YEAR:
        raise LunarRangeError(f"year {year} is outside {FIRST_YEAR + 1}-{LAST_YEAR}")
    return _terms(year)[name]
