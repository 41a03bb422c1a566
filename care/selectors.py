"""The questions that pages and answers ask about care, each in a fixed number of queries."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet, Sum

from care.models import GuestReply, Message, Plan, Task, TaskEvent, TextRules
from care.parts import cost_fen
from care.services.rules import rules_of
from care.services.standing import month_start
from customers.models import Patronage
from staff.models import Person, Role, Store

SHOWN = 200
PAGE = 50
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class DueTasks:
    """A person's tasks of the day: at most 200 a group; `counts` says how many there are.

    `overdue`, `today`, `coming` (within a week) are assigned to the person or lie on the list of the person's
    role. `unowned`: due today or earlier and nobody's, on any list (for those who lead: from manager up).
    """

    overdue: list[Task]
    today: list[Task]
    coming: list[Task]
    unowned: list[Task]
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Totals:
    """Messages per state (every state, in the order of their life) and, within a state, per reason; `parts`: what
    those of a state are billed as.
    """

    total: int
    states: dict[str, int]
    reasons: dict[str, dict[str, int]]
    parts: dict[str, int]


@dataclass(frozen=True)
class Month:
    """A brand's texts of a calendar month: what was handed to a provider, or may have been, against the budget."""

    rules: TextRules
    texts: int
    parts: int

    @property
    def cost_fen(self) -> int:
        """What the month's parts cost so far."""
        return cost_fen(self.parts, self.rules.thousand_parts_fen)

    @property
    def is_used_up(self) -> bool:
        """Whether the budget allows no more."""
        return self.rules.month_parts is not None and self.parts >= self.rules.month_parts


@dataclass(frozen=True)
class Page:
    """One page of messages, newest first; `cursor` asks for the next one ("" on the last)."""

    rows: list[Message]
    cursor: str


@dataclass(frozen=True)
class Happening:
    """One line of a guest's care history: a task or a message, with the day it belongs to."""

    at: datetime
    on: date
    task: Task | None = None
    message: Message | None = None


def tasks_of(store: Store) -> QuerySet[Task]:
    """The store's tasks with guest (and the patronage here, as `patronages_here`), assignee and line."""
    here = Patronage.objects.filter(store=store)
    return (
        Task.objects.filter(store=store)
        .select_related("customer", "assignee", "line", "settled_by")
        .prefetch_related(Prefetch("customer__patronages", queryset=here, to_attr="patronages_here"))
    )


def tasks_due(store: Store, person: Person | None, role: str, today: date, days: int = 7) -> DueTasks:
    """What is on this person's list: overdue, for today, coming within `days`, and what nobody has taken."""
    open_ = tasks_of(store).filter(state=Task.State.OPEN)
    mine = open_.filter(mine_by(person, role))
    groups = {
        "overdue": mine.filter(due_on__lt=today),
        "today": mine.filter(due_on=today),
        "coming": mine.filter(due_on__gt=today, due_on__lte=today + timedelta(days=days)),
        "unowned": open_.filter(assignee=None, due_on__lte=today),
    }
    if role not in (Role.MANAGER, Role.HEAD, Role.HQ):
        groups["unowned"] = groups["unowned"].filter(role=role)
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


def outbox_totals(store: Store | None = None, within: Span | None = None) -> Totals:
    """How many messages are in which state, and why; of all stores where none is named, of all times without
    `within` (from its first moment to just before its last, by when they were planned).
    """
    found = Message.objects.all() if store is None else Message.objects.filter(store=store)
    if within is not None:
        found = found.filter(created_at__gte=within[0], created_at__lt=within[1])
    states = dict.fromkeys(Message.State.values, 0)
    parts = dict.fromkeys(Message.State.values, 0)
    reasons: dict[str, dict[str, int]] = {}
    rows = (
        found.values_list("state", "reason")
        .annotate(number=Count("pk"), parts=Sum("parts"))
        .order_by("state", "-number", "reason")
    )
    for state, reason, number, billed in rows:
        states[state] += number
        parts[state] += billed
        if reason:
            reasons.setdefault(state, {})[reason] = number
    return Totals(sum(states.values()), states, reasons, parts)


def outbox_page(
    store: Store,
    state: str = "",
    reason: str = "",
    cursor: str = "",
    most: int = PAGE,
    within: Span | None = None,
) -> Page:
    """The store's messages, newest first, of one state and reason if named. An unreadable cursor begins
    anew.
    """
    found = Message.objects.filter(store=store)
    if within is not None:
        found = found.filter(created_at__gte=within[0], created_at__lt=within[1])
    if state:
        found = found.filter(state=state)
    if reason:
        found = found.filter(reason=reason)
    if (after := _cursor(cursor)) is not None:
        found = found.filter(Q(created_at__lt=after[0]) | Q(created_at=after[0], pk__lt=after[1]))
    # The ids come from the index alone, also where few of many rows are asked for; only they are looked up.
    ids = list(found.order_by("-created_at", "-pk").values_list("pk", flat=True)[: most + 1])
    rows = sorted(
        Message.objects.filter(pk__in=ids[:most]).select_related("customer"),
        key=lambda row: (row.created_at, row.pk),
        reverse=True,
    )
    more = f"{rows[-1].created_at.isoformat()}_{rows[-1].pk}" if len(ids) > most else ""
    return Page(rows, more)


def month_of_texts(brand_id: int, zone: str, at: datetime) -> Month:
    """The brand's calendar month so far, on the clock of `zone`."""
    handed = Message.objects.filter(
        brand_id=brand_id, claimed_at__gte=month_start(zone, at), state__in=Message.HANDED
    )
    told = handed.aggregate(texts=Count("pk"), parts=Sum("parts"))
    return Month(rules_of(brand_id), told["texts"], told["parts"] or 0)


def replies_of(store: Store) -> tuple[list[GuestReply], list[GuestReply]]:
    """What guests answered: the unread ones (what was stopped first, the latest first), and the last that were read."""
    found = GuestReply.objects.filter(store=store).select_related("customer", "read_by")
    unread = list(found.filter(read_at=None).order_by("-stopped", "-at")[:SHOWN])
    return unread, list(found.exclude(read_at=None).order_by("-at")[:PAGE])


def unread_replies(store: Store) -> int:
    """How many replies nobody has read yet."""
    return GuestReply.objects.filter(store=store, read_at=None).count()


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = text.partition("_")
    try:
        return datetime.fromisoformat(moment), UUID(pk)
    except ValueError:
        return None


def history_of(customer_id: int, store: Store, most: int = PAGE) -> list[Happening]:
    """What was done about a guest here: tasks with their events and messages, the latest first."""
    tasks = (
        Task.objects.filter(store=store, customer_id=customer_id)
        .select_related("assignee", "settled_by", "line")
        .prefetch_related(
            Prefetch("events", queryset=TaskEvent.objects.select_related("by", "answer", "told__suggestion"))
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


def living_plan(store: Store, scheme_code: str) -> Plan | None:
    """The store's living plan under a scheme with its lines; None where none was made yet."""
    found = Plan.objects.filter(store=store, scheme_code=scheme_code, retired_at=None)
    return found.prefetch_related("lines").first()


def living_plans(store: Store, scheme_codes: Collection[str]) -> dict[str, Plan]:
    """The store's living plans under these schemes with their lines, by scheme. Two queries."""
    found = Plan.objects.filter(store=store, scheme_code__in=scheme_codes, retired_at=None)
    return {plan.scheme_code: plan for plan in found.prefetch_related("lines")}


def plan_versions(store: Store, scheme_code: str) -> list[Plan]:
    """Every version of the plan, the latest first, with who made it and how many lines it has."""
    found = Plan.objects.filter(store=store, scheme_code=scheme_code).select_related("made_by")
    return list(found.annotate(lines_number=Count("lines")).order_by("-number"))


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
