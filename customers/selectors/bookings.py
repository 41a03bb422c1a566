"""What is booked, which tables are offered, who waits, what a guest is used to: each in a fixed number of queries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db.models import Case, Count, DateField, F, Prefetch, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from customers.habit import Came, Habit, predict
from customers.models import (
    Booking,
    BookingChange,
    BookingRules,
    DiningTable,
    Patronage,
    PersonalMenu,
    Visit,
    Waiting,
)
from customers.seating import Place, call_order, codes_of, goes_first, offered
from staff.models import Store

SHOWN = 300
CHANGES_SHOWN = 20
HABIT_DAYS = 90
HABIT_VISITS = 60
EPOCH, _PLACE = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
LAST_PLACE = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _PLACE


def bookings_of(store: Store) -> QuerySet[Booking]:
    """The store's bookings, each with guest, table, who made it, and the patronage here as `patronages_here`."""
    here = Prefetch(
        "customer__patronages",
        queryset=Patronage.objects.filter(store=store).select_related("owner"),
        to_attr="patronages_here",
    )
    found = Booking.objects.filter(store=store).select_related("customer", "table", "made_by")
    return found.prefetch_related(here)


def booked_on(store: Store, on: date) -> list[Booking]:
    """The bookings of a business day that stand, by time, the small hours last: to come, or seated."""
    found = bookings_of(store).filter(Booking.of_evening(store, on), state__in=Booking.HOLDS)
    return list(found.order_by("starts_at", "pk")[:SHOWN])


def booking_page(
    store: Store, on: date, *, states: Collection[str], after: tuple[int, int] | None, most: int
) -> tuple[list[Booking], tuple[int, int] | None]:
    """The bookings of a business day by time, at most `most`, beginning behind `after` (microsecond of the epoch,
    id); and where the next page begins.
    """
    found = bookings_of(store).filter(Booking.of_evening(store, on), state__in=states)
    if after is not None:
        starts = EPOCH + timedelta(microseconds=after[0])
        found = found.filter(Q(starts_at__gt=starts) | Q(starts_at=starts, pk__gt=after[1]))
    rows = list(found.order_by("starts_at", "pk")[: most + 1])
    last = rows[most - 1] if len(rows) > most else None
    return rows[:most], ((last.starts_at - EPOCH) // _PLACE, last.pk) if last else None


def coming_on(store: Store, on: date) -> list[Booking]:
    """The bookings of a business day whose guests are still expected, by time, with guest and table. One query."""
    found = Booking.objects.filter(Booking.of_evening(store, on), store=store, state__in=Booking.COMING)
    return list(found.select_related("customer", "table").order_by("starts_at", "pk")[:SHOWN])


def called_off_on(store: Store, on: date) -> list[Booking]:
    """The bookings of a business day that were cancelled or not confirmed in time."""
    found = bookings_of(store).filter(Booking.of_evening(store, on)).exclude(state__in=Booking.HOLDS)
    return list(found.order_by("starts_at", "pk")[:SHOWN])


def booked_days(store: Store, today: date) -> list[tuple[date, int]]:
    """The business days to come on which somebody is expected, with how many bookings."""
    before = Cast(F("on") - Value(timedelta(days=1)), DateField())
    found = (
        Booking.objects.filter(Booking.from_evening(store, today), store=store, state__in=Booking.HOLDS)
        .annotate(evening=Case(When(arrives__lt=store.day_ends_at, then=before), default="on"))
        .values_list("evening")
        .annotate(Count("pk"))
    )
    return list(found.order_by("evening")[:SHOWN])


def next_booked_day(store: Store, today: date) -> date | None:
    """The next business day on which somebody is expected."""
    return next((day for day, _number in booked_days(store, today)), None)


def coming_of(store: Store, customer_id: int, today: date) -> list[Booking]:
    """What a guest has booked from this business day on, the next first."""
    found = Booking.objects.filter(
        Booking.from_evening(store, today), store=store, customer_id=customer_id, state__in=Booking.COMING
    ).select_related("table")
    return list(found.order_by("starts_at")[:5])


def changes_of(booking: Booking) -> list[BookingChange]:
    """What was changed of a booking, and by whom, the latest first."""
    return list(booking.changes.select_related("by").order_by("-pk")[:CHANGES_SHOWN])


# ---- tables --------------------------------------------------------------------------------------------------


def tables_of(store: Store) -> list[DiningTable]:
    """The tables of the store, as they are numbered: 2 before 10."""
    rows = DiningTable.objects.filter(store=store, removed_at=None)
    return sorted(rows, key=lambda table: (table.room, len(table.number), table.number))


def tables_offered(store: Store, booking: Booking) -> list[DiningTable]:
    """The tables that suit a booking and are free at its time, the best first. Two queries."""
    tables = {table.pk: table for table in tables_of(store)}
    others = Booking.objects.filter(
        store=store, state__in=Booking.HOLDS, table__isnull=False,
        starts_at__lt=booking.ends_at, ends_at__gt=booking.starts_at,
    )  # fmt: skip
    taken = {pk for pk in others.exclude(pk=booking.pk).values_list("table", flat=True) if pk}
    places = [Place(table.pk, table.seats, table.accessible) for table in tables.values()]
    return [tables[place.key] for place in offered(places, booking.party, booking.needs, taken)]


# ---- at the door ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InLine:
    """A party in the waiting list: the guest where on file, and whether the guest's tier goes first."""

    waiting: Waiting
    guest: Patronage | None
    is_first: bool


def waiting_list(store: Store, on: date, rules: BookingRules) -> list[InLine]:
    """Who waits today, in the order in which they are called: tiers that go first, then as they came. Two queries."""
    rows = list(Waiting.objects.filter(store=store, on=on, closed_at=None)[:SHOWN])
    ids = [row.customer_id for row in rows if row.customer_id]
    guests = {
        each.customer_id: each
        for each in Patronage.objects.filter(store=store, customer_id__in=ids).select_related("customer")
    }
    first = codes_of(rules.priority_tiers)
    found = []
    for row in rows:
        guest = guests.get(row.customer_id or 0)
        found.append(InLine(row, guest, guest is not None and goes_first(guest.tier, guest.labels, first)))
    return sorted(found, key=lambda each: call_order(each.is_first, each.waiting.joined_at))


# ---- what a guest is used to ---------------------------------------------------------------------------------


def habit_of(store: Store, customer_id: int, today: date) -> Habit | None:
    """When the guest is expected next, at which table, for which dishes; None where there is no habit. One query."""
    visits = Visit.objects.filter(
        store=store, customer_id=customer_id, voided_at=None,
        business_date__gt=today - timedelta(days=HABIT_DAYS), business_date__lte=today,
    ).order_by("-visited_at")[:HABIT_VISITS]  # fmt: skip
    came = [
        Came(
            visit.business_date,
            visit.table_no,
            tuple(dish["name"] for dish in visit.dishes),
            visit.party_size,
        )
        for visit in visits
    ]
    return predict(came, today)


def menu_of(store: Store, customer_id: int) -> PersonalMenu | None:
    """The guest's own menu in this store."""
    found = PersonalMenu.objects.filter(store=store, customer_id=customer_id)
    return found.select_related("changed_by").first()
