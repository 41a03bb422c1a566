"""The catalogue of facts: what can be known of a guest on a business day D, and the SQL that computes it.

Pure: strings and numbers only. A fact's value is exact: an integer, or a numerator with a denominator `per`.
Money is fen. All windows include D. Source: docs/rules/facts.md, whose cases have tests.

The SQL of a fact is one column over these sources, joined by customer in `tiering.query`:
    p  the guest's patronage (running sums, trusted while no counted visit lies after D: `PAST`)
    w  one grouped pass over the store's visits in the widest window asked for
    h  the whole past, grouped, for the guests whose running sums reach beyond D
    i  the guests introduced by this one
    l  the visits in the 90 days up to the latest one
    e  events taken part in, g  bills of others at whose table the guest sat, b  suggestions and complaints
    c  the guest's profile
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from common.clock import last_full_months

# What a short window may reach back: three full months and the running one, and eighteen weeks in a row.
NEAR_DAYS = 126


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
    """One thing that can be known. `unit`: fen, count, times, days, weeks, years, km, grade, date or percent.

    `only` narrows the visits that the aggregate sees. `short`, of a fact that is dear to know exactly: the SQL of a
    number that is the fact itself below `short_to`, and at least `short_to` where the fact is.
    """

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
    only: str = ""
    short: str = ""
    short_to: int = 0

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


def _percent(key: str, zh: str, en: str, only: str, days: int = 365) -> Fact:
    """The share of the visits of the window that are of a kind; absent where there was no visit."""
    return Fact(
        key,
        zh,
        en,
        "percent",
        _last(days),
        "count(*)",
        f"CASE WHEN w.{key}__per > 0 THEN 100 * w.{key} END",
        per_column=f"w.{key}__per",
        only=only,
    )


LARGE_PARTY = 8
LAST_WINDOW = 90
NEW_DISH_DAYS = 60
_HOUR = "extract(hour FROM v.visited_at AT TIME ZONE %(zone)s)"
_NEW_DISH = (
    "EXISTS (SELECT 1 FROM customers_dish n JOIN jsonb_array_elements(v.dishes) d ON d ->> 'name' = n.name "
    "WHERE n.store_id = v.store_id AND %(living_dish)s "
    f"AND v.business_date BETWEEN n.launched_on AND n.launched_on + {NEW_DISH_DAYS - 1})"
)

# What the whole past says, by name: the running sum that holds it, and the column of `h` that counts it anew.
PAST = {
    "visits": ("p.visits_total", "h.visits"),
    "spend": ("p.spend_total_fen", "h.spend"),
    "first_on": ("p.first_visit_on", "h.first_on"),
    "last_on": ("p.last_visit_on", "h.last_on"),
    "last_bill": ("p.last_bill_fen", "h.last_bill"),
}

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
_NO_STREAK = "w.consecutive_weeks IS NULL OR w.consecutive_weeks & 3 = 0"
_STREAK = (
    f"CASE WHEN {_NO_STREAK} THEN 0 WHEN {_ONES} >= %(streak_weeks)s THEN {_LONG_STREAK} ELSE {_ONES} END"
)
_SHORT_STREAK = f"CASE WHEN {_NO_STREAK} THEN 0 ELSE {_ONES} END"
# Whole weeks before D's own that surely lie in the window.
STREAK_WEEKS = (NEAR_DAYS - 7) // 7

CATALOGUE: dict[str, Fact] = {
    fact.key: fact
    for fact in [
        Fact(
            "visits_total", "累计消费次数", "visits in all", "times",
            column="coalesce(%(visits)s, 0)", source="h",
        ),
        Fact(
            "spend_total", "累计消费金额", "spent in all", "fen",
            column="coalesce(%(spend)s, 0)", source="h",
        ),
        Fact("first_visit_on", "首次消费日", "first visit", "date", column="%(first_on)s", source="h"),
        Fact("last_visit_on", "最近消费日", "latest visit", "date", column="%(last_on)s", source="h"),
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
            lambda day: (day.back(NEAR_DAYS), day.on),
            "bit_or(1::bigint << ((%(sunday)s - v.business_date) / 7))",
            _STREAK,
            short=_SHORT_STREAK,
            short_to=STREAK_WEEKS,
        ),
        Fact(
            "last_bill", "最近一次账单", "latest bill", "fen",
            column="%(last_bill)s", source="h",
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
            column="%(day)s - %(last_on)s", source="h",
        ),
        Fact(
            "observed_days", "建立观察天数", "days observed", "days",
            column="%(day)s - %(first_on)s + 1", source="h",
        ),
        Fact(
            "new_customers_1m", "上个整月带来新客", "new guests brought, last full month", "count",
            column="coalesce(i.new_customers_1m, 0)", source="i",
        ),
        Fact(
            "referrals_total", "累计带来客人", "guests brought in all", "count",
            column="coalesce(i.referrals_total, 0)", source="i",
        ),
        Fact(
            "suggestions_1m", "上个整月有效建议", "valid suggestions, last full month", "times",
            column="coalesce(b.suggestions_1m, 0)", source="b",
        ),
        Fact(
            "complaints_90d", "近90天投诉", "complaints in 90 days", "times",
            column="coalesce(b.complaints_90d, 0)", source="b",
        ),
        Fact(
            "feedback_total", "累计意见和投诉", "opinions and complaints in all", "times",
            column="coalesce(b.feedback_total, 0)", source="b",
        ),
        Fact(
            "visits_90d_before_last", "最近一次之前90天的次数", "visits in the 90 days up to the latest", "times",
            column="coalesce(l.visits_90d_before_last, 0)", source="l",
        ),
        Fact(
            "pace_90d", "按近一年的节奏90天消费", "spent in 90 days at the pace of the year", "fen", _last(365),
            "sum(v.amount_fen)", "90 * coalesce(w.pace_90d, 0)", per_column="least(365, %(day)s - %(first_on)s + 1)",
            source="h",
        ),
        Fact(
            "events_90d", "近90天参加活动", "events taken part in, 90 days", "times",
            column="coalesce(e.events_90d, 0)", source="e",
        ),
        Fact(
            "influenced_365d", "近365天作为客人的桌席消费", "bills of tables sat at as a guest, 365 days", "fen",
            column="coalesce(g.influenced_365d, 0)", source="g",
        ),
        _percent("business_pct_365d", "商务消费占比", "share of business visits", "v.occasion = 'business'"),
        _percent("family_pct_365d", "家庭消费占比", "share of family visits", "v.occasion = 'family'"),
        _percent("coupon_pct_365d", "用券消费占比", "share of visits with a coupon", "v.coupon"),
        _percent(
            "large_party_pct_365d", "大桌消费占比", "share of large parties", f"v.party_size >= {LARGE_PARTY}"
        ),
        _percent(
            "weekend_pct_365d", "周末消费占比", "share of weekend visits",
            "extract(isodow FROM v.business_date) IN (6, 7)",
        ),
        _percent("lunch_pct_365d", "午市消费占比", "share of lunches", f"{_HOUR} BETWEEN 10 AND 13"),
        _percent("tea_pct_365d", "下午茶消费占比", "share of afternoon visits", f"{_HOUR} BETWEEN 14 AND 16"),
        _percent("new_dish_pct_90d", "点新菜的消费占比", "share of visits with a new dish", _NEW_DISH, 90),
        Fact("age", "年龄", "age", "years", column=(
            "extract(year FROM %(day)s)::int - c.birth_year - CASE WHEN c.birth_calendar = 'solar' AND "
            "(c.birth_month, c.birth_day) > (extract(month FROM %(day)s), extract(day FROM %(day)s)) THEN 1 ELSE 0 END"
        ), source="c"),
        Fact("credit", "消费信誉", "credit", "grade", column="c.credit", source="c"),
        Fact("influence", "影响力", "influence", "grade", column="c.influence", source="c"),
        Fact(
            "distance_km", "离店公里", "kilometres from the restaurant", "km",
            column="(c.distance_km * 10)::int", per=10, source="c",
        ),
    ]
}  # fmt: skip

# Facts the rules know by name and whose source is not recorded yet: shown as "not measured yet", never holds.
UNMEASURED: dict[str, tuple[str, str, str]] = {
    "months_to_expiry": ("会籍剩余月数", "months until the membership ends", "count"),
}

SHARE = "share_"
# `score_<code>`: points from several facts, defined by the scheme that uses it (in hundredths).
SCORE = "score_"
SCORE_PER = 100
SCORES = {
    "value": ("价值分", "value score"),
    "loyalty": ("忠诚分", "loyalty score"),
    "potential": ("潜力分", "potential score"),
    "contribution": ("贡献分", "contribution score"),
    "recognition": ("识别分", "recognition score"),
}


def shared(key: str) -> str | None:
    """The fact (or score) whose share `share_<fact>` is, if it is one that can be ranked."""
    base = key.removeprefix(SHARE)
    if base == key:
        return None
    return base if is_score(base) or (base in CATALOGUE and CATALOGUE[base].comparable) else None


def is_score(key: str) -> bool:
    """Whether the key names a score; whether the scheme has it is the scheme's matter."""
    return key.startswith(SCORE)


def is_measured(key: str) -> bool:
    """Whether the fact (or the share of a fact, or a score) can be computed today."""
    return key in CATALOGUE or is_score(key) or shared(key) is not None


def is_known(key: str) -> bool:
    """Whether a scheme may name it at all."""
    return is_measured(key) or key in UNMEASURED


def unit_of(key: str) -> str:
    """fen, count, times, days, weeks, years, km, grade, points, date or percent."""
    if key in UNMEASURED:
        return UNMEASURED[key][2]
    if is_score(key):
        return "points"
    return CATALOGUE[key].unit if key in CATALOGUE else "percent"


def name_of(key: str, language: str) -> str:
    """How people call the fact, in `zh` or `en`."""
    if key in UNMEASURED:
        return UNMEASURED[key][0 if language == "zh" else 1]
    if is_score(key):
        code = key.removeprefix(SCORE)
        return SCORES.get(code, (code, code))[0 if language == "zh" else 1]
    if base := shared(key):
        return f"{name_of(base, 'zh')}排名百分位" if language == "zh" else f"rank by {name_of(base, 'en')}"
    fact = CATALOGUE.get(key)
    return key if fact is None else fact.zh if language == "zh" else fact.en


def with_bases(keys: Iterable[str]) -> list[str]:
    """The facts of the catalogue needed to compute `keys`, shares resolved to their facts, in catalogue order."""
    wanted = {shared(key) or key for key in keys}
    return [key for key in CATALOGUE if key in wanted]


def short_of(key: str) -> int:
    """Below which number the column `<key>__short` says the same as the fact; 0 where there is none."""
    fact = CATALOGUE.get(key)
    return fact.short_to if fact else 0


def per_of(key: str) -> int | None:
    """The fixed denominator of a fact's stored number; None where each guest has one of its own (`<key>__per`)."""
    if shared(key):
        return None
    if is_score(key):
        return SCORE_PER
    return None if CATALOGUE[key].per_column else CATALOGUE[key].per


def value_of(stored: int | list[int] | None) -> Fraction | None:
    """A stored value as an exact number: an integer, or [numerator, denominator]."""
    if stored is None:
        return None
    if isinstance(stored, list):
        return Fraction(stored[0], stored[1])
    return Fraction(stored)
