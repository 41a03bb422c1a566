"""Which guests have a birthday when: solar and lunar, found by the stored columns."""

from collections import defaultdict
from datetime import date, timedelta

from django.db.models import Q

from common.birthdays import matches_on


def born_between(first: date, last: date) -> Q:
    """The condition on a patronage: the birthday is greeted from `first` to `last`, both included."""
    days: dict[tuple[str, int, bool], set[int]] = defaultdict(set)
    for number in range((last - first).days + 1):
        for key in matches_on(first + timedelta(days=number)):
            days[key.calendar, key.month, key.leap].add(key.day)
    found = Q(pk__in=[])
    for (calendar, month, leap), numbers in days.items():
        found |= Q(
            customer__birth_calendar=calendar,
            customer__birth_month=month,
            customer__birth_leap=leap,
            customer__birth_day__in=sorted(numbers),
        )
    return found
