"""Whom the desk thinks of today: birthdays, regulars who stay away, visits that wait for a nod."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, DateField, DurationField, ExpressionWrapper, F, Value

from common.birthdays import Birthday, next_celebration
from common.phones import mask
from customers.models import Patronage, Phone, Tag, Visit
from customers.selectors.born import born_between
from customers.selectors.listing import guests_of
from staff.models import Store

# A regular: four visits or more. Slipping: away three times as long as usual, for 21 to 180 days.
REGULAR_FROM_VISITS = 4
USUAL_TIMES = 3
AWAY_AT_LEAST = timedelta(days=21)
AWAY_AT_MOST = timedelta(days=180)


@dataclass(frozen=True)
class Celebrated:
    """A guest of the store and the day on which the birthday is greeted."""

    patronage: Patronage
    birthday: Birthday
    on: date


def birthdays(store: Store, first: date, days: int = 8) -> list[Celebrated]:
    """The store's guests whose birthday falls on `first` or one of the days after it, by day. One query."""
    last = first + timedelta(days=days - 1)
    found = []
    for patronage in guests_of(store).filter(born_between(first, last), customer__brand_id=store.brand_id):
        birthday = patronage.customer.birthday
        assert birthday is not None, "found by it"
        found.append(Celebrated(patronage, birthday, next_celebration(birthday, first).on))
    return sorted(found, key=lambda each: (each.on, -each.patronage.spend_total_fen))


def has_birthday_soon(birthday: Birthday | None, today: date, days: int = 7) -> date | None:
    """The day within `days` on which a guest is greeted; None where it is further away or unknown."""
    if birthday is None:
        return None
    on = next_celebration(birthday, today).on
    return on if on <= today + timedelta(days=days) else None


@dataclass(frozen=True)
class Slipping:
    """A regular who stays away: days since the last visit, and how many used to lie between two visits."""

    patronage: Patronage
    away: int
    usual: int


def slipping_away(store: Store, today: date, most: int = 6) -> list[Slipping]:
    """The regulars who have been away for longer than three times their usual rest, who spent most first."""
    # (today - last) * (visits - 1) > 3 * (last - first): the mean rest between visits, without dividing.
    away = Value(today, DateField()) - F("last_visit_on")
    rests = ExpressionWrapper(away * (F("visits_total") - 1), DurationField())
    usual_rests = ExpressionWrapper((F("last_visit_on") - F("first_visit_on")) * USUAL_TIMES, DurationField())
    rows = (
        guests_of(store)
        .filter(
            visits_total__gte=REGULAR_FROM_VISITS,
            last_visit_on__lte=today - AWAY_AT_LEAST,
            last_visit_on__gte=today - AWAY_AT_MOST,
        )
        .alias(rests=rests, usual_rests=usual_rests)
        .filter(rests__gt=F("usual_rests"))
        .order_by("-spend_total_fen", "id")[:most]
    )
    found = []
    for row in rows:
        assert row.last_visit_on and row.first_visit_on, "a guest with visits"
        usual = round((row.last_visit_on - row.first_visit_on).days / (row.visits_total - 1))
        found.append(Slipping(row, (today - row.last_visit_on).days, usual))
    return found


def held_visits(store: Store) -> list[Visit]:
    """The visits that came in late and wait for a manager's nod, the oldest first."""
    return list(
        Visit.objects.filter(store=store, counted_at=None, voided_at=None)
        .select_related("customer", "recorded_by")
        .order_by("recorded_at")[:200]
    )


def masked_numbers(customer_ids: Iterable[int]) -> dict[int, str]:
    """The guests' own numbers as pages show them: 138****8899. One query."""
    numbers = Phone.objects.filter(customer_id__in=list(customer_ids), kind=Phone.Kind.OWN)
    return {
        phone.customer_id: mask(str(phone.number or "")) for phone in numbers.only("customer_id", "number")
    }


def words_in_use(store: Store, most: int = 30) -> list[str]:
    """The tags that guests of this store carry, the most frequent first."""
    rows = (
        Tag.objects.filter(removed_at=None, customer__patronages__store=store)
        .values("word")
        .annotate(n=Count("id"))
        .order_by("-n", "word")[:most]
    )
    return [row["word"] for row in rows]


def labels_in_use(store: Store) -> list[str]:
    """The tier codes on the doors of this store's guests."""
    codes = Patronage.objects.filter(store=store).exclude(tier="").order_by("tier")
    return list(codes.values_list("tier", flat=True).distinct())
