"""A segment: a question about the guests of a store, kept as JSON and read into labels to have and a rule to meet.

Pure. The JSON is a rule tree as in a scheme, or `{"where": {axis: [codes]}, "when": tree}`: whoever has one of the
codes on every axis named and for whom the tree, if there is one, holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tiering.rules import Node, Otherwise, Problem, Scheme, read_scheme

# A segment is checked as a scheme of one label on an axis of its own, where no tier is ever given by hand.
AXIS = "segment"
CODE = "IN"
EVERYBODY = {"otherwise": True}
MOST_CODES = 40


@dataclass(frozen=True)
class Question:
    """Labels to have, by axis (one of the codes each), and the rule to meet."""

    where: Mapping[str, tuple[str, ...]]
    scheme: Scheme

    @property
    def when(self) -> Node:
        return self.scheme.tiers[0].when

    @property
    def has_rule(self) -> bool:
        return not isinstance(self.when, Otherwise)


def parts_of(rule: Any) -> tuple[dict[str, list[str]], Any]:
    """The labels and the tree of a segment's JSON, whatever it says; no tree is everybody."""
    if isinstance(rule, dict) and set(rule) <= {"where", "when"} and rule:
        where = rule.get("where", {})
        return (where if isinstance(where, dict) else {}), rule.get("when", EVERYBODY)
    return {}, rule


def rule_of(where: Mapping[str, list[str]], when: Any) -> Any:
    """The JSON of a segment: the bare tree where no label is asked for."""
    asked = {axis: list(codes) for axis, codes in where.items() if codes}
    if not asked:
        return when
    return {"where": asked} if when == EVERYBODY else {"where": asked, "when": when}


def as_scheme(when: Any) -> dict[str, Any]:
    """The body of the scheme as which a segment's tree is read and checked."""
    tier = {"code": CODE, "name": {"zh": "客群", "en": "Segment"}, "when": when}
    return {
        "id": AXIS,
        "name": {"zh": "客群", "en": "Segment"},
        "kind": "labels",
        "axis": AXIS,
        "tiers": [tier],
    }


def read_segment(rule: Any) -> Question:
    """A segment's JSON as a question; raises BadScheme for a tree that cannot be read."""
    where, when = parts_of(rule)
    return Question({axis: tuple(codes) for axis, codes in where.items()}, read_scheme(as_scheme(when)))


def label_problems(where: Any) -> list[Problem]:
    """What is wrong with the labels asked for."""
    fine = isinstance(where, dict) and all(
        isinstance(axis, str)
        and isinstance(codes, list)
        and 0 < len(codes) <= MOST_CODES
        and all(isinstance(code, str) and 0 < len(code) <= 20 for code in codes)
        for axis, codes in where.items()
    )
    return [] if fine else [Problem("bad_axis", "where")]
