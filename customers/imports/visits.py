"""Bills of a file against the bills on file: what is new, what was here, what is corrected; then all at once."""

import json
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from common.clock import business_date
from common.fields import decrypt, encrypt
from common.keys import blind_index, current_keys
from customers.imports.files import Brought
from customers.imports.rows import RowError, VisitRow
from customers.imports.stage import new_table, stage_rows
from customers.services.upkeep import recount, refresh_search_keys
from staff.models import Person, Store

CORRECTED = "corrected"

_STAGE = (
    ("row", "int"),
    ("external_id", "text"),
    ("customer_number", "text"),
    ("phone_index", "bytea"),
    ("business_date", "date"),
    ("visited_at", "timestamptz"),
    ("amount_fen", "bigint"),
    ("party_size", "smallint"),
    ("table_no", "text"),
    ("occasion", "text"),
    ("channel", "text"),
    ("dishes", "jsonb"),
    ("coupon", "boolean"),
    ("note", "bytea"),
)

# Whose bill: the number in this store, else an own number in the brand, else a contact number in this store.
_MATCH = """
    WITH contacts AS (
        SELECT t.number_index, min(t.customer_id) AS customer_id, count(DISTINCT t.customer_id) AS guests
        FROM customers_phone t JOIN customers_patronage p ON p.customer_id = t.customer_id
        WHERE t.brand_id = %(brand)s AND t.kind = 'contact' AND p.store_id = %(store)s
            AND t.number_index IN (SELECT phone_index FROM import_visit)
        GROUP BY t.number_index
    )
    SELECT s.row, coalesce(n.customer_id, t.customer_id, k.customer_id) AS customer_id,
        n.id IS NULL AND t.id IS NULL AND k.guests > 1 AS is_several,
        n.id IS NULL AND t.id IS NOT NULL AND h.id IS NULL AS is_linked,
        s.phone_index IS NOT NULL AS by_phone
    FROM import_visit s
    LEFT JOIN customers_patronage n ON n.store_id = %(store)s AND n.external_id = s.customer_number
    LEFT JOIN customers_phone t ON t.brand_id = %(brand)s AND t.number_index = s.phone_index AND t.kind = 'own'
    LEFT JOIN customers_patronage h ON h.store_id = %(store)s AND h.customer_id = t.customer_id
    LEFT JOIN contacts k ON k.number_index = s.phone_index
"""

# What a row wants beside the living bill of that number. A blank says nothing, so it differs from nothing.
_PLAN = """
    SELECT s.row, m.customer_id, m.is_linked, v.id AS old_id, v.customer_id AS old_customer_id,
        v.id IS NOT NULL AND v.counted_at IS NULL AS is_held,
        CASE WHEN v.id IS NULL AND x.external_id IS NOT NULL THEN 'skipped'
            WHEN v.id IS NULL THEN 'created'
            WHEN (v.customer_id, v.visited_at, v.amount_fen)
                    IS DISTINCT FROM (m.customer_id, s.visited_at, s.amount_fen)
                OR s.party_size IS DISTINCT FROM v.party_size AND s.party_size IS NOT NULL
                OR s.table_no NOT IN ('', v.table_no) OR s.occasion NOT IN ('', v.occasion)
                OR s.channel NOT IN ('', v.channel) OR s.dishes <> v.dishes OR s.coupon <> v.coupon
                THEN 'corrected'
            ELSE 'unchanged' END AS outcome
    FROM import_visit s JOIN import_match m USING (row)
    LEFT JOIN customers_visit v ON v.store_id = %(store)s AND v.external_id = s.external_id
        AND v.voided_at IS NULL
    LEFT JOIN (SELECT DISTINCT external_id FROM customers_visit
        WHERE store_id = %(store)s AND voided_at IS NOT NULL) x ON x.external_id = s.external_id
    WHERE s.row <> ALL(%(bad)s)
"""

_LINK = """
    INSERT INTO customers_patronage (customer_id, store_id, external_id, since, usual_table, tier,
        visits_total, spend_total_fen, last_external_id)
    SELECT g.customer_id, %(store)s,
        'G-' || g.customer_id || CASE WHEN x.id IS NULL THEN '' ELSE '-' || %(store)s END,
        %(today)s, '', '', 0, 0, ''
    FROM (SELECT DISTINCT customer_id FROM import_plan WHERE is_linked AND outcome <> 'skipped') g
    LEFT JOIN customers_patronage x ON x.store_id = %(store)s AND x.external_id = 'G-' || g.customer_id
    ORDER BY g.customer_id RETURNING customer_id
"""

# One statement, in which each new bill comes out of the voiding of its old one: only then is the number free.
_CORRECT = """
    WITH voided AS (
        UPDATE customers_visit v SET voided_at = %(at)s, voided_by_id = %(by)s, void_reason = %(reason)s,
            replaced_by_id = l.new_id
        FROM import_plan l WHERE v.id = l.old_id AND l.outcome = 'corrected'
        RETURNING l.row, l.new_id, l.customer_id, v.party_size, v.table_no, v.occasion, v.channel, v.dishes,
            v.coupon, v.note
    )
    INSERT INTO customers_visit (id, store_id, customer_id, external_id, business_date, visited_at, amount_fen,
        party_size, table_no, occasion, channel, dishes, coupon, note, entry, recorded_at, recorded_by_id,
        counted_at, void_reason)
    SELECT o.new_id, %(store)s, o.customer_id, s.external_id, s.business_date, s.visited_at, s.amount_fen,
        coalesce(s.party_size, o.party_size), coalesce(nullif(s.table_no, ''), o.table_no),
        coalesce(nullif(s.occasion, ''), o.occasion), coalesce(nullif(s.channel, ''), o.channel),
        coalesce(s.dishes, o.dishes), coalesce(s.coupon, o.coupon), coalesce(s.note, o.note), 'import',
        %(at)s, %(by)s, %(at)s, ''
    FROM voided o JOIN import_visit s USING (row)
"""

_INSERT = """
    INSERT INTO customers_visit (id, store_id, customer_id, external_id, business_date, visited_at, amount_fen,
        party_size, table_no, occasion, channel, dishes, coupon, note, entry, recorded_at, recorded_by_id,
        counted_at, void_reason)
    SELECT l.new_id, %(store)s, l.customer_id, s.external_id, s.business_date, s.visited_at, s.amount_fen,
        s.party_size, s.table_no, s.occasion, s.channel, coalesce(s.dishes, '[]'),
        coalesce(s.coupon, false), s.note, 'import', %(at)s, %(by)s, %(at)s, ''
    FROM import_plan l JOIN import_visit s USING (row) WHERE l.outcome = 'created' ORDER BY l.row
"""

# Who sat at the table of a bill sat at the table of its correction; either row tells it, as known in its time.
_CARRY = """
    INSERT INTO customers_visitguest (visit_id, customer_id, role, recorded_at, recorded_by_id)
    SELECT l.new_id, g.customer_id, g.role, %(at)s, g.recorded_by_id
    FROM import_plan l JOIN customers_visitguest g ON g.visit_id = l.old_id AND g.removed_at IS NULL
    WHERE l.outcome = 'corrected' AND g.customer_id <> l.customer_id ORDER BY g.id
"""

# A bill that waited for a nod and now stands in a file of the store waits no longer.
_RELEASE = """
    UPDATE customers_visit v SET counted_at = %(at)s, counted_by_id = %(by)s
    FROM import_plan l WHERE v.id = l.old_id AND l.outcome = 'updated'
"""

_TOUCHED = """
    SELECT customer_id FROM import_plan WHERE outcome IN ('created', 'corrected', 'updated')
    UNION SELECT old_customer_id FROM import_plan WHERE outcome = 'corrected' AND old_customer_id IS NOT NULL
    ORDER BY 1
"""


class VisitApply:
    """One file of bills against the database, in the order `stage`, `faults`, `plan`, `write`.

    All four belong in one transaction; only `write` changes anything.
    """

    def __init__(self, brought: Brought[VisitRow], store: Store, actor: Person | None, at: datetime) -> None:
        self.brought = brought
        self.store = store
        self.params: dict[str, Any] = {
            "store": store.pk,
            "brand": store.brand_id,
            "at": at,
            "by": actor.pk if actor else None,
            "today": store.business_day(at),
            "reason": CORRECTED,
        }

    def stage(self, cursor: Any) -> None:
        """The good rows into the temporary table."""
        keys = current_keys()
        zone, cutoff = self.store.timezone, self.store.day_ends_at
        indexes = {row.customer_phone for row in self.brought.good if row.customer_phone}
        index_of = {phone: blind_index("phone", phone) for phone in indexes}
        stage_rows(
            cursor,
            "import_visit",
            _STAGE,
            (
                (
                    row.row,
                    row.external_id,
                    row.customer_external_id or None,
                    index_of.get(row.customer_phone),
                    business_date(row.visited_at, zone, cutoff),
                    row.visited_at,
                    row.amount_fen,
                    row.party_size,
                    row.table,
                    row.occasion,
                    row.channel,
                    _dishes(row.dishes),
                    row.coupon,
                    encrypt(row.note, keys) if row.note else None,
                )
                for row in self.brought.good
            ),
        )
        new_table(cursor, "import_match", _MATCH, self.params)

    def faults(self, cursor: Any, only_good: bool) -> list[RowError]:
        """The rows whose guest is not known, or may be several."""
        cursor.execute(
            "SELECT row, is_several, by_phone FROM import_match WHERE is_several OR customer_id IS NULL"
        )
        return [
            self.brought.fault(
                row,
                "customer_phone" if by_phone else "customer_external_id",
                "guest_several" if is_several else "guest_not_found",
            )
            for row, is_several, by_phone in cursor.fetchall()
        ]

    def plan(self, cursor: Any, bad: Collection[int]) -> Counter[str]:
        """What becomes of each row that is not `bad`, counted."""
        new_table(cursor, "import_plan", _PLAN, {**self.params, "bad": list(bad)})
        self._compare_notes(cursor)
        cursor.execute("UPDATE import_plan SET outcome = 'updated' WHERE outcome = 'unchanged' AND is_held")
        cursor.execute("SELECT outcome, count(*) FROM import_plan GROUP BY outcome")
        return Counter(dict(cursor.fetchall()))

    def _compare_notes(self, cursor: Any) -> None:
        """A note is encrypted anew each time, so only its text can be compared."""
        cursor.execute(
            "SELECT l.row, v.note FROM import_plan l JOIN import_visit s USING (row) "
            "JOIN customers_visit v ON v.id = l.old_id WHERE l.outcome = 'unchanged' AND s.note IS NOT NULL"
        )
        old = cursor.fetchall()
        if not old:
            return
        keys = current_keys()
        told = {row.row: row.note for row in self.brought.good}
        differ = [row for row, note in old if note is None or decrypt(bytes(note), keys) != told[row]]
        cursor.execute("UPDATE import_plan SET outcome = 'corrected' WHERE row = ANY(%s)", [differ])

    def write(self, cursor: Any) -> None:
        """Bring the database to what the plan says."""
        cursor.execute("ALTER TABLE import_plan ADD new_id uuid")
        cursor.execute(
            "UPDATE import_plan SET new_id = gen_random_uuid() WHERE outcome IN ('created', 'corrected')"
        )
        cursor.execute(_LINK, self.params)
        refresh_search_keys([pk for (pk,) in cursor.fetchall()])
        for statement in (_CORRECT, _CARRY, _INSERT, _RELEASE):
            cursor.execute(statement, self.params)
        cursor.execute(_TOUCHED)
        if touched := [pk for (pk,) in cursor.fetchall()]:
            recount(self.store.pk, touched)


def _dishes(dishes: tuple[tuple[str, int | float], ...]) -> str | None:
    return json.dumps([{"name": name, "quantity": count} for name, count in dishes]) if dishes else None
