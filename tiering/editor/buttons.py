"""What the buttons of the rule editor do to a scheme's JSON. Pure."""

import copy
from typing import Any

from tiering.editor.nodes import BLANK, GROUPS, Json, group_kind
from tiering.editor.scores import BLANK_PART, BLANK_SCORE, MOST_PARTS, MOST_SCORES

MOST_TIERS = 12


def press(body: Json, act: str) -> tuple[Json, str]:
    """What a button does: the JSON after it, and the field or button (`act:…`) that should have the focus then.

    Acts: add-tier, add-score with its code, and add-line, add-group, add-part, remove, up, down with a place
    (`up:tier.0.when.2`). One that leads nowhere changes nothing.
    """
    body = copy.deepcopy(body)
    verb, _, place = act.partition(":")
    if verb == "add-tier":
        return body, _add_tier(body)
    if verb == "add-score":
        return body, _add_score(body, place)
    steps = place.split(".")
    try:
        if steps[0] == "score":
            return body, _press_score(body["scores"], verb, [int(step) for step in steps[1::2]])
        if len(steps) == 2:
            return body, _press_tier(body["tiers"], verb, int(steps[1]))
        if verb in ("add-line", "add-group"):
            return body, _add(body["tiers"][int(steps[1])], steps, verb)
        return body, _press_node(body["tiers"][int(steps[1])], steps, verb)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return body, ""


def _add_tier(body: Json) -> str:
    tiers = body.setdefault("tiers", [])
    if len(tiers) >= MOST_TIERS:
        return ""
    used = {tier.get("code") for tier in tiers if isinstance(tier, dict)}
    code = next((letter for letter in "ABCDEFGHIJKLM" if letter not in used), "")
    rest = bool(tiers) and isinstance(tiers[-1], dict) and tiers[-1].get("when") == {"otherwise": True}
    at = len(tiers) - rest
    tiers.insert(at, {"code": code, "name": {"zh": "", "en": ""}, "when": {"any": [dict(BLANK)]}})
    return f"tier.{at}.name.zh"


def _add_score(body: Json, code: str) -> str:
    scores = body.setdefault("scores", {})
    if not isinstance(scores, dict) or code in scores or len(scores) >= MOST_SCORES:
        return ""
    scores[code] = copy.deepcopy(BLANK_SCORE)
    return f"score.{len(scores) - 1}.part.0.fact"


def _press_score(scores: Json, verb: str, where: list[int]) -> str:
    """Add a part to a score, or take a part or the whole score away."""
    code = list(scores)[where[0]]
    parts = scores[code]["parts"]
    if verb == "add-part" and len(parts) < MOST_PARTS:
        parts.append(dict(BLANK_PART))
        return f"score.{where[0]}.part.{len(parts) - 1}.fact"
    if verb == "remove":
        if len(where) == 1 or len(parts) == 1:
            del scores[code]
            return "act:add-score"
        del parts[where[1]]
    return f"act:add-part:score.{where[0]}"


def _press_tier(tiers: list[Any], verb: str, n: int) -> str:
    if verb == "remove" and len(tiers) > 1:
        del tiers[n]
        return "act:add-tier"
    return _move(tiers, verb, n, "tier")


def _move(items: list[Any], verb: str, n: int, place: str) -> str:
    to = n + {"up": -1, "down": 1}[verb]
    if not 0 <= to < len(items) or not 0 <= n < len(items):
        return f"act:{verb}:{place}.{n}"
    items[n], items[to] = items[to], items[n]
    # At an end the button that was pressed is gone: its neighbour is next.
    end = (verb == "up" and to == 0) or (verb == "down" and to == len(items) - 1)
    return f"act:{ ({'up': 'down', 'down': 'up'}[verb] if end else verb) }:{place}.{to}"


def _items(node: Any) -> list[Any]:
    """The items of a group."""
    items: list[Any] = node[GROUPS[group_kind(node)]]
    return items


def _down_to(tier: Json, steps: list[str]) -> Any:
    """The node (or the list of evidence) at `tier.0.when.2…`."""
    found = tier.setdefault("evidence", []) if steps[2] == "evidence" else tier["when"]
    for step in steps[3:]:
        found = (found if isinstance(found, list) else _items(found))[int(step)]
    return found


def _add(tier: Json, steps: list[str], verb: str) -> str:
    new: Json = dict(BLANK) if verb == "add-line" else {"any": [dict(BLANK)]}
    place, found = ".".join(steps), _down_to(tier, steps)
    if isinstance(found, list):
        found.append(new)
        place = f"{place}.{len(found) - 1}"
    elif group_kind(found):
        _items(found).append(new)
        place = f"{place}.{len(_items(found)) - 1}"
    elif len(steps) == 3 and found in (BLANK, {"otherwise": True}, None):
        tier["when"] = {"any": [new]}
        place += ".0"
    elif len(steps) == 3:
        tier["when"] = {"any": [found, new]}
        place += ".1"
    return f"{place}.subject" if verb == "add-line" else f"{place}.0.subject"


def _press_node(tier: Json, steps: list[str], verb: str) -> str:
    if len(steps) == 3:
        if verb == "remove" and steps[2] == "when":
            tier["when"] = {"any": []}
        return f"act:add-line:{'.'.join(steps)}"
    parent, n = _down_to(tier, steps[:-1]), int(steps[-1])
    items = parent if isinstance(parent, list) else _items(parent)
    if verb == "remove":
        del items[n]
        return f"act:add-line:{'.'.join(steps[:-1])}"
    return _move(items, verb, n, ".".join(steps[:-1]))
