"""The fall of a guest who does not come again, and how a protection delays it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from tiering.rules import Known, Scheme, by_rules


@dataclass(frozen=True)
class Fall:
    """The first night that lowers the guest if she does not come again, and the tier it gives."""

    on: date
    tier: str


@dataclass(frozen=True)
class Held:
    """The tier a guest has. `since` when, where the scheme protects it (None: given by hand, nothing protects it);
    `low_since`: since which night the rules have said lower."""

    tier: str
    since: date | None = None
    low_since: date | None = None


def fall(
    scheme: Scheme, held: Held, days: Sequence[date], know: Callable[[date], Known], end: date
) -> Fall | None:
    """The first night up to `end` that puts a guest lower than `held`, by what the rules say on `days`.

    `know` tells what is known of a day; it is asked no further than needed. Between two of the days nothing changes.
    A tier given by hand and the scheme's protections delay the fall; a higher tier that comes by itself (a month is
    full) is protected in its turn.
    """
    top = held.tier
    for on, following in pairwise([*days, end + timedelta(days=1)]):
        known = know(on)
        ruled = by_rules(scheme, known)
        if scheme.rank(ruled) <= scheme.rank(held.tier):
            by_hand = known.given in scheme.codes
            since = held.since if by_hand or ruled == held.tier else on
            held = Held(held.tier if by_hand else ruled, since)
            continue
        held = replace(held, low_since=held.low_since or on)
        falls = on
        if known.given in scheme.codes:
            continue
        if scheme.protects and held.since and held.low_since and not known.unrated:
            graced = held.low_since + timedelta(days=scheme.grace_days)
            falls = max(on, graced, held.since + timedelta(days=scheme.min_stay_days))
        if falls < following:
            if scheme.rank(ruled) > scheme.rank(top):
                return Fall(falls, ruled)
            held = Held(ruled, falls)
    return None
