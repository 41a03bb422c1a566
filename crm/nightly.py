"""The night: an ordered list of steps that you can read. One run is one store and one business date.

PostgreSQL says what is due; a run is claimed by raising its token (the fence), each step commits by itself with
its counts, is safe to run twice, and runs by hand for any date: `manage.py nightly --on 2026-03-01`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext_lazy as _

from care.relations.services.opening import open_relations
from care.services.campaign_outcomes import settle_campaigns
from care.services.campaigns import plan_campaigns
from care.services.occasions import queue_occasions
from care.services.opening import open_tasks
from care.services.outcomes import settle_outcomes
from common.clock import moment_of, now
from common.errors import Refused
from common.messages import add_sentences
from customers.services.bookings import lapse_bookings
from customers.services.upkeep import recount
from loyalty.services.bills import put_on_bills
from ops.models import Run, Step
from reports.services import count_day
from staff.models import Person, Store
from tiering.models import Adoption
from tiering.services.decisions import Held, decide_night

add_sentences(
    {
        "night_in_future": _("%(day)s 还没有结束，不能跑这一晚。"),
        "night_running": _("%(store)s 在 %(day)s 的夜间任务正在运行。"),
    }
)

LEASE = timedelta(minutes=2)
CATCH_UP_DAYS = 31


@dataclass(frozen=True)
class Night:
    """What a step is given: the store, the business date, the moment, the run and its fence."""

    store: Store
    on: date
    at: datetime
    today: date
    run: Run
    approved: bool

    def fence(self) -> None:
        """Inside a step's transaction: this run is still ours, and alive. Raises LostRun otherwise."""
        mine = Run.objects.filter(pk=self.run.pk, token=self.run.token)
        if not mine.update(heartbeat_at=now()):
            raise LostRun(f"run {self.run.pk} was taken over")


class LostRun(Exception):
    """Another worker has taken this run; what this one was about to write is rolled back."""


def _check_sums(night: Night) -> dict[str, Any]:
    """The running sums on the patronages, against the visits; the bills of the vouchers that were used before them."""
    with transaction.atomic():
        counts = {"sums_repaired": recount(night.store.pk)}
        if ticked := put_on_bills(store=night.store, at=night.at):
            counts["coupons_ticked"] = ticked
        night.fence()
    return counts


def _retier(night: Night) -> dict[str, Any]:
    outcome = decide_night(
        night.store, night.on, at=night.at, run_id=night.run.pk, approved=night.approved, fence=night.fence
    )
    return outcome.counts()


def _open_care(night: Night) -> dict[str, Any]:
    with transaction.atomic():
        counts = open_tasks(store=night.store, on=night.on, at=night.at, today=night.today)
        counts["lapsed"] = lapse_bookings(store=night.store, today=night.on + timedelta(days=1), at=night.at)
        counts |= open_relations(store=night.store, on=night.on, at=night.at, today=night.today)
        night.fence()
    return counts


def _queue_occasions(night: Night) -> dict[str, Any]:
    with transaction.atomic():
        counts = queue_occasions(store=night.store, on=night.on, at=night.at)
        counts |= plan_campaigns(store=night.store, on=night.on, at=night.at)
        night.fence()
    return counts


def _settle_outcomes(night: Night) -> dict[str, Any]:
    with transaction.atomic():
        counts = settle_outcomes(store=night.store, on=night.on, at=night.at, today=night.today)
        counts |= settle_campaigns(store=night.store, on=night.on, today=night.today)
        night.fence()
    return counts


def _figures(night: Night) -> dict[str, Any]:
    with transaction.atomic():
        counts = count_day(store=night.store, on=night.on)
        night.fence()
    return counts


STEPS: list[tuple[str, Callable[[Night], dict[str, Any]]]] = [
    ("check_sums", _check_sums),
    ("retier", _retier),
    ("open_care", _open_care),
    ("queue_occasions", _queue_occasions),
    ("settle_outcomes", _settle_outcomes),
    ("figures", _figures),
]


def due(at: datetime) -> list[tuple[int, date]]:
    """The nights that are due and not done, per store oldest first; at most the oldest of each store.

    A store's night for business date D is due from D+1 at the store's hour. A store that adopted a scheme and never
    had a night starts with yesterday; one that missed nights catches up, a month at the most.
    """
    found = []
    done = dict(
        Run.objects.filter(kind="night", state=Run.State.DONE)
        .values_list("store_id")
        .annotate(newest=Max("business_date"))
    )
    graded = set(Adoption.objects.values_list("store_id", flat=True))
    for store in Store.objects.filter(pk__in=graded):
        last = last_closed(store, at)
        start = done.get(store.pk)
        on = last if start is None else max(start + timedelta(days=1), last - timedelta(days=CATCH_UP_DAYS))
        if on <= last and _is_free(store.pk, on, at):
            found.append((store.pk, on))
    return found


def last_closed(store: Store, at: datetime) -> date:
    """The newest business date whose night is due at `at`."""
    day = store.business_day(at)
    hour = moment_of(day, store.night_at, store.timezone)
    return day - timedelta(days=1) if at >= hour else day - timedelta(days=2)


def _is_free(store_id: int, on: date, at: datetime) -> bool:
    run = Run.objects.filter(kind="night", store_id=store_id, business_date=on).first()
    if run is None or run.state == Run.State.NEW:
        return True
    if run.state == Run.State.RUNNING:
        return run.heartbeat_at is None or run.heartbeat_at < at - LEASE
    if run.state == Run.State.FAILED:
        return run.finished_at is None or run.finished_at < at - timedelta(minutes=10)
    return False  # held nights wait for a person


def run(
    store_id: int, on: date, *, at: datetime, by_hand: bool, approved_by: Person | None = None
) -> list[dict[str, Any]]:
    """Run the night of business date `on` for one store: every step in order. Returns the steps with their counts.

    By hand a finished night runs again (and changes nothing); the timetable leaves it. A run that another worker
    holds is left alone (by hand: refused). A braked night stops after its counts and waits for approval.
    """
    store = Store.objects.select_related("brand").get(pk=store_id)
    if on > store.business_day(at):
        raise Refused("night_in_future", field="on", day=on.isoformat())
    claimed = _claim(store_id, on, at, by_hand, approved_by)
    if claimed is None:
        if by_hand:
            raise Refused("night_running", status=409, store=store.code, day=on.isoformat())
        return []
    approved = claimed.approved_by_id is not None
    today = store.business_day(at)
    night = Night(store, on, at, today, claimed, approved)
    steps: list[dict[str, Any]] = []
    try:
        for position, (name, step) in enumerate(STEPS):
            started = now()
            try:
                counts = step(night)
            except Held as held:
                steps.append(_record(night, position, name, started, held.counts | {"held": True}))
                _finish(night, Run.State.HELD)
                return steps
            steps.append(_record(night, position, name, started, counts))
    except LostRun:
        return steps
    except Exception as error:
        _finish(night, Run.State.FAILED, f"{type(error).__name__}: {error}"[:500])
        raise
    _finish(night, Run.State.DONE)
    return steps


def _claim(store_id: int, on: date, at: datetime, by_hand: bool, approved_by: Person | None) -> Run | None:
    """Take the run by raising its token; None when somebody else holds it, or it is done and nobody asked by hand."""
    Run.objects.bulk_create(
        [Run(kind="night", store_id=store_id, business_date=on, created_at=at)], ignore_conflicts=True
    )
    stale = Q(state=Run.State.RUNNING) & (Q(heartbeat_at=None) | Q(heartbeat_at__lt=now() - LEASE))
    free = Q(state__in=[Run.State.NEW, Run.State.FAILED]) | stale
    if by_hand:
        free |= Q(state__in=[Run.State.DONE, Run.State.HELD])
    values: dict[str, Any] = {"approved_by_id": approved_by.pk} if approved_by else {}
    this = Run.objects.filter(kind="night", store_id=store_id, business_date=on)
    with transaction.atomic():
        if not this.filter(free).update(
            state=Run.State.RUNNING,
            token=F("token") + 1,
            started_at=now(),
            heartbeat_at=now(),
            finished_at=None,
            error="",
            **values,
        ):
            return None
        return this.get()


def _record(
    night: Night, position: int, name: str, started: datetime, counts: dict[str, Any]
) -> dict[str, Any]:
    Step.objects.create(
        run=night.run,
        token=night.run.token,
        position=position,
        name=name,
        started_at=started,
        finished_at=now(),
        counts=counts,
    )
    return {"step": name, **counts}


def _finish(night: Night, state: str, error: str = "") -> None:
    Run.objects.filter(pk=night.run.pk, token=night.run.token).update(
        state=state, finished_at=now(), error=error
    )
