"""Where a firm might become a guest: employers of several guests, some of whom are worth much."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from customers.models import Patronage
from staff.models import Store

# An employer of more guests than this, of whom one at least is among the part of the store's guests that spend most.
MORE_THAN = 3
TOP_PERCENT = 20
LISTED = 100

_LEADS = """
WITH w AS (
    SELECT v.customer_id, sum(v.amount_fen) AS fen FROM customers_visit v
    WHERE v.store_id = %(store)s AND v.business_date BETWEEN %(first)s AND %(day)s AND v.voided_at IS NULL
        AND v.counted_at IS NOT NULL AND v.customer_id IS NOT NULL
    GROUP BY v.customer_id),
guests AS (
    SELECT p.id, p.customer_id, btrim(c.employer) AS employer, coalesce(w.fen, 0) AS fen,
        w.fen IS NOT NULL AND 100 * rank() OVER (ORDER BY w.fen DESC NULLS LAST) <= %(top)s * count(w.fen) OVER () AS is_top
    FROM customers_patronage p JOIN customers_customer c ON c.id = p.customer_id
    LEFT JOIN w ON w.customer_id = p.customer_id WHERE p.store_id = %(store)s)
SELECT (array_agg(g.employer ORDER BY g.fen DESC, g.id))[1], count(*), sum(g.fen),
    array_agg(g.id ORDER BY g.fen DESC, g.id) FILTER (WHERE g.is_top),
    (SELECT count(*) FROM customers_participation x WHERE x.store_id = %(store)s AND x.voided_at IS NULL
        AND x.attended_on BETWEEN %(first)s AND %(day)s AND x.customer_id = ANY(array_agg(g.customer_id)))
FROM guests g WHERE g.employer <> '' GROUP BY lower(g.employer)
HAVING count(*) > %(more)s AND bool_or(g.is_top) ORDER BY sum(g.fen) DESC, 1 LIMIT %(most)s
"""


@dataclass(frozen=True)
class Lead:
    """An employer: its guests, what they spent in 365 days (fen), events they took part in, its best guests first."""

    employer: str
    guests: int
    fen: int
    events: int
    best: list[Patronage]


def leads_of(store: Store, on: date) -> list[Lead]:
    """The employers of more than MORE_THAN guests with one among the TOP_PERCENT who spent most in 365 days.

    Those who spent most together first, at most LISTED. Two queries.
    """
    params: dict[str, Any] = {"store": store.pk, "first": on - timedelta(days=364), "day": on, "top": TOP_PERCENT,
              "more": MORE_THAN, "most": LISTED}  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LEADS, params)
        rows = cursor.fetchall()
    ids = [pk for *_, best, _events in rows for pk in best]
    guests = Patronage.objects.select_related("customer", "owner").in_bulk(ids)
    return [
        Lead(employer, number, int(fen), events, [guests[pk] for pk in best])
        for employer, number, fen, best, events in rows
    ]
