"""What a guest is used to: the day of the week, the table, the dishes. Pure: no clock, no database."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# Three of the last four such days are a habit.
WEEKS, TIMES = 4, 3
DISHES = 3


@dataclass(frozen=True)
class Came:
    """One visit: the day, the table ("" where nobody wrote it down), the names of the dishes."""

    on: date
    table: str = ""
    dishes: tuple[str, ...] = ()
    party: int | None = None


@dataclass(frozen=True)
class Habit:
    """What is expected: `times` of the last `weeks` such days of the week the guest came; `next_on` the next such day.

    `table`, `dishes`, `party` are the usual ones; empty where there is none.
    """

    weekday: int
    times: int
    weeks: int
    next_on: date
    table: str = ""
    dishes: tuple[str, ...] = ()
    party: int | None = None


def look_back(today: date) -> date:
    """The first day that counts."""
    return today - timedelta(weeks=WEEKS)


def predict(visits: Sequence[Came], today: date) -> Habit | None:
    """The day of the week on which the guest came at least three of the last four times, and the next such day (today,
    where the guest has not been in yet). The strongest habit, the nearest among equals; None where there is none.

    Table, dishes and party are the most frequent of all `visits` (the latest among equals), a table and a dish from
    twice on.
    """
    days = {each.on for each in visits if look_back(today) <= each.on < today}
    came = Counter(day.weekday() for day in days)
    used_to = [(times, weekday) for weekday, times in came.items() if times >= TIMES]
    if not used_to:
        return None
    here_today = any(each.on == today for each in visits)
    found = [(-times, _next(weekday, today, here_today), weekday) for times, weekday in used_to]
    minus, next_on, weekday = min(found)
    latest_first = sorted(visits, key=lambda each: each.on, reverse=True)
    table = _usual([each.table for each in latest_first if each.table], 1)
    dishes = _usual([dish for each in latest_first for dish in dict.fromkeys(each.dishes)], DISHES)
    parties = Counter(each.party for each in latest_first if each.party)
    return Habit(
        weekday,
        -minus,
        WEEKS,
        next_on,
        table[0] if table else "",
        tuple(dishes),
        parties.most_common(1)[0][0] if parties else None,
    )


def _next(weekday: int, today: date, here_today: bool) -> date:
    ahead = (weekday - today.weekday()) % 7
    return today + timedelta(days=7 if here_today and not ahead else ahead)


def _usual(words: Collection[str], most: int) -> list[str]:
    return [word for word, times in Counter(words).most_common(most) if times > 1]
