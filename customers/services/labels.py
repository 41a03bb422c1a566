"""The one writer of the tiers on the door."""

from datetime import date

from django.db import connection

# The axis whose tier stands in its own column: the ladder a restaurant lives by. Others stand in `labels`.
MAIN_AXIS = "tier"

_MAIN = (
    "UPDATE customers_patronage p SET tier = c.tier, tier_since = %(day)s FROM candidates c "
    "WHERE p.store_id = %(store)s AND p.customer_id = c.customer_id AND p.tier <> c.tier"
)
_BESIDE = (
    "UPDATE customers_patronage p SET labels = p.labels || jsonb_build_object(%(axis)s::text, c.tier) "
    "FROM candidates c WHERE p.store_id = %(store)s AND p.customer_id = c.customer_id "
    "AND p.labels ->> %(axis)s IS DISTINCT FROM c.tier"
)


def set_tiers(store_id: int, on: date, axis: str = MAIN_AXIS) -> int:
    """Copy the tiers of the temporary table `candidates` (customer_id, label, tier) to the store's labels of an axis.

    Called by tiering's apply step inside its transaction; the decision rows written beside it are the truth.
    Returns the labels changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MAIN if axis == MAIN_AXIS else _BESIDE, {"store": store_id, "axis": axis, "day": on})
        return cursor.rowcount
