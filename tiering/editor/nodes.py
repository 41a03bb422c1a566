"""What a node of a rule is in the editor's form: a line of three fields, a group, or a piece kept as JSON. Pure."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

GROUPS = {"all": "all", "any": "any", "at_least": "of"}
BLANK = {"fact": "", "op": ">=", "value": ""}

Json = dict[str, Any]


@dataclass(frozen=True)
class Leaf:
    """A kind of line: the keys of its JSON, its three fields, and the JSON that these say.

    `shape` tells the page which fields to show beside the subject: number, words, word or none.
    """

    keys: frozenset[str]
    shape: str
    said: Callable[[Json], tuple[str, str, str]]
    node: Callable[[str, str, str], Json]


def _words(text: str) -> list[str]:
    return [word for part in re.split("[;；]", text) if (word := part.strip())]


def _listed(about: str, value: str) -> tuple[str, list[str]]:
    """`sex:m` names its word itself; `sex` takes the words that were typed."""
    name, given, word = about.partition(":")
    return name, [word] if given else _words(value)


def _said_in(node: Json) -> tuple[str, str, str]:
    field_name, words = node["profile"], node["in"]
    return (f"{field_name}:{words[0]}", "", "") if len(words) == 1 else (field_name, "", "；".join(words))


LEAVES: dict[str, Leaf] = {
    "fact": Leaf(
        frozenset({"fact", "op", "value"}), "number",
        lambda node: (node["fact"], node["op"], spelled(node["value"])),
        lambda about, op, value: {"fact": about, "op": op, "value": number(value)},
    ),
    "in": Leaf(
        frozenset({"profile", "in"}), "words", _said_in,
        lambda about, op, value: dict(zip(("profile", "in"), _listed(about, value), strict=True)),
    ),
    "contains": Leaf(
        frozenset({"profile", "contains"}), "words",
        lambda node: (node["profile"], "", "；".join(node["contains"])),
        lambda about, op, value: {"profile": about, "contains": _words(value)},
    ),
    # `tag:` and `manual:` without a word take the one that was typed.
    "tag": Leaf(
        frozenset({"tag"}), "word",
        lambda node: (node["tag"], "", ""), lambda about, op, value: {"tag": about or value},
    ),
    "manual": Leaf(
        frozenset({"manual"}), "word",
        lambda node: (node["manual"], "", ""), lambda about, op, value: {"manual": about or value},
    ),
    "otherwise": Leaf(
        frozenset({"otherwise"}), "none", lambda node: ("", "", ""), lambda about, op, value: {"otherwise": True},
    ),
}  # fmt: skip


def spelled(value: Any) -> str:
    """A number as people type it; a text that never was a number stays as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def number(text: str) -> Any:
    """5000, 5,000, ¥5000 or 0.5 as a number; what is none stays a text, to be refused with it beside the line."""
    plain = text.strip().lstrip("¥￥").replace(",", "").replace("，", "")
    if re.fullmatch(r"-?[0-9]{1,18}", plain, re.ASCII):
        return int(plain)
    if re.fullmatch(
        r"-?[0-9]{1,15}\.[0-9]{1,15}|-?[0-9]{1,3}(\.[0-9]{1,20})?e[+-]?[0-9]{1,2}", plain, re.ASCII
    ):
        return float(plain)
    return text.strip()


def whole(text: str) -> Any:
    read = number(text)
    return read if isinstance(read, int) else text.strip()


def line_of(node: Any) -> tuple[str, str, str] | None:
    """The three fields of a leaf, if they say exactly it."""
    if not isinstance(node, dict):
        return None
    for kind, leaf in LEAVES.items():
        if set(node) == leaf.keys:
            try:
                about, op, value = leaf.said(node)
                said = all(isinstance(text, str) for text in (about, op, value))
                if said and same(leaf.node(about, op, value), node):
                    return f"{kind}:{about}", op, value
            except (TypeError, AttributeError, KeyError, IndexError):
                return None
    return None


def same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1, 1.0 is 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def node_of_line(subject: str, op: str, value: str) -> Any:
    kind, _, about = subject.partition(":")
    leaf = LEAVES.get(kind)
    return leaf.node(about, op, value.strip()) if leaf else dict(BLANK)


def group_kind(node: Any) -> str:
    """all, any or at_least; empty for what is no group that the form can show."""
    if not isinstance(node, dict):
        return ""
    for kind, key in GROUPS.items():
        if set(node) == {kind, key} and isinstance(node[key], list):
            k = node[kind]
            if kind != "at_least" or (isinstance(k, int | str) and same(whole(spelled(k)), k)):
                return kind
    return ""
