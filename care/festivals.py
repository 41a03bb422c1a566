"""The calendar of a store's festivals: the computed ones, as the brand or the store edited them.

Pure. A festival of one's own is solar, lunar or falls once; its code is its name and whose it is: `店庆@` the brand's,
`店庆@7` that of store 7. A change switches a festival off, or moves it in one year. What a store says goes before what its
brand says. Whatever is edited, 清明 and 13 December stay days without cheerful texts.
"""

import calendar as gregorian
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from care.texts import SAFE_NAME
from common import festivals as computed
from common.festivals import FESTIVALS
from common.lunar import lunar_to_solar, month_of

SOLAR, LUNAR, ONCE = "solar", "lunar", "once"
OWN_CODE = re.compile(f"(?P<name>{SAFE_NAME})@(?P<store>[0-9]*)")


@dataclass(frozen=True)
class Own:
    """A festival of the house: each year on a solar or lunar `month`-`day`, or once `on` a day."""

    code: str
    zh: str
    en: str
    calendar: str
    month: int = 0
    day: int = 0
    on: date | None = None
    solemn: bool = False


@dataclass(frozen=True)
class Change:
    """What was edited: off or on again (`on` empty), or in that `year` on another day."""

    off: bool = False
    on: date | None = None


@dataclass(frozen=True)
class Occurrence:
    """A festival in one year: `year` is the calendar year, of a lunar festival of the house the lunar year; it is part of
    the key of every task and text. `usual_on`: where it would be without a correction.
    """

    code: str
    zh: str
    en: str
    year: int
    on: date
    usual_on: date
    cheerful: bool = True
    major: bool = False

    @property
    def is_moved(self) -> bool:
        """Whether this year's day was corrected."""
        return self.on != self.usual_on

    @property
    def occasion(self) -> str:
        """The key of the year's festival: `festival:mid_autumn:2026`."""
        return f"festival:{self.code}:{self.year}"


def own_code(name: str, store_id: int | None) -> str:
    """The code of a festival of the house."""
    return f"{name}@{'' if store_id is None else store_id}"


def is_code(code: str) -> bool:
    """Whether a plan line may name it: a computed festival, or one of the house's."""
    return code in FESTIVALS or OWN_CODE.fullmatch(code) is not None


def name_in(code: str) -> str:
    """The name within the code of a festival of the house, else the code as it is."""
    found = OWN_CODE.fullmatch(code)
    return found["name"] if found else code


def exists(calendar: str, month: int, day: int) -> bool:
    """Whether there is such a day in some year: 29 February and lunar 30 are, 30 February and lunar 31 are not."""
    if not 1 <= month <= 12:
        return False
    return 1 <= day <= (30 if calendar == LUNAR else gregorian.monthrange(2000, month)[1])


@dataclass(frozen=True)
class Calendar:
    """The festivals as a store keeps them: the computed, its own, and what was edited by code and year (None: every)."""

    own: tuple[Own, ...] = ()
    changes: Mapping[tuple[str, int | None], Change] = field(default_factory=dict)

    def in_year(self, year: int) -> list[Occurrence]:
        """The festivals of a calendar year, by date; on one day a major one first. Raises LunarRangeError."""
        found = [each for each in self.all_in(year) if not self.is_off(each.code)]
        return sorted(found, key=lambda each: (each.on, not each.major))

    def all_in(self, year: int) -> Iterable[Occurrence]:
        """The same in no order, with those that are switched off. Raises LunarRangeError."""
        for each in computed.festivals_in(year):
            known = each.festival
            yield self._placed(Occurrence(
                known.code, known.zh, known.en, year, each.on, each.on, known.cheerful, known.major
            ))  # fmt: skip
        for own in self.own:
            for key_year, on in _days(own, year):
                yield self._placed(Occurrence(own.code, own.zh, own.en, key_year, on, on, not own.solemn))

    def _placed(self, each: Occurrence) -> Occurrence:
        moved = self.changes.get((each.code, each.year))
        if moved is None or moved.on is None:
            return each
        return Occurrence(
            each.code, each.zh, each.en, each.year, moved.on, each.usual_on, each.cheerful, each.major
        )

    def is_off(self, code: str) -> bool:
        """Whether the festival is switched off here."""
        change = self.changes.get((code, None))
        return change is not None and change.off

    def between(self, first: date, last: date) -> list[Occurrence]:
        """The festivals from `first` to `last`, both included, by date. Raises LunarRangeError."""
        years = range(first.year, last.year + 1)
        return [each for year in years for each in self.in_year(year) if first <= each.on <= last]

    def is_solemn(self, day: date) -> bool:
        """Whether no cheerful text may go out on this day."""
        return computed.is_solemn(day) or any(
            each.on == day and not each.cheerful for each in self.in_year(day.year)
        )

    def names(self) -> dict[str, tuple[str, str]]:
        """The festivals a plan line may name, in Chinese and English, by code: computed ones first."""
        known = {code: (each.zh, each.en) for code, each in FESTIVALS.items()}
        return known | {own.code: (own.zh, own.en) for own in self.own}


def _days(own: Own, year: int) -> Iterable[tuple[int, date]]:
    """The days of a festival of the house in a calendar year, each with the year of its key: a lunar one none to two."""
    if own.calendar == ONCE:
        if own.on is not None and own.on.year == year:
            yield year, own.on
    elif own.calendar == SOLAR:
        yield year, date(year, own.month, min(own.day, gregorian.monthrange(year, own.month)[1]))
    else:
        for lunar_year in (year - 1, year):
            month = month_of(lunar_year, own.month)
            assert month is not None, "every lunar year has twelve ordinary months"
            on = lunar_to_solar(lunar_year, own.month, min(own.day, month.days))
            if on.year == year:
                yield lunar_year, on


COMPUTED = Calendar()
