"""What a rule would ask if its manual lines were confirmed: which tiers a guest is a candidate for. Pure.

A rule of `spend ≥ 5,000 and judged a VIP` suggests the guests who spend so much; a rule that is a judgement alone
suggests nobody, for nothing that is known speaks for anybody.
"""

from dataclasses import dataclass

from tiering.rules import Group, Judged, Node, Otherwise, Scheme, Tier, leaves


@dataclass(frozen=True)
class Open:
    """A tier that waits for a person's word: what else its rule asks, and the judgements that are missing."""

    tier: Tier
    rest: Node
    codes: tuple[str, ...]


def open_tiers(scheme: Scheme) -> list[Open]:
    """The tiers of a scheme with manual lines beside others, highest first."""
    found = []
    for tier in scheme.tiers:
        rest = without_judgements(tier.when)
        if not isinstance(rest, Otherwise) and any(isinstance(leaf, Judged) for leaf in leaves(tier.when)):
            found.append(Open(tier, rest, tuple(dict.fromkeys(codes_asked(tier.when)))))
    return found


def without_judgements(node: Node) -> Node:
    """The rule once every judgement it asks for is given; `Otherwise` where it then holds for everybody."""
    if isinstance(node, Judged):
        return Otherwise()
    if not isinstance(node, Group):
        return node
    items = [without_judgements(item) for item in node.items]
    left = tuple(item for item in items if not isinstance(item, Otherwise))
    k = node.k - (len(items) - len(left))
    if k <= 0 or not left:
        return Otherwise()
    if len(left) == 1:
        return left[0]
    return Group("all" if k == len(left) else "any" if k == 1 else "at_least", k, left)


def codes_asked(node: Node) -> list[str]:
    """The judgements that are enough: all of an `all`, as many of another group as it asks for."""
    if isinstance(node, Judged):
        return [node.code]
    if not isinstance(node, Group):
        return []
    asked = [codes for item in node.items if (codes := codes_asked(item))]
    return [code for codes in asked[: node.k] for code in codes]
