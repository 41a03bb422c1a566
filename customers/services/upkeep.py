"""What is kept beside the truth so that reading is cheap: search keys, profile gaps, running sums.

Each function repairs its own columns for the given guests from the rows that are the truth, set-based, and may
run any number of times.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection

from common.names import name_tokens, sort_key


def refresh_search_keys(customer_ids: Sequence[int]) -> None:
    """Write `search_keys` and `name_key` of the guests from their names, numbers and stores."""
    if not customer_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.name, c.salutation, "
            "array(SELECT p.store_id FROM customers_patronage p WHERE p.customer_id = c.id), "
            "array(SELECT t.last_four FROM customers_phone t WHERE t.customer_id = c.id), "
            "array(SELECT p.external_id FROM customers_patronage p WHERE p.customer_id = c.id) "
            "FROM customers_customer c WHERE c.id = ANY(%s)",
            [list(customer_ids)],
        )
        rows = []
        for pk, name, salutation, stores, last_fours, numbers in cursor.fetchall():
            tokens = name_tokens(name) | name_tokens(salutation) | set(last_fours)
            tokens |= {number.lower() for number in numbers}
            rows.append((pk, sort_key(name)[:120], [f"{s}:{t}" for s in stores for t in sorted(tokens)]))
        for start in range(0, len(rows), 2000):
            chunk = rows[start : start + 2000]
            places = ", ".join(["(%s::bigint, %s::text, %s::text[])"] * len(chunk))
            cursor.execute(
                "UPDATE customers_customer c SET name_key = v.name_key, search_keys = v.keys "
                f"FROM (VALUES {places}) v(id, name_key, keys) WHERE c.id = v.id "
                "AND (c.name_key, c.search_keys) IS DISTINCT FROM (v.name_key, v.keys)",
                [value for row in chunk for value in row],
            )


def refresh_gaps(customer_ids: Sequence[int], at: datetime) -> None:
    """Open and close the guests' profile gaps, as of `at`, so that they say which mandatory fields are missing."""
    if not customer_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH missing AS (
                SELECT c.id AS customer_id, f.field FROM customers_customer c CROSS JOIN LATERAL (VALUES
                    ('name', c.name = ''), ('sex', c.sex = ''), ('address', c.address = ''),
                    ('industry', c.industry = ''), ('position', c.position = ''),
                    ('birthday', c.birth_month IS NULL), ('married', c.married IS NULL),
                    ('phone', NOT EXISTS (SELECT 1 FROM customers_phone t
                                          WHERE t.customer_id = c.id AND t.kind = 'own'))
                ) f(field, is_missing) WHERE c.id = ANY(%(ids)s) AND f.is_missing
            ), filled AS (
                UPDATE customers_profilegap g SET filled_at = %(at)s
                WHERE g.customer_id = ANY(%(ids)s) AND g.filled_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM missing m WHERE m.customer_id = g.customer_id AND m.field = g.field)
            )
            INSERT INTO customers_profilegap (customer_id, field, missing_from)
            SELECT customer_id, field, %(at)s FROM missing
            ON CONFLICT (customer_id, field) WHERE filled_at IS NULL DO NOTHING
            """,
            {"ids": list(customer_ids), "at": at},
        )


# The running sums of one store's guests from their counted visits; `%(only)s` narrows the guests.
_SUMS = """
    SELECT p.id, count(v.id) AS visits, coalesce(sum(v.amount_fen), 0) AS spend,
           min(v.business_date) AS first_on, min(v.business_date) FILTER (WHERE v.amount_fen > 0) AS paid_on,
           max(v.business_date) AS last_on,
           (array_agg(v.visited_at ORDER BY v.visited_at DESC, v.external_id COLLATE "C" DESC)
               FILTER (WHERE v.id IS NOT NULL))[1] AS last_at,
           (array_agg(v.amount_fen ORDER BY v.visited_at DESC, v.external_id COLLATE "C" DESC)
               FILTER (WHERE v.id IS NOT NULL))[1] AS last_bill,
           (array_agg(v.external_id ORDER BY v.visited_at DESC, v.external_id COLLATE "C" DESC)
               FILTER (WHERE v.id IS NOT NULL))[1] AS last_number
    FROM customers_patronage p LEFT JOIN customers_visit v ON v.customer_id = p.customer_id
        AND v.store_id = p.store_id AND v.voided_at IS NULL AND v.counted_at IS NOT NULL
    WHERE p.store_id = %(store)s {only} GROUP BY p.id
"""


def recount(store_id: int, customer_ids: Iterable[int] | None = None) -> int:
    """Write the running sums of the store's guests (all, or these) from their visits; returns rows that differed.

    Visits recorded meanwhile wait: the patronages are locked first, in key order.
    """
    only = "" if customer_ids is None else "AND p.customer_id = ANY(%(ids)s)"
    params = {"store": store_id, "ids": None if customer_ids is None else list(customer_ids)}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT p.id FROM customers_patronage p WHERE p.store_id = %(store)s {only} ORDER BY p.id FOR UPDATE",
            params,
        )
        cursor.execute(
            f"""
            UPDATE customers_patronage p SET visits_total = s.visits, spend_total_fen = s.spend,
                first_visit_on = s.first_on, first_paid_on = s.paid_on, last_visit_on = s.last_on,
                last_visited_at = s.last_at, last_bill_fen = s.last_bill,
                last_external_id = coalesce(s.last_number, '')
            FROM ({_SUMS.format(only=only)}) s WHERE p.id = s.id AND
                (p.visits_total, p.spend_total_fen, p.first_visit_on, p.first_paid_on, p.last_visit_on,
                 p.last_visited_at, p.last_bill_fen, p.last_external_id) IS DISTINCT FROM
                (s.visits, s.spend, s.first_on, s.paid_on, s.last_on, s.last_at, s.last_bill,
                 coalesce(s.last_number, ''))
            """,
            params,
        )
        return cursor.rowcount
