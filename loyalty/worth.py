"""What a voucher takes off a bill, what a gift may cost. Pure; money is integer fen.

The rules in words, with numbered cases: docs/rules/loyalty.md.
"""

from dataclasses import dataclass
from fractions import Fraction

from common.money import half_up

AMOUNT, PERCENT, ITEM, ONE_FOR_ONE = "amount", "percent", "item", "one_for_one"
# Read aloud at the till: no letter or digit that is taken for another one.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 10


@dataclass(frozen=True)
class Limits:
    """What one role may give away by itself: to one guest on one visit, and one person in a calendar month; None: no end."""

    visit_fen: int | None
    month_fen: int | None


def saved_fen(gives: str, worth: int, bill_fen: int) -> int | None:
    """What a voucher takes off a bill of `bill_fen`: `worth` fen, or `worth` percent; never more than the bill.

    None for a dish or a drink: its price is not known here.
    """
    if gives == AMOUNT:
        return min(worth, bill_fen)
    if gives == PERCENT:
        return percent_of(worth, bill_fen)
    return None


def percent_of(percent: int, bill_fen: int) -> int:
    """So many percent of a bill, half a fen rounded up."""
    return int(half_up(Fraction(percent * bill_fen, 100), 0))


def is_enough(min_bill_fen: int, bill_fen: int) -> bool:
    """Whether a bill reaches what the voucher asks for."""
    return bill_fen >= min_bill_fen


def needs_approval(limits: Limits, on_visit_fen: int, in_month_fen: int, cost_fen: int) -> bool:
    """Whether a gift of `cost_fen` goes beyond what the role may give by itself, after what was given already."""
    beyond_visit = limits.visit_fen is not None and on_visit_fen + cost_fen > limits.visit_fen
    beyond_month = limits.month_fen is not None and in_month_fen + cost_fen > limits.month_fen
    return beyond_visit or beyond_month


def is_low(left: int, alert_at: int) -> bool:
    """Whether what is kept for a guest has to be bought again."""
    return left <= alert_at


def plain_code(said: str) -> str:
    """A code as it is kept, from one as it was typed: `k7p2m-9xq4z` is `K7P2M9XQ4Z`."""
    return "".join(each for each in said.upper() if each.isalnum())


def shown_code(code: str) -> str:
    """A code as people read it: `K7P2M-9XQ4Z`."""
    return f"{code[:5]}-{code[5:]}"
