"""Which schemes a store has, and which one is in force on a day."""

import json
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from tiering.models import Adoption, SchemeVersion
from tiering.rules import Scheme, read_scheme

PRESETS = Path(__file__).resolve().parent.parent / "presets"


def in_force(store_id: int, on: date, axis: str = "tier") -> Adoption | None:
    """The adoption that grades `axis` of the store on `on`; None where nothing was adopted by then."""
    return next((row for row in in_force_everywhere(store_id, on) if row.axis == axis), None)


def in_force_everywhere(store_id: int, on: date) -> list[Adoption]:
    """What grades the store on `on`: one adoption an axis, the main axis first. One query."""
    rows = (
        Adoption.objects.filter(store_id=store_id, from_date__lte=on, withdrawn_at=None)
        .select_related("version__scheme")
        .order_by("axis", "-from_date", "-id")
        .distinct("axis")
    )
    return sorted(rows, key=lambda row: (row.axis != "tier", row.axis))


def scheme_of(version: SchemeVersion) -> Scheme:
    """The version's rules, read."""
    return _read(version.pk, json.dumps(version.body, sort_keys=True))


@lru_cache(maxsize=256)
def _read(version_id: int, body: str) -> Scheme:
    return read_scheme(json.loads(body))


def preset_codes() -> list[str]:
    """The codes of the presets that ship, in the order in which to offer them."""
    return sorted(
        (path.stem for path in PRESETS.glob("*.json")),
        key=lambda code: (code not in ("recent_month_abc", "monthly_avg_abc"), code),
    )


def preset(code: str) -> dict[str, Any] | None:
    """The body of a preset file."""
    path = PRESETS / f"{code}.json"
    if code not in preset_codes():
        return None
    return json.loads(path.read_text(encoding="utf-8"))
