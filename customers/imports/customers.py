"""Guests of a file against the guests on file: who is new, who is known, what differs; then all at once."""

import json
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from typing import Any

from common.birthdays import Birthday
from common.cells import shorten
from common.fields import encrypt
from common.keys import blind_index, current_keys
from common.phones import last_four, mask
from customers.imports.files import Brought
from customers.imports.rows import CustomerRow, RowError
from customers.imports.stage import new_table, stage_rows
from customers.models import Phone
from customers.services.upkeep import refresh_gaps, refresh_search_keys
from staff.access import staff_of
from staff.models import Person, Store

_STAGE = (
    ("row", "int"),
    ("external_id", "text"),
    ("phone_index", "bytea"),
    ("number", "bytea"),
    ("last_four", "text"),
    ("name", "text"),
    ("sex", "text"),
    ("birth_calendar", "text"),
    ("birth_year", "smallint"),
    ("birth_month", "smallint"),
    ("birth_day", "smallint"),
    ("birth_leap", "boolean"),
    ("address", "text"),
    ("industry", "text"),
    ("position", "text"),
    ("married", "boolean"),
    ("tags", "text"),
    ("owner_id", "bigint"),
    ("consent", "boolean"),
    ("introducer", "text"),
    ("introducer_index", "bytea"),
    ("introducer_row", "int"),
    ("since", "date"),
)

# Who a row speaks of: by the number in this store, else by the own number of the brand's guest.
_MATCH = """
    SELECT s.row, n.customer_id AS by_number, t.customer_id AS by_phone, h.external_id AS number_here,
        coalesce(n.customer_id, t.customer_id) AS customer_id, coalesce(n.id, h.id) AS patronage_id
    FROM import_customer s
    LEFT JOIN customers_patronage n ON n.store_id = %(store)s AND n.external_id = s.external_id
    LEFT JOIN customers_phone t ON t.brand_id = %(brand)s AND t.number_index = s.phone_index AND t.kind = 'own'
    LEFT JOIN customers_patronage h ON h.store_id = %(store)s AND h.customer_id = t.customer_id
"""

_DISPUTED = """
    SELECT m.row, CASE WHEN m.by_number IS NOT NULL THEN 'phone_of_other_guest' ELSE 'phone_has_other_number' END,
        m.number_here
    FROM import_match m JOIN import_customer s USING (row)
    WHERE m.by_number <> m.by_phone
        OR (m.by_number IS NULL AND m.number_here NOT IN (s.external_id, 'G-' || m.by_phone))
"""

_SAME_GUEST = """
    SELECT row, first FROM (
        SELECT row, customer_id, min(row) OVER (PARTITION BY customer_id) AS first FROM import_match
        WHERE customer_id IS NOT NULL AND row <> ALL(%(bad)s)
    ) m WHERE row <> first
"""

_INTRODUCERS = """
    SELECT s.row, coalesce(n.customer_id, h.customer_id) AS introducer_id, s.introducer_row
    FROM import_customer s
    LEFT JOIN customers_patronage n ON n.store_id = %(store)s AND n.external_id = s.introducer
    LEFT JOIN customers_phone t ON t.brand_id = %(brand)s AND t.number_index = s.introducer_index
        AND t.kind = 'own'
    LEFT JOIN customers_patronage h ON h.store_id = %(store)s AND h.customer_id = t.customer_id
    WHERE s.introducer IS NOT NULL
"""

# What each row wants to be, and which parts of it differ from what is on file. A guest of this store takes what
# the file says; a guest whom only other stores knew takes it where nothing was known. A blank says nothing.
_PLAN = """
    WITH wanted AS (
        SELECT m.row, m.customer_id, m.patronage_id, p.id IS NULL AND c.id IS NOT NULL AS is_linked,
            CASE WHEN c.id IS NULL OR p.id IS NOT NULL THEN s.name ELSE c.name END AS name,
            {plain},
            CASE WHEN p.id IS NULL THEN coalesce(c.married, s.married) ELSE coalesce(s.married, c.married) END
                AS married,
            s.birth_month IS NOT NULL AND (c.birth_month IS NULL OR (p.id IS NOT NULL AND (
                (s.birth_calendar, s.birth_month, s.birth_day, s.birth_leap)
                    <> (c.birth_calendar, c.birth_month, c.birth_day, c.birth_leap)
                OR s.birth_year <> coalesce(c.birth_year, 0)))) AS takes_birthday,
            p.id IS NOT NULL AND (s.external_id <> p.external_id OR s.since <> p.since
                OR s.owner_id <> coalesce(p.owner_id, 0)) AS patronage,
            s.phone_index IS NOT NULL AND o.number_index IS DISTINCT FROM s.phone_index AS phone,
            EXISTS (SELECT 1 FROM json_array_elements_text(s.tags::json) w(word) WHERE NOT EXISTS (
                SELECT 1 FROM customers_tag g WHERE g.customer_id = m.customer_id AND g.word = w.word
                    AND g.removed_at IS NULL)) AS tags,
            s.consent IS NOT NULL AND s.consent IS DISTINCT FROM (
                SELECT k.given FROM customers_consent k WHERE k.customer_id = m.customer_id AND k.purpose = 'sms'
                    AND k.phone_id IS NULL ORDER BY k.at DESC, k.given, k.id DESC LIMIT 1)
                -- An undated yes in a file does not undo a no that the guest told somebody.
                AND NOT (s.consent AND coalesce((
                    SELECT NOT k.given AND k.source <> 'import' FROM customers_consent k
                    WHERE k.customer_id = m.customer_id AND k.purpose = 'sms' AND k.phone_id IS NULL
                    ORDER BY k.at DESC, k.given, k.id DESC LIMIT 1), false)) AS consent,
            i.row IS NOT NULL AND (v.id IS NULL OR (p.id IS NOT NULL
                AND v.introducer_id IS DISTINCT FROM coalesce(i.introducer_id, im.customer_id))) AS introduction,
            c
        FROM import_match m JOIN import_customer s USING (row)
        LEFT JOIN customers_customer c ON c.id = m.customer_id
        LEFT JOIN customers_patronage p ON p.id = m.patronage_id
        LEFT JOIN customers_phone o ON o.customer_id = m.customer_id AND o.kind = 'own'
        LEFT JOIN import_introducer i ON i.row = m.row
        LEFT JOIN import_match im ON im.row = i.introducer_row AND i.introducer_id IS NULL
        LEFT JOIN customers_introduction v ON v.customer_id = m.customer_id AND v.voided_at IS NULL
        WHERE m.row <> ALL(%(bad)s)
    ), compared AS (
        SELECT w.*, w.takes_birthday OR (w.name, w.sex, w.address, w.industry, w.position)
            IS DISTINCT FROM ((w.c).name, (w.c).sex, (w.c).address, (w.c).industry, (w.c).position)
            OR w.married IS DISTINCT FROM (w.c).married AS profile
        FROM wanted w
    )
    SELECT row, customer_id, name, sex, address, industry, position, married, takes_birthday, patronage, phone, tags,
        consent, introduction, profile,
        CASE WHEN customer_id IS NULL THEN 'created' WHEN is_linked THEN 'linked'
            WHEN profile OR patronage OR phone OR tags OR consent OR introduction THEN 'updated'
            ELSE 'unchanged' END AS outcome
    FROM compared
""".format(
    plain=", ".join(
        f"CASE WHEN p.id IS NULL THEN coalesce(nullif(c.{name}, ''), s.{name}) "
        f"ELSE coalesce(nullif(s.{name}, ''), c.{name}) END AS {name}"
        for name in ("sex", "address", "industry", "position")
    )
)

_CREATE = """
    INSERT INTO customers_customer (id, brand_id, name, salutation, sex, birth_calendar, birth_leap, address,
        industry, position, married, likes, name_key, search_keys, created_at, created_by_id, birth_year,
        birth_month, birth_day)
    SELECT l.customer_id, %(brand)s, l.name, '', l.sex, s.birth_calendar, s.birth_leap, l.address, l.industry,
        l.position, l.married, '', '', '{}', %(at)s, %(by)s, s.birth_year, s.birth_month, s.birth_day
    FROM import_plan l JOIN import_customer s USING (row) WHERE l.outcome = 'created' ORDER BY l.row
"""

_CHANGE = """
    UPDATE customers_customer c SET name = l.name, sex = l.sex, address = l.address, industry = l.industry,
        position = l.position, married = l.married,
        birth_calendar = CASE WHEN l.takes_birthday THEN s.birth_calendar ELSE c.birth_calendar END,
        birth_year = CASE WHEN l.takes_birthday THEN s.birth_year ELSE c.birth_year END,
        birth_month = CASE WHEN l.takes_birthday THEN s.birth_month ELSE c.birth_month END,
        birth_day = CASE WHEN l.takes_birthday THEN s.birth_day ELSE c.birth_day END,
        birth_leap = CASE WHEN l.takes_birthday THEN s.birth_leap ELSE c.birth_leap END
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE c.id = l.customer_id AND l.profile AND l.outcome <> 'created'
"""

# A guest without a number gets G-<id>; where another guest has just that, the store's id goes behind it.
_PATRONISE = """
    INSERT INTO customers_patronage (customer_id, store_id, external_id, owner_id, since, usual_table, tier,
        visits_total, spend_total_fen, last_external_id)
    SELECT l.customer_id, %(store)s, coalesce(s.external_id, 'G-' || l.customer_id ||
            CASE WHEN x.id IS NULL AND f.row IS NULL THEN '' ELSE '-' || %(store)s END),
        s.owner_id, coalesce(s.since, %(today)s), '', '', 0, 0, ''
    FROM import_plan l JOIN import_customer s USING (row)
    LEFT JOIN customers_patronage x ON x.store_id = %(store)s AND x.external_id = 'G-' || l.customer_id
    LEFT JOIN import_customer f ON f.external_id = 'G-' || l.customer_id
    WHERE l.outcome IN ('created', 'linked') ORDER BY l.row
"""

_REPATRONISE = """
    UPDATE customers_patronage p SET external_id = coalesce(s.external_id, p.external_id),
        owner_id = coalesce(s.owner_id, p.owner_id), since = coalesce(s.since, p.since)
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE p.store_id = %(store)s AND p.customer_id = l.customer_id AND l.patronage AND l.outcome = 'updated'
"""

_OLD_CONTACTS = """
    SELECT t.id FROM customers_phone t JOIN import_plan l USING (customer_id) JOIN import_customer s USING (row)
    WHERE l.phone AND t.kind = 'contact' AND t.number_index = s.phone_index
"""

_CHANGE_PHONES = """
    UPDATE customers_phone t SET number = s.number, number_index = s.phone_index, last_four = s.last_four,
        added_at = %(at)s
    FROM import_plan l JOIN import_customer s USING (row)
    WHERE l.phone AND t.customer_id = l.customer_id AND t.kind = 'own'
"""

_ADD_PHONES = """
    INSERT INTO customers_phone (brand_id, customer_id, kind, whose, number, number_index, last_four, added_at)
    SELECT %(brand)s, l.customer_id, 'own', '', s.number, s.phone_index, s.last_four, %(at)s
    FROM import_plan l JOIN import_customer s USING (row) WHERE l.phone AND NOT EXISTS (
        SELECT 1 FROM customers_phone t WHERE t.customer_id = l.customer_id AND t.kind = 'own') ORDER BY l.row
"""

_ADD_TAGS = """
    INSERT INTO customers_tag (customer_id, word, added_at, added_by_id)
    SELECT l.customer_id, w.word, %(at)s, %(by)s
    FROM import_plan l JOIN import_customer s USING (row), json_array_elements_text(s.tags::json) w(word)
    WHERE l.tags ON CONFLICT (customer_id, word) WHERE removed_at IS NULL DO NOTHING
"""

_ADD_CONSENTS = """
    INSERT INTO customers_consent (customer_id, purpose, given, at, source, wording, store_id, recorded_at,
        recorded_by_id)
    SELECT l.customer_id, 'sms', s.consent, %(at)s, 'import', 'v1', %(store)s, %(at)s, %(by)s
    FROM import_plan l JOIN import_customer s USING (row) WHERE l.consent ORDER BY l.row
"""

_TAKE_BACK_INTRODUCTIONS = """
    UPDATE customers_introduction v SET voided_at = %(at)s FROM import_plan l
    WHERE v.customer_id = l.customer_id AND v.voided_at IS NULL AND l.introduction
"""

_ADD_INTRODUCTIONS = """
    INSERT INTO customers_introduction (customer_id, introducer_id, recorded_at, recorded_by_id)
    SELECT l.customer_id, coalesce(i.introducer_id, il.customer_id), %(at)s, %(by)s
    FROM import_plan l JOIN import_introducer i USING (row)
    LEFT JOIN import_plan il ON il.row = i.introducer_row WHERE l.introduction ORDER BY l.row
"""


class CustomerApply:
    """One file of guests against the database, in the order `stage`, `faults`, `plan`, `write`.

    All four belong in one transaction; only `write` changes anything.
    """

    def __init__(
        self, brought: Brought[CustomerRow], store: Store, actor: Person | None, at: datetime
    ) -> None:
        self.brought = brought
        self.at = at
        self.today = store.business_day(at)
        self.params: dict[str, Any] = {
            "store": store.pk,
            "brand": store.brand_id,
            "at": at,
            "by": actor.pk if actor else None,
            "today": self.today,
        }
        self.owners, self.owner_faults = self._owners(store)

    def _owners(self, store: Store) -> tuple[dict[str, int], list[RowError]]:
        """The person each row names as owner, and the rows that name nobody, or several."""
        said = {row.owner for row in self.brought.good if row.owner}
        if not said:
            return {}, []
        people = [person for person, _ in staff_of(store, self.today) if person.is_active]
        by_username = {person.username: person.pk for person in people}
        by_name: dict[str, set[int]] = {}
        for person in people:
            by_name.setdefault(person.name, set()).add(person.pk)
        found: dict[str, int] = {}
        codes: dict[str, str] = {}
        for text in said:
            ids = {by_username[text]} if text in by_username else by_name.get(text, set())
            if len(ids) == 1:
                found[text] = next(iter(ids))
            else:
                codes[text] = "owner_several" if ids else "owner_not_found"
        faults = [
            self.brought.fault(row.row, "owner", codes[row.owner], text=shorten(row.owner))
            for row in self.brought.good
            if row.owner in codes
        ]
        return found, faults

    def stage(self, cursor: Any) -> None:
        """The good rows into the temporary table."""
        keys = current_keys()
        stage_rows(
            cursor,
            "import_customer",
            _STAGE,
            (
                (
                    row.row,
                    row.external_id or None,
                    blind_index("phone", row.phone) if row.phone else None,
                    encrypt(row.phone, keys) if row.phone else None,
                    last_four(row.phone) if row.phone else None,
                    row.name,
                    row.sex,
                    *_birthday(row.birthday),
                    row.address,
                    row.industry,
                    row.position,
                    row.married,
                    _json_list(row.tags),
                    self.owners.get(row.owner),
                    row.consent_sms,
                    row.introduced_by or None,
                    blind_index("phone", row.introduced_by_phone) if row.introduced_by_phone else None,
                    self.brought.rows_by_number.get(row.introduced_by)
                    or self.brought.rows_by_phone.get(row.introduced_by_phone),
                    row.created_on,
                )
                for row in self.brought.good
            ),
        )
        new_table(cursor, "import_match", _MATCH, self.params)
        new_table(cursor, "import_introducer", _INTRODUCERS, self.params)

    def faults(self, cursor: Any, only_good: bool) -> list[RowError]:
        """What is wrong with the rows beside the database; with `only_good` a refused introducer is a fault too."""
        fault = self.brought.fault
        found = list(self.owner_faults)
        cursor.execute(_DISPUTED)
        found += [fault(row, "phone", code, number=number) for row, code, number in cursor.fetchall()]
        cursor.execute(_SAME_GUEST, {"bad": [error.row for error in found]})
        found += [fault(row, "phone", "row_same_guest", row=first) for row, first in cursor.fetchall()]
        return found + self._introducer_faults(cursor, found, only_good)

    def _introducer_faults(self, cursor: Any, found: list[RowError], only_good: bool) -> list[RowError]:
        cursor.execute(
            "SELECT i.row, i.introducer_id IS NULL, i.introducer_row, i.introducer_id = m.customer_id "
            "FROM import_introducer i JOIN import_match m USING (row) ORDER BY i.row"
        )
        said = {row.row: row for row in self.brought.good}
        faults = []
        in_file: dict[int, int] = {}
        for row, is_elsewhere, introducer_row, is_self in cursor.fetchall():
            if is_self or (is_elsewhere and introducer_row == row):
                faults.append(self.brought.fault(row, "introduced_by", "introducer_is_self"))
            elif is_elsewhere and introducer_row is None:
                phone = said[row].introduced_by_phone
                text = mask(phone) if phone else shorten(said[row].introduced_by)
                faults.append(self.brought.fault(row, "introduced_by", "introducer_not_found", text=text))
            elif is_elsewhere:
                in_file[row] = introducer_row
        bad = {error.row for error in (*self.brought.faults, *found, *faults)}
        while only_good:
            fallen = [row for row, by in in_file.items() if by in bad and row not in bad]
            if not fallen:
                break
            bad.update(fallen)
            faults += [
                self.brought.fault(row, "introduced_by", "introducer_refused", row=in_file[row])
                for row in fallen
            ]
        return faults

    def plan(self, cursor: Any, bad: Collection[int]) -> Counter[str]:
        """What becomes of each row that is not `bad`, counted."""
        new_table(cursor, "import_plan", _PLAN, {"bad": list(bad)})
        cursor.execute("SELECT outcome, count(*) FROM import_plan GROUP BY outcome")
        return Counter(dict(cursor.fetchall()))

    def write(self, cursor: Any) -> None:
        """Bring the database to what the plan says."""
        cursor.execute(
            "UPDATE import_plan SET customer_id = nextval(pg_get_serial_sequence('customers_customer', 'id')) "
            "WHERE outcome = 'created'"
        )
        for statement in (_CREATE, _CHANGE, _PATRONISE, _REPATRONISE):
            cursor.execute(statement, self.params)
        cursor.execute(_OLD_CONTACTS)
        Phone.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).delete()
        for statement in (
            _CHANGE_PHONES,
            _ADD_PHONES,
            _ADD_TAGS,
            _ADD_CONSENTS,
            _TAKE_BACK_INTRODUCTIONS,
            _ADD_INTRODUCTIONS,
        ):
            cursor.execute(statement, self.params)
        cursor.execute(
            "SELECT customer_id FROM import_plan WHERE outcome <> 'unchanged' ORDER BY customer_id"
        )
        touched = [pk for (pk,) in cursor.fetchall()]
        refresh_gaps(touched, self.at)
        refresh_search_keys(touched)


def _birthday(birthday: Birthday | None) -> tuple[str, int | None, int | None, int | None, bool]:
    if birthday is None:
        return "", None, None, None, False
    return birthday.calendar, birthday.year, birthday.month, birthday.day, birthday.leap


def _json_list(words: tuple[str, ...]) -> str | None:
    return json.dumps(words) if words else None
