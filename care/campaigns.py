"""Campaigns: who is held out, what may stand in a text, who has to approve, what it earned.

Pure. The lot is a function of the campaign and the guest, so that anybody can draw it again; PostgreSQL draws the same.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256

from care.outcomes import Interval, Sample, difference, mean_difference

MOST_HELD_OUT, MOST_WINDOW_DAYS = 50, 7
# More texts than that are approved by somebody other than the author.
TWO_PERSONS_OVER = 500
# So much more than was approved is not sent: the group grew, somebody looks again.
_MAY_GROW = Fraction(1, 10)

_LINK = re.compile(r"https?:|www\.|[A-Za-z0-9-]\.(?:com|cn|net|top|cc)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\s-]?\d){6,}")
_MARKS = re.compile(r"[【】\[\]$#{}<>\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def lot(campaign_id: int, customer_id: int) -> int:
    """A guest's lot in a campaign, 0–99: the first eight hexadecimal digits of the SHA-256 of `campaign:guest`."""
    return int(sha256(f"{campaign_id}:{customer_id}".encode()).hexdigest()[:8], 16) % 100


def is_held_out(campaign_id: int, customer_id: int, percent: int) -> bool:
    """Whether a guest who could be told is kept unsent, to be compared with."""
    return lot(campaign_id, customer_id) < percent


def unfit(words: str) -> str:
    """Why words may not stand in an approved text: `link`, `number`, `marks`; "" where they may."""
    if _LINK.search(words):
        return "link"
    if _NUMBER.search(words):
        return "number"
    return "marks" if _MARKS.search(words) else ""


def needs_another(texts: int) -> bool:
    """Whether the author may not approve so many texts alone."""
    return texts > TWO_PERSONS_OVER


def has_grown(approved: int, now: int) -> bool:
    """Whether so many more guests are to be told than were approved that somebody has to look again."""
    return now > approved + max(5, int(approved * _MAY_GROW))


@dataclass(frozen=True)
class Arm:
    """The guests of one side of a campaign: `came` of `guests`, their bills in fen and the squares of them."""

    guests: int = 0
    came: int = 0
    spend_fen: int = 0
    squares: float = 0.0

    @property
    def rate(self) -> float:
        """The share that came."""
        return self.came / self.guests if self.guests else 0.0

    @property
    def spend_each_fen(self) -> int:
        """What a guest spent on the mean; who did not come spent nothing."""
        return round(self.spend_fen / self.guests) if self.guests else 0


@dataclass(frozen=True)
class Earned:
    """Who was told against who was held out; both drawn by lot out of the same guests."""

    told: Arm
    held_out: Arm

    @property
    def gain(self) -> Interval | None:
        """By how much the share of those who came is higher; None where one side is empty."""
        return difference(self.told.came, self.told.guests, self.held_out.came, self.held_out.guests)

    @property
    def tables(self) -> Interval | None:
        """How many tables more that makes over all who were told."""
        gain = self.gain
        return gain.times(self.told.guests) if gain else None

    @property
    def spend(self) -> Interval | None:
        """How many fen more over all who were told; None with fewer than two guests on a side."""
        each = mean_difference(_sample(self.told), _sample(self.held_out))
        return each.times(self.told.guests) if each else None


def _sample(arm: Arm) -> Sample:
    return Sample(arm.guests, arm.spend_fen, arm.squares)
