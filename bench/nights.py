"""Nights through the program's own code, and the state each round starts from.

`settle` grades every guest once and keeps what is right in the schema `bench`. `shake` gives a chosen part of the
guests a neighbouring tier as if last night had said so: label and latest decision agree, so that tonight changes
exactly these.
"""

import statistics
import time
from datetime import date, timedelta
from typing import Any

from django.db import connection

from bench.measure import cpu_of, cpu_of_this_process
from common.clock import now
from crm.demo.bench import scheme_body
from staff.models import Store
from tiering.rules import Scheme, facts_used, read_scheme
from tiering.selectors.decisions import standing
from tiering.selectors.forecast import outlook
from tiering.selectors.schemes import in_force, scheme_of
from tiering.services.chain import ChainPreview, chain_preview
from tiering.services.decisions import decide_night
from tiering.services.preview import preview

FACTS = {
    "spend_30d", "spend_90d", "spend_365d", "avg_monthly_spend_3m", "avg_monthly_visits_3m", "visits_30d",
    "visits_90d", "visits_365d", "spend_month", "consecutive_weeks", "last_bill", "days_since_last_visit",
    "new_customers_1m", "max_bill_90d",
}  # fmt: skip
READS_EACH = 50
BUSY = ("customers_visit", "customers_patronage", "tiering_tierdecision")


def settle() -> dict[str, Any]:
    """Start afresh: every guest graded, tables tidy. Returns the day, the stores by size, guests per tier, visits."""
    stores = list(Store.objects.order_by("pk"))
    with connection.cursor() as cursor:
        for table in BUSY:
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        cursor.execute("TRUNCATE tiering_tierdecision, tiering_night")
        cursor.execute("UPDATE customers_patronage SET tier = '', tier_since = NULL WHERE tier <> ''")
        cursor.execute("SELECT max(business_date) FROM customers_visit")
        on: date = cursor.fetchone()[0]
        for store in stores:
            assert set(facts_used(_in_force(store, on))) == FACTS
        _vacuum(cursor, "FULL", "customers_patronage")
        _vacuum(cursor, "ANALYZE", "customers_patronage", "customers_visit")
        for store in stores:
            decide_night(store, on, at=now())
        cursor.execute("UPDATE tiering_tierdecision SET business_date = %s", [on - timedelta(days=1)])
        cursor.execute("CREATE SCHEMA IF NOT EXISTS bench")
        cursor.execute("DROP TABLE IF EXISTS bench.truth")
        cursor.execute(
            "CREATE TABLE bench.truth AS SELECT id, store_id, customer_id, tier FROM customers_patronage"
        )
        cursor.execute("CREATE UNIQUE INDEX ON bench.truth (store_id, customer_id)")
        _vacuum(cursor, "FULL", "tiering_tierdecision")
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT store_id, count(*) FROM customers_patronage GROUP BY 1 ORDER BY 2 DESC, 1")
        sizes = cursor.fetchall()
        cursor.execute("SELECT tier, count(*) FROM customers_patronage GROUP BY 1 ORDER BY 1")
        tiers = dict(cursor.fetchall())
        cursor.execute("SELECT count(*) FROM customers_visit")
        visits = cursor.fetchone()[0]
    return {"on": on.isoformat(), "stores": sizes, "tiers": tiers, "visits": visits}


def shake(*, on: str, percent: int, salt: int, store_id: int | None = None) -> int:
    """Let last night have said something else of `percent` of the guests, chosen by hash; returns how many."""
    day = date.fromisoformat(on)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tiering_tierdecision WHERE business_date >= %s", [day])
        cursor.execute("DROP TABLE IF EXISTS wished")
        cursor.execute(
            "CREATE TEMPORARY TABLE wished AS SELECT id, store_id, customer_id, CASE "
            "WHEN (%s::bigint IS NULL OR store_id = %s) AND abs(hashint8extended(id, %s) %% 10000) < %s "
            "THEN CASE tier WHEN 'A' THEN 'B' WHEN 'B' THEN 'C' WHEN 'C' THEN 'D' ELSE 'C' END ELSE tier END AS tier, "
            "tier AS truth FROM bench.truth",
            [store_id, store_id, salt, percent * 100],
        )
        cursor.execute("ANALYZE wished")
        cursor.execute(
            "UPDATE customers_patronage p SET tier = w.tier FROM wished w WHERE w.id = p.id AND w.tier <> p.tier"
        )
        cursor.execute(
            "UPDATE tiering_tierdecision d SET tier = w.tier FROM wished w "
            "WHERE w.store_id = d.store_id AND w.customer_id = d.customer_id AND w.tier <> d.tier"
        )
        cursor.execute(
            "DELETE FROM tiering_night n USING tiering_night o WHERE o.store_id = n.store_id AND o.id < n.id"
        )
        cursor.execute(
            "UPDATE tiering_night SET business_date = %s, decided_at = now()", [day - timedelta(days=1)]
        )
        cursor.execute("SELECT count(*) FROM wished WHERE tier <> truth")
        chosen = cursor.fetchone()[0]
        _vacuum(cursor, "", "customers_patronage", "tiering_tierdecision", "tiering_night")
        # The pages' first change after a checkpoint goes to the log whole, as it would at night.
        cursor.execute("CHECKPOINT")
    return chosen


def night(*, on: str, stores: list[int], approved: bool = False) -> int:
    """Decide the night of `on` for the stores, one after the other; returns the guests whose answer changed."""
    day = date.fromisoformat(on)
    found = Store.objects.in_bulk(stores)
    return sum(decide_night(found[pk], day, at=now(), approved=approved).changed for pk in stores)


def written() -> dict[str, int]:
    """What nights leave behind: decisions there are, and labels that are not what `settle` found right."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tiering_tierdecision")
        decisions = cursor.fetchone()[0]
        cursor.execute(
            "SELECT count(*) FROM customers_patronage p JOIN bench.truth t USING (id) WHERE p.tier <> t.tier"
        )
        return {"decisions": decisions, "wrong_labels": cursor.fetchone()[0]}


def preview_store(*, on: str, store_id: int) -> int:
    """What the scheme in force would do with higher thresholds; returns the guests who would move."""
    day = date.fromisoformat(on)
    store = Store.objects.get(pk=store_id)
    _, shape, percent = _in_force(store, day).code.split("_")
    higher = read_scheme(scheme_body(int(shape), (int(percent) - 80) // 5 + 2))
    return sum(guests for _, _, guests in preview(store, higher, day).moves)


def chain(*, on: str) -> dict[str, int]:
    """A scheme that no store has, in all stores at once; milliseconds of the statement and of counting facts before it."""
    found = _chain(date.fromisoformat(on))
    return {"took_ms": found.took_ms, "counted_ms": found.counted_ms, "guests": found.total.guests}


def chain_unlike(*, on: str) -> int:
    """In how many stores that is not what the store's own preview says."""
    day = date.fromisoformat(on)
    found = _chain(day)
    unlike = 0
    for store in Store.objects.all():
        own, there = preview(store, read_scheme(scheme_body(1, 6)), day), found.stores[store.pk]
        unlike += (own.now, own.then, own.moves) != (there.now, there.then, there.moves)
    return unlike


def _chain(on: date) -> ChainPreview:
    found = chain_preview(
        stores=list(Store.objects.all()), scheme=read_scheme(scheme_body(1, 6)), on=on, at=now()
    )
    assert isinstance(found, ChainPreview)
    return found


def explain(*, on: str, store_id: int, guests: int) -> dict[str, float]:
    """CPU seconds (server and client) of a regular guest's explanation, standing and outlook, and of a read by primary
    key; `wall`: the median by the clock.
    """
    day, store = date.fromisoformat(on), Store.objects.get(pk=store_id)
    regulars = list(
        store.patronages.order_by("-visits_total", "pk").values_list("customer_id", flat=True)[:guests]
    )
    server = backend()

    def used() -> float:
        return cpu_of(server) + cpu_of_this_process()

    before = used()
    with connection.cursor() as cursor:
        for guest in regulars * READS_EACH:
            cursor.execute("SELECT name FROM customers_customer WHERE id = %s", [guest])
            cursor.fetchone()
    between, took = used(), []
    for guest in regulars:
        started = time.perf_counter()
        stands = standing(store, guest, day)
        assert stands
        outlook(store, guest, stands)
        took.append(time.perf_counter() - started)
    return {
        "read": (between - before) / len(regulars) / READS_EACH,
        "explain": (used() - between) / len(regulars),
        "wall": statistics.median(took),
    }


def backend() -> int:
    """The process of this connection's server side."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _in_force(store: Store, on: date) -> Scheme:
    adoption = in_force(store.pk, on)
    assert adoption
    return scheme_of(adoption.version)


def _vacuum(cursor: Any, how: str, *tables: str) -> None:
    cursor.execute(f"VACUUM {f'({how})' if how else ''} {', '.join(tables)}")


ACTIONS = {
    "settle": settle, "shake": shake, "night": night, "written": written, "preview": preview_store, "chain": chain,
    "chain_unlike": chain_unlike, "explain": explain, "backend": backend,
}  # fmt: skip
