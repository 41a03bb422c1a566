"""Nonsense is refused when a scheme is saved: what can be read but cannot be meant.

Pure. Reachability is decided on the grid of all threshold boundaries of the scheme (below, on, above each
threshold, and absent), where every point must get a tier and every tier a point.
"""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from tiering import facts
from tiering.rules import (
    UNRATED,
    Compare,
    Group,
    Judged,
    Known,
    Node,
    Otherwise,
    Problem,
    Profiled,
    Scheme,
    Tagged,
    holds,
    leaves,
)

GRID_LIMIT = 60_000


def check_scheme(scheme: Scheme) -> list[Problem]:
    """Every reason for which a readable scheme makes no sense; empty when it does."""
    if scheme.kind == "labels":
        return [p for n, tier in enumerate(scheme.tiers) for p in _never(tier.when, f"tiers[{n}]", tier.code)]
    problems = list(_otherwise_too_early(scheme)) + list(_out_of_order(scheme))
    return problems or list(_unreachable(scheme))


def _never(node: Node, path: str, code: str) -> Iterator[Problem]:
    """A rule that no guest can meet, by itself."""
    if not any(holds(node, point) for point in _grid([node])):
        yield Problem("never_holds", path, {"tier": code})


def _otherwise_too_early(scheme: Scheme) -> Iterator[Problem]:
    for n, tier in enumerate(scheme.tiers[:-1]):
        if isinstance(tier.when, Otherwise):
            yield Problem(
                "otherwise_too_early", f"tiers[{n}]", {"tier": tier.code, "below": scheme.tiers[n + 1].code}
            )


def _alone(node: Node) -> list[Compare]:
    """The comparisons each of which is enough by itself."""
    if isinstance(node, Compare):
        return [node]
    if isinstance(node, Group) and (node.k == 1):
        return [leaf for item in node.items for leaf in _alone(item)]
    return []


def _out_of_order(scheme: Scheme) -> Iterator[Problem]:
    """A line that is enough for a higher tier and asks less than a line that is enough for a lower one."""
    for high_n, high in enumerate(scheme.tiers):
        for low_n in range(high_n + 1, len(scheme.tiers)):
            low = scheme.tiers[low_n]
            for a, b in product(_alone(high.when), _alone(low.when)):
                up = a.op in (">=", ">") and b.op in (">=", ">") and a.value < b.value
                down = a.op in ("<=", "<") and b.op in ("<=", "<") and a.value > b.value
                if a.fact == b.fact and (up or down):
                    yield Problem(
                        "out_of_order",
                        f"tiers[{low_n}]",
                        {
                            "fact": a.fact, "high": high.code, "high_value": a.said,
                            "low": low.code, "low_value": b.said,
                        },
                    )  # fmt: skip


def _unreachable(scheme: Scheme) -> Iterator[Problem]:
    trees = [tier.when for tier in scheme.tiers]
    unmeasured = {
        leaf.fact for tree in trees for leaf in leaves(tree)
        if isinstance(leaf, Compare) and not facts.is_measured(leaf.fact)
    }  # fmt: skip
    left = set(range(len(scheme.tiers)))
    for point in _grid(trees):
        winner = next((n for n, tree in enumerate(trees) if holds(tree, point)), None)
        left.discard(winner if winner is not None else -1)
        if not left:
            return
    for n in sorted(left):
        waits = any(isinstance(leaf, Compare) and leaf.fact in unmeasured for leaf in leaves(trees[n]))
        if not waits:
            possible = any(holds(trees[n], point) for point in _grid([trees[n]]))
            yield Problem(
                "never_reached" if possible else "never_holds",
                f"tiers[{n}]",
                {"tier": scheme.tiers[n].code, "fallback": scheme.fallback or UNRATED},
            )


def _grid(trees: list[Node]) -> Iterator[Known]:
    """Guests at, below and above every threshold that the trees name; sampled where the grid is too large."""
    thresholds: dict[str, set[Fraction]] = {}
    words: dict[str, None] = {}
    codes: dict[str, None] = {}
    said: dict[str, dict[str, None]] = {}
    for tree in trees:
        for leaf in leaves(tree):
            if isinstance(leaf, Compare):
                thresholds.setdefault(leaf.fact, set()).add(leaf.value)
            elif isinstance(leaf, Tagged):
                words[leaf.word] = None
            elif isinstance(leaf, Judged):
                codes[leaf.code] = None
            elif isinstance(leaf, Profiled):
                said.setdefault(leaf.field, {}).update(dict.fromkeys(leaf.words))
    axes: list[list[object]] = []
    for fact, values in thresholds.items():
        top = Fraction(100) if facts.unit_of(fact) == "percent" else None
        points = {v + step for v in values for step in (-1, 0, 1)} | {Fraction(0)}
        axes.append([None, *sorted(p for p in points if p >= 0 and (top is None or p <= top))])
    axes += [["", *each] for each in said.values()]
    axes += [[False, True]] * (len(words) + len(codes))
    for choice in _choices(axes):
        rest = iter(choice)
        yield Known(
            dict(zip(thresholds, rest, strict=False)),  # type: ignore[arg-type]
            profile=dict(zip(said, rest, strict=False)),  # type: ignore[arg-type]
            tags=frozenset(word for word in words if next(rest)),
            judged=frozenset(code for code in codes if next(rest)),
        )


def _choices(axes: list[list[object]]) -> Iterator[tuple[object, ...]]:
    size = 1
    for axis in axes:
        size *= len(axis)
    if size <= GRID_LIMIT:
        yield from product(*axes)
        return
    # The corners first (every axis high, every axis low), then a fixed sample.
    yield tuple(axis[-1] for axis in axes)
    yield tuple(axis[0] for axis in axes)
    dice = random.Random(1)
    for _ in range(GRID_LIMIT):
        yield tuple(dice.choice(axis) for axis in axes)
