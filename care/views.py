"""The board of tasks, the plan to read, a guest's care."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.forms import TaskForm
from care.models import Task
from care.playbook import EVERYBODY
from care.selectors import (
    DueTasks,
    history_of,
    living_plan,
    task_page,
    tasks_due,
    tasks_of,
)
from care.services import tasks as verbs
from care.services.plans import DEFAULT, playbook_for
from common.clock import now
from common.errors import Refused
from customers.selectors.listing import guests_of
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of
from tiering.selectors.pages import ladder

ALL_SHOWN = 400
HISTORY_SHOWN = 20


@require_safe
def tasks(request: PageRequest) -> HttpResponse:
    """Overdue, today, coming, unowned: the reader's own or everybody's."""
    store, day, person = request.principal.store, today_of(request), person_of(request)
    everybody = request.GET.get("who") == "all"
    if everybody:
        rows, more = task_page(store, where=Q(state=Task.State.OPEN), after=None, most=ALL_SHOWN)
        due = _grouped(rows, day)
    else:
        due, more = tasks_due(store, person, request.principal.role, day), None
    groups = [
        ("overdue", _("逾期"), due.overdue),
        ("today", _("今天"), due.today),
        ("coming", _("接下来"), due.coming),
        ("unowned", _("没有人负责"), due.unowned),
    ]
    mine = {task.pk for _name, _title, found_ in groups[:3] for task in found_}
    # What stands in one's own groups already is not said twice.
    groups[3] = (*groups[3][:2], [task for task in due.unowned if task.pk not in mine])
    context = {"groups": groups, "everybody": everybody, "more": more, "counts": due.counts}
    return render(request, "care/tasks.html", context)


def _grouped(rows: list[Task], day: Any) -> DueTasks:
    overdue = [task for task in rows if task.due_on < day]
    today = [task for task in rows if task.due_on == day]
    coming = [task for task in rows if task.due_on > day]
    counts = {"overdue": len(overdue), "today": len(today), "coming": len(coming), "unowned": 0}
    return DueTasks(overdue, today, coming, [], counts)


@require_POST
def task_act(request: PageRequest, pk: int) -> HttpResponse:
    """Claim a task, or say what came of it. htmx gets the row back, a plain form goes back to the board."""
    form = TaskForm(request.POST)
    error = ""
    if form.is_valid():
        try:
            _act(request, pk, form)
        except Refused as refused:
            if refused.status == 404:
                tell(request, refused)
            error = str(refused)
    else:
        error = str(next(iter(form.errors.values()))[0])
    if not request.htmx:
        if error:
            messages.error(request, error)
        return redirect(safe_next(request, reverse("tasks")))
    task = found(tasks_of(request.principal.store).filter(pk=pk).first())
    context = {"task": task, "error": error, "acted": not error}
    return render(request, "care/task.html", context, status=422 if error else 200)


def _act(request: PageRequest, pk: int, form: TaskForm) -> None:
    said = form.cleaned_data
    common: dict[str, Any] = {
        "store": request.principal.store, "task_id": pk, "actor": person_of(request), "at": now(),
    }  # fmt: skip
    do: dict[str, Callable[[], Task]] = {
        "claim": lambda: verbs.claim(**common),
        "done": lambda: verbs.complete_task(**common, note=said["note"]),
        "declined": lambda: verbs.decline(**common, note=said["note"]),
        "not_reached": lambda: verbs.not_reached(**common, note=said["note"], next_on=said["next_on"]),
        "postpone": lambda: verbs.postpone(**common, note=said["note"], next_on=said["next_on"]),
    }
    do[said["act"]]()


@require_safe
def plan(request: PageRequest) -> HttpResponse:
    """What the store owes which tier, and when: the plan of the scheme in force, to read."""
    store = request.principal.store
    stands = ladder(store, today_of(request))
    code = stands.adoption.version.scheme.code if stands.adoption else DEFAULT
    living = living_plan(store, code)
    lines: list[Any] = list(living.lines.all()) if living else list(playbook_for(code).lines)
    tiers = list(stands.scheme.codes) if stands.scheme else []
    tiers += [tier for tier in dict.fromkeys(line.tier for line in lines) if tier not in (*tiers, EVERYBODY)]
    groups = [(tier, [line for line in lines if line.tier == tier]) for tier in tiers]
    context = {
        "groups": [(tier, owed) for tier, owed in groups if owed],
        "everybody": [line for line in lines if line.tier == EVERYBODY],
        "scheme": stands.scheme,
        "living": living,
    }
    return render(request, "care/plan.html", context)


@require_safe
def customer_care(request: PageRequest, pk: int) -> HttpResponse:
    """What is owed to a guest and what was done: a panel of the guest's page, or a page of its own."""
    store = request.principal.store
    patronage = found(guests_of(store).filter(customer_id=pk).first())
    happened = history_of(pk, store, most=HISTORY_SHOWN)
    # They are all this guest's: nothing has to be asked again for each row.
    patronage.customer.patronages_here = [patronage]  # type: ignore[attr-defined]
    for each in happened:
        if each.task is not None:
            each.task.customer = patronage.customer
    context = {
        "patronage": patronage,
        "open": [each.task for each in happened if each.task and each.task.state == Task.State.OPEN],
        "past": [each for each in happened if not (each.task and each.task.state == Task.State.OPEN)],
    }
    name = "care/customer_care.html" if request.htmx else "care/customer_care_page.html"
    return render(request, name, context)
