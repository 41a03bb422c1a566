"""What came of it: the last nights in words and numbers, and what waits for somebody today."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Prefetch

from care.models import Message
from care.selectors.outbox import Totals, outbox_totals
from care.sentences import REASONS
from ops.models import Run, Step
from reports.models import StoreDay
from staff.models import Person, Store
from tiering.selectors.decisions import moves
from tiering.selectors.pages import reasons_before
from tiering.selectors.schemes import scheme_of
from tiering.why import why_moved

NIGHTS_SHOWN = 30
# What a person has to look at; the other states settle by themselves.
NEED_A_LOOK = (
    Message.State.PARKED,
    Message.State.UNKNOWN,
    Message.State.FAILED,
    Message.State.UNDELIVERED,
)


@dataclass(frozen=True)
class NightShown:
    """One night of a store: its run, the steps of its latest execution with their counts, who approved it."""

    run: Run
    steps: list[Step]
    approved_by: Person | None = None
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def seconds(self) -> int | None:
        if self.run.started_at is None or self.run.finished_at is None:
            return None
        return round((self.run.finished_at - self.run.started_at).total_seconds())

    @property
    def retier(self) -> dict[str, Any]:
        return self.counts.get("retier", {})

    @property
    def care(self) -> dict[str, Any]:
        return self.counts.get("open_care", {})

    @property
    def texts(self) -> dict[str, Any]:
        return self.counts.get("queue_occasions", {})

    @property
    def not_sent(self) -> int:
        """Texts that were born skipped, whatever the reason."""
        return sum(n for name, n in self.texts.items() if name in REASONS and isinstance(n, int))

    @property
    def day(self) -> dict[str, Any]:
        return self.counts.get("figures", {})


def nights(store: Store, most: int = NIGHTS_SHOWN, state: str = "") -> list[NightShown]:
    """The store's nights, the newest first, each with the steps of its latest execution. Three queries."""
    runs = Run.objects.filter(kind="night", store_id=store.pk)
    if state:
        runs = runs.filter(state=state)
    found = list(
        runs.order_by("-business_date").prefetch_related(
            Prefetch("steps", queryset=Step.objects.order_by("-token", "position"))
        )[:most]
    )
    people = Person.objects.in_bulk({run.approved_by_id for run in found if run.approved_by_id})
    shown = []
    for run in found:
        steps = [step for step in run.steps.all() if step.token == run.token]
        counts = {step.name: step.counts for step in steps}
        shown.append(NightShown(run, steps, people.get(run.approved_by_id or 0), counts))
    return shown


@dataclass(frozen=True)
class Moved:
    """A guest who rose or fell, from where, and why in one line."""

    customer_id: int
    called: str
    name: str
    tier: str
    previous: str
    rose: bool
    why: str


def moved_in(store: Store, on: date) -> list[Moved]:
    """Who rose and who fell in the night of `on`, the risen first, each with the reason. Two queries."""
    found = []
    moved = moves(store, on)
    before = reasons_before(store, on, [move.decision.customer_id for move in moved])
    for move in moved:
        decision = move.decision
        scheme = scheme_of(decision.version)
        customer = decision.customer
        found.append(
            Moved(
                customer.pk, customer.called, customer.name, decision.tier, decision.previous, move.rose,
                why_moved(decision, scheme, before.get(customer.pk, ())),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class Stuck:
    """The texts that need a person's look: how many, by state."""

    total: int
    states: dict[str, int]
    waiting: int


def stuck_texts(store: Store) -> Stuck:
    """What is held or failed in the outbox, and how many texts wait for their hour."""
    totals: Totals = outbox_totals(store)
    states = {str(state): totals.states.get(state, 0) for state in NEED_A_LOOK if totals.states.get(state)}
    return Stuck(sum(states.values()), states, totals.states.get(Message.State.PENDING, 0))


def tier_months(store: Store, until: date, months: int = 12) -> list[StoreDay]:
    """The last counted day of each of the past months, the oldest first: how the ladder stood."""
    days = StoreDay.objects.filter(store=store, business_date__lte=until).order_by("-business_date")[
        : months * 31
    ]
    last: dict[tuple[int, int], StoreDay] = {}
    for day in days:
        last.setdefault((day.business_date.year, day.business_date.month), day)
    return [last[key] for key in sorted(last)][-months:]
