"""When a guest would fall without another visit: the night's own question, asked of the days to come."""

from dataclasses import dataclass
from datetime import date, timedelta

from common.clock import add_months
from staff.models import Store
from tiering import facts
from tiering.rules import Scheme, decide, facts_used
from tiering.selectors.decisions import known_of

DAYS = 31
MONTHS = 3


@dataclass(frozen=True)
class Fall:
    """The first day on which the rules would give a lower tier if the guest did not come again."""

    on: date
    tier: str


def is_foreseeable(scheme: Scheme) -> bool:
    """A scheme that ranks guests among each other cannot be foreseen: it depends on what the others do."""
    return not any(facts.shared(key) for key in facts_used(scheme, evidence=False))


def fall_without_visit(store: Store, scheme: Scheme, customer_id: int, today: date, tier: str) -> Fall | None:
    """The fall, looked for on the next 31 days and on three month ends; None where there is none.

    At most 34 small queries of one guest. Ask `is_foreseeable` first.
    """
    rank = scheme.rank(tier)
    for on in _days(today):
        known, _unrated = known_of(store, scheme, on, customer_id)
        then = decide(scheme, known)
        if scheme.rank(then) > rank:
            return Fall(on, then)
    return None


def _days(today: date) -> list[date]:
    near = [today + timedelta(days=n) for n in range(1, DAYS + 1)]
    ends = [add_months(today.replace(day=1), n) - timedelta(days=1) for n in range(1, MONTHS + 2)]
    return near + [end for end in ends if end > near[-1]]
