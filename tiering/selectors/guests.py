"""What the rules of a scheme look at, for some guests by name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from staff.models import Store
from tiering.query import fact_rows
from tiering.rules import Known, Scheme
from tiering.selectors.decisions import known_from
from tiering.services.decisions import question_of


@dataclass(frozen=True)
class Knowledge:
    """A guest as the rules see it, and what keeps it unrated (as `unrated_sentence` reads it)."""

    known: Known
    unrated: list[dict[str, Any]]


def known_guests(store: Store, scheme: Scheme, on: date, customer_ids: Sequence[int]) -> dict[int, Knowledge]:
    """What is known of some guests of the store on a day, by customer. One query."""
    rows, params = fact_rows(question_of(scheme, store, on, customer_ids=tuple(customer_ids)))
    params |= {"these": list(customer_ids)}
    with connection.cursor() as cursor:
        cursor.execute(f"{rows} SELECT f.* FROM f WHERE f.customer_id = ANY(%(these)s)", params)
        names = [column.name for column in cursor.description]
        found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["customer_id"]: _knowledge(scheme, row, on) for row in found}


def _knowledge(scheme: Scheme, row: dict[str, Any], on: date) -> Knowledge:
    unrated = row["unrated"] or []
    if isinstance(unrated, str):
        unrated = json.loads(unrated)
    return Knowledge(known_from(scheme, row, on), unrated)
