"""The demo restaurant lives through eighteen months: guests and visits as they came, and the nights after.

Every part of the past is written before the night that judged it, and the nights are the real ones: the last
weeks night by night with every step, the months before by the grading alone, every other Sunday and at month ends.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from common.clock import add_months, moment_of
from crm import nightly
from crm.demo import staffing
from crm.demo.desk import Desk
from crm.demo.filling import Diary
from crm.demo.followup import FollowUp
from crm.demo.giving import owe_guests
from crm.demo.guests import invent
from crm.demo.habits import come
from crm.demo.owners import give_owners, judge_some
from crm.demo.relations import Relations
from crm.demo.seating import expect_guests
from crm.demo.voices import Voices
from reports.services import count_day
from staff.models import Role
from tiering.selectors.schemes import preset
from tiering.services.decisions import decide_night
from tiering.services.schemes import adopt_preset, save_scheme

MONTHS = 18
AFTERNOON = clock_time(14, 30)  # the hour at which the demo begins where only its day is given
SCHEME, OTHER_SCHEME = "recent_month_abc", "monthly_avg_abc"
BESIDE = ("member_card_levels", "lifecycle_types")
# Whose texts of the past the demo tells: an account at the simulator, where no other is set.
ACCOUNT = {
    "SMS_PROVIDER": "aliyun",
    "SMS_ACCESS_KEY_ID": "demo",
    "SMS_ACCESS_KEY_SECRET": "demo",
    "SMS_SIGN_NAME": staffing.BRAND[1],
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much of a demo: guests, nights with every step, calendar months of grading before this one."""

    guests: int = 5000
    full_nights: int = 35
    graded_months: int = 13


@dataclass
class _Life:
    """The demo while it is being written."""

    diary: Diary
    follow_up: FollowUp
    desk: Desk
    voices: Voices
    relations: Relations
    today: date

    def write_until(self, at: datetime) -> None:
        """Write down whatever was known by `at`: who came, and what they said."""
        self.diary.write_until(at)
        self.voices.speak_until(at)

    def night_of(self, day: date) -> datetime:
        """The moment at which the night of business date `day` ran."""
        store = self.diary.staff.stores[0]
        return moment_of(day + timedelta(days=1), store.night_at, store.timezone)


@transaction.atomic
def build(*, seed: int, today: date, at: datetime, size: Size, say: Say) -> None:
    """Fill an empty database with the demo restaurant as it stands at `at` on business date `today`.

    All or nothing; the same rows for the same arguments. IntegrityError where its brand is there already.
    """
    with connection.cursor() as cursor:
        # Deferred checks of foreign keys pile up, and every exception block of a history trigger walks the
        # pile: without this the time grows with the square of the rows.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    first = add_months(today, -MONTHS)
    days = (today - first).days + 1
    staff = staffing.open_doors(first)
    people = invent(seed=seed, guests=size.guests, days=days, today=today)
    zone, codes = staff.stores[0].zone(), [store.code for store in staff.stores]
    visits = come(people, seed=seed, first=first, days=days, zone=zone, codes=codes)
    say(f"{staff.brand}: {len(staff.stores)} stores, {len(staff.people)} people; "
        f"{len(people):,} guests and {len(visits):,} visits from {first} invented")  # fmt: skip
    last_night = nightly.last_closed(staff.stores[0], at)
    full_from = last_night - timedelta(days=size.full_nights - 1)
    diary = Diary(staff, first, people, visits)
    desk, voices = Desk(diary, seed, visits, full_from, today), Voices(diary, seed, visits, today)
    relations = Relations(diary, seed, full_from + timedelta(days=1), today)
    life = _Life(diary, FollowUp(diary, seed, at), desk, voices, relations, today)
    with _texts_can_be_sent():
        _grade_the_past(life, size.graded_months, full_from, say)
        _nights(life, full_from, last_night, say)
    life.write_until(at)
    owe_guests(diary, at)
    expect_guests(staff, seed, today, at)
    _shift_runs()


@contextmanager
def _texts_can_be_sent() -> Iterator[None]:
    if settings.SMS.get("SMS_PROVIDER"):
        yield
        return
    added = {key: value for key, value in ACCOUNT.items() if key not in settings.SMS}
    settings.SMS.update(added)
    try:
        yield
    finally:
        for key in added:
            del settings.SMS[key]


def _adopt(life: _Life, from_date: date) -> None:
    staff = life.diary.staff
    at = life.diary.moment(from_date - timedelta(days=3), 15)
    for place, store in enumerate(staff.stores):
        head = staff.of(place, Role.HEAD)
        save_scheme(store=store, body=preset(OTHER_SCHEME), actor=head, at=at - timedelta(days=2))
        adopt_preset(store=store, code=SCHEME, from_date=from_date, actor=head, at=at)


def _adopt_beside(life: _Life, from_date: date) -> None:
    """The axes beside the ladder: the member's card, and where the guest is in her life with us."""
    at = life.diary.moment(from_date - timedelta(days=1), 16)
    for place, store in enumerate(life.diary.staff.stores):
        for code in BESIDE:
            head = life.diary.staff.of(place, Role.HEAD)
            adopt_preset(store=store, code=code, from_date=from_date, actor=head, at=at)


def _grade_the_past(life: _Life, months: int, full_from: date, say: Say) -> None:
    """The months before the full nights, graded every other Sunday and at month ends."""
    begin = add_months(life.today.replace(day=1), -months)
    _adopt(life, begin)
    life.write_until(life.night_of(begin - timedelta(days=1)))
    _analyze()
    nights = [begin + timedelta(days=n) for n in range((full_from - begin).days)]
    graded = [day for day in nights if _ends_fortnight(day) or _ends_month(day) or day == nights[-1]]
    for day in graded:
        at = life.night_of(day)
        life.write_until(at)
        for store in life.diary.staff.stores:
            decide_night(store, day, at=at, approved=True)
            if _ends_month(day):
                count_day(store=store, on=day)
        if _ends_month(day) or day == graded[0]:
            give_owners(life.diary, at)
    judge_some(life.diary, life.night_of(nights[-1]))
    _analyze()
    say(f"Graded by {SCHEME} since {begin}: {len(graded)} nights of the past")


def _ends_fortnight(day: date) -> bool:
    return day.weekday() == 6 and day.isocalendar().week % 2 == 0


def _ends_month(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def _nights(life: _Life, full_from: date, last: date, say: Say) -> None:
    """The last weeks, night by night, and what people did on the day after each."""
    started = time.monotonic()
    _adopt_beside(life, full_from)
    day = full_from
    while day <= last:
        at, morning = life.night_of(day), day + timedelta(days=1)
        life.write_until(at)
        for place, store in enumerate(life.diary.staff.stores):
            steps = nightly.run(store.pk, day, at=at, by_hand=True)
            if any(step.get("held") for step in steps):
                nightly.run(
                    store.pk, day, at=at, by_hand=True, approved_by=life.diary.staff.of(place, Role.HEAD)
                )
        life.desk.work(morning)
        life.relations.work(morning)
        life.follow_up.texts()
        life.follow_up.work(morning)
        day = morning
    nights = (last - full_from).days + 1
    say(f"{nights} nights with every step up to {last}, {time.monotonic() - started:.0f} s")


def _analyze() -> None:
    """So that the nights are planned for the rows there are, not for those of an empty database."""
    with connection.cursor() as cursor:
        for table in ("customers_customer", "customers_patronage", "customers_phone", "customers_consent",
                      "customers_visit", "customers_introduction", "tiering_tierdecision"):  # fmt: skip
            cursor.execute(f"ANALYZE {table}")


def _shift_runs() -> None:
    """The runs say when they ran in the story, and took as long as they took here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE ops_step s SET started_at = r.created_at + (s.started_at - r.started_at), "
            "finished_at = r.created_at + (s.finished_at - r.started_at) FROM ops_run r WHERE r.id = s.run_id"
        )
        cursor.execute(
            "UPDATE ops_run SET heartbeat_at = created_at + (heartbeat_at - started_at), "
            "finished_at = created_at + (finished_at - started_at), started_at = created_at"
        )


def what_there_is() -> dict[str, Any]:
    """How many rows of each kind there are, for the last line of the command."""
    tables = {
        "guests": "customers_customer",
        "visits": "customers_visit",
        "decisions": "tiering_tierdecision",
        "tasks": "care_task",
        "messages": "care_message",
    }
    with connection.cursor() as cursor:
        found = {}
        for name, table in tables.items():
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[name] = cursor.fetchone()[0]
    return found
