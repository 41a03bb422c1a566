"""How much of what was owed was done, and in time: by person and by line of the plan."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, TruncDate

from care.models import PlanLine, Served, Task
from care.playbook import CADENCES, CONTACTS
from common.clock import add_months
from customers.models import Patronage, Visit
from customers.models.visit import COUNTED
from staff.models import Person, Store

MADE = (Task.State.DONE, Task.State.DECLINED)
OWED = (*MADE, Task.State.OPEN, Task.State.EXPIRED)
COUNTED_FROM = ("new_guest", "after_visit")


@dataclass
class Quota:
    """What one person (or a role, where a task is nobody's) owed in a month, and did, by channel: (done, owed)."""

    person: Person | None
    role: str
    channels: dict[str, tuple[int, int]] = field(default_factory=dict)
    overdue: int = 0

    @property
    def done(self) -> int:
        """How many calls, visits and messages were made; a dinner stands beside them."""
        return sum(done for channel, (done, _owed) in self.channels.items() if channel in CONTACTS)

    @property
    def owed(self) -> int:
        """How many of them were owed."""
        return sum(owed for channel, (_done, owed) in self.channels.items() if channel in CONTACTS)

    @property
    def rate(self) -> float:
        """The share that was made."""
        return self.done / self.owed if self.owed else 0.0


def quotas(store: Store, first: date, today: date) -> list[Quota]:
    """The contacts of the plan's cadences that were due in the month beginning on `first`, by whoever does them.

    Done is what was done or declined by the guest, by whom it was done; what closed because the tier changed is not
    owed. Two queries.
    """
    due = Task.objects.filter(
        store=store, due_on__gte=first, due_on__lt=add_months(first, 1), state__in=OWED,
        line__trigger__in=CADENCES,
    ).annotate(who=Coalesce("settled_by", "assignee"))  # fmt: skip
    rows = due.values("who", "role", "channel").annotate(
        owed=Count("pk"), made=Count("pk", filter=Q(state__in=MADE)),
        overdue=Count("pk", filter=Q(state=Task.State.EXPIRED) | Q(state=Task.State.OPEN, due_on__lt=today)),
    )  # fmt: skip
    counted = list(rows.order_by("role", "who", "channel"))
    people = Person.objects.in_bulk([row["who"] for row in counted if row["who"]])
    found: dict[tuple[int | None, str], Quota] = {}
    for row in counted:
        role = "" if row["who"] else row["role"]
        each = found.setdefault((row["who"], role), Quota(people.get(row["who"]), role))
        done, owed = each.channels.get(row["channel"], (0, 0))
        each.channels[row["channel"]] = (done + row["made"], owed + row["owed"])
        each.overdue += row["overdue"]
    return sorted(found.values(), key=lambda each: (each.rate, -each.owed))


def whole(rows: list[Quota]) -> Quota:
    """Everybody together."""
    total = Quota(None, "")
    for row in rows:
        for channel, (done, owed) in row.channels.items():
            before = total.channels.get(channel, (0, 0))
            total.channels[channel] = (before[0] + done, before[1] + owed)
        total.overdue += row.overdue
    return total


@dataclass(frozen=True)
class InTime:
    """A line that is due so many days after something happened: how many in time, late, missed, still open."""

    line: PlanLine
    in_time: int
    late: int
    missed: int
    open: int

    @property
    def rate(self) -> float | None:
        """The share in time of those that are decided; None where none is."""
        decided = self.in_time + self.late + self.missed
        return self.in_time / decided if decided else None


def in_time(store: Store, first: date) -> list[InTime]:
    """The greetings of new guests and the calls after a visit that were due in the month, by line.

    In time: on the store's wall not later than so many days after the guest was put on file, or came. Two queries.
    """
    lines = {
        line.code: line
        for line in PlanLine.objects.filter(plan__store=store, trigger__in=COUNTED_FROM).order_by("pk")
    }
    tasks = Task.objects.filter(store=store, state__in=OWED, line__trigger__in=COUNTED_FROM).annotate(
        settled_on=TruncDate("settled_at", tzinfo=store.zone())
    )
    counts: dict[str, list[int]] = {}
    for code, event_on, after, state, settled_on in tasks.filter(
        event_on__gte=first - timedelta(days=366), event_on__lt=add_months(first, 1)
    ).values_list("code", "event_on", F("line__after_days"), "state", "settled_on"):
        due = event_on + timedelta(days=after)
        if not first <= due < add_months(first, 1):
            continue
        place = 3 if state == Task.State.OPEN else 2 if state == Task.State.EXPIRED else int(settled_on > due)
        counts.setdefault(code, [0, 0, 0, 0])[place] += 1
    return [InTime(lines[code], *each) for code, each in sorted(counts.items()) if code in lines]


# ---- who serves the own guests -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """A visit of a guest who has an owner: who served, and what was handed over."""

    visit: Visit
    guest: Patronage
    served: Served | None

    @property
    def by_owner(self) -> bool:
        """Whether the owner served."""
        return self.served is not None and self.served.by_id == self.guest.owner_id


@dataclass(frozen=True)
class Continuity:
    """How often guests with an owner were served by the owner: of the visits that somebody wrote down."""

    by_owner: int
    told: int
    handed: int
    untold: int

    @property
    def rate(self) -> float | None:
        """The share served by the owner; None where nobody wrote anything down."""
        return self.by_owner / self.told if self.told else None


def seen_between(store: Store, first: date, last: date) -> list[Seen]:
    """The counted visits of guests with an owner from the first to the last business day, the latest first. Three
    queries.
    """
    visits = list(
        Visit.objects.filter(
            COUNTED, store=store, business_date__gte=first, business_date__lte=last, customer__isnull=False,
            customer__patronages__store=store, customer__patronages__owner__isnull=False,
        ).select_related("customer").order_by("-visited_at")
    )  # fmt: skip
    here = Patronage.objects.filter(store=store, customer__in={visit.customer_id for visit in visits})
    guests = {each.customer_id: each for each in here.select_related("owner", "customer")}
    told = {each.visit_id: each for each in Served.objects.filter(visit__in=visits).select_related("by")}
    return [
        Seen(visit, guests[visit.customer_id], told.get(visit.pk)) for visit in visits if visit.customer_id
    ]


def continuity(seen: list[Seen]) -> Continuity:
    """How many of these visits were served by the owner."""
    told = [each for each in seen if each.served is not None]
    by_owner = sum(each.by_owner for each in told)
    handed = sum(bool(each.served and each.served.note) and not each.by_owner for each in told)
    return Continuity(by_owner, len(told), handed, len(seen) - len(told))
