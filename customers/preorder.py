"""Dishes as people write them down: for a table kept, for a guest's own menu, on a bill."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from common.errors import Refused

DISHES_AT_MOST, NAME_AT_MOST, NUMBER_AT_MOST = 30, 40, 99
_DISH = re.compile(r"(?P<name>.*?\S)\s*(?:[×xX*]\s*(?P<number>[0-9]{1,3})\s*[份个只条]?)?")


def read_dishes(text: str) -> tuple[tuple[str, int], ...]:
    """`清蒸石斑 ×1，东坡肉 x2`, one a line or with commas, as name and number; without a number it is one.

    Refuses (dishes_unreadable) what is none, and more than 30.
    """
    found = []
    for part in re.split(r"[\n,，;；、]+", text):
        if not part.strip():
            continue
        dish = _DISH.fullmatch(part.strip())
        number = int(dish["number"] or 1) if dish else 0
        if dish is None or len(dish["name"]) > NAME_AT_MOST or not 1 <= number <= NUMBER_AT_MOST:
            raise Refused("dishes_unreadable", field="dishes")
        found.append((dish["name"], number))
    if len(found) > DISHES_AT_MOST:
        raise Refused("dishes_unreadable", field="dishes")
    return tuple(found)


def kept(dishes: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """Dishes as rows keep them: `[{"name": "清蒸石斑", "number": 1}]`."""
    return [{"name": name, "number": number} for name, number in dishes]


def write_dishes(dishes: Iterable[Mapping[str, Any]], between: str = "、") -> str:
    """Kept dishes as people read them, and as `read_dishes` reads them back: `清蒸石斑 ×1、东坡肉 ×2`."""
    return between.join(f"{each['name']} ×{each['number']}" for each in dishes)
