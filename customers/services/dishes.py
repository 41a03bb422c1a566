"""Dishes the store launches, and withdraws."""

from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction

from common.errors import NotHere, Refused
from customers.models import Dish
from staff.models import Person, Store

EARLIEST = date(1990, 1, 1)
AHEAD_AT_MOST = timedelta(days=366)


def launch_dish(*, store: Store, name: str, launched_on: date, actor: Person | None, at: datetime) -> Dish:
    """Put a dish on the store's list, from a day on (which may lie ahead).

    Refuses (Refused) a dish without a name, one that is on the list already (409), a day before 1990 or more than
    a year ahead.
    """
    words = " ".join(name.split())[:60]
    if not words:
        raise Refused("dish_missing", field="name")
    if not EARLIEST <= launched_on <= store.business_day(at) + AHEAD_AT_MOST:
        raise Refused("launch_out_of_range", field="launched_on")
    try:
        with transaction.atomic():
            return Dish.objects.create(
                store=store, name=words, launched_on=launched_on, recorded_at=at, recorded_by=actor
            )
    except IntegrityError as error:
        if "one_living_dish" not in str(error):
            raise
        raise Refused("dish_on_list", field="name", status=409, name=words) from error


@transaction.atomic
def withdraw_dish(*, store: Store, dish_id: int, actor: Person | None, at: datetime) -> Dish:
    """Take a dish off the list; the row stays. Twice changes nothing."""
    dish = Dish.objects.select_for_update().filter(store=store, pk=dish_id).first()
    if dish is None:
        raise NotHere()
    if dish.withdrawn_at is None:
        dish.withdrawn_at, dish.withdrawn_by = at, actor
        dish.save(update_fields=["withdrawn_at", "withdrawn_by"])
    return dish
