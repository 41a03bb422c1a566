"""The load for benchmarks: the same for the same seed, true to itself, and the database as it was made."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from common.clock import now
from crm.demo import bench
from customers.services.upkeep import recount, refresh_search_keys
from staff.models import Brand, Store
from tiering.rules import facts_used
from tiering.selectors.schemes import in_force, scheme_of
from tiering.services.decisions import decide_night

pytestmark = pytest.mark.django_db
SIZE: dict[str, Any] = {"customers": 900, "visits": 18_000, "stores": 5, "seed": 3}

CONTENT = (
    "SELECT v.id, v.customer_id, s.code, v.external_id, v.business_date, v.visited_at, v.amount_fen, v.party_size, "
    "v.occasion FROM customers_visit v JOIN staff_store s ON s.id = v.store_id ORDER BY v.id",
    "SELECT p.customer_id, s.code, p.external_id, p.since, p.visits_total, p.spend_total_fen, p.last_visited_at "
    "FROM customers_patronage p JOIN staff_store s ON s.id = p.store_id ORDER BY 1",
    "SELECT id, name, birth_month, birth_day, created_at FROM customers_customer ORDER BY id",
    "SELECT customer_id, last_four FROM customers_phone ORDER BY 1",
    "SELECT customer_id, introducer_id, recorded_at FROM customers_introduction ORDER BY 1",
)
# Everything that `bare` takes away for a while, as the catalogue names it.
STRUCTURE = (
    "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'customers%' ORDER BY 1",
    "SELECT conrelid::regclass::text, conname, contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid::regclass::text LIKE 'customers%' ORDER BY 1, 2",
    "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal "
    "AND tgrelid::regclass::text LIKE 'customers%' ORDER BY 1, 2",
)


def rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def digest() -> str:
    return hashlib.sha256(repr([rows(sql) for sql in CONTENT]).encode()).hexdigest()


def load(**other: Any) -> int:
    return bench.load(**(SIZE | other), say=lambda line: None)


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker) -> Iterator[dict[str, Any]]:
    """The load, made three times: twice the same, the second of which stays, and once with another seed."""
    with django_db_blocker.unblock(), transaction.atomic():
        seen: dict[str, Any] = {"structure before": [rows(sql) for sql in STRUCTURE]}
        for name, seed in (("first", 3), ("other", 4)):
            point = transaction.savepoint()
            load(seed=seed)
            seen[name] = digest()
            transaction.savepoint_rollback(point)
        seen["visits"] = load()
        seen["second"] = digest()
        yield seen
        transaction.set_rollback(True)


def test_the_same_seed_gives_the_same_rows(loaded):
    assert loaded["first"] == loaded["second"] != loaded["other"]


def test_indexes_keys_and_triggers_are_as_before(loaded):
    assert [rows(sql) for sql in STRUCTURE] == loaded["structure before"]
    assert all(on == "O" for _, _, on in rows(STRUCTURE[2]))


def test_as_many_as_asked_for(loaded):
    ((customers, visits, patronages, stores),) = rows(
        "SELECT (SELECT count(*) FROM customers_customer), (SELECT count(*) FROM customers_visit), "
        "(SELECT count(*) FROM customers_patronage), (SELECT count(DISTINCT store_id) FROM customers_patronage)"
    )
    assert (customers, patronages, stores) == (900, 900, 5)
    assert visits == loaded["visits"] and abs(visits - 18_000) < 900


def test_sums_and_search_keys_are_those_of_the_services(loaded):
    for store in Store.objects.all():
        assert recount(store.pk) == 0
    before = rows("SELECT id, name_key, search_keys FROM customers_customer ORDER BY id")
    refresh_search_keys([row[0] for row in before])
    assert rows("SELECT id, name_key, search_keys FROM customers_customer ORDER BY id") == before


def test_it_is_skewed(loaded):
    sizes = [n for (n,) in rows("SELECT count(*) FROM customers_patronage GROUP BY store_id ORDER BY 1")]
    assert sizes[-1] > 2 * sizes[0]
    ((top, everything),) = rows(
        "SELECT sum(n) FILTER (WHERE place <= 0.1), sum(n) FROM (SELECT visits_total AS n, "
        "percent_rank() OVER (ORDER BY visits_total DESC) AS place FROM customers_patronage) p"
    )
    assert top / everything > 0.3
    assert len(rows("SELECT DISTINCT timezone FROM staff_store")) == 5
    # Rows lie in the order of their days, as a restaurant writes them.
    assert rows("SELECT business_date FROM customers_visit ORDER BY ctid LIMIT 1") == rows(
        "SELECT min(business_date) FROM customers_visit"
    )


def test_every_store_has_its_own_rules_over_the_14_facts(loaded):
    asked = {
        "spend_30d", "spend_90d", "spend_365d", "avg_monthly_spend_3m", "avg_monthly_visits_3m", "visits_30d",
        "visits_90d", "visits_365d", "spend_month", "consecutive_weeks", "last_bill", "days_since_last_visit",
        "new_customers_1m", "max_bill_90d",
    }  # fmt: skip
    bodies, tiers = set(), set()
    for store in Store.objects.all():
        adoption = in_force(store.pk, bench.LAST_DAY)
        assert set(facts_used(scheme_of(adoption.version))) == asked
        bodies.add(str(adoption.version.body))
        outcome = decide_night(store, bench.LAST_DAY, at=now())
        assert outcome.entered == outcome.guests
        tiers |= {
            tier
            for (tier,) in rows(f"SELECT DISTINCT tier FROM customers_patronage WHERE store_id = {store.pk}")
        }
    assert len(bodies) == 5
    assert tiers == {"A", "B", "C", "D"}


def test_a_database_in_use_is_refused():
    Brand.objects.create(code="here", name="Here")
    before = Store.objects.count()
    with pytest.raises(CommandError, match="not empty"):
        call_command("seed_bench", customers=10, visits=10, stores=1)
    assert Store.objects.count() == before
