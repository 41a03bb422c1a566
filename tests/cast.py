"""How the cast comes on stage: people hired, guests put on file, at one moment."""

from datetime import UTC, date, datetime

from customers.models import Customer
from customers.services.customers import Profile, register_customer
from staff.models import Membership, Person, Store

NOON = datetime(2026, 6, 20, 4, 0, tzinfo=UTC)
"""Saturday 20 June 2026, 12:00 in Shanghai: the moment at which most stories are told."""


def hire(username: str, name: str, role: str, store: Store, *, brand_wide: bool = False) -> Person:
    """A person with a role in a store since 2020; the password is the username."""
    person = Person.objects.create_user(username, password=username, name=name)
    Membership.objects.create(
        person=person,
        brand=store.brand,
        store=None if brand_wide else store,
        role=role,
        since=date(2020, 1, 1),
    )
    return person


def put_on_file(store: Store, name: str, at: datetime = NOON, **said: object) -> Customer:
    """A guest on file in a store."""
    return register_customer(
        store=store, profile=Profile(name=name, **said), actor=None, at=at, source="desk"
    ).customer
