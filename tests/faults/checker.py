"""What the provider's ledger says against what was owed. It knows the guests and what they said; our tables it never asks.

Each number is owed one text, or none, or none from a moment on. A text is dated by the moment it was claimed: the
provider's ledger keeps it as the moment of the signature, cut to the whole second.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Owed:
    """What one number is owed. `must`: exactly one text, else at most one. `never`: none. `until`: none that was
    claimed later. `closes`: its window ends then.
    """

    group: str
    must: bool = True
    never: bool = False
    until: datetime | None = None
    closes: datetime | None = None


@dataclass(frozen=True)
class Violation:
    """`kind`: doubled, lost, refused (to somebody who said no), outside (the window), stranger (owed nothing)."""

    kind: str
    phone: str
    group: str
    detail: str = ""


def check(
    owed: Mapping[str, Owed],
    taken: Iterable[Mapping[str, Any]],
    *,
    window: timedelta,
    at_the_end: bool = True,
) -> list[Violation]:
    """Every violation. `window`: how old a signature the provider takes. Before the end nothing is lost yet."""
    by_phone: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for entry in taken:
        by_phone[entry["phone"]].append(entry)
    found = [Violation("stranger", phone, "") for phone in by_phone if phone not in owed]
    for phone, what in owed.items():
        entries = by_phone.get(phone, [])
        found += [
            Violation(kind, phone, what.group, detail) for kind, detail in _against(what, entries, window)
        ]
        if at_the_end and what.must and not entries:
            found.append(Violation("lost", phone, what.group))
    return found


def _against(what: Owed, entries: list[Mapping[str, Any]], window: timedelta) -> Iterable[tuple[str, str]]:
    if len(entries) > 1:
        yield "doubled", f"{len(entries)} times, {len({entry['out_id'] for entry in entries})} ids"
    for entry in entries:
        claimed, accepted = (datetime.fromisoformat(entry[key]) for key in ("signed_at", "at"))
        if what.never:
            yield "refused", entry["at"]
        if what.until is not None and claimed > what.until:
            yield "refused", f"claimed {claimed - what.until} too late"
        if what.closes is not None and (claimed >= what.closes or accepted > what.closes + window):
            yield "outside", f"claimed {claimed:%T}, accepted {accepted:%T}, closed {what.closes:%T}"
