"""Every fact that visits alone decide, and the tiers that follow, worked out a second time.

Written from the published meaning of the facts and from the two CSV files only, in pandas and
plain integers, so that a mistake in the program is not repeated here. Nothing of the program is
imported.

Inside, money is whole fen (int), divisions are exact (Fraction), days are ``datetime.date`` and
a missing value is None. ``as_text`` gives what stands outside: yuan and averages with two
decimals, halves up, ISO dates, empty where there is none.
"""

import argparse
import csv
import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

DAY_ENDS_AT = pd.Timedelta(hours=4)

MONEY = (
    "spend_total",
    "spend_30d",
    "spend_90d",
    "spend_365d",
    "spend_month",
    "avg_monthly_spend_3m",
    "last_bill",
    "avg_bill_90d",
    "max_bill_90d",
    "influenced_365d",
)
PACES = ("pace_90d",)
AVERAGES = ("avg_monthly_visits_3m",)
#: Of the visits of 365 days how many are of the kind; of the last, of those of 90 days.
PERCENT = (
    "business_pct_365d",
    "family_pct_365d",
    "tea_pct_365d",
    "coupon_pct_365d",
    "large_party_pct_365d",
    "weekend_pct_365d",
    "lunch_pct_365d",
    "new_dish_pct_90d",
)
COUNTS = (
    "visits_total",
    "visits_30d",
    "visits_90d",
    "visits_365d",
    "visits_month",
    "consecutive_weeks",
    "days_since_last_visit",
    "observed_days",
    "new_customers_1m",
    "suggestions_1m",
    "complaints_90d",
    "referrals_total",
    "feedback_total",
    "events_90d",
    "visits_90d_before_last",
)
#: Of the profile: the files say nothing of them.
PROFILE = ("age", "credit", "influence", "distance_km")
DATES = ("first_visit_on", "last_visit_on")
FACTS = DATES + MONEY + PACES + AVERAGES + PERCENT + COUNTS + PROFILE
#: Facts other records than visits decide; with visits alone nobody has any.
NOT_FROM_VISITS = (
    "new_customers_1m",
    "suggestions_1m",
    "complaints_90d",
    "referrals_total",
    "feedback_total",
    "events_90d",
    "influenced_365d",
)

Facts = dict[str, dict[str, Any]]


def read_customers(path: Path) -> list[str]:
    """The external ids of the customers file, in its order."""
    return pd.read_csv(path, dtype=str)["external_id"].tolist()


def read_visits(path: Path) -> pd.DataFrame:
    """The visits file with ``at`` (local time), ``day`` (business date) and ``fen`` (int)."""
    visits = pd.read_csv(path, dtype=str)
    visits["at"] = pd.to_datetime(visits["visited_at"], format="ISO8601")
    visits["day"] = (visits["at"] - DAY_ENDS_AT).dt.normalize()
    visits["fen"] = [int(Decimal(amount) * 100) for amount in visits["amount"]]
    return visits


def last_full_months(on: date, count: int) -> tuple[date, date]:
    """First and last day of the ``count`` calendar months that have ended on or before ``on``."""
    tomorrow = on + timedelta(days=1)
    end = tomorrow.replace(day=1) - timedelta(days=1)
    months = end.year * 12 + (end.month - 1) - (count - 1)
    return date(months // 12, months % 12 + 1, 1), end


def weeks_in_a_row(days: set[date], on: date) -> int:
    """ISO weeks with a visit, counted back from the week of ``on``, else from the one before."""
    mondays = {day - timedelta(days=day.weekday()) for day in days}
    week = on - timedelta(days=on.weekday())
    if week not in mondays:
        week -= timedelta(weeks=1)
    count = 0
    while week in mondays:
        count += 1
        week -= timedelta(weeks=1)
    return count


def facts(customers: list[str], visits: pd.DataFrame, on: date) -> Facts:
    """All facts of all customers on business date ``on``, keyed by external id, then fact."""
    past = visits[visits["day"] <= pd.Timestamp(on)]
    result = {customer: _of_nobody() for customer in customers}

    def window(first: date, last: date) -> pd.DataFrame:
        return past[past["day"].between(pd.Timestamp(first), pd.Timestamp(last))]

    def put(rows: pd.DataFrame, **columns: str) -> None:
        grouped = rows.groupby("customer_external_id")["fen"]
        for fact, how in columns.items():
            for customer, value in grouped.agg(how).items():
                result[str(customer)][fact] = int(value)

    put(past, visits_total="count", spend_total="sum")
    for days in (30, 90, 365):
        rows = window(on - timedelta(days=days - 1), on)
        put(rows, **{f"visits_{days}d": "count", f"spend_{days}d": "sum"})
    put(window(on - timedelta(days=89), on), max_bill_90d="max")
    put(window(on.replace(day=1), on), visits_month="count", spend_month="sum")
    put(
        window(*last_full_months(on, 3)),
        avg_monthly_visits_3m="count",
        avg_monthly_spend_3m="sum",
    )

    for key, own in past.groupby("customer_external_id"):
        fact = result[str(key)]
        days_of = {stamp.date() for stamp in own["day"]}
        fact["first_visit_on"], fact["last_visit_on"] = min(days_of), max(days_of)
        fact["days_since_last_visit"] = (on - max(days_of)).days
        fact["observed_days"] = (on - min(days_of)).days + 1
        fact["consecutive_weeks"] = weeks_in_a_row(days_of, on)
        last = max(zip(own["at"], own["external_id"], own["fen"], strict=True))
        fact["last_bill"] = int(last[2])
        recent = own["day"] > pd.Timestamp(max(days_of) - timedelta(days=90))
        fact["visits_90d_before_last"] = int(recent.sum())
        year = own[own["day"] > pd.Timestamp(on - timedelta(days=365))]
        if len(year):
            fact.update(_percent_of(year))
        if (own["day"] > pd.Timestamp(on - timedelta(days=90))).any():
            fact["new_dish_pct_90d"] = Fraction(0)  # the files name no dishes
        fact["pace_90d"] = Fraction(fact["spend_365d"] * 90, min(fact["observed_days"], 365))

    for fact in result.values():
        fact["avg_monthly_spend_3m"] = Fraction(fact["avg_monthly_spend_3m"], 3)
        fact["avg_monthly_visits_3m"] = Fraction(fact["avg_monthly_visits_3m"], 3)
        if fact["visits_90d"]:
            fact["avg_bill_90d"] = Fraction(fact["spend_90d"], fact["visits_90d"])
    return result


def _percent_of(visits: pd.DataFrame) -> dict[str, Fraction]:
    """The shares of these visits by day of the week and hour; nobody is known to have had company or a coupon."""
    kinds = {
        "weekend_pct_365d": visits["day"].dt.day_of_week >= 5,
        "lunch_pct_365d": visits["at"].dt.hour.between(10, 13),
        "tea_pct_365d": visits["at"].dt.hour.between(14, 16),
    }
    shares = {kind: Fraction(100 * int(which.sum()), len(visits)) for kind, which in kinds.items()}
    return dict.fromkeys(PERCENT[:-1], Fraction(0)) | shares


def _of_nobody() -> dict[str, Any]:
    """The facts of a customer without a visit: zeros, and nothing for dates and bills."""
    none: dict[str, Any] = dict.fromkeys(FACTS, 0)
    for fact in (*DATES, *PERCENT, *PROFILE, "last_bill", "avg_bill_90d", "max_bill_90d"):
        none[fact] = None
    none["days_since_last_visit"] = none["observed_days"] = None
    return none


def shares(every: Facts, fact: str) -> dict[str, Fraction | None]:
    """Position 0 to 100 among the customers with a visit in the last 365 days.

    The share of them whose value is not greater than one's own (cume_dist × 100). Who has no
    such visit, or no value of this fact, has no share and does not count among the others.
    """
    active = {c: f[fact] for c, f in every.items() if f["visits_365d"] and f[fact] is not None}
    order = sorted(active.values())
    return {
        customer: Fraction(100 * bisect_right(order, active[customer]), len(order))
        if customer in active
        else None
        for customer in every
    }


def as_text(fact: str, value: Any) -> str:
    """A value as it stands in a file: two decimals for money, averages and shares, half-up."""
    if value is None:
        return ""
    if fact in DATES:
        return str(value.isoformat())
    if fact in COUNTS:
        return str(value)
    hundredths = Fraction(value) if fact in MONEY + PACES else Fraction(value) * 100
    whole = (2 * hundredths.numerator + hundredths.denominator) // (2 * hundredths.denominator)
    return f"{whole // 100}.{whole % 100:02d}"


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def holds(when: Mapping[str, Any], of: Mapping[str, Any]) -> bool:
    """Whether a rule tree holds for one customer's facts; thresholds of money are yuan.

    Raises ValueError for a leaf that visits cannot decide (a tag, a manual judgement).
    """
    if "all" in when:
        return all(holds(part, of) for part in when["all"])
    if "any" in when:
        return any(holds(part, of) for part in when["any"])
    if "at_least" in when:
        return sum(holds(part, of) for part in when["of"]) >= when["at_least"]
    if when.get("otherwise") is True:
        return True
    if "fact" not in when:
        raise ValueError(f"visits cannot decide {sorted(when)}")
    value = of[when["fact"]]
    if value is None:
        return False
    bound = Fraction(str(when["value"]))
    if when["fact"] in MONEY:
        bound *= 100
    return COMPARE[when["op"]](value, bound)


def tiers(every: Facts, scheme: Mapping[str, Any]) -> dict[str, str]:
    """The code of the first tier, highest first, whose tree holds, else the fallback."""
    result = {}
    asked = {fact for tier in scheme["tiers"] for fact in _shares_in(tier["when"])}
    positions = {fact: shares(every, fact.removeprefix("share_")) for fact in asked}
    for customer, own in every.items():
        known = own | {fact: position[customer] for fact, position in positions.items()}
        codes = (tier["code"] for tier in scheme["tiers"] if holds(tier["when"], known))
        result[customer] = next(codes, scheme["fallback"])
    return result


def _shares_in(when: Mapping[str, Any]) -> set[str]:
    """The names of the share facts a tree asks for."""
    parts = [*when.get("all", ()), *when.get("any", ()), *when.get("of", ())]
    own = {when["fact"]} if str(when.get("fact", "")).startswith("share_") else set()
    return own.union(*(_shares_in(part) for part in parts))


def main() -> None:
    """Print the facts of one date as CSV, with the tier when a scheme file is given."""
    parser = argparse.ArgumentParser(description="Facts of every customer from the CSV files.")
    parser.add_argument("folder", type=Path, help="holds customers.csv and visits.csv")
    parser.add_argument("on", type=date.fromisoformat)
    parser.add_argument("--scheme", type=Path)
    options = parser.parse_args()
    customers = read_customers(options.folder / "customers.csv")
    every = facts(customers, read_visits(options.folder / "visits.csv"), options.on)
    tier = tiers(every, json.loads(options.scheme.read_text())) if options.scheme else None
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("external_id", *FACTS, *(("tier",) if tier else ())))
    for customer, own in every.items():
        row = [customer, *(as_text(fact, own[fact]) for fact in FACTS)]
        writer.writerow([*row, tier[customer]] if tier else row)


if __name__ == "__main__":
    main()
