"""A guest's own days beside the birthday: told, and forgotten again."""

import calendar as gregorian
from datetime import date, datetime

from django.db import transaction

from care.models import Anniversary
from common.errors import NotHere, Refused
from customers.models import Customer
from customers.selectors.listing import guests_of
from staff.models import Person, Store

FIRST_YEAR = 1900


@transaction.atomic
def tell_anniversary(
    *, store: Store, customer_id: int, kind: str, month: int, day: int, year: int | None, words: str,
    actor: Person | None, at: datetime, today: date,
) -> Anniversary:  # fmt: skip
    """A day that the guest told. Refuses a day that there is not, a year to come, another day without words, and the same
    twice; NotHere for a guest of another store.
    """
    if not guests_of(store).filter(customer_id=customer_id).exists():
        raise NotHere()
    if not 1 <= month <= 12 or not 1 <= day <= gregorian.monthrange(year or 2000, month)[1]:
        raise Refused("anniversary_no_day", field="day")
    if year is not None and (year < FIRST_YEAR or date(year, month, day) > today):
        raise Refused("anniversary_future", field="year")
    words = words.strip()
    if kind == Anniversary.Kind.OTHER and not words:
        raise Refused("anniversary_words", field="words")
    Customer.objects.select_for_update().get(pk=customer_id)
    same = {"customer_id": customer_id, "kind": kind, "month": month, "day": day, "words": words}
    if Anniversary.objects.filter(**same).exists():
        raise Refused("anniversary_taken", field="day", status=409)
    return Anniversary.objects.create(**same, year=year, told_at=at, told_by=actor)


@transaction.atomic
def forget_anniversary(*, store: Store, customer_id: int, pk: int) -> None:
    """Take a day away; open tasks stay. NotHere for one that is not this guest's."""
    here = guests_of(store).filter(customer_id=customer_id).exists()
    if not here or not Anniversary.objects.filter(customer_id=customer_id, pk=pk).delete()[0]:
        raise NotHere()
