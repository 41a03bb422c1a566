"""Finding guests of a store, and the list of them, page by page."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import F, Q, QuerySet

from common.errors import NotHere, Refused
from common.keys import blind_index
from common.names import query_tokens
from customers.models import Patronage, Phone
from customers.selectors.born import born_between
from staff.models import Store

PAGE = 50


@dataclass(frozen=True)
class Filters:
    """What narrows the list; an empty value narrows nothing.

    `absent_since`: came once, but not after that day; `never_came`: no visit at all; `born`: the birthday,
    solar or lunar, is greeted between the two days.
    """

    tier: str = ""
    owner_id: int | None = None
    unowned: bool = False
    absent_since: date | None = None
    never_came: bool = False
    tag: str = ""
    born: tuple[date, date] | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list and the cursor of the next (empty on the last)."""

    rows: list[Patronage]
    next_cursor: str


def guests_of(store: Store) -> QuerySet[Patronage]:
    """The store's guests with profile and owner."""
    return Patronage.objects.filter(store=store).select_related("customer", "owner")


def matching(store: Store, query: str) -> Q:
    """The condition: every word of `query` (last four, name, pinyin, initials, number) finds the guest."""
    tokens = [f"{store.pk}:{token}" for token in query_tokens(query)]
    return Q(customer__search_keys__contains=tokens) if tokens else Q(pk__in=[])


def find_guests(
    store: Store, query: str = "", filters: Filters | None = None, cursor: str = "", size: int = PAGE
) -> Page:
    """Guests of the store, the latest visitor first; those who never came last. One query a page."""
    guests = guests_of(store)
    if query.strip():
        guests = guests.filter(matching(store, query))
    if filters:
        guests = _narrowed(guests, filters)
    if cursor:
        guests = guests.filter(_after(cursor))
    ordered = guests.order_by(F("last_visited_at").desc(nulls_last=True), "-customer_id")
    rows = list(ordered[: size + 1])
    last = rows[size - 1] if len(rows) > size else None
    return Page(rows[:size], _cursor_of(last) if last else "")


def count_guests(store: Store, filters: Filters) -> int:
    """How many guests of the store the filters leave."""
    return _narrowed(Patronage.objects.filter(store=store), filters).count()


def _narrowed(guests: QuerySet[Patronage], filters: Filters) -> QuerySet[Patronage]:
    if filters.tier:
        guests = guests.filter(tier=filters.tier)
    if filters.owner_id:
        guests = guests.filter(owner_id=filters.owner_id)
    if filters.unowned:
        guests = guests.filter(owner=None)
    if filters.absent_since:
        guests = guests.filter(last_visit_on__lte=filters.absent_since)
    if filters.never_came:
        guests = guests.filter(last_visit_on=None)
    if filters.tag:
        guests = guests.filter(customer__tags__word=filters.tag, customer__tags__removed_at=None)
    if filters.born:
        guests = guests.filter(born_between(*filters.born))
    return guests


def _cursor_of(row: Patronage) -> str:
    at = row.last_visited_at.isoformat() if row.last_visited_at else None
    return base64.urlsafe_b64encode(json.dumps([at, row.customer_id]).encode()).decode()


def _after(cursor: str) -> Q:
    try:
        at, customer_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(at) if at else None
        below = Q(customer_id__lt=int(customer_id))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Refused("cursor_unreadable", field="cursor") from error
    if moment is None:
        return Q(last_visited_at=None) & below
    return Q(last_visited_at__lt=moment) | Q(last_visited_at=None) | (Q(last_visited_at=moment) & below)


def guest(store: Store, customer_id: int) -> Patronage:
    """One guest of the store; another store's guest is not here."""
    found = guests_of(store).filter(customer_id=customer_id).first()
    if found is None:
        raise NotHere()
    return found


@dataclass(frozen=True)
class Card:
    """A guest as a lookup by the whole number shows it: masked where the guest is not this store's yet."""

    customer_id: int
    name: str
    called: str
    here: bool
    tier: str
    kind: str


def look_up(store: Store, phone: str) -> list[Card]:
    """The guests of the brand whose own or contact number this is, the owner first."""
    numbers = (
        Phone.objects.filter(brand_id=store.brand_id, number_index=blind_index("phone", phone))
        .select_related("customer")
        .order_by("-kind", "customer_id")
    )
    here = {
        p.customer_id: p
        for p in Patronage.objects.filter(store=store, customer_id__in=[n.customer_id for n in numbers])
    }
    cards = []
    for number in numbers:
        patronage = here.get(number.customer_id)
        name = number.customer.name
        cards.append(
            Card(
                number.customer_id,
                name if patronage else f"{name[:1]}**",
                number.customer.called if patronage else f"{name[:1]}**",
                patronage is not None,
                patronage.tier if patronage else "",
                number.kind,
            )
        )
    return cards
