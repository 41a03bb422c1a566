"""Floor S: for every store sum and count per guest over 365 days, from the index alone. The least a night can read.

Beside it the same sums as one would ask for them without an index of stores and days: the table read from end to end.
"""

import json
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

_PER_GUEST = (
    "SELECT customer_id, sum(amount_fen) AS spend, count(*) AS visits FROM customers_visit "
    "WHERE store_id = %s AND business_date BETWEEN %s AND %s "
    "AND voided_at IS NULL AND counted_at IS NOT NULL GROUP BY customer_id"
)
# Nothing travels to the client, and nothing can be left out either.
_FLOOR = f"SELECT count(*), sum(spend), sum(visits) FROM ({_PER_GUEST}) guests"


def floor(*, stores: list[int], on: str) -> dict[str, int]:
    """One pass over all `stores`: guests, fen, visits of the 365 days that end with `on`."""
    guests = spend = visits = 0
    with connection.cursor() as cursor:
        for store_id in stores:
            cursor.execute(_FLOOR, _bounds(store_id, on))
            seen, fen, times = cursor.fetchone()
            guests, spend, visits = guests + seen, spend + int(fen or 0), visits + int(times or 0)
    return {"guests": guests, "fen": spend, "visits": visits}


def floor_plan(*, stores: list[int], on: str) -> dict[str, Any]:
    """How the server does it: the scans used in all stores, rows read, and rows looked up in the table itself."""
    scans: set[str] = set()
    rows = fetched = 0
    with connection.cursor() as cursor:
        for store_id in stores:
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {_PER_GUEST}", _bounds(store_id, on))
            told = cursor.fetchone()[0]
            node = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
            while "Plans" in node:
                node = node["Plans"][0]
            scans.add(f"{node['Node Type']} {node.get('Index Name', '')}".strip())
            rows += int(node["Actual Rows"])
            fetched += node.get("Heap Fetches", 0)
    return {"scans": sorted(scans), "rows": rows, "heap_fetches": fetched}


def _bounds(store_id: int, on: str) -> list[object]:
    day = date.fromisoformat(on)
    return [store_id, day - timedelta(days=364), day]


_WHOLE = (
    "SELECT count(*), sum(spend), sum(visits) FROM (SELECT customer_id, sum(amount_fen) AS spend, count(*) AS visits "
    "FROM customers_visit WHERE business_date BETWEEN %s AND %s AND voided_at IS NULL AND counted_at IS NOT NULL "
    "GROUP BY customer_id) guests"
)


def whole(*, on: str) -> dict[str, int]:
    """The same for all stores at once, by a sequential scan of one process; as `floor` answers."""
    with transaction.atomic(), connection.cursor() as cursor:
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        cursor.execute(_WHOLE, _bounds(0, on)[1:])
        seen, fen, times = cursor.fetchone()
    return {"guests": seen, "fen": int(fen or 0), "visits": int(times or 0)}


ACTIONS = {"floor": floor, "floor_plan": floor_plan, "whole": whole}
