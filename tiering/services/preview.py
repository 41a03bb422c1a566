"""What if these were the rules? The night's own query, counted instead of written."""

import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from staff.models import Store
from tiering import compile as compiler
from tiering.query import fact_rows
from tiering.rules import Scheme
from tiering.services.decisions import question_of


@dataclass(frozen=True)
class Preview:
    """Guests per tier now and then, and the moves between; `took_ms` for the statement."""

    on: date
    now: dict[str, int]
    then: dict[str, int]
    moves: list[tuple[str, str, int]]
    took_ms: int

    def as_json(self) -> dict[str, Any]:
        return {
            "on": self.on.isoformat(),
            "now": self.now,
            "then": self.then,
            "moves": [{"from": a, "to": b, "guests": n} for a, b, n in self.moves],
            "took_ms": self.took_ms,
        }


def preview(store: Store, scheme: Scheme, on: date) -> Preview:
    """Every guest of the store under `scheme` on `on`, against the labels of today. Writes nothing."""
    rows, params = fact_rows(question_of(scheme, store.pk, on))
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            f"{rows} SELECT label, tier, count(*) FROM (SELECT f.label, {compiler.tier_case(scheme)} AS tier FROM f) d "
            "GROUP BY 1, 2 ORDER BY 1, 2",
            params,
        )
        counted = cursor.fetchall()
    took = round((time.perf_counter() - started) * 1000)
    before: dict[str, int] = {}
    after: dict[str, int] = dict.fromkeys(scheme.codes, 0)
    for label, tier, n in counted:
        before[label] = before.get(label, 0) + n
        after[tier] = after.get(tier, 0) + n
    return Preview(on, before, after, [(a, b, n) for a, b, n in counted if a != b], took)
