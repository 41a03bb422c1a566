"""The days on which an answer can change if nobody comes. Pure."""

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction

from common.clock import add_months
from tiering import facts
from tiering.rules import Compare, Scheme, facts_used, leaves

MONTHS = 3
_ROLLING = {"spend_30d": 30, "visits_30d": 30, "spend_90d": 90, "visits_90d": 90, "avg_bill_90d": 90, "max_bill_90d": 90,
            "spend_365d": 365, "visits_365d": 365, "new_dish_pct_90d": 90}  # fmt: skip
_ROLLING |= {key: 365 for key in facts.CATALOGUE if key.endswith("_pct_365d")}
_FULL_MONTHS = {"avg_monthly_spend_3m", "avg_monthly_visits_3m", "new_customers_1m", "suggestions_1m"}
_STEADY = {"visits_total", "spend_total", "last_bill", "referrals_total", "feedback_total", "credit", "influence",
           "distance_km", "visits_90d_before_last"}  # fmt: skip


def horizon(today: date) -> date:
    """How far we look: to the end of the third month after this one."""
    return add_months(today.replace(day=1), MONTHS + 1) - timedelta(days=1)


def turning_days(scheme: Scheme, visits_on: Iterable[date], today: date, ends: Iterable[date]) -> list[date]:
    """The days after today, up to the horizon, on which an answer of the scheme can change if nobody comes.

    `visits_on`: the days of all the guest's visits. `ends`: the last days of what people said of the guest. A fact
    that may change on any day makes every day one of them.
    """
    end = horizon(today)
    visits = sorted(set(visits_on))
    came = [on for on in visits if on <= today]
    days = {on for on in visits if on > today} | {on + timedelta(days=1) for on in ends}
    in_scores = {part.fact for score in scheme.scores for part in score.parts}
    for key in facts_used(scheme, evidence=False):
        if key in _ROLLING:
            days |= {on + timedelta(days=_ROLLING[key]) for on in visits}
        elif key in _FULL_MONTHS:
            days |= {month_end(today, n) for n in range(MONTHS + 1)}
        elif key in ("spend_month", "visits_month"):
            days |= {add_months(today.replace(day=1), n) for n in range(1, MONTHS + 1)}
        elif key == "consecutive_weeks":
            monday = today - timedelta(days=today.weekday())
            days |= {monday + timedelta(weeks=n) for n in range(1, 3)}
        elif key == "days_since_last_visit" and key not in in_scores:
            if not came:
                continue
            for value in _thresholds(scheme, key):
                days |= {came[-1] + timedelta(days=int(value) + n) for n in (0, 1)}
        elif key not in _STEADY and not facts.is_score(key):
            days |= {today + timedelta(days=n) for n in range(1, (end - today).days + 1)}
    return sorted(on for on in days if today < on <= end)


def month_end(day: date, months: int) -> date:
    """The last day of the month that lies so many months after the day's."""
    return add_months(day.replace(day=1), months + 1) - timedelta(days=1)


def _thresholds(scheme: Scheme, key: str) -> list[Fraction]:
    return [
        leaf.value
        for tier in scheme.tiers
        for leaf in leaves(tier.when)
        if isinstance(leaf, Compare) and leaf.fact == key
    ]


_FALLS = {"spend_30d", "visits_30d", "spend_90d", "visits_90d", "max_bill_90d", "spend_365d", "visits_365d",
          *_FULL_MONTHS, "spend_month", "visits_month", "consecutive_weeks", "events_90d", "complaints_90d",
          "influenced_365d"}  # fmt: skip


def only_falls(scheme: Scheme) -> bool:
    """Whether a guest who stays away can only fall within a month: every line asks for enough of what melts away."""
    for tier in scheme.tiers:
        for leaf in leaves(tier.when):
            if isinstance(leaf, Compare) and leaf.fact not in _STEADY:
                melts = leaf.op in (">=", ">") and leaf.fact in _FALLS
                if not melts and not (leaf.op in ("<=", "<") and leaf.fact == "days_since_last_visit"):
                    return False
    return True


def probe_days(scheme: Scheme, on: date, days: int) -> list[date]:
    """The days of the next `days` after `on` of which one finds every guest whom any of them finds lower.

    Where guests only fall within a month, the last day of each month's part: the day before a month counts as full,
    and the very last. Else every day.
    """
    end = on + timedelta(days=days)
    if not only_falls(scheme):
        return [on + timedelta(days=n) for n in range(1, days + 1)]
    eves = [month_end(on, n) - timedelta(days=1) for n in range(days // 28 + 2)]
    return sorted({day for day in (*eves, end) if on < day <= end})


def is_foreseeable(scheme: Scheme) -> bool:
    """A scheme that ranks guests among each other cannot be foreseen: it depends on what the others do."""
    return not any(facts.shared(key) for key in facts_used(scheme, evidence=False))
