"""The treatments of a tier: what a guest of it is given, its own and what comes up from the tiers below. Pure.

The rules in words, with numbered cases: docs/rules/care.md and docs/rules/loyalty.md.
"""

from collections.abc import Collection, Sequence

from care.playbook import OCCASIONS, TREATMENTS, Line


def heirs(lines: Collection[Line], ladder: Sequence[str], line: Line) -> tuple[str, ...]:
    """The tiers above the line's own (the ladder's highest first) that are given it too where the plan inherits.

    A treatment goes up: a gift, what happens in the restaurant. Not to a tier that has the same words already, or a
    treatment of its own, or of a tier between, for the same birthday or festival.
    """
    if line.channel not in TREATMENTS or line.tier not in ladder or not line.enabled:
        return ()
    above: list[str] = []
    for tier in reversed(ladder[: ladder.index(line.tier)]):
        if any(_is_same_treatment(line, other) for other in lines if other.tier == tier):
            break
        above.append(tier)
    return tuple(above)


def _is_same_treatment(line: Line, other: Line) -> bool:
    if not other.enabled or other.channel not in TREATMENTS:
        return False
    if other.zh == line.zh:
        return True
    same_day = line.trigger in OCCASIONS and other.trigger == line.trigger
    return same_day and (line.trigger == "birthday" or bool(set(line.occasions) & set(other.occasions)))


def treatments(lines: Sequence[Line], ladder: Sequence[str], tier: str, inherits: bool) -> list[Line]:
    """What a guest of `tier` is given, the tier's own first, then what comes up from the tiers below."""
    own = [line for line in lines if line.tier == tier and line.enabled and line.channel in TREATMENTS]
    return own + inherited(lines, ladder, tier) if inherits else own


def inherited(lines: Sequence[Line], ladder: Sequence[str], tier: str) -> list[Line]:
    """What comes up to `tier` from the tiers below, the nearest first."""
    if tier not in ladder:
        return []
    found = [line for line in lines if tier in heirs(lines, ladder, line)]
    return sorted(found, key=lambda line: ladder.index(line.tier))


def slot_of(line: Line) -> str:
    """What is given once a visit: the line itself, or the group from which the guest chooses one."""
    return line.choice or line.code


def is_given_at_table(line: Line) -> bool:
    """Whether the waiter ticks it when it is given: what belongs to a visit, not to a birthday or a festival."""
    return line.channel == "in_store" and line.trigger in ("each_visit", "any_time")
