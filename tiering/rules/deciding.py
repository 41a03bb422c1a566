"""What a scheme says of one guest: the tier, the lines that hold, the points of a score.

Pure. `tiering.compile` turns the same trees into SQL; a property test holds the two together.
"""

from datetime import timedelta
from fractions import Fraction

from tiering import facts
from tiering.rules.tree import (
    TOGETHER,
    UNRATED,
    Compare,
    Group,
    Judged,
    Known,
    Line,
    Node,
    Part,
    Profiled,
    Scheme,
    Score,
    Tagged,
    lines_of,
)


def compare(value: Fraction | None, op: str, threshold: Fraction) -> bool:
    """Whether `value op threshold`; an absent value never holds."""
    if value is None:
        return False
    return {
        ">=": value >= threshold,
        ">": value > threshold,
        "<=": value <= threshold,
        "<": value < threshold,
        "=": value == threshold,
        "!=": value != threshold,
    }[op]


def lowered(text: str) -> str:
    """Latin letters made small, as the database does it: nothing else changes."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def explain(node: Node, known: Known, path: str = "") -> Line:
    """The node's line: whether it holds, the number behind it, and its parts."""
    if isinstance(node, Group):
        parts = tuple(explain(item, known, f"{path}.{n + 1}") for n, item in enumerate(node.items))
        return Line(path, node, sum(part.holds for part in parts) >= node.k, parts=parts)
    if isinstance(node, Compare):
        value = known.values.get(node.fact)
        return Line(path, node, compare(value, node.op, node.value), value, facts.is_measured(node.fact))
    if isinstance(node, Tagged):
        return Line(path, node, node.word in known.tags)
    if isinstance(node, Judged):
        return Line(path, node, node.code in known.judged)
    if isinstance(node, Profiled):
        said = lowered(known.profile.get(node.field) or "")
        words = [lowered(word) for word in node.words]
        return Line(path, node, any(word in said for word in words) if node.within else said in words)
    return Line(path, node, True)


def holds(node: Node, known: Known) -> bool:
    return explain(node, known).holds


def by_rules(scheme: Scheme, known: Known) -> str:
    """What the rules alone say: unrated; of a ladder the highest tier that holds; of labels all that hold, joined."""
    if known.unrated:
        return UNRATED
    held = [tier.code for tier in scheme.tiers if holds(tier.when, known)]
    if not held:
        return scheme.fallback
    return held[0] if scheme.is_ladder else TOGETHER.join(held)


def kept_by(scheme: Scheme, known: Known) -> str:
    """What lets the tier of before stand though the rules say lower: `stay`, `grace`, a person's `hand`, or nothing."""
    prior = known.prior
    if not scheme.protects or known.unrated or prior is None or prior.tier not in scheme.codes:
        return ""
    if scheme.rank(by_rules(scheme, known)) <= scheme.rank(prior.tier):
        return ""
    if known.given in scheme.codes:
        return "hand" if known.given == prior.tier else ""
    if prior.on < prior.since + timedelta(days=scheme.min_stay_days):
        return "stay"
    if prior.on < (prior.fading_since or prior.on) + timedelta(days=scheme.grace_days):
        return "grace"
    return ""


def decide(scheme: Scheme, known: Known) -> str:
    """The tier: given by hand, else kept by the scheme's protection, else what the rules say."""
    if known.given in scheme.codes:
        return known.given
    if known.prior and kept_by(scheme, known):
        return known.prior.tier
    return by_rules(scheme, known)


def reasons(scheme: Scheme, code: str, known: Known) -> list[str]:
    """The names of the lines that held for the tier decided; of labels those of every label that holds."""
    if known.unrated:
        return []
    codes = code.split(TOGETHER)
    return [
        name
        for tier in scheme.tiers
        if tier.code in codes and (scheme.is_ladder or holds(tier.when, known))
        for name, node in lines_of(tier)
        if holds(node, known)
    ]


def points_of(part: Part, value: Fraction | None) -> Fraction:
    """What a fact's value gives to a score: nothing where it is absent; a proportion rounded down to a hundredth."""
    if value is None:
        return Fraction(0)
    if part.full is None:
        reached = [points for threshold, points in part.steps if value >= threshold]
        return Fraction(reached[-1] if reached else part.base)
    share = Fraction(abs(part.points) * 100) * min(value, part.full) / part.full
    return Fraction(share.__floor__(), 100) * (1 if part.points >= 0 else -1)


def score_of(score: Score, known: Known) -> Fraction:
    """The points of a guest."""
    return sum((points_of(part, known.values.get(part.fact)) for part in score.parts), Fraction(0))
