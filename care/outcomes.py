"""What a gesture earned: how long one waits for a guest, and how sure one may be of a difference.

Pure. The intervals hold with 95 %: Wilson's for a share, Newcombe's for the difference of two shares (method 10 of
Newcombe, Statistics in Medicine 17, 1998, 873–890), Welch's for the difference of two means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

Z = 1.959963984540054
DEFAULT_DAYS = 14
DAYS: Mapping[str, int] = {"birthday": 7}
MOST_DAYS = 90
# So long after a gesture is settled a visit that was voided or entered late still changes the answer.
CORRECTED_FOR = 30


def days_for(trigger: str, said: Mapping[str, int]) -> int:
    """How many days a guest has to come back after a gesture; `said`: what the store set, by trigger."""
    return said.get(trigger, DAYS.get(trigger, DEFAULT_DAYS))


@dataclass(frozen=True)
class Interval:
    """A difference with its lower and upper bound."""

    value: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether nought lies outside."""
        return self.low > 0 or self.high < 0

    def times(self, factor: float) -> "Interval":
        """The same for `factor` guests (or hundredths) instead of one."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)


def wilson(hits: float, of: float) -> tuple[float, float]:
    """The interval of a share; all of 0–1 where nobody was looked at."""
    if of <= 0:
        return 0.0, 1.0
    share = hits / of
    middle = share + Z * Z / (2 * of)
    reach = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    scale = 1 + Z * Z / of
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def difference(hits: float, of: float, base_hits: float, base_of: float) -> Interval | None:
    """By how much one share is above another; None where one of them is of nobody."""
    if of <= 0 or base_of <= 0:
        return None
    share, base = hits / of, base_hits / base_of
    (low, high), (base_low, base_high) = wilson(hits, of), wilson(base_hits, base_of)
    value = share - base
    return Interval(
        value,
        value - sqrt((share - low) ** 2 + (base_high - base) ** 2),
        value + sqrt((high - share) ** 2 + (base - base_low) ** 2),
    )


@dataclass(frozen=True)
class Sample:
    """A number per guest, of `n` guests: the sum, and the sum of the squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean; nought of nobody."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """The variance of the guests, estimated with n − 1."""
        return max(0.0, (self.squares - self.n * self.mean**2) / (self.n - 1)) if self.n > 1 else 0.0


def mean_difference(sample: Sample, base: Sample) -> Interval | None:
    """By how much one mean is above another; None where one of them is of fewer than two guests."""
    if sample.n < 2 or base.n < 2:
        return None
    value = sample.mean - base.mean
    reach = Z * sqrt(sample.variance / sample.n + base.variance / base.n)
    return Interval(value, value - reach, value + reach)


@dataclass(frozen=True)
class Earned:
    """What the gestures of one plan line earned: `came` of `made` guests, and what they spent in fen.

    `base`: the share of the guests to compare with who came in the same days; `base_of`: how many of them stood there
    on a day. Both weigh every day and tier as the gestures do. `compared`: the gestures that have somebody to be
    compared with, and of them `compared_came` came.
    """

    made: int
    came: int
    spend_fen: int
    base: float = 0.0
    base_of: float = 0.0
    compared: int = 0
    compared_came: int = 0

    @property
    def rate(self) -> float:
        """The share that came back."""
        return self.came / self.made if self.made else 0.0

    @property
    def gain(self) -> Interval | None:
        """By how much the gestures are above the others; None where there is nobody to compare with.

        The same guests stand there day after day, so a period counts them once and not once a day.
        """
        return difference(self.compared_came, self.compared, self.base * self.base_of, self.base_of)

    @property
    def tables(self) -> Interval | None:
        """How many tables more that makes, over all the gestures."""
        gain = self.gain
        return gain.times(self.made) if gain else None
