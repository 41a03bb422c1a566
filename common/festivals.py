"""The festivals of a year and the days on which no greeting is cheerful."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from common.lunar import FIRST_YEAR, LAST_YEAR, lunar_to_solar, solar_term

# Solar terms before 1901 would need the lunar year 1899.
FIRST_FESTIVAL_YEAR, LAST_FESTIVAL_YEAR = FIRST_YEAR + 1, LAST_YEAR


@dataclass(frozen=True, slots=True)
class Festival:
    """A festival: `cheerful` ones may be wished well; `major` ones call for a visit or a call."""

    code: str
    zh: str
    en: str
    day_in: Callable[[int], date]
    cheerful: bool = True
    major: bool = False


def _solar(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _lunar(month: int, day: int) -> Callable[[int], date]:
    return lambda year: lunar_to_solar(year, month, day)


def _term(name: str) -> Callable[[int], date]:
    return lambda year: solar_term(year, name)


def _new_years_eve(year: int) -> date:
    # The twelfth month has 29 or 30 days: the eve is the day before, whatever its number.
    return lunar_to_solar(year, 1, 1) - timedelta(days=1)


FESTIVALS: dict[str, Festival] = {
    festival.code: festival
    for festival in (
        Festival("new_year", "元旦", "New Year's Day", _solar(1, 1), major=True),
        Festival("new_years_eve", "除夕", "Chinese New Year's Eve", _new_years_eve),
        Festival("spring_festival", "春节", "Spring Festival", _lunar(1, 1), major=True),
        Festival("lantern", "元宵", "Lantern Festival", _lunar(1, 15)),
        Festival("qingming", "清明", "Qingming", _term("清明"), cheerful=False),
        Festival("may_day", "五一", "May Day", _solar(5, 1), major=True),
        Festival("dragon_boat", "端午", "Dragon Boat Festival", _lunar(5, 5)),
        Festival("qixi", "七夕", "Qixi", _lunar(7, 7)),
        Festival("mid_autumn", "中秋", "Mid-Autumn Festival", _lunar(8, 15), major=True),
        Festival("national_day", "国庆", "National Day", _solar(10, 1)),
        Festival("double_ninth", "重阳", "Double Ninth Festival", _lunar(9, 9)),
        Festival("winter_solstice", "冬至", "Winter Solstice", _term("冬至")),
    )
}

# 13 December is the national day of remembrance for the dead of Nanjing.
_REMEMBRANCE = {(12, 13)}


@dataclass(frozen=True, slots=True)
class FestivalDay:
    """One festival in one year."""

    on: date
    festival: Festival


@cache
def festivals_in(year: int) -> tuple[FestivalDay, ...]:
    """The twelve festivals that fall in a calendar year, by date; on one day the major one first.

    Covers 1901 to 2100; raises LunarRangeError outside.
    """
    days = [FestivalDay(festival.day_in(year), festival) for festival in FESTIVALS.values()]
    return tuple(sorted(days, key=lambda day: (day.on, not day.festival.major)))


def festivals_between(first: date, last: date) -> list[FestivalDay]:
    """The festivals from `first` to `last`, both included, by date. Raises LunarRangeError."""
    years = range(first.year, last.year + 1)
    return [day for year in years for day in festivals_in(year) if first <= day.on <= last]


def is_solemn(day: date) -> bool:
    """Whether no cheerful text may go out on this day: 清明 and 13 December."""
    if (day.month, day.day) in _REMEMBRANCE:
        return True
    return any(each.on == day and not each.festival.cheerful for each in festivals_in(day.year))
