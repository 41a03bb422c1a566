"""The guests of an axis by their labels: how many, what they spend, who they are; and what a class reached in a month."""

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from common.errors import Refused
from customers.models import Patronage
from staff.models import Person, Store
from tiering import goals
from tiering.axes import MAIN
from tiering.models import Goal
from tiering.rules import TOGETHER, UNRATED, Scheme

PAGE = 50
_COUNTED = "v.voided_at IS NULL AND v.counted_at IS NOT NULL AND v.customer_id IS NOT NULL"
# One row a label: codes that were joined count for each, who has none yet is unrated.
_LABELS = (
    "CROSS JOIN LATERAL unnest(string_to_array(coalesce(nullif("
    f"CASE WHEN %(axis)s = '{MAIN}' THEN p.tier ELSE p.labels ->> %(axis)s END, ''), '{UNRATED}'), '{TOGETHER}')) l(code)"
)

_GROUPS = f"""
WITH w AS (
    SELECT v.customer_id, sum(v.amount_fen) FILTER (WHERE v.business_date >= %(from_30)s) AS fen_30,
        sum(v.amount_fen) AS fen_90, count(*) AS bills
    FROM customers_visit v
    WHERE v.store_id = %(store)s AND v.business_date BETWEEN %(from_90)s AND %(day)s AND {_COUNTED}
    GROUP BY v.customer_id)
SELECT l.code, count(*), count(w.customer_id), coalesce(sum(w.fen_30), 0), coalesce(sum(w.fen_90), 0),
    coalesce(sum(w.bills), 0)
FROM customers_patronage p LEFT JOIN w ON w.customer_id = p.customer_id {_LABELS}
WHERE p.store_id = %(store)s GROUP BY l.code
UNION ALL
SELECT NULL, (SELECT count(*) FROM customers_patronage WHERE store_id = %(store)s), count(*),
    coalesce(sum(fen_30), 0), coalesce(sum(fen_90), 0), coalesce(sum(bills), 0) FROM w
"""


@dataclass(frozen=True)
class Group:
    """The guests with one label: how many, how many of them came in 90 days, fen in 30 and 90 days, bills in 90."""

    code: str
    guests: int
    came: int
    fen_30: int
    fen_90: int
    bills: int

    @property
    def avg_bill(self) -> Fraction | None:
        """Fen a bill in 90 days."""
        return Fraction(self.fen_90, self.bills) if self.bills else None


@dataclass(frozen=True)
class Groups:
    """An axis in groups, in the scheme's order; `all` are the guests of the store whatever their label."""

    axis: str
    scheme: Scheme
    rows: list[Group]
    all: Group

    def of(self, code: str) -> Group:
        """The group of a label; an empty one where nobody has it."""
        return next((row for row in self.rows if row.code == code), Group(code, 0, 0, 0, 0, 0))


def groups_of(store: Store, axis: str, scheme: Scheme, on: date) -> Groups:
    """Every label of the axis with its guests and what they spent up to a day. One query."""
    params: dict[str, Any] = {
        "store": store.pk,
        "axis": axis,
        "day": on,
        "from_30": on - timedelta(days=29),
        "from_90": on - timedelta(days=89),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, params)
        found = [Group(code or "", *map(int, numbers)) for code, *numbers in cursor.fetchall()]
    rows = {row.code: row for row in found if row.code}
    # What an earlier scheme left on a door is a group too, until the next night.
    codes = [*scheme.codes, *(code for code in rows if code not in scheme.codes and code != UNRATED)]
    if UNRATED in rows:
        codes.append(UNRATED)
    every = next(row for row in found if not row.code)
    return Groups(axis, scheme, [rows.get(code) or Group(code, 0, 0, 0, 0, 0) for code in codes], every)


@dataclass(frozen=True)
class Guests:
    """A page of guests, who spent most first, how many there are in all, and the cursor of the next page."""

    rows: list[Patronage]
    total: int
    next_cursor: str


def with_label(store: Store, axis: str, code: str) -> Q:
    """The condition on a patronage of the store: the guest has the label on the axis."""
    if axis == MAIN:
        return Q(store=store, tier__in=["", UNRATED]) if code == UNRATED else Q(store=store, tier=code)
    joined = "string_to_array(coalesce(nullif(customers_patronage.labels ->> %s, ''), %s), %s)"
    has = RawSQL(f"(%s = ANY({joined}))", (code, axis, UNRATED, TOGETHER), BooleanField())
    return Q(store=store) & Q(has)


def guests_with(store: Store, axis: str, code: str, cursor: str = "", size: int = PAGE) -> Guests:
    """The guests with a label. Two queries a page."""
    return page_of(Patronage.objects.filter(with_label(store, axis, code)), cursor, size)


def page_of(guests: Any, cursor: str, size: int = PAGE) -> Guests:
    """A page of the guests of a queryset; raises Refused for a cursor that is none of ours."""
    total = guests.count()
    if cursor:
        fen, _dash, pk = cursor.partition("-")
        if not (fen.isdecimal() and pk.isdecimal() and cursor.isascii() and len(cursor) < 40):
            raise Refused("cursor_unreadable", field="cursor")
        guests = guests.filter(
            Q(spend_total_fen__lt=int(fen)) | Q(spend_total_fen=int(fen), customer_id__gt=int(pk))
        )
    rows = list(
        guests.select_related("customer", "owner").order_by("-spend_total_fen", "customer_id")[: size + 1]
    )
    last = rows[size - 1] if len(rows) > size else None
    return Guests(rows[:size], total, f"{last.spend_total_fen}-{last.customer_id}" if last else "")


# ---- goals -------------------------------------------------------------------------------------------------------

_MONTH = f"""
WITH b AS (
    SELECT v.customer_id, v.amount_fen, v.party_size, d.dishes FROM customers_visit v
    LEFT JOIN LATERAL (
        SELECT sum((x ->> 'quantity')::numeric) AS dishes FROM jsonb_array_elements(v.dishes) x) d ON true
    WHERE v.store_id = %(store)s AND v.business_date BETWEEN %(first)s AND %(last)s AND {_COUNTED})
SELECT l.code, p.owner_id, count(DISTINCT b.customer_id), count(*), sum(b.amount_fen), count(b.dishes),
    coalesce(sum(b.dishes), 0), coalesce(sum(b.dishes) FILTER (WHERE b.party_size > 0), 0),
    coalesce(sum(b.party_size) FILTER (WHERE b.dishes IS NOT NULL AND b.party_size > 0), 0)
FROM b JOIN customers_patronage p ON p.store_id = %(store)s AND p.customer_id = b.customer_id {_LABELS}
GROUP BY l.code, p.owner_id
"""


@dataclass(frozen=True)
class Aim:
    """A metric of a class: what was wanted and reached in the month (hundredths, money fen), and by whose guests."""

    tier: str
    metric: str
    target: int | None
    value: Fraction | None
    percent: Fraction | None
    owners: list[tuple[Person | None, Fraction, Fraction | None]]


@dataclass(frozen=True)
class Aims:
    """The goals of an axis in a month, and of how many bills the dishes are not known."""

    first: date
    last: date
    rows: list[Aim]
    bills: int
    untold: int


def aims_of(store: Store, scheme: Scheme, first: date, last: date) -> Aims:
    """Every wanted metric of the scheme's classes over the visits of `first` … `last`. Three queries at most."""
    with connection.cursor() as cursor:
        cursor.execute(_MONTH, {"store": store.pk, "axis": scheme.axis, "first": first, "last": last})
        found = cursor.fetchall()
    by_owner: dict[tuple[str, int | None], goals.Month] = {}
    for code, owner, guests, bills, fen, told, dishes, seated, diners in found:
        by_owner[code, owner] = goals.Month(
            guests, bills, int(fen), told, Fraction(dishes), Fraction(seated), int(diners)
        )
    people = Person.objects.in_bulk([owner for _, owner in by_owner if owner])
    targets = {
        (goal.tier, goal.metric): goal.target for goal in Goal.objects.filter(store=store, axis=scheme.axis)
    }
    rows = []
    for code in scheme.codes:
        months = {owner: month for (tier, owner), month in by_owner.items() if tier == code}
        whole = sum_of(list(months.values()))
        for metric in goals.WANTED.get(code, ()):
            target, value = targets.get((code, metric)), goals.reached(metric, whole)
            owners = [
                (people.get(owner) if owner else None, each, goals.percent(each, target))
                for owner, month in months.items()
                if (each := goals.reached(metric, month)) is not None
            ]
            owners.sort(key=lambda row: (row[0] is None, -row[1]))
            rows.append(Aim(code, metric, target, value, goals.percent(value, target), owners))
    every = sum_of(list(by_owner.values()))
    return Aims(first, last, rows, every.bills, every.bills - every.bills_told)


def sum_of(months: list[goals.Month]) -> goals.Month:
    """Several people's guests together."""
    whole = goals.Month()
    for month in months:
        whole = whole.plus(month)
    return whole
