"""What a rule tree is made of: a restaurant's scheme once read.

Pure. A tree is all / any / at-least-k over comparisons of facts with thresholds, words of the profile, tags, and
judgements of a named person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any

from tiering import facts

UNRATED = "UNRATED"
TOGETHER = "+"
MAX_DEPTH = 8
OPS = (">=", ">", "<=", "<", "=", "!=")


@dataclass(frozen=True)
class Compare:
    """`fact op value`; `value` in inside units (fen, times, days …), `said` as the scheme writes it."""

    fact: str
    op: str
    value: Fraction
    said: str


@dataclass(frozen=True)
class Tagged:
    word: str


@dataclass(frozen=True)
class Judged:
    code: str


@dataclass(frozen=True)
class Profiled:
    """A field of the profile is one of `words`, or (`within`) has one of them in it, letter case aside."""

    field: str
    words: tuple[str, ...]
    within: bool = False


@dataclass(frozen=True)
class Otherwise:
    pass


@dataclass(frozen=True)
class Group:
    """At least `k` of `items` hold; `all` and `any` are k = len and k = 1."""

    kind: str
    k: int
    items: tuple["Node", ...]


Node = Compare | Tagged | Judged | Profiled | Otherwise | Group


@dataclass(frozen=True)
class Part:
    """What one fact gives to a score: `points` in proportion up to `full`, or by `steps` (threshold, points).

    Thresholds and `full` are in inside units. The points of a proportion are rounded down to a hundredth.
    """

    fact: str
    full: Fraction | None = None
    points: int = 0
    steps: tuple[tuple[Fraction, int], ...] = ()
    base: int = 0

    @property
    def most(self) -> int:
        """The points it can give at the most (of a deduction: take at the most)."""
        return max([self.base, *(points for _, points in self.steps)]) if self.steps else self.points


@dataclass(frozen=True)
class Score:
    """Points from several facts, as the fact `score_<code>` of its scheme."""

    code: str
    parts: tuple[Part, ...]

    @property
    def fact(self) -> str:
        return facts.SCORE + self.code


@dataclass(frozen=True)
class Tier:
    code: str
    zh: str
    en: str
    when: Node
    evidence: tuple[Node, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Scheme:
    """A scheme as read: tiers from the highest to the lowest.

    `min_stay_days`: a tier once given stays at least so long before the guest may fall. `grace_days`: the rules must
    say lower for so many days in a row before the guest falls. 0 turns either off.
    """

    code: str
    zh: str
    en: str
    tiers: tuple[Tier, ...]
    source: str = ""
    kind: str = "ladder"
    axis: str = "tier"
    observe_months: int = 0
    requires: tuple[str, ...] = ()
    fallback: str = UNRATED
    min_stay_days: int = 0
    grace_days: int = 0
    scores: tuple[Score, ...] = ()

    def tier(self, code: str) -> Tier | None:
        return next((tier for tier in self.tiers if tier.code == code), None)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(tier.code for tier in self.tiers)

    @property
    def is_ladder(self) -> bool:
        return self.kind == "ladder"

    @property
    def protects(self) -> bool:
        """Whether a guest may keep a tier that the rules no longer give."""
        return self.is_ladder and bool(self.min_stay_days or self.grace_days)

    def rank(self, code: str) -> int:
        """0 for the highest tier; the unrated come last."""
        return self.codes.index(code) if code in self.codes else len(self.codes)


@dataclass(frozen=True)
class Prior:
    """Where a guest stood before the night of `on`: tier and since when; since when the rules said lower, if so."""

    on: date
    tier: str
    since: date
    fading_since: date | None = None


@dataclass(frozen=True)
class Known:
    """What is known of one guest on one day: fact values, profile, tags, judgements in force, what keeps it unrated.

    `given`: the tier that a person gave by hand, in force that day. `prior`: for schemes that protect from falling.
    """

    values: Mapping[str, Fraction | None]
    tags: frozenset[str] = frozenset()
    judged: frozenset[str] = frozenset()
    unrated: bool = False
    profile: Mapping[str, str] = field(default_factory=dict)
    given: str = ""
    prior: Prior | None = None


@dataclass(frozen=True)
class Problem:
    """Why a scheme is refused: a code, where (`tiers[0].when.any[1]`), and what fills the sentence."""

    code: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)


class BadScheme(Exception):
    """A scheme that cannot be read; carries every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(", ".join(f"{p.path}: {p.code}" for p in problems))
        self.problems = problems


@dataclass(frozen=True)
class Line:
    """One line of an explanation: the node, whether it holds, and the number behind it (None: absent)."""

    path: str
    node: Node
    holds: bool
    value: Fraction | None = None
    measured: bool = True
    parts: tuple["Line", ...] = ()


def leaves(node: Node) -> Iterator[Node]:
    """Every leaf of a tree, left to right."""
    if isinstance(node, Group):
        for item in node.items:
            yield from leaves(item)
    else:
        yield node


def lines_of(tier: Tier) -> list[tuple[str, Node]]:
    """The lines a person would count in a tier's rule, with their names (`A.1`, `A.2` …).

    The items of the outermost group, or the rule itself where it is one line.
    """
    items = tier.when.items if isinstance(tier.when, Group) else (tier.when,)
    return [(f"{tier.code}.{n + 1}", item) for n, item in enumerate(items)]


@dataclass(frozen=True)
class Needs:
    """What a scheme looks at: facts (scores and shares of them too), tags, judgement codes, profile fields."""

    facts: tuple[str, ...]
    tags: tuple[str, ...]
    codes: tuple[str, ...]
    fields: tuple[str, ...]


def needs_of(scheme: Scheme, *, evidence: bool = True) -> Needs:
    """What the scheme's rules (and shown evidence) look at, each once, in order; facts only where measured."""
    found: dict[str, dict[str, None]] = {"facts": {}, "tags": {}, "codes": {}, "fields": {}}
    for tier in scheme.tiers:
        for node in (tier.when, *(tier.evidence if evidence else ())):
            for leaf in leaves(node):
                if isinstance(leaf, Compare) and facts.is_measured(leaf.fact):
                    found["facts"][leaf.fact] = None
                elif isinstance(leaf, Tagged):
                    found["tags"][leaf.word] = None
                elif isinstance(leaf, Judged):
                    found["codes"][leaf.code] = None
                elif isinstance(leaf, Profiled):
                    found["fields"][leaf.field] = None
    # What a score is made of is kept with it, so that the score can be explained.
    for score in scheme.scores:
        if {score.fact, facts.SHARE + score.fact} & set(found["facts"]):
            for part in score.parts:
                if facts.is_measured(part.fact):
                    found["facts"][part.fact] = None
    return Needs(*(tuple(found[name]) for name in ("facts", "tags", "codes", "fields")))


def facts_used(scheme: Scheme, *, evidence: bool = True) -> list[str]:
    """The measured facts that the scheme looks at, each once, in order."""
    return list(needs_of(scheme, evidence=evidence).facts)
