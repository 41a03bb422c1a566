"""What a guest says when called before a festival: a table or none, and which dishes to prepare."""

from dataclasses import dataclass, field
from datetime import date, time

from care.models import Channel, TableAnswer, TaskEvent
from common.errors import Refused
from customers.models import Booking
from customers.services.bookings import PARTY_AT_MOST, book
from staff.models import Person, Store

SOURCES = {
    Channel.PHONE: Booking.Source.PHONE,
    Channel.VISIT: Booking.Source.VISIT,
    Channel.WECHAT: Booking.Source.WECHAT,
}


@dataclass(frozen=True)
class TableSaid:
    """The two answers. With a table: the day, the time and for how many; `dishes`: name and number.

    `held`: we offered to keep it, the guest has not said yes.
    """

    wants_table: bool
    on: date | None = None
    arrives: time | None = None
    party: int | None = None
    dishes: tuple[tuple[str, int], ...] = field(default=())
    held: bool = False


def check_answer(answer: TableSaid, *, today: date) -> None:
    """Refuse a table without day, time or number of people (1 to 500), or on a day that is over."""
    if not answer.wants_table:
        return
    if answer.on is None or answer.arrives is None or not 1 <= (answer.party or 0) <= PARTY_AT_MOST:
        raise Refused("table_when", field="table_on")
    if answer.on < today:
        raise Refused("table_past", field="table_on")


def write_answer(*, event: TaskEvent, store: Store, answer: TableSaid, actor: Person | None) -> TableAnswer:
    """Keep the answers with the event that completed the call, and the table in the book of bookings.

    Refuses (409) a second booking of the guest at the same time.
    """
    table, booking = answer.wants_table, None
    if answer.wants_table and answer.on and answer.arrives and answer.party:
        booking = book(
            store=store, customer_id=event.task.customer_id, on=answer.on, arrives=answer.arrives, party=answer.party,
            held=answer.held, dishes=answer.dishes, note=event.note, actor=actor, at=event.at,
            source=SOURCES.get(Channel(event.task.channel), Booking.Source.DESK),
        )  # fmt: skip
    return TableAnswer.objects.create(
        event=event, store=store, wants_table=table, on=answer.on if table else None,
        time=answer.arrives if table else None, party=answer.party if table else None, booking=booking,
        dishes=[{"name": name, "number": number} for name, number in answer.dishes],
    )  # fmt: skip
