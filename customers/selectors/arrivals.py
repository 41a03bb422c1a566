"""Who sits where, who has to be told, who waits on which tables."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, Q, QuerySet

from customers.models import Arrival, Booking, Patronage, TableDuty, Visit
from customers.services.arrivals import booking_awaited
from staff.models import Person, Store

SHOWN = 200


@dataclass(frozen=True)
class Arrived:
    """A guest at a table: the patronage here, the latest visit with a remark."""

    arrival: Arrival
    guest: Patronage
    last: Visit | None


def _arrivals(store: Store, on: date) -> QuerySet[Arrival]:
    here = Prefetch(
        "customer__patronages", queryset=Patronage.objects.filter(store=store), to_attr="patronages_here"
    )
    found = Arrival.objects.filter(store=store, on=on).select_related(
        "customer", "owner", "acknowledged_by", "despite__customer"
    )
    return found.prefetch_related(here)


def _whole(store: Store, rows: Collection[Arrival]) -> list[Arrived]:
    ids = [row.customer_id for row in rows]
    remarks = (
        Visit.objects.filter(store=store, customer_id__in=ids, voided_at=None, note__isnull=False)
        .order_by("customer_id", "-visited_at")
        .distinct("customer_id")
    )
    last = {visit.customer_id: visit for visit in remarks} if ids else {}
    found = []
    for row in rows:
        guest = row.customer.patronages_here[0]  # type: ignore[attr-defined]
        guest.customer = row.customer
        found.append(Arrived(row, guest, last.get(row.customer_id)))
    return found


def arrived_on(store: Store, on: date) -> list[Arrived]:
    """Everybody who was seated on a day, the latest first. Three queries."""
    return _whole(store, list(_arrivals(store, on).order_by("-seated_at", "-pk")[:SHOWN]))


def to_see(store: Store, person: Person, leads: bool, on: date) -> list[Arrived]:
    """Whom this person has not seen yet of those who sit: the own guests; for those who lead nobody's guests, too."""
    mine = Q(owner=person) | Q(owner=None) if leads else Q(owner=person)
    rows = _arrivals(store, on).filter(mine, acknowledged_at=None, left_at=None).order_by("seated_at", "pk")
    return _whole(store, list(rows[:SHOWN]))


def seated_at(store: Store, on: date, tables: Collection[str]) -> list[Arrival]:
    """Who sits at these tables now, by table; `patronages_here` on each guest."""
    rows = _arrivals(store, on).filter(left_at=None, table_no__in=list(tables)).order_by("seated_at", "pk")
    return sorted(rows[:SHOWN], key=lambda each: (len(each.table_no), each.table_no))


def sits(store: Store, customer_id: int, on: date) -> Arrival | None:
    """Where the guest sits now."""
    return Arrival.objects.filter(store=store, customer_id=customer_id, on=on, left_at=None).first()


@dataclass(frozen=True)
class Doubt:
    """A table at which somebody is about to be seated, and the booking of another guest that stands there."""

    table: str
    booking: Booking


def doubted(store: Store, table: str, at: datetime, customer_id: int | None = None) -> Doubt | None:
    """The doubt about a table, as a page names it in its address; None where it is free, or none was named."""
    number = " ".join(table.split())[:20]
    awaited = booking_awaited(store, number, at, customer_id) if number else None
    return Doubt(number, awaited) if awaited else None


def tables_of_duty(store: Store, person: Person, on: date) -> list[str]:
    """The tables this person waits on; none where nobody chose any."""
    duty = TableDuty.objects.filter(store=store, person=person, on=on).first()
    return list(duty.tables) if duty else []
