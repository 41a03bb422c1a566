"""How many guests each line, group and tier of a scheme matches, in one statement."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import connection

from staff.models import Store
from tiering import compile as compiler
from tiering import facts
from tiering.rules import TOGETHER, Compare, Group, Node, Scheme
from tiering.services.decisions import decided_rows


@dataclass(frozen=True)
class Counts:
    """Guests by the path of a node (`tiers[0].when.any[1]`); None where the line's fact is not measured yet.

    `sizes`: the tiers that would result, by code, the unrated with them (of labels each label; guests may have
    several). `guests`: all of the store.
    """

    on: date
    guests: int
    lines: dict[str, int | None]
    sizes: dict[str, int]
    took_ms: int


def count_lines(store: Store, scheme: Scheme, on: date) -> Counts:
    """What every node of the scheme matches by itself on a day, and what the tiers would be. One statement."""
    places = list(nodes_of(scheme))
    measured = [(path, node) for path, node in places if not is_unmeasured(node)]
    each = ", ".join(f"count(*) FILTER (WHERE {compiler.condition(node)})" for _, node in measured)
    rows, params = decided_rows(scheme, store, on)
    started = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(
            f"{rows} SELECT f.tier, count(*), ARRAY[{each}]::bigint[] FROM t f GROUP BY f.tier", params
        )
        found = cursor.fetchall()
    took = round((time.perf_counter() - started) * 1000)
    lines: dict[str, int | None] = dict.fromkeys((path for path, _ in places), None)
    for n, (path, _node) in enumerate(measured):
        lines[path] = sum(counted[n] for _tier, _guests, counted in found)
    return Counts(
        on,
        sum(guests for _, guests, _ in found),
        lines,
        tier_sizes(scheme, {tier: guests for tier, guests, _ in found}),
        took,
    )


def tier_sizes(scheme: Scheme, guests: dict[str, int]) -> dict[str, int]:
    """Guests by what was decided, as guests by tier: labels that were joined count for each."""
    sizes = dict.fromkeys(scheme.codes, 0)
    for decided, n in guests.items():
        for code in decided.split(TOGETHER) if not scheme.is_ladder else [decided]:
            sizes[code] = sizes.get(code, 0) + n
    return sizes


def nodes_of(scheme: Scheme) -> Iterator[tuple[str, Node]]:
    """Every node of every rule and evidence with its path in the scheme's JSON."""
    for n, tier in enumerate(scheme.tiers):
        yield from _under(tier.when, f"tiers[{n}].when")
        for m, node in enumerate(tier.evidence):
            yield from _under(node, f"tiers[{n}].evidence[{m}]")


def _under(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    yield path, node
    if isinstance(node, Group):
        key = "of" if node.kind == "at_least" else node.kind
        for n, item in enumerate(node.items):
            yield from _under(item, f"{path}.{key}[{n}]")


def is_unmeasured(node: Node) -> bool:
    """A line whose fact nobody counts yet."""
    return isinstance(node, Compare) and not facts.is_measured(node.fact)
