"""The same night as two other programs would do it, to hold ours against: they must decide the same, and are undone.

`orm_bulk`: the guests with conditional aggregation in one query, as Django's documentation teaches it, the rules in
Python, bulk_update and bulk_create. `naive`: guest after guest, a query for every fact, `save`. Both see tables of
guests and visits without running sums, and write no reasons.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncWeek

from common.clock import last_full_months, now
from customers.models import Introduction, Patronage, Visit
from staff.models import Store
from tiering.facts import CATALOGUE
from tiering.models import TierDecision
from tiering.rules import Compare, Group, Node, Otherwise, Scheme
from tiering.selectors.schemes import in_force, scheme_of

Facts = Mapping[str, int | None]
_OPS = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
COUNTED = Q(voided_at=None, counted_at__isnull=False)
_BATCH = 1000


def orm_bulk(*, on: str, store_id: int) -> dict[str, int]:
    """One store's night by the ORM in bulk: guests, changed, and decided unlike `bench.truth`."""
    day = date.fromisoformat(on)
    store, version, scheme = _in_force(store_id, day)
    decide = decider(scheme)
    with transaction.atomic():
        weeks, brought = _weeks(store, day), _brought(store, day)
        changed, decisions, decided = [], [], {}
        for guest in _with_sums(store, day):
            facts = _facts(guest, day, weeks.get(guest.customer_id, ()), brought.get(guest.customer_id, 0))
            tier = decided[guest.customer_id] = decide(facts)
            if tier != guest.tier:
                decisions.append(_decision(guest, version, day, tier, facts))
                guest.tier, guest.tier_since = tier, day
                changed.append(guest)
        Patronage.objects.bulk_update(changed, ["tier", "tier_since"], batch_size=_BATCH)
        TierDecision.objects.bulk_create(decisions, batch_size=_BATCH)
        transaction.set_rollback(True)
    return {"guests": len(decided), "changed": len(changed), "unlike": _unlike(store_id, decided)}


def naive(*, on: str, store_id: int, guests: int) -> dict[str, int]:
    """The night of the store's first `guests` guests, one after the other; as `orm_bulk`."""
    day = date.fromisoformat(on)
    store, version, scheme = _in_force(store_id, day)
    decide = decider(scheme)
    decided, changed = {}, 0
    with transaction.atomic():
        for guest in Patronage.objects.filter(store=store).order_by("pk")[:guests]:
            facts = _one_by_one(store, guest, day)
            tier = decided[guest.customer_id] = decide(facts)
            if tier != guest.tier:
                _decision(guest, version, day, tier, facts).save()
                guest.tier, guest.tier_since = tier, day
                guest.save()
                changed += 1
        transaction.set_rollback(True)
    return {"guests": len(decided), "changed": changed, "unlike": _unlike(store_id, decided)}


def decider(scheme: Scheme) -> Callable[[Facts], str]:
    """The rules as Python functions, made once: what a program with rules in Python would run for every guest."""
    tiers = [(tier.code, _holds(tier.when)) for tier in scheme.tiers]

    def decide(facts: Facts) -> str:
        return next((code for code, holds in tiers if holds(facts)), scheme.fallback)

    return decide


def _holds(node: Node) -> Callable[[Facts], bool]:
    if isinstance(node, Otherwise):
        return lambda facts: True
    if isinstance(node, Compare):
        key, compare = node.fact, _OPS[node.op]
        # Averages are kept as their sum: the threshold is multiplied instead.
        threshold = node.value * CATALOGUE[key].per
        limit = int(threshold) if threshold.denominator == 1 else threshold

        def line(facts: Facts) -> bool:
            value = facts[key]
            return value is not None and compare(value, limit)

        return line
    assert isinstance(node, Group), node
    items, k = [_holds(item) for item in node.items], node.k
    if k == len(items):
        return lambda facts: all(item(facts) for item in items)
    if k == 1:
        return lambda facts: any(item(facts) for item in items)
    return lambda facts: sum(item(facts) for item in items) >= k


def _with_sums(store: Store, on: date) -> Iterable[Any]:
    """The guests of the store with an aggregate for every fact, in one query."""

    def since(days: int) -> Q:
        return counted & Q(customer__visits__business_date__gt=on - timedelta(days=days))

    counted = Q(
        customer__visits__store=store,
        customer__visits__business_date__lte=on,
        customer__visits__voided_at=None,
        customer__visits__counted_at__isnull=False,
    )
    quarter = counted & Q(customer__visits__business_date__range=last_full_months(on, 3))
    month = counted & Q(customer__visits__business_date__gte=on.replace(day=1))
    latest = Visit.objects.filter(COUNTED, store=store, customer=OuterRef("customer"), business_date__lte=on)
    bill = "customer__visits__amount_fen"
    return Patronage.objects.filter(store=store).annotate(
        spend_30d=Sum(bill, filter=since(30)),
        spend_90d=Sum(bill, filter=since(90)),
        spend_365d=Sum(bill, filter=since(365)),
        visits_30d=Count(bill, filter=since(30)),
        visits_90d=Count(bill, filter=since(90)),
        visits_365d=Count(bill, filter=since(365)),
        spend_month=Sum(bill, filter=month),
        avg_monthly_spend_3m=Sum(bill, filter=quarter),
        avg_monthly_visits_3m=Count(bill, filter=quarter),
        max_bill_90d=Max(bill, filter=since(90)),
        last_on=Max("customer__visits__business_date", filter=counted),
        last_bill=Subquery(latest.order_by("-visited_at", "-external_id").values("amount_fen")[:1]),
    )


def _facts(guest: Any, on: date, weeks: Iterable[date], brought: int) -> dict[str, int | None]:
    sums = ("spend_30d", "spend_90d", "spend_365d", "spend_month", "avg_monthly_spend_3m")
    counts = ("visits_30d", "visits_90d", "visits_365d", "avg_monthly_visits_3m")
    return {
        **{name: getattr(guest, name) or 0 for name in sums},
        **{name: getattr(guest, name) for name in counts},
        "max_bill_90d": guest.max_bill_90d,
        "last_bill": guest.last_bill,
        "days_since_last_visit": (on - guest.last_on).days if guest.last_on else None,
        "consecutive_weeks": _in_a_row(set(weeks), on),
        "new_customers_1m": brought,
    }


def _weeks(store: Store, on: date) -> dict[int, list[date]]:
    """The Mondays of the weeks of the last year in which each guest came; no rule asks for longer."""
    found: dict[int, list[date]] = {}
    rows = (
        Visit.objects.filter(
            COUNTED, store=store, business_date__range=(on - timedelta(days=364), on), customer__isnull=False
        )
        .annotate(week=TruncWeek("business_date"))
        .values_list("customer_id", "week")
        .distinct()
    )
    for guest, week in rows:
        found.setdefault(guest, []).append(week)
    return found


def _in_a_row(weeks: set[date], on: date) -> int:
    week = on - timedelta(days=on.weekday())
    if week not in weeks:
        week -= timedelta(weeks=1)
    count = 0
    while week in weeks:
        count, week = count + 1, week - timedelta(weeks=1)
    return count


def _brought(store: Store, on: date, introducer: int | None = None) -> dict[int, int]:
    """How many numbers each guest brought whose first paid bill lies in the last full month."""
    first, last = last_full_months(on, 1)
    paid = Q(
        customer__visits__store=store,
        customer__visits__amount_fen__gt=0,
        customer__visits__voided_at=None,
        customer__visits__counted_at__isnull=False,
    )
    rows: QuerySet[Any, Any] = (
        Introduction.objects.filter(voided_at=None, customer__patronages__store=store)
        .annotate(first_paid=Min("customer__visits__business_date", filter=paid))
        .filter(first_paid__range=(first, last))
    )
    if introducer is not None:
        rows = rows.filter(introducer=introducer)
    numbers: dict[int, set[object]] = {}
    for row in rows.prefetch_related("customer__phones"):
        phones = sorted(row.customer.phones.all(), key=lambda phone: (phone.kind != "own", phone.pk))
        number = bytes(phones[0].number_index) if phones else row.customer_id
        numbers.setdefault(row.introducer_id, set()).add(number)
    return {guest: len(found) for guest, found in numbers.items()}


def _one_by_one(store: Store, guest: Patronage, on: date) -> dict[str, int | None]:
    """Every fact by a query of its own."""
    visits = Visit.objects.filter(COUNTED, store=store, customer=guest.customer_id, business_date__lte=on)

    def spent(**window: object) -> int:
        return visits.filter(**window).aggregate(sum=Sum("amount_fen"))["sum"] or 0

    def since(days: int) -> dict[str, object]:
        return {"business_date__gt": on - timedelta(days=days)}

    quarter: dict[str, object] = {"business_date__range": last_full_months(on, 3)}
    latest = visits.order_by("-visited_at", "-external_id").first()
    return {
        **{f"spend_{days}d": spent(**since(days)) for days in (30, 90, 365)},
        **{f"visits_{days}d": visits.filter(**since(days)).count() for days in (30, 90, 365)},
        "spend_month": spent(business_date__gte=on.replace(day=1)),
        "avg_monthly_spend_3m": spent(**quarter),
        "avg_monthly_visits_3m": visits.filter(**quarter).count(),
        "max_bill_90d": visits.filter(**since(90)).aggregate(max=Max("amount_fen"))["max"],
        "last_bill": latest.amount_fen if latest else None,
        "days_since_last_visit": (on - latest.business_date).days if latest else None,
        "consecutive_weeks": _in_a_row(
            {day - timedelta(days=day.weekday()) for day in visits.values_list("business_date", flat=True)},
            on,
        ),
        "new_customers_1m": _brought(store, on, guest.customer_id).get(guest.customer_id, 0),
    }


def _decision(guest: Any, version: Any, on: date, tier: str, facts: Facts) -> TierDecision:
    at = now()
    return TierDecision(
        store_id=guest.store_id, customer_id=guest.customer_id, axis="tier", business_date=on, version=version,
        tier=tier, previous=guest.tier, reasons=[], facts=dict(facts), decided_at=at, known_at=at,
    )  # fmt: skip


def _in_force(store_id: int, on: date) -> tuple[Store, Any, Scheme]:
    adoption = in_force(store_id, on)
    assert adoption
    return Store.objects.get(pk=store_id), adoption.version, scheme_of(adoption.version)


def _unlike(store_id: int, decided: Mapping[int, str]) -> int:
    """How many of the decisions are not what the night found right."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT customer_id, tier FROM bench.truth WHERE store_id = %s", [store_id])
        truth = dict(cursor.fetchall())
    return sum(truth[guest] != tier for guest, tier in decided.items())


ACTIONS = {"orm_bulk": orm_bulk, "naive": naive}
