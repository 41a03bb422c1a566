"""The decisions of the long relation: when an organisation is called, which topic is next, how far a guest has come.

Pure: no clock, no database. In words, with numbered cases: docs/rules/relations.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

# What an agreement of each level begins with: days between two contacts.
CALL_DAYS = {1: 90, 2: 30}
RENEWAL_DAYS = 60
MOST_CALL_DAYS, MOST_RENEWAL_DAYS = 400, 365
# An address shorter than that finds nobody.
ADDRESS_AT_LEAST = 4
# The nine steps, in order.
STEPS = (
    "define", "recognise", "develop", "respond", "receive", "serve", "care", "return", "interact",
)  # fmt: skip
# What can only be once a guest has been received.
AFTER_COMING = ("serve", "care", "return", "interact")


# ---- organisations -------------------------------------------------------------------------------------------


def renewal_on(valid_to: date, renewal_days: int) -> date:
    """The day from which the renewal is on somebody's list."""
    return valid_to - timedelta(days=renewal_days)


def counted_from(last_contact: date | None, valid_from: date) -> date:
    """From which day the days without a contact are counted: the last contact, not before the agreement began."""
    return max(last_contact, valid_from) if last_contact else valid_from


def call_due(since: date, call_days: int, today: date) -> date | None:
    """The day on which the call that is owed today became due, counted from the last contact (else from the first day of
    the agreement); None where none is owed. A turn that was missed is not made up for: the next one takes its place.
    """
    turns = (today - since).days // call_days
    return since + timedelta(days=turns * call_days) if turns >= 1 else None


def days_overdue(since: date, call_days: int, today: date) -> int:
    """For how many days an organisation has gone without a contact beyond what was agreed; 0 where it has not."""
    return max(0, (today - since).days - call_days)


def tenths(percent: float) -> float:
    """A reduction as a Chinese bill says it: 8 per cent off is 9.2 折."""
    return round((100 - percent) / 10, 2)


# ---- what to talk about --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """A topic as far as the choice goes: `number` grows with the time at which it was noted."""

    number: int
    depth: int
    used: bool


def next_topic(subjects: Sequence[Subject]) -> int | None:
    """The number of the topic to suggest: of those not used yet, the lightest that is no lighter than the deepest one
    used; where all are lighter, the deepest; among equals the newest. None where nothing is left.
    """
    left = [each for each in subjects if not each.used]
    if not left:
        return None
    reached = max((each.depth for each in subjects if each.used), default=1)
    deep_enough = [each for each in left if each.depth >= reached]
    if deep_enough:
        return min(deep_enough, key=lambda each: (each.depth, -each.number)).number
    return max(left, key=lambda each: (each.depth, each.number)).number


# ---- letters -------------------------------------------------------------------------------------------------


def address_fault(address: str) -> str:
    """Why nothing can be sent to an address: `no_address`, `short_address`; "" where it can."""
    words = "".join(address.split())
    if not words:
        return "no_address"
    return "short_address" if len(words) < ADDRESS_AT_LEAST or words.isdigit() else ""


# ---- a guest who was called back -----------------------------------------------------------------------------


def won_back(contacted_on: date, came_on: date | None, days: int, today: date) -> str:
    """What came of a call to win back: `returned`, `lost`, or `waiting` while the days are not over.

    `came_on`: the day of the first visit after the call. The last day counts.
    """
    last = contacted_on + timedelta(days=days)
    if came_on is not None and came_on <= last:
        return "returned"
    return "lost" if today > last else "waiting"


# ---- the nine steps ------------------------------------------------------------------------------------------


def furthest(since: date, facts: Mapping[str, date | None]) -> tuple[str, date]:
    """The furthest step that a guest has reached, and since when. `since`: the day on which the guest was put on file.

    Whoever is at a step has passed those before it. Serving, caring, return visits and interaction need a guest who came.
    """
    step, on = "recognise", since
    has_come = facts.get("receive") is not None
    for name in STEPS[2:]:
        day = facts.get(name)
        if day is not None and (has_come or name not in AFTER_COMING):
            step, on = name, max(day, since)
    return step, on


def funnel(
    target: int | None, furthest_steps: Mapping[str, int]
) -> list[tuple[str, int | None, float | None]]:
    """Every step with how many reached it, and the share of those of the step before it (None where there are none).

    `furthest_steps`: how many guests are at which step; `target`: how many were to be made guests, where it was written.
    """
    rows: list[tuple[str, int | None, float | None]] = [(STEPS[0], target, None)]
    before = target
    for place, name in enumerate(STEPS[1:], 1):
        reached = sum(furthest_steps.get(later, 0) for later in STEPS[place:])
        rows.append((name, reached, reached / before if before else None))
        before = reached
    return rows


def is_stuck(step: str, since: date, stuck_days: int, today: date) -> bool:
    """Whether a guest has stood at a step for too long. Nobody is stuck at the last one."""
    return step != STEPS[-1] and (today - since).days > stuck_days
