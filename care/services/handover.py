"""Tasks and guests change hands: a few tasks to a colleague, everything of somebody who leaves to a successor."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from care.models import Task, TaskEvent
from common.errors import NotHere, Refused
from customers.services.owners import give_guests
from staff.access import staff_of
from staff.models import Membership, Person, Store

REASON_AT_LEAST = 2


@dataclass(frozen=True)
class Handed:
    """How many guests and open tasks have changed hands."""

    guests: int
    tasks: int


@transaction.atomic
def hand_over(
    *, store: Store, task_ids: Collection[int], to: Person, reason: str, actor: Person | None, at: datetime
) -> int:
    """Give open tasks to a colleague, with a word why; how many changed hands. Giving them twice is once.

    Refuses a person who does not work here, a missing reason, no tasks; NotHere if one of them is another store's, and
    409 if one is settled: then none is given.
    """
    _check(store, to, reason, at)
    if not task_ids:
        raise Refused("tasks_none")
    tasks = list(Task.objects.select_for_update().filter(store=store, pk__in=task_ids).order_by("pk"))
    if len(tasks) != len(set(task_ids)):
        raise NotHere()
    if any(task.state != Task.State.OPEN for task in tasks):
        raise Refused("task_settled", status=409)
    return _give([task for task in tasks if task.assignee_id != to.pk], to, reason, actor, at)


@transaction.atomic
def hand_over_person(
    *,
    store: Store,
    from_: Person,
    to: Person | None,
    reason: str,
    actor: Person | None,
    at: datetime,
    leaves: bool = False,
) -> Handed:
    """Give a colleague's guests and open tasks in this store to a named successor; `leaves`: she works here no more.

    Whoever leaves has worked here until the day before today. Refuses without a successor who works here, or without
    a reason: then nothing has changed. NotHere for somebody who never worked in this store. May run twice.
    """
    ever = Membership.objects.select_for_update().filter(person=from_, store=store)
    if not ever:
        raise NotHere()
    if to is None:
        raise Refused("task_to_stranger", field="to")
    if to.pk == from_.pk:
        raise Refused("handed_to_self", field="to")
    _check(store, to, reason, at)
    tasks = Task.objects.select_for_update().filter(store=store, assignee=from_, state=Task.State.OPEN)
    handed = _give(list(tasks.order_by("pk")), to, reason, actor, at)
    guests = give_guests(store=store, from_=from_, to=to)
    if leaves:
        _end(ever, store.business_day(at))
    return Handed(guests, handed)


def _end(held: Collection[Membership], today: date) -> None:
    for membership in held:
        if membership.until is None or membership.until >= today:
            membership.until = max(membership.since, today - timedelta(days=1))
            membership.save(update_fields=["until"])


def _check(store: Store, to: Person, reason: str, at: datetime) -> None:
    if not to.is_active or to not in [person for person, _role in staff_of(store, store.business_day(at))]:
        raise Refused("task_to_stranger", field="to")
    if len(reason.strip()) < REASON_AT_LEAST:
        raise Refused("task_reason", field="reason")


def _give(tasks: list[Task], to: Person, reason: str, actor: Person | None, at: datetime) -> int:
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(assignee=to)
    TaskEvent.objects.bulk_create(
        TaskEvent(task=task, outcome=TaskEvent.Outcome.HANDED, note=reason.strip()[:400], at=at, by=actor)
        for task in tasks
    )
    return len(tasks)
