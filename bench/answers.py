"""Are the answers right? The facts of some guests, counted again from the raw rows in plain Python.

Nothing of the program's SQL is used: visits and introductions are read as they lie, windows are walked with dates,
and the rules are evaluated in Python. Held against the decisions that the night wrote, numbers and tier.
"""

import json
import random
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from django.db import connection

from tiering.facts import value_of
from tiering.rules import Known, Scheme, decide
from tiering.selectors.schemes import in_force, scheme_of


class Visit(NamedTuple):
    day: date
    at: Any
    number: str
    fen: int


def compare(*, on: str, guests: int, seed: int) -> dict[str, Any]:
    """Decide some of the guests again: how many answers were compared, and every one that differs, in words."""
    day = date.fromisoformat(on)
    schemes: dict[int, Scheme] = {}
    wrong: list[str] = []
    compared = 0
    tiers: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM tiering_tierdecision ORDER BY id")
        every = [pk for (pk,) in cursor.fetchall()]
        for pk in random.Random(seed).sample(every, min(guests, len(every))):
            cursor.execute(
                "SELECT store_id, customer_id, tier, facts::text FROM tiering_tierdecision WHERE id = %s",
                [pk],
            )
            store_id, customer_id, tier, text = cursor.fetchone()
            told = json.loads(text)
            if store_id not in schemes:
                adoption = in_force(store_id, day)
                assert adoption
                schemes[store_id] = scheme_of(adoption.version)
            counted = facts_of(cursor, store_id, customer_id, day)
            ought = decide(schemes[store_id], Known(counted))
            who = f"store {store_id}, guest {customer_id}"
            wrong += [
                f"{who}: {key} is {told.get(key)}, counted {value}"
                for key, value in counted.items()
                if value_of(told.get(key)) != value
            ]
            if tier != ought:
                wrong.append(f"{who}: tier {tier}, evaluated {ought}")
            tiers[ought] = tiers.get(ought, 0) + 1
            compared += len(counted) + 1
    return {"compared": compared, "wrong": wrong, "tiers": tiers}


def facts_of(cursor: Any, store_id: int, customer_id: int, on: date) -> dict[str, Fraction | None]:
    """The 14 facts of one guest on a business day, from the rows as they lie. Money in fen."""
    visits = _visits(cursor, store_id, customer_id, on)
    latest = max(visits, key=lambda v: (v.at, v.number), default=None)
    ended = on if (on + timedelta(days=1)).day == 1 else on.replace(day=1) - timedelta(days=1)
    first_of_last = ended.replace(day=1)
    before_that = first_of_last
    for _ in range(2):
        before_that = (before_that - timedelta(days=1)).replace(day=1)

    def last(days: int) -> list[int]:
        return [v.fen for v in visits if v.day > on - timedelta(days=days)]

    quarter = [v.fen for v in visits if before_that <= v.day <= ended]
    month = [v.fen for v in visits if v.day >= on.replace(day=1)]
    facts: dict[str, int | Fraction | None] = {
        "spend_30d": sum(last(30)),
        "spend_90d": sum(last(90)),
        "spend_365d": sum(last(365)),
        "visits_30d": len(last(30)),
        "visits_90d": len(last(90)),
        "visits_365d": len(last(365)),
        "spend_month": sum(month),
        "avg_monthly_spend_3m": Fraction(sum(quarter), 3),
        "avg_monthly_visits_3m": Fraction(len(quarter), 3),
        "max_bill_90d": max(last(90), default=None),
        "last_bill": latest.fen if latest else None,
        "days_since_last_visit": (on - max(v.day for v in visits)).days if visits else None,
        "consecutive_weeks": _weeks_in_a_row((v.day for v in visits), on),
        "new_customers_1m": _brought(cursor, store_id, customer_id, first_of_last, ended),
    }
    return {key: None if value is None else Fraction(value) for key, value in facts.items()}


def _visits(cursor: Any, store_id: int, customer_id: int, until: date) -> list[Visit]:
    cursor.execute(
        "SELECT business_date, visited_at, external_id, amount_fen, voided_at, counted_at FROM customers_visit "
        "WHERE store_id = %s AND customer_id = %s",
        [store_id, customer_id],
    )
    return [
        Visit(day, at, number, fen)
        for day, at, number, fen, voided, counted in cursor.fetchall()
        if day <= until and voided is None and counted is not None
    ]


def _weeks_in_a_row(days: Iterable[date], on: date) -> int:
    mondays = {day - timedelta(days=day.weekday()) for day in days}
    week = on - timedelta(days=on.weekday())
    if week not in mondays:
        week -= timedelta(weeks=1)
    count = 0
    while week in mondays:
        count += 1
        week -= timedelta(weeks=1)
    return count


def _brought(cursor: Any, store_id: int, customer_id: int, first: date, last: date) -> int:
    """Numbers of guests brought here whose first paid visit fell between two days."""
    cursor.execute(
        "SELECT customer_id FROM customers_introduction WHERE introducer_id = %s AND voided_at IS NULL",
        [customer_id],
    )
    numbers = set()
    for (brought,) in cursor.fetchall():
        cursor.execute(
            "SELECT kind, id, number_index FROM customers_phone WHERE customer_id = %s ORDER BY kind DESC, id",
            [brought],
        )
        phones = cursor.fetchall()
        paid = [visit.day for visit in _visits(cursor, store_id, brought, date.max) if visit.fen > 0]
        if paid and first <= min(paid) <= last:
            numbers.add(bytes(phones[0][2]) if phones else brought)
    return len(numbers)


ACTIONS = {"compare": compare}
