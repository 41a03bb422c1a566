"""Business days: a restaurant's day ends in the small hours, in the restaurant's own zone.

Nothing here reads the clock except `now`, the one place where time enters the program.
"""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def business_date(moment: datetime, zone: str, cutoff: time) -> date:
    """The business day that an aware `moment` belongs to: the local date, a day ending at `cutoff`."""
    local = moment.astimezone(ZoneInfo(zone))
    return local.date() - timedelta(days=1) if local.time() < cutoff else local.date()


def moment_of(day: date, at: time, zone: str) -> datetime:
    """The aware moment at which a store's wall clock shows `at` on `day`."""
    return datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def add_months(day: date, months: int) -> date:
    """`day` some calendar months later (or earlier), kept within the month: 31 Jan + 1 = 28 or 29 Feb."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def last_full_months(day: date, count: int) -> tuple[date, date]:
    """First and last day of the `count` latest calendar months that have ended on or before `day`."""
    end = day if (day + timedelta(days=1)).month != day.month else day.replace(day=1) - timedelta(days=1)
    return add_months(end.replace(day=1), 1 - count), end
