"""What the days to come hold for one guest: the days on which a fact can change, the fall, and the way up.

Pure. The facts of future days come from the night's own query; here is only which days need asking, what one more
visit would add, and how a protection delays a fall. Prose: docs/rules/forecast.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from common.clock import add_months
from tiering import facts
from tiering.rules import (
    Compare,
    Group,
    Known,
    Line,
    Scheme,
    by_rules,
    explain,
    facts_used,
    leaves,
    needs_of,
)

DAYS = 31
MONTHS = 3
_ROLLING = {"spend_30d": 30, "visits_30d": 30, "spend_90d": 90, "visits_90d": 90, "avg_bill_90d": 90, "max_bill_90d": 90,
            "spend_365d": 365, "visits_365d": 365}  # fmt: skip
_FULL_MONTHS = {"avg_monthly_spend_3m", "avg_monthly_visits_3m", "new_customers_1m", "suggestions_1m"}
_STEADY = {"visits_total", "spend_total", "last_bill", "referrals_total", "feedback_total", "credit", "influence",
           "distance_km", "visits_90d_before_last"}  # fmt: skip


def horizon(today: date) -> date:
    """How far we look: 31 days, then to the end of the third month from now."""
    return add_months(today.replace(day=1), MONTHS + 1) - timedelta(days=1)


def turning_days(
    scheme: Scheme, visits_on: Iterable[date], today: date, given_until: date | None
) -> list[date]:
    """The days after today, up to the horizon, on which an answer of the scheme can change if nobody comes.

    `visits_on`: the days of the guest's visits of the last year. Where a fact may change on any day, every one of
    the next 31 days and the month ends after them.
    """
    end = horizon(today)
    days: set[date] = set()
    visits = sorted(set(visits_on))
    keys = facts_used(scheme, evidence=False)
    if given_until:
        days.add(given_until + timedelta(days=1))
    if needs_of(scheme, evidence=False).codes:
        keys = [*keys, "judgements"]
    for key in keys:
        if key in _ROLLING:
            days |= {on + timedelta(days=_ROLLING[key]) for on in visits}
        elif key in _FULL_MONTHS:
            days |= {_month_end(today, n) for n in range(MONTHS + 1)}
        elif key in ("spend_month", "visits_month"):
            days |= {add_months(today.replace(day=1), n) for n in range(1, MONTHS + 1)}
        elif key == "consecutive_weeks":
            monday = today - timedelta(days=today.weekday())
            days |= {monday + timedelta(weeks=n) for n in range(1, 3)}
        elif key == "days_since_last_visit" and visits:
            for value in _thresholds(scheme, key):
                days |= {visits[-1] + timedelta(days=int(value) + n) for n in (0, 1)}
        elif key not in _STEADY:
            days |= {today + timedelta(days=n) for n in range(1, DAYS + 1)}
            days |= {_month_end(today, n) for n in range(MONTHS + 1)}
    return sorted(on for on in days if today < on <= end)


def _month_end(day: date, months: int) -> date:
    return add_months(day.replace(day=1), months + 1) - timedelta(days=1)


def _thresholds(scheme: Scheme, key: str) -> list[Fraction]:
    return [
        leaf.value
        for tier in scheme.tiers
        for leaf in leaves(tier.when)
        if isinstance(leaf, Compare) and leaf.fact == key
    ]


_FALLS = {*_ROLLING, *_FULL_MONTHS, "spend_month", "visits_month", "consecutive_weeks", "events_90d", "complaints_90d",
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
    eves = [_month_end(on, n) - timedelta(days=1) for n in range(days // 28 + 2)]
    return sorted({day for day in (*eves, end) if on < day <= end})


# ---- falling -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fall:
    """The first night that lowers the guest if she does not come again, and the tier it gives."""

    on: date
    tier: str


def fall(scheme: Scheme, tier: str, since: date | None, ahead: Sequence[tuple[date, Known]]) -> Fall | None:
    """The fall of a guest who has `tier` (since `since`), by what the rules say on the days `ahead`.

    Between two of these days nothing changes. A tier given by hand and the scheme's protections delay the fall.
    """
    low_since = ahead[0][1].prior.fading_since if ahead and ahead[0][1].prior else None
    for n, (on, known) in enumerate(ahead):
        if known.given in scheme.codes:
            low_since = None
            continue
        then = by_rules(scheme, known)
        if scheme.rank(then) <= scheme.rank(tier):
            low_since = None
            continue
        low_since = low_since or on
        falls = on
        if scheme.protects and not known.unrated:
            falls = max(on, low_since + timedelta(days=scheme.grace_days))
            if since:
                falls = max(falls, since + timedelta(days=scheme.min_stay_days))
        if n + 1 == len(ahead) or falls < ahead[n + 1][0]:
            return Fall(falls, then)
    return None


# ---- rising --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """What a guest would have to do: spend so much (fen), come so often, with a bill of at least `bill`, for so many
    weeks in a row; bring so many guests, make so many valid suggestions, take part in so many events."""

    fen: int = 0
    visits: int = 0
    bill: int = 0
    weeks: int = 0
    guests: int = 0
    suggestions: int = 0
    events: int = 0

    @property
    def amount(self) -> int:
        """What the (last) visit has to cost at least, in fen."""
        return max(self.fen, self.bill)

    @property
    def comes(self) -> int:
        """How many visits it takes at least."""
        return max(self.visits, 1 if self.amount else 0)

    def together(self, other: "Change") -> "Change":
        """Enough for both: one visit counts for every line."""
        return Change(*(max(a, b) for a, b in zip(self.values(), other.values(), strict=True)))

    def values(self) -> tuple[int, ...]:
        return (self.fen, self.visits, self.bill, self.weeks, self.guests, self.suggestions, self.events)


@dataclass(frozen=True)
class Rise:
    """Enough for `tier`: the change, done by `by` (from today on), is what the night of `on` needs."""

    tier: str
    change: Change
    on: date
    by: date


def rise(
    scheme: Scheme,
    tier: str,
    today: Known,
    on: date,
    ahead: Sequence[tuple[date, Known]],
    last_visit_on: date | None,
) -> Rise | None:
    """The shortest way to the next higher tier that rules on numbers give; None at the top or where none is known.

    `today` is what is known on day `on`. What counts by full months counts at the month's end: that day is asked of
    `ahead`. A change for today may be done as long as the answer stays the same: `by`.
    """
    rank = scheme.rank(tier)
    above = scheme.tiers[:rank]
    if not scheme.is_ladder or not above or today.unrated or today.given:
        return None
    target = above[-1]
    month_end = _month_end(on, 0)
    for day, known in [(on, today), *((d, k) for d, k in ahead if d == month_end or d.weekday() == 0)]:
        change = needed(explain(target.when, known), day, last_visit_on)
        if change is None or not any(change.values()) or not _enough(scheme, target.code, known, change, day):
            continue
        return Rise(
            target.code, change, day, _last_day(scheme, target.code, change, day, on, ahead, month_end)
        )
    return None


def _enough(scheme: Scheme, code: str, known: Known, change: Change, day: date) -> bool:
    return scheme.rank(by_rules(scheme, with_change(known, change, day))) <= scheme.rank(code)


def _last_day(
    scheme: Scheme,
    code: str,
    change: Change,
    day: date,
    today: date,
    ahead: Sequence[tuple[date, Known]],
    month_end: date,
) -> date:
    """Until when the same change is enough: for a later day that day itself, else the day before it no more is."""
    if day > today:
        return day
    if change.weeks:
        return today + timedelta(days=6 - today.weekday())
    for on, known in ahead:
        if on > month_end:
            break
        if not _enough(scheme, code, known, change, on):
            return on - timedelta(days=1)
    return month_end


def needed(line: Line, on: date, last_visit_on: date | None) -> Change | None:
    """The least change that makes the line hold on day `on`; None where no act of the guest is known to do it."""
    if line.holds:
        return Change()
    node = line.node
    if isinstance(node, Group):
        short = node.k - sum(part.holds for part in line.parts)
        ways = [
            (_nearness(part), change)
            for part in line.parts
            if not part.holds and (change := needed(part, on, last_visit_on)) is not None
        ]
        if len(ways) < short:
            return None
        total = Change()
        for _, change in sorted(ways, key=lambda way: way[0], reverse=True)[:short]:
            total = total.together(change)
        return total
    if isinstance(node, Compare) and line.measured:
        return _needed_for(node, line.value or Fraction(0), on, last_visit_on)
    return None


def _nearness(line: Line) -> Fraction:
    """How near a line is to holding, 0 to 1; a group is as near as its nearest part."""
    if isinstance(line.node, Group):
        return max((_nearness(part) for part in line.parts), default=Fraction(0))
    if isinstance(line.node, Compare) and line.node.value:
        return (line.value or Fraction(0)) / line.node.value
    return Fraction(0)


def _needed_for(node: Compare, value: Fraction, on: date, last_visit_on: date | None) -> Change | None:
    key = node.fact
    if key == "days_since_last_visit" and node.op in ("<=", "<") and node.value > 0:
        return Change(visits=1)
    if node.op not in (">=", ">"):
        return None
    gap = node.value - value
    if key in ("last_bill", "max_bill_90d"):
        return Change(bill=_up(node.value, node.op))
    if key.startswith("spend_"):
        return Change(fen=_up(gap, node.op))
    if key.startswith("visits_") and key != "visits_90d_before_last":
        return Change(visits=_up(gap, node.op))
    if key == "avg_monthly_spend_3m" and _is_month_end(on):
        return Change(fen=_up(3 * gap, node.op))
    if key == "avg_monthly_visits_3m" and _is_month_end(on):
        return Change(visits=_up(3 * gap, node.op))
    if key == "consecutive_weeks" and _up(gap, node.op) == 1 and _is_new_week(on, last_visit_on):
        return Change(visits=1, weeks=1)
    if key == "new_customers_1m" and _is_month_end(on):
        return Change(guests=_up(gap, node.op))
    if key == "suggestions_1m" and _is_month_end(on):
        return Change(suggestions=_up(gap, node.op))
    if key == "referrals_total":
        return Change(guests=_up(gap, node.op))
    if key == "events_90d":
        return Change(events=_up(gap, node.op))
    return None


def _is_month_end(on: date) -> bool:
    return (on + timedelta(days=1)).day == 1


def _is_new_week(on: date, last_visit_on: date | None) -> bool:
    return last_visit_on is None or last_visit_on.isocalendar()[:2] != on.isocalendar()[:2]


def _up(gap: Fraction, op: str) -> int:
    """The least whole number that closes the gap."""
    least = -(-gap.numerator // gap.denominator)
    return least + 1 if op == ">" and gap.denominator == 1 else least


def with_change(known: Known, change: Change, on: date) -> Known:
    """What would be known on `on` had the change been made by then, within every window that ends there."""
    values = dict(known.values)
    month_end = _is_month_end(on)

    def add(keys: Iterable[str], more: int, per: int = 1) -> None:
        for key in keys:
            if key in values:
                values[key] = (values[key] or Fraction(0)) + Fraction(more, per)

    spends = [key for key in values if key.startswith("spend_") and key in facts.CATALOGUE]
    comes = [key for key in values if key.startswith("visits_") and key in facts.CATALOGUE]
    add(spends, change.amount)
    add([key for key in comes if key != "visits_90d_before_last"], change.comes)
    if month_end:
        add(["avg_monthly_spend_3m"], change.amount, 3)
        add(["avg_monthly_visits_3m"], change.comes, 3)
        add(["new_customers_1m"], change.guests)
        add(["suggestions_1m"], change.suggestions)
    add(["referrals_total"], change.guests)
    add(["events_90d"], change.events)
    add(["consecutive_weeks"], change.weeks)
    if change.comes:
        if "last_bill" in values:
            values["last_bill"] = Fraction(change.amount)
        if "max_bill_90d" in values:
            values["max_bill_90d"] = max(values["max_bill_90d"] or Fraction(0), Fraction(change.amount))
        if "days_since_last_visit" in values:
            values["days_since_last_visit"] = Fraction(0)
    return replace(known, values=values)


def is_foreseeable(scheme: Scheme) -> bool:
    """A scheme that ranks guests among each other cannot be foreseen: it depends on what the others do."""
    return not any(facts.shared(key) for key in facts_used(scheme, evidence=False))
