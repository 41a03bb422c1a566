"""What a plan costs a year, by how many guests each tier has: gestures by channel, parts of texts, fen. Pure.

Counted is what the calendar alone makes due: cadences, birthdays, festivals. What hangs on a guest's doing (an absence,
a visit, a tier about to fall) is named and not counted. Everybody is counted as reachable, so a figure is an upper bound.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from care.parts import cost_fen, parts_of, whole_text
from care.playbook import Line, is_for, tiers_with_own
from care.treatments import inherited

CADENCE = {"weekly": 52, "monthly": 12, "half_year": 2, "yearly": 1}
# A form of address of usual length, and a festival's name.
SAMPLE = {"name": "王先生", "festival": "中秋节"}


@dataclass
class Cost:
    """A year of a plan. `gestures` by channel, `parts` of texts, `uncounted`: lines that hang on what a guest does."""

    gestures: Counter[str] = field(default_factory=Counter)
    parts: int = 0
    uncounted: list[Line] = field(default_factory=list)

    def texts_fen(self, thousand_parts_fen: int) -> int:
        """What the texts cost, in fen."""
        return cost_fen(self.parts, thousand_parts_fen)


def times_a_year(line: Line) -> int | None:
    """How often a guest is owed the line in a year; None where that hangs on what the guest does."""
    if line.trigger in CADENCE:
        return CADENCE[line.trigger] * line.times
    if line.trigger == "birthday":
        return 1
    if line.trigger == "festival":
        return len(line.occasions)
    return None


def parts_of_line(line: Line, sign: str) -> int:
    """The parts of the text a line sends; none for another channel."""
    return parts_of(whole_text(sign, line.trigger, SAMPLE)) if line.channel == "sms" else 0


def cost_of(
    lines: Sequence[Line], ladder: Sequence[str], guests: Mapping[str, int], *, inherits: bool, sign: str
) -> Cost:
    """A year of the plan's living lines for `guests` by tier, the highest of the `ladder` first."""
    found = Cost()
    enabled = [line for line in lines if line.enabled]
    owned = {line.code: tiers_with_own(enabled, line) for line in enabled}
    owed: Counter[str] = Counter()
    for tier, number in guests.items():
        own = [line for line in enabled if is_for(line, tier, owned[line.code])]
        for line in own + (inherited(enabled, ladder, tier) if inherits else []):
            owed[line.code] += number
    for line in enabled:
        times = times_a_year(line)
        if times is None:
            found.uncounted.append(line)
            continue
        found.gestures[line.channel] += times * owed[line.code]
        found.parts += times * owed[line.code] * parts_of_line(line, sign)
    return found
