"""Who sits where, who has to be told, who waits on which tables."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from customers.models import Arrival, Booking, Customer, Patronage, TableDuty, Visit
from customers.services.arrivals import booking_awaited
from staff.models import Person, Store

SHOWN = 200


@dataclass(frozen=True)
class Arrived:
    """A guest at a table: the patronage here, the latest visit with a remark."""

    arrival: Arrival
    guest: Patronage
    last: Visit | None


def put_patronages(store: Store, customers: Iterable[Customer]) -> None:
    """Put on every guest the patronage of this store, as `patronages_here`. One query."""
    here = Prefetch("patronages", queryset=Patronage.objects.filter(store=store), to_attr="patronages_here")
    prefetch_related_objects(list(customers), here)


def _arrivals(store: Store, on: date) -> QuerySet[Arrival]:
    found = Arrival.objects.filter(store=store, on=on)
    return found.select_related("customer", "owner", "acknowledged_by", "despite__customer")


def whole(store: Store, rows: Collection[Arrival]) -> list[Arrived]:
    """These arrivals, on whose guests `put_patronages` was done, with the latest remark of each guest. One query."""
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
    rows = list(_arrivals(store, on).order_by("-seated_at", "-pk")[:SHOWN])
    put_patronages(store, [row.customer for row in rows])
    return whole(store, rows)


def sitting_on(store: Store, on: date) -> list[Arrival]:
    """Who sits at a table of the house now, the longest there first. One query."""
    return list(_arrivals(store, on).filter(left_at=None).order_by("seated_at", "pk")[:SHOWN])


def unseen_by(person: Person, leads: bool, sitting: Iterable[Arrival]) -> list[Arrival]:
    """Whom this person has not seen yet of those who sit: the own guests; for those who lead nobody's guests, too."""
    owners = {person.pk, None} if leads else {person.pk}
    return [row for row in sitting if row.acknowledged_at is None and row.owner_id in owners]


def seated_at(tables: Collection[str], sitting: Iterable[Arrival]) -> list[Arrival]:
    """Who of those who sit sits at these tables, by table."""
    found = [row for row in sitting if row.table_no in tables]
    return sorted(found, key=lambda each: (len(each.table_no), each.table_no))


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
