"""Tables kept for guests: booked, changed, confirmed, given a table, cancelled, free again; the tables of a store.

A table is given under a lock on its row, taken before the lock on a booking: of two who want it at once the second
finds it taken. The table itself would not hold two bookings at one time either (`table_taken_once`).
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from common.clock import moment_of
from common.errors import NotHere, Refused
from customers.models import Booking, BookingChange, BookingRules, DiningTable, Need, Patronage
from customers.preorder import kept
from customers.seating import Place, evening_of, free_again, suits
from staff.models import Person, Store

PARTY_AT_MOST = 500
AHEAD_AT_MOST = timedelta(days=366)


def booking_rules_of(store: Store) -> BookingRules:
    """The store's rules; the defaults, not on file, where it has none."""
    return BookingRules.objects.filter(store=store).first() or BookingRules(store=store)


def change_booking_rules(rules: BookingRules) -> None:
    """Put the store's rules on file. What is booked already stays as it is."""
    rules.save()


def checked_needs(needs: Iterable[str]) -> list[str]:
    """The needs, each once, in one order; refuses (need_unknown) what is none."""
    said = set(needs)
    if said - set(Need.values):
        raise Refused("need_unknown", field="needs", choices=", ".join(Need.values))
    return [need for need in Need.values if need in said]


@transaction.atomic
def book(
    *,
    store: Store,
    customer_id: int,
    on: date,
    arrives: time,
    party: int,
    actor: Person | None,
    at: datetime,
    held: bool = False,
    table_id: int | None = None,
    needs: Iterable[str] | None = None,
    allergies: str = "",
    dishes: Iterable[tuple[str, int]] = (),
    note: str = "",
    source: str = Booking.Source.DESK,
) -> Booking:
    """Keep a table for a guest of this store; `held`: without the guest's word yet, for some days.

    Without `needs` those of the guest's profile hold. Refuses a day that is over or more than a year ahead, a party of
    none or more than 500, a second booking of the guest at the same time (409), a table that does not suit or is
    taken (409).
    """
    guest = Patronage.objects.filter(store=store, customer_id=customer_id).select_related("customer").first()
    if guest is None:
        raise NotHere()
    today, rules = store.business_day(at), booking_rules_of(store)
    evening = _checked_evening(store, today, on, arrives, party)
    starts_at = moment_of(on, arrives, store.timezone)
    booking = Booking(
        store=store, customer_id=customer_id, on=on, arrives=arrives, starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=rules.sitting_minutes), party=party,
        state=Booking.State.PROVISIONAL if held else Booking.State.CONFIRMED,
        lapses_on=free_again(evening, today, rules.held_days) if held else None,
        needs=checked_needs(guest.customer.needs if needs is None else needs), allergies=_allergies(allergies),
        dishes=kept(dishes), note=_note(note), source=source, made_at=at, made_by=actor,
    )  # fmt: skip
    if table_id is not None:
        # Sent twice: the table is taken by the guest's own booking, and that is what has to be said.
        same = Booking.objects.filter(store=store, customer_id=customer_id, starts_at=starts_at)
        if same.filter(state__in=Booking.HOLDS).exists():
            raise Refused("booking_there", field="arrives", status=409)
        booking.table = _locked_table(store, table_id)
        _must_be_free(booking.table, booking)
    return _save(booking)


@transaction.atomic
def change_booking(
    *,
    store: Store,
    booking_id: int,
    on: date,
    arrives: time,
    party: int,
    table_id: int | None,
    needs: Iterable[str],
    allergies: str,
    dishes: Iterable[tuple[str, int]],
    note: str,
    actor: Person | None,
    at: datetime,
    seen: int | None = None,
) -> Booking:
    """Change what was said of a booking that stands, and write down who changed what. Twice is once.

    `seen`: the change that was the last when it was opened (0: none, None: do not ask); where somebody else has changed it
    since, this is refused (409). Refuses what `book` refuses, and a booking that is over (409). An unconfirmed table that
    moves to another day is kept as if it were kept for that day now.
    """
    table = None if table_id is None else _locked_table(store, table_id)
    booking = _locked(store, booking_id)
    _must_be_coming(booking)
    today, rules = store.business_day(at), booking_rules_of(store)
    evening = _checked_evening(store, today, on, arrives, party)
    before, evening_before = _words(booking), booking.evening_at(store)
    starts_at = moment_of(on, arrives, store.timezone)
    if starts_at != booking.starts_at:
        booking.on, booking.arrives, booking.starts_at = on, arrives, starts_at
        booking.ends_at = starts_at + timedelta(minutes=rules.sitting_minutes)
    booking.party, booking.table, booking.needs = party, table, checked_needs(needs)
    booking.allergies, booking.dishes, booking.note = _allergies(allergies), kept(dishes), _note(note)
    if _words(booking) == before:
        return booking
    if seen is not None and seen != last_change(booking):
        raise Refused("booking_changed", status=409)
    if booking.state == Booking.State.PROVISIONAL and evening != evening_before:
        booking.lapses_on = free_again(evening, today, rules.held_days)
    if table is not None:
        _must_be_free(table, booking)
    _write_change(booking, before, actor, at)
    return _save(booking)


def last_change(booking: Booking) -> int:
    """The key of the latest change of a booking; 0 where nobody changed it."""
    return booking.changes.order_by("-pk").values_list("pk", flat=True).first() or 0


def _write_change(booking: Booking, before: dict[str, Any], actor: Person | None, at: datetime) -> None:
    what = {
        name: [] if name == "allergies" else [before[name], now]
        for name, now in _words(booking).items()
        if before[name] != now
    }
    if what:
        BookingChange.objects.create(booking=booking, at=at, by=actor, what=what)


def _words(booking: Booking) -> dict[str, Any]:
    """What can be changed of a booking, in plain words."""
    return {
        "on": f"{booking.on:%Y-%m-%d}",
        "arrives": f"{booking.arrives:%H:%M}",
        "party": booking.party,
        "table": booking.table.number if booking.table else "",
        "needs": booking.needs,
        "allergies": booking.allergies or "",
        "dishes": booking.dishes,
        "note": booking.note,
    }


def _checked_evening(store: Store, today: date, on: date, arrives: time, party: int) -> date:
    """The business day a table is wanted for; refuses one that is over or too far, and a party of none or too many."""
    evening = evening_of(on, arrives, store.day_ends_at)
    if on < today:
        raise Refused("booking_past", field="on")
    if evening < today:
        raise Refused("booking_small_hours", field="on", time=f"{arrives:%H:%M}")
    if on > today + AHEAD_AT_MOST:
        raise Refused("booking_far", field="on")
    if not 1 <= party <= PARTY_AT_MOST:
        raise Refused("booking_party", field="party", most=PARTY_AT_MOST)
    return evening


def _allergies(text: str) -> str | None:
    return text.strip()[:200] or None


def _note(text: str) -> str:
    return " ".join(text.split())[:400]


def _save(booking: Booking) -> Booking:
    try:
        with transaction.atomic():
            booking.save()
    except IntegrityError as error:
        if "one_booking_a_time" not in str(error):
            raise
        raise Refused("booking_there", field="arrives", status=409) from error
    return booking


def _locked_table(store: Store, table_id: int) -> DiningTable:
    tables = DiningTable.objects.select_for_update().filter(store=store, removed_at=None)
    table = tables.filter(pk=table_id).first()
    if table is None:
        raise NotHere()
    return table


def _must_be_free(table: DiningTable, booking: Booking) -> None:
    """Refuses a table, locked, that does not suit the booking, or that somebody else has at that time (409)."""
    why = suits(Place(table.pk, table.seats, table.accessible), booking.party, booking.needs)
    if why:
        raise Refused(f"table_{why}", field="table", table=table.number, seats=table.seats)
    others = Booking.objects.filter(
        table=table, state__in=Booking.HOLDS, starts_at__lt=booking.ends_at, ends_at__gt=booking.starts_at
    )
    if others.exclude(pk=booking.pk).exists():
        raise Refused("table_taken", field="table", status=409, table=table.number)


@transaction.atomic
def give_table(
    *, store: Store, booking_id: int, table_id: int, actor: Person | None, at: datetime
) -> Booking:
    """Give a booking a table, in place of the one it had. Refuses one that does not suit or is taken (409)."""
    table = _locked_table(store, table_id)
    booking = _locked(store, booking_id)
    _must_be_free(table, booking)
    _must_be_coming(booking)
    before = _words(booking)
    booking.table = table
    _write_change(booking, before, actor, at)
    booking.save(update_fields=["table"])
    return booking


@transaction.atomic
def confirm_booking(*, store: Store, booking_id: int, actor: Person | None, at: datetime) -> Booking:
    """The guest said yes. Twice is once; what is over already is refused (409)."""
    booking = _locked(store, booking_id)
    if booking.state != Booking.State.CONFIRMED:
        _must_be_coming(booking)
        booking.lapses_on = None
        settle(booking, Booking.State.CONFIRMED, actor, at)
    return booking


@transaction.atomic
def cancel_booking(*, store: Store, booking_id: int, actor: Person | None, at: datetime) -> Booking:
    """The guest does not come: the table is free at once. Twice is once; a guest who sits is not cancelled (409)."""
    booking = _locked(store, booking_id)
    if booking.state != Booking.State.CANCELLED:
        _must_be_coming(booking)
        settle(booking, Booking.State.CANCELLED, actor, at)
    return booking


@transaction.atomic
def lapse_bookings(*, store: Store, today: date, at: datetime) -> int:
    """Tables that nobody confirmed by the morning of `today` are free again. Returns how many; may run twice."""
    due = Booking.objects.filter(store=store, state=Booking.State.PROVISIONAL, lapses_on__lte=today)
    return due.update(state=Booking.State.LAPSED, settled_at=at, settled_by=None)


def settle(booking: Booking, state: str, actor: Person | None, at: datetime) -> None:
    """Write the state of a locked booking, and who changed it."""
    booking.state, booking.settled_at, booking.settled_by = state, at, actor
    booking.save(update_fields=["state", "settled_at", "settled_by", "lapses_on"])


def _locked(store: Store, booking_id: int) -> Booking:
    booking = Booking.objects.select_for_update().filter(store=store, pk=booking_id).first()
    if booking is None:
        raise NotHere()
    return booking


def _must_be_coming(booking: Booking) -> None:
    if not booking.is_coming:
        raise Refused("booking_over", status=409, state=booking.get_state_display())


# ---- the tables of a store -----------------------------------------------------------------------------------


def add_table(
    *, store: Store, number: str, seats: int, room: str = "", accessible: bool = False
) -> DiningTable:
    """Put a table on the plan of the store. Refuses one without a number, or a number that is there (409)."""
    name = " ".join(number.split())[:20]
    if not name:
        raise Refused("table_missing", field="number")
    try:
        with transaction.atomic():
            return DiningTable.objects.create(
                store=store, number=name, seats=seats, room=" ".join(room.split())[:40], accessible=accessible
            )
    except IntegrityError as error:
        if "one_table_a_number" not in str(error):
            raise
        raise Refused("table_on_list", field="number", status=409, table=name) from error


@transaction.atomic
def remove_table(*, store: Store, table_id: int, at: datetime) -> DiningTable:
    """Take a table away; its past stays. Twice is once. Refused (409) while somebody is still to come to it."""
    table = DiningTable.objects.select_for_update().filter(store=store, pk=table_id).first()
    if table is None:
        raise NotHere()
    if table.removed_at is None:
        if table.bookings.filter(state__in=Booking.COMING, ends_at__gt=at).exists():
            raise Refused("table_booked", status=409, table=table.number)
        table.removed_at = at
        table.save(update_fields=["removed_at"])
    return table
