"""Who took part in an event of ours: written down, and taken back."""

from datetime import date, datetime

from django.db import transaction

from common.errors import NotHere, Refused
from customers.models import Participation, Patronage
from staff.models import Person, Store

EARLIEST = date(1990, 1, 1)


@transaction.atomic
def record_participation(
    *, store: Store, customer_id: int, event: str, attended_on: date, actor: Person | None, at: datetime
) -> Participation:
    """Write down that a guest of this store was at an event. The same event, guest and day again is the same row.

    Refuses (Refused) an event without a name, a day after the business day of `at`, a day before 1990.
    """
    if not Patronage.objects.filter(store=store, customer_id=customer_id).exists():
        raise NotHere()
    name = " ".join(event.split())[:80]
    if not name:
        raise Refused("event_missing", field="event")
    if attended_on > store.business_day(at):
        raise Refused("event_in_future", field="attended_on")
    if attended_on < EARLIEST:
        raise Refused("event_too_old", field="attended_on")
    row, _ = Participation.objects.get_or_create(
        store=store,
        customer_id=customer_id,
        event=name,
        attended_on=attended_on,
        voided_at=None,
        defaults={"recorded_at": at, "recorded_by": actor},
    )
    return row


@transaction.atomic
def void_participation(
    *, store: Store, customer_id: int, participation_id: int, actor: Person | None, at: datetime
) -> Participation:
    """It was not so: the row stays on file and ceases to count. Voiding twice changes nothing."""
    row = (
        Participation.objects.select_for_update()
        .filter(store=store, customer_id=customer_id, pk=participation_id)
        .first()
    )
    if row is None:
        raise NotHere()
    if row.voided_at is None:
        row.voided_at, row.voided_by = at, actor
        row.save(update_fields=["voided_at", "voided_by"])
    return row
