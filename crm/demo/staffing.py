"""Who works in the demo restaurant: nine people, two stores, one password for all of them."""

from dataclasses import dataclass
from datetime import date, time, timedelta

from django.contrib.auth.hashers import make_password

from staff.models import Brand, Membership, Person, Role, Store

PASSWORD = "shuke-demo"
BRAND = ("shulaiwu", "熟来屋火锅")
STORES = (("S01", "滨江店"), ("S02", "城西店"))
# User name, name, role, and the stores by place; no store: the whole brand.
PEOPLE: tuple[tuple[str, str, Role, tuple[int, ...]], ...] = (
    ("huang", "黄总", Role.HQ, ()),
    ("chen", "陈店长", Role.HEAD, (0,)),
    ("liu", "刘经理", Role.MANAGER, (0,)),
    ("zhao", "小赵", Role.WAITER, (0,)),
    ("sun", "小孙", Role.WAITER, (0,)),
    ("lin", "林店长", Role.HEAD, (1,)),
    ("he", "何经理", Role.MANAGER, (1,)),
    ("wu", "小吴", Role.WAITER, (1,)),
    ("zhou", "小周", Role.HOST, (0, 1)),
)


@dataclass(frozen=True)
class Staff:
    """The demo's brand, stores and people, for looking up who does what."""

    brand: Brand
    stores: tuple[Store, ...]
    people: dict[str, Person]

    def of(self, store: int, role: str) -> Person:
        """The first person with this role in the store; the brand's owner for HQ."""
        return next(
            self.people[username]
            for username, _, has, places in PEOPLE
            if has == role and (store in places or not places)
        )

    def waiters(self, store: int) -> list[Person]:
        return [self.people[u] for u, _, role, places in PEOPLE if role == Role.WAITER and store in places]


def open_doors(first: date) -> Staff:
    """Write down brand, stores and people; the stores opened some years before `first`."""
    brand = Brand.objects.create(code=BRAND[0], name=BRAND[1])
    stores = tuple(
        Store.objects.create(
            brand=brand, code=code, name=name, opened_on=first - timedelta(days=1100 - 400 * place),
            day_ends_at=time(4, 0), night_at=time(4, 30),
        )
        for place, (code, name) in enumerate(STORES)
    )  # fmt: skip
    hashed = make_password(PASSWORD)  # slow on purpose: once is enough for a password everybody can read
    people = {}
    for username, name, role, places in PEOPLE:
        person = people[username] = Person.objects.create(username=username, name=name, password=hashed)
        homes: list[Store | None] = [stores[place] for place in places] or [None]
        for store in homes:
            Membership.objects.create(
                person=person, brand=brand, store=store, role=role, since=first - timedelta(days=200)
            )
    return Staff(brand, stores, people)
