"""Who waits at the door and who is seated; who has seen it; who waits on which tables."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from common.errors import NotHere, Refused
from customers.models import Arrival, Booking, Patronage, PersonalMenu, TableDuty, Waiting
from customers.preorder import kept
from customers.seating import is_in_the_way
from customers.services.bookings import PARTY_AT_MOST, booking_rules_of, settle
from staff.models import Person, Store


@transaction.atomic
def arrive(
    *,
    store: Store,
    customer_id: int,
    table: str,
    actor: Person | None,
    at: datetime,
    party: int | None = None,
    booking_id: int | None = None,
    despite_id: int | None = None,
) -> Arrival:
    """The guest sits at a table: the owner (without one, those who lead) is told, the day's booking is settled.

    That is the booking named, else the earliest of the day. Twice is once: a guest who sits already is only moved to
    the table said last. Refuses (Refused) a table without a number, and a table for which another guest's booking stands
    before this guest will have left it (409, table_awaited) unless that booking is named as known (`despite_id`): then it
    is noted on the arrival.
    """
    number = " ".join(table.split())[:20]
    if not number:
        raise Refused("table_missing", field="table")
    guest = Patronage.objects.select_for_update().filter(store=store, customer_id=customer_id).first()
    if guest is None:
        raise NotHere()
    on = store.business_day(at)
    sits = Arrival.objects.filter(store=store, on=on, customer_id=customer_id, left_at=None).first()
    is_there = sits is not None and sits.table_no == number
    despite = (
        None if is_there else _known(booking_awaited(store, number, at, customer_id), despite_id, number)
    )
    coming = Booking.objects.filter(
        Booking.of_evening(store, on), store=store, customer_id=customer_id, state__in=Booking.COMING
    )
    if booking_id is not None or sits is not None:
        coming = coming.filter(pk__in=[booking_id] if booking_id is not None else [])
    booking = coming.select_for_update().order_by("starts_at").first()
    if booking is not None:
        booking.lapses_on = None
        settle(booking, Booking.State.SEATED, actor, at)
    if sits is not None:
        if not is_there:
            sits.table_no, sits.despite = number, despite
            sits.save(update_fields=["table_no", "despite"])
        return sits
    return Arrival.objects.create(
        store=store, customer_id=customer_id, booking=booking, despite=despite, on=on, table_no=number,
        party=party or (booking.party if booking else None), seated_at=at, seated_by=actor, owner=guest.owner,
    )  # fmt: skip


def booking_awaited(store: Store, table: str, at: datetime, customer_id: int | None = None) -> Booking | None:
    """The next booking of somebody else for this table that is due before a guest who sits down now has left it."""
    minutes = booking_rules_of(store).sitting_minutes
    there = Booking.objects.filter(
        store=store, table__number__iexact=" ".join(table.split()), state__in=Booking.COMING, ends_at__gt=at
    )
    if customer_id is not None:
        there = there.exclude(customer_id=customer_id)
    first = there.select_related("customer").order_by("starts_at").first()
    return first if first and is_in_the_way(first.starts_at, first.ends_at, at, minutes) else None


def _known(awaited: Booking | None, despite_id: int | None, table: str) -> Booking | None:
    if awaited is not None and awaited.pk != despite_id:
        raise Refused(
            "table_awaited", field="table", status=409, table=table, time=f"{awaited.arrives:%H:%M}",
            who=awaited.customer.called, party=awaited.party,
        )  # fmt: skip
    return awaited


@transaction.atomic
def acknowledge(*, store: Store, arrival_id: int, actor: Person, leads: bool, at: datetime) -> Arrival:
    """The owner has seen that the guest is here; the first time stays. For others only those who lead (403)."""
    arrival = Arrival.objects.select_for_update().filter(store=store, pk=arrival_id).first()
    if arrival is None:
        raise NotHere()
    if arrival.owner_id != actor.pk and not leads:
        raise Refused("arrival_others", status=403, who=str(arrival.owner or "—"))
    if arrival.acknowledged_at is None:
        arrival.acknowledged_at, arrival.acknowledged_by = at, actor
        arrival.save(update_fields=["acknowledged_at", "acknowledged_by"])
    return arrival


def leave(*, store: Store, customer_id: int, at: datetime) -> int:
    """The guest is gone from the table. Returns 1, or 0 where the guest did not sit."""
    return Arrival.objects.filter(store=store, customer_id=customer_id, left_at=None).update(left_at=at)


@transaction.atomic
def choose_tables(
    *, store: Store, person: Person, tables: Iterable[str], actor: Person | None, at: datetime
) -> TableDuty:
    """The tables this person waits on today; none: whoever comes. The last word counts."""
    numbers = list(dict.fromkeys(number for each in tables if (number := " ".join(each.split())[:20])))[:60]
    duty, _ = TableDuty.objects.update_or_create(
        store=store, person=person, on=store.business_day(at), defaults={"tables": numbers, "chosen_at": at}
    )
    return duty


# ---- at the door ---------------------------------------------------------------------------------------------


@transaction.atomic
def join_waiting(
    *,
    store: Store,
    party: int,
    actor: Person | None,
    at: datetime,
    called: str = "",
    customer_id: int | None = None,
) -> Waiting:
    """A party waits for a table. The same guest, or the same name, again is the same place in the list.

    Refuses a party of none or more than 500, and nobody's name.
    """
    if not 1 <= party <= PARTY_AT_MOST:
        raise Refused("booking_party", field="party", most=PARTY_AT_MOST)
    name = " ".join(called.split())[:40]
    if customer_id is not None:
        guest = Patronage.objects.filter(store=store, customer_id=customer_id).select_related("customer")
        known = guest.first()
        if known is None:
            raise NotHere()
        name = known.customer.called[:40]
    if not name:
        raise Refused("waiting_who", field="who")
    one = {"customer_id": customer_id} if customer_id is not None else {"customer": None, "called": name}
    row, _ = Waiting.objects.get_or_create(
        store=store, on=store.business_day(at), closed_at=None, **one,
        defaults={"called": name, "party": party, "joined_at": at, "joined_by": actor},
    )  # fmt: skip
    return row


@transaction.atomic
def call_waiting(*, store: Store, waiting_id: int, actor: Person | None, at: datetime) -> Waiting:
    """It is the party's turn. Twice is once."""
    row = _waiting(store, waiting_id)
    if row.called_at is None and row.closed_at is None:
        row.called_at = at
        row.save(update_fields=["called_at"])
    return row


@transaction.atomic
def close_waiting(
    *,
    store: Store,
    waiting_id: int,
    actor: Person | None,
    at: datetime,
    table: str = "",
    despite_id: int | None = None,
) -> Waiting:
    """The party sits (at `table`, told to the owner where the guest is on file), or without a table: is gone. Twice is
    once. A table that somebody else has booked is refused as `arrive` does, also to whom nobody knows.
    """
    row = _waiting(store, waiting_id)
    if row.closed_at is not None:
        return row
    if table.strip() and row.customer_id is not None:
        arrive(
            store=store, customer_id=row.customer_id, table=table, party=row.party, actor=actor, at=at,
            despite_id=despite_id,
        )  # fmt: skip
    elif table.strip():
        _known(booking_awaited(store, table, at), despite_id, table.strip())
    row.closed_at = at
    row.outcome = Waiting.Outcome.SEATED if table.strip() else Waiting.Outcome.LEFT
    row.save(update_fields=["closed_at", "outcome"])
    return row


def _waiting(store: Store, waiting_id: int) -> Waiting:
    row = Waiting.objects.select_for_update().filter(store=store, pk=waiting_id).first()
    if row is None:
        raise NotHere()
    return row


# ---- what a guest likes to have ------------------------------------------------------------------------------


@transaction.atomic
def save_menu(
    *, store: Store, customer_id: int, dishes: Iterable[tuple[str, int]], actor: Person | None, at: datetime
) -> PersonalMenu | None:
    """Keep the guest's own menu, in place of the one before; without dishes there is none any more."""
    if not Patronage.objects.filter(store=store, customer_id=customer_id).exists():
        raise NotHere()
    rows = kept(dishes)
    if not rows:
        PersonalMenu.objects.filter(store=store, customer_id=customer_id).delete()
        return None
    menu, _ = PersonalMenu.objects.update_or_create(
        store=store, customer_id=customer_id,
        defaults={"dishes": rows, "changed_at": at, "changed_by": actor},
    )  # fmt: skip
    return menu
