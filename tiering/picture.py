"""A standing as a page draws it: every line with its number, its threshold and a bar."""

from dataclasses import dataclass
from fractions import Fraction

from common.money import half_up
from tiering import facts
from tiering.rules import (
    TOGETHER,
    Compare,
    Group,
    Known,
    Line,
    Otherwise,
    Part,
    Scheme,
    Tier,
    points_of,
    score_of,
)
from tiering.sentences import amount, language, node_sentence

# The threshold stands here on the bar, so that a number beyond it still has room.
MARK_PERCENT = 75.0


@dataclass(frozen=True)
class Drawn:
    """One line: its sentence, the guest's number, whether it holds, how far the bar reaches (0-100)."""

    words: str
    value: str
    holds: bool
    measured: bool
    reach: float | None
    missing: str
    parts: list["Drawn"]

    @property
    def is_group(self) -> bool:
        return bool(self.parts)


@dataclass(frozen=True)
class Rung:
    """One tier of the ladder with its rule drawn; `is_held`: the guest has it by the rules of now."""

    tier: Tier
    drawn: Drawn
    evidence: list[Drawn]
    is_held: bool


def rungs(scheme: Scheme, lines: dict[str, Line], evidence: dict[str, list[Line]], held: str) -> list[Rung]:
    """The ladder from the top (or the labels, in their order), drawn for one guest."""
    codes = held.split(TOGETHER)
    return [
        Rung(tier, draw(lines[tier.code]), [draw(line) for line in evidence[tier.code]], tier.code in codes)
        for tier in scheme.tiers
    ]


def draw(line: Line) -> Drawn:
    """A line and its parts."""
    node = line.node
    if isinstance(node, Group):
        return Drawn(node_sentence(node), "", line.holds, True, None, "", [draw(part) for part in line.parts])
    if isinstance(node, Compare):
        gap = _gap(node, line.value)
        return Drawn(
            node_sentence(node),
            amount(node.fact, line.value) if line.measured else "",
            line.holds,
            line.measured,
            _reach(node, line.value) if line.measured else None,
            amount(node.fact, gap) if gap is not None and line.measured else "",
            [],
        )
    return Drawn(node_sentence(node), "", line.holds, True, None, "", [])


def _reach(node: Compare, value: Fraction | None) -> float:
    """How far the bar reaches: the threshold stands at three quarters of it."""
    if not node.value:
        return 100.0 if value else 0.0
    return round(min(100.0, float((value or 0) / node.value) * MARK_PERCENT), 1)


def _gap(node: Compare, value: Fraction | None) -> Fraction | None:
    """What is missing for a lower bound; None where it holds or there is nothing to add up to."""
    if node.op not in (">=", ">") or (value is not None and value >= node.value):
        return None
    return node.value - (value or Fraction(0))


@dataclass(frozen=True)
class Step:
    """The shortest way up: the next tier and the line that is nearest to holding."""

    tier: Tier
    fact: str
    missing: str


def next_step(scheme: Scheme, lines: dict[str, Line], held: str) -> Step | None:
    """What is missing for the next higher tier where one more line is enough; None at the top."""
    rank = scheme.rank(held)
    above = [tier for tier in scheme.tiers[:rank] if not _takes_all(tier)]
    if not above:
        return None
    tier = above[-1]
    nearest: tuple[Fraction, Line] | None = None
    for line in _enough(lines[tier.code]):
        node = line.node
        if not isinstance(node, Compare) or not line.measured or node.op not in (">=", ">") or not node.value:
            continue
        share = (line.value or Fraction(0)) / node.value
        if nearest is None or share > nearest[0]:
            nearest = (share, line)
    if nearest is None:
        return None
    node = nearest[1].node
    assert isinstance(node, Compare)
    gap = _gap(node, nearest[1].value)
    if gap is None:
        return None
    return Step(tier, facts.name_of(node.fact, language()), amount(node.fact, gap))


def _takes_all(tier: Tier) -> bool:
    return isinstance(tier.when, Otherwise)


def _enough(line: Line) -> list[Line]:
    """The comparisons each of which alone would make the line hold."""
    if not isinstance(line.node, Group):
        return [] if line.holds else [line]
    if line.holds:
        return []
    short = line.node.k - sum(part.holds for part in line.parts)
    return [found for part in line.parts for found in _enough(part)] if short == 1 else []


@dataclass(frozen=True)
class PartDrawn:
    """What one fact gives to a score: its number, the points it gives (or takes) and the most it can."""

    words: str
    points: str
    most: str
    takes: bool
    reach: float


@dataclass(frozen=True)
class ScoreDrawn:
    """A score with its parts: `38 / 100`."""

    name: str
    total: str
    most: str
    parts: list[PartDrawn]


def scores(scheme: Scheme, known: Known) -> list[ScoreDrawn]:
    """How the points of each score of the scheme come together for one guest."""
    return [
        ScoreDrawn(
            facts.name_of(score.fact, language()),
            _points(score_of(score, known)),
            _points(Fraction(sum(part.most for part in score.parts if part.most > 0))),
            [_part(part, known.values.get(part.fact)) for part in score.parts],
        )
        for score in scheme.scores
    ]


def _part(part: Part, value: Fraction | None) -> PartDrawn:
    points = points_of(part, value)
    reach = abs(float(points / part.most)) * 100 if part.most else 0.0
    words = f"{facts.name_of(part.fact, language())} {amount(part.fact, value)}"
    return PartDrawn(
        words, _points(points), _points(Fraction(part.most)), part.most < 0, round(min(100.0, reach), 1)
    )


def _points(points: Fraction) -> str:
    """38, 37.5, −10: a true minus, no idle zeros."""
    said = f"{half_up(abs(points)).normalize():f}"
    return f"−{said}" if points < 0 else said
