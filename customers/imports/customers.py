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
from customers.imports import guest_statements as sql
from customers.imports.files import Brought
from customers.imports.rows import CustomerRow, RowError
from customers.imports.stage import new_table, stage_rows
from customers.models import Phone
from customers.origin import OVERSEAS, is_abroad
from customers.services.upkeep import refresh_gaps, refresh_search_keys
from staff.access import staff_of
from staff.models import Person, Store


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
            "overseas": OVERSEAS,
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
            sql.STAGE,
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
                    row.employer,
                    row.position,
                    row.married,
                    row.credit,
                    row.influence,
                    row.distance_km,
                    _json_list(row.needs),
                    row.preferred_channel,
                    _json_list(row.tags),
                    is_abroad(row.phone),
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
        new_table(cursor, "import_match", sql.MATCH, self.params)
        new_table(cursor, "import_introducer", sql.INTRODUCERS, self.params)

    def faults(self, cursor: Any, only_good: bool) -> list[RowError]:
        """What is wrong with the rows beside the database; with `only_good` a refused introducer is a fault too."""
        fault = self.brought.fault
        found = list(self.owner_faults)
        cursor.execute(sql.DISPUTED)
        found += [fault(row, "phone", code, number=number) for row, code, number in cursor.fetchall()]
        cursor.execute(sql.SAME_GUEST, {"bad": [error.row for error in found]})
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
        new_table(cursor, "import_plan", sql.PLAN, {"bad": list(bad)})
        cursor.execute("SELECT outcome, count(*) FROM import_plan GROUP BY outcome")
        return Counter(dict(cursor.fetchall()))

    def write(self, cursor: Any) -> None:
        """Bring the database to what the plan says."""
        for statement in (sql.NUMBER, sql.CREATE, sql.CHANGE, sql.PATRONISE, sql.REPATRONISE):
            cursor.execute(statement, self.params)
        cursor.execute(sql.OLD_CONTACTS)
        Phone.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]).delete()
        for statement in (
            sql.CHANGE_PHONES,
            sql.ADD_PHONES,
            sql.ADD_TAGS,
            sql.ADD_OVERSEAS,
            sql.ADD_CONSENTS,
            sql.TAKE_BACK_INTRODUCTIONS,
            sql.ADD_INTRODUCTIONS,
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
