"""What is foretold happens: the way up is enough, the fall comes in the night that was told, and in none before.

Every forecast is held against the nights themselves: bills, introductions and suggestions are recorded as the forecast
says, the nights are decided day by day, and the labels are read. Prose: docs/rules/forecast.md.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction

from common.birthdays import Birthday
from customers.models import Customer, Patronage
from customers.services.customers import add_tag
from customers.services.events import record_participation
from feedback.services import judge_suggestion, open_complaint, record_suggestion
from staff.models import Store
from tests.cast import put_on_file
from tests.tiering.examining import bring, came, come, days, label, ladder, night, nights, noon, rule, use
from tiering.checks import check_scheme
from tiering.forecast import Change, Fall, Rise, horizon
from tiering.rules import Scheme, read_scheme
from tiering.selectors.decisions import standing
from tiering.selectors.forecast import Outlook, falling, outlook
from tiering.selectors.schemes import preset
from tiering.services.judgements import judge, override_tier

WHOLE = {
    "sex": "f", "address": "滨江路1号", "industry": "建材", "position": "总经理", "married": True,
    "birthday": Birthday("solar", 1988, 7, 9),
}  # fmt: skip


class _Undone(Exception):
    pass


@contextmanager
def tried() -> Iterator[None]:
    """What happens inside is taken back: the world goes on as it was."""
    try:
        with transaction.atomic():
            yield
            raise _Undone
    except _Undone:
        pass


def live(store: Store, today: date, dice: random.Random, how_many: int = 8) -> list[Customer]:
    """Guests with a year behind them: some steady, some who came to a stop, some big bills, and one who never came."""
    guests = []
    for n in range(how_many):
        phone = f"139{dice.randrange(10**8):08}"
        guest = put_on_file(
            store, f"客{n}", noon(today - timedelta(days=500)), external_id=f"F{n}", phone=phone, **WHOLE
        )
        guests.append(guest)
    bills = []
    for guest in guests[:-1]:
        pace, size = dice.choice([3, 6, 8, 14, 30, 80]), dice.choice([100, 400, 1200, 2600])
        on = today - timedelta(days=dice.randrange(60, 430))
        last = today - timedelta(days=dice.choice([0, 0, 1, 3, 8, 29, 45, 89, 200]))
        while on <= last:
            yuan = dice.choice([0, 1, size, size, 3 * size, 5000])
            occasion = dice.choice(["", "business", "family"])
            bills.append((guest, on, yuan, dice.choice([11, 18]), occasion))
            on += timedelta(days=1 + dice.randrange(2 * pace))
        for kind in dice.sample(["bring", "suggest", "event", "complain"], dice.choice([0, 1, 2])):
            when = today - timedelta(days=dice.choice([0, 1, 12, 35, 60, 88, 89]))
            DEEDS[kind](store, guest, when, dice.randrange(1, 4))
    came(store, bills)
    return guests


def suggest(store: Store, guest: Customer, on: date, how_many: int) -> None:
    for n in range(how_many):
        said = record_suggestion(
            store=store, customer_id=guest.pk, text=f"建议{on}{n}", actor=None, at=noon(on)
        )
        judge_suggestion(store=store, suggestion_id=said.pk, valid=True, actor=None, at=noon(on))


def take_part(store: Store, guest: Customer, on: date, how_many: int) -> None:
    for n in range(how_many):
        record_participation(
            store=store, customer_id=guest.pk, event=f"品鉴会{on}{n}", attended_on=on, actor=None, at=noon(on)
        )


def complain(store: Store, guest: Customer, on: date, how_many: int) -> None:
    for n in range(how_many):
        open_complaint(store=store, customer_id=guest.pk, text=f"咸{on}{n}", actor=None, at=noon(on))


DEEDS: dict[str, Callable[[Store, Customer, date, int], Any]] = {
    "bring": bring, "suggest": suggest, "event": take_part, "complain": complain,
}  # fmt: skip


def act(store: Store, guest: Customer, change: Change, on: date) -> None:
    """Do on one day what a forecast asks: the last visit has the bill, the others are free."""
    for n in range(change.comes):
        is_last = n == change.comes - 1
        come(store, guest, on, Fraction(change.amount, 100) if is_last else 0, hour=19 + n / 60)
    bring(store, guest, on, change.guests)
    suggest(store, guest, on, change.suggestions)
    take_part(store, guest, on, change.events)


# ---- the schemes ---------------------------------------------------------------------------------------------


def preset_on_the_door(code: str, **more: Any) -> dict[str, Any]:
    return {**preset(code), "axis": "tier", **more}


LINES = [
    ("spend_30d", (500, 2000, 5000)), ("spend_90d", (1000, 6000)), ("spend_365d", (4000, 20000)),
    ("spend_month", (500, 3000)), ("spend_total", (3000, 40000)), ("visits_30d", (1, 3, 6)), ("visits_90d", (2, 9)),
    ("visits_365d", (5, 30)), ("visits_month", (1, 4)), ("visits_total", (2, 20)),
    ("avg_monthly_spend_3m", (500, 2500)), ("avg_monthly_visits_3m", (1, 2.5, 5)), ("consecutive_weeks", (1, 2, 4)),
    ("last_bill", (300, 3000)), ("max_bill_90d", (1000, 4000)), ("avg_bill_90d", (300, 900)),
    ("days_since_last_visit", (7, 30, 200)), ("new_customers_1m", (1, 2)), ("referrals_total", (1, 4)),
    ("suggestions_1m", (1, 3)), ("events_90d", (1, 3)), ("complaints_90d", (1, 2)), ("observed_days", (60, 200)),
    ("business_pct_365d", (30, 50)), ("pace_90d", (800, 4000)), ("visits_90d_before_last", (3, 8)),
    ("score_value", (20, 45)),
]  # fmt: skip
LESS = {"days_since_last_visit", "complaints_90d"}
SCORES = {
    "value": {"parts": [
        {"fact": "spend_90d", "full": 5000, "points": 50}, {"fact": "visits_30d", "steps": [[2, 10], [4, 25]]},
        {"fact": "complaints_90d", "full": 3, "points": -20}, {"fact": "days_since_last_visit", "full": 60, "points": -25},
    ]}
}  # fmt: skip


def random_rule(dice: random.Random, depth: int = 2) -> dict[str, Any]:
    if depth and dice.random() < 0.6:
        items = [random_rule(dice, depth - 1) for _ in range(dice.randrange(2, 4))]
        kind = dice.choice(["all", "any", "any", "at_least"])
        return {"at_least": 2, "of": items} if kind == "at_least" else {kind: items}
    fact, values = dice.choice(LINES)
    op = dice.choice(["<=", "<"]) if fact in LESS else dice.choice([">=", ">=", ">=", ">"])
    return rule(fact, dice.choice(values), op)


def random_scheme(dice: random.Random) -> dict[str, Any]:
    """One to three rules that make sense together, sometimes with protections."""
    while True:
        protections = dice.choice([
            {}, {}, {"min_stay_days": dice.choice([5, 20, 45])}, {"grace_days": dice.choice([1, 4, 12])},
            {"min_stay_days": 25, "grace_days": 6},
        ])  # fmt: skip
        body = ladder(*(random_rule(dice) for _ in range(dice.randrange(1, 4))), scores=SCORES, **protections)
        if not check_scheme(read_scheme(body)):
            return body


TODAYS = [
    date(2026, 6, 20), date(2026, 5, 31), date(2026, 7, 1), date(2027, 2, 28), date(2026, 12, 31), date(2026, 6, 1),
    date(2026, 8, 30), date(2026, 10, 5),
]  # fmt: skip


# ---- the nights themselves -----------------------------------------------------------------------------------


def labels(store: Store) -> dict[int, str]:
    return dict(Patronage.objects.filter(store=store).values_list("customer_id", "tier"))


def lowered(scheme: Scheme, store: Store, was: dict[int, str], coming: list[date]) -> dict[int, Fall]:
    """Who is put lower than `was` by which of the coming nights, decided one by one while nobody comes."""
    found: dict[int, Fall] = {}
    for on in coming:
        night(store, on)
        for guest, tier in labels(store).items():
            if guest in was and guest not in found and scheme.rank(tier) > scheme.rank(was[guest]):
                found[guest] = Fall(on, tier)
    return found


def examine(store: Store, scheme: Scheme, guests: list[Customer], today: date) -> tuple[int, int]:
    """Hold every outlook of `today`, before its night, against the nights. How many falls and rises there were."""
    stands = {guest.pk: standing(store, guest.pk, today) for guest in guests}
    told: dict[int, Outlook] = {guest.pk: outlook(store, guest.pk, stands[guest.pk]) for guest in guests}
    with tried():
        night(store, today)
        assert labels(store) | {pk: found.tier for pk, found in stands.items()} == labels(store)
        rated = {pk: found.tier for pk, found in stands.items() if not found.unrated}
        fell = lowered(scheme, store, rated, days(today + timedelta(days=1), horizon(today)))
    assert {pk: ahead.fall for pk, ahead in told.items() if ahead.fall} == fell
    rises = {guest: told[guest.pk].rise for guest in guests if told[guest.pk].rise}
    for guest, way in rises.items():
        rise_holds(store, scheme, guest, way, today)
    return len(fell), len(rises)


def rise_holds(store: Store, scheme: Scheme, guest: Customer, way: Rise, today: date) -> None:
    """Done today, and done on the last day named, it is enough; a week still to come is told of that week alone."""
    assert any(way.change.values()) and today <= way.by
    for done in {today, way.by} if not (way.change.weeks and way.on > today) else {way.by}:
        with tried():
            act(store, guest, way.change, done)
            night(store, max(way.on, done))
            assert scheme.rank(label(store, guest)) <= scheme.rank(way.tier), (guest.name, way, done)


CASES = [
    (code, more, today, seed)
    for seed, (code, more) in enumerate([
        ("recent_month_abc", {}), ("recent_month_abc", {"min_stay_days": 30, "grace_days": 7}),
        ("monthly_avg_abc", {}), ("monthly_avg_abc", {"grace_days": 10}),
        ("member_card_levels", {}), ("purchase_stage", {}), ("lifecycle_stages", {}), ("loyalty", {}),
    ])
    for today in (TODAYS[seed % len(TODAYS)],)
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "more", "today", "seed"), CASES, ids=[f"{c[0]} {c[1] or ''}" for c in CASES]
)
def test_the_presets_keep_their_word(store, code, more, today, seed):
    dice = random.Random(seed)
    scheme = use(store, preset_on_the_door(code, **more))
    guests = live(store, today, dice)
    for guest in guests[:2]:
        add_tag(customer=guest, word="nearby_resident", actor=None, at=noon(today))
    nights(store, today - timedelta(days=12 if scheme.protects else 1), today - timedelta(days=1))
    examine(store, scheme, guests, today)


@pytest.mark.parametrize("seed", range(14))
def test_schemes_of_any_kind_keep_their_word(store, manager, seed):
    """Random rules, protections, tiers by hand that end, judgements; asked before the night of the day."""
    dice = random.Random(1000 + seed)
    today = TODAYS[seed % len(TODAYS)]
    scheme = use(store, random_scheme(dice))
    guests = live(store, today, dice)
    nights(store, today - timedelta(days=30 if scheme.protects else 2), today - timedelta(days=1))
    for guest, ends in zip(guests, (0, 3, 40), strict=False):
        override_tier(
            store=store, customer_id=guest.pk, tier=dice.choice(scheme.codes), reason="店里商量过的", actor=manager,
            valid_until=today + timedelta(days=ends), on=today, at=noon(today),
        )  # fmt: skip
    examine(store, scheme, guests, today)


def test_the_cases_are_not_empty(store):
    """Enough guests fall and rise in the stories above for the agreement to mean something."""
    dice = random.Random(3)
    today = TODAYS[0]
    scheme = use(store, preset_on_the_door("recent_month_abc"))
    guests = live(store, today, dice, 12)
    night(store, today - timedelta(days=1))
    falls, rises = examine(store, scheme, guests, today)
    assert falls >= 3 and rises >= 5


# ---- the store's list ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_who_is_about_to_fall_falls_in_that_night_and_nobody_else(store, manager, seed):
    """`falling` against the nights one by one: random schemes and the preset, protections, tiers by hand."""
    dice = random.Random(2000 + seed)
    today, ahead = TODAYS[seed % len(TODAYS)], dice.choice([7, 31, 62])
    body = (
        random_scheme(dice)
        if seed % 3
        else preset_on_the_door("recent_month_abc", grace_days=dice.choice([0, 5]))
    )
    scheme = use(store, body)
    guests = live(store, today, dice, 10)
    nights(store, today - timedelta(days=30 if scheme.protects else 2), today - timedelta(days=1))
    for guest, ends in zip(guests, (0, 3, 40), strict=False):
        override_tier(
            store=store, customer_id=guest.pk, tier=dice.choice(scheme.codes), reason="店里商量过的", actor=manager,
            valid_until=today + timedelta(days=ends), on=today, at=noon(today),
        )  # fmt: skip
    night(store, today)
    told = falling(store, today, ahead)
    was = labels(store)
    fell = lowered(scheme, store, was, days(today + timedelta(days=1), today + timedelta(days=ahead)))
    assert {each.customer_id: each.fall for each in told} == fell
    assert all(each.tier == was[each.customer_id] for each in told)


# ---- stories -------------------------------------------------------------------------------------------------

D = date(2026, 6, 20)
SPEND = ladder(rule("spend_30d", 5000), rule("spend_30d", 2000))


def told(store: Store, guest: Customer, on: date = D, axis: str = "tier") -> Outlook:
    return outlook(store, guest.pk, standing(store, guest.pk, on, axis))


def test_820_more_by_the_end_of_the_month(store, lapsed):
    """Average of three months from ¥8,000: ¥23,180 so far with the month running: ¥820 more by 30 June → A in its night."""
    use(store, ladder(rule("avg_monthly_spend_3m", 8000)))
    for on, yuan in ((date(2026, 4, 3), 8000), (date(2026, 5, 3), 9000), (date(2026, 6, 3), 6180)):
        come(store, lapsed, on, yuan)
    assert told(store, lapsed).rise == Rise("A", Change(fen=82_000), date(2026, 6, 30), date(2026, 6, 30))


def test_the_fall_is_the_first_night_without_the_bill(store, lapsed):
    """¥5,000 on 1 June: A to 30 June, C from 1 July; ¥2,000 more on the 10th: B from 1 July, C from 10 July."""
    use(store, SPEND)
    come(store, lapsed, date(2026, 6, 1), 5000)
    assert told(store, lapsed).fall == Fall(date(2026, 7, 1), "C")
    come(store, lapsed, date(2026, 6, 10), 2000)
    assert told(store, lapsed).fall == Fall(date(2026, 7, 1), "B")


def test_where_the_next_tier_has_no_number_the_one_above_it_is_told(store, regular):
    """Below every line of the monthly average: a tag makes a P, but ¥3,000 a month is what she can do for a C."""
    use(store, preset_on_the_door("monthly_avg_abc"))
    come(store, regular, date(2026, 1, 5), 100)
    come(store, regular, date(2026, 5, 5), 3000)
    found = standing(store, regular.pk, D)
    assert (found.tier, found.unrated) == ("UNRATED", [])
    assert outlook(store, regular.pk, found).rise == Rise(
        "C", Change(fen=600_000), date(2026, 6, 30), date(2026, 6, 30)
    )


def test_a_visit_that_lowers_an_average_is_no_way_up(store, lapsed):
    """Bills of ¥300 on average and three visits make an A; a third visit for nothing would break the average."""
    use(store, ladder({"all": [rule("avg_bill_90d", 300), rule("visits_90d", 3)]}))
    come(store, lapsed, date(2026, 6, 1), 300)
    come(store, lapsed, date(2026, 6, 2), 300)
    assert told(store, lapsed).rise is None


def test_a_visit_may_cost_a_long_regular_her_regularity(store, lapsed):
    """Three visits in the 90 days up to the latest, long ago: one visit now makes them one."""
    use(store, ladder({"all": [rule("visits_90d_before_last", 3), rule("visits_30d", 1)]}))
    for month in (1, 2, 3):
        come(store, lapsed, date(2025, month, 5), 100)
    assert told(store, lapsed).rise is None


def test_what_ends_by_itself_on_a_known_day_is_found_beyond_a_month(store, lapsed, manager):
    """A judgement until 31 August, a complaint of 10 May (90 days: to 7 August), a hundred days without a visit."""
    cases = [
        (ladder({"manual": "vip"}), Fall(date(2026, 9, 1), "B")),
        (ladder({"all": [rule("observed_days", 1), rule("days_since_last_visit", 99, "<=")]}), Fall(date(2026, 8, 10), "B")),
        (ladder(rule("complaints_90d", 1)), Fall(date(2026, 8, 8), "B")),
        (ladder(rule("events_90d", 1)), Fall(date(2026, 8, 28), "B")),
    ]  # fmt: skip
    come(store, lapsed, date(2026, 5, 2), 100)
    complain(store, lapsed, date(2026, 5, 10), 1)
    take_part(store, lapsed, date(2026, 5, 30), 1)
    judge(
        store=store, customer_id=lapsed.pk, code="vip", reason="投资人", actor=manager, on=date(2026, 6, 1),
        at=noon(date(2026, 6, 1)), valid_until=date(2026, 8, 31),
    )  # fmt: skip
    for n, (body, fall) in enumerate(cases):
        use(store, body | {"id": f"case{n}"}, D - timedelta(days=10 - n))
        night(store, D - timedelta(days=1))
        assert told(store, lapsed).fall == fall


def test_a_guest_away_for_more_than_a_year_is_told_to_the_day(store, lapsed):
    use(store, ladder(rule("days_since_last_visit", 450, "<=")))
    come(store, lapsed, D - timedelta(days=400), 100)
    assert told(store, lapsed).fall == Fall(D + timedelta(days=51), "B")


def test_a_protection_that_runs_is_counted_on(store, lapsed):
    """Low since 1 July with ten days of grace: on the 4th the fall of 11 July is told, whatever comes later."""
    use(store, SPEND | {"grace_days": 10})
    come(store, lapsed, date(2026, 6, 1), 5000)
    come(store, lapsed, date(2026, 6, 25), 100)
    nights(store, date(2026, 6, 1), date(2026, 7, 3))
    assert told(store, lapsed, date(2026, 7, 4)).fall == Fall(date(2026, 7, 11), "C")
    assert told(store, lapsed, date(2026, 6, 20)).fall == Fall(date(2026, 7, 11), "C")


def test_other_rules_from_a_coming_day_end_the_sight(store, lapsed):
    """The fall of 1 July is told as long as these rules decide that night; from 28 June others do."""
    use(store, SPEND)
    come(store, lapsed, date(2026, 6, 1), 5000)
    night(store, D)
    assert told(store, lapsed).fall == Fall(date(2026, 7, 1), "C")
    use(store, ladder(rule("visits_total", 1), id="later"), date(2026, 6, 28))
    assert told(store, lapsed).fall is None
    assert falling(store, D, 31) == []


def test_an_average_that_dips_and_comes_back_is_seen(store, lapsed):
    """The large bill leaves the window a week before the small one: one week below the line, then above it again."""
    scheme = use(store, ladder(rule("avg_bill_90d", 500)))
    today = date(2026, 6, 20)
    for back, yuan in ((80, 1200), (70, 100), (1, 600)):
        come(store, lapsed, today - timedelta(days=back), yuan)
    night(store, today)
    expected = Fall(today + timedelta(days=10), "B")
    assert told(store, lapsed, today).fall == expected
    assert [each.fall for each in falling(store, today, 31)] == [expected]
    assert (
        lowered(scheme, store, labels(store), days(today, today + timedelta(days=31)))[lapsed.pk] == expected
    )


def test_nothing_is_told_of_ranks_labels_and_the_unrated(store, lapsed):
    come(store, lapsed, date(2026, 6, 1), 5000)
    for n, body in enumerate([
        ladder(rule("share_spend_90d", 80, ">")),
        ladder(rule("spend_30d", 5000), observe_months=3),
        ladder(rule("score_value", 10), scores={"value": {"parts": [{"fact": "share_spend_90d", "full": 80, "points": 50}]}}),
    ]):  # fmt: skip
        use(store, body | {"id": f"silent{n}"}, D - timedelta(days=9 - n))
        assert told(store, lapsed) == Outlook(None, None)


def test_another_axis_is_told_by_its_own_rules(store, lapsed):
    """The card: ¥5,000 in 365 days on 25 June last year falls out on 25 June; the ladder on the door says nothing of it."""
    use(store, SPEND)
    use(store, preset("member_card_levels"))
    come(store, lapsed, date(2025, 6, 25), 5000)
    night(store, D)
    assert label(store, lapsed, "card") == "GOLD"
    assert told(store, lapsed, axis="card").fall == Fall(date(2026, 6, 25), "SILVER")
    assert told(store, lapsed).fall is None
