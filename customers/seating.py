"""Which tables suit a party, who is called first, how long an unconfirmed table is kept, which evening a booking belongs
to, whose booking stands in the way of who sits down. Pure: no clock, no database.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

WHEELCHAIR = "wheelchair"


@dataclass(frozen=True)
class Place:
    """A table as the rules see it."""

    key: int
    seats: int
    accessible: bool


def suits(place: Place, party: int, needs: Collection[str]) -> str:
    """Why a table does not suit a party: "small", "stairs"; "" where it does."""
    if WHEELCHAIR in needs and not place.accessible:
        return "stairs"
    return "small" if place.seats < party else ""


def offered(
    places: Iterable[Place], party: int, needs: Collection[str], taken: Collection[int]
) -> list[Place]:
    """The tables a party is offered: those that suit and are not taken, the smallest first; one that a wheelchair
    can reach is offered to others last.
    """
    free = [each for each in places if each.key not in taken and not suits(each, party, needs)]
    return sorted(free, key=lambda each: (each.accessible and WHEELCHAIR not in needs, each.seats))


def free_again(on: date, made_on: date, held_days: int) -> date:
    """The day on which an unconfirmed table is free again, in the morning: so many days before its day, but not before
    the day after it was kept. `on` and `made_on` are business days.
    """
    return max(on - timedelta(days=held_days), made_on + timedelta(days=1))


def evening_of(on: date, arrives: time, day_ends_at: time) -> date:
    """The business day of a moment as the clock on the wall says it: half past midnight is of the evening before."""
    return on - timedelta(days=1) if arrives < day_ends_at else on


def is_in_the_way(starts_at: datetime, ends_at: datetime, at: datetime, sitting_minutes: int) -> bool:
    """Whether a booking, not arrived yet, wants the table of somebody who sits down `at` and takes it for so long."""
    return starts_at < at + timedelta(minutes=sitting_minutes) and at < ends_at


def codes_of(text: str) -> frozenset[str]:
    """Codes of tiers as they are written down: `VIP A, GOLD`."""
    return frozenset(text.replace(",", " ").replace("，", " ").replace("、", " ").split())


def goes_first(tier: str, labels: Mapping[str, str], first: Collection[str]) -> bool:
    """Whether a guest is called before the others: by the tier on the door, or one of the axes beside it."""
    codes = {tier} | {code for held in labels.values() for code in held.split("+")}
    return bool(codes & set(first) - {""})


def call_order(is_first: bool, joined_at: datetime) -> tuple[bool, datetime]:
    """The key by which a waiting list is sorted: those who go first, then by the moment they joined."""
    return (not is_first, joined_at)
