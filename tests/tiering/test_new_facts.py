"""The facts beyond bills and visits, against a plain evaluator: feedback, events, seats, habits, profile; every edge."""

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection

from common.birthdays import Birthday
from common.clock import business_date
from customers.models import Customer, Dish, Participation, Patronage, Visit, VisitGuest
from customers.services.customers import Profile, change_customer
from customers.services.upkeep import recount
from feedback.models import Complaint, Suggestion
from tests.cast import put_on_file
from tests.tiering.examining import come, noon
from tiering.facts import SHARE
from tiering.query import Question
from tiering.selectors.decisions import fact_value, rows_of

PERCENT = {
    "business_pct_365d": lambda v, hour: v.occasion == "business",
    "family_pct_365d": lambda v, hour: v.occasion == "family",
    "coupon_pct_365d": lambda v, hour: v.coupon,
    "large_party_pct_365d": lambda v, hour: v.party_size is not None and v.party_size >= 8,
    "weekend_pct_365d": lambda v, hour: v.business_date.weekday() >= 5,
    "lunch_pct_365d": lambda v, hour: 10 <= hour < 14,
    "tea_pct_365d": lambda v, hour: 14 <= hour < 17,
}
NEW = (
    "suggestions_1m", "complaints_90d", "feedback_total", "visits_90d_before_last", "pace_90d", "events_90d",
    "influenced_365d", *PERCENT, "new_dish_pct_90d", "age", "credit", "influence", "distance_km",
)  # fmt: skip
T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = datetime(2026, 3, 1, tzinfo=UTC)
T2 = datetime(2026, 5, 1, tzinfo=UTC)


def facts_of(store, on, known_at=None, keys=NEW, **narrow):
    question = Question(store.pk, on, tuple(keys), zone=store.timezone, known_at=known_at, **narrow)
    return {row["customer_id"]: {key: fact_value(row, key) for key in keys} for row in rows_of(question)}


@dataclass
class World:
    """Everything that was written down, of every store, as Python objects."""

    guests: list[Customer] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    seats: list[VisitGuest] = field(default_factory=list)
    events: list[Participation] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    suggestions: list[Suggestion] = field(default_factory=list)
    dishes: list[Dish] = field(default_factory=list)

    def save(self, stores) -> None:
        for model, rows in (
            (Visit, self.visits), (VisitGuest, self.seats), (Participation, self.events),
            (Complaint, self.complaints), (Suggestion, self.suggestions), (Dish, self.dishes),
        ):  # fmt: skip
            model.objects.bulk_create(rows)
        for store in stores:
            recount(store.pk)


def living(start: datetime | None, stop: datetime | None, known_at: datetime | None) -> bool:
    if known_at is None:
        return start is not None and stop is None
    return start is not None and start <= known_at and (stop is None or stop > known_at)


def last_full_month(on: date) -> tuple[date, date]:
    tomorrow = on + timedelta(days=1)
    last = tomorrow.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def plain(world: World, store, guest: Customer, on: date, known_at: datetime | None = None) -> dict[str, Any]:
    """The catalogue's words in plain Python: one guest, one row at a time."""
    zone = ZoneInfo(store.timezone)

    def since(days: int) -> date:
        return on - timedelta(days=days - 1)

    def share(part: Iterable[Any], whole: list[Any]) -> Fraction | None:
        return Fraction(100 * len(list(part)), len(whole)) if whole else None

    counted = {
        v.pk: v for v in world.visits
        if v.store_id == store.pk and living(v.counted_at, v.voided_at, known_at) and v.business_date <= on
    }  # fmt: skip
    mine = [v for v in counted.values() if v.customer_id == guest.pk]
    year = [v for v in mine if v.business_date >= since(365)]
    quarter = [v for v in mine if v.business_date >= since(90)]
    first = min((v.business_date for v in mine), default=None)
    last = max((v.business_date for v in mine), default=None)
    new = [
        d for d in world.dishes if d.store_id == store.pk and living(d.recorded_at, d.withdrawn_at, known_at)
    ]
    told = [
        c for c in world.complaints
        if (c.store_id, c.customer_id) == (store.pk, guest.pk) and c.opened_on <= on
        and living(c.opened_at, c.withdrawn_at, known_at)
    ]  # fmt: skip
    said = [
        s for s in world.suggestions
        if (s.store_id, s.customer_id) == (store.pk, guest.pk) and s.made_on <= on
        and living(s.recorded_at, s.withdrawn_at, known_at)
    ]  # fmt: skip
    month_first, month_last = last_full_month(on)
    found: dict[str, Any] = {
        "suggestions_1m": sum(
            s.judged == "valid" and month_first <= s.judged_on <= month_last
            and (known_at is None or s.judged_at <= known_at)
            for s in said
        ),
        "complaints_90d": sum(c.opened_on >= since(90) for c in told),
        "feedback_total": len(told) + len(said),
        "visits_90d_before_last": sum((last - v.business_date).days < 90 for v in mine) if last else 0,
        "pace_90d": Fraction(90 * sum(v.amount_fen for v in year), min(365, (on - first).days + 1)) if first else 0,
        "events_90d": sum(
            (e.store_id, e.customer_id) == (store.pk, guest.pk) and since(90) <= e.attended_on <= on
            and living(e.recorded_at, e.voided_at, known_at)
            for e in world.events
        ),
        "influenced_365d": sum(
            counted[s.visit_id].amount_fen for s in world.seats
            if s.customer_id == guest.pk and s.role == "guest" and s.visit_id in counted
            and counted[s.visit_id].business_date >= since(365) and living(s.recorded_at, s.removed_at, known_at)
        ),
        "new_dish_pct_90d": share(
            (v for v in quarter if any(
                name["name"] == d.name and 0 <= (v.business_date - d.launched_on).days < 60
                for name in v.dishes for d in new
            )), quarter,
        ),
        "credit": guest.credit,
        "influence": guest.influence,
        "distance_km": None if guest.distance_km is None else Fraction(str(guest.distance_km)),
        "age": None,
    }  # fmt: skip
    for key, is_so in PERCENT.items():
        found[key] = share((v for v in year if is_so(v, v.visited_at.astimezone(zone).hour)), year)
    if guest.birth_year:
        found["age"] = on.year - guest.birth_year
        if guest.birth_calendar == "solar" and (guest.birth_month, guest.birth_day) > (on.month, on.day):
            found["age"] -= 1
    return {key: None if value is None else Fraction(value) for key, value in found.items()}


# Days counted back from D at which a window begins, ends, or nearly does.
EDGES = (-1, 0, 1, 58, 59, 60, 61, 88, 89, 90, 91, 178, 179, 180, 363, 364, 365, 366, 454, 455)
HOURS = (
    time(3, 59),
    time(4, 0),
    time(9, 59),
    time(10, 0),
    time(13, 59),
    time(14, 0),
    time(16, 59),
    time(17, 0),
)
FATES = ((T0, None), (T0, T1), (T1, None), (T1, T2), (T2, None))


def make_world(stores, on: date, seed: int) -> World:
    """Eight guests of both stores with rows at the edges of D's windows and elsewhere; voided and withdrawn ones too."""
    dice, number, world = random.Random(seed), count(), World()

    def some_day() -> date:
        back = dice.choice(EDGES) if dice.random() < 0.6 else dice.randrange(460)
        return on - timedelta(days=back)

    for n in range(8):
        born = dice.choice([None, (1996, 2, 29), (1990, on.month, on.day), (1980, 12, 31)])
        guest = put_on_file(
            stores[0], f"客{n}", external_id=f"N{n}", credit=dice.choice([None, 1, 5]),
            influence=dice.choice([None, 1, 3]), distance_km=dice.choice([None, Decimal("0"), Decimal("2.5")]),
            birthday=Birthday(dice.choice(["solar", "lunar"]), *born) if born else None,
        )  # fmt: skip
        guest.refresh_from_db()
        Patronage.objects.create(customer=guest, store=stores[1], external_id=f"N{n}", since=date(2026, 1, 1))
        world.guests.append(guest)
    for _ in range(260):
        store, start_stop = dice.choice(stores), dice.choice(FATES)
        moment = datetime.combine(some_day(), dice.choice(HOURS), tzinfo=ZoneInfo(store.timezone))
        names = dice.choice([(), ("酸菜鱼",), ("酸菜鱼", "毛肚"), ("毛肚", "毛肚")])
        world.visits.append(
            Visit(
                id=uuid.uuid4(), store=store, customer=dice.choice([*world.guests[:-1], None]),
                external_id=f"B{next(number)}", visited_at=moment,
                business_date=business_date(moment, store.timezone, store.day_ends_at),
                amount_fen=dice.choice([0, 1, 99_99, 1234_56]), occasion=dice.choice(["", "business", "family"]),
                coupon=dice.random() < 0.4, party_size=dice.choice([None, 2, 7, 8, 12]),
                dishes=[{"name": name, "quantity": 1} for name in names], entry="import", recorded_at=T0,
                counted_at=dice.choice([start_stop[0]] * 9 + [None]), voided_at=start_stop[1],
            )
        )  # fmt: skip
    for visit in dice.sample(world.visits, 120):
        guest, (start, stop) = dice.choice(world.guests), dice.choice(FATES)
        if guest.pk != visit.customer_id:
            role = dice.choice(["guest", "guest", "payer", "orderer"])
            seat = VisitGuest(visit=visit, customer=guest, role=role, recorded_at=start, removed_at=stop)
            world.seats.append(seat)
    for _ in range(60):
        (start, stop), day = dice.choice(FATES), some_day()
        whose = {"store": dice.choice(stores), "customer": dice.choice(world.guests)}
        world.events.append(
            Participation(
                **whose, event=f"活动{next(number)}", attended_on=day, recorded_at=start, voided_at=stop
            )
        )
        world.complaints.append(
            Complaint(**whose, text="咸", opened_on=some_day(), opened_at=start, withdrawn_at=stop)
        )
        judged = dice.choice(["", "valid", "valid", "not_valid"])
        month_first, month_last = last_full_month(on)
        day_judged = dice.choice(
            [month_first - timedelta(days=1), month_first, month_last, month_last + timedelta(days=1), on]
        )
        world.suggestions.append(
            Suggestion(
                **whose, text="加个儿童椅", made_on=some_day(), recorded_at=start, withdrawn_at=stop, judged=judged,
                judged_on=day_judged if judged else None, judged_at=dice.choice([start, T2]) if judged else None,
            )
        )  # fmt: skip
    for store in stores:
        for name in ("酸菜鱼", "毛肚"):
            for start, stop in ((T0, T1), (T1, None)):
                world.dishes.append(
                    Dish(store=store, name=name, launched_on=some_day(), recorded_at=start, withdrawn_at=stop)
                )
    world.save(stores)
    return world


@pytest.mark.parametrize(
    ("on", "seed"),
    [
        (date(2026, 6, 20), 1), (date(2026, 5, 31), 2), (date(2028, 2, 29), 3), (date(2027, 2, 28), 4),
        (date(2026, 1, 1), 5), (date(2026, 12, 31), 6),
    ],
    ids=str,
)  # fmt: skip
def test_every_new_fact_equals_the_plain_evaluator(store, other_store, on, seed):
    """Both stores, now and as known at moments between the rows' beginnings and ends, all guests and one by one."""
    other_store.timezone = "America/New_York"
    other_store.save()
    stores = [store, other_store]
    world = make_world(stores, on, seed)
    with connection.cursor() as cursor:  # the profiles were on file before anything else
        cursor.execute("UPDATE customers_customerevent SET pgh_created_at = %s", [T0 - timedelta(days=1)])
    for here in stores:
        for known_at in (None, T0, T1 - timedelta(seconds=1), T1, T2):
            found = facts_of(here, on, known_at)
            for guest in world.guests:
                expected = plain(world, here, guest, on, known_at)
                assert found[guest.pk] == {key: expected[key] for key in NEW}, (
                    here.code,
                    known_at,
                    guest.name,
                )
        found = facts_of(here, on)
        for guest in world.guests[:3]:
            assert facts_of(here, on, customer_ids=(guest.pk,)) == {guest.pk: found[guest.pk]}
    seen = {key: {plain(world, here, g, on)[key] for here in stores for g in world.guests} for key in NEW}
    assert all(len(values) > 1 for values in seen.values()), "a fact on which all guests agree tests nothing"


def test_shares_of_the_new_facts_are_positions_among_the_guests_of_the_year(store, other_store):
    on = date(2026, 6, 20)
    world = make_world([store, other_store], on, 7)
    keys = [key for key in NEW if key not in ("age", "distance_km")]
    found = facts_of(store, on, keys=[SHARE + key for key in keys])
    counted = [v for v in world.visits if v.store_id == store.pk and living(v.counted_at, v.voided_at, None)]
    active = {v.customer_id for v in counted if 0 <= (on - v.business_date).days < 365}
    values = {guest.pk: plain(world, store, guest, on) for guest in world.guests}
    for key in keys:
        ranked = [values[pk][key] for pk in active if pk in values and values[pk][key] is not None]
        for guest in world.guests:
            mine, expected = values[guest.pk][key], None
            if guest.pk in active and mine is not None:
                expected = Fraction(100 * sum(v <= mine for v in ranked), len(ranked))
            assert found[guest.pk][SHARE + key] == expected, key


BORN = [
    ("the day before the birthday", Birthday("solar", 1990, 6, 21), date(2026, 6, 20), 35),
    ("the birthday itself", Birthday("solar", 1990, 6, 20), date(2026, 6, 20), 36),
    ("born on 29 February, on 28 February of a common year", Birthday("solar", 1996, 2, 29), date(2026, 2, 28), 29),
    ("born on 29 February, on 1 March of a common year", Birthday("solar", 1996, 2, 29), date(2026, 3, 1), 30),
    ("born on 29 February, on 28 February of a leap year", Birthday("solar", 1996, 2, 29), date(2028, 2, 28), 31),
    ("born on 29 February, on 29 February", Birthday("solar", 1996, 2, 29), date(2028, 2, 29), 32),
    ("a lunar birthday goes by the year alone", Birthday("lunar", 1963, 8, 15), date(2026, 1, 1), 63),
    ("a year that was not told", Birthday("solar", None, 6, 20), date(2026, 6, 20), None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "birthday", "on", "years"), BORN, ids=[case[0] for case in BORN])
def test_age(store, words, birthday, on, years):
    guest = put_on_file(store, "寿星", birthday=birthday)
    assert facts_of(store, on, keys=["age"])[guest.pk]["age"] == years


def test_the_profile_of_then_comes_from_its_history(store, manager):
    """Influence 2 in January, 5 since March: a night of February is replayed with 2, one before the file with nothing."""
    guest = put_on_file(store, "王总", influence=2, credit=3, birthday=Birthday("solar", 1980, 1, 1))
    change = Profile(influence=5, cleared=frozenset({"credit"}))
    change_customer(
        store=store, customer_id=guest.pk, profile=change, actor=manager, at=noon(date(2026, 3, 1)), source="desk"
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE customers_customerevent SET pgh_created_at = CASE WHEN influence IS NOT DISTINCT FROM 5 "
            "THEN %s ELSE %s END",
            [T1, T0],
        )
    on, keys = date(2026, 6, 20), ["influence", "credit", "age"]
    seen = [
        tuple(facts_of(store, on, at, keys)[guest.pk].values())
        for at in (None, T2, T1, T0, T0 - timedelta(1))
    ]
    assert seen == [(5, None, 46), (5, None, 46), (5, None, 46), (2, 3, 46), (None, None, None)]


@pytest.mark.parametrize(
    ("hour", "minute", "lunch", "tea"),
    [(9, 59, 0, 0), (10, 0, 100, 0), (13, 59, 100, 0), (14, 0, 0, 100), (16, 59, 0, 100), (17, 0, 0, 0)],
)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Asia/Kathmandu", "America/New_York"])
def test_lunch_and_tea_go_by_the_stores_own_clock(store, regular, hour, minute, lunch, tea, zone, capsys):
    """10:00 to 13:59 is lunch, 14:00 to 16:59 the afternoon, on the wall of the restaurant; `facts` prints the same."""
    store.timezone = zone
    store.save()
    on = date(2026, 6, 18)
    moment = datetime.combine(on, time(hour, minute), tzinfo=ZoneInfo(zone))
    Visit.objects.create(
        id=uuid.uuid4(), store=store, customer=regular, external_id="B1", business_date=on, visited_at=moment,
        amount_fen=1, entry="api", recorded_at=T0, counted_at=T0,
    )  # fmt: skip
    recount(store.pk)
    keys = ["lunch_pct_365d", "tea_pct_365d"]
    assert list(facts_of(store, on, keys=keys)[regular.pk].values()) == [lunch, tea]
    call_command("facts", "--store", store.code, "--on", on.isoformat())
    header, row = capsys.readouterr().out.splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert [cells[key] for key in keys] == [f"{lunch}.00", f"{tea}.00"]


def test_a_dish_is_new_for_sixty_days_and_only_on_its_own_list(store, other_store, regular, lapsed):
    """Launched on 1 May: new from 1 May to 29 June. Another restaurant's launch makes nothing new here."""
    for where, name in ((store, "花胶鸡"), (other_store, "毛肚")):
        Dish.objects.create(store=where, name=name, launched_on=date(2026, 5, 1), recorded_at=T0)
    bills = [(date(2026, 4, 30), "花胶鸡"), (date(2026, 5, 1), "花胶鸡"), (date(2026, 6, 29), "花胶鸡"),
             (date(2026, 6, 30), "花胶鸡"), (date(2026, 6, 1), "毛肚")]  # fmt: skip
    for on, dish in bills:
        come(store, regular, on, 100, dishes=((dish, 1.0),))
    found = facts_of(store, date(2026, 7, 1), keys=["new_dish_pct_90d"])
    assert found == {regular.pk: {"new_dish_pct_90d": 40}, lapsed.pk: {"new_dish_pct_90d": None}}


def test_the_pace_of_a_newcomer_is_that_of_the_days_known(store, regular):
    """¥3,000 on the first day: a pace of ¥270,000 in ninety days; ten days later, still ¥3,000 in all, of ¥27,000."""
    come(store, regular, date(2026, 6, 1), 3000)
    paces = [
        facts_of(store, date(2026, 6, day), keys=["pace_90d"])[regular.pk]["pace_90d"] for day in (1, 10)
    ]
    assert paces == [270_000_00, 27_000_00]
