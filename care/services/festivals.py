"""What people change in the calendar of festivals, and what the night does with it.

Every verb is for one store, or for its whole brand (`whole_brand`). Doing the same again is once.
"""

import re
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction

from care.festivals import COMPUTED, ONCE, Calendar, Change, Occurrence, Own, exists, own_code
from care.models import Task
from care.models.calendar import FestivalChange, OwnFestival
from care.texts import SAFE_NAME
from common.errors import NotHere, Refused
from common.festivals import FESTIVALS
from staff.models import Brand, Person, Store

YEARS_AHEAD = 3


def calendar_of(store: Store) -> Calendar:
    """The calendar as the store keeps it: its own edits before the brand's. Two queries."""
    own = [
        Own(
            own_code(each.name, each.store_id), each.name, each.en or each.name, each.kind, each.month or 0,
            each.day or 0, each.once_on, each.solemn,
        )
        for each in festivals_of(store)
    ]  # fmt: skip
    rows = FestivalChange.objects.filter(brand_id=store.brand_id).order_by("pk")
    said = [each for each in rows if each.store_id in (None, store.pk)]
    said.sort(key=lambda each: each.store_id is not None)
    changes = {(each.code, each.year): Change(each.off, each.on) for each in said}
    return Calendar(tuple(own), changes) if own or changes else COMPUTED


def festivals_of(store: Store) -> list[OwnFestival]:
    """The festivals of the house that the store keeps: its brand's, then its own."""
    rows = OwnFestival.objects.filter(brand_id=store.brand_id, removed_at=None).order_by("pk")
    return sorted(
        (each for each in rows if each.store_id in (None, store.pk)), key=lambda each: bool(each.store_id)
    )


@transaction.atomic
def add_festival(
    *,
    store: Store,
    whole_brand: bool,
    name: str,
    kind: str,
    actor: Person | None,
    at: datetime,
    today: date,
    en: str = "",
    month: int | None = None,
    day: int | None = None,
    once_on: date | None = None,
    solemn: bool = False,
) -> OwnFestival:
    """A festival of the house. Refuses a name that could not stand in a text or is taken, a day that there is not, a
    single day that is not after `today`.
    """
    Brand.objects.select_for_update().get(pk=store.brand_id)
    if not re.fullmatch(SAFE_NAME, name):
        raise Refused("festival_name", field="name")
    names = {each.zh for each in FESTIVALS.values()} | {each.en for each in FESTIVALS.values()}
    kept = OwnFestival.objects.filter(brand_id=store.brand_id, removed_at=None)
    names |= {each.name for each in kept if whole_brand or each.store_id in (None, store.pk)}
    if name in names:
        raise Refused("festival_taken", field="name", name=name)
    if kind == ONCE:
        if once_on is None or once_on <= today:
            raise Refused("festival_past", field="once_on")
        month = day = None
    else:
        if month is None or day is None or not exists(kind, month, day):
            raise Refused("festival_no_day", field="day")
        once_on = None
    return OwnFestival.objects.create(
        brand_id=store.brand_id, store=None if whole_brand else store, name=name, en=en, kind=kind, month=month,
        day=day, once_on=once_on, solemn=solemn, made_at=at, made_by=actor,
    )  # fmt: skip


@transaction.atomic
def remove_festival(*, store: Store, whole_brand: bool, code: str, at: datetime) -> None:
    """Take a festival of the house out of the calendar. NotHere for no such one; a store does not remove its brand's."""
    mine = OwnFestival.objects.select_for_update().filter(brand_id=store.brand_id, removed_at=None)
    found = [each for each in mine if own_code(each.name, each.store_id) == code]
    if not found or found[0].store_id not in (None, store.pk):
        raise NotHere()
    if found[0].store_id is None and not whole_brand:
        raise Refused("festival_whole_brand", status=403)
    found[0].removed_at = at
    found[0].save(update_fields=["removed_at"])
    # Should a festival of that name be added again, it begins afresh.
    FestivalChange.objects.filter(brand_id=store.brand_id, code=code).delete()


@transaction.atomic
def switch_festival(
    *, store: Store, whole_brand: bool, code: str, off: bool, actor: Person | None, at: datetime
) -> None:
    """Switch a festival off, or on again. NotHere for one that the calendar does not have."""
    calendar = _edited(store, code)
    if whole_brand or calendar.is_off(code) != off:
        _say(store, whole_brand, code, None, actor, at, off=off)


@transaction.atomic
def move_festival(
    *,
    store: Store,
    whole_brand: bool,
    code: str,
    year: int,
    on: date,
    actor: Person | None,
    at: datetime,
    today: date,
) -> None:
    """Correct the day of one year, within the calendar year in which it falls; to its usual day: the correction is
    taken back. Refuses what is past, before and after.
    """
    calendar = _edited(store, code)
    found = _occurrence(calendar, code, year, today)
    if found is None:
        raise NotHere()
    if found.on <= today:
        raise Refused("festival_is_over", field="on")
    if on <= today:
        raise Refused("festival_past", field="on")
    if on.year != found.usual_on.year:
        raise Refused("festival_year", field="on", year=found.usual_on.year)
    if on != found.on or whole_brand:
        _say(store, whole_brand, code, year, actor, at, on=on)


def usual_day(store: Store, code: str, year: int, today: date) -> date:
    """Where a year's festival is without a correction. NotHere for one that the coming years do not have."""
    found = _occurrence(calendar_of(store), code, year, today)
    if found is None:
        raise NotHere()
    return found.usual_on


def _edited(store: Store, code: str) -> Calendar:
    Brand.objects.select_for_update().get(pk=store.brand_id)
    calendar = calendar_of(store)
    if code not in calendar.names():
        raise NotHere()
    return calendar


def _occurrence(calendar: Calendar, code: str, year: int, today: date) -> Occurrence | None:
    """The festival of that key year; a lunar one of the house may fall in the next calendar year."""
    years = [each for each in (year, year + 1) if today.year <= each <= today.year + YEARS_AHEAD]
    found = [each for every in years for each in calendar.all_in(every)]
    return next((each for each in found if (each.code, each.year) == (code, year)), None)


def _say(
    store: Store, whole_brand: bool, code: str, year: int | None, actor: Person | None, at: datetime,
    off: bool = False, on: date | None = None,
) -> None:  # fmt: skip
    said = {"off": off, "on": on, "made_at": at, "made_by": actor}
    mine = {"brand_id": store.brand_id, "store": None if whole_brand else store, "code": code, "year": year}
    there = FestivalChange.objects.filter(**mine).first()
    if there is None:
        FestivalChange.objects.create(**mine, **said)
    elif (there.off, there.on) != (off, on):
        for name, value in said.items():
            setattr(there, name, value)
        there.save(update_fields=list(said))


# ---- the night -----------------------------------------------------------------------------------------------

_SHIFT = """UPDATE care_task SET event_on = %(to)s, due_on = greatest(due_on + %(days)s, %(today)s),
    close_on = close_on + %(days)s, escalated_on = NULL
    WHERE store_id = %(store)s AND state = 'open' AND occasion = %(occasion)s AND event_on = %(from)s"""
_OFF = """UPDATE care_task SET state = 'closed', reason = 'festival_off', settled_at = %(at)s
    WHERE store_id = %(store)s AND state = 'open' AND occasion = %(occasion)s"""


def follow_calendar(*, store: Store, calendar: Calendar, at: datetime, today: date) -> dict[str, int]:
    """Let open tasks go with a festival that was moved, close those of one that was switched off; how many of each.

    A second run changes nothing.
    """
    open_ = Task.objects.filter(store=store, state=Task.State.OPEN, occasion__startswith="festival:")
    standing = list(open_.values_list("occasion", "event_on").distinct().order_by())
    counts: dict[str, int] = {}
    for occasion, event_on in standing:
        if event_on is None:
            continue
        year = calendar.in_year(event_on.year)
        on = next((each.on for each in year if each.occasion == occasion), None)
        if on == event_on:
            continue
        params: dict[str, Any] = {
            "store": store.pk,
            "occasion": occasion,
            "at": at,
            "today": today,
            "from": event_on,
            "to": on,
        }
        params["days"] = (on - event_on).days if on else 0
        with connection.cursor() as cursor:
            cursor.execute(_SHIFT if on else _OFF, params)
            name = "festival_moved" if on else "festival_off"
            counts[name] = counts.get(name, 0) + cursor.rowcount
    return counts
