"""A scheme file's JSON, read into a Scheme or refused with every problem and its place. Pure."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tiering import facts
from tiering.rules.tree import (
    MAX_DEPTH,
    OPS,
    UNRATED,
    BadScheme,
    Compare,
    Group,
    Judged,
    Node,
    Otherwise,
    Part,
    Problem,
    Profiled,
    Scheme,
    Score,
    Tagged,
    Tier,
    leaves,
)

_SCHEME_KEYS = {
    "id", "name", "source", "kind", "axis", "observe_months", "requires", "fallback", "tiers",
    "min_stay_days", "grace_days", "scores",
}  # fmt: skip
_TIER_KEYS = {"code", "name", "when", "evidence", "note"}
MAIN_AXIS = "tier"
MAX_AXIS = 20
_SCORE_CODE = re.compile(r"[a-z][a-z0-9_]{0,19}")
# Fields of a profile that a rule may look at; those with a fixed choice are asked with `in`, the others with `contains`.
PROFILE: dict[str, tuple[str, ...]] = {
    "sex": ("m", "f"), "married": ("yes", "no"), "position": (), "industry": (), "employer": (), "address": (),
}  # fmt: skip
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
    if not _is_code(axis) or len(axis) > MAX_AXIS:
        problems.append(Problem("bad_axis", "axis"))
    elif kind == "labels" and axis == MAIN_AXIS:
        problems.append(Problem("labels_on_the_door", "axis"))
    months = body.get("observe_months", 0)
    if isinstance(months, bool) or not isinstance(months, int) or not 0 <= months <= 3:
        problems.append(Problem("bad_observe_months", "observe_months"))
        months = 0
    requires = body.get("requires", [])
    if not isinstance(requires, list) or not set(map(str, requires)) <= set(MANDATORY):
        problems.append(Problem("bad_requires", "requires", {"fields": ", ".join(MANDATORY)}))
        requires = []
    stay = _days(body.get("min_stay_days", 0), "min_stay_days", problems)
    grace = _days(body.get("grace_days", 0), "grace_days", problems)
    if kind == "labels" and (stay or grace):
        problems.append(Problem("labels_have_no_ranks", "kind"))
    scores = _scores(body.get("scores", {}), problems)
    tiers = _tiers(body.get("tiers"), problems)
    problems.extend(_unknown_scores(tiers, scores))
    fallback = body.get("fallback", UNRATED)
    if fallback != UNRATED and fallback not in {tier.code for tier in tiers}:
        problems.append(Problem("unknown_fallback", "fallback", {"code": str(fallback)}))
    if problems:
        raise BadScheme(problems)
    return Scheme(
        str(code), name[0], name[1], tuple(tiers), str(body.get("source", "")), kind, axis, months,
        tuple(requires), fallback, stay, grace, tuple(scores),
    )  # fmt: skip


def _days(value: Any, path: str, problems: list[Problem]) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 366:
        problems.append(Problem("bad_days", path))
        return 0
    return value


def _scores(value: Any, problems: list[Problem]) -> list[Score]:
    """`{"value": {"parts": [{"fact": …, "full": 20000, "points": 50}, {"fact": …, "steps": [[50, 2]], "base": 1}]}}`."""
    if not isinstance(value, dict) or len(value) > 5:
        problems.append(Problem("bad_scores", "scores"))
        return []
    found = []
    for code, body in value.items():
        path = f"scores.{code}"
        parts = body.get("parts") if isinstance(body, dict) and set(body) == {"parts"} else None
        if not _SCORE_CODE.fullmatch(str(code)) or not isinstance(parts, list) or not 1 <= len(parts) <= 10:
            problems.append(Problem("bad_score", path))
            continue
        read = [_part(part, f"{path}.parts[{n}]", problems) for n, part in enumerate(parts)]
        found.append(Score(str(code), tuple(part for part in read if part)))
    return found


def _part(value: Any, path: str, problems: list[Problem]) -> Part | None:
    keys = set(value) if isinstance(value, dict) else set()
    fact = value.get("fact") if keys else None
    if (
        not isinstance(fact, str)
        or not facts.is_known(fact)
        or facts.is_score(fact.removeprefix(facts.SHARE))
    ):
        problems.append(Problem("unknown_fact", path, {"fact": str(fact)}))
        return None
    if facts.unit_of(fact) == "date":
        problems.append(Problem("fact_not_comparable", path, {"fact": fact}))
        return None
    if keys == {"fact", "full", "points"} and _is_points(value["points"]):
        full = _threshold(fact, value["full"])
        if full:
            return Part(fact, full[0], value["points"])
    elif keys in ({"fact", "steps"}, {"fact", "steps", "base"}) and _is_points(value.get("base", 0)):
        steps = value["steps"]
        if isinstance(steps, list) and 1 <= len(steps) <= 10:
            read = [
                _threshold(fact, s[0])
                for s in steps
                if isinstance(s, list) and len(s) == 2 and _is_points(s[1])
            ]
            bounds = [bound[0] for bound in read if bound]
            if len(bounds) == len(steps) and all(a < b for a, b in pairwise(bounds)):
                return Part(
                    fact,
                    steps=tuple((b, s[1]) for b, s in zip(bounds, steps, strict=True)),
                    base=value.get("base", 0),
                )
    problems.append(Problem("bad_part", path, {"fact": fact}))
    return None


def _is_points(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -1000 <= value <= 1000


def _unknown_scores(tiers: list[Tier], scores: list[Score]) -> Iterator[Problem]:
    """A line that looks at a score which the scheme does not have."""
    has = {score.fact for score in scores}
    for n, tier in enumerate(tiers):
        for node in (tier.when, *tier.evidence):
            for leaf in leaves(node):
                named = leaf.fact.removeprefix(facts.SHARE) if isinstance(leaf, Compare) else ""
                if facts.is_score(named) and named not in has:
                    yield Problem("unknown_score", f"tiers[{n}]", {"fact": named})


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
    if keys in ({"profile", "in"}, {"profile", "contains"}):
        return _profiled(value, path, problems)
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
    threshold = _threshold(fact, value["value"])
    if threshold is None:
        problems.append(Problem("bad_threshold", path, {"fact": fact, "value": str(value["value"])}))
        return Otherwise()
    return Compare(fact, op, *threshold)


def _threshold(fact: str, value: Any) -> tuple[Fraction, str] | None:
    """A threshold as people write it (yuan) in inside units, with its plain spelling; None where it is no number."""
    try:
        if isinstance(value, bool | list | dict | None):
            raise InvalidOperation
        said = Decimal(str(value))
        if not said.is_finite() or not 0 <= said <= 10**9 or said * 100 % 1:
            raise InvalidOperation
    except InvalidOperation:
        return None
    return Fraction(said) * (100 if facts.unit_of(fact) == "fen" else 1), f"{said.normalize():f}"


def _profiled(value: dict[str, Any], path: str, problems: list[Problem]) -> Node:
    name, within = value["profile"], "contains" in value
    words = value["contains" if within else "in"]
    choices = PROFILE.get(name) if isinstance(name, str) else None
    if choices is None or within == bool(choices):
        problems.append(Problem("bad_profile", path, {"fields": ", ".join(PROFILE)}))
    elif (
        not isinstance(words, list)
        or not 1 <= len(words) <= 20
        or not all(isinstance(word, str) and 0 < len(word.strip()) <= 40 for word in words)
        or (choices and not set(words) <= set(choices))
    ):
        problems.append(Problem("bad_words", path, {"field": name}))
    else:
        return Profiled(name, tuple(words), within)
    return Otherwise()
