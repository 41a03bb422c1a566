"""Every way of grading guests that the papers of the trade name, on an example of its own: bills in, tiers out.

Each story goes through the front doors: guests are put on file, visits logged, people judge, the night decides.
"""

import random
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from common.birthdays import Birthday
from common.errors import BadFields
from customers.models import Patronage
from customers.services.companions import seat_guest
from customers.services.customers import add_tag, remove_tag
from customers.services.dishes import launch_dish
from customers.services.events import record_participation
from customers.services.upkeep import refresh_gaps
from feedback.services import judge_suggestion, open_complaint, record_suggestion
from tests.cast import put_on_file
from tests.tiering.examining import (
    bring,
    came,
    come,
    days,
    label,
    ladder,
    night,
    nights,
    noon,
    rule,
    told,
    use,
)
from tiering.rules import UNRATED, Known, decide, read_scheme
from tiering.selectors.candidates import rating_queue, suggested
from tiering.selectors.decisions import standing
from tiering.selectors.schemes import preset, preset_codes, scheme_of
from tiering.selectors.segments import guests_in
from tiering.services.judgements import judge, override_tier, withdraw_judgement
from tiering.services.preview import preview
from tiering.services.schemes import save_scheme
from tiering.services.segments import save_segment

D = date(2026, 6, 19)
YEAR_AGO = D - timedelta(days=364)


def adopted(store, code, **changes):
    """A preset, adopted as it ships (or with changes)."""
    return use(store, preset(code) | changes)


def say(store, guest, code, actor, on=D, reason="当面确认", until=None):
    return judge(
        store=store,
        customer_id=guest.pk,
        code=code,
        reason=reason,
        actor=actor,
        on=on,
        at=noon(on),
        valid_until=until,
    )


def lines(store, guest, on=D, axis="tier"):
    """{line's name: holds} of every rule and every piece of evidence: `B.1`, `A.e2` …"""
    found = standing(store, guest.pk, on, axis)
    held = {tier: line.holds for tier, line in found.lines.items()}
    return held | {line.path: line.holds for shown in found.evidence.values() for line in shown}


def tiers(store, axis="tier"):
    """How many guests have which label."""
    rows = Patronage.objects.filter(store=store)
    return Counter(row.tier if axis == "tier" else row.labels.get(axis, "") for row in rows)


# ---- 1: monthly average and potential ------------------------------------------------------------------------


def monthly(store, guest, yuan, visits):
    """So much in March, April and May together, in so many visits; the first on 1 March."""
    each = round(yuan * 100 / visits) / 100
    bills = [each] * (visits - 1)
    bills.append(round(yuan - sum(bills), 2))
    came(
        store,
        [
            (guest, date(2026, 3, 1) + timedelta(days=n * 91 // visits), bill, 12, "")
            for n, bill in enumerate(bills)
        ],
    )


def test_row_1_monthly_average(store, regular, manager):
    """¥15,600 in 25 visits and 20 brought in May: B by its lines 1, 2 and 5; line 1 of A is not met."""
    adopted(store, "monthly_avg_abc")
    monthly(store, regular, 15_600, 25)
    bring(store, regular, date(2026, 5, 10), 20)
    night(store, date(2026, 6, 1))
    seen = lines(store, regular, date(2026, 6, 1))
    assert label(store, regular) == "B"
    assert (seen["A"], seen["B"], seen["B.e1"], seen["B.e2"], seen["B.e3"], seen["B.e4"]) == (
        False, True, True, False, False, True,
    )  # fmt: skip
    found = standing(store, regular.pk, date(2026, 6, 1))
    assert (found.values["avg_monthly_spend_3m"], found.values["avg_monthly_visits_3m"]) == (
        5_200_00, Fraction(25, 3),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("yuan", "tier"), [(27_000, "A"), (24_000, "A"), (23_999.97, "B"), (9_000, "C"), (8_999.97, UNRATED)]
)
def test_row_1_the_spend_alone(store, regular, yuan, tier):
    """¥27,000 in three months is ¥9,000 a month: A. An average of ¥2,999.99 meets no line on spending."""
    adopted(store, "monthly_avg_abc")
    monthly(store, regular, yuan, 9)
    night(store, date(2026, 6, 1))
    assert label(store, regular) == tier
    held = [code for code in "ABC" if lines(store, regular, date(2026, 6, 1))[code]]
    assert held == list("ABC")["ABC".find(tier) :] if tier in "ABC" else held == []


def test_row_1_suggestions_and_judgements_are_evidence(store, regular, manager):
    """Ten suggestions judged valid in May, a leader of a large enterprise, a neighbour with a stable income."""
    adopted(store, "monthly_avg_abc")
    monthly(store, regular, 27_000, 12)
    for n in range(10):
        said = record_suggestion(
            store=store, customer_id=regular.pk, text=f"第{n}条", actor=None, at=noon(date(2026, 5, 2))
        )
        judge_suggestion(
            store=store, suggestion_id=said.pk, valid=True, actor=manager, at=noon(date(2026, 5, 31))
        )
    for code in ("enterprise_leader", "stable_income"):
        say(store, regular, code, manager, date(2026, 5, 20))
    seen = lines(store, regular, date(2026, 6, 1))
    assert [seen[f"A.e{n}"] for n in (1, 2, 3, 4)] == [False, True, True, False]
    add_tag(customer=regular, word="nearby_resident", actor=manager, at=noon(date(2026, 6, 1)))
    assert lines(store, regular, date(2026, 6, 1))["A.e4"]


def test_row_1_the_potential_pool(store, regular, lapsed, manager):
    """A neighbour who seldom comes is potential; a student by a manager's judgement too; the tag taken off, no more."""
    adopted(store, "monthly_avg_abc", requires=[], observe_months=0)
    add_tag(customer=regular, word="nearby_resident", actor=manager, at=noon(D))
    say(store, lapsed, "minable_potential", manager)
    night(store, D)
    assert (label(store, regular), label(store, lapsed)) == ("P", "P")
    remove_tag(customer=regular, word="nearby_resident", actor=manager, at=noon(D + timedelta(days=1)))
    night(store, D + timedelta(days=1))
    assert (label(store, regular), label(store, lapsed)) == (UNRATED, "P")


# ---- 2: the recent month -------------------------------------------------------------------------------------

RECENT = [
    ("¥5,000.00 in the recent month", [(D, 2_500), (D - timedelta(days=10), 2_500)], "A", ["A.1", "A.4"][:1]),
    ("¥4,999.99 in the recent month", [(D, 1_000), (D - timedelta(days=1), 3_999.99)], "B", ["B.1"]),
    ("ISO weeks 23, 24, 25 with D in week 25",
     [(date(2026, 6, 1), 1), (date(2026, 6, 8), 1), (date(2026, 6, 15), 1)], "A", ["A.3"]),
    ("weeks 24, 25 only", [(date(2026, 6, 14), 1), (date(2026, 6, 15), 1)], "B", ["B.3"]),
    ("latest bill ¥3,000", [(D - timedelta(days=100), 3_000)], "A", ["A.4"]),
    ("latest bill ¥2,999", [(D - timedelta(days=100), 2_999)], "B", ["B.4"]),
    ("a bill of ¥3,000 that is not the latest", [(D - timedelta(days=100), 3_000), (D - timedelta(days=40), 10)], "C", ["C.1"]),
    ("twelve visits in March, April, May", [(date(2026, 3, 1) + timedelta(days=n), 1) for n in range(12)], "A", ["A.2"]),
    ("eleven visits in March, April, May", [(date(2026, 3, 1) + timedelta(days=n), 1) for n in range(11)], "B", ["B.2"]),
    ("none of these", [(D - timedelta(days=31), 1_999.99)], "C", ["C.1"]),
    ("never came", [], "C", ["C.1"]),
]  # fmt: skip


@pytest.mark.parametrize(("words", "bills", "tier", "why"), RECENT, ids=[case[0] for case in RECENT])
def test_row_2_recent_month(store, lapsed, words, bills, tier, why):
    adopted(store, "recent_month_abc")
    came(store, [(lapsed, on, yuan, 12, "") for on, yuan in bills])
    night(store, D)
    assert (label(store, lapsed), told(store, lapsed)) == (tier, why)


def test_row_2_runs_beside_row_1(store, lapsed):
    """Two schemes of one store at a time, each on an axis of its own."""
    adopted(store, "recent_month_abc")
    adopted(store, "monthly_avg_abc", axis="monthly", requires=[], observe_months=0)
    came(store, [(lapsed, date(2026, 4, 1), 9_000, 12, ""), (lapsed, date(2026, 6, 1), 100, 12, "")])
    night(store, D)
    assert (label(store, lapsed), label(store, lapsed, "monthly")) == ("C", "C")
    came(store, [(lapsed, D, 5_000, 12, "")])
    night(store, D)
    assert (label(store, lapsed), label(store, lapsed, "monthly")) == ("A", "C")


# ---- 3, 4: scores and positions ------------------------------------------------------------------------------


def crowd(store, how_many):
    """Guests on file without ceremony, by number."""
    return [put_on_file(store, f"客{n}", noon(YEAR_AGO), external_id=f"T{n:04}") for n in range(how_many)]


def test_row_3_high_middle_low_by_a_score(store):
    """Of 100 guests whose value differs the top 20 % are A, the next 30 % B; the preview says so before anything is saved."""
    guests = crowd(store, 100)
    came(store, [(guest, D - timedelta(days=100), 10 * (n + 1), 12, "") for n, guest in enumerate(guests)])
    scheme = read_scheme(preset("hotpot_hml"))
    assert preview(store, scheme, D).then == {"A": 20, "B": 30, "C": 50}
    use(store, preset("hotpot_hml"))
    night(store, D)
    assert tiers(store) == {"A": 20, "B": 30, "C": 50}
    assert label(store, guests[80]) == "A" and label(store, guests[79]) == "B"


def test_row_3_who_only_orders_to_go_is_graded(store):
    adopted(store, "hotpot_hml")
    to_go, at_table = crowd(store, 2)
    come(store, to_go, D, 300, channel="takeaway")
    come(store, at_table, D, 20)
    night(store, D)
    assert (label(store, to_go), label(store, at_table)) == ("A", "C")


def test_row_4_company_vip_abc(store):
    """Contribution, frequency and amount 1 to 4 each: 4,4,4 is a VIP; 3,3,3 an A; 2,2,2 a B; 1,1,1 a C."""
    adopted(store, "company_vip_abc")
    guests = crowd(store, 20)
    bills = [
        (guest, D - timedelta(days=3 * k + 1), 10 * (n + 1), 12, "")
        for n, guest in enumerate(guests)
        for k in range(n + 1)
    ]
    came(store, bills)
    night(store, D)
    scores = [standing(store, guest.pk, D).values["score_value"] for guest in guests]
    assert scores == [3] * 9 + [6] * 6 + [9] * 3 + [12] * 2
    assert [label(store, guest) for guest in guests] == ["C"] * 9 + ["B"] * 6 + ["A"] * 3 + ["VIP"] * 2


# ---- 5, 6: classes that a person confirms --------------------------------------------------------------------


def test_row_5_a_chief_executive_is_suggested_and_a_manager_confirms(store, regular, lapsed, manager):
    """ "首席执行官" is a candidate with one visit as with many; VIP only after the judgement. One visit is a new guest."""
    scheme = adopted(store, "company_new_ordinary_important_vip")
    regular.position = "首席执行官"
    regular.save()
    come(store, lapsed, D, 100)
    night(store, D)
    assert (label(store, regular), label(store, lapsed)) == ("NEW", "NEW")
    candidates = suggested(store, scheme, D)
    assert [(each.patronage.customer, each.tier.code) for each in candidates.rows] == [(regular, "VIP")]
    say(store, regular, "vip", manager)
    say(store, lapsed, "vip", manager)
    night(store, D)
    assert (label(store, regular), label(store, lapsed)) == ("VIP", "NEW")
    assert suggested(store, scheme, D).total == 0
    come(store, lapsed, D + timedelta(days=1), 100)
    night(store, D + timedelta(days=1))
    assert label(store, lapsed) == "ORDINARY"


def test_row_6_the_same_inputs_are_the_same_tier_in_every_store(store, other_store, manager):
    """Value 82, loyalty 70, potential 65: 潜力 in both; from new straight to premium asks for five characters."""
    for here in (store, other_store):
        adopted(here, "policy_premium_potential_ordinary_new")
        guest = put_on_file(here, "孟女士", noon(YEAR_AGO), influence=4)
        for _ in range(3):
            friend = put_on_file(here, "朋友", noon(D), introduced_by=guest.pk)
            come(here, friend, D, 10)
        bills = [
            (YEAR_AGO, 11_308.65),
            (D - timedelta(days=80), 1_000),
            (D - timedelta(days=40), 1_000),
            (D, 943.75),
        ]
        came(here, [(guest, on, yuan, 12, "") for on, yuan in bills])
        night(here, D)
        found = standing(here, guest.pk, D)
        scores = [found.values[f"score_{name}"] for name in ("value", "loyalty", "potential")]
        assert (scores, label(here, guest)) == ([82, 70, 65], "POTENTIAL")
    fresh = put_on_file(store, "新客", noon(D))
    night(store, D)
    assert label(store, fresh) == "NEW"

    def promote(reason):
        override_tier(
            store=store, customer_id=fresh.pk, tier="PREMIUM", reason=reason, valid_until=D + timedelta(days=9),
            actor=manager, on=D, at=noon(D),
        )  # fmt: skip

    with pytest.raises(BadFields):
        promote("老板朋友")
    promote("老板的朋友")
    night(store, D)
    assert label(store, fresh) == "PREMIUM"


# ---- 8, 9: types ---------------------------------------------------------------------------------------------


def test_row_8_types_of_the_department(store, manager):
    """A cooperating guest needs an agreement and its last day: two fields at fault. Ten long-stay guests are ten."""
    adopted(store, "fb_department_types")
    guests = crowd(store, 13)
    with pytest.raises(BadFields) as refused:
        say(store, guests[0], "cooperating", manager, reason="")
    assert set(refused.value.fields) == {"reason", "valid_until"}
    say(store, guests[0], "cooperating", manager, reason="协议 2026-17", until=D + timedelta(days=300))
    say(store, guests[1], "short_stay", manager, reason="住店三天", until=D + timedelta(days=2))
    for guest in guests[3:]:
        say(store, guest, "long_term", manager)
    night(store, D)
    assert tiers(store, "type") == {"FIXED": 10, "COOP": 1, "TEMP": 1, UNRATED: 1}
    nights(store, D + timedelta(days=1), D + timedelta(days=3))
    assert label(store, guests[1], "type") == UNRATED


def test_row_9_lapsed_and_with_an_opinion(store, lapsed):
    """Regular until 61 days ago with a limit of 60: lapsed tonight; with a complaint the flag stands beside it."""
    adopted(store, "lifecycle_types")
    last = D - timedelta(days=61)
    came(store, [(lapsed, last - timedelta(days=n), 100, 12, "") for n in (0, 40, 89)])
    night(store, D - timedelta(days=2))
    assert label(store, lapsed, "lifecycle") == UNRATED
    night(store, D - timedelta(days=1))
    assert label(store, lapsed, "lifecycle") == "LAPSED"
    open_complaint(store=store, customer_id=lapsed.pk, text="等位太久", actor=None, at=noon(D))
    night(store, D)
    assert label(store, lapsed, "lifecycle") == "LAPSED+FEEDBACK"
    assert told(store, lapsed, "lifecycle") == ["LAPSED.1", "LAPSED.2", "FEEDBACK.1"]


def test_row_9_new_and_long_term(store, lapsed, newcomer):
    adopted(store, "lifecycle_types")
    for n in range(3):
        come(store, lapsed, D - timedelta(days=n), 100)
    night(store, D)
    assert (label(store, newcomer, "lifecycle"), label(store, lapsed, "lifecycle")) == ("NEW", "LONG")


# ---- 10, 11, 12: single axes ---------------------------------------------------------------------------------


def test_row_10_spending_power_by_fixed_bounds(store):
    """¥3,200 a month is high, ¥1,500 middle, ¥400 low with bounds of ¥3,000 and ¥1,000."""
    bounds = ladder(rule("avg_monthly_spend_3m", 3_000), rule("avg_monthly_spend_3m", 1_000), axis="power")
    use(store, bounds)
    guests = crowd(store, 3)
    came(
        store,
        [
            (guest, date(2026, 4, 7), 3 * month, 12, "")
            for guest, month in zip(guests, (3_200, 1_500, 400), strict=True)
        ],
    )
    night(store, D)
    assert [label(store, guest, "power") for guest in guests] == ["A", "B", "C"]


def test_row_10_spending_power_by_position(store):
    """The preset: the top fifth by amount or by visits is high, the next three tenths middle."""
    adopted(store, "spending_power")
    guests = crowd(store, 10)
    came(store, [(guest, D - timedelta(days=n), 100 + n, 12, "") for n, guest in enumerate(guests)])
    night(store, D)
    by_amount = [label(store, guest, "power") for guest in guests]
    # Each came once: all are at the top of visits alike. Nobody is low who comes as often as everybody.
    assert set(by_amount) == {"HIGH"}
    came(
        store,
        [(guest, D - timedelta(days=20 + k), 0, 12, "") for n, guest in enumerate(guests) for k in range(n)],
    )
    night(store, D)
    assert [label(store, guest, "power") for guest in guests] == ["LOW"] * 5 + ["MID"] * 3 + ["HIGH"] * 2


def test_row_11_loyalty_shows_its_three_inputs(store, regular, lapsed):
    """Six visits, no complaint, three brought: 100 points. Six visits, two complaints, nobody brought: 40."""
    adopted(store, "loyalty")
    for guest in (regular, lapsed):
        came(store, [(guest, D - timedelta(days=14 * n), 100, 12, "") for n in range(6)])
    bring(store, regular, D, 3)
    for n in range(2):
        open_complaint(store=store, customer_id=lapsed.pk, text=f"第{n}次", actor=None, at=noon(D))
    night(store, D)
    inputs = ("score_loyalty", "visits_90d", "referrals_total", "complaints_90d")
    seen = {
        g.name: [standing(store, g.pk, D, "loyalty").values[key] for key in inputs] for g in (regular, lapsed)
    }
    assert seen == {"王建国": [100, 6, 3, 0], "李梅": [40, 6, 0, 2]}
    assert (label(store, regular, "loyalty"), label(store, lapsed, "loyalty")) == ("HIGH", "MID")


def test_row_12_high_potential_with_a_low_present(store, regular, lapsed):
    """¥6,000 foreseen in 90 days, ¥800 spent in the last 90: on the list of high potential and low present."""
    adopted(store, "potential")
    came(store, [(regular, YEAR_AGO, 23_533.34, 12, ""), (regular, D, 800, 12, "")])
    came(store, [(lapsed, YEAR_AGO, 100, 12, ""), (lapsed, D, 800, 12, "")])
    night(store, D)
    found = standing(store, regular.pk, D, "potential")
    assert round(found.values["pace_90d"] / 100) == 6_000 and label(store, regular, "potential") == "HIGH"
    segment = save_segment(
        store=store, name="潜力大、眼下少", actor=None, at=noon(D),
        rule={"where": {"potential": ["HIGH"]}, "when": rule("spend_90d", 1_000, "<")},
    )  # fmt: skip
    assert guests_in(segment, store, D) == [regular.pk]


# ---- 13, 15: several axes ------------------------------------------------------------------------------------


def test_row_13_three_axes_and_their_filter(store, manager):
    """300 guests, 40 of high value, 25 of these of high potential, 9 of these special: the filter finds 9, then 8."""
    for axis in ("value", "potential", "service"):
        adopted(store, f"three_axis_{axis}")
    guests = crowd(store, 300)
    came(store, [(g, D - timedelta(days=15 * k), 850, 12, "") for g in guests[:40] for k in range(24)])
    for guest in guests[:25]:
        say(store, guest, "high_potential", manager)
    special = [say(store, guest, "needs_special_service", manager) for guest in guests[:9]]
    night(store, D)
    assert tiers(store, "value")["HIGH"] == 40
    asked = {"where": {"value": ["HIGH"], "potential": ["HIGH"], "service_need": ["SPECIAL"]}}
    segment = save_segment(store=store, name="三高", rule=asked, actor=manager, at=noon(D))
    # A high value brings a pace that is high potential by itself: the manager's 25 are among them.
    assert tiers(store, "potential")["HIGH"] == 40 and len(guests_in(segment, store, D)) == 9
    tomorrow = D + timedelta(days=1)
    withdraw_judgement(store=store, judgement_id=special[0].pk, actor=manager, at=noon(tomorrow))
    say(store, guests[0], "needs_standard_service", manager, tomorrow)
    night(store, tomorrow)
    assert len(guests_in(segment, store, tomorrow)) == 8
    assert label(store, guests[0], "service_need") == "STANDARD"


SPEND_LOYALTY = [
    ("¥1,400 a month and loyalty 75", 1_400, 75, "HIGH"),
    ("¥1,400 a month and loyalty 40", 1_400, 40, "POTENTIAL"),
    ("¥600 a month and loyalty 75", 600, 75, "POTENTIAL"),
    ("¥600 a month and loyalty 40", 600, 40, "ORDINARY"),
    ("both on the bound", 1_000, 60, "HIGH"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "yuan", "points", "tier"), SPEND_LOYALTY, ids=[case[0] for case in SPEND_LOYALTY]
)
def test_row_15_spend_and_loyalty(words, yuan, points, tier):
    known = Known({"avg_monthly_spend_3m": Fraction(100 * yuan), "score_loyalty": Fraction(points)})
    assert decide(read_scheme(preset("spend_loyalty")), known) == tier


def test_row_15_from_bills_and_friends(store, regular, lapsed):
    """¥1,400 a month with three visits and three friends (70 points) is high value; without friends (30) potential."""
    adopted(store, "spend_loyalty")
    for guest in (regular, lapsed):
        came(
            store,
            [(guest, on, 1_400, 12, "") for on in (date(2026, 3, 25), date(2026, 4, 25), date(2026, 5, 25))],
        )
    bring(store, regular, D, 3)
    night(store, D)
    assert (label(store, regular), label(store, lapsed)) == ("HIGH", "POTENTIAL")


# ---- 16, 17, 18 ----------------------------------------------------------------------------------------------


def test_row_16_a_number_abroad_is_an_overseas_guest(store, regular, lapsed, manager):
    adopted(store, "geography")
    abroad = put_on_file(store, "Ms Tan", noon(D), phone="+6591234567")
    add_tag(customer=lapsed, word="nonlocal", actor=manager, at=noon(D))
    night(store, D)
    assert [label(store, g, "geography") for g in (abroad, lapsed, regular)] == [
        "OVERSEAS",
        "NONLOCAL",
        "LOCAL",
    ]
    remove_tag(customer=abroad, word="overseas", actor=manager, at=noon(D))
    night(store, D + timedelta(days=1))
    assert label(store, abroad, "geography") == "LOCAL"


def test_row_17_dining_habit(store, regular, lapsed, silent):
    """Six business visits of ten: business. Four with the family of ten: not family. Five of ten: family."""
    adopted(store, "dining_habit")
    for guest, occasion, n in ((regular, "business", 6), (lapsed, "family", 4), (silent, "family", 5)):
        came(
            store,
            [(guest, D - timedelta(days=k), 100, 12, occasion if k < n else "friends") for k in range(10)],
        )
    night(store, D)
    assert [label(store, g, "habit") for g in (regular, lapsed, silent)] == ["BUSINESS", "REGULAR", "FAMILY"]


def test_row_18_visit_frequency(store, regular, lapsed, silent):
    """Two visits in 90 days, both with a dish launched less than 60 days before; one visit for a birthday; six visits."""
    adopted(store, "visit_frequency")
    launch_dish(store=store, name="花胶鸡", launched_on=D - timedelta(days=70), actor=None, at=noon(D))
    for back in (20, 11):
        come(store, regular, D - timedelta(days=back), 300, dishes=(("花胶鸡", 1.0),))
    come(store, lapsed, D, 500, occasion="birthday", dishes=(("花胶鸡", 1.0),))
    for n in range(6):
        come(store, silent, D - timedelta(days=n), 100)
    night(store, D)
    seen = [label(store, guest, "frequency") for guest in (regular, lapsed, silent)]
    assert seen == ["TRIAL", "OCCASIONAL", "LOYAL"]


# ---- 19, 20, 21: cards and VIPs ------------------------------------------------------------------------------


def test_row_19_card_levels(store, lapsed, regular):
    """¥5,000 in a year is gold tonight, twenty visits too; ¥20,000 diamond; and a year later silver again."""
    adopted(store, "member_card_levels")
    come(store, lapsed, D, 4_999.99)
    night(store, D)
    assert label(store, lapsed, "card") == "SILVER"
    come(store, lapsed, D + timedelta(days=1), 0.01)
    came(store, [(regular, D - timedelta(days=n), 1, 12, "") for n in range(20)])
    night(store, D + timedelta(days=1))
    assert (label(store, lapsed, "card"), label(store, regular, "card")) == ("GOLD", "GOLD")
    come(store, lapsed, D + timedelta(days=2), 15_000)
    night(store, D + timedelta(days=2))
    assert label(store, lapsed, "card") == "DIAMOND"
    night(store, D + timedelta(days=2 + 365))
    assert label(store, lapsed, "card") == "SILVER"


def test_row_20_vip_and_card_stand_side_by_side(store, regular, lapsed, manager):
    """VIP gold and a silver card on one guest; a golden card leaves the VIP level as it is."""
    adopted(store, "vip_medals")
    adopted(store, "member_card_levels")
    came(store, [(regular, D - timedelta(days=n), 400, 12, "") for n in range(4)])
    come(store, lapsed, D, 10)
    say(store, regular, "vip", manager)
    say(store, lapsed, "vip", manager)
    night(store, D)
    assert (label(store, regular, "vip"), label(store, regular, "card")) == ("GOLD", "SILVER")
    assert label(store, lapsed, "vip") == UNRATED
    override_tier(
        store=store, customer_id=regular.pk, tier="GOLD", reason="周年赠送", valid_until=D + timedelta(days=90),
        actor=manager, on=D, at=noon(D), axis="card",
    )  # fmt: skip
    night(store, D + timedelta(days=1))
    assert (label(store, regular, "vip"), label(store, regular, "card")) == ("GOLD", "GOLD")


def test_row_21_vip_candidates_by_amount_frequency_or_card(store, manager):
    """The top fifth by amount of 90 days, by visits, and a card holder are candidates with their numbers; confirmed, VIP."""
    scheme = adopted(store, "vip_medals")
    guests = crowd(store, 10)
    came(
        store, [(guest, D - timedelta(days=80 - n), 100 * (n + 1), 12, "") for n, guest in enumerate(guests)]
    )
    came(store, [(guests[0], D - timedelta(days=n), 0, 19, "") for n in range(1, 4)])
    came(store, [(guests[1], D - timedelta(days=n), 0, 19, "") for n in range(1, 3)])
    add_tag(customer=guests[2], word="member_card", actor=None, at=noon(D))
    night(store, D)
    found = suggested(store, scheme, D)
    expected = {guests[n].pk for n in (0, 1, 2, 8, 9)}
    assert {each.patronage.customer_id for each in found.rows} == expected
    assert all(each.speaks for each in found.rows)
    say(store, guests[9], "vip", manager)
    night(store, D + timedelta(days=1))
    assert label(store, guests[9], "vip") in ("BRONZE", "SILVER", "GOLD")
    assert guests[9].pk not in {each.patronage.customer_id for each in suggested(store, scheme, D).rows}


# ---- 23, 24, 26, 27 ------------------------------------------------------------------------------------------


def test_row_23_buying_styles_begin_with_the_third_bill(store, lapsed):
    """Two bills with coupons: no type yet. The third without: coupons on two of three, promotions; on two of six no more."""
    adopted(store, "buying_style_after_3")
    for n in range(2):
        come(store, lapsed, D - timedelta(days=10 - n), 100, coupon=True)
    night(store, D - timedelta(days=5))
    assert label(store, lapsed, "style") == UNRATED
    come(store, lapsed, D - timedelta(days=4), 100, party_size=8)
    night(store, D - timedelta(days=4))
    assert label(store, lapsed, "style") == "PROMOTION"
    for n in range(3):
        come(store, lapsed, D - timedelta(days=n), 5_000, party_size=12)
    night(store, D)
    assert label(store, lapsed, "style") == "BULK+FREQUENT+HIGH_PRICE"


def test_row_24_the_value_matrix_by_fixed_bounds(store):
    """(¥1,500, ¥2,500) is top right, (¥300, ¥2,500) top left; the four counts add up to everybody."""
    body = preset("value_matrix")
    high_now, high_later = rule("spend_90d", 1_000), rule("pace_90d", 2_000)
    body["tiers"][0]["when"] = {"all": [high_now, high_later]}
    body["tiers"][1]["when"], body["tiers"][2]["when"] = high_later, high_now
    use(store, body)
    guests = crowd(store, 6)
    year = round(2_500 * 365 / 90)
    for guest, now, whole in zip(guests, (1_500, 300, 1_500, 300), (year, year, 1_500, 300), strict=False):
        came(store, [(guest, D, now, 12, ""), (guest, YEAR_AGO, whole - now, 12, "")])
    night(store, D)
    assert [label(store, guest, "matrix") for guest in guests] == ["HH", "LH", "HL", "LL", "LL", "LL"]
    assert sum(tiers(store, "matrix").values()) == Patronage.objects.filter(store=store).count() == 6


def test_row_26_stages_of_purchase(store, lapsed):
    """No visit: potential. One: new. Two: old. One of them voided would be new again (the fact decides)."""
    adopted(store, "purchase_stage")
    seen = []
    for n in range(3):
        night(store, D + timedelta(days=n))
        seen.append(label(store, lapsed, "stage"))
        come(store, lapsed, D + timedelta(days=n + 1), 10)
    assert seen == ["POTENTIAL", "NEW", "OLD"]


def test_row_27_who_never_pays_and_brings_the_table(store, regular, lapsed):
    """Ms Li at three banquets of ¥2,000, ¥3,000 and ¥1,500: spent nothing, influenced ¥6,500, 无形价值."""
    adopted(store, "value_kind")
    for n, yuan in enumerate((2_000, 3_000, 1_500)):
        bill = come(store, regular, D - timedelta(days=n), yuan)
        seat_guest(store=store, visit_id=bill, customer_id=lapsed.pk, role="guest", actor=None, at=noon(D))
    night(store, D)
    found = standing(store, lapsed.pk, D, "value_kind").values
    assert (found["spend_total"], found["influenced_365d"]) == (0, 6_500_00)
    assert (label(store, lapsed, "value_kind"), label(store, regular, "value_kind")) == (
        "INFLUENCE",
        "DIRECT",
    )


# ---- 28 to 31, 34 --------------------------------------------------------------------------------------------


def test_row_28_target_customers(store, regular, lapsed):
    """¥2,100 a month and two brought is a target; with one brought it is not: 1 of 2."""
    adopted(store, "target_customer")
    for guest, friends in ((regular, 2), (lapsed, 1)):
        came(store, [(guest, date(2026, 4, 1), 6_300, 12, "")])
        bring(store, guest, D, friends)
    night(store, D)
    assert (label(store, regular, "target"), label(store, lapsed, "target")) == ("TARGET", "OTHER")
    [spends, brings] = standing(store, lapsed.pk, D, "target").lines["TARGET"].parts
    assert (spends.holds, brings.holds, brings.value, brings.node.value) == (True, False, 1, 2)


def test_row_29_recognition_in_four_aspects(store, lapsed):
    """A bill of ¥1,800, influence 4, 0.6 km away: 36 + 24 + 20 + 0.9 points, a potential target."""
    adopted(store, "recognition")
    guest = put_on_file(store, "程先生", noon(D), influence=4, distance_km=Decimal("0.6"), taboos="不吃辣")
    come(store, guest, D, 1_800)
    night(store, D)
    found = standing(store, guest.pk, D, "recognition")
    assert (found.values["score_recognition"], label(store, guest, "recognition")) == (
        Fraction("80.9"),
        "TARGET",
    )
    # Of somebody of whom nothing was judged nothing is assumed.
    come(store, lapsed, D, 1_800)
    assert standing(store, lapsed.pk, D, "recognition").values["score_recognition"] == Fraction("36.9")


def test_row_30_kinds_of_guests(store, manager):
    """Fifteen established guests of a hundred, one of them a student as well."""
    adopted(store, "customer_kind")
    guests = crowd(store, 100)
    for guest in guests[:15]:
        add_tag(customer=guest, word="steady_career", actor=manager, at=noon(D))
    add_tag(customer=guests[0], word="student", actor=manager, at=noon(D))
    night(store, D)
    assert tiers(store, "kind") == {"STEADY": 14, "STEADY+STUDENT": 1, UNRATED: 85}


def test_row_31_events_and_weeks_in_a_rule(store):
    """At least two events in 90 days and a visit a week for four weeks."""
    use(store, ladder({"all": [rule("events_90d", 2), rule("consecutive_weeks", 4)]}))
    both, no_event, three_weeks, long_ago = crowd(store, 4)
    for guest, weeks in ((both, 4), (no_event, 4), (three_weeks, 3), (long_ago, 5)):
        came(store, [(guest, D - timedelta(weeks=n), 100, 12, "") for n in range(weeks)])
    for guest, ago in ((both, (0, 89)), (no_event, (3,)), (three_weeks, (1, 2)), (long_ago, (5, 90))):
        for n in ago:
            day = D - timedelta(days=n)
            record_participation(
                store=store, customer_id=guest.pk, event="品鉴会", attended_on=day, actor=None, at=noon(D)
            )
    night(store, D)
    assert [label(store, g) for g in (both, no_event, three_weeks, long_ago)] == ["A", "B", "B", "B"]


def test_row_34_women_of_thirty_to_forty_with_four_visits(store, manager):
    """The exact set: random guests against a plain reading."""
    dice, guests, expected = random.Random(34), [], []
    for n in range(60):
        sex, age, visits = dice.choice("mf"), dice.choice([29, 30, 35, 40, 41]), dice.choice([3, 4, 5])
        guest = put_on_file(store, f"客{n}", noon(D), sex=sex, birthday=_born(age, dice))
        came(
            store, [(guest, D - timedelta(days=dice.choice([0, 89])), 10, 10 + k, "") for k in range(visits)]
        )
        guests.append(guest)
        if sex == "f" and 30 <= age <= 40 and visits >= 4:
            expected.append(guest.pk)
    rules = {
        "all": [
            {"profile": "sex", "in": ["f"]},
            rule("age", 30),
            rule("age", 40, "<="),
            rule("visits_90d", 4),
        ]
    }
    segment = save_segment(store=store, name="三十到四十", rule=rules, actor=manager, at=noon(D))
    assert guests_in(segment, store, D) == expected and len(expected) > 3


def _born(age, dice):
    """A birthday of somebody who is so old on D: today, or some day of the year before."""
    from_today = D - timedelta(days=dice.choice([0, 1, 200, 364]))
    return Birthday("solar", from_today.year - age, from_today.month, from_today.day)


# ---- 32, 33: observing, and by hand --------------------------------------------------------------------------


def test_row_32_two_months_and_all_the_fields(store, regular, lapsed, manager):
    """First visit 10 March, two months: first rated on 10 May. Without a birth date blocked, and by which field."""
    scheme = adopted(store, "monthly_avg_abc", observe_months=2)
    for guest in (regular, lapsed):
        came(store, [(guest, date(2026, 3, 10), 27_000, 12, "")])
    put_whole = {"sex": "f", "address": "江边2号", "industry": "茶叶", "position": "店主", "married": False}
    for name, value in put_whole.items():
        setattr(lapsed, name, value)
    lapsed.save()
    refresh_gaps([lapsed.pk], noon(date(2026, 3, 10)))
    eve, day = date(2026, 5, 9), date(2026, 5, 10)
    night(store, eve)
    assert told(store, regular) == [{"code": "observing", "until": "2026-05-10"}]
    queue = rating_queue(store, scheme, day)
    assert [(each.patronage.customer, each.tier) for each in queue.ready] == [(regular, "A")]
    assert [(each.patronage.customer, each.missing) for each in queue.blocked] == [(lapsed, ["birthday"])]
    night(store, day)
    assert (label(store, regular), label(store, lapsed)) == ("A", UNRATED)
    assert standing(store, lapsed.pk, day).unrated == [{"code": "missing", "fields": ["birthday"]}]


def test_row_33_likely_b_and_a_tier_by_hand_until_30_june(store, lapsed, manager):
    """Flagged "likely B" the guest stays a C; a tier by hand that ends on 30 June has fallen back on 1 July."""
    adopted(store, "recent_month_abc")
    say(store, lapsed, "likely-B", manager)
    night(store, D)
    assert label(store, lapsed) == "C"
    override_tier(
        store=store, customer_id=lapsed.pk, tier="B", reason="经理看好", valid_until=date(2026, 6, 30), actor=manager,
        on=D + timedelta(days=1), at=noon(D + timedelta(days=1)),
    )  # fmt: skip
    seen = {}
    for on in days(D + timedelta(days=1), date(2026, 7, 2)):
        night(store, on)
        seen[on] = label(store, lapsed)
    assert {on for on, tier in seen.items() if tier == "B"} == set(
        days(D + timedelta(days=1), date(2026, 6, 30))
    )
    assert seen[date(2026, 7, 1)] == "C"


# ---- what ships ----------------------------------------------------------------------------------------------

PAPERS = {
    "monthly_avg_abc", "recent_month_abc", "hotpot_hml", "company_vip_abc", "company_new_ordinary_important_vip",
    "policy_premium_potential_ordinary_new", "key_account_levels", "fb_department_types", "lifecycle_types",
    "spending_power", "loyalty", "potential", "relevance", "spend_loyalty", "geography", "dining_habit",
    "visit_frequency", "member_card_levels", "vip_medals", "vip_weight_classes", "buying_style_after_3",
    "value_matrix", "account_nature", "purchase_stage", "value_kind", "target_customer", "member_tenure",
    "member_clusters", "customer_kind", "lifecycle_stages",
}  # fmt: skip


def test_every_scheme_of_the_papers_ships_and_every_one_grades_a_store(store, regular, lapsed, newcomer):
    """All at once, each on its axis: nobody is left without an answer, twice is the same as once."""
    assert set(preset_codes()) >= PAPERS
    came(store, [(regular, D - timedelta(days=9 * n), 300 + n, 12, "business") for n in range(12)])
    for n, code in enumerate(preset_codes()):
        use(store, preset(code) | {"axis": f"axis{n}"})
        version = save_scheme(store=store, body=preset(code) | {"axis": f"axis{n}"}, actor=None, at=noon(D))
        assert scheme_of(version).code == code
    night(store, D)
    labels = [row.labels for row in Patronage.objects.filter(store=store)]
    assert all(
        set(each) == {f"axis{n}" for n in range(len(preset_codes()))} and all(each.values())
        for each in labels
    )
    again = night(store, D)
    assert set(again.beside.values()) == {0} and len(again.beside) == len(preset_codes())
