"""The one writer of the tier on the door."""

from datetime import date

from django.db import connection


def set_tiers(store_id: int, on: date) -> int:
    """Copy the tiers of the temporary table `candidates` (customer_id, label, tier) to the store's labels.

    Called by tiering's apply step inside its transaction; the decision rows written beside it are the truth.
    Returns the labels changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_patronage p SET tier = c.tier, tier_since = %s FROM candidates c "
            "WHERE p.store_id = %s AND p.customer_id = c.customer_id AND p.tier <> c.tier",
            [on, store_id],
        )
        return cursor.rowcount
