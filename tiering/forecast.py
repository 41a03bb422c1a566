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
    score_of,
)

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
            days |= {_month_end(today, n) for n in range(MONTHS + 1)}
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


def _month_end(day: date, months: int) -> date:
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
    eves = [_month_end(on, n) - timedelta(days=1) for n in range(days // 28 + 2)]
    return sorted({day for day in (*eves, end) if on < day <= end})


# ---- falling -------------------------------------------------------------------------------------------------


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


def fall(scheme: Scheme, held: Held, ahead: Sequence[tuple[date, Known]], end: date) -> Fall | None:
    """The first night up to `end` that puts a guest lower than `held`, by what the rules say on the days `ahead`.

    Between two of these days nothing changes. A tier given by hand and the scheme's protections delay the fall; a
    higher tier that comes by itself (a month is full) is protected in its turn.
    """
    top = held
    for n, (on, known) in enumerate(ahead):
        before_next = ahead[n + 1][0] - timedelta(days=1) if n + 1 < len(ahead) else end
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
        if falls <= before_next:
            if scheme.rank(ruled) > scheme.rank(top.tier):
                return Fall(falls, ruled)
            held = Held(ruled, falls)
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
    above = scheme.tiers[: scheme.rank(tier)]
    if not scheme.is_ladder or today.unrated or today.given in scheme.codes:
        return None
    month_end = _month_end(on, 0)
    asked = [(on, today), *((d, k) for d, k in ahead if d == month_end or d.weekday() == 0)]
    for target in reversed(above):
        for day, known in asked:
            change = needed(explain(target.when, known), day, last_visit_on)
            if change is None or not any(change.values()):
                continue
            # "One week more" is told of the week that begins on `day`; everything else may be done at once.
            first = day if change.weeks else on
            way = _Way(scheme, target.code, change, last_visit_on)
            if way.is_enough(known, day, first) and way.is_enough(known, day, day):
                return Rise(target.code, change, day, _last_day(way, day, on, ahead, month_end))
    return None


@dataclass(frozen=True)
class _Way:
    """A change that might be enough for the tier `code`."""

    scheme: Scheme
    code: str
    change: Change
    last_visit_on: date | None

    def is_enough(self, known: Known, on: date, done: date) -> bool:
        """Whether the night of `on` gives the tier, or a higher one, if the change was made on day `done`."""
        then = with_change(self.scheme, known, self.change, on, done, self.last_visit_on)
        return self.scheme.rank(by_rules(self.scheme, then)) <= self.scheme.rank(self.code)


def _last_day(
    way: _Way, day: date, today: date, ahead: Sequence[tuple[date, Known]], month_end: date
) -> date:
    """Until when the same change is enough: for a later day that day itself, else the day before it no more is."""
    if day > today:
        return day
    end = month_end
    if way.change.weeks:
        end = min(end, today + timedelta(days=6 - today.weekday()))
    for on, known in ahead:
        if on > end:
            break
        if not way.is_enough(known, on, on):
            return on - timedelta(days=1)
    return end


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


# What a visit makes grow, nobody can say by how much; what it may move up or down.
_GROWS = {"consecutive_weeks", "pace_90d"}
_MOVES = {"avg_bill_90d", "visits_90d_before_last", "new_dish_pct_90d",
          *(key for key in facts.CATALOGUE if key.endswith("_pct_365d"))}  # fmt: skip


def with_change(
    scheme: Scheme, known: Known, change: Change, on: date, done: date, last_visit_on: date | None
) -> Known:
    """What would be known on `on` had the change been made on day `done`, at least: what cannot be told is absent."""
    values = dict(known.values)
    same_month = (done.year, done.month) == (on.year, on.month)

    def add(key: str, more: int, per: int = 1) -> None:
        if key in values:
            values[key] = (values[key] or Fraction(0)) + Fraction(more, per)

    for days in (30, 90, 365):
        if (on - done).days < days:
            add(f"spend_{days}d", change.amount)
            add(f"visits_{days}d", change.comes)
    add("spend_total", change.amount)
    add("visits_total", change.comes)
    add("referrals_total", change.guests)
    add("feedback_total", change.suggestions)
    if (on - done).days < 90:
        add("events_90d", change.events)
    if same_month:
        add("spend_month", change.amount)
        add("visits_month", change.comes)
    if same_month and _is_month_end(on):
        add("avg_monthly_spend_3m", change.amount, 3)
        add("avg_monthly_visits_3m", change.comes, 3)
        add("new_customers_1m", change.guests)
        add("suggestions_1m", change.suggestions)
    if change.comes:
        _come(scheme, values, change, on, done, last_visit_on)
    changed = replace(known, values=values)
    for score in scheme.scores:
        if score.fact in values:
            uncertain = any(values.get(part.fact) != known.values.get(part.fact) for part in score.parts
                            if part.fact in _MOVES | _GROWS)  # fmt: skip
            values[score.fact] = None if uncertain else score_of(score, changed)
    return changed


def _come(
    scheme: Scheme,
    values: dict[str, Fraction | None],
    change: Change,
    on: date,
    done: date,
    last_visit_on: date | None,
) -> None:
    """What the visits of a change do beside being counted."""
    exact: dict[str, Fraction | None] = {
        "last_bill": Fraction(change.amount),
        "days_since_last_visit": Fraction((on - done).days),
    }
    if (on - done).days < 90:
        exact["max_bill_90d"] = max(values.get("max_bill_90d") or Fraction(0), Fraction(change.amount))
    if change.weeks or not _is_new_week(done, last_visit_on):
        exact["consecutive_weeks"] = (values.get("consecutive_weeks") or Fraction(0)) + change.weeks
    exact |= dict.fromkeys(_MOVES)
    # More of it can only help where every line asks for enough of it.
    asked_less = {
        leaf.fact for tier in scheme.tiers for leaf in leaves(tier.when)
        if isinstance(leaf, Compare) and leaf.op not in (">=", ">")
    } | {part.fact for score in scheme.scores for part in score.parts}  # fmt: skip
    exact |= {key: None for key in _GROWS & asked_less if key not in exact}
    for key in values:
        if key in exact:
            values[key] = exact[key]


def is_foreseeable(scheme: Scheme) -> bool:
    """A scheme that ranks guests among each other cannot be foreseen: it depends on what the others do."""
    return not any(facts.shared(key) for key in facts_used(scheme, evidence=False))
