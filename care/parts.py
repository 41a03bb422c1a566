"""What a text is billed as: its parts, and what they cost. Pure.

The providers count the whole text as it is sent, signature and the way to stop included, and every character as
one, whatever its script: up to 70 are one part, a longer text goes out in parts of 67.
"""

from fractions import Fraction

from care.texts import written_out
from common.money import half_up

ALONE, EACH = 70, 67
STOP = "拒收请回复R"


def characters(text: str) -> int:
    """How many characters a telephone counts: those beyond the basic plane (𠮷, emoji) count as two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parts_of(text: str) -> int:
    """How many parts a whole text is billed as; an empty one is one."""
    count = characters(text)
    return 1 if count <= ALONE else -(-count // EACH)


def whole_text(sign: str, template: str, variables: dict[str, str]) -> str:
    """A text as the guest reads it: 【signature】words, and how to stop. An unknown template has no words."""
    return f"【{sign}】{written_out(template, variables)}{STOP}"


def cost_fen(parts: int, thousand_parts_fen: int) -> int:
    """What so many parts cost in fen at a price for a thousand of them, half a fen rounded up."""
    return int(half_up(Fraction(parts * thousand_parts_fen, 1000), 0))
