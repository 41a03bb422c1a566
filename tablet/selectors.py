"""What the floor sees of a guest, in a fixed number of queries."""

from dataclasses import dataclass
from datetime import date

from care.models import Channel, Task, Trigger
from care.playbook import EVERYBODY
from care.selectors import living_plan, tasks_of
from care.services.plans import playbook_for
from customers.models import Patronage, Visit
from customers.selectors.listing import guests_of
from staff.models import Store
from tiering.selectors.schemes import in_force

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


def here_today(store: Store, day: date) -> list[Patronage]:
    """The guests whose visit was logged last today, the latest first."""
    return list(guests_of(store).filter(last_visit_on=day).order_by("-last_visited_at", "-id")[:HERE_TODAY])


def to_do_now(store: Store, day: date) -> list[ToDo]:
    """What the care plan says of every guest who stands at the door; what a tier is given: `treatments_now`."""
    adoption = in_force(store.pk, day)
    if adoption is None:
        return []
    code = adoption.version.scheme.code
    plan = living_plan(store, code)
    lines = list(plan.lines.all()) if plan else list(playbook_for(code).lines)
    return [
        ToDo(line.zh, line.en, line.role)
        for line in lines
        if line.enabled
        and line.channel == Channel.IN_STORE
        and line.trigger == Trigger.EACH_VISIT
        and line.tier == EVERYBODY
    ]


def owed_to(store: Store, customer_id: int, day: date) -> list[Task]:
    """The open tasks of a guest that are due and can be done at the table: a gift that waits, a card."""
    return list(
        tasks_of(store)
        .filter(customer_id=customer_id, state=Task.State.OPEN, due_on__lte=day, channel__in=AT_THE_TABLE)
        .order_by("due_on", "id")[:TASKS_SHOWN]
    )


def last_visits(store: Store, customer_id: int) -> list[Visit]:
    """The guest's last visits here, those taken back left out."""
    return list(
        Visit.objects.filter(store=store, customer_id=customer_id, voided_at=None).order_by("-visited_at")[
            :VISITS_SHOWN
        ]
    )
