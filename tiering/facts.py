"""The catalogue of facts: what can be known of a guest on a business day D, and the SQL that computes it.

Pure: strings and numbers only. A fact's value is exact: an integer, or a numerator with a denominator `per`.
Money is fen. All windows include D. Source: docs/rules/facts.md, whose cases have tests.

The SQL of a fact is one column over these sources, joined by customer in `tiering.query`:
    p  the guest's patronage (running sums, trusted while no counted visit lies after D)
    w  one grouped pass over the store's visits in the widest window asked for
    h  the whole past, grouped, for the guests whose running sums reach beyond D
    i  the guests introduced by this one
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from common.clock import last_full_months

STREAK_DAYS = 182
STREAK_BITS = 62


@dataclass(frozen=True)
class Day:
    """A business day D and the bounds that hang on it."""

    on: date

    @property
    def month_start(self) -> date:
        return self.on.replace(day=1)

    @property
    def quarter(self) -> tuple[date, date]:
        """First and last day of the last three full months."""
        return last_full_months(self.on, 3)

    @property
    def full_month(self) -> tuple[date, date]:
        """First and last day of the last full month."""
        return last_full_months(self.on, 1)

    @property
    def sunday(self) -> date:
        """The last day of D's ISO week."""
        return self.on + timedelta(days=6 - self.on.weekday())

    def back(self, days: int) -> date:
        """The first of the `days` business days that end with D."""
        return self.on - timedelta(days=days - 1)


@dataclass(frozen=True)
class Fact:
    """One thing that can be known. `unit`: fen, count, times, days, weeks, date or percent."""

    key: str
    zh: str
    en: str
    unit: str
    window: Callable[[Day], tuple[date, date]] | None = None
    aggregate: str = ""
    column: str = ""
    per: int = 1
    per_column: str = ""
    source: str = ""

    @property
    def comparable(self) -> bool:
        """Whether a rule may put a threshold on it."""
        return self.unit != "date"

    @property
    def money(self) -> bool:
        return self.unit == "fen"


def _last(days: int) -> Callable[[Day], tuple[date, date]]:
    return lambda day: (day.back(days), day.on)


def _spend(key: str, zh: str, en: str, window: Callable[[Day], tuple[date, date]], per: int = 1) -> Fact:
    return Fact(key, zh, en, "fen", window, "sum(v.amount_fen)", f"coalesce(w.{key}, 0)", per)


def _visits(key: str, zh: str, en: str, window: Callable[[Day], tuple[date, date]], per: int = 1) -> Fact:
    return Fact(key, zh, en, "times", window, "count(*)", f"coalesce(w.{key}, 0)", per)


# While no counted visit of the guest lies after D the running sums are the sums up to D.
_TRUST = "%(trust)s"
_LAST_ON = f"CASE WHEN {_TRUST} THEN p.last_visit_on ELSE h.last_on END"
_FIRST_ON = f"CASE WHEN {_TRUST} THEN p.first_visit_on ELSE h.first_on END"

# Bit k: came in the k-th ISO week before D's. Trailing ones from bit 0 (or 1, when not yet this week).
_BITS = "CASE WHEN w.consecutive_weeks & 1 = 1 THEN w.consecutive_weeks ELSE w.consecutive_weeks >> 1 END"
_ONES = f"bit_count(((~({_BITS}) & -(~({_BITS}))) - 1)::bit(64))"
# A streak that fills every week of the window goes on before it: counted exactly, for these guests only.
_LONG_STREAK = """(SELECT count(*) FROM (
        SELECT k - row_number() OVER (ORDER BY k) AS island, min(k) OVER () AS newest
        FROM (SELECT DISTINCT (%(sunday)s - v.business_date) / 7 AS k FROM customers_visit v
              WHERE v.customer_id = p.customer_id AND v.store_id = %(store)s
                AND v.business_date <= %(day)s AND %(counted)s) weeks) streak
        WHERE island = newest - 1)"""
_STREAK = (
    f"CASE WHEN w.consecutive_weeks IS NULL OR w.consecutive_weeks & 3 = 0 THEN 0 WHEN {_ONES} >= %(streak_weeks)s "
    f"THEN {_LONG_STREAK} ELSE {_ONES} END"
)

CATALOGUE: dict[str, Fact] = {
    fact.key: fact
    for fact in [
        Fact(
            "visits_total", "累计消费次数", "visits in all", "times",
            column=f"coalesce(CASE WHEN {_TRUST} THEN p.visits_total ELSE h.visits END, 0)", source="h",
        ),
        Fact(
            "spend_total", "累计消费金额", "spent in all", "fen",
            column=f"coalesce(CASE WHEN {_TRUST} THEN p.spend_total_fen ELSE h.spend END, 0)", source="h",
        ),
        Fact("first_visit_on", "首次消费日", "first visit", "date", column=_FIRST_ON, source="h"),
        Fact("last_visit_on", "最近消费日", "latest visit", "date", column=_LAST_ON, source="h"),
        _spend("spend_30d", "近30天消费", "spent in 30 days", _last(30)),
        _spend("spend_90d", "近90天消费", "spent in 90 days", _last(90)),
        _spend("spend_365d", "近365天消费", "spent in 365 days", _last(365)),
        _visits("visits_30d", "近30天次数", "visits in 30 days", _last(30)),
        _visits("visits_90d", "近90天次数", "visits in 90 days", _last(90)),
        _visits("visits_365d", "近365天次数", "visits in 365 days", _last(365)),
        _spend("spend_month", "本月消费", "spent this month", lambda day: (day.month_start, day.on)),
        _visits("visits_month", "本月次数", "visits this month", lambda day: (day.month_start, day.on)),
        _spend(
            "avg_monthly_spend_3m", "近三个整月月均消费", "average spent a month, last 3 full months",
            lambda day: day.quarter, 3,
        ),
        _visits(
            "avg_monthly_visits_3m", "近三个整月月均次数", "average visits a month, last 3 full months",
            lambda day: day.quarter, 3,
        ),
        Fact(
            "consecutive_weeks", "连续到店周数", "weeks in a row", "weeks",
            lambda day: (day.back(STREAK_DAYS), day.on),
            "bit_or(1::bigint << ((%(sunday)s - v.business_date) / 7))",
            _STREAK,
        ),
        Fact(
            "last_bill", "最近一次账单", "latest bill", "fen",
            column=f"CASE WHEN {_TRUST} THEN p.last_bill_fen ELSE h.last_bill END", source="h",
        ),
        Fact(
            "avg_bill_90d", "近90天平均账单", "average bill in 90 days", "fen", _last(90),
            "sum(v.amount_fen)", "w.avg_bill_90d", per_column="w.avg_bill_90d__per",
        ),
        Fact(
            "max_bill_90d", "近90天最大账单", "largest bill in 90 days", "fen", _last(90),
            "max(v.amount_fen)", "w.max_bill_90d",
        ),
        Fact(
            "days_since_last_visit", "距上次到店天数", "days since the latest visit", "days",
            column=f"%(day)s - {_LAST_ON}", source="h",
        ),
        Fact(
            "observed_days", "建立观察天数", "days observed", "days",
            column=f"%(day)s - {_FIRST_ON} + 1", source="h",
        ),
        Fact(
            "new_customers_1m", "上个整月带来新客", "new guests brought, last full month", "count",
            column="coalesce(i.new_customers_1m, 0)", source="i",
        ),
        Fact(
            "referrals_total", "累计带来客人", "guests brought in all", "count",
            column="coalesce(i.referrals_total, 0)", source="i",
        ),
    ]
}  # fmt: skip

# Facts the rules know by name and whose source is not recorded yet: shown as "not measured yet", never holds.
UNMEASURED: dict[str, tuple[str, str, str]] = {
    "suggestions_1m": ("上个整月有效建议", "valid suggestions, last full month", "count"),
    "complaints_90d": ("近90天投诉", "complaints in 90 days", "count"),
}

SHARE = "share_"


def shared(key: str) -> str | None:
    """The fact whose share `share_<fact>` is, if it is one that can be ranked."""
    base = key.removeprefix(SHARE)
    return base if base != key and base in CATALOGUE and CATALOGUE[base].comparable else None


def is_measured(key: str) -> bool:
    """Whether the fact (or the share of a fact) can be computed today."""
    return key in CATALOGUE or shared(key) is not None


def is_known(key: str) -> bool:
    """Whether a scheme may name it at all."""
    return is_measured(key) or key in UNMEASURED


def unit_of(key: str) -> str:
    """fen, count, times, days, weeks, date or percent."""
    if key in UNMEASURED:
        return UNMEASURED[key][2]
    return CATALOGUE[key].unit if key in CATALOGUE else "percent"


def name_of(key: str, language: str) -> str:
    """How people call the fact, in `zh` or `en`."""
    if key in UNMEASURED:
        return UNMEASURED[key][0 if language == "zh" else 1]
    if base := shared(key):
        return f"{name_of(base, 'zh')}排名百分位" if language == "zh" else f"rank by {name_of(base, 'en')}"
    fact = CATALOGUE.get(key)
    return key if fact is None else fact.zh if language == "zh" else fact.en


def with_bases(keys: Iterable[str]) -> list[str]:
    """The measured facts needed to compute `keys`, shares resolved to their facts, in catalogue order."""
    wanted = {shared(key) or key for key in keys}
    return [key for key in CATALOGUE if key in wanted]


def value_of(stored: int | list[int] | None) -> Fraction | None:
    """A stored value as an exact number: an integer, or [numerator, denominator]."""
    if stored is None:
        return None
    if isinstance(stored, list):
        return Fraction(stored[0], stored[1])
    return Fraction(stored)
