"""What people do with an event: plan it, note the answers, say who came, close it, call it off; and a dinner hosted.

Every verb is for an event of the actor's store; another store's is not there. Each holds the event's row first, so that
two people who note answers at one moment give away a seat once. Doing the same again is once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from care.events.inviting import CODE, locked_event, open_event, when_of
from care.events.models import Event, Invitation
from care.events.seats import places_free, seat_for
from care.models import Channel, Task
from care.playbook import CADENCES, slots
from care.services.plans import line_of
from care.services.tasks import complete_task, local_date
from common.errors import NotHere, Refused
from common.messages import add_sentences
from customers.models import Patronage
from customers.services.events import record_participation, void_participation
from staff.models import Person, Role, Store

Answer, State = Invitation.Answer, Event.State
SAID = (Answer.ACCEPTED, Answer.DECLINED)

add_sentences(
    {
        "event_settled": _("这次活动已经结束或取消，不能再改。"),
        "event_past": _("活动的日子已经过了，请先改日期。"),
        "event_how_many": _("邀请人数要在 1 到 %(most)s 之间。"),
        "event_nobody_invited": _("这位客人不在邀请名单里。"),
        "event_not_yet": _("活动还没到日子，到了那天再记谁来了。"),
        "event_started": _("已经记了到场，不能再改日期和名称。"),
        "event_opinion": _("评分是 1 到 5 分。"),
        "event_other_period": _("这一天不在这次宴请的期间里，最晚 %(last)s。"),
        "event_no_dinner": _("这项任务不是宴请。"),
    }
)


@dataclass(frozen=True)
class Came:
    """What is known of one invited guest after the event; `opinion` 1 to 5 or None."""

    customer_id: int
    came: bool
    opinion: int | None = None
    words: str = ""
    gift: str = ""


@transaction.atomic
def save_event(
    *, store: Store, said: dict[str, Any], actor: Person | None, at: datetime, event_id: int | None = None
) -> Event:
    """Plan an event, or with `event_id` change one that is not over. `said`: kind, name, held_on, starts_at, seats, dish,
    words, budget_fen, cost_fen. More seats than before: whoever waits moves up.

    Refuses a dish of another store (NotHere), one that is over or cancelled (409), another day or name once somebody
    came: the guests' participation is on file under them.
    """
    if said.get("dish") is not None and said["dish"].store_id != store.pk:
        raise NotHere()
    if event_id is None:
        return Event.objects.create(store=store, made_by=actor, made_at=at, **said)
    event = open_event(store, event_id)
    moved = (event.name, event.held_on) != (
        said.get("name", event.name),
        said.get("held_on", event.held_on),
    )
    if moved and event.invitations.filter(attended=True).exists():
        raise Refused("event_started", field="held_on", status=409)
    was_on = event.held_on
    for name, value in said.items():
        setattr(event, name, value)
    event.save()
    if event.held_on != was_on:
        _tasks(event).update(event_on=event.held_on, close_on=event.held_on)
    _move_up(event, store, at)
    return event


@transaction.atomic
def answer(
    *, store: Store, event_id: int, customer_id: int, said: str, actor: Person | None, at: datetime
) -> Invitation:
    """Note what a guest said: `accepted` (the waiting list, where every seat is taken) or `declined`.

    Whoever has a seat and says no frees it: the first who waits moves up, and a call task tells her. The task of the
    invitation is done with the answer. The same answer again changes nothing. Refuses an event that is over (409).
    """
    event = open_event(store, event_id)
    row = _invited(event, customer_id)
    if said not in SAID:
        raise Refused("field_not_a_choice", field="said", choices=" / ".join(SAID))
    if said == row.answer or (said == Answer.ACCEPTED and row.answer == Answer.WAITING):
        return row
    taken = event.invitations.filter(answer=Answer.ACCEPTED).count()
    row.answer = seat_for(event.seats, taken) if said == Answer.ACCEPTED else said
    row.answered_at = at
    row.save(update_fields=["answer", "answered_at"])
    for task in _tasks(event).filter(customer_id=customer_id):
        complete_task(store=store, task_id=task.pk, actor=actor, at=at, note=str(row.get_answer_display()))
    _move_up(event, store, at)
    return row


def _move_up(event: Event, store: Store, at: datetime) -> None:
    """Give the free seats to those who wait, the longest first, and have them told."""
    waiting = event.invitations.filter(answer=Answer.WAITING).order_by("answered_at", "pk")
    taken = event.invitations.filter(answer=Answer.ACCEPTED).count()
    for row in list(waiting[: places_free(event.seats, taken, waiting.count())]):
        row.answer = Answer.ACCEPTED
        row.save(update_fields=["answer"])
        zh, en = f"候补到了，请告知客人：{event.name}", f"Off the waiting list, tell the guest: {event.name}"
        _tell(event, store, row, f"{event.occasion}:seat", (zh, en), at)


@transaction.atomic
def save_results(
    *,
    store: Store,
    event_id: int,
    guests: Sequence[Came],
    cost_fen: int | None,
    actor: Person | None,
    at: datetime,
    over: bool = False,
) -> Event:
    """Who came, what they thought and were given, what it cost; with `over` the event is closed and may still be put
    right this way.

    Who came is written down as the guest's participation; taken back where she did not come after all. Of a hosted
    dinner the guest's dinner task is done by it. Refuses before the day of the event, a cancelled one (409).
    """
    event = locked_event(store, event_id)
    if event.state == State.CANCELLED:
        raise Refused("event_settled", status=409)
    if event.held_on > store.business_day(at):
        raise Refused("event_not_yet", status=422)
    rows = {row.customer_id: row for row in event.invitations.select_for_update()}
    for each in sorted(guests, key=lambda each: each.customer_id):
        if each.customer_id not in rows:
            raise Refused("event_nobody_invited", status=422)
        if each.opinion is not None and not 1 <= each.opinion <= 5:
            raise Refused("event_opinion", field="opinion", status=422)
        _note(event, store, rows[each.customer_id], each, actor, at)
    event.cost_fen = cost_fen
    if over and event.state != State.CLOSED:
        event.state = State.CLOSED
        _tasks(event).update(state=Task.State.CLOSED, reason="event_over", settled_at=at)
    event.save(update_fields=["cost_fen", "state"])
    return event


def _note(
    event: Event, store: Store, row: Invitation, said: Came, actor: Person | None, at: datetime
) -> None:
    row.attended, row.opinion = said.came, said.opinion if said.came else None
    row.words, row.gift = said.words.strip()[:200], said.gift.strip()[:60]
    if said.came and row.participation is None:
        row.participation = record_participation(
            store=store, customer_id=row.customer_id, event=event.name, attended_on=event.held_on, actor=actor,
            at=at,
        )  # fmt: skip
    elif not said.came and row.participation is not None:
        void_participation(
            store=store, customer_id=row.customer_id, participation_id=row.participation.pk, actor=actor, at=at
        )  # fmt: skip
        row.participation = None
    row.save()
    if said.came and event.kind == Event.Kind.DINNER:
        for pk in _dinners_owed(event, store, row.customer_id):
            complete_task(store=store, task_id=pk, actor=actor, at=at, note=event.name)


def _dinners_owed(event: Event, store: Store, customer_id: int) -> list[int]:
    """The guest's dinner of the half-year or the year that this one was: still owed, or run out unnoticed."""
    found = Task.objects.filter(
        store=store, customer_id=customer_id, channel=Channel.EVENT, line__trigger__in=CADENCES,
        state__in=(Task.State.OPEN, Task.State.EXPIRED), close_on__gte=event.held_on,
        opened_on__lte=event.held_on,
    )  # fmt: skip
    return list(found.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def cancel_event(*, store: Store, event_id: int, actor: Person | None, at: datetime) -> int:
    """Call an event off; how many guests who said they would come have to be told: each gets a call task.

    Open invitations are closed. Twice is once; one that is over is refused (409).
    """
    event = locked_event(store, event_id)
    if event.state == State.CANCELLED:
        return 0
    if event.state == State.CLOSED:
        raise Refused("event_settled", status=409)
    event.state = State.CANCELLED
    event.save(update_fields=["state"])
    _tasks(event).update(state=Task.State.CLOSED, reason="cancelled", settled_at=at)
    Task.objects.filter(
        store=store, code=CODE, occasion=f"{event.occasion}:seat", state=Task.State.OPEN
    ).update(state=Task.State.CLOSED, reason="cancelled", settled_at=at)
    coming = list(event.invitations.filter(answer__in=(Answer.ACCEPTED, Answer.WAITING)))
    zh, en = (
        f"活动取消，请告知客人：{event.name}（{when_of(event)}）",
        f"Called off, tell the guest: {event.name}",
    )
    for row in coming:
        _tell(event, store, row, f"{event.occasion}:off", (zh, en), at)
    return len(coming)


@transaction.atomic
def record_dinner(
    *,
    store: Store,
    task_id: int,
    held_on: date,
    said: dict[str, Any],
    words: str = "",
    gift: str = "",
    actor: Person | None,
    at: datetime,
) -> Event:
    """A dinner the house owed a guest was held: on file as an event of its own that is over, and the task is done.

    `said`: name, cost_fen. Refuses a task that is no dinner of a cadence (422), one that is settled (409), a day before
    the task's period or still to come.
    """
    task = Task.objects.select_for_update(of=("self",)).filter(store=store, pk=task_id)
    kept = task.select_related("line").first()
    if kept is None:
        raise NotHere()
    if not is_dinner(kept):
        raise Refused("event_no_dinner", status=422)
    if kept.state not in (Task.State.OPEN, Task.State.EXPIRED):
        raise Refused("task_settled", status=409)
    if held_on > store.business_day(at):
        raise Refused("event_not_yet", field="held_on", status=422)
    if not _period_of(kept) <= held_on <= kept.close_on:
        raise Refused("event_other_period", field="held_on", status=422, last=kept.close_on.isoformat())
    event = Event.objects.create(
        store=store, kind=Event.Kind.DINNER, name=said["name"], held_on=held_on, cost_fen=said["cost_fen"],
        state=State.CLOSED, made_at=at, made_by=actor,
    )  # fmt: skip
    # A plan beside the ladder names the task by another label.
    here = Patronage.objects.filter(store=store, customer_id=kept.customer_id).values_list("tier", flat=True)
    row = Invitation.objects.create(
        event=event, customer_id=kept.customer_id, place=1, tier=here.first() or "", invited_at=at, invited_by=actor,
        answer=Answer.ACCEPTED, answered_at=at,
    )  # fmt: skip
    _note(event, store, row, Came(kept.customer_id, True, None, words, gift), actor, at)
    complete_task(store=store, task_id=kept.pk, actor=actor, at=at, note=event.name)
    return event


def is_dinner(task: Task) -> bool:
    """Whether a task is a dinner that the plan owes a guest once in a period."""
    return task.channel == Channel.EVENT and task.line is not None and task.line.trigger in CADENCES


def _period_of(task: Task) -> date:
    """The first day of the half-year or the year that a dinner is owed in."""
    if task.line is None:
        return task.opened_on
    return slots(line_of(task.line), task.close_on)[0].first


def _invited(event: Event, customer_id: int) -> Invitation:
    row = event.invitations.filter(customer_id=customer_id).first()
    if row is None:
        raise NotHere()
    return row


def _tasks(event: Event) -> Any:
    """The open tasks of the invitations."""
    return Task.objects.filter(
        store_id=event.store_id, code=CODE, occasion=event.occasion, state=Task.State.OPEN
    )


def _tell(
    event: Event, store: Store, row: Invitation, occasion: str, words: tuple[str, str], at: datetime
) -> None:
    """A call task for a guest who has to know, due at once; once for each occasion."""
    today = local_date(store, at)
    owner = Patronage.objects.filter(store=store, customer_id=row.customer_id).values_list("owner", flat=True)
    close = max(today, event.held_on)
    Task.objects.get_or_create(
        customer_id=row.customer_id, store=store, code=CODE, occasion=occasion,
        defaults={
            "channel": Channel.PHONE, "zh": words[0], "en": words[1], "tier": row.tier, "role": Role.MANAGER,
            "assignee_id": owner.first(), "event_on": event.held_on, "due_on": today, "close_on": close,
            "opened_on": today, "opened_at": at,
        },
    )  # fmt: skip
