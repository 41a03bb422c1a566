"""Rules: the tree a restaurant's scheme is made of, read, checked, evaluated and explained.

Pure: no clock, no database. A tree is all / any / at-least-k over comparisons of facts with thresholds,
tags, and judgements of a named person. `compile` turns the same tree into SQL; a property test holds the two
together. Source of the form: docs/rules/tiering.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from tiering import facts

UNRATED = "UNRATED"
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
class Otherwise:
    pass


@dataclass(frozen=True)
class Group:
    """At least `k` of `items` hold; `all` and `any` are k = len and k = 1."""

    kind: str
    k: int
    items: tuple["Node", ...]


Node = Compare | Tagged | Judged | Otherwise | Group


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
    """A scheme as read: tiers from the highest to the lowest."""

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

    def tier(self, code: str) -> Tier | None:
        return next((tier for tier in self.tiers if tier.code == code), None)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(tier.code for tier in self.tiers)

    def rank(self, code: str) -> int:
        """0 for the highest tier; the unrated come last."""
        return self.codes.index(code) if code in self.codes else len(self.codes)


@dataclass(frozen=True)
class Known:
    """What is known of one guest on one day: fact values, tags, judgements in force, what keeps it unrated."""

    values: Mapping[str, Fraction | None]
    tags: frozenset[str] = frozenset()
    judged: frozenset[str] = frozenset()
    unrated: bool = False


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


# ---- reading -------------------------------------------------------------------------------------------------

_SCHEME_KEYS = {
    "id", "name", "source", "kind", "axis", "observe_months", "requires", "fallback", "tiers",
}  # fmt: skip
_TIER_KEYS = {"code", "name", "when", "evidence", "note"}
MANDATORY = ("name", "sex", "phone", "address", "industry", "position", "birthday", "married")


def read_scheme(body: Any) -> Scheme:
    """A scheme file's JSON as a Scheme, or BadScheme with every problem and its place."""
    problems: list[Problem] = []
    if not isinstance(body, dict):
        raise BadScheme([Problem("scheme_not_object", "")])
    for key in sorted(set(body) - _SCHEME_KEYS, key=str):
        problems.append(Problem("unknown_key", "", {"key": str(key)}))
    code = body.get("id")
    if not _is_code(code):
        problems.append(Problem("bad_id", "id"))
    name = _name(body.get("name"), "name", problems)
    kind, axis = body.get("kind", "ladder"), body.get("axis", "tier")
    if kind not in ("ladder", "labels"):
        problems.append(Problem("bad_kind", "kind"))
    if not _is_code(axis):
        problems.append(Problem("bad_axis", "axis"))
    months = body.get("observe_months", 0)
    if isinstance(months, bool) or not isinstance(months, int) or not 0 <= months <= 3:
        problems.append(Problem("bad_observe_months", "observe_months"))
        months = 0
    requires = body.get("requires", [])
    if not isinstance(requires, list) or not set(map(str, requires)) <= set(MANDATORY):
        problems.append(Problem("bad_requires", "requires", {"fields": ", ".join(MANDATORY)}))
        requires = []
    tiers = _tiers(body.get("tiers"), problems)
    fallback = body.get("fallback", UNRATED)
    if fallback != UNRATED and fallback not in {tier.code for tier in tiers}:
        problems.append(Problem("unknown_fallback", "fallback", {"code": str(fallback)}))
    if problems:
        raise BadScheme(problems)
    return Scheme(
        str(code), name[0], name[1], tuple(tiers), str(body.get("source", "")), kind, axis, months,
        tuple(requires), fallback,
    )  # fmt: skip


def _is_code(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text) <= 60 and text.replace("_", "").replace("-", "").isalnum()


def _name(value: Any, path: str, problems: list[Problem]) -> tuple[str, str]:
    if isinstance(value, str) and value.strip():
        return value, value
    if (
        isinstance(value, dict)
        and set(value) <= {"zh", "en"}
        and all(isinstance(v, str) for v in value.values())
    ):
        zh = value.get("zh") or value.get("en", "")
        if zh:
            return zh, value.get("en") or zh
    problems.append(Problem("bad_name", path))
    return "", ""


def _tiers(value: Any, problems: list[Problem]) -> list[Tier]:
    if not isinstance(value, list) or not value or len(value) > 12:
        problems.append(Problem("no_tiers", "tiers"))
        return []
    tiers, seen = [], set()
    for n, item in enumerate(value):
        path = f"tiers[{n}]"
        if not isinstance(item, dict):
            problems.append(Problem("tier_not_object", path))
            continue
        for key in sorted(set(item) - _TIER_KEYS, key=str):
            problems.append(Problem("unknown_key", path, {"key": str(key)}))
        code = item.get("code")
        if not _is_code(code) or len(str(code)) > 20 or code == UNRATED:
            problems.append(Problem("bad_tier_code", path))
        elif code in seen:
            problems.append(Problem("tier_twice", path, {"code": code}))
        seen.add(code)
        name = _name(item.get("name"), f"{path}.name", problems)
        when = read_node(item.get("when"), f"{path}.when", problems)
        shown = item.get("evidence", [])
        if not isinstance(shown, list):
            problems.append(Problem("bad_evidence", path))
            shown = []
        evidence = [read_node(e, f"{path}.evidence[{m}]", problems) for m, e in enumerate(shown)]
        tiers.append(Tier(str(code), *name, when, tuple(evidence), str(item.get("note", ""))))
    return tiers


def read_node(value: Any, path: str, problems: list[Problem], depth: int = 1) -> Node:
    """One node of a rule tree; on trouble a harmless node, with the problem noted."""
    if depth > MAX_DEPTH:
        problems.append(Problem("too_deep", path, {"most": MAX_DEPTH}))
        return Otherwise()
    if not isinstance(value, dict):
        problems.append(Problem("node_not_object", path))
        return Otherwise()
    keys = set(value)
    if keys in ({"all"}, {"any"}):
        kind = next(iter(keys))
        return _group(kind, None, value[kind], f"{path}.{kind}", problems, depth)
    if keys == {"at_least", "of"}:
        return _group("at_least", value["at_least"], value["of"], f"{path}.of", problems, depth)
    if keys == {"fact", "op", "value"}:
        return _compare(value, path, problems)
    if keys == {"tag"} and isinstance(value["tag"], str) and 0 < len(value["tag"]) <= 40:
        return Tagged(value["tag"])
    if keys == {"manual"} and _is_code(value["manual"]) and len(value["manual"]) <= 40:
        return Judged(value["manual"])
    if keys == {"otherwise"} and value["otherwise"] is True:
        return Otherwise()
    problems.append(Problem("unknown_node", path, {"keys": ", ".join(sorted(map(str, keys)))}))
    return Otherwise()


def _group(kind: str, k: Any, items: Any, path: str, problems: list[Problem], depth: int) -> Node:
    if not isinstance(items, list) or not items or len(items) > 50:
        problems.append(Problem("empty_group", path))
        return Otherwise()
    nodes = tuple(read_node(item, f"{path}[{n}]", problems, depth + 1) for n, item in enumerate(items))
    if kind == "at_least":
        if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= len(nodes):
            problems.append(Problem("bad_k", path, {"n": len(nodes)}))
            k = 1
        return Group(kind, k, nodes)
    return Group(kind, len(nodes) if kind == "all" else 1, nodes)


def _compare(value: dict[str, Any], path: str, problems: list[Problem]) -> Node:
    fact, op = value["fact"], value["op"]
    if not isinstance(fact, str) or not facts.is_known(fact):
        problems.append(Problem("unknown_fact", path, {"fact": str(fact)}))
        return Otherwise()
    if facts.unit_of(fact) == "date":
        problems.append(Problem("fact_not_comparable", path, {"fact": fact}))
        return Otherwise()
    if op not in OPS:
        problems.append(Problem("unknown_op", path, {"op": str(op)}))
        return Otherwise()
    try:
        if isinstance(value["value"], bool | list | dict | None):
            raise InvalidOperation
        said = Decimal(str(value["value"]))
        if not said.is_finite() or not 0 <= said <= 10**9 or said * 100 % 1:
            raise InvalidOperation
    except InvalidOperation:
        problems.append(Problem("bad_threshold", path, {"fact": fact, "value": str(value["value"])}))
        return Otherwise()
    inside = Fraction(said) * (100 if facts.unit_of(fact) == "fen" else 1)
    return Compare(fact, op, inside, f"{said.normalize():f}")


# ---- walking -------------------------------------------------------------------------------------------------


def leaves(node: Node) -> Iterator[Node]:
    """Every leaf of a tree, left to right."""
    if isinstance(node, Group):
        for item in node.items:
            yield from leaves(item)
    else:
        yield node


def facts_used(scheme: Scheme, *, evidence: bool = True) -> list[str]:
    """The measured facts that the scheme's rules (and shown evidence) look at, each once, in order."""
    found: dict[str, None] = {}
    for tier in scheme.tiers:
        for node in (tier.when, *(tier.evidence if evidence else ())):
            for leaf in leaves(node):
                if isinstance(leaf, Compare) and facts.is_measured(leaf.fact):
                    found[leaf.fact] = None
    return list(found)


def words_used(scheme: Scheme) -> tuple[list[str], list[str]]:
    """The tags and the judgement codes that the scheme looks at."""
    tags: dict[str, None] = {}
    codes: dict[str, None] = {}
    for tier in scheme.tiers:
        for node in (tier.when, *tier.evidence):
            for leaf in leaves(node):
                if isinstance(leaf, Tagged):
                    tags[leaf.word] = None
                elif isinstance(leaf, Judged):
                    codes[leaf.code] = None
    return list(tags), list(codes)


# ---- deciding ------------------------------------------------------------------------------------------------


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
    return Line(path, node, True)


def holds(node: Node, known: Known) -> bool:
    return explain(node, known).holds


def decide(scheme: Scheme, known: Known) -> str:
    """The tier of a ladder: unrated, else the highest that holds, else the fallback."""
    if known.unrated:
        return UNRATED
    return next((tier.code for tier in scheme.tiers if holds(tier.when, known)), scheme.fallback)


def lines_of(tier: Tier) -> list[tuple[str, Node]]:
    """The lines a person would count in a tier's rule, with their names (`A.1`, `A.2` …).

    The items of the outermost group, or the rule itself where it is one line.
    """
    items = tier.when.items if isinstance(tier.when, Group) else (tier.when,)
    return [(f"{tier.code}.{n + 1}", item) for n, item in enumerate(items)]


def reasons(scheme: Scheme, code: str, known: Known) -> list[str]:
    """The names of the lines that held for the tier decided."""
    tier = scheme.tier(code)
    if tier is None or known.unrated:
        return []
    return [name for name, node in lines_of(tier) if holds(node, known)]
