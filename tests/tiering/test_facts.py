"""Every fact against a plain evaluator that reads the visits one by one, on dull and on awkward days."""

import operator
import random
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from django.db import connection

from customers.models import Introduction, Patronage, Visit
from customers.services.upkeep import recount
from tests.cast import put_on_file
from tiering.compile import condition
from tiering.facts import CATALOGUE, SHARE
from tiering.query import Question, fact_rows
from tiering.rules import Compare
from tiering.selectors.decisions import fact_value, rows_of

LATER = datetime(2030, 1, 1, tzinfo=UTC)
RECORDED = datetime(2025, 1, 1, tzinfo=UTC)


def visit(store, customer, on, fen=10000, *, hour=19, number="", **more):
    """A counted visit of `customer` on business date `on`."""
    return Visit(
        id=uuid.uuid4(),
        store=store,
        customer=customer,
        external_id=number or uuid.uuid4().hex,
        business_date=on,
        visited_at=datetime(on.year, on.month, on.day, hour - 8, tzinfo=UTC),
        amount_fen=fen,
        entry="api",
        **{"recorded_at": RECORDED, "counted_at": RECORDED} | more,
    )


COMPARE = {
    ">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip


def facts_of(store, on, known_at=None, keys=None):
    keys = keys or tuple(CATALOGUE)
    rows = rows_of(Question(store.pk, on, tuple(keys), known_at=known_at))
    return {row["customer_id"]: {key: fact_value(row, key) for key in keys} for row in rows}


def month_back(day: date, n: int) -> date:
    """First day of the month n months before day's."""
    year, month = day.year, day.month - n
    while month < 1:
        year, month = year - 1, month + 12
    return date(year, month, 1)


class Plain:
    """The catalogue in plain Python, from contract to code without the program: one guest, one visit at a time."""

    def __init__(self, visits, on: date):
        self.on = on
        self.visits = sorted(
            (v for v in visits if v.business_date <= on), key=lambda v: (v.visited_at, v.external_id)
        )

    def between(self, first, last=None):
        return [v for v in self.visits if first <= v.business_date <= (last or self.on)]

    def spent(self, visits):
        return Fraction(sum(v.amount_fen for v in visits))

    def quarter(self):
        tomorrow = self.on + timedelta(days=1)
        end_month = tomorrow.replace(day=1)
        return month_back(end_month, 3), end_month - timedelta(days=1)

    def streak(self):
        weeks = {v.business_date.isocalendar()[:2] for v in self.visits}
        day = self.on
        if day.isocalendar()[:2] not in weeks:
            day -= timedelta(days=7)
        n = 0
        while day.isocalendar()[:2] in weeks:
            n, day = n + 1, day - timedelta(days=7)
        return Fraction(n)

    def all(self):
        d = {n: self.between(self.on - timedelta(days=n - 1)) for n in (30, 90, 365)}
        month = self.between(self.on.replace(day=1))
        quarter = self.between(*self.quarter())
        first = min((v.business_date for v in self.visits), default=None)
        last = max((v.business_date for v in self.visits), default=None)
        return {
            "visits_total": Fraction(len(self.visits)),
            "spend_total": self.spent(self.visits),
            "first_visit_on": first,
            "last_visit_on": last,
            "spend_30d": self.spent(d[30]),
            "spend_90d": self.spent(d[90]),
            "spend_365d": self.spent(d[365]),
            "visits_30d": Fraction(len(d[30])),
            "visits_90d": Fraction(len(d[90])),
            "visits_365d": Fraction(len(d[365])),
            "spend_month": self.spent(month),
            "visits_month": Fraction(len(month)),
            "avg_monthly_spend_3m": self.spent(quarter) / 3,
            "avg_monthly_visits_3m": Fraction(len(quarter), 3),
            "consecutive_weeks": self.streak(),
            "last_bill": Fraction(self.visits[-1].amount_fen) if self.visits else None,
            "avg_bill_90d": self.spent(d[90]) / len(d[90]) if d[90] else None,
            "max_bill_90d": Fraction(max(v.amount_fen for v in d[90])) if d[90] else None,
            "days_since_last_visit": Fraction((self.on - last).days) if last else None,
            "observed_days": Fraction((self.on - first).days + 1) if first else None,
        }


@pytest.fixture
def crowd(store):
    """Eighteen guests with up to two years of visits: daily ones, rare ones, none; ties, free meals, voids, held ones."""
    dice = random.Random(7)
    guests = [put_on_file(store, f"客人{n}", external_id=f"R{n:03}") for n in range(18)]
    start = date(2024, 6, 1)
    visits = []
    for n, guest in enumerate(guests[:-2]):
        rate = (3, 5, 7, 12, 30, 90)[n % 6]
        day = start + timedelta(days=dice.randrange(60))
        until = date(2026, 7, 15) - timedelta(days=dice.choice((0, 0, 20, 100, 400)))
        while day <= until:
            for _ in range(dice.choice((1, 1, 1, 2))):
                fen = dice.choice((0, 1, 9999, dice.randrange(1, 400_000)))
                made = visit(store, guest, day, fen, hour=dice.choice((12, 19)))
                fate = dice.random()
                if fate < 0.05:
                    made.voided_at = RECORDED + timedelta(days=dice.randrange(800))
                elif fate < 0.08:
                    made.counted_at = None
                visits.append(made)
            day += timedelta(days=dice.choice((rate, rate, rate, 1 + dice.randrange(2 * rate))))
    Visit.objects.bulk_create(visits)
    recount(store.pk)
    return guests, visits


DAYS = [date(2026, 6, 20), date(2026, 5, 31), date(2026, 7, 1), date(2024, 7, 1), date(2025, 12, 28),
        date(2026, 1, 5), date(2026, 12, 31), date(2024, 5, 1)]  # fmt: skip


def test_every_fact_equals_the_plain_evaluator(store, crowd):
    guests, visits = crowd
    counted = [v for v in visits if v.voided_at is None and v.counted_at]
    for on in DAYS:
        found = facts_of(store, on)
        for guest in guests:
            expected = Plain([v for v in counted if v.customer_id == guest.pk], on).all()
            assert {k: found[guest.pk][k] for k in expected} == expected, (on, guest.name)


def test_then_known_differs_from_now_known(store, crowd):
    """With `known_at` a visit voided later still counts, and one recorded later does not."""
    guests, visits = crowd
    known_at = RECORDED + timedelta(days=400)
    late = visit(store, guests[0], date(2026, 6, 1), 77700, recorded_at=LATER, counted_at=LATER)
    late.save()
    recount(store.pk)
    on = date(2026, 6, 20)
    found = facts_of(store, on, known_at)
    known = [
        v for v in visits
        if v.counted_at and v.counted_at <= known_at and (v.voided_at is None or v.voided_at > known_at)
    ]  # fmt: skip
    for guest in guests:
        expected = Plain([v for v in known if v.customer_id == guest.pk], on).all()
        assert {k: found[guest.pk][k] for k in expected} == expected, guest.name
    assert facts_of(store, on)[guests[0].pk]["spend_total"] != found[guests[0].pk]["spend_total"]


def test_another_stores_visits_do_not_count(store, other_store, regular):
    visit(store, regular, date(2026, 6, 1), 100_00).save()
    Patronage.objects.create(customer=regular, store=other_store, external_id="X1", since=date(2026, 1, 1))
    visit(other_store, regular, date(2026, 6, 2), 900_00).save()
    recount(store.pk)
    recount(other_store.pk)
    assert facts_of(store, date(2026, 6, 20))[regular.pk]["spend_30d"] == 100_00
    assert facts_of(other_store, date(2026, 6, 20))[regular.pk]["spend_30d"] == 900_00


@pytest.mark.parametrize("weeks", [1, 2, 25, 26, 63, 64, 130])
@pytest.mark.parametrize("this_week", [True, False])
def test_weeks_in_a_row_without_bound(store, regular, weeks, this_week):
    """Counted back from D's ISO week if it has a visit, else from the week before; beyond any machine word."""
    on = date(2026, 6, 18)
    start = on if this_week else on - timedelta(days=7)
    Visit.objects.bulk_create(visit(store, regular, start - timedelta(days=7 * n)) for n in range(weeks))
    # A gap of one week, then more: those do not count.
    visit(store, regular, start - timedelta(days=7 * (weeks + 1))).save()
    recount(store.pk)
    assert facts_of(store, on, keys=["consecutive_weeks"])[regular.pk]["consecutive_weeks"] == weeks
    wide = facts_of(store, on, keys=["consecutive_weeks", "spend_365d"])
    assert wide[regular.pk]["consecutive_weeks"] == weeks


@pytest.mark.parametrize(
    "on", [date(2026, 6, 15), date(2026, 6, 18), date(2026, 6, 21)]
)  # Monday, Thursday, Sunday
@pytest.mark.parametrize("skipped", [0, 1])
def test_a_threshold_on_weeks_in_a_row_is_exact_on_both_sides_of_the_short_window(store, on, skipped):
    """A rule that asks for few weeks looks at the short window alone; every operator says what counting says."""
    streaks = [0, 1, 2, 15, 16, 17, 18, 19, 40]
    for n, weeks in enumerate(streaks):
        guest = put_on_file(store, f"客{weeks}", datetime(2026, 1, 1, tzinfo=UTC), external_id=f"W{n}")
        start = on - timedelta(weeks=skipped)
        Visit.objects.bulk_create(visit(store, guest, start - timedelta(weeks=k)) for k in range(weeks))
    recount(store.pk)
    rows, params = fact_rows(Question(store.pk, on, ("consecutive_weeks",)))
    asked = [
        (op, threshold)
        for op in COMPARE
        for threshold in map(Fraction, (0, 1, "1.5", 15, 16, "16.5", 17, 18, 19, 41))
    ]
    conditions = ", ".join(condition(Compare("consecutive_weeks", op, value, "")) for op, value in asked)
    with connection.cursor() as cursor:
        cursor.execute(f"{rows} SELECT external_id, ARRAY[{conditions}] FROM f", params)
        told = dict(cursor.fetchall())
    for n, weeks in enumerate(streaks):
        assert told[f"W{n}"] == [COMPARE[op](weeks, value) for op, value in asked], weeks


def test_week_before_last_is_no_streak(store, regular):
    visit(store, regular, date(2026, 6, 5)).save()
    recount(store.pk)
    assert facts_of(store, date(2026, 6, 18))[regular.pk]["consecutive_weeks"] == 0


def test_new_customers_by_month_of_the_first_paid_bill_one_phone_once(store, regular):
    """Row 31 of the open questions: first bill's month; a free meal is a visit, not a paid one."""
    story = [
        ("甲", "13811110001", [(date(2026, 5, 3), 100)]),
        ("乙", "13811110002", [(date(2026, 4, 30), 0), (date(2026, 5, 31), 5)]),
        ("丙", "13811110003", [(date(2026, 4, 1), 100), (date(2026, 5, 2), 100)]),
        ("丁", "13811110004", [(date(2026, 6, 1), 100)]),
        ("戊", "13811110005", [(date(2026, 5, 9), 0)]),
    ]
    for name, phone, bills in story:
        guest = put_on_file(store, name, phone=phone, introduced_by=regular.pk)
        for on, fen in bills:
            visit(store, guest, on, fen).save()
    twins = [
        put_on_file(store, n, contacts=(("13811119999", "妻"),), introduced_by=regular.pk) for n in "己庚"
    ]
    for guest in twins:
        visit(store, guest, date(2026, 5, 20), 100).save()
    recount(store.pk)
    found = facts_of(store, date(2026, 6, 20))[regular.pk]
    assert found["new_customers_1m"] == 3  # 甲, 乙, and 己 or 庚 behind one phone
    assert found["referrals_total"] == 5  # 甲 乙 丙 丁 and the one phone
    assert facts_of(store, date(2026, 5, 31))[regular.pk]["new_customers_1m"] == 3
    Introduction.objects.update(voided_at=LATER)
    assert facts_of(store, date(2026, 6, 20))[regular.pk]["new_customers_1m"] == 0


def test_shares_are_positions_among_the_guests_of_the_last_365_days(store, crowd):
    on = date(2026, 6, 20)
    guests, visits = crowd
    counted = [v for v in visits if v.voided_at is None and v.counted_at]
    plain = {g.pk: Plain([v for v in counted if v.customer_id == g.pk], on).all() for g in guests}
    keys = ["spend_90d", "avg_bill_90d", "days_since_last_visit"]
    found = facts_of(store, on, keys=[SHARE + key for key in keys])
    active = [pk for pk, f in plain.items() if f["last_visit_on"] and (on - f["last_visit_on"]).days < 365]
    assert 5 < len(active) < len(guests)
    for key in keys:
        ranked = [plain[pk][key] for pk in active if plain[pk][key] is not None]
        for guest in guests:
            mine = plain[guest.pk][key]
            expected = None
            if guest.pk in active and mine is not None:
                expected = Fraction(100 * sum(v <= mine for v in ranked), len(ranked))
            assert found[guest.pk][SHARE + key] == expected


def test_averages_leave_the_house_rounded_half_up(store, regular, capsys, db):
    """27,000.00 over three months is 9,000.00; 0.05 over three months is 0.02, not a float's whim."""
    from django.core.management import call_command

    visit(store, regular, date(2026, 5, 5), 5).save()
    recount(store.pk)
    call_command("facts", "--store", "S1", "--on", "2026-06-20")
    header, row = capsys.readouterr().out.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    want = (Decimal(5) / 100 / 3).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert Decimal(cells["avg_monthly_spend_3m"]) == want == Decimal("0.02")
    assert cells["avg_monthly_visits_3m"] == "0.33"
    assert (cells["first_visit_on"], cells["days_since_last_visit"], cells["last_bill"]) == (
        "2026-05-05",
        "46",
        "0.05",
    )
