"""The register of gifts, the stock, what is kept for guests, who tries which dish first, treatments used."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Case, Count, F, QuerySet, Sum, When, Window

from customers.models import Dish, Patronage, Tag
from loyalty.models import Gift, GiftItem, KeptItem, TreatmentUse
from loyalty.services.gifts import loyalty_rules_of
from loyalty.services.keeping import EARLY
from staff.models import Store

SHOWN = 100
OF_A_GUEST = 20
EARLY_SHOWN = 200


def items_of(store: Store) -> QuerySet[GiftItem]:
    """What the house gives away, by name."""
    return GiftItem.objects.filter(store=store, retired_at=None).order_by("name", "pk")


def waiting_gifts(store: Store) -> list[Gift]:
    """The gifts that wait for somebody above, the oldest first."""
    found = Gift.objects.filter(store=store, state=Gift.State.WAITING)
    return list(found.select_related("customer", "by").order_by("at", "pk")[:SHOWN])


def last_gifts(store: Store) -> list[Gift]:
    """The register: what was given or refused, the latest first."""
    found = Gift.objects.filter(store=store).exclude(state=Gift.State.WAITING)
    return list(found.select_related("customer", "by", "decided_by").order_by("-at", "-pk")[:SHOWN])


def gifts_of(store: Store, customer_id: int) -> list[Gift]:
    """What one guest was given here, the latest first."""
    found = Gift.objects.filter(store=store, customer_id=customer_id).select_related("by", "decided_by")
    return list(found.order_by("-at", "-pk")[:OF_A_GUEST])


def month_by_person(store: Store, on: date) -> list[tuple[str, int, int]]:
    """Who gave how many gifts for how much in the month of a day so far, the most first: (name, number, fen)."""
    found = (
        Gift.objects.filter(store=store, state=Gift.State.GIVEN, on__gte=on.replace(day=1), on__lte=on)
        .values("by__name", "by__username")
        .annotate(number=Count("pk"), fen=Sum("cost_fen"))
        .order_by("-fen", "by__username")
    )
    return [(row["by__name"] or row["by__username"] or "", row["number"], row["fen"]) for row in found]


def kept_for(store: Store, customer_id: int) -> list[KeptItem]:
    """What the store keeps for one guest."""
    return list(KeptItem.objects.filter(store=store, customer_id=customer_id, removed_at=None).order_by("pk"))


def kept_in(store: Store) -> list[KeptItem]:
    """What the store keeps for its guests: what has to be bought first, then by guest."""
    found = KeptItem.objects.filter(store=store, removed_at=None).select_related("customer", "changed_by")
    rows = list(found.order_by("customer__name", "customer_id", "pk")[: 5 * SHOWN])
    return sorted(rows, key=lambda row: not row.is_low)


def to_buy(store: Store) -> list[KeptItem]:
    """What is kept for guests and has to be bought, the emptiest first."""
    low = KeptItem.objects.filter(store=store, removed_at=None, left__lte=F("alert_at"))
    return list(low.select_related("customer").order_by("left", "customer__name", "pk")[: 5 * SHOWN])


def has_early_access(customer_id: int) -> bool:
    """Whether a guest tries new dishes before everybody."""
    return Tag.objects.filter(customer_id=customer_id, word=EARLY, removed_at=None).exists()


@dataclass(frozen=True)
class EarlyList:
    """The dishes whose launch is near, and the guests to whom they are shown before it."""

    days: int
    dishes: list[Dish]
    guests: list[Patronage]


def early_list(store: Store, on: date) -> EarlyList:
    """The dishes to be launched within the store's early days after `on`, and the guests who try first."""
    days = loyalty_rules_of(store).early_days
    dishes = Dish.objects.filter(
        store=store, withdrawn_at=None, launched_on__gt=on, launched_on__lte=on + timedelta(days=days)
    )
    early = Tag.objects.filter(word=EARLY, removed_at=None).values("customer")
    guests = Patronage.objects.filter(store=store, customer__in=early).select_related("customer", "owner")
    return EarlyList(
        days,
        list(dishes.order_by("launched_on", "pk")),
        list(guests.order_by("-spend_total_fen", "pk")[:EARLY_SHOWN]),
    )


@dataclass(frozen=True)
class Used:
    """A treatment that a guest was given: the use to tell of, how often it was given, whether it was on this visit."""

    use: TreatmentUse
    times: int
    is_now: bool


def uses_now(store: Store, customer_id: int, on: date, sitting: int) -> dict[str, Used]:
    """The treatments a guest was given here, by the code of their line: the use on this visit, else the latest."""
    is_now = Case(When(on=on, sitting=sitting, then=True), default=False)
    rows = (
        TreatmentUse.objects.filter(store=store, customer_id=customer_id, voided_at=None)
        .annotate(is_now=is_now, times=Window(Count("pk"), partition_by="code"))
        .order_by("code", "-is_now", "-on", "-pk")
        .distinct("code")
    )
    return {row.code: Used(row, row.times, row.is_now) for row in rows}


def uses_listed(store: Store, customer_id: int) -> list[TreatmentUse]:
    """The treatments a guest was given here, each line once with the latest use, `number` and the latest first."""
    rows = (
        TreatmentUse.objects.filter(store=store, customer_id=customer_id, voided_at=None)
        .annotate(number=Window(Count("pk"), partition_by="code"))
        .order_by("code", "-on", "-pk")
        .distinct("code")
    )
    return sorted(rows, key=lambda row: (row.on, row.pk), reverse=True)
