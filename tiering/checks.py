"""Nonsense is refused when a scheme is saved: what can be read but cannot be meant.

Pure. Reachability is decided on the grid of all threshold boundaries of the scheme (below, on, above each
threshold, and absent), where every point must get a tier and every tier a point.
"""

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise, product

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
    compare,
    holds,
    leaves,
)

GRID_LIMIT = 60_000


def check_scheme(scheme: Scheme) -> list[Problem]:
    """Every reason for which a readable scheme makes no sense; empty when it does."""
    if scheme.kind == "labels":
        tops = _tops(scheme)
        return [
            p
            for n, tier in enumerate(scheme.tiers)
            for p in _never(tier.when, f"tiers[{n}]", tier.code, tops)
        ]
    problems = list(_otherwise_too_early(scheme)) + list(_out_of_order(scheme))
    return problems or list(_unreachable(scheme))


def _never(node: Node, path: str, code: str, tops: Mapping[str, Fraction]) -> Iterator[Problem]:
    """A rule that no guest can meet, by itself."""
    if not any(holds(node, point) for point in _grid([node], tops)):
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
    trees, tops = [tier.when for tier in scheme.tiers], _tops(scheme)
    unmeasured = {
        leaf.fact for tree in trees for leaf in leaves(tree)
        if isinstance(leaf, Compare) and not facts.is_measured(leaf.fact)
    }  # fmt: skip
    left = set(range(len(scheme.tiers)))
    for point in _grid(trees, tops):
        winner = next((n for n, tree in enumerate(trees) if holds(tree, point)), None)
        left.discard(winner if winner is not None else -1)
        if not left:
            return
    for n in sorted(left):
        waits = any(isinstance(leaf, Compare) and leaf.fact in unmeasured for leaf in leaves(trees[n]))
        if not waits:
            possible = any(holds(trees[n], point) for point in _grid([trees[n]], tops))
            yield Problem(
                "never_reached" if possible else "never_holds",
                f"tiers[{n}]",
                {"tier": scheme.tiers[n].code, "fallback": scheme.fallback or UNRATED},
            )


def _tops(scheme: Scheme) -> dict[str, Fraction]:
    """The most points that each score of the scheme can give: what takes points away may be absent."""
    return {
        score.fact: Fraction(
            sum(max(0, part.base, part.points, *(p for _, p in part.steps)) for part in score.parts)
        )
        for score in scheme.scores
    }


def _values(fact: str, thresholds: set[Fraction], tops: Mapping[str, Fraction]) -> list[Fraction | None]:
    """Every value that makes a difference: on each threshold, the nearest below and above that the fact can have.

    A fact with a denominator of its own for each guest can have any value between two others.
    """
    lowest, top = Fraction(0), tops.get(fact)
    if facts.unit_of(fact) == "percent":
        top = Fraction(100)
    elif facts.unit_of(fact) == "grade":
        lowest, top = Fraction(1), Fraction(5)
    per = facts.per_of(fact) if facts.is_measured(fact) else 1
    if per is None:
        bounds = sorted(thresholds | {lowest, max(thresholds) + 1} | ({top} if top is not None else set()))
        points = {*bounds, *((a + b) / 2 for a, b in pairwise(bounds))}
    else:
        steps = {step for v in thresholds for step in ((v * per).__floor__(), (v * per).__ceil__())}
        points = {Fraction(step + more, per) for step in steps for more in (-1, 0, 1)} | {lowest}
    return [None, *sorted(p for p in points if p >= lowest and (top is None or p <= top))]


def _grid(trees: list[Node], tops: Mapping[str, Fraction]) -> Iterator[Known]:
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
        axes.append(list(_values(fact, values, tops)))
    axes += [["", *each] for each in said.values()]
    axes += [[False, True]] * (len(words) + len(codes))
    meant = [
        [_meant(tree, fact, axis) for fact, axis in zip(thresholds, axes, strict=False)] for tree in trees
    ]
    for choice in _choices(axes, meant):
        rest = iter(choice)
        yield Known(
            dict(zip(thresholds, rest, strict=False)),  # type: ignore[arg-type]
            profile=dict(zip(said, rest, strict=False)),  # type: ignore[arg-type]
            tags=frozenset(word for word in words if next(rest)),
            judged=frozenset(code for code in codes if next(rest)),
        )


def _meant(tree: Node, fact: str, axis: list[object]) -> object:
    """The value of a fact that fulfils most lines of a tree, and of those the one nearest to a threshold."""
    asked = [leaf for leaf in leaves(tree) if isinstance(leaf, Compare) and leaf.fact == fact]

    def worth(value: object) -> tuple[int, Fraction]:
        if not isinstance(value, Fraction):
            return 0, Fraction(0)
        near = min((abs(value - leaf.value) for leaf in asked), default=value)
        return sum(compare(value, leaf.op, leaf.value) for leaf in asked), -near

    return max(axis, key=worth)


def _choices(axes: list[list[object]], meant: list[list[object]]) -> Iterator[tuple[object, ...]]:
    size = 1
    for axis in axes:
        size *= len(axis)
    if size <= GRID_LIMIT:
        yield from product(*axes)
        return
    # The corners first (every axis high, every axis low, what each rule means), then a fixed sample.
    yield tuple(axis[-1] for axis in axes)
    yield tuple(axis[0] for axis in axes)
    for values in meant:
        yield (*values, *(axis[-1] for axis in axes[len(values) :]))
    dice = random.Random(1)
    for _ in range(GRID_LIMIT):
        yield tuple(dice.choice(axis) for axis in axes)
