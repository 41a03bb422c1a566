"""Festivals: twelve a year, on the days of two libraries and of the published calendars."""

from datetime import date

import pytest
from borax.calendars.lunardate import LunarDate as Almanac
from borax.calendars.lunardate import TermUtils

from common.festivals import FESTIVALS, festivals_between, festivals_in, is_solemn
from common.lunar import LunarRangeError


def days_of(year: int) -> dict[str, date]:
    return {day.festival.code: day.on for day in festivals_in(year)}


@pytest.mark.parametrize(
    ("year", "published"),
    [
        (
            2025,
            "new_year 01-01, new_years_eve 01-28, spring_festival 01-29, lantern 02-12, qingming 04-04, "
            "may_day 05-01, dragon_boat 05-31, qixi 08-29, national_day 10-01, mid_autumn 10-06, "
            "double_ninth 10-29, winter_solstice 12-21",
        ),
        (
            2026,
            "new_year 01-01, new_years_eve 02-16, spring_festival 02-17, lantern 03-03, qingming 04-05, "
            "may_day 05-01, dragon_boat 06-19, qixi 08-19, mid_autumn 09-25, national_day 10-01, "
            "double_ninth 10-18, winter_solstice 12-22",
        ),
    ],
)
def test_published_calendars(year: int, published: str) -> None:
    days = ", ".join(f"{code} {day:%m-%d}" for code, day in days_of(year).items())
    assert days == published


def test_every_festival_from_2020_to_2100_is_where_another_library_puts_it() -> None:
    differing = set()
    for year in range(2020, 2101):
        spring = Almanac(year, 1, 1).to_solar_date()
        theirs = {
            "new_year": date(year, 1, 1),
            "new_years_eve": date.fromordinal(spring.toordinal() - 1),
            "spring_festival": spring,
            "lantern": Almanac(year, 1, 15).to_solar_date(),
            "qingming": TermUtils.nth_term_day(year, 6),
            "may_day": date(year, 5, 1),
            "dragon_boat": Almanac(year, 5, 5).to_solar_date(),
            "qixi": Almanac(year, 7, 7).to_solar_date(),
            "mid_autumn": Almanac(year, 8, 15).to_solar_date(),
            "national_day": date(year, 10, 1),
            "double_ninth": Almanac(year, 9, 9).to_solar_date(),
            "winter_solstice": TermUtils.nth_term_day(year, 23),
        }
        ours = days_of(year)
        assert set(ours) == set(theirs) == set(FESTIVALS)
        differing |= {(year, code) for code in ours if ours[code] != theirs[code]}
    # Two new moons within minutes of midnight, on which the other library stands alone.
    assert differing == {(2089, "mid_autumn"), (2097, "qixi")}


def test_the_eve_is_the_29th_or_the_30th() -> None:
    eves = {year: Almanac.from_solar(days_of(year)["new_years_eve"]).day for year in range(2020, 2031)}
    assert eves == {
        2020: 30, 2021: 30, 2022: 29, 2023: 30, 2024: 30, 2025: 29, 2026: 29, 2027: 29, 2028: 29, 2029: 29,
        2030: 30,
    }  # fmt: skip


def test_two_festivals_on_one_day_come_major_first() -> None:
    codes = [day.festival.code for day in festivals_between(date(2020, 10, 1), date(2020, 10, 1))]
    assert codes == ["mid_autumn", "national_day"]


def test_festivals_between_two_days_include_both_and_cross_the_year() -> None:
    found = festivals_between(date(2025, 12, 21), date(2026, 1, 1))
    assert [(day.on, day.festival.zh) for day in found] == [
        (date(2025, 12, 21), "冬至"),
        (date(2026, 1, 1), "元旦"),
    ]


def test_the_four_major_ones_and_the_one_that_is_not_cheerful() -> None:
    major = {code for code, festival in FESTIVALS.items() if festival.major}
    assert major == {"new_year", "spring_festival", "may_day", "mid_autumn"}
    assert {code for code, festival in FESTIVALS.items() if not festival.cheerful} == {"qingming"}


@pytest.mark.parametrize(
    ("day", "solemn"),
    [
        (date(2026, 4, 5), True),
        (date(2026, 4, 4), False),
        (date(2025, 4, 4), True),
        (date(2026, 12, 13), True),
        (date(2026, 2, 17), False),
    ],
)
def test_no_cheerful_text_on_solemn_days(day: date, solemn: bool) -> None:
    assert is_solemn(day) is solemn


def test_nothing_is_guessed_after_2100() -> None:
    assert len(festivals_in(2100)) == 12
    with pytest.raises(LunarRangeError):
        festivals_in(2101)
