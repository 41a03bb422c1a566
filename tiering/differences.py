"""Why two schemes put one guest in different places: the line that makes the difference, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from django.utils.translation import gettext as _

from tiering import edges, facts
from tiering.rules import (
    UNRATED,
    Compare,
    Group,
    Judged,
    Known,
    Node,
    Profiled,
    Scheme,
    Tagged,
    compare,
    explain,
)
from tiering.selectors.guests import Knowledge
from tiering.sentences import amount, language, node_sentence, unrated_sentence

Side = tuple[Scheme, str, Knowledge]


@dataclass(frozen=True)
class Difference:
    """What is the same for both (the number), and what each of the two schemes says of it."""

    about: str
    one: str
    two: str


def difference(one: Side, two: Side) -> Difference:
    """The line that makes the difference for a guest whom two schemes put in different places."""
    # The scheme that puts the guest higher has a line that holds; the other asks more there, or something else.
    flipped = _rank(one) > _rank(two)
    told = _not_by_rules(one), _not_by_rules(two)
    if any(told):
        return Difference("", told[0] or _held_line(one), told[1] or _held_line(two))
    high, low = (two, one) if flipped else (one, two)
    found = _same_fact(high, low)
    if found is None:
        lines = [_held_line(high), _missed_line(low)]
        return Difference("", *(reversed(lines) if flipped else lines))
    held, missed, value = found
    about = f"{facts.name_of(held.fact, language())} {amount(held.fact, value)}"
    words = [_asks(held, True), _asks(missed, False)]
    return Difference(about, *(reversed(words) if flipped else words))


def _not_by_rules(side: Side) -> str:
    _scheme, code, knowledge = side
    if knowledge.known.given:
        return _("人工定级")
    if code == UNRATED and knowledge.unrated:
        return unrated_sentence(knowledge.unrated)
    return ""


def _rank(side: Side) -> Fraction:
    """The place from the top as a share of the ladder, so that ladders of different lengths compare."""
    scheme, code, _knowledge = side
    return Fraction(scheme.rank(code), len(scheme.tiers))


def _asks(node: Compare, met: bool) -> str:
    sign = {">=": "≥", "<=": "≤", "!=": "≠"}.get(node.op, node.op)
    threshold = f"{sign} {amount(node.fact, node.value)}"
    return (
        _("要 %(threshold)s，满足") % {"threshold": threshold}
        if met
        else _("要 %(threshold)s，不满足") % {"threshold": threshold}
    )


def _held(node: Node, known: Known) -> Iterator[Node]:
    """The leaves that make a node hold."""
    if not explain(node, known).holds:
        return
    if isinstance(node, Group):
        for item in node.items:
            yield from _held(item, known)
    else:
        yield node


def _missed(node: Node, known: Known) -> Iterator[Compare]:
    if isinstance(node, Group):
        for item in node.items:
            yield from _missed(item, known)
    elif isinstance(node, Compare) and not compare(known.values.get(node.fact), node.op, node.value):
        yield node


def _same_fact(high: Side, low: Side) -> tuple[Compare, Compare, Fraction | None] | None:
    """A fact that both schemes look at, enough for the higher tier here and not for a tier as high there."""
    scheme, code, knowledge = high
    tier = scheme.tier(code)
    if tier is None:
        return None
    other, lower, there = low
    above = other.tiers[: other.rank(lower)]
    same = [each for each in above if each.code == code] or list(reversed(above))
    for held in _held(tier.when, knowledge.known):
        if not isinstance(held, Compare):
            continue
        for each in same:
            for missed in _missed(each.when, there.known):
                if missed.fact == held.fact and missed.op[0] == held.op[0]:
                    return held, missed, knowledge.known.values.get(held.fact)
    return None


def _held_line(side: Side) -> str:
    """What put the guest there: a line that holds; where nothing has to hold, the number nearest to a tier above."""
    scheme, code, knowledge = side
    tier = scheme.tier(code)
    for leaf in _held(tier.when, knowledge.known) if tier else ():
        if isinstance(leaf, Compare):
            return _number(leaf, knowledge.known)
        if isinstance(leaf, Tagged | Judged | Profiled):
            return node_sentence(leaf)
    return _missed_line(side)


def _missed_line(side: Side) -> str:
    """What keeps the guest out of the tiers above: the number that is nearest to its threshold."""
    scheme, code, knowledge = side
    tip = edges.tip(scheme, code, knowledge.known, above=True)
    if tip is not None:
        return _number(tip.node, knowledge.known)
    above = scheme.tiers[: scheme.rank(code)] if scheme.is_ladder else ()
    return _("不满足：%(line)s") % {"line": node_sentence(above[-1].when)} if above else ""


def _number(leaf: Compare, known: Known) -> str:
    numbers = {"line": node_sentence(leaf), "value": amount(leaf.fact, known.values.get(leaf.fact))}
    met = compare(known.values.get(leaf.fact), leaf.op, leaf.value)
    return (_("%(line)s：有 %(value)s，满足") if met else _("%(line)s：有 %(value)s，不满足")) % numbers
