"""The way up: the least that a guest would have to do for a higher tier, and until when. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from tiering import facts
from tiering.forecast.turning import month_end
from tiering.rules import Compare, Group, Known, Line, Scheme, by_rules, explain, leaves, score_of


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
    on: date,
    days: Sequence[date],
    know: Callable[[date], Known],
    last_visit_on: date | None,
) -> Rise | None:
    """The shortest way to the next higher tier that rules on numbers give; None at the top or where none is known.

    `on` is today, `days` are those ahead on which an answer may change. What counts by full months counts at the
    month's end, one week more from a Monday on. A change for today may be done as long as the answer stays the same:
    `by`.
    """
    above = scheme.tiers[: scheme.rank(tier)]
    if not scheme.is_ladder or not above or know(on).unrated or know(on).given in scheme.codes:
        return None
    last = month_end(on, 0)
    this_month = [day for day in days if day <= last]
    asked = [on, *(day for day in this_month if day == last or day.weekday() == 0)]
    for target in reversed(above):
        for day in asked:
            change = needed(explain(target.when, know(day)), day, last_visit_on)
            if change is None or not any(change.values()):
                continue
            # "One week more" is told of the week that begins on `day`; everything else may be done at once.
            first = day if change.weeks else on
            way = _Way(scheme, target.code, change, last_visit_on)
            if way.is_enough(know(day), day, first) and way.is_enough(know(day), day, day):
                by = day if day > on else _last_day(way, on, this_month, know, last)
                return Rise(target.code, change, day, by)
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


def _last_day(way: _Way, today: date, days: Sequence[date], know: Callable[[date], Known], end: date) -> date:
    """Until when the change that is enough today is enough: the day before it no more is, at most `end`."""
    if way.change.weeks:
        end = min(end, today + timedelta(days=6 - today.weekday()))
    for on in days:
        if on > end:
            break
        if not way.is_enough(know(on), on, on):
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
