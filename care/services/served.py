"""Who served a guest: written down by those who lead, with what was handed over where it was not the owner."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from care.models import Served
from common.errors import NotHere, Refused
from customers.models import Patronage, Visit
from staff.models import Person, Store


@transaction.atomic
def write_served(
    *, store: Store, visit_id: UUID, by: Person, note: str, actor: Person | None, at: datetime
) -> Served:
    """Who served the guest of a visit. A guest with an owner who was served by somebody else needs a word of hand-over.

    The same again is once; another word replaces the first. NotHere for another store's visit, or one without a guest.
    """
    visit = (
        Visit.objects.select_for_update(of=("self",)).filter(store=store, pk=visit_id, voided_at=None).first()
    )
    if visit is None or visit.customer_id is None:
        raise NotHere()
    owner = (
        Patronage.objects.filter(store=store, customer_id=visit.customer_id)
        .values_list("owner", flat=True)
        .first()
    )
    note = note.strip()
    if owner is not None and owner != by.pk and not note:
        raise Refused("handover_note", field="note")
    served, _new = Served.objects.update_or_create(
        visit=visit, defaults={"by": by, "note": note, "at": at, "told_by": actor}
    )
    return served
