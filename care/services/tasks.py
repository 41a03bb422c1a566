"""What people do with a task. Each verb is for a task of the actor's store; another store's is not there.

Every verb leaves a TaskEvent. A task that is settled stays as it is: doing the same again is once, something
else is refused.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from care.models import Task, TaskEvent
from care.playbook import CADENCES
from care.services.answers import TableSaid, check_answer, write_answer
from common.errors import NotHere, Refused
from staff.models import Person, Store

POSTPONED_AT_MOST = timedelta(days=60)


def local_date(store: Store, at: datetime) -> date:
    """The calendar date on the store's wall at `at`."""
    return at.astimezone(ZoneInfo(store.timezone)).date()


@transaction.atomic
def complete_task(
    *,
    store: Store,
    task_id: int,
    actor: Person | None,
    at: datetime,
    note: str = "",
    why: str = "",
    answer: TableSaid | None = None,
) -> Task:
    """The gesture was made. Completing twice is once; a task settled otherwise is refused (409).

    `answer`: what the guest said to the call before a festival, kept with the event, and the table booked; refused
    where it cannot be.
    `why`: why the guest has not come (`TaskEvent.Why`).
    """
    if answer is not None:
        check_answer(answer, today=local_date(store, at))
    before = _locked(store, task_id).state
    task = _settle(store, task_id, Task.State.DONE, TaskEvent.Outcome.DONE, note, actor, at, why)
    if answer is not None and before != Task.State.DONE:
        write_answer(event=task.events.latest("pk"), store=store, answer=answer, actor=actor)
    return task


@transaction.atomic
def decline(*, store: Store, task_id: int, actor: Person | None, at: datetime, note: str = "") -> Task:
    """The guest does not want it. Twice is once; a task settled otherwise is refused (409)."""
    return _settle(store, task_id, Task.State.DECLINED, TaskEvent.Outcome.DECLINED, note, actor, at)


@transaction.atomic
def not_reached(
    *,
    store: Store,
    task_id: int,
    actor: Person | None,
    at: datetime,
    note: str = "",
    next_on: date | None = None,
    why: str = "",
) -> Task:
    """Tried in vain: the task stays open, to be tried again on `next_on` (by default tomorrow).

    Refuses a day in the past or beyond the latest; without a day the last day of the task is the latest.
    """
    task = _open_task(store, task_id)
    if next_on is not None:
        _move(store, task, next_on, at)
    else:
        next_on = min(local_date(store, at) + timedelta(days=1), task.close_on)
        task.due_on, task.escalated_on = max(task.due_on, next_on), None
    return _write(task, TaskEvent.Outcome.NOT_REACHED, note, actor, at, next_on, why)


@transaction.atomic
def postpone(
    *,
    store: Store,
    task_id: int,
    next_on: date,
    actor: Person | None,
    at: datetime,
    note: str = "",
    why: str = "",
) -> Task:
    """Another day suits better: on a trip until then, on holiday.

    A turn of a cadence stays within its turn; any other task moves at most 60 days from the day it was
    opened. Refuses (Refused) a day in the past or beyond that.
    """
    task = _open_task(store, task_id)
    _move(store, task, next_on, at)
    return _write(task, TaskEvent.Outcome.POSTPONED, note, actor, at, next_on, why)


@transaction.atomic
def claim(*, store: Store, task_id: int, actor: Person, at: datetime) -> Task:
    """Take a task from the role's list. Claiming one's own changes nothing; a colleague's is refused
    (409).
    """
    task = _open_task(store, task_id)
    if task.assignee_id == actor.pk:
        return task
    if task.assignee is not None:
        raise Refused("task_taken", status=409, who=str(task.assignee))
    task.assignee = actor
    return _write(task, TaskEvent.Outcome.CLAIMED, "", actor, at, None)


def _locked(store: Store, task_id: int) -> Task:
    task = (
        Task.objects.select_for_update(of=("self",))
        .select_related("line", "assignee")
        .filter(store=store, pk=task_id)
        .first()
    )
    if task is None:
        raise NotHere()
    return task


def _open_task(store: Store, task_id: int) -> Task:
    task = _locked(store, task_id)
    if task.state != Task.State.OPEN:
        raise Refused("task_settled", status=409)
    return task


def _settle(
    store: Store, task_id: int, state: str, outcome: str, note: str, actor: Person | None, at: datetime,
    why: str = "",
) -> Task:  # fmt: skip
    task = _locked(store, task_id)
    if task.state == state:
        return task
    # What ran out during the night may still have been done: a late call is a call.
    if task.state not in (Task.State.OPEN, Task.State.EXPIRED):
        raise Refused("task_settled", status=409)
    task.state, task.settled_at, task.settled_by, task.reason = state, at, actor, ""
    return _write(task, outcome, note, actor, at, None, why)


def latest_day(task: Task) -> date:
    """The last day to which an open task may be moved."""
    if task.line is not None and task.line.trigger in CADENCES:
        return task.close_on
    return max(task.close_on, task.opened_on + POSTPONED_AT_MOST)


def _move(store: Store, task: Task, next_on: date, at: datetime) -> None:
    if next_on < local_date(store, at):
        raise Refused("day_in_past", field="next_on")
    latest = latest_day(task)
    if next_on > latest:
        raise Refused("postponed_too_far", field="next_on", latest=latest.isoformat())
    room = timedelta(days=task.line.window_days if task.line else 0)
    task.due_on = next_on
    # Late no more: should it be late again, that is told again.
    task.escalated_on = None
    task.close_on = max(task.close_on, min(next_on + room, latest))


def _write(
    task: Task,
    outcome: str,
    note: str,
    actor: Person | None,
    at: datetime,
    next_on: date | None,
    why: str = "",
) -> Task:
    changed = [
        "state",
        "settled_at",
        "settled_by",
        "reason",
        "assignee",
        "due_on",
        "close_on",
        "escalated_on",
    ]
    task.save(update_fields=changed)
    TaskEvent.objects.create(
        task=task, outcome=outcome, note=note.strip()[:400], next_on=next_on, at=at, by=actor, why=why
    )
    return task
