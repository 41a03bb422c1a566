"""Scores in the editor's form: each a code and parts, every part a fact with points in proportion or by steps. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tiering.editor.nodes import Json, number, same, spelled, whole

BLANK_PART: Json = {"fact": "", "full": "", "points": 10}
BLANK_SCORE: Json = {"parts": [BLANK_PART]}
MOST_SCORES, MOST_PARTS = 5, 10


def score_fields(scores: Any) -> dict[str, str]:
    """The fields of a scheme's scores: `score.0.code`, `score.0.part.1.fact` …; none where they cannot be shown."""
    fields: dict[str, str] = {}
    for n, (code, score) in enumerate(scores.items() if isinstance(scores, dict) else ()):
        parts = score.get("parts") if isinstance(score, dict) and set(score) == {"parts"} else None
        if not isinstance(parts, list):
            return {}
        fields[f"score.{n}.code"] = code
        for m, part in enumerate(parts):
            said = _said(part)
            named = {"json": json.dumps(part)} if said is None else said
            fields |= {f"score.{n}.part.{m}.{name}": text for name, text in named.items()}
    return fields


def _said(part: Any) -> dict[str, str] | None:
    """The fields of a part, if they say exactly it."""
    if not isinstance(part, dict) or not isinstance(part.get("fact"), str):
        return None
    keys = set(part)
    fields = {"fact": part["fact"]}
    if keys == {"fact", "full", "points"}:
        fields |= {"by": "full", "full": spelled(part["full"]), "points": spelled(part["points"])}
    elif keys in ({"fact", "steps"}, {"fact", "steps", "base"}):
        base = spelled(part["base"]) if "base" in part else ""
        fields |= {"by": "steps", "steps": _spelled_steps(part["steps"]), "base": base}
    return fields if len(fields) > 1 and same(part_of(fields), part) else None


def _spelled_steps(steps: Any) -> str:
    if isinstance(steps, str):
        return steps
    if not isinstance(steps, list) or not all(isinstance(step, list) and len(step) == 2 for step in steps):
        return json.dumps(steps)
    return "；".join(f"{spelled(bound)}:{spelled(points)}" for bound, points in steps)


def _steps(text: str) -> Any:
    """`50:2；80:3` as [[50, 2], [80, 3]]; what cannot be read stays a text, to be refused."""
    read = []
    for step in [step for step in re.split("[;；]", text) if step.strip()]:
        pair = re.split("[:：=]", step)
        if len(pair) != 2:
            return text
        read.append([number(pair[0]), whole(pair[1])])
    return read if read else text


def part_of(fields: Mapping[str, str]) -> Any:
    """A part's JSON out of its fields."""
    fact = fields.get("fact", "")
    if fields.get("by") == "steps":
        part: Json = {"fact": fact, "steps": _steps(fields.get("steps", ""))}
        if base := fields.get("base", "").strip():
            part["base"] = whole(base)
        return part
    return {"fact": fact, "full": number(fields.get("full", "")), "points": whole(fields.get("points", ""))}
