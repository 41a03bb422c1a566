"""Money is integer fen inside the program and yuan with two decimals outside."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction


def half_up(value: Fraction, places: int = 2) -> Decimal:
    """An exact fraction rounded half-up (away from zero) to `places` decimals."""
    scaled = abs(value) * 10**places
    rounded = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    result = Decimal(rounded).scaleb(-places)
    return -result if value < 0 else result


def yuan(fen: int | Fraction) -> Decimal:
    """Fen as yuan with two decimals: 123456 -> Decimal('1234.56')."""
    return half_up(Fraction(fen) / 100)


def show_yuan(fen: int | Fraction | None) -> str:
    """For people: `¥1,280`, `¥1,280.50`; empty where there is none."""
    if fen is None:
        return ""
    amount = yuan(fen)
    return f"¥{amount:,.0f}" if amount == amount.to_integral() else f"¥{amount:,.2f}"


def fen_of(amount: Decimal) -> int:
    """Yuan as fen, rounded half-up: Decimal('12.345') -> 1235."""
    return int((amount * 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))
