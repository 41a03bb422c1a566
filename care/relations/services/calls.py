"""Calls of the long relation: completed with what was told, planned for a day, opened for guests who stay away."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from care.models import CallAnswer, Channel, Task, Topic, Trigger
from care.playbook import CONTACTS, LAPSED_AFTER_DAYS
from care.relations.services.accounts import ACCOUNT_CALL
from care.relations.services.opening import FOLLOW_UP, PLANNED, WIN_BACK
from care.services.answers import TableSaid
from care.services.opening import OWNER
from care.services.tasks import complete_task, local_date
from common.errors import NotHere, Refused
from customers.models import Patronage
from feedback.services import record_suggestion
from loyalty.models import Voucher
from loyalty.selectors.vouchers import kinds_of
from loyalty.services.issuing import give_one
from staff.models import Person, Role, Store

# What a return visit is: after a visit, after a complaint, to an organisation, to win back, or planned by hand.
RETURNS = (FOLLOW_UP, ACCOUNT_CALL, WIN_BACK, PLANNED)
PLANNED_AHEAD_DAYS = 60
WIN_BACK_WINDOW_DAYS = 14


@dataclass(frozen=True)
class CallSaid:
    """What the guest said. `score` 1–5; `cause` and `measure` as in `CallAnswer`; `suggestion`: in the guest's words.

    `topic_id`: the topic that was suggested on the card of this call. `kind_id`: which voucher the guest is given, where the
    measure is one.
    """

    score: int | None = None
    cause: str = ""
    measure: str = ""
    suggestion: str = ""
    topic_id: int | None = None
    kind_id: int | None = None


def is_return(task: Task) -> bool:
    """Whether a task is a return visit."""
    return task.code in RETURNS if task.line is None else task.line.trigger == Trigger.AFTER_VISIT


@transaction.atomic
def complete_call(
    *, store: Store, task_id: int, actor: Person | None, at: datetime, said: CallSaid, note: str = "", why: str = "",
    answer: TableSaid | None = None, may_give: bool = False,
) -> Task:  # fmt: skip
    """Complete a task with what was told. Completing twice is once: only the first leaves an answer, a suggestion and a
    voucher. `may_give`: whether the actor gives vouchers by hand, too.

    A call to an organisation needs a score, one to win back the cause and the measure (Refused); other answers than
    these belong to return visits only. A voucher as the measure is given at once, and which one has to be said where the
    store has any and the actor may give; a store without any records the measure alone. The topic on the card is used
    up. Refuses and promises as `complete_task` does.
    """
    task = (
        Task.objects.select_for_update(of=("self",))
        .select_related("line")
        .filter(store=store, pk=task_id)
        .first()
    )
    if task is None:
        raise NotHere()
    before = task.state
    if before != Task.State.DONE:
        _check(task, said)
        _check_voucher(store, said, may_give)
    done = complete_task(store=store, task_id=task_id, actor=actor, at=at, note=note, why=why, answer=answer)
    if before == Task.State.DONE:
        return done
    suggestion = None
    if said.suggestion.strip():
        suggestion = record_suggestion(
            store=store, customer_id=task.customer_id, text=said.suggestion, actor=actor, at=at
        )
    if said.score is not None or said.cause or suggestion is not None:
        CallAnswer.objects.create(
            event=done.events.latest("pk"), score=said.score, cause=said.cause, measure=said.measure,
            suggestion=suggestion, voucher=_give(store, task, said.kind_id, actor, at),
        )  # fmt: skip
    if said.topic_id is not None:
        Topic.objects.filter(
            pk=said.topic_id, store=store, customer_id=task.customer_id, used_at=None
        ).update(used_at=at, used_by=actor)
    return done


def _check(task: Task, said: CallSaid) -> None:
    if said.score is not None and not 1 <= said.score <= 5:
        raise Refused("score_range", field="score")
    if task.code == ACCOUNT_CALL and said.score is None:
        raise Refused("score_missing", field="score")
    if task.code == WIN_BACK:
        if said.cause not in CallAnswer.Cause.values:
            raise Refused("cause_missing", field="cause")
        if said.measure not in CallAnswer.Measure.values:
            raise Refused("measure_missing", field="measure")
    elif said.cause or said.measure:
        raise Refused("answers_out_of_place", field="cause")
    if not is_return(task) and (said.score is not None or said.suggestion.strip()):
        raise Refused("answers_out_of_place", field="suggestion")


def _check_voucher(store: Store, said: CallSaid, may_give: bool) -> None:
    if said.kind_id is None:
        if said.measure == CallAnswer.Measure.COUPON and may_give and kinds_of(store).exists():
            raise Refused("win_back_kind", field="kind")
    elif said.measure != CallAnswer.Measure.COUPON:
        raise Refused("win_back_no_coupon", field="measure")
    elif not may_give:
        raise Refused("win_back_not_yours", field="kind", status=403)


def _give(
    store: Store, task: Task, kind_id: int | None, actor: Person | None, at: datetime
) -> Voucher | None:
    """The voucher of the call, in the guest's hands; its occasion names the task."""
    if kind_id is None:
        return None
    occasion = f"win_back:{task.pk}"
    given = give_one(
        store=store, kind_id=kind_id, customer_id=task.customer_id, occasion=occasion, actor=actor, at=at
    )
    if given.voucher is None:
        raise Refused("voucher_once", field="kind", status=409)
    return given.voucher


@transaction.atomic
def plan_return(
    *, store: Store, customer_id: int, on: date, channel: str, to: Person | None, actor: Person | None, at: datetime
) -> Task:  # fmt: skip
    """A return visit on a day, on somebody's list (else on the managers').

    Refuses a day that is over or more than 60 days away, a channel that is none, and (409) a second one on one day;
    NotHere for a guest of another store.
    """
    guest = (
        Patronage.objects.select_for_update(of=("self",)).filter(store=store, customer_id=customer_id).first()
    )
    if guest is None:
        raise NotHere()
    today = local_date(store, at)
    latest = today + timedelta(days=PLANNED_AHEAD_DAYS)
    if not today <= on <= latest:
        raise Refused("return_too_far", field="on", latest=latest.isoformat())
    if channel not in CONTACTS:
        raise Refused("return_channel", field="channel")
    same = {
        "store": store,
        "customer_id": customer_id,
        "code": PLANNED,
        "occasion": f"return:{on.isoformat()}",
    }
    if Task.objects.filter(**same).exists():
        raise Refused("return_taken", field="on", status=409)
    return Task.objects.create(
        **same, channel=Channel(channel), zh="回访：用得满意吗，有什么建议？",
        en="Return visit: satisfied? any suggestions?", tier=guest.tier, role=Role.MANAGER, assignee=to, due_on=on,
        close_on=on + timedelta(days=7), opened_on=today, opened_at=at,
    )  # fmt: skip


# Whoever has not come for so long; once a lapse, whoever presses the button.
_WIN_BACK = f"""
INSERT INTO care_task (store_id, customer_id, line_id, code, occasion, channel, zh, en, tier, role, assignee_id,
    event_on, due_on, close_on, opened_on, opened_at, state, reason)
SELECT p.store_id, p.customer_id, NULL, %(code)s, 'win_back:' || to_char(p.last_visit_on, 'YYYY-MM-DD'), 'phone',
    '挽回：问问为什么不来了', 'Win back: ask why the guest stays away', p.tier, 'manager', {OWNER}, p.last_visit_on,
    %(day)s, %(day)s + %(window)s, %(day)s, %(at)s, 'open', ''
FROM customers_patronage p WHERE p.store_id = %(store)s AND p.customer_id = ANY(%(guests)s)
ORDER BY p.customer_id
ON CONFLICT (customer_id, store_id, code, occasion) DO NOTHING
"""


@transaction.atomic
def open_win_back(
    *, store: Store, customer_ids: Collection[int], actor: Person | None, at: datetime, today: date
) -> int:
    """Put guests who have lapsed on the list of those who call them back; how many are new. Once a lapse.

    Refuses none at all, and anybody who came within 60 days or never came; NotHere for guests of another store.
    """
    wanted = set(customer_ids)
    if not wanted:
        raise Refused("guests_none", field="guest")
    here = dict(
        Patronage.objects.select_for_update(of=("self",))
        .filter(store=store, customer_id__in=wanted)
        .order_by("pk")
        .values_list("customer_id", "last_visit_on")
    )
    if len(here) < len(wanted):
        raise NotHere()
    last = today - timedelta(days=LAPSED_AFTER_DAYS)
    if any(day is None or day > last for day in here.values()):
        raise Refused("not_lapsed", field="guest")
    with connection.cursor() as cursor:
        cursor.execute(_WIN_BACK, {
            "store": store.pk, "brand": store.brand_id, "code": WIN_BACK, "guests": sorted(wanted), "day": today,
            "window": WIN_BACK_WINDOW_DAYS, "at": at,
        })  # fmt: skip
        return cursor.rowcount
