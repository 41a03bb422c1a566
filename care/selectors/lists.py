"""The lists people work from: who looks after whom, birthdays to print, who stays away, whom to expect."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from care.models import ListRead, Message, Task, TaskEvent
from care.playbook import EVERYBODY, LAPSED_AFTER_DAYS, scatter
from care.selectors.plans import living_plan
from common.birthdays import BirthdayKey, matches_on
from common.clock import add_months
from customers.habit import TIMES, WEEKS
from customers.models import Booking, Patronage, Visit
from customers.selectors.bookings import booked_on
from customers.selectors.born import born_between
from staff.access import staff_of
from staff.models import Person, Role, Store
from tiering.selectors.pages import ladder

ABSENT_DAYS = 10
LAPSED_MONTHS = 2
CARDS = 5
ASKED = 3
SHOWN = 200
HIGHEST = 2


@dataclass(frozen=True)
class Held:
    """What one person looks after in a store; `gone`: works here no more."""

    person: Person
    guests: int
    tasks: int
    gone: bool


def held_by(store: Store, on: date) -> list[Held]:
    """Whoever works in the store, and whoever did and still has guests or open tasks here: those first. Four queries."""
    here = {person.pk for person, _role in staff_of(store, on) if person.is_active}
    owned = Patronage.objects.filter(store=store, owner__isnull=False)
    guests = dict(owned.values_list("owner").annotate(Count("pk")).order_by())
    open_ = Task.objects.filter(store=store, state=Task.State.OPEN, assignee__isnull=False)
    tasks = dict(open_.values_list("assignee").annotate(Count("pk")).order_by())
    people = Person.objects.filter(memberships__store=store).distinct().order_by("username")
    held = [Held(each, guests.get(each.pk, 0), tasks.get(each.pk, 0), each.pk not in here) for each in people]
    some = [each for each in held if each.guests or each.tasks or not each.gone]
    return sorted(some, key=lambda each: (not each.gone, -each.guests, -each.tasks))


# ---- who is a VIP, who has read a list -----------------------------------------------------------------------


def vips(store: Store, on: date) -> QuerySet[Patronage]:
    """The guests of the two highest ranks of the ladder in force; every guest with a tier where there is no ladder."""
    scheme = ladder(store, on).scheme
    found = Patronage.objects.filter(store=store).select_related("customer", "owner")
    if scheme is None or not scheme.is_ladder:
        return found.exclude(tier__in=("", "UNRATED"))
    return found.filter(tier__in=scheme.codes[:HIGHEST])


@dataclass(frozen=True)
class Reading:
    """Who of those who work here has read a list: how many of how many, and whether this person has."""

    done: int
    of: int
    mine: bool
    missing: list[Person]


def reading(store: Store, name: str, person: Person, on: date) -> Reading:
    """Who has read the list `name`, of those who work in the store on `on` (the brand's owners need not)."""
    team = [each for each, role in staff_of(store, on) if role != Role.HQ and each.is_active]
    read = set(ListRead.objects.filter(store=store, name=name).values_list("person", flat=True))
    missing = [each for each in team if each.pk not in read]
    return Reading(len(team) - len(missing), len(team), person.pk in read, missing)


def confirm_read(*, store: Store, name: str, person: Person, at: datetime) -> None:
    """This person has read the list. Twice is once."""
    ListRead.objects.get_or_create(store=store, name=name, person=person, defaults={"at": at})


# ---- birthdays to print --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Born:
    """A VIP with a birthday that is greeted on `on`, and what the plan gives for it."""

    on: date
    guest: Patronage
    gift: tuple[str, str]


def birthdays_of_month(store: Store, first: date, today: date) -> list[Born]:
    """The VIPs whose birthday is greeted in the month that begins on `first`, by day."""
    last = add_months(first, 1) - timedelta(days=1)
    days: dict[BirthdayKey, date] = {}
    for n in range((last - first).days + 1):
        for key in matches_on(first + timedelta(days=n)):
            days.setdefault(key, first + timedelta(days=n))
    stands = ladder(store, today)
    plan = living_plan(store, stands.adoption.version.scheme.code) if stands.adoption else None
    owed = [
        line for line in (plan.lines.all() if plan else ()) if line.enabled and line.trigger == "birthday"
    ]
    # Where nobody does anything in person, the text is what the guest gets.
    gifts = {line.tier: (line.zh, line.en) for line in sorted(owed, key=lambda line: line.channel != "sms")}
    for_all = gifts.get(EVERYBODY, ("", ""))
    found = []
    for guest in vips(store, today).filter(born_between(first, last)):
        born = guest.customer
        key = BirthdayKey(born.birth_calendar, born.birth_month or 0, born.birth_day or 0, born.birth_leap)
        if key in days:
            found.append(Born(days[key], guest, gifts.get(guest.tier, for_all)))
    return sorted(found, key=lambda each: (each.on, each.guest.external_id))


# ---- who stays away ------------------------------------------------------------------------------------------


def absent(store: Store, on: date) -> list[Patronage]:
    """Who has not come for ten days up to two months, the dearest guests first; at most 200."""
    since = Coalesce("last_visit_on", "since")
    found = Patronage.objects.filter(store=store).select_related("customer", "owner").annotate(seen_on=since)
    within = found.filter(
        seen_on__lte=on - timedelta(days=ABSENT_DAYS), seen_on__gt=on - timedelta(days=LAPSED_AFTER_DAYS)
    )
    return list(within.order_by("-spend_total_fen", "pk")[:SHOWN])


def lapsed_large(store: Store, on: date, least_fen: int) -> list[Patronage]:
    """Large guests whose last visit is more than two months back, the dearest first; at most 200.

    Large: of the two highest ranks, or with at least `least_fen` spent here in all.
    """
    scheme = ladder(store, on).scheme
    ranks: Sequence[str] = scheme.codes[:HIGHEST] if scheme and scheme.is_ladder else ()
    found = Patronage.objects.filter(store=store, last_visit_on__lt=add_months(on, -LAPSED_MONTHS))
    large = found.filter(Q(tier__in=ranks) | Q(spend_total_fen__gte=least_fen))
    return list(large.select_related("customer", "owner").order_by("-spend_total_fen", "pk")[:SHOWN])


# ---- before the shift ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Briefing:
    """Whom to expect today (who has booked; who usually comes on this day of the week), and five more VIPs to know.

    `booked`: bookings of VIPs, with their patronages, by time; who has booked is not among those `expected`. `ate`: up to
    three dishes of a guest's last visit, by the guest's id: what to ask about.
    """

    booked: list[tuple[Booking, Patronage]]
    expected: list[Patronage]
    cards: list[Patronage]
    ate: dict[int, list[str]]


def briefing(store: Store, on: date) -> Briefing:
    """The VIPs with a booking for the day; those who came on three of the last four such days of the week; five others,
    every day other ones, the same for everybody.
    """
    weekdays = [on - timedelta(weeks=week) for week in range(1, WEEKS + 1)]
    often = (
        Visit.objects.filter(store=store, business_date__in=weekdays, voided_at=None, customer__isnull=False)
        .values("customer")
        .annotate(days=Count("business_date", distinct=True))
        .filter(days__gte=TIMES)
        .values("customer")
    )
    known = vips(store, on)
    bookings = booked_on(store, on)
    guests = {
        each.customer_id: each for each in known.filter(customer__in={row.customer_id for row in bookings})
    }
    booked = [(row, guests[row.customer_id]) for row in bookings if row.customer_id in guests]
    usual = known.filter(customer__in=often).exclude(customer__in=guests)
    expected = list(usual.order_by("-spend_total_fen", "pk")[:SHOWN])
    there = {guest.pk for guest in [*expected, *guests.values()]}
    salt = zlib.crc32(on.isoformat().encode()) & 0xFFFF
    others = [pk for pk in known.order_by("pk").values_list("pk", flat=True) if pk not in there]
    drawn = sorted(others, key=lambda pk: (scatter(pk, salt), pk))[:CARDS]
    order = Case(*(When(pk=pk, then=Value(n)) for n, pk in enumerate(drawn)), output_field=IntegerField())
    cards = list(known.filter(pk__in=drawn).order_by(order)) if drawn else []
    return Briefing(booked, expected, cards, _ate(store, [*guests.values(), *expected, *cards]))


def _ate(store: Store, people: list[Patronage]) -> dict[int, list[str]]:
    bills = {guest.last_external_id for guest in people if guest.last_external_id}
    last = Visit.objects.filter(store=store, external_id__in=bills, voided_at=None).exclude(dishes=[])
    return {
        guest: [dish["name"] for dish in dishes[:ASKED]]
        for guest, dishes in last.values_list("customer", "dishes")
    }


# ---- what was said to whom -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contact:
    """One call, visit, gift or text: `channel` says how, one of `event` and `message` what."""

    at: datetime
    channel: str
    event: TaskEvent | None = None
    message: Message | None = None


TRIED = ("done", "not_reached", "declined")


def contacts(store: Store, span: tuple[datetime, datetime], channel: str = "") -> list[Contact]:
    """The contacts of the store from the first moment to before the last, in order, of one channel if named. At most 200
    of people and 200 of texts.
    """
    first, last = span
    events = TaskEvent.objects.filter(task__store=store, at__gte=first, at__lt=last, outcome__in=TRIED)
    texts = Message.objects.filter(
        store=store, claimed_at__gte=first, claimed_at__lt=last, state__in=Message.HANDED
    )
    found = []
    if channel != "sms":
        if channel:
            events = events.filter(task__channel=channel)
        rows = events.select_related("task__customer", "by").order_by("at", "pk")[:SHOWN]
        found += [Contact(each.at, each.task.channel, event=each) for each in rows]
    if channel in ("", "sms"):
        sent = texts.select_related("customer").order_by("claimed_at", "pk")[:SHOWN]
        found += [Contact(each.claimed_at, "sms", message=each) for each in sent if each.claimed_at]
    return sorted(found, key=lambda each: each.at)
