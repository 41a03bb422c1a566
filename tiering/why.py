"""Why a guest moved, in one line: the numbers of the decision beside the thresholds of its scheme."""

from collections.abc import Collection
from fractions import Fraction

from django.utils.translation import gettext as _

from tiering import facts
from tiering.models import TierDecision
from tiering.rules import UNRATED, Compare, Node, Scheme, compare, leaves, lines_of
from tiering.sentences import amount, language, node_sentence, unrated_sentence

SHOWN = 2


def why_moved(decision: TierDecision, scheme: Scheme, held_before: Collection[str] = ()) -> str:
    """Of a guest who rose the lines that held; of one who fell a line of the old tier that holds no more.

    `held_before` names the lines that held in the decision before; unknown, the line missed least is told.
    """
    if decision.tier == UNRATED:
        return unrated_sentence([reason for reason in decision.reasons if isinstance(reason, dict)])
    if scheme.rank(decision.tier) > scheme.rank(decision.previous):
        return _missed(decision, scheme, held_before)
    tier = scheme.tier(decision.tier)
    if tier is None:
        return ""
    held = [node for name, node in lines_of(tier) if name in decision.reasons]
    return _join([text for node in held if (text := _held(node, decision))][:SHOWN])


def _join(texts: list[str]) -> str:
    return ("；" if language() == "zh" else "; ").join(texts)


def _value(decision: TierDecision, fact: str) -> Fraction | None:
    return facts.value_of(decision.facts.get(fact))


def _held(node: Node, decision: TierDecision) -> str:
    """The line that held, with its number: of a group its first part that did."""
    for leaf in leaves(node):
        if not isinstance(leaf, Compare):
            return node_sentence(leaf)
        value = _value(decision, leaf.fact)
        if compare(value, leaf.op, leaf.value):
            return _("%(fact)s %(value)s，门槛 %(threshold)s") % _numbers(leaf, value)
    return ""


def _missed(decision: TierDecision, scheme: Scheme, held_before: Collection[str]) -> str:
    """The comparison of the tier lost that is told: of a line that held before, else the nearest to its threshold."""
    tier = scheme.tier(decision.previous)
    if tier is None:
        return ""
    named = lines_of(tier)
    lost = [node for name, node in named if name in held_before] or [node for _name, node in named]
    missed = [
        (leaf, _value(decision, leaf.fact))
        for node in lost
        for leaf in leaves(node)
        if isinstance(leaf, Compare) and leaf.fact in decision.facts
    ]
    missed = [(leaf, value) for leaf, value in missed if not compare(value, leaf.op, leaf.value)]
    if not missed:
        return ""
    leaf, value = max(missed, key=lambda pair: (pair[1] or 0) / pair[0].value if pair[0].value else 0)
    return _("%(fact)s %(value)s，保级要 %(threshold)s") % _numbers(leaf, value)


def _numbers(leaf: Compare, value: Fraction | None) -> dict[str, str]:
    return {
        "fact": facts.name_of(leaf.fact, language()),
        "value": amount(leaf.fact, value),
        "threshold": amount(leaf.fact, leaf.value),
    }
