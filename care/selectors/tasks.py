"""Tasks for pages and answers, each question in a fixed number of queries."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from care.models import Message, Task, TaskEvent
from customers.models import Patronage
from staff.models import Person, Role, Store

SHOWN = 200
PAGE = 50


@dataclass(frozen=True)
class DueTasks:
    """A person's tasks of the day: at most 200 a group; `counts` says how many there are.

    `overdue`, `today`, `coming` (within a week) are assigned to the person or lie on the list of the person's
    role. For those who lead, from manager up, what is on other lists: `escalated`, so late that they see it, and `unowned`,
    due today or earlier and nobody's. No task is in two groups.
    """

    overdue: list[Task]
    today: list[Task]
    coming: list[Task]
    escalated: list[Task]
    unowned: list[Task]
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Happening:
    """One line of a guest's care history: a task or a message, with the day it belongs to."""

    at: datetime
    on: date
    task: Task | None = None
    message: Message | None = None


def tasks_of(store: Store) -> QuerySet[Task]:
    """The store's tasks with guest (and the patronage here, as `patronages_here`), assignee, line and its plan."""
    here = Patronage.objects.filter(store=store)
    return (
        Task.objects.filter(store=store)
        .select_related("customer", "assignee", "line__plan", "settled_by")
        .prefetch_related(Prefetch("customer__patronages", queryset=here, to_attr="patronages_here"))
    )


def tasks_due(store: Store, person: Person | None, role: str, today: date, days: int = 7) -> DueTasks:
    """What is on this person's list: overdue, for today, coming within `days`; and what those who lead see of others."""
    open_ = tasks_of(store).filter(state=Task.State.OPEN)
    mine = open_.filter(mine_by(person, role))
    groups = {
        "overdue": mine.filter(due_on__lt=today),
        "today": mine.filter(due_on=today),
        "coming": mine.filter(due_on__gt=today, due_on__lte=today + timedelta(days=days)),
        "escalated": open_.filter(escalated_on__isnull=False).exclude(mine_by(person, role)),
        "unowned": open_.filter(assignee=None, due_on__lte=today, escalated_on=None).exclude(role=role),
    }
    if role not in (Role.MANAGER, Role.HEAD, Role.HQ):
        groups |= {"escalated": open_.none(), "unowned": open_.none()}
    rows = {name: list(found.order_by("due_on", "id")[: SHOWN + 1]) for name, found in groups.items()}
    counts = {
        name: len(found) if len(found) <= SHOWN else groups[name].count() for name, found in rows.items()
    }
    return DueTasks(**{name: found[:SHOWN] for name, found in rows.items()}, counts=counts)


def tasks_escalated(store: Store) -> list[Task]:
    """What is open and so late that those who lead see it, the longest overdue first; at most 200."""
    found = tasks_of(store).filter(state=Task.State.OPEN, escalated_on__isnull=False)
    return list(found.order_by("due_on", "id")[:SHOWN])


def mine_by(person: Person | None, role: str) -> Q:
    """The tasks of a person: assigned to the person, or to nobody on the list of the person's role."""
    of_role = Q(assignee=None, role=role)
    return Q(assignee=person) | of_role if person is not None else of_role


def task_page(
    store: Store, *, where: Q, after: tuple[date, int] | None, most: int
) -> tuple[list[Task], tuple[date, int] | None]:
    """Tasks by due day, at most `most`, beginning behind `after`; and where the next page begins."""
    found = tasks_of(store).filter(where)
    if after is not None:
        found = found.filter(Q(due_on__gt=after[0]) | Q(due_on=after[0], pk__gt=after[1]))
    rows = list(found.order_by("due_on", "pk")[: most + 1])
    following = (rows[most - 1].due_on, rows[most - 1].pk) if len(rows) > most else None
    return rows[:most], following


def history_of(customer_id: int, store: Store, most: int = PAGE) -> list[Happening]:
    """What was done about a guest here: tasks with their events and messages, the latest first."""
    tasks = (
        Task.objects.filter(store=store, customer_id=customer_id)
        .select_related("assignee", "settled_by", "line__plan")
        .prefetch_related(
            Prefetch(
                "events",
                queryset=TaskEvent.objects.select_related(
                    "by", "answer", "told__suggestion", "told__voucher__kind"
                ),
            )
        )
        .order_by("-opened_at", "-pk")[:most]
    )
    messages = Message.objects.filter(store=store, customer_id=customer_id).order_by("-created_at", "-pk")[
        :most
    ]
    happened = [Happening(task.settled_at or task.opened_at, task.due_on, task=task) for task in tasks]
    happened += [
        Happening(each.final_at or each.created_at, each.planned_on, message=each) for each in messages
    ]
    return sorted(happened, key=lambda each: each.at, reverse=True)[:most]


def task_summary(task: Task) -> dict[str, Any]:
    """A task as the JSON API shows it. No telephone number."""
    here = getattr(task.customer, "patronages_here", [])
    return {
        "id": task.pk,
        "customer": {
            "id": task.customer_id,
            "external_id": here[0].external_id if here else "",
            "called": task.customer.called,
            "tier": here[0].tier if here else "",
        },
        "code": task.code,
        "trigger": task.line.trigger if task.line else "",
        "occasion": task.occasion,
        "channel": task.channel,
        "text": {"zh": task.zh, "en": task.en},
        "scheme": task.line.plan.scheme_code if task.line else "",
        "tier": task.tier,
        "role": task.role,
        "assignee": {"id": task.assignee.pk, "name": str(task.assignee)} if task.assignee else None,
        "event_on": task.event_on,
        "due_on": task.due_on,
        "close_on": task.close_on,
        "state": task.state,
        "reason": task.reason,
        "settled_at": task.settled_at,
    }
