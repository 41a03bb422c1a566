"""What the floor sees of a guest, in a fixed number of queries."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Subquery

from care.models import Channel, Task, Trigger
from care.playbook import EVERYBODY
from care.selectors.lists import HIGHEST
from care.selectors.plans import Governing, governing
from care.services.plans import playbook_for
from customers.models import Patronage, Phone, Tag, Visit
from customers.selectors.arrivals import Arrived
from customers.selectors.listing import guests_of
from staff.models import Store
from tiering.axes import MAIN
from tiering.rules import Scheme
from tiering.selectors.schemes import scheme_of

HERE_TODAY = 8
VISITS_SHOWN = 3
TASKS_SHOWN = 3
AT_THE_TABLE = (Channel.IN_STORE, Channel.GIFT, Channel.CARD)


@dataclass(frozen=True)
class ToDo:
    """One thing to do now: in both languages, and whose it is."""

    zh: str
    en: str
    role: str


@dataclass(frozen=True)
class Known:
    """A guest of the store on the card of the floor: the own number ("" where there is none), the words of the tags."""

    patronage: Patronage
    number: str
    tags: list[str]


def known_guest(store: Store, customer_id: int) -> Known | None:
    """The guest with what the card says first; None for another store's. One query."""
    own = Phone.objects.filter(customer=OuterRef("customer"), kind=Phone.Kind.OWN).order_by("pk")
    tags = Tag.objects.filter(customer=OuterRef("customer"), removed_at=None).order_by("added_at")
    rows = guests_of(store).annotate(
        number=Subquery(own.values("number")[:1]), words=ArraySubquery(tags.values("word"))
    )
    row = rows.filter(customer_id=customer_id).first()
    return Known(row, row.number or "", row.words) if row else None


def here_today(store: Store, day: date) -> list[Patronage]:
    """The guests whose visit was logged last today, the latest first."""
    return list(guests_of(store).filter(last_visit_on=day).order_by("-last_visited_at", "-id")[:HERE_TODAY])


def to_do_by_tier(governed: Sequence[Governing]) -> Callable[[str], list[ToDo]]:
    """What the care plan of the ladder says of a guest of a tier who stands at the door."""
    main = next((each for each in governed if each.adoption.axis == MAIN), None)
    if main is None:
        return lambda tier: []
    lines = list(main.plan.lines.all()) if main.plan else list(playbook_for(main.code).lines)
    at_the_door = [
        line
        for line in lines
        if line.enabled and line.channel == Channel.IN_STORE and line.trigger == Trigger.EACH_VISIT
    ]
    return lambda tier: [
        ToDo(line.zh, line.en, line.role) for line in at_the_door if line.tier in (tier, EVERYBODY)
    ]


def to_do_now(governed: Sequence[Governing]) -> list[ToDo]:
    """What the care plan says of every guest who stands at the door; what a tier is given: `treatments_now`."""
    return to_do_by_tier(governed)(EVERYBODY)


def owed_to_all(store: Store, customer_ids: Collection[int], day: date) -> dict[int, list[Task]]:
    """The open tasks of guests that are due and can be done at the table: a gift that waits, a card."""
    found = Task.objects.filter(
        store=store,
        customer_id__in=customer_ids,
        state=Task.State.OPEN,
        due_on__lte=day,
        channel__in=AT_THE_TABLE,
    ).select_related("assignee")
    owed: dict[int, list[Task]] = {}
    for task in found.order_by("due_on", "id") if customer_ids else []:
        owed.setdefault(task.customer_id, []).append(task)
    return {customer_id: tasks[:TASKS_SHOWN] for customer_id, tasks in owed.items()}


def owed_to(store: Store, customer_id: int, day: date) -> list[Task]:
    """The same of one guest."""
    return owed_to_all(store, [customer_id], day).get(customer_id, [])


def ladder_of(governed: Sequence[Governing]) -> Scheme | None:
    """The scheme of the ladder by which the store lives."""
    return next((scheme_of(each.adoption.version) for each in governed if each.adoption.axis == MAIN), None)


@dataclass(frozen=True)
class Told:
    """A guest at a table as told to whoever looks after: what to do today, and the tier to which the guest might be
    judged up after the reception ("" where nobody asks).
    """

    arrived: Arrived
    to_do: list[ToDo]
    owed: list[Task]
    rises_to: str


def told(
    store: Store, rows: Collection[Arrived], day: date, governed: Sequence[Governing] | None = None
) -> list[Told]:
    """What has to be known of these arrivals; `governed`: where the caller knows it already. Who is below the two highest
    ranks of the ladder, was received, and is gone or was seen, is asked about: by a judgement of a person, as always.
    """
    if not rows:
        return []
    known = governing(store, day) if governed is None else governed
    to_do, owed = to_do_by_tier(known), owed_to_all(store, [row.guest.customer_id for row in rows], day)
    scheme = ladder_of(known)
    codes = scheme.codes if scheme and scheme.is_ladder else ()
    found = []
    for row in rows:
        tier, is_over = row.guest.tier, bool(row.arrival.acknowledged_at or row.arrival.left_at)
        below = tier in codes[HIGHEST:]
        rises_to = codes[codes.index(tier) - 1] if below and is_over else ""
        found.append(Told(row, to_do(tier), owed.get(row.guest.customer_id, []), rises_to))
    return found


def last_visits(store: Store, customer_id: int) -> list[Visit]:
    """The guest's last visits here, those taken back left out."""
    return list(
        Visit.objects.filter(store=store, customer_id=customer_id, voided_at=None).order_by("-visited_at")[
            :VISITS_SHOWN
        ]
    )
