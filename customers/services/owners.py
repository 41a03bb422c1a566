"""Guests change hands: all of one colleague's to another."""

from customers.models import Patronage
from staff.models import Person, Store


def give_guests(*, store: Store, from_: Person, to: Person) -> int:
    """Every guest of `from_` in the store has `to` as owner; how many. The history keeps who had them. May run twice."""
    return Patronage.objects.filter(store=store, owner=from_).update(owner=to)


def guests_owned(store: Store, person: Person) -> int:
    """How many guests of the store have this person as owner."""
    return Patronage.objects.filter(store=store, owner=person).count()
