"""A scheme's JSON as the named fields of a form, and back. Pure.

A field's name is its place in the tree: `name.zh`, `tier.0.code`, `tier.0.when.2.value`. A line is three fields
(`subject`, `op`, `value`), a group one (`is`) and its numbered items. What the form has no fields for (an unknown
key, a leaf of a kind it does not know) rides along as JSON and comes back as it was: `from_fields(to_fields(body))`
is `body`, whatever the body; only blanks around codes and numbers go.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tiering.editor.nodes import GROUPS, Json, group_kind, line_of, node_of_line, same, spelled, whole
from tiering.editor.scores import part_of, score_fields

# Deeper than any rule may be: so that a tree that is too deep can be shown and refused, and no tree is endless.
DEEPEST = 24

Fields = dict[str, str]

# Keys that a scheme and a tier may leave out, with what they mean then.
SCHEME_DEFAULTS: Json = {
    "source": "", "kind": "ladder", "axis": "tier", "fallback": "UNRATED",
    "observe_months": 0, "min_stay_days": 0, "grace_days": 0, "requires": [],
}  # fmt: skip
NUMBERS = ("observe_months", "min_stay_days", "grace_days")
TIER_DEFAULTS: Json = {"note": "", "evidence": []}


def to_fields(body: Json) -> Fields:
    """The fields that say a scheme's JSON."""
    fields: Fields = {"code": _text(body.get("id")), "said": _kept_defaults(body, SCHEME_DEFAULTS)}
    _name_fields(body.get("name"), "name", fields)
    for key, default in SCHEME_DEFAULTS.items():
        value = body.get(key, default)
        if key == "requires":
            for n, name in enumerate(value if isinstance(value, list) else []):
                fields[f"requires.{name}"] = str(n)
        else:
            fields[key] = spelled(value)
    fields |= score_fields(body.get("scores"))
    tiers = body.get("tiers")
    for n, tier in enumerate(tiers if isinstance(tiers, list) else []):
        _tier_fields(tier, f"tier.{n}", fields)
    _rest_fields(body, _scheme_of(_branches(fields)), "rest", fields)
    return fields


def _tier_fields(tier: Any, place: str, fields: Fields) -> None:
    if not isinstance(tier, dict):
        fields[f"{place}.json"] = json.dumps(tier)
        return
    fields[f"{place}.code"] = _text(tier.get("code"))
    fields[f"{place}.note"] = _text(tier.get("note", ""))
    fields[f"{place}.said"] = _kept_defaults(tier, TIER_DEFAULTS)
    _name_fields(tier.get("name"), f"{place}.name", fields)
    node_fields(tier.get("when"), f"{place}.when", fields)
    evidence = tier.get("evidence")
    for n, node in enumerate(evidence if isinstance(evidence, list) else []):
        node_fields(node, f"{place}.evidence.{n}", fields)
    own = {
        name.removeprefix(f"{place}."): text for name, text in fields.items() if name.startswith(f"{place}.")
    }
    _rest_fields(tier, _tier_of(_branches(own)), f"{place}.rest", fields)


def node_fields(node: Any, place: str, fields: Fields) -> None:
    """The fields of one node of a rule at `place`."""
    kind = group_kind(node)
    if kind:
        fields[f"{place}.is"] = kind
        if kind == "at_least":
            fields[f"{place}.k"] = spelled(node["at_least"])
        for n, item in enumerate(node[GROUPS[kind]]):
            node_fields(item, f"{place}.{n}", fields)
    elif (line := line_of(node)) is not None:
        fields[f"{place}.is"] = "line"
        fields |= dict(zip((f"{place}.subject", f"{place}.op", f"{place}.value"), line, strict=True))
    else:
        fields[f"{place}.is"] = "kept"
        fields[f"{place}.json"] = json.dumps(node)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _kept_defaults(body: Json, defaults: Json) -> str:
    """The optional keys that are written out though they say what is meant anyway."""
    return " ".join(key for key, default in defaults.items() if key in body and same(body[key], default))


def _name_fields(name: Any, place: str, fields: Fields) -> None:
    if isinstance(name, dict):
        fields[f"{place}.form"] = " ".join(key for key in ("zh", "en") if key in name)
        fields[f"{place}.zh"], fields[f"{place}.en"] = _text(name.get("zh")), _text(name.get("en"))
    else:
        fields[f"{place}.form"] = "plain" if isinstance(name, str) else ""
        fields[f"{place}.zh"], fields[f"{place}.en"] = _text(name), ""


def _rest_fields(body: Json, again: Json, place: str, fields: Fields) -> None:
    """What the fields do not say: unknown keys, and known ones with something that no field can hold."""
    rest = {key: value for key, value in body.items() if key not in again or _is_other(again[key], value)}
    gone = [key for key in again if key not in body]
    if rest or gone:
        fields[place] = json.dumps({"rest": rest, "gone": gone})


def _is_other(again: Any, value: Any) -> bool:
    # Of two texts the one in the field is meant: it is the one that people see and change.
    return not same(again, value) and not (isinstance(again, str) and isinstance(value, str))


# ---- fields to JSON ------------------------------------------------------------------------------------------


@dataclass
class _Branch:
    said: Fields = field(default_factory=dict)
    under: dict[str, "_Branch"] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        return self.said.get(name, default)

    def at(self, name: str) -> "_Branch":
        return self.under.get(name, _Branch())

    @property
    def numbered(self) -> list["_Branch"]:
        numbers = [name for name in self.under if re.fullmatch("[0-9]{1,4}", name, re.ASCII)]
        return [self.under[name] for name in sorted(numbers, key=int)]


def _branches(fields: Mapping[str, str]) -> _Branch:
    root = _Branch()
    for name, text in fields.items():
        *way, last = name.split(".")
        if len(way) > DEEPEST:
            continue
        branch = root
        for step in way:
            branch = branch.under.setdefault(step, _Branch())
        branch.said[last] = text.replace("\x00", "").replace("\r\n", "\n")
    return root


def from_fields(fields: Mapping[str, str]) -> Json:
    """The scheme's JSON that a form's fields say. Never fails: what cannot be meant is refused when it is read."""
    root = _branches(fields)
    return _with_rest(_scheme_of(root), root.get("rest"))


def _scheme_of(root: _Branch) -> Json:
    body: Json = {"id": root.get("code").strip(), "name": _name_of(root.at("name"))}
    said = root.get("said").split()
    for key, default in SCHEME_DEFAULTS.items():
        text = root.get(key, spelled(default)) if key != "requires" else ""
        value: Any = whole(text) if key in NUMBERS else text if key == "source" else text.strip()
        if key == "requires":
            asked = {name: n for name, n in root.at(key).said.items() if n.isascii() and n.isdecimal()}
            value = sorted(asked, key=lambda name: int(asked[name][:6]))
        if key in said or not same(value, default):
            body[key] = value
    if scores := _scores_of(root):
        body["scores"] = scores
    body["tiers"] = [
        _json_of(tier.get("json")) if "json" in tier.said else _with_rest(_tier_of(tier), tier.get("rest"))
        for tier in root.at("tier").numbered
    ]
    return body


def _scores_of(root: _Branch) -> Json:
    scores: Json = {}
    for score in root.at("score").numbered:
        parts = score.at("part").numbered
        scores[score.get("code").strip()] = {
            "parts": [
                _json_of(part.get("json")) if "json" in part.said else part_of(part.said) for part in parts
            ]
        }
    return scores


def _tier_of(branch: _Branch) -> Json:
    tier: Json = {"code": branch.get("code").strip(), "name": _name_of(branch.at("name"))}
    tier["when"] = _node_of(branch.at("when"))
    said = branch.get("said").split()
    for key, value in (
        ("note", branch.get("note")),
        ("evidence", [_node_of(node) for node in branch.at("evidence").numbered]),
    ):
        if value or key in said:
            tier[key] = value
    return tier


def _name_of(branch: _Branch) -> Any:
    form, zh, en = branch.get("form").split(), branch.get("zh"), branch.get("en")
    if form == ["plain"] and not en:
        return zh
    return {key: text for key, text in (("zh", zh), ("en", en)) if text or key in form}


def _node_of(branch: _Branch) -> Any:
    kind = branch.get("is", "line")
    if kind == "kept":
        return _json_of(branch.get("json"))
    if kind not in GROUPS:
        return node_of_line(branch.get("subject"), branch.get("op", ">="), branch.get("value"))
    items = [_node_of(item) for item in branch.numbered]
    return {kind: items} if kind != "at_least" else {"at_least": whole(branch.get("k", "1")), "of": items}


def _with_rest(body: Json, text: str) -> Json:
    kept = _json_of(text) if text else None
    if isinstance(kept, dict):
        rest, gone = kept.get("rest"), kept.get("gone")
        body |= rest if isinstance(rest, dict) else {}
        for key in gone if isinstance(gone, list) else []:
            # Left out before, and still not filled in.
            if key in body and not body[key]:
                del body[key]
    return body


def _json_of(text: str) -> Any:
    """A piece of JSON that rode along; None where it was meddled with or is nothing that a database can keep."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        plain = json.dumps(value, ensure_ascii=False, allow_nan=False).encode().decode()
    except (ValueError, RecursionError):
        return None
    return None if _NUL.search(plain) or _depth(value) > 2 * DEEPEST else value


_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        inside = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [item for items in inside for item in items]
    return deepest


def _refuse(constant: str) -> None:
    raise ValueError(constant)
