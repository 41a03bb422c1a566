"""What a store may want of the guests of a class: the metrics, and for which class of VIPs which of them count. Pure.

A metric is a quotient of what one month's bills add up to. Only bills whose dishes were written down say anything
of dishes.
"""

from dataclasses import dataclass, fields
from fractions import Fraction

AXIS = "vip_weight"
# Casual guests: more items a guest, and to come again; medium ones: more items a bill; heavy ones: both of the bill.
WANTED: dict[str, tuple[str, ...]] = {
    "HEAVY": ("avg_bill", "dishes_per_bill"),
    "MEDIUM": ("dishes_per_bill",),
    "CASUAL": ("dishes_per_guest", "visits_per_guest"),
}
METRICS = ("avg_bill", "dishes_per_bill", "dishes_per_guest", "visits_per_guest")
# Targets and what was reached are kept in hundredths; of money that is fen.
SCALE = 100


@dataclass(frozen=True)
class Month:
    """What the bills of some guests add up to in a month. `dishes` of the `bills_told` whose dishes are known; of
    these `dishes_seated` were for `diners` people, where the party was counted too."""

    guests: int = 0
    bills: int = 0
    fen: int = 0
    bills_told: int = 0
    dishes: Fraction = Fraction(0)
    dishes_seated: Fraction = Fraction(0)
    diners: int = 0

    def plus(self, other: "Month") -> "Month":
        """Both together: guests of two people do not overlap."""
        return Month(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def reached(metric: str, month: Month) -> Fraction | None:
    """What was reached in hundredths (money in fen); None where no bill says anything of it."""
    top, bottom = {
        "avg_bill": (Fraction(month.fen, SCALE), month.bills),
        "dishes_per_bill": (month.dishes, month.bills_told),
        "dishes_per_guest": (month.dishes_seated, month.diners),
        "visits_per_guest": (Fraction(month.bills), month.guests),
    }[metric]
    return top * SCALE / bottom if bottom else None


def percent(value: Fraction | None, target: int | None) -> Fraction | None:
    """How much of the target was reached, in per cent."""
    return value * 100 / target if value is not None and target else None
