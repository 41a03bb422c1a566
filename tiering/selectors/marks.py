"""Has anything changed that a store's facts look at? One mark a store, another one after every change.

For each table that the facts read a few counts that no insert, correction or withdrawal leaves as they were. Counts,
not the newest number or moment: a row that was written first may be seen last. All of them in one statement.
"""

import hashlib
import re
from collections.abc import Sequence

from django.db import connection

from staff.models import Store
from tiering.query import Question, fact_rows

_TABLE = re.compile(r"\b(?:FROM|JOIN) ((?:customers|feedback|tiering)_\w+)")


def _by_store(table: str, *counted: str) -> str:
    counts = ", ".join(f"count({column})" for column in ("*", *counted))
    return (
        f"SELECT store_id, concat_ws(' ', {counts}) FROM {table} WHERE store_id = ANY(%(stores)s) GROUP BY 1"
    )


def _brand_wide(table: str, *counted: str, where: str = "true") -> str:
    counts = ", ".join(f"count({column})" for column in ("*", *counted))
    return f"SELECT NULL::bigint, concat_ws(' ', {counts}) FROM {table} WHERE {where}"


def _history(table: str) -> str:
    """Of a long history only the end is counted: what is still being written has a number near the last."""
    return (
        f"SELECT NULL::bigint, concat_ws(' ', max(pgh_id), count(*)) FROM {table} "
        f"WHERE pgh_id > (SELECT max(pgh_id) - 10000 FROM {table})"
    )


# What a visit does to a store it does to the running sums of its guests; what happens to it later is in its history.
_VISITS = (
    "SELECT store_id, concat_ws(' ', count(*), sum(visits_total), sum(spend_total_fen), sum(last_bill_fen), "
    "sum(last_visit_on - date '2000-01-01'), sum(first_visit_on - date '2000-01-01')) FROM customers_patronage "
    "WHERE store_id = ANY(%(stores)s) GROUP BY 1",
    _by_store("customers_visitevent"),
)
# A night moves labels, decisions and the days of grace; one of the past only corrects decisions.
_NIGHTS = (
    "SELECT store_id, concat_ws(' ', count(*), max(decided_at)) FROM tiering_night "
    "WHERE store_id = ANY(%(stores)s) GROUP BY 1",
    "SELECT store_id, concat_ws(' ', count(*), max(decided_at)) FROM tiering_tierdecision "
    "WHERE corrected AND store_id = ANY(%(stores)s) GROUP BY 1",
)
MARKS: dict[str, tuple[str, ...]] = {
    "customers_patronage": _VISITS,
    "customers_visit": (),
    "tiering_tierdecision": (),
    "tiering_fading": (),
    "customers_introduction": (_brand_wide("customers_introduction", "voided_at"),),
    "customers_phone": (_history("customers_phoneevent"),),
    "customers_customer": (_history("customers_customerevent"),),
    "customers_participation": (_by_store("customers_participation", "voided_at"),),
    "customers_visitguest": (_brand_wide("customers_visitguest", "removed_at"),),
    "customers_dish": (_by_store("customers_dish", "withdrawn_at"),),
    "customers_tag": (_brand_wide("customers_tag", "removed_at", where="word = ANY(%(tags)s)"),),
    "customers_profilegap": (
        _brand_wide("customers_profilegap", "filled_at", where="field = ANY(%(requires)s)"),
    ),
    "feedback_complaint": (
        _by_store("feedback_complaint", "withdrawn_at"),
        _by_store("feedback_complaintevent"),
    ),
    "feedback_suggestion": (_by_store("feedback_suggestion", "judged_at", "withdrawn_at"),),
    "tiering_judgement": (_by_store("tiering_judgement", "withdrawn_at"),),
    "tiering_override": (_by_store("tiering_override", "withdrawn_at"),),
}


def tables_in(rows: str) -> list[str]:
    """The tables that a statement of facts reads."""
    return sorted(set(_TABLE.findall(rows)))


def marks_of(stores: Sequence[Store], question: Question) -> dict[int, str]:
    """The mark of every store for the facts of `question` (whose own store does not matter). One query.

    Raises KeyError where the facts read a table of which nothing is said here.
    """
    rows, pieces = fact_rows(question)[0], list(_NIGHTS)
    for table in tables_in(rows):
        pieces += MARKS[table]
    statement = " UNION ALL ".join(
        f"SELECT {n}, x.* FROM ({piece}) x(store_id, counted)" for n, piece in enumerate(pieces)
    )
    params: dict[str, list[int] | list[str]] = {
        "stores": [store.pk for store in stores],
        "tags": list(question.tags),
        "requires": list(question.requires),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found = sorted(cursor.fetchall(), key=lambda row: (row[0], row[1] or 0))
    # The statement is part of it: another version of the program may count otherwise.
    return {
        store.pk: _hashed(
            [rows, store.timezone, *((n, what) for n, of, what in found if of in (None, store.pk))]
        )
        for store in stores
    }


def _hashed(parts: list[object]) -> str:
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()
