"""The lists of the long relation: guests to win back, return visits of a week, guests with feedback, letters to send."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from care.models import AskedAgain, CallAnswer, Piece, Task
from care.playbook import LAPSED_AFTER_DAYS
from care.relations.rules import address_fault, won_back
from care.relations.services.calls import RETURNS
from care.relations.services.opening import WIN_BACK
from care.selectors.tasks import tasks_of
from care.services.gate import MOURNING
from customers.models import Patronage, Tag, Visit
from customers.models.customer import Preferred
from customers.models.visit import COUNTED
from customers.selectors.listing import guests_of
from feedback.models import LIVING_OPEN, Complaint, Suggestion
from staff.models import Store

SHOWN = 200
LABELS_AT_MOST = 5000


# ---- won back ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Called:
    """A guest who was called back: what was told, when, and what came of it (`returned`, `lost`, `waiting`)."""

    answer: CallAnswer
    on: date
    came_on: date | None
    outcome: str


@dataclass(frozen=True)
class Split:
    """How many guests gave a cause (or got a measure), and how many of them returned."""

    code: str
    label: str
    guests: int
    returned: int

    @property
    def rate(self) -> float:
        return self.returned / self.guests if self.guests else 0.0


@dataclass(frozen=True)
class WonBack:
    """What came of the calls of a period: the share is that of all who were reached."""

    rows: list[Called]
    causes: list[Split]
    measures: list[Split]

    @property
    def counts(self) -> dict[str, int]:
        """How many returned, were lost, are waited for; and `guests`: all."""
        found = Counter(each.outcome for each in self.rows)
        return {name: found[name] for name in ("returned", "lost", "waiting")} | {"guests": len(self.rows)}

    @property
    def rate(self) -> float:
        return self.counts["returned"] / len(self.rows) if self.rows else 0.0


def won_back_report(store: Store, span: tuple[datetime, datetime], days: int, today: date) -> WonBack:
    """What came of the calls to win back that reached somebody from the first moment to before the last: two queries."""
    answers = list(
        CallAnswer.objects.filter(
            event__task__store=store,
            event__task__code=WIN_BACK,
            event__at__gte=span[0],
            event__at__lt=span[1],
        )
        .exclude(cause="")
        .select_related("event__task__customer", "event__by")
        .order_by("-event__at", "-pk")
    )
    came = _first_visits(store, answers, days)
    rows = []
    for each in answers:
        on, day = store.business_day(each.event.at), came.get(each.pk)
        rows.append(Called(each, on, day, won_back(on, day, days, today)))
    return WonBack(
        rows,
        _split(rows, "cause", CallAnswer.Cause.choices),
        _split(rows, "measure", CallAnswer.Measure.choices),
    )


def _first_visits(store: Store, answers: Sequence[CallAnswer], days: int) -> dict[int, date]:
    """The day of the first visit that counts after each call."""
    if not answers:
        return {}
    guests = {each.event.task.customer_id for each in answers}
    visits = Visit.objects.filter(
        COUNTED, store=store, customer__in=guests, visited_at__gt=min(each.event.at for each in answers)
    )
    found: dict[int, list[tuple[datetime, date]]] = {}
    for guest, at, day in visits.order_by("visited_at").values_list(
        "customer", "visited_at", "business_date"
    ):
        found.setdefault(guest, []).append((at, day))
    came = {}
    for each in answers:
        after = [day for at, day in found.get(each.event.task.customer_id, ()) if at > each.event.at]
        if after:
            came[each.pk] = after[0]
    return came


def _split(rows: Sequence[Called], column: str, choices: Sequence[tuple[str, object]]) -> list[Split]:
    guests = Counter(getattr(each.answer, column) for each in rows)
    returned = Counter(getattr(each.answer, column) for each in rows if each.outcome == "returned")
    return [
        Split(str(code), str(label), guests[code], returned[code]) for code, label in choices if guests[code]
    ]


def lapsed_guests(store: Store, today: date) -> list[Patronage]:
    """Who has not come for 60 days or more and is on no list to be called for it: the dearest first, at most 200."""
    found = guests_of(store).filter(last_visit_on__lte=today - timedelta(days=LAPSED_AFTER_DAYS))
    listed = Task.objects.filter(
        store=store, code=WIN_BACK, customer=OuterRef("customer"), event_on=OuterRef("last_visit_on")
    )
    return list(found.exclude(Exists(listed)).order_by("-spend_total_fen", "pk")[:SHOWN])


def open_win_backs(store: Store) -> int:
    """How many calls to win back wait on somebody's list."""
    return Task.objects.filter(store=store, code=WIN_BACK, state=Task.State.OPEN).count()


# ---- return visits -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Week:
    """The return visits due in a week, by day; how many were planned, done, and suggestions recorded on them."""

    tasks: list[Task]
    planned: int
    done: int
    suggestions: list[Suggestion]


PLANNED_STATES = (Task.State.OPEN, Task.State.DONE, Task.State.DECLINED, Task.State.EXPIRED)


def returns_of(store: Store) -> QuerySet[Task]:
    """The store's return visits that were not called off."""
    return tasks_of(store).filter(
        Q(code__in=RETURNS, line=None) | Q(line__trigger="after_visit"), state__in=PLANNED_STATES
    )


def week_of_returns(store: Store, monday: date) -> Week:
    """The return visits due in the week that begins on `monday`. Five queries."""
    due = returns_of(store).filter(due_on__gte=monday, due_on__lt=monday + timedelta(days=7))
    counts = due.order_by().aggregate(planned=Count("pk"), done=Count("pk", filter=Q(state=Task.State.DONE)))
    told = CallAnswer.objects.filter(
        event__task__in=due.order_by().values("pk"), suggestion__isnull=False, suggestion__withdrawn_at=None
    )
    suggestions = [each.suggestion for each in told.select_related("suggestion__customer").order_by("pk")]
    rows = list(due.order_by("due_on", "pk")[: SHOWN * 2])
    return Week(rows, counts["planned"], counts["done"], [each for each in suggestions if each is not None])


def scripts_of(store: Store) -> list[Piece]:
    """What to ask on a return visit, as the store wrote it down."""
    return list(Piece.objects.filter(store=store, kind=Piece.Kind.SCRIPT).order_by("pk"))


# ---- who told us something -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Voice:
    """A guest who complained or suggested something: how often, when last; `open` complaints; `to_ask`: closed ones that
    are to be asked about at the next visit; `asked`: the last answer.
    """

    guest: Patronage
    complaints: int
    suggestions: int
    last_on: date
    open: int
    to_ask: int
    asked: AskedAgain | None


def voices(store: Store) -> list[Voice]:
    """Everybody with feedback, the latest first, at most 200: five queries."""
    living = Complaint.objects.filter(store=store, withdrawn_at=None)
    told = Suggestion.objects.filter(store=store, withdrawn_at=None)
    complained = {
        row["customer"]: row
        for row in living.values("customer")
        .annotate(n=Count("pk"), last=Max("opened_on"), open=Count("pk", filter=LIVING_OPEN))
        .order_by("-last", "-customer")[:SHOWN]
    }
    suggested = {
        row["customer"]: row
        for row in told.values("customer")
        .annotate(n=Count("pk"), last=Max("made_on"))
        .order_by("-last", "-customer")[:SHOWN]
    }
    guests = {
        each.customer_id: each
        for each in guests_of(store).filter(customer__in=complained.keys() | suggested.keys())
    }
    to_ask = Counter(each.customer_id for each in to_ask_again(store, list(complained)))
    asked = {
        each.complaint.customer_id: each
        for each in AskedAgain.objects.filter(complaint__in=living.filter(customer__in=complained.keys()))
        .select_related("complaint", "by")
        .order_by("pk")
    }
    found = []
    for pk, guest in guests.items():
        one, other = complained.get(pk), suggested.get(pk)
        last = max(row["last"] for row in (one, other) if row)
        found.append(
            Voice(guest, one["n"] if one else 0, other["n"] if other else 0, last, one["open"] if one else 0,
                  to_ask[pk], asked.get(pk))
        )  # fmt: skip
    return sorted(found, key=lambda each: (each.last_on, each.guest.pk), reverse=True)[:SHOWN]


def to_ask_again(store: Store, customer_ids: Sequence[int], today: date | None = None) -> list[Complaint]:
    """The closed complaints of these guests that are to be asked about when they are next here: from the moment a complaint
    is closed until somebody wrote down the answer, or the business day of the guest's first visit after it is over.

    `today`: the business day that still asks; None: only those without a visit since. Two queries.
    """
    found = complaints_of(store, customer_ids).filter(closed_at__isnull=False)
    return still_to_ask(store, list(found), today)


def complaints_of(store: Store, customer_ids: Sequence[int]) -> QuerySet[Complaint]:
    """The complaints of these guests, open and closed, each with the moment of the latest answer as `asked_at`."""
    found = Complaint.objects.filter(store=store, customer__in=customer_ids, withdrawn_at=None)
    return found.annotate(asked_at=Max("asked_again__at")).order_by("closed_at", "pk")


def still_to_ask(store: Store, complaints: Sequence[Complaint], today: date | None) -> list[Complaint]:
    """Those of these complaints that are to be asked about, as `to_ask_again` says. At most one query."""
    waiting = [
        each
        for each in complaints
        if each.closed_at and not (each.asked_at and each.asked_at >= each.closed_at)  # type: ignore[attr-defined]
    ]
    if not waiting:
        return []
    visits = Visit.objects.filter(
        COUNTED, store=store, customer__in={each.customer_id for each in waiting},
        visited_at__gt=min(each.closed_at for each in waiting if each.closed_at),
    )  # fmt: skip
    if today is not None:
        visits = visits.filter(business_date__lt=today)
    last = dict(visits.values_list("customer").annotate(Max("visited_at")).order_by())
    return [
        each
        for each in waiting
        if each.closed_at and not (each.customer_id in last and last[each.customer_id] > each.closed_at)
    ]


# ---- letters -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Letters:
    """Whom a card can be sent to, and who cannot get one and why: (guest, reason)."""

    labels: list[Patronage]
    faults: list[tuple[Patronage, str]]


def letters(store: Store) -> Letters:
    """The guests who like to hear from us by card, by number: those with an address, and those without. Two queries.

    A guest in mourning gets no card: that is a fault, too.
    """
    wanted = guests_of(store).filter(customer__preferred_channel=Preferred.CARD)
    rows = list(wanted.order_by("external_id")[:LABELS_AT_MOST])
    mourning = set(
        Tag.objects.filter(
            word__in=MOURNING, removed_at=None, customer__in=[each.customer_id for each in rows]
        ).values_list("customer", flat=True)
    )
    labels, faults = [], []
    for each in rows:
        fault = "in_mourning" if each.customer_id in mourning else address_fault(each.customer.address)
        if fault:
            faults.append((each, fault))
        else:
            labels.append(each)
    return Letters(labels, faults)
