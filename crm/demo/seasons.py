"""How full a hot-pot restaurant is on a day: winter, weekends, festivals. Pure."""

from datetime import date, timedelta
from functools import cache

from common.festivals import festivals_in

# January to December: broth is for the cold.
MONTHS = (1.30, 1.15, 1.02, 0.90, 0.84, 0.76, 0.72, 0.74, 0.88, 1.02, 1.20, 1.34)
# Monday to Sunday.
WEEKDAYS = {
    "business": (1.05, 1.15, 1.20, 1.25, 1.15, 0.55, 0.35),
    "family": (0.45, 0.45, 0.50, 0.55, 1.05, 2.10, 1.90),
    "friends": (0.65, 0.65, 0.75, 0.80, 1.50, 1.60, 1.05),
    "couple": (0.80, 0.80, 0.85, 0.85, 1.30, 1.45, 1.05),
}
KINDS = tuple(WEEKDAYS)
# Days around a festival (first and last, counted from it), the factor for business, the one for the others.
AROUND = {
    "new_year": ((0, 2, 0.5, 1.5),),
    "spring_festival": ((-20, -5, 1.55, 1.15), (-4, -2, 0.5, 0.9), (-1, 0, 0.1, 0.35), (1, 6, 0.4, 1.75)),
    "lantern": ((0, 0, 1.0, 1.3),),
    "qingming": ((0, 2, 0.5, 0.85),),
    "may_day": ((0, 4, 0.3, 1.35),),
    "dragon_boat": ((0, 2, 0.5, 1.2),),
    "qixi": ((0, 0, 1.0, 1.35),),
    "mid_autumn": ((-8, -2, 1.35, 1.0), (0, 2, 0.4, 1.35)),
    "national_day": ((0, 6, 0.3, 1.4),),
    "winter_solstice": ((0, 0, 1.2, 1.7),),
}


@cache
def festive(day: date) -> tuple[float, float, str]:
    """The factors for business and for the others that festivals near `day` bring, and its festival."""
    business = others = 1.0
    name = ""
    for found in _near(day.year):
        offset = (day - found.on).days
        for first, last, for_business, for_others in AROUND.get(found.festival.code, ()):
            if first <= offset <= last:
                business, others = business * for_business, others * for_others
        if -1 <= offset <= 1 and found.festival.cheerful:
            name = found.festival.zh
    return business, others, name


@cache
def _near(year: int) -> tuple:  # type: ignore[type-arg]
    return tuple(each for y in (year - 1, year, year + 1) for each in festivals_in(y))


@cache
def fullness(kind: str, day: date) -> float:
    """How many of the guests of a kind come on `day`, 1.0 on an average day."""
    business, others, _ = festive(day)
    before, after = MONTHS[(day - timedelta(days=15)).month - 1], MONTHS[(day + timedelta(days=15)).month - 1]
    season = (before + after) / 2
    if kind == "business":
        season = 1 + (season - 1) / 2
    return season * WEEKDAYS[kind][day.weekday()] * (business if kind == "business" else others)
