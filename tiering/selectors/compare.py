"""Two schemes on the same guests and the same day: the ladders side by side, who differs and why."""

import re
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from customers.models import Customer
from staff.models import Store
from tiering.compile import quoted
from tiering.differences import Difference, difference
from tiering.rules import UNRATED, Scheme
from tiering.selectors.counts import tier_sizes
from tiering.selectors.guests import known_guests
from tiering.services.decisions import decided_rows

LISTED = 100


@dataclass(frozen=True)
class Differing:
    """A guest who stands elsewhere under the other scheme, and the line that makes the difference."""

    customer: Customer
    one: str
    two: str
    why: Difference


@dataclass(frozen=True)
class Comparison:
    """What two schemes make of the same guests. `matrix`: guests by (tier under one, tier under two).

    `by_rank`: the schemes share no tier code, so that places from the top are compared instead of codes.
    """

    on: date
    one_scheme: Scheme
    two_scheme: Scheme
    called: tuple[str, str]
    guests: int
    one: dict[str, int]
    two: dict[str, int]
    matrix: dict[tuple[str, str], int]
    moved: set[tuple[str, str]]
    by_rank: bool
    differ: int
    listed: list[Differing]
    took_ms: int

    @property
    def sides(self) -> list[tuple[str, Scheme, dict[str, int]]]:
        """What each is called, its rules, and its guests by tier."""
        schemes, sizes = (self.one_scheme, self.two_scheme), (self.one, self.two)
        return list(zip(self.called, schemes, sizes, strict=True))

    @property
    def columns(self) -> list[str]:
        """The tiers under two that any guest has, from the top."""
        return self._tiers(1)

    @property
    def grid(self) -> list[tuple[str, list[tuple[int, bool]]]]:
        """The matrix row by row: a tier under one, then for every column the guests and whether they stay put."""
        return [
            (
                row,
                [
                    (self.matrix.get((row, column), 0), (row, column) not in self.moved)
                    for column in self.columns
                ],
            )
            for row in self._tiers(0)
        ]

    def _tiers(self, side: int) -> list[str]:
        codes = (self.one, self.two)[side]
        there = {pair[side] for pair in self.matrix}
        return [code for code in codes if code in there] + sorted(there - set(codes))


def compare_schemes(
    store: Store, one: Scheme, two: Scheme, on: date, called: tuple[str, str], most: int = LISTED
) -> Comparison:
    """Both schemes decided for every guest of the store on a day; `called` are their names on the page.

    Four queries; writes nothing.
    """
    by_rank = not set(one.codes) & set(two.codes)
    differs = f"{_place(one, 'one')} <> {_place(two, 'two')}" if by_rank else "one <> two"
    a, params_a = _named(*decided_rows(one, store, on), "a_")
    b, params_b = _named(*decided_rows(two, store, on), "b_")
    statement = (
        f"WITH a AS ({a} SELECT t.customer_id, t.tier AS one FROM t), "
        f"b AS ({b} SELECT t.customer_id, t.tier AS two FROM t), "
        f"pairs AS MATERIALIZED (SELECT customer_id, one, two, {differs} AS differs FROM a JOIN b USING (customer_id)) "
        "SELECT one, two, differs, count(*), NULL::bigint FROM pairs GROUP BY 1, 2, 3 UNION ALL "
        f"(SELECT one, two, true, NULL, customer_id FROM pairs WHERE differs ORDER BY {_place(one, 'one')}, "
        f"{_place(two, 'two')}, customer_id LIMIT %(most)s)"
    )
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(statement, params_a | params_b | {"most": most})
        found = cursor.fetchall()
    took = round((time.perf_counter() - started) * 1000)
    matrix = {(x, y): n for x, y, _, n, _ in found if n is not None}
    pairs = [(pk, x, y) for x, y, _, _, pk in found if pk is not None]
    sides: tuple[dict[str, int], dict[str, int]] = {}, {}
    for pair, n in matrix.items():
        for side, tier in zip(sides, pair, strict=True):
            side[tier] = side.get(tier, 0) + n
    return Comparison(
        on,
        one,
        two,
        called,
        sum(matrix.values()),
        tier_sizes(one, sides[0]),
        tier_sizes(two, sides[1]),
        matrix,
        {(x, y) for x, y, differ, n, _ in found if n is not None and differ},
        by_rank,
        sum(n for _, _, differ, n, _ in found if n is not None and differ),
        _listed(store, one, two, on, pairs),
        took,
    )


def _listed(
    store: Store, one: Scheme, two: Scheme, on: date, pairs: list[tuple[int, str, str]]
) -> list[Differing]:
    if not pairs:
        return []
    ids = [pk for pk, *_ in pairs]
    guests = Customer.objects.in_bulk(ids)
    under_one, under_two = known_guests(store, one, on, ids), known_guests(store, two, on, ids)
    return [
        Differing(guests[pk], x, y, difference((one, x, under_one[pk]), (two, y, under_two[pk])))
        for pk, x, y in pairs
    ]


def _place(scheme: Scheme, column: str) -> str:
    """The place of a tier from the top; the unrated last."""
    whens = " ".join(f"WHEN {quoted(code)} THEN {n}" for n, code in enumerate(scheme.codes))
    return f"CASE {column} {whens} WHEN '{UNRATED}' THEN 999 ELSE {len(scheme.codes)} END"


def _named(sql: str, params: dict[str, Any], prefix: str) -> tuple[str, dict[str, Any]]:
    """The statement with its parameters renamed, so that two of them fit into one."""
    renamed = re.sub(r"%(%|\()", lambda sign: "%%" if sign[1] == "%" else f"%({prefix}", sql)
    return renamed, {prefix + name: value for name, value in params.items()}
