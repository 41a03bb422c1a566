"""Birthdays: read as people write them, greeted exactly once a year of their own calendar."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest
from borax.calendars.lunardate import LCalendars
from borax.calendars.lunardate import LunarDate as Almanac

from common.birthdays import (
    Birthday,
    BirthdayError,
    BirthdayKey,
    LeapPolicy,
    age_on,
    born_on,
    celebrated_in,
    format_birthday,
    matches_on,
    next_celebration,
    occasion_key,
    parse_birthday,
    parse_calendar,
    write_birthday,
)
from common.lunar import LunarRangeError, lunar_to_solar

TODAY = date(2026, 6, 3)
FIRST, LAST = 1930, 2060
MONTHS = range(1, 13)
SOLAR = [
    BirthdayKey("solar", month, day, False)
    for month in MONTHS
    for day in range(1, (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1] + 1)
]
LUNAR = [
    BirthdayKey("lunar", month, day, leap)
    for month in MONTHS
    for day in range(1, 31)
    for leap in (False, True)
]


def told(key: BirthdayKey) -> Birthday:
    return Birthday(key.calendar, None, key.month, key.day, key.leap)


def greeted(policy: LeapPolicy) -> dict[BirthdayKey, list[date]]:
    """For every birthday there can be, the days that `matches_on` names from 1930 to early 2061."""
    days = defaultdict(list)
    day = date(FIRST, 1, 1)
    while day <= date(LAST + 1, 3, 1):
        for key in matches_on(day, policy):
            days[key].append(day)
        day += timedelta(days=1)
    return days


@pytest.mark.parametrize(
    "policy",
    [LeapPolicy(), LeapPolicy(leap_day="mar01", leap_month="ordinary")],
    ids=["usual", "other"],
)
def test_every_birthday_is_greeted_exactly_once_a_year_of_its_calendar(policy: LeapPolicy) -> None:
    days = greeted(policy)
    assert set(days) == {*SOLAR, *LUNAR}
    spring = {year: Almanac(year, 1, 1).to_solar_date() for year in range(FIRST, LAST + 3)}
    for key in SOLAR + LUNAR:
        begins = spring if key.calendar == "lunar" else {year: date(year, 1, 1) for year in spring}
        years = range(FIRST, LAST + 1)
        wanted = [day for day in days[key] if begins[FIRST] <= day < begins[LAST + 1]]
        assert len(wanted) == len(years), key
        for year, day in zip(years, wanted, strict=True):
            assert begins[year] <= day < begins[year + 1], (key, year)

        # Walking from greeting to greeting meets the same days, none left out and none twice.
        walked = begins[FIRST]
        for year, day in zip(years, wanted, strict=True):
            assert next_celebration(told(key), walked, policy) == (day, year), key
            walked = day + timedelta(days=1)


def test_every_lunar_greeting_is_where_the_rules_and_another_library_put_it() -> None:
    for year in range(FIRST, LAST + 1):
        leap_month = LCalendars.leap_month(year)
        lengths = {(month, bool(leap)): days for month, days, leap in LCalendars.iter_year_month(year)}
        for key in LUNAR:
            in_leap = key.leap and leap_month == key.month
            day = min(key.day, lengths[key.month, in_leap])
            expected = Almanac(year, key.month, day, int(in_leap)).to_solar_date()
            assert celebrated_in(told(key), year) == expected, (key, year)


@pytest.mark.parametrize(
    ("case", "birthday", "from_day", "on", "key_year"),
    [
        (
            "29 February in a common year",
            Birthday("solar", 1992, 2, 29),
            TODAY,
            date(2027, 2, 28),
            2027,
        ),
        (
            "29 February in a leap year",
            Birthday("solar", 1992, 2, 29),
            date(2028, 1, 1),
            date(2028, 2, 29),
            2028,
        ),
        ("today counts", Birthday("solar", 1985, 6, 3), TODAY, TODAY, 2026),
        ("yesterday is next year", Birthday("solar", 1985, 6, 2), TODAY, date(2027, 6, 2), 2027),
        ("Mid-Autumn child", Birthday("lunar", 1963, 8, 15), TODAY, date(2026, 9, 25), 2026),
        (
            "leap month in a year that has it: in the leap month, not in the ordinary one",
            Birthday("lunar", 1987, 6, 1, leap=True),
            date(2025, 6, 1),
            date(2025, 7, 25),
            2025,
        ),
        (
            "leap month in a year without it: the ordinary month",
            Birthday("lunar", 1987, 6, 1, leap=True),
            date(2026, 6, 1),
            date(2026, 7, 14),
            2026,
        ),
        (
            "ordinary month in a leap year: the ordinary month only",
            Birthday("lunar", 1960, 6, 1),
            date(2025, 6, 26),
            date(2026, 7, 14),
            2026,
        ),
        (
            "day 30 of a short month: the eve of 2026 is the 29th",
            Birthday("lunar", 1960, 12, 30),
            date(2026, 1, 1),
            date(2026, 2, 16),
            2025,
        ),
        (
            "day 30 of a long month: the eve of 2024 is the 30th",
            Birthday("lunar", 1960, 12, 30),
            date(2024, 1, 1),
            date(2024, 2, 9),
            2023,
        ),
        (
            "late in the lunar year: falls in the next January",
            Birthday("lunar", None, 11, 20),
            date(2025, 1, 1),
            date(2026, 1, 8),
            2025,
        ),
        (
            "and again in that December",
            Birthday("lunar", None, 11, 20),
            date(2026, 1, 9),
            date(2026, 12, 28),
            2026,
        ),
    ],
)
def test_next_celebration(case: str, birthday: Birthday, from_day: date, on: date, key_year: int) -> None:
    assert next_celebration(birthday, from_day) == (on, key_year), case
    assert birthday.key in matches_on(on), case


def test_one_conversion_names_all_birthdays_of_a_day() -> None:
    # 28 February 2026 is the 12th of the first lunar month, which has no leap month that year.
    assert set(matches_on(date(2026, 2, 28))) == {
        BirthdayKey("solar", 2, 28, False),
        BirthdayKey("solar", 2, 29, False),
        BirthdayKey("lunar", 1, 12, False),
        BirthdayKey("lunar", 1, 12, True),
    }
    # 16 February 2026 is the 29th and last of the twelfth month.
    assert set(matches_on(date(2026, 2, 16))) == {
        BirthdayKey("solar", 2, 16, False),
        *(BirthdayKey("lunar", 12, day, leap) for day in (29, 30) for leap in (False, True)),
    }
    # 25 July 2025 is the first of the leap sixth month, 25 June the first of the ordinary one.
    assert matches_on(date(2025, 7, 25))[1:] == [BirthdayKey("lunar", 6, 1, True)]
    assert matches_on(date(2025, 6, 25))[1:] == [BirthdayKey("lunar", 6, 1, False)]
    with pytest.raises(LunarRangeError):
        matches_on(date(2101, 2, 1))


def test_an_occasion_names_the_birthday_as_told_and_the_year_of_its_calendar() -> None:
    assert occasion_key(Birthday("solar", 1985, 6, 3), TODAY) == "birthday:solar:06-03:2026"
    assert occasion_key(Birthday("solar", 1992, 2, 29), date(2027, 2, 28)) == "birthday:solar:02-29:2027"
    assert occasion_key(Birthday("lunar", 1963, 8, 15), date(2026, 9, 25)) == "birthday:lunar:08-15:2026"
    late = Birthday("lunar", None, 11, 20)
    assert occasion_key(late, date(2026, 1, 8)) == "birthday:lunar:11-20:2025"
    assert occasion_key(late, date(2026, 12, 28)) == "birthday:lunar:11-20:2026"
    leap = Birthday("lunar", 1987, 6, 1, leap=True)
    assert occasion_key(leap, date(2026, 7, 14)) == "birthday:lunar:leap06-01:2026"


def test_age_counts_greeted_birthdays() -> None:
    solar = Birthday("solar", 1985, 6, 3)
    assert [age_on(solar, day) for day in (date(2026, 6, 2), TODAY)] == [40, 41]
    leap_day = Birthday("solar", 1992, 2, 29)
    assert [age_on(leap_day, date(2026, 2, day)) for day in (27, 28)] == [33, 34]
    lunar = Birthday("lunar", 1966, 8, 15)
    assert [age_on(lunar, date(2026, 9, day)) for day in (24, 25)] == [59, 60]
    assert age_on(Birthday("solar", None, 6, 3), TODAY) is None
    assert born_on(lunar) == date(1966, 9, 29)
    assert born_on(Birthday("lunar", None, 8, 15)) is None


S, L = "solar", "lunar"


@pytest.mark.parametrize(
    ("written", "birthday"),
    [
        ("1985-06-03", Birthday(S, 1985, 6, 3)),
        ("1985/6/3", Birthday(S, 1985, 6, 3)),
        ("1985.6.3", Birthday(S, 1985, 6, 3)),
        ("1985年6月3日", Birthday(S, 1985, 6, 3)),
        ("1985 年 6 月 3 号", Birthday(S, 1985, 6, 3)),
        ("１９８５－０６－０３", Birthday(S, 1985, 6, 3)),
        ("19850603", Birthday(S, 1985, 6, 3)),
        ("1985-06-03 00:00:00", Birthday(S, 1985, 6, 3)),
        ("一九八五年六月三日", Birthday(S, 1985, 6, 3)),
        ("06-03", Birthday(S, None, 6, 3)),
        ("6月3日", Birthday(S, None, 6, 3)),
        ("六月三日", Birthday(S, None, 6, 3)),
        ("公历八月十五", Birthday(S, None, 8, 15)),
        ("02-29", Birthday(S, None, 2, 29)),
        ("农历八月十五", Birthday(L, None, 8, 15)),
        ("農曆八月十五", Birthday(L, None, 8, 15)),
        ("阴历 8-15", Birthday(L, None, 8, 15)),
        ("8月15日（农历）", Birthday(L, None, 8, 15)),
        ("1985年农历八月十五", Birthday(L, 1985, 8, 15)),
        ("1963-闰04-03", Birthday(L, 1963, 4, 3, True)),
        ("农历一九六三年闰四月初三", Birthday(L, 1963, 4, 3, True)),
        ("闰四月初三", Birthday(L, None, 4, 3, True)),
        ("閏四月初三", Birthday(L, None, 4, 3, True)),
        ("闰04-03", Birthday(L, None, 4, 3, True)),
        ("正月初一", Birthday(L, None, 1, 1)),
        ("冬月二十", Birthday(L, None, 11, 20)),
        ("腊月三十", Birthday(L, None, 12, 30)),
        ("八月廿三", Birthday(L, None, 8, 23)),
        ("农历八月二十三", Birthday(L, None, 8, 23)),
        ("农历十二月卅", Birthday(L, None, 12, 30)),
        ("2026-06-03", Birthday(S, 2026, 6, 3)),
    ],
)
def test_reads_what_people_write(written: str, birthday: Birthday) -> None:
    assert parse_birthday(written, today=TODAY) == birthday


@pytest.mark.parametrize(
    ("written", "calendar", "birthday"),
    [
        ("1963-04-03", L, Birthday(L, 1963, 4, 3)),
        ("八月十五", L, Birthday(L, None, 8, 15)),
        ("八月十五", S, Birthday(S, None, 8, 15)),
        (date(1985, 6, 3), None, Birthday(S, 1985, 6, 3)),
        (datetime(1985, 6, 3), None, Birthday(S, 1985, 6, 3)),
        (date(1963, 4, 3), L, Birthday(L, 1963, 4, 3)),
    ],
)
def test_the_calendar_has_a_column_of_its_own(written: str | date, calendar: str, birthday: Birthday) -> None:
    assert parse_birthday(written, calendar, today=TODAY) == birthday


@pytest.mark.parametrize(
    ("case", "written", "calendar", "code"),
    [
        ("blank", "  ", None, "birthday_empty"),
        ("a zodiac animal", "属虎", None, "birthday_unreadable"),
        ("numerals that mean nothing", "农历八月三三", None, "birthday_unreadable"),
        ("a moment", "1985-06-03T08:00", None, "birthday_has_time"),
        ("a cell with a moment", datetime(1985, 6, 3, 8), None, "birthday_has_time"),
        ("either calendar", "八月十五", None, "birthday_calendar_unclear"),
        ("two calendars", "农历八月十五", S, "birthday_calendar_conflict"),
        ("a solar leap month", "公历闰四月初三", None, "birthday_calendar_conflict"),
        ("two digits of a year", "85-06-03", None, "birthday_two_digit_year"),
        ("the year last", "6/3/1985", None, "birthday_year_last"),
        ("a spreadsheet's day number", "31201", None, "birthday_serial"),
        ("a year alone", "1985年", None, "birthday_no_day"),
        ("a month alone", "1985-06", None, "birthday_no_day"),
        ("before 1900", "1899-12-31", None, "birthday_too_early"),
        ("tomorrow", "2026-06-04", None, "birthday_future"),
        ("next year", "2027-01-01", None, "birthday_future"),
        ("later this lunar year", "农历2026年八月十五", None, "birthday_future"),
        ("a thirteenth solar month", "13-01", None, "birthday_no_such_month"),
        ("a thirteenth lunar month", "农历十三月初一", None, "birthday_no_such_month"),
        ("month nought", "00-10", None, "birthday_no_such_month"),
        ("30 February", "2月30日", None, "birthday_no_such_day"),
        ("29 February of a common year", "2023-02-29", None, "birthday_no_such_day"),
        ("29 February 1900", "1900-02-29", None, "birthday_no_such_day"),
        ("31 June", "06-31", None, "birthday_no_such_day"),
        ("day nought", "06-00", None, "birthday_no_such_day"),
        ("a 31st lunar day", "农历八月三十一", None, "birthday_lunar_day"),
        ("a leap month that year has not", "1963-闰05-03", None, "birthday_leap_month_missing"),
        ("a leap month no year had", "闰12-03", None, "birthday_leap_month_never"),
        ("a leap month of 2033", "闰11-03", None, "birthday_leap_month_never"),
        ("a 30th in a month of 29", "1963-04-30", L, "birthday_month_has_29"),
    ],
)
def test_refuses_with_a_cause(case: str, written: str | date, calendar: str | None, code: str) -> None:
    with pytest.raises(BirthdayError) as refused:
        parse_birthday(written, calendar, today=TODAY)
    assert refused.value.code == code, case
    assert str(refused.value) not in {"", code}, case


def test_the_leap_months_taken_without_a_year_are_those_that_were() -> None:
    seen = {LCalendars.leap_month(year) for year in range(1900, 2033)} - {0}
    assert seen == set(range(2, 11))
    first = lunar_to_solar(2033, 11, 1, leap=True)
    assert parse_birthday("闰11-01", today=first) == Birthday(L, None, 11, 1, True)


def test_what_is_written_for_people_and_files_reads_back() -> None:
    assert format_birthday(Birthday(L, 1963, 8, 15)) == "农历八月十五"
    assert format_birthday(Birthday(L, 1963, 4, 3, True)) == "农历闰四月初三"
    assert format_birthday(Birthday(S, 1985, 6, 3)) == "6月3日"
    assert write_birthday(Birthday(L, 1963, 4, 3, True)) == "1963-闰04-03"
    assert write_birthday(Birthday(S, 1985, 6, 3)) == "1985-06-03"
    for key in SOLAR + [key for key in LUNAR if not key.leap or 2 <= key.month <= 10]:
        birthday = told(key)
        assert parse_birthday(format_birthday(birthday), today=TODAY) == birthday
        assert parse_birthday(write_birthday(birthday), birthday.calendar, today=TODAY) == birthday


@pytest.mark.parametrize(
    ("written", "calendar"),
    [("公历", S), ("阳历", S), ("Solar", S), ("农历", L), ("陰曆", L), ("LUNAR ", L), ("", None)],
)
def test_reads_the_name_of_a_calendar(written: str, calendar: str | None) -> None:
    assert parse_calendar(written) == calendar


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(BirthdayError) as refused:
        parse_calendar("回历")
    assert refused.value.code == "birthday_calendar_unreadable"
