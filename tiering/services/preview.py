"""What if these were the rules? The night's own query, counted instead of written."""

import time
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from customers.models import Customer
from customers.services.labels import MAIN_AXIS
from staff.models import Store
from tiering import edges, facts
from tiering.models import Night
from tiering.rules import UNRATED, Scheme
from tiering.selectors.guests import known_guests
from tiering.sentences import amount, language, unrated_sentence
from tiering.services.decisions import decided_rows


@dataclass(frozen=True)
class Example:
    """A guest who would change tier, and the number beside the threshold that is nearest (None: no number decides).

    `unrated` says what keeps the guest unrated, if that is why.
    """

    customer: Customer
    before: str
    after: str
    tip: edges.Tip | None
    unrated: str = ""

    @property
    def fact(self) -> str:
        return facts.name_of(self.tip.node.fact, language()) if self.tip else ""

    @property
    def value(self) -> str:
        return amount(self.tip.node.fact, self.tip.value) if self.tip else ""

    @property
    def threshold(self) -> str:
        """`≥ ¥5,000`."""
        if self.tip is None:
            return ""
        sign = {">=": "≥", "<=": "≤"}.get(self.tip.node.op, self.tip.node.op)
        return f"{sign} {amount(self.tip.node.fact, self.tip.node.value)}"


@dataclass(frozen=True)
class Preview:
    """Guests per tier now and then, and the moves between; `took_ms` for the statement.

    `edge`: guests who would change tier, the nearest to a threshold first.
    """

    on: date
    now: dict[str, int]
    then: dict[str, int]
    moves: list[tuple[str, str, int]]
    took_ms: int
    edge: list[Example] = field(default_factory=list)

    @property
    def guests(self) -> int:
        return sum(self.then.values())

    @property
    def moved(self) -> int:
        """Guests who change tier; who is graded for the first time is not counted."""
        return sum(n for before, _, n in self.moves if before)

    @property
    def entered(self) -> int:
        """Guests who get their first tier."""
        return sum(n for before, _, n in self.moves if not before)

    def as_json(self) -> dict[str, Any]:
        return {
            "on": self.on.isoformat(),
            "now": self.now,
            "then": self.then,
            "moves": [{"from": a, "to": b, "guests": n} for a, b, n in self.moves],
            "took_ms": self.took_ms,
        }


# What the next night compares with: the label, unless a correction of the past changed what stood.
_STOOD = """stood AS (SELECT DISTINCT ON (d.customer_id) d.customer_id, d.tier FROM tiering_tierdecision d
    WHERE d.store_id = %(store)s AND d.axis = %(axis)s AND d.business_date <= %(day)s AND d.customer_id IN (
        SELECT c.customer_id FROM tiering_tierdecision c
        WHERE c.store_id = %(store)s AND c.axis = %(axis)s AND c.corrected AND c.decided_at > %(since)s)
    ORDER BY d.customer_id, d.business_date DESC, d.id DESC)"""


def preview(store: Store, scheme: Scheme, on: date, *, examples: int = 0) -> Preview:
    """Every guest of the store under `scheme` on `on`, against where they stand today. Writes nothing.

    With `examples` also so many of the guests who would move, the nearest to a threshold first.
    """
    rows, params = decided_rows(scheme, store, on)
    label = "f.label" if scheme.axis == MAIN_AXIS else "coalesce(f.labels ->> %(axis)s, '')"
    newest = Night.objects.filter(store=store, axis=scheme.axis).order_by("-business_date").first()
    params |= {"axis": scheme.axis, "since": newest.decided_at if newest else datetime.min, "most": examples}
    near = f"CASE WHEN f.tier <> s.before THEN {edges.edge(scheme)} END" if examples else "NULL::float8"
    statement = (
        f"{rows}, {_STOOD}, seen AS (SELECT f.customer_id, s.before, f.tier, {near} AS near FROM t f "
        "LEFT JOIN stood ON stood.customer_id = f.customer_id "
        f"CROSS JOIN LATERAL (SELECT coalesce(stood.tier, {label}) AS before) s) "
        "SELECT before, tier, count(*), NULL::float8, NULL::bigint FROM seen GROUP BY 1, 2 UNION ALL "
        "(SELECT before, tier, NULL, near, customer_id FROM seen WHERE before <> tier "
        "ORDER BY near, customer_id LIMIT %(most)s)"
    )
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found = cursor.fetchall()
    took = round((time.perf_counter() - started) * 1000)
    counted = sorted((a, b, n) for a, b, n, *_ in found if n is not None)
    before: dict[str, int] = {}
    after: dict[str, int] = dict.fromkeys(scheme.codes, 0)
    for stands, tier, n in counted:
        before[stands] = before.get(stands, 0) + n
        after[tier] = after.get(tier, 0) + n
    moving = sorted((near, pk, a, b) for a, b, _, near, pk in found if pk is not None)
    named = [(pk, a, b) for _, pk, a, b in moving]
    return Preview(
        on,
        before,
        after,
        [(a, b, n) for a, b, n in counted if a != b],
        took,
        _named(store, scheme, on, named),
    )


def _named(store: Store, scheme: Scheme, on: date, moving: list[tuple[int, str, str]]) -> list[Example]:
    """The guests by name, with the number beside the threshold. Two queries."""
    if not moving:
        return []
    ids = [pk for pk, *_ in moving]
    guests = Customer.objects.in_bulk(ids)
    knowledge = known_guests(store, scheme, on, ids)
    return [
        Example(
            guests[pk],
            a,
            b,
            edges.tip(scheme, b, knowledge[pk].known),
            unrated_sentence(knowledge[pk].unrated) if b == UNRATED else "",
        )
        for pk, a, b in moving
    ]
