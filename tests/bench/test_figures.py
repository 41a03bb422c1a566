"""The benchmarks measure what they say: the rivals decide the same, the floors add up, memory and verdicts are told."""

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import pytest
from django.db import connection, transaction

from bench import floors, nights, orm_nights, writes
from bench.answers import facts_of
from bench.measure import Cost, Figure, Pairs, Peaks, anonymous_mb, versus
from common.clock import now
from crm.demo import bench as load
from customers.models import Patronage, Visit
from customers.services.customers import set_introducer
from staff.models import Store
from tiering.models import TierDecision
from tiering.rules import Known, decide, read_scheme
from tiering.services.decisions import decide_night

ON = load.LAST_DAY.isoformat()


@pytest.fixture(scope="module")
def small(django_db_setup, django_db_blocker) -> Iterator[list[int]]:
    """900 guests in two stores, graded; the ids of the stores, the larger first."""
    with django_db_blocker.unblock(), transaction.atomic():
        load.load(customers=900, visits=9_000, stores=2, seed=5, say=lambda line: None)
        for store in Store.objects.all():
            decide_night(store, load.LAST_DAY, at=now())
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA bench")
            cursor.execute(
                "CREATE TABLE bench.truth AS SELECT store_id, customer_id, tier FROM customers_patronage"
            )
            cursor.execute("SELECT store_id FROM customers_patronage GROUP BY 1 ORDER BY count(*) DESC")
            found = [store_id for (store_id,) in cursor.fetchall()]
        yield found
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def undone(small) -> Iterator[None]:
    """Every test on the same guests."""
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("rival", ["orm_bulk", "naive"])
def test_a_rival_decides_every_guest_as_the_night_did_and_leaves_nothing(small, rival):
    store_id = small[0]
    guests = Patronage.objects.filter(store_id=store_id)
    said = {"on": ON, "store_id": store_id} | ({"guests": 40} if rival == "naive" else {})
    first = {"guests": 40 if rival == "naive" else guests.count(), "changed": 0, "unlike": 0}
    ask = getattr(orm_nights, rival)
    assert ask(**said) == first
    risen = guests.order_by("pk").exclude(tier="A")[:5]
    guests.filter(pk__in=[each.pk for each in risen]).update(tier="A")
    before = (list(guests.values_list("pk", "tier")), TierDecision.objects.count())
    assert ask(**said) == first | {"changed": 5}
    assert (list(guests.values_list("pk", "tier")), TierDecision.objects.count()) == before


def test_who_decides_otherwise_is_counted(small):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE bench.truth SET tier = 'Z' WHERE customer_id IN (SELECT customer_id FROM bench.truth "
                       "WHERE store_id = %s ORDER BY 1 LIMIT 3)", [small[0]])  # fmt: skip
    assert orm_nights.orm_bulk(on=ON, store_id=small[0])["unlike"] == 3


def test_the_rivals_facts_are_those_counted_from_the_rows(small):
    store = Store.objects.get(pk=small[0])
    newcomers = store.patronages.filter(first_paid_on__range=("2026-05-01", "2026-05-31"))
    introducer = store.patronages.order_by("pk").first().customer
    for each in newcomers.filter(customer__introduced_by=None)[:3]:
        set_introducer(store=store, customer=each.customer, introducer_id=introducer.pk, actor=None, at=now())
    weeks, brought = orm_nights._weeks(store, load.LAST_DAY), orm_nights._brought(store, load.LAST_DAY)
    rows = list(orm_nights._with_sums(store, load.LAST_DAY))
    assert brought[introducer.pk] == 3 and len(rows) > 100
    for row in sorted(rows, key=lambda row: row.customer_id)[::5]:
        guest = row.customer_id
        in_bulk = orm_nights._facts(row, load.LAST_DAY, weeks.get(guest, ()), brought.get(guest, 0))
        alone = orm_nights._one_by_one(store, row, load.LAST_DAY)
        with connection.cursor() as cursor:
            counted = facts_of(cursor, store.pk, guest, load.LAST_DAY)
        thirds = {"avg_monthly_spend_3m", "avg_monthly_visits_3m"}
        expected = {
            key: value * 3 if key in thirds and value is not None else value for key, value in counted.items()
        }
        assert in_bulk == alone == expected


@pytest.mark.parametrize("shape", range(load.SHAPES))
def test_rules_as_functions_decide_as_the_rules_themselves(shape):
    scheme = read_scheme(load.scheme_body(shape, 3))
    decider = orm_nights.decider(scheme)
    per = {"avg_monthly_spend_3m": 3, "avg_monthly_visits_3m": 3}
    seen = set()
    for n in range(300):
        facts = {key: (n * prime) % top for prime, (key, top) in zip((7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59), {
            "spend_365d": 2_000_000, "avg_monthly_spend_3m": 900_000, "consecutive_weeks": 9, "visits_30d": 7, "max_bill_90d": 200_000,
            "spend_90d": 300_000, "visits_90d": 9, "avg_monthly_visits_3m": 11, "new_customers_1m": 3, "last_bill": 60_000,
            "visits_365d": 8, "spend_30d": 40_000, "spend_month": 20_000, "days_since_last_visit": 200}.items(), strict=True)}  # fmt: skip
        if n % 5 == 0:
            facts |= {"max_bill_90d": None, "last_bill": None, "days_since_last_visit": None}
        known = {
            key: None if value is None else Fraction(value, per.get(key, 1)) for key, value in facts.items()
        }
        assert decider(facts) == decide(scheme, Known(known))
        seen.add(decider(facts))
    assert len(seen) > 1


def test_the_scan_and_the_floor_add_up_to_the_same(small):
    both = floors.floor(stores=small, on=ON)
    assert floors.whole(on=ON) == both
    assert (
        both["visits"]
        == Visit.objects.filter(business_date__gt="2025-06-17", business_date__lte=ON).count()
        > 0
    )


def test_the_chain_is_what_the_stores_say_and_a_guest_is_explained(small):
    assert nights.chain(on=ON)["guests"] == 900
    assert nights.chain_unlike(on=ON) == 0
    took = nights.explain(on=ON, store_id=small[0], guests=3)
    assert 0 < took["read"] < took["explain"]
    assert took["wall"] > 0


def test_visits_are_logged_one_after_the_other(small):
    before = Visit.objects.count()
    took = writes.steady(seconds=0.2, every_ms=20, salt=1)
    assert Visit.objects.count() == before + len(took)
    assert 1 < len(took) <= 11
    assert all(b - a >= 0.019 for (a, _), (b, _) in pairwise(took))


def test_the_most_memory_is_seen_while_it_is_held():
    with Peaks(os.getpid()) as peaks:
        before = anonymous_mb(os.getpid())
        held = bytearray(b"x" * 30_000_000)
        after = anonymous_mb(os.getpid())
        del held
    assert after - before > 25
    assert peaks.seen[os.getpid()] >= before


def test_a_figure_for_another_size_is_shown_and_neither_held_nor_missed():
    pairs = Pairs((Cost(1, 1),) * 3, (Cost(2, 2),) * 3)
    shown = versus("X", "what", pairs, 0.5, judged=False)
    assert (shown.as_json()["holds"], shown.as_json()["ratio"], shown.as_line().split()[1]) == (
        None,
        2,
        "shown",
    )
    assert versus("X", "what", pairs, 0.5).as_json()["holds"] is False
    assert Figure("Y", "what", 1, "MB", 128).as_line().split()[1] == "holds"
