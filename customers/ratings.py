"""What a house judges of a guest in small numbers: credit and influence from 1 to 5, kilometres to a tenth."""

import re
from decimal import ROUND_HALF_UP, Decimal

from common.cells import CellError, plain, shorten

RATINGS = range(1, 6)
MOST_KM = Decimal("9999.9")
TENTH = Decimal("0.1")
_RATING = re.compile(r"([1-5])(?:\.0+)?\s*(?:分|星|级)?")
_DISTANCE = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,6})?)\s*(km|公里|千米|m|米)?")


def parse_rating(text: str) -> int:
    """A whole number from 1 to 5, `4`, `4.0`, `4分`, `4星`. Raises CellError rating_unreadable."""
    found = _RATING.fullmatch(plain(text))
    if found is None:
        raise CellError("rating_unreadable", text=shorten(text))
    return int(found[1])


def parse_distance(text: str) -> Decimal:
    """Kilometres to a tenth, halves up: `1.25` -> 1.3, `0.6公里`, `600米` -> 0.6.

    Raises CellError: distance_unreadable, distance_too_far (10,000 km and more).
    """
    found = _DISTANCE.fullmatch(plain(text).casefold())
    if found is None:
        raise CellError("distance_unreadable", text=shorten(text))
    metres = found[2] in ("m", "米")
    km = (Decimal(found[1]) / (1000 if metres else 1)).quantize(TENTH, ROUND_HALF_UP)
    if km > MOST_KM:
        raise CellError("distance_too_far", text=shorten(text))
    return km
