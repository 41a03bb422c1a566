"""What happened in the demo restaurant, written down day after day, set by set."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection

from common.clock import moment_of
from common.fields import encrypt
from common.keys import current_keys
from common.phones import last_four
from crm.demo.copying import after_explicit_ids, copy_in
from crm.demo.guests import Guest
from crm.demo.habits import Visit
from crm.demo.staffing import Staff
from customers.services.upkeep import recount, refresh_gaps, refresh_search_keys

_EXPLICIT = ("customers_customer", "customers_patronage", "customers_phone")


class Diary:
    """The guests and visits of the demo in the order in which they became known; `write_until` writes on.

    Customers get their demo number as id, so that all that hangs on ids is the same in every database.
    """

    def __init__(self, staff: Staff, first: date, guests: Sequence[Guest], visits: Sequence[Visit]) -> None:
        self.staff, self.first, self.guests = staff, first, guests
        self.keys = current_keys()
        self.patronages: dict[tuple[int, int], int] = {}
        self.phones = 0
        self.joined_at = self._joined_at(visits)
        self._waiting: dict[str, list[tuple[datetime, Any]]] = {
            "guests": sorted(
                ((self.joined_at[g.number], g) for g in guests), key=lambda pair: (pair[0], pair[1].number)
            ),
            "visits": sorted(((v.recorded_at, v) for v in visits), key=lambda pair: (pair[0], pair[1].bill)),
            "consents": sorted(
                (
                    (self._said_at(g, day), (g, given, source))
                    for g in guests
                    for day, given, source in g.consents
                ),
                key=lambda pair: (pair[0], pair[1][0].number, pair[1][1]),
            ),
        }
        self._next = dict.fromkeys(self._waiting, 0)

    def day(self, number: int) -> date:
        return self.first + timedelta(days=number)

    def moment(self, day: date, hour: int, minute: int = 0) -> datetime:
        """An hour on the wall of the stores (both keep the same zone)."""
        return moment_of(day, time(hour, minute), self.staff.stores[0].timezone)

    def _joined_at(self, visits: Iterable[Visit]) -> dict[int, datetime]:
        first_meal: dict[int, Visit] = {}
        for visit in visits:
            first_meal.setdefault(visit.guest, visit)
        found = {}
        for guest in self.guests:
            meal = first_meal.get(guest.number)
            if guest.imported:
                found[guest.number] = self.moment(self.first, 10)
            elif meal is not None and meal.day == guest.joined:
                found[guest.number] = meal.at - timedelta(minutes=40)
            else:
                found[guest.number] = self.moment(self.day(guest.joined), 18, guest.number % 60)
        return found

    def _said_at(self, guest: Guest, day: int) -> datetime:
        joined = self.joined_at[guest.number]
        return joined if day <= guest.joined else joined + timedelta(days=day - guest.joined)

    def _take(self, what: str, until: datetime) -> list[tuple[datetime, Any]]:
        waiting, start = self._waiting[what], self._next[what]
        stop = start
        while stop < len(waiting) and waiting[stop][0] <= until:
            stop += 1
        self._next[what] = stop
        return waiting[start:stop]

    def write_until(self, until: datetime) -> tuple[int, int]:
        """Write whatever was known by `until` and is not written yet; returns the guests and the visits."""
        guests = [guest for _, guest in self._take("guests", until)]
        self._write_guests(guests)
        visits = [visit for _, visit in self._take("visits", until)]
        linked = self._write_visits(visits)
        self._write_consents(self._take("consents", until))
        after_explicit_ids(_EXPLICIT)
        ids = [guest.number for guest in guests]
        refresh_search_keys(sorted({*ids, *linked}))
        refresh_gaps(ids, until)
        with connection.cursor() as cursor:
            # The gap was there from the first day of the file, not from the end of this part.
            cursor.execute(
                "UPDATE customers_profilegap g SET missing_from = c.created_at FROM customers_customer c "
                "WHERE c.id = g.customer_id AND c.id = ANY(%s)",
                [ids],
            )
        for place, store in enumerate(self.staff.stores):
            recount(store.pk, {visit.guest for visit in visits if visit.store == place})
        return len(guests), len(visits)

    def _sealed(self, text: str | None) -> bytes | None:
        return encrypt(text, self.keys) if text else None

    def _write_guests(self, guests: Sequence[Guest]) -> None:
        brand = self.staff.brand.pk
        rows, patronages, tags, introductions = [], [], [], []
        for guest in guests:
            at, by = self.joined_at[guest.number], self._host(guest)
            born = guest.birthday
            birth = (
                (born.calendar, born.year, born.month, born.day, born.leap)
                if born
                else ("", None, None, None, False)
            )
            rows.append(
                (guest.number, brand, guest.name, guest.salutation, guest.sex, *birth, guest.address,
                 guest.industry, guest.employer, guest.position, guest.married, self._sealed(guest.allergies),
                 self._sealed(guest.taboos), guest.likes, self._sealed(guest.note), "", [], at, by,
                 _preferred(guest))
            )  # fmt: skip
            patronages.append(self._patronage(guest, guest.store, self.day(guest.since), guest.usual_table))
            tags += [(guest.number, word, at, by) for word in guest.tags]
            if guest.introducer is not None:
                introductions.append((guest.number, guest.introducer, at, by))
        copy_in(
            "customers_customer",
            ("id", "brand_id", "name", "salutation", "sex", "birth_calendar", "birth_year", "birth_month",
             "birth_day", "birth_leap", "address", "industry", "employer", "position", "married", "allergies",
             "taboos", "likes", "note", "name_key", "search_keys", "created_at", "created_by_id", "preferred_channel"),
            rows,
        )  # fmt: skip
        self._write_patronages(patronages)
        self._write_phones(guests)
        copy_in("customers_tag", ("customer_id", "word", "added_at", "added_by_id"), tags)
        copy_in(
            "customers_introduction",
            ("customer_id", "introducer_id", "recorded_at", "recorded_by_id"),
            introductions,
        )

    def _host(self, guest: Guest) -> int | None:
        waiters = self.staff.waiters(guest.store)
        return None if guest.imported else waiters[guest.number % len(waiters)].pk

    def _patronage(self, guest: Guest, store: int, since: date, table: str = "") -> tuple[Any, ...]:
        number = self.patronages[guest.number, store] = len(self.patronages) + 1
        return number, guest.number, self.staff.stores[store].pk, guest.card, since, table

    def _write_patronages(self, rows: Iterable[tuple[Any, ...]]) -> None:
        columns = ("id", "customer_id", "store_id", "external_id", "since", "usual_table")
        zeros = ("tier", "visits_total", "spend_total_fen", "last_external_id")
        copy_in("customers_patronage", (*columns, *zeros), ((*row, "", 0, 0, "") for row in rows))

    def _write_phones(self, guests: Iterable[Guest]) -> None:
        rows: list[tuple[Any, ...]] = []
        told: list[Any] = []
        for guest in guests:
            at = self.joined_at[guest.number]
            numbers: list[tuple[str, str, str, bool | None]] = []
            if guest.phone:
                numbers.append((guest.phone, "own", "", None))
            numbers += [(number, "contact", whose, given) for number, whose, given in guest.contacts]
            for number, kind, whose, given in numbers:
                self.phones += 1
                index = self.keys.blind_index("phone", number)
                rows.append(
                    (self.phones, self.staff.brand.pk, guest.number, kind, whose, self._sealed(number), index,
                     last_four(number), at)
                )  # fmt: skip
                if given is not None:
                    told.append((guest, given, "desk", self.phones, at))
        copy_in(
            "customers_phone",
            (
                "id",
                "brand_id",
                "customer_id",
                "kind",
                "whose",
                "number",
                "number_index",
                "last_four",
                "added_at",
            ),
            rows,
        )
        self._copy_consents(told)

    def _write_consents(self, said: Iterable[tuple[datetime, Any]]) -> None:
        self._copy_consents((guest, given, source, None, at) for at, (guest, given, source) in said)

    def _copy_consents(self, said: Iterable[tuple[Guest, bool, str, int | None, datetime]]) -> None:
        copy_in(
            "customers_consent",
            ("customer_id", "phone_id", "purpose", "given", "at", "source", "wording", "store_id",
             "recorded_at", "recorded_by_id"),
            (
                (guest.number, phone, "sms", given, at, source, "v1", self.staff.stores[guest.store].pk, at,
                 None if source == "import" else self._host(guest) or self.staff.of(guest.store, "host").pk)
                for guest, given, source, phone, at in said
            ),
        )  # fmt: skip

    def _write_visits(self, visits: Sequence[Visit]) -> list[int]:
        """Write the visits, and a file in the other store where a guest dines there for the first time."""
        linked = []
        for visit in visits:
            if (visit.guest, visit.store) not in self.patronages:
                linked.append(self._patronage(self.guests[visit.guest - 1], visit.store, self.day(visit.day)))
        self._write_patronages(linked)
        by_store = defaultdict(list)
        for place in range(len(self.staff.stores)):
            by_store[place] = [person.pk for person in self.staff.waiters(place)]
        copy_in(
            "customers_visit",
            ("id", "store_id", "customer_id", "external_id", "business_date", "visited_at", "amount_fen",
             "party_size", "table_no", "occasion", "channel", "dishes", "note", "entry", "recorded_at",
             "recorded_by_id", "counted_at"),
            (
                (v.id, self.staff.stores[v.store].pk, v.guest, v.bill, self.day(v.day), v.at, v.amount_fen,
                 v.party, v.table, v.occasion, v.channel,
                 json.dumps([{"name": n, "quantity": q} for n, q in v.dishes], ensure_ascii=False),
                 self._sealed(v.note), v.entry, v.recorded_at,
                 by_store[v.store][v.guest % len(by_store[v.store])] if v.entry == "tablet" else None,
                 v.recorded_at)
                for v in visits
            ),
        )  # fmt: skip
        return [row[1] for row in linked]


def _preferred(guest: Guest) -> str:
    """How a guest likes to hear from us, where somebody asked: by WeChat mostly, elders by a card."""
    if guest.number % 5:
        return ""
    return "card" if guest.generation == 0 else ("wechat", "phone", "wechat", "sms")[guest.number // 5 % 4]
