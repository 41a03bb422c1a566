"""How near a guest stands to another tier: the distance of a rule from tipping over, in SQL and in Python.

Pure. A comparison's margin is its distance from the threshold as a share of it, negative where it does not hold.
Of a group the margin is that of the item which would tip it: the least of `all`, the greatest of `any`, the k-th
greatest of `at least k`. What is no number (a tag, a judgement) is far away.
"""

from dataclasses import dataclass
from fractions import Fraction

from tiering import facts
from tiering.compile import condition, denominator, quoted
from tiering.rules import Compare, Group, Known, Node, Scheme, Tier, by_rules, holds

FAR = 1_000_000
_SIGNS = {">=": 1, ">": 1, "<=": -1, "<": -1}


def _is_number(node: Node) -> bool:
    return isinstance(node, Compare) and node.op in _SIGNS and facts.is_measured(node.fact)


def margin(node: Node) -> str:
    """The SQL of a node's margin for a row of the fact columns `f`."""
    if isinstance(node, Group):
        parts = [margin(item) for item in node.items]
        if len(parts) == 1:
            return parts[0]
        if node.k == len(parts):
            return f"least({', '.join(parts)})"
        if node.k == 1:
            return f"greatest({', '.join(parts)})"
        listed = ", ".join(parts)
        return f"(SELECT m FROM unnest(ARRAY[{listed}]) m ORDER BY m DESC OFFSET {node.k - 1} LIMIT 1)"
    if isinstance(node, Compare) and _is_number(node):
        value = f"f.{node.fact}::float8 / nullif({denominator(node.fact)}, 0)"
        threshold, scale = float(node.value), float(node.value or 1)
        return f"coalesce({_SIGNS[node.op]} * ({value} - {threshold!r}) / {scale!r}, -{FAR})"
    return f"CASE WHEN {condition(node)} THEN {FAR} ELSE -{FAR} END::float8"


def edge(scheme: Scheme) -> str:
    """The SQL of the distance of a row of `t` (named `f`) from the nearest threshold that would change its tier."""
    if not scheme.is_ladder:
        return f"least({', '.join(f'abs({margin(tier.when)})' for tier in scheme.tiers)}, {FAR})"
    margins = [f"abs({margin(tier.when)})" for tier in scheme.tiers]
    whens = " ".join(
        f"WHEN {quoted(tier.code)} THEN least({', '.join(margins[: n + 1])}, {FAR})"
        for n, tier in enumerate(scheme.tiers)
    )
    return (
        f"CASE WHEN f.unrated IS NOT NULL OR f.tier <> f.ruled THEN {FAR} ELSE "
        f"CASE f.tier {whens} ELSE least({', '.join(margins)}, {FAR}) END END"
    )


@dataclass(frozen=True)
class Tip:
    """The comparison that would tip a tier's rule: of which tier, with the guest's number and the distance."""

    tier: Tier
    node: Compare
    value: Fraction | None
    distance: Fraction


def tip(scheme: Scheme, code: str, known: Known, *, above: bool = False) -> Tip | None:
    """The nearest comparison that keeps a guest in `code` or out of a tier above; None where none is a number.

    With `above`, of those alone that keep the guest out of a tier above. Of a guest who is not where the rules put
    him (unrated, by hand, kept for a while) no number is told.
    """
    if known.unrated or by_rules(scheme, known) != code:
        return None
    rank = scheme.rank(code) if scheme.is_ladder else len(scheme.tiers)
    found = []
    # Of tiers equally far the lowest is told: it is the next one.
    for tier in reversed(scheme.tiers[: rank if above else rank + 1]):
        distance, node = _margin(tier.when, known)
        if node is not None:
            found.append(Tip(tier, node, known.values.get(node.fact), abs(distance)))
    return min(found, key=lambda each: each.distance, default=None)


def _margin(node: Node, known: Known) -> tuple[Fraction, Compare | None]:
    """The margin, and the comparison it is that of (None: nothing with a number)."""
    if isinstance(node, Group):
        parts = sorted((_margin(item, known) for item in node.items), key=lambda part: -part[0])
        return parts[node.k - 1]
    if isinstance(node, Compare) and _is_number(node):
        value = known.values.get(node.fact)
        if value is not None:
            return _SIGNS[node.op] * (value - node.value) / (node.value or 1), node
    return Fraction(FAR if holds(node, known) else -FAR), None
