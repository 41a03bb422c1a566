"""Birthdays in two calendars: what a guest told us, and the one day a year on which we greet.

The rules, with `LeapPolicy` for the two that a house may see otherwise:

1. A solar birthday is greeted once a calendar year, a lunar one once a lunar year. The year that
   counts is the *key year*: a lunar birthday late in the year may fall in the next January.
2. Born on 29 February: in a common year greeted on 28 February (or on 1 March).
3. Born in a leap month: in a year that has this leap month greeted in it, once; in any other year
   in the ordinary month of the same number. (Or always in the ordinary month.)
4. Born in an ordinary month: always greeted in the ordinary month.
5. Born on lunar day 30: in a month of 29 days greeted on day 29.
"""

import calendar as gregorian
import re
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal, NamedTuple

from common.cells import CellError, plain, shorten
from common.lunar import lunar_to_solar, month_of, solar_to_lunar

CalendarName = Literal["solar", "lunar"]

_DIGITS = "一二三四五六七八九十"
MONTH_NAMES = ("正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊")
DAY_NAMES = (
    *(f"初{digit}" for digit in _DIGITS),
    *(f"十{digit}" for digit in _DIGITS[:9]),
    "二十",
    *(f"廿{digit}" for digit in _DIGITS[:9]),
    "三十",
)


@dataclass(frozen=True, slots=True)
class Birthday:
    """A birthday as told: its calendar, the year if known (a lunar year for a lunar birthday)."""

    calendar: str
    year: int | None
    month: int
    day: int
    leap: bool = False

    @property
    def key(self) -> "BirthdayKey":
        """What `matches_on` returns for the days on which this birthday is greeted."""
        return BirthdayKey(self.calendar, self.month, self.day, self.leap)


class BirthdayKey(NamedTuple):
    """The stored columns of a birthday that decide its day, without the year of birth."""

    calendar: str
    month: int
    day: int
    leap: bool


class Celebration(NamedTuple):
    """A day of greeting and the solar or lunar year that it stands for."""

    on: date
    key_year: int


@dataclass(frozen=True, slots=True)
class LeapPolicy:
    """How a house reads rules 2 and 3."""

    leap_day: Literal["feb28", "mar01"] = "feb28"
    leap_month: Literal["leap", "ordinary"] = "leap"


USUAL = LeapPolicy()


def celebrated_in(birthday: Birthday, key_year: int, leap_policy: LeapPolicy = USUAL) -> date:
    """The one day of greeting in a solar or lunar year. Raises LunarRangeError."""
    if birthday.calendar == "solar":
        if (birthday.month, birthday.day) == (2, 29) and not gregorian.isleap(key_year):
            return date(key_year, 2, 28) if leap_policy.leap_day == "feb28" else date(key_year, 3, 1)
        return date(key_year, birthday.month, birthday.day)
    month = None
    if birthday.leap and leap_policy.leap_month == "leap":
        month = month_of(key_year, birthday.month, leap=True)
    if month is None:
        month = month_of(key_year, birthday.month)
        assert month is not None, "every lunar year has twelve ordinary months"
    return lunar_to_solar(key_year, month.number, min(birthday.day, month.days), month.leap)


def next_celebration(birthday: Birthday, from_day: date, leap_policy: LeapPolicy = USUAL) -> Celebration:
    """The first greeting on or after `from_day`. Raises LunarRangeError near the end of 2100."""
    year = _key_year(birthday, from_day)
    on = celebrated_in(birthday, year, leap_policy)
    if on < from_day:
        year += 1
        on = celebrated_in(birthday, year, leap_policy)
    return Celebration(on, year)


def matches_on(day: date, leap_policy: LeapPolicy = USUAL) -> list[BirthdayKey]:
    """Every (calendar, month, day, leap) whose greeting falls on `day`: two to five of them.

    Meant for one conversion a day and a join on the stored columns. Raises LunarRangeError.
    """
    keys = [BirthdayKey("solar", day.month, day.day, False)]
    if not gregorian.isleap(day.year):
        stand_in = (2, 28) if leap_policy.leap_day == "feb28" else (3, 1)
        if (day.month, day.day) == stand_in:
            keys.append(BirthdayKey("solar", 2, 29, False))

    lunar = solar_to_lunar(day)
    month = month_of(lunar.year, lunar.month, lunar.leap)
    assert month is not None, "the month of an existing day exists"
    days = [lunar.day, 30] if lunar.day == month.days == 29 else [lunar.day]
    kept_apart = leap_policy.leap_month == "leap"
    if lunar.leap:
        kinds = [True] if kept_apart else []
    elif kept_apart and month_of(lunar.year, lunar.month, leap=True):
        kinds = [False]
    else:
        kinds = [False, True]
    keys += [BirthdayKey("lunar", lunar.month, each, leap) for leap in kinds for each in days]
    return keys


def occasion_key(birthday: Birthday, day: date) -> str:
    """The name of one year's greeting, for a birthday greeted on `day`.

    `birthday:solar:06-03:2026`, `birthday:lunar:08-15:2026`, `birthday:lunar:leap04-03:2026`. It
    carries the birthday as told, so two people on one phone keep two greetings, and the key year,
    so a person has one a year.
    """
    leap = "leap" if birthday.leap else ""
    year = _key_year(birthday, day)
    return f"birthday:{birthday.calendar}:{leap}{birthday.month:02}-{birthday.day:02}:{year}"


def born_on(birthday: Birthday) -> date | None:
    """The calendar day of birth, None without a year. Raises NoSuchLunarDay or ValueError."""
    if birthday.year is None:
        return None
    if birthday.calendar == "solar":
        return date(birthday.year, birthday.month, birthday.day)
    return lunar_to_solar(birthday.year, birthday.month, birthday.day, birthday.leap)


def age_on(birthday: Birthday, day: date, leap_policy: LeapPolicy = USUAL) -> int | None:
    """How many birthdays were greeted since birth, that of `day` included; None without a year.

    A lunar birthday counts lunar years, as the family does; for the law take `born_on`.
    """
    if birthday.year is None:
        return None
    year = _key_year(birthday, day)
    return year - birthday.year - (day < celebrated_in(birthday, year, leap_policy))


def format_birthday(birthday: Birthday) -> str:
    """For people, without the year of birth: `6月3日`, `农历八月十五`, `农历闰四月初三`."""
    if birthday.calendar == "solar":
        return f"{birthday.month}月{birthday.day}日"
    leap = "闰" if birthday.leap else ""
    return f"农历{leap}{MONTH_NAMES[birthday.month - 1]}月{DAY_NAMES[birthday.day - 1]}"


def write_birthday(birthday: Birthday) -> str:
    """For files: `1985-06-03`, `06-03`, `1963-闰04-03`; the calendar has a column of its own."""
    year = "" if birthday.year is None else f"{birthday.year:04}-"
    return f"{year}{'闰' if birthday.leap else ''}{birthday.month:02}-{birthday.day:02}"


def _key_year(birthday: Birthday, day: date) -> int:
    return day.year if birthday.calendar == "solar" else solar_to_lunar(day).year


class BirthdayError(CellError):
    """The text is no birthday; `code` says why."""


FIRST_YEAR = 1900
# The first leap eleventh month since 1900; leap first and twelfth months come after 2200.
_FIRST_LEAP_ELEVENTH = date(2033, 12, 22)

_MIDNIGHT = re.compile(r"(?<=[0-9日])[t ]0{1,2}:00(?::00(?:\.0+)?)?$")
_TIME = re.compile(r"[0-9日][t ][0-9]{1,2}:[0-9]{2}")
_WORDS: dict[CalendarName, tuple[str, ...]] = {
    "solar": ("公历", "阳历", "新历", "国历", "西历", "solar"),
    "lunar": ("农历", "阴历", "旧历", "lunar"),
}
_TRADITIONAL = str.maketrans("農曆陰陽舊國閏臘號卄", "农历阴阳旧国闰腊号廿")
_COMPACT = re.compile(r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})")
_WRITTEN = re.compile(
    r"(?:(?P<year>[0-9]{4}|[〇零一二三四五六七八九]{4})(?:[-/.]|年))?(?P<leap>闰)?"
    r"(?P<month>[0-9]{1,2}|[正元冬腊]|[一二三四五六七八九十]{1,3})(?:[-/.]|月)"
    r"(?P<day>[0-9]{1,2}|[初一二三四五六七八九十廿卅]{1,3})(?P<end>[日号])?"
)
_ALMOST = (
    (
        "birthday_two_digit_year",
        re.compile(r"[0-9]{2}([-/.]|年)[0-9]{1,2}([-/.]|月)[0-9]{1,2}[日号]?"),
    ),
    ("birthday_year_last", re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}")),
    ("birthday_serial", re.compile(r"[0-9]{5}(\.[0-9]+)?")),
    ("birthday_no_day", re.compile(r"[0-9]{4}(年|([-/.]|年)[0-9]{1,2}月?)?")),
)
_LUNAR_MONTHS = frozenset("正冬腊")
_YEAR_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")


def _numerals() -> dict[str, int]:
    units = {digit: number for number, digit in enumerate(_DIGITS, 1)}
    numbers = units | {f"初{unit}": value for unit, value in units.items()}
    for tens, value in (("十", 10), ("二十", 20), ("廿", 20), ("三十", 30), ("卅", 30)):
        numbers[tens] = value
        numbers |= {f"{tens}{digit}": value + number for number, digit in enumerate(_DIGITS[:9], 1)}
    numbers |= {"正": 1, "元": 1, "冬": 11, "腊": 12}
    return numbers | {text: n for n in range(100) for text in (str(n), f"{n:02}")}


_NUMBERS = _numerals()


def parse_calendar(text: str) -> CalendarName | None:
    """`solar` or `lunar` from 公历, 阳历, 农历, 阴历 and the like; None where the cell is blank.

    Raises BirthdayError birthday_calendar_unreadable.
    """
    written = plain(text).lower().translate(_TRADITIONAL)
    if not written:
        return None
    for name, words in _WORDS.items():
        if written in words:
            return name
    raise BirthdayError("birthday_calendar_unreadable", text=shorten(text))


def parse_birthday(text: str | date, calendar: CalendarName | None = None, *, today: date) -> Birthday:
    """A birthday as people write it, or the date of a spreadsheet's cell.

    `1985-06-03`, `6月3日`, `19850603`, `农历八月十五`, `1963-闰04-03`, `闰四月初三`. `calendar` is what a
    column of its own says. Without it the words in the text decide (农历, 闰, 正月, 腊月, 初三, 廿三);
    figures and 六月三日 are solar; 八月十五, which could be either, is refused.

    Raises BirthdayError: birthday_empty, birthday_unreadable, birthday_has_time,
    birthday_calendar_conflict, birthday_calendar_unclear, birthday_two_digit_year,
    birthday_year_last, birthday_serial, birthday_no_day, and those of `check_birthday`.
    """
    if isinstance(text, date):
        if isinstance(text, datetime) and (text.time() != time(0) or text.tzinfo):
            raise BirthdayError("birthday_has_time", text=shorten(text))
        birthday = Birthday(calendar or "solar", text.year, text.month, text.day)
    else:
        birthday = _read(text, calendar)
    check_birthday(birthday, today=today)
    return birthday


def check_birthday(birthday: Birthday, *, today: date) -> None:
    """Refuse a day that does not exist or lies outside 1900 to `today`.

    Raises BirthdayError: birthday_too_early, birthday_future, birthday_no_such_month,
    birthday_no_such_day, birthday_lunar_day, birthday_leap_month_missing (in that year),
    birthday_leap_month_never (in anybody's lifetime), birthday_month_has_29.
    """
    year, month, day = birthday.year, birthday.month, birthday.day
    if year is not None and year < FIRST_YEAR:
        raise BirthdayError("birthday_too_early", year=year, first=FIRST_YEAR)
    if year is not None and year > today.year:
        raise BirthdayError("birthday_future")
    if not 1 <= month <= 12:
        raise BirthdayError("birthday_no_such_month", month=month)
    if birthday.calendar == "lunar":
        _check_lunar(birthday, today)
    elif not 1 <= day <= gregorian.monthrange(2000 if year is None else year, month)[1]:
        raise BirthdayError("birthday_no_such_day", day=f"{'' if year is None else f'{year}-'}{month}-{day}")
    born = born_on(birthday)
    if born is not None and born > today:
        raise BirthdayError("birthday_future")


def _check_lunar(birthday: Birthday, today: date) -> None:
    if not 1 <= birthday.day <= 30:
        raise BirthdayError("birthday_lunar_day", day=birthday.day)
    if birthday.year is None:
        last = 11 if today >= _FIRST_LEAP_ELEVENTH else 10
        if birthday.leap and not 2 <= birthday.month <= last:
            raise BirthdayError("birthday_leap_month_never", month=birthday.month)
        return
    month = month_of(birthday.year, birthday.month, birthday.leap)
    if month is None:
        raise BirthdayError("birthday_leap_month_missing", year=birthday.year, month=birthday.month)
    if birthday.day > month.days:
        raise BirthdayError("birthday_month_has_29", year=birthday.year, month=birthday.month)


def _read(text: str, calendar: CalendarName | None) -> Birthday:
    written = " ".join(plain(text).lower().translate(_TRADITIONAL).split())
    written = _MIDNIGHT.sub("", written)
    if _TIME.search(written):
        raise BirthdayError("birthday_has_time", text=shorten(text))
    said = {name for name, words in _WORDS.items() if any(word in written for word in words)}
    if calendar is not None:
        said.add(calendar)
    for word in (*_WORDS["solar"], *_WORDS["lunar"]):
        written = written.replace(word, "")
    written = re.sub(r"[\s:()]", "", written)
    if not written:
        raise BirthdayError("birthday_empty")

    found = _COMPACT.fullmatch(written) or _WRITTEN.fullmatch(written)
    if found is None:
        code = next((c for c, pattern in _ALMOST if pattern.fullmatch(written)), "birthday_unreadable")
        raise BirthdayError(code, text=shorten(text))
    parts = found.groupdict()
    year = int(parts["year"].translate(_YEAR_DIGITS)) if parts["year"] else None
    month, day = _NUMBERS.get(parts["month"]), _NUMBERS.get(parts["day"])
    if month is None or day is None:
        raise BirthdayError("birthday_unreadable", text=shorten(text))
    leap = parts.get("leap") is not None
    if leap or parts["month"] in _LUNAR_MONTHS or parts["day"][0] in "初廿卅":
        said.add("lunar")
    if len(said) > 1:
        raise BirthdayError("birthday_calendar_conflict", text=shorten(text))
    in_figures = parts["month"].isascii() and parts["day"].isascii()
    if not said and not in_figures and not parts.get("end"):
        raise BirthdayError("birthday_calendar_unclear", text=shorten(text))
    return Birthday(said.pop() if said else "solar", year, month, day, leap)
