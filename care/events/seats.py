"""An event in numbers: who has a seat and who waits, what a guest cost, what the guests thought, what they spent after.

Pure: no clock, no database.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from common.money import half_up

# The days before an event and after it that are compared.
EFFECT_DAYS = 30
ACCEPTED, WAITING = "accepted", "waiting"


def seat_for(seats: int | None, accepted: int) -> str:
    """What a yes becomes where `accepted` guests have a seat: `accepted`, or `waiting` where all are taken."""
    return ACCEPTED if seats is None or accepted < seats else WAITING


def places_free(seats: int | None, accepted: int, waiting: int) -> int:
    """How many of those who wait move up."""
    return waiting if seats is None else min(waiting, max(0, seats - accepted))


def each_fen(cost_fen: int | None, attended: int) -> Fraction | None:
    """What an event cost for each guest who came; None without a cost or without guests."""
    return Fraction(cost_fen, attended) if cost_fen is not None and attended else None


def mean_opinion(opinions: Collection[int]) -> Decimal | None:
    """The mean of the guests' opinions to one decimal, halves up; None for none."""
    return half_up(Fraction(sum(opinions), len(opinions)), 1) if opinions else None


def spans(held_on: date) -> tuple[tuple[date, date], tuple[date, date]]:
    """The thirty days before an event and the thirty after it, first and last day; the day itself is in neither."""
    day, far = timedelta(days=1), timedelta(days=EFFECT_DAYS)
    return (held_on - far, held_on - day), (held_on + day, held_on + far)


@dataclass(frozen=True)
class Effect:
    """What the guests who came spent in the days before and after, in fen, and in how many visits.

    `over`: whether all the days after are past.
    """

    guests: int
    before_fen: int = 0
    after_fen: int = 0
    before_visits: int = 0
    after_visits: int = 0
    over: bool = False

    @property
    def more_fen(self) -> int:
        """How much more they spent after than before; less is negative."""
        return self.after_fen - self.before_fen
