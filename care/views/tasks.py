"""The board of tasks, a guest's care."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from care.events.selectors import invitations_of
from care.forms.tasks import HandOverForm, LeavingForm, TaskForm
from care.models import Anniversary, PlanLine, Task
from care.playbook import asks_for_table
from care.relations.selectors.card import put_kinds, put_topics, voucher_of
from care.relations.services.calls import complete_call
from care.selectors.lists import held_by
from care.selectors.tasks import DueTasks, history_of, task_page, tasks_due, tasks_escalated, tasks_of
from care.services import tasks as verbs
from care.services.answers import TableSaid
from care.services.handover import hand_over, hand_over_person
from care.services.plans import line_of
from common.clock import now
from common.errors import Refused
from customers.preorder import read_dishes
from customers.selectors.listing import guests_of
from staff.access import staff_of, who_may
from staff.models import Role
from staff.pages import PageRequest, found, person_of, safe_next, tell, today_of

ALL_SHOWN = 400
UNFOLDED = 20
Group = tuple[str, str, list[Task]]
HISTORY_SHOWN = 20


@require_safe
def tasks(request: PageRequest) -> HttpResponse:
    """Overdue, today, coming, unowned: the reader's own or everybody's."""
    store, day, person = request.principal.store, today_of(request), person_of(request)
    everybody = request.GET.get("who") == "all"
    if everybody:
        rows, more = task_page(store, where=Q(state=Task.State.OPEN), after=None, most=ALL_SHOWN)
        due = _grouped(
            rows, day, tasks_escalated(store) if request.principal.is_at_least(Role.MANAGER) else []
        )
    else:
        due, more = tasks_due(store, person, request.principal.role, day), None
    groups: list[Group] = [
        ("overdue", _("逾期"), due.overdue),
        ("today", _("今天"), due.today),
        ("coming", _("接下来"), due.coming),
        ("unowned", _("没有人负责"), due.unowned),
    ]
    if request.principal.is_at_least(Role.MANAGER):
        groups.insert(0, ("escalated", _("逾期升级"), due.escalated))
    shown = [task for _name, _title, rows in groups for task in rows]
    put_topics(store, shown)
    put_kinds(store, shown)
    people = [each for each, _role in staff_of(store, day)] if _may(request, "task-hand-over") else []
    context = {
        "groups": groups, "everybody": everybody, "more": more, "counts": due.counts, "people": people,
        "most_shown": UNFOLDED, "shown": f":{UNFOLDED}", "rest": f"{UNFOLDED}:",
        "jumps": sum(bool(rows) for _name, _title, rows in groups) > 1,
    }  # fmt: skip
    return render(request, "care/tasks.html", context)


def _grouped(rows: list[Task], day: Any, escalated: list[Task]) -> DueTasks:
    """Everybody's tasks; what went up stands only there: a button finds its row by the task."""
    went_up = {task.pk for task in escalated}
    rows = [task for task in rows if task.pk not in went_up]
    overdue = [task for task in rows if task.due_on < day]
    today = [task for task in rows if task.due_on == day]
    coming = [task for task in rows if task.due_on > day]
    counts = {"overdue": len(overdue), "today": len(today), "coming": len(coming), "unowned": 0}
    return DueTasks(overdue, today, coming, escalated, [], counts)


def _may(request: PageRequest, name: str) -> bool:
    return request.principal.role in who_may(name, "POST")


@require_POST
def task_hand_over(request: PageRequest) -> HttpResponse:
    """Give the ticked tasks to a colleague, with a word why."""
    store = request.principal.store
    form = HandOverForm(request.POST, people=staff_of(store, today_of(request)))
    ids = [int(pk) for pk in request.POST.getlist("task") if pk.isascii() and pk.isdigit() and len(pk) < 19]
    if not form.is_valid():
        messages.error(request, str(next(iter(form.errors.values()))[0]))
        return redirect(safe_next(request, reverse("tasks")))
    to, reason = form.person("to"), form.cleaned_data["reason"]
    try:
        given = hand_over(store=store, task_ids=ids, to=to, reason=reason, actor=person_of(request), at=now())
        messages.success(request, _("%(n)s 件任务已移交给%(who)s。") % {"n": given, "who": to})
    except Refused as refused:
        tell(request, refused)
    return redirect(safe_next(request, reverse("tasks")))


def people_leaving(request: PageRequest) -> HttpResponse:
    """Who looks after how many guests and tasks; give all of somebody's to a successor, who may leave then."""
    store, day = request.principal.store, today_of(request)
    held = held_by(store, day)
    people = staff_of(store, day)
    ask = {"from_": request.GET.get("from", "")}
    form = LeavingForm(
        request.POST or None, initial=ask, people=people, givers=[each.person for each in held]
    )
    if request.method == "POST" and form.is_valid():
        giver, to = form.person("from_"), form.person("to")
        told = {"reason": form.cleaned_data["reason"], "leaves": form.cleaned_data["leaves"]}
        try:
            moved = hand_over_person(
                store=store, from_=giver, to=to, actor=person_of(request), at=now(), **told
            )
            said = {"who": giver, "to": to, "guests": moved.guests, "tasks": moved.tasks}
            messages.success(
                request, _("%(who)s 的 %(guests)s 位客人、%(tasks)s 件任务已交给%(to)s。") % said
            )
            return redirect("people-leaving")
        except Refused as refused:
            form.refuse(refused)
    context = {"form": form, "held": held}
    return render(request, "care/people.html", context, status=422 if form.errors else 200)


@require_POST
def task_act(request: PageRequest, pk: int) -> HttpResponse:
    """Claim a task, or say what came of it. htmx gets the row back, a plain form goes back to the board."""
    form = TaskForm(request.POST)
    error, voucher = "", None
    if form.is_valid():
        try:
            _act(request, pk, form)
            voucher = voucher_of(pk) if form.cleaned_data["kind"] else None
        except Refused as refused:
            if refused.status == 404:
                tell(request, refused)
            error = str(refused)
    else:
        error = str(next(iter(form.errors.values()))[0])
    if not request.htmx:
        if error:
            messages.error(request, error)
        if voucher is not None:
            told = {"kind": voucher.kind.name, "code": voucher.shown}
            messages.success(request, _("券已发给客人：%(kind)s，券码 %(code)s。") % told)
        return redirect(safe_next(request, reverse("tasks")))
    task = found(tasks_of(request.principal.store).filter(pk=pk).first())
    put_topics(request.principal.store, [task])
    put_kinds(request.principal.store, [task])
    context = {"task": task, "error": error, "acted": not error, "voucher": voucher}
    return render(request, "care/task.html", context, status=422 if error else 200)


def _act(request: PageRequest, pk: int, form: TaskForm) -> None:
    said = form.cleaned_data
    common: dict[str, Any] = {
        "store": request.principal.store, "task_id": pk, "actor": person_of(request), "at": now(),
    }  # fmt: skip
    told = {"note": said["note"], "why": said["why"]}
    do: dict[str, Callable[[], Task]] = {
        "claim": lambda: verbs.claim(**common),
        "done": lambda: complete_call(
            **common,
            **told,
            answer=_answer(request, pk, form),
            said=form.told(),
            may_give=_may(request, "customer-loyalty-act"),
        ),
        "declined": lambda: verbs.decline(**common, note=said["note"]),
        "not_reached": lambda: verbs.not_reached(**common, **told, next_on=said["next_on"]),
        "postpone": lambda: verbs.postpone(**common, **told, next_on=said["next_on"]),
    }
    do[said["act"]]()


def _answer(request: PageRequest, pk: int, form: TaskForm) -> TableSaid | None:
    """What the guest answered to a call before a festival; who calls has to ask."""
    line = PlanLine.objects.filter(tasks__pk=pk, tasks__store=request.principal.store).first()
    if line is None or not asks_for_table(line_of(line)):
        return None
    said = form.answered()
    if said is None:
        raise Refused("answer_missing", field="table")
    dishes = read_dishes(said.pop("text"))
    return TableSaid(dishes=dishes, **said)


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
    shown = [each.task for each in happened if each.task]
    put_topics(store, shown)
    put_kinds(store, shown)
    context = {
        "patronage": patronage,
        "anniversaries": list(
            patronage.customer.anniversaries.select_related("told_by").order_by("month", "day")
        ),
        "kinds": Anniversary.Kind.choices,
        "invitations": invitations_of(store, pk),
        "open": [each.task for each in happened if each.task and each.task.state == Task.State.OPEN],
        "past": [each for each in happened if not (each.task and each.task.state == Task.State.OPEN)],
    }
    name = "care/customer_care.html" if request.htmx else "care/customer_care_page.html"
    return render(request, name, context)
