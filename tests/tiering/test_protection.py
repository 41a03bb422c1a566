"""What stands beside the rules: observation, mandatory fields, tiers by hand, minimum stay and grace; the same rows again."""

import random
from datetime import date, timedelta

import pytest
import time_machine
from django.core.management import call_command

from common.birthdays import Birthday
from common.errors import BadFields, NotHere, Refused
from customers.models import Visit
from customers.services.customers import Profile, change_customer
from customers.services.visits import void_visit
from tests.cast import put_on_file
from tests.tiering.examining import (
    DECISION_COLUMNS,
    come,
    content_hash,
    days,
    decision_rows,
    label,
    ladder,
    night,
    nights,
    noon,
    rule,
    told,
    use,
)
from tiering import facts
from tiering.models import Fading, Override, TierDecision
from tiering.rules import UNRATED, Known, by_rules, decide
from tiering.selectors.decisions import known_from, rows_of, standing, tiers_on
from tiering.services.decisions import question_of
from tiering.services.judgements import judge, override_tier, withdraw_judgement, withdraw_override

D = date(2026, 6, 19)
JUNE = date(2026, 6, 1)
SPEND = ladder(rule("spend_30d", 5000), rule("spend_30d", 2000), rule("spend_30d", 1000))


def by_hand(store, guest, tier, until, *, on=D, actor, reason="老朋友，不能降", axis="tier"):
    return override_tier(
        store=store, customer_id=guest.pk, tier=tier, reason=reason, valid_until=until, actor=actor, on=on, at=noon(on),
        axis=axis,
    )  # fmt: skip


def tier_by_night(store, guest, first, last):
    """{day: tier} as `tiers --on` tells it, after the nights were decided one by one."""
    found = {}
    for on in days(first, last):
        night(store, on)
        [row] = [
            row for row in tiers_on(store, on) if row[0] == guest.patronages.get(store=store).external_id
        ]
        found[on] = row[1]
        assert label(store, guest) == row[1]
    return found


def runs(tiers):
    """[(first day, tier)] of a {day: tier}: where it changes."""
    changes, before = [], None
    for on, tier in sorted(tiers.items()):
        if tier != before:
            changes.append((on, tier))
        before = tier
    return changes


# ---- observation and mandatory fields ------------------------------------------------------------------------

OBSERVED = [
    ("two months from 10 March", 2, date(2026, 3, 10), date(2026, 5, 10)),
    ("a month from 31 January ends with February", 1, date(2026, 1, 31), date(2026, 2, 28)),
    ("three months from 30 November end with February", 3, date(2025, 11, 30), date(2026, 2, 28)),
    ("a month from 31 January of a leap year", 1, date(2028, 1, 31), date(2028, 2, 29)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "months", "first", "rated"), OBSERVED, ids=[case[0] for case in OBSERVED])
def test_observation_ends_with_its_calendar_months(store, regular, words, months, first, rated):
    use(store, SPEND | {"observe_months": months})
    come(store, regular, first, 6000)
    seen = {}
    for on in (first, rated - timedelta(days=1), rated):
        night(store, on)
        seen[on] = label(store, regular)
        if on != rated:
            assert told(store, regular) == [{"code": "observing", "until": rated.isoformat()}]
    unrated = {first: UNRATED, rated - timedelta(days=1): UNRATED}
    assert seen == unrated | {rated: "A" if (rated - first).days < 30 else "D"}


def test_who_never_came_is_observed_without_an_end(store, regular):
    use(store, SPEND | {"observe_months": 1})
    night(store, D)
    assert (label(store, regular), told(store, regular)) == (UNRATED, [{"code": "observing", "until": None}])


def test_observation_begins_anew_where_the_first_visit_is_taken_back(store, regular, manager):
    use(store, SPEND | {"observe_months": 1})
    mistake = come(store, regular, date(2026, 5, 1), 6000)
    come(store, regular, date(2026, 6, 10), 6000)
    night(store, date(2026, 6, 10))
    assert label(store, regular) == "A"
    void_visit(store=store, visit_id=mistake, reason="记错人", actor=manager, at=noon(date(2026, 6, 11)))
    night(store, date(2026, 6, 11))
    assert (label(store, regular), told(store, regular)) == (
        UNRATED,
        [{"code": "observing", "until": "2026-07-10"}],
    )


def test_missing_fields_are_named_until_they_are_filled_and_again_when_lost(store, lapsed, manager):
    use(store, SPEND | {"requires": ["name", "birthday", "married", "phone"]})
    come(store, lapsed, D, 6000)
    night(store, D)
    assert told(store, lapsed) == [{"code": "missing", "fields": ["birthday", "married"]}]
    change_customer(
        store=store, customer_id=lapsed.pk, actor=manager, at=noon(D), source="desk",
        profile=Profile(birthday=Birthday("solar", 1990, 1, 1), married=False),
    )  # fmt: skip
    night(store, D + timedelta(days=1))
    assert label(store, lapsed) == "A"
    both = use(store, SPEND | {"requires": ["address"], "observe_months": 3}, D + timedelta(days=2))
    night(store, D + timedelta(days=2))
    assert {reason["code"] for reason in told(store, lapsed)} == {"missing", "observing"}
    assert both.requires == ("address",)


# ---- tiers by hand -------------------------------------------------------------------------------------------


def test_until_30_june_falls_back_in_the_night_of_1_july(store, lapsed, manager):
    """Row 33, with `tiers --on` and the reason that the decision keeps."""
    use(store, SPEND)
    come(store, lapsed, D, 100)
    night(store, date(2026, 6, 27))
    given = by_hand(store, lapsed, "C", date(2026, 6, 30), on=date(2026, 6, 28), actor=manager)
    tiers = tier_by_night(store, lapsed, date(2026, 6, 28), date(2026, 7, 3))
    assert runs(tiers) == [(date(2026, 6, 28), "C"), (date(2026, 7, 1), "D")]
    first = TierDecision.objects.get(customer=lapsed, tier="C")
    assert first.reasons == [{"code": "override", "id": given.pk, "until": "2026-06-30"}]
    assert told(store, lapsed) == ["D.1"]


def test_an_override_may_lower_and_the_rules_raise_again(store, lapsed, manager):
    use(store, SPEND)
    come(store, lapsed, D, 6000)
    night(store, D - timedelta(days=1), at=noon(D))
    by_hand(store, lapsed, "B", D + timedelta(days=2), actor=manager)
    assert runs(tier_by_night(store, lapsed, D, D + timedelta(days=4))) == [
        (D, "B"),
        (D + timedelta(days=3), "A"),
    ]


def test_withdrawn_the_rules_decide_from_the_next_night_on(store, lapsed, manager):
    use(store, SPEND)
    given = by_hand(store, lapsed, "B", D + timedelta(days=30), actor=manager)
    night(store, D)
    night(store, D + timedelta(days=1))
    for _ in range(2):  # twice is once
        withdraw_override(store=store, override_id=given.pk, actor=manager, at=noon(D + timedelta(days=2)))
    night(store, D + timedelta(days=2))
    assert [row[1] for on in days(D, D + timedelta(days=2)) for row in tiers_on(store, on)] == ["B", "B", "D"]
    given.refresh_from_db()
    assert (given.withdrawn_at, given.withdrawn_by) == (noon(D + timedelta(days=2)), manager)


def test_an_override_that_is_replaced_leaves_one_that_stands(store, lapsed, manager):
    use(store, SPEND)
    by_hand(store, lapsed, "B", D + timedelta(days=30), actor=manager)
    night(store, D)
    tomorrow = D + timedelta(days=1)
    by_hand(store, lapsed, "C", tomorrow, on=tomorrow, actor=manager, reason="还是C合适")
    assert runs(tier_by_night(store, lapsed, tomorrow, D + timedelta(days=3))) == [
        (tomorrow, "C"),
        (D + timedelta(days=2), "D"),
    ]
    assert Override.objects.filter(customer=lapsed, withdrawn_at=None).count() == 1


def test_a_night_before_a_withdrawal_or_a_replacement_run_again_is_as_it_was(store, lapsed, manager):
    """B from the 19th, replaced by C on the 21st, withdrawn on the 23rd: every night again, nothing is corrected."""
    use(store, SPEND)
    by_hand(store, lapsed, "B", D + timedelta(days=30), actor=manager)
    nights(store, D, D + timedelta(days=1))
    second = by_hand(store, lapsed, "C", D + timedelta(days=30), on=D + timedelta(days=2), actor=manager)
    nights(store, D + timedelta(days=2), D + timedelta(days=3))
    withdraw_override(store=store, override_id=second.pk, actor=manager, at=noon(D + timedelta(days=4)))
    nights(store, D + timedelta(days=4), D + timedelta(days=5))
    before = decision_rows(store)
    assert [row[5] for row in before] == ["B", "C", "D"]
    for on in days(D, D + timedelta(days=5)):
        assert night(store, on, at=noon(D + timedelta(days=9))).changed == 0, on
    assert decision_rows(store) == before


def test_a_judgement_taken_back_or_renewed_does_not_change_the_nights_before(store, lapsed, manager):
    use(store, ladder({"manual": "vip"}))
    first = judge(
        store=store, customer_id=lapsed.pk, code="vip", reason="投资人", actor=manager, on=D, at=noon(D),
        valid_until=D + timedelta(days=9),
    )  # fmt: skip
    nights(store, D, D + timedelta(days=1))
    judge(
        store=store, customer_id=lapsed.pk, code="vip", reason="再确认", actor=manager, on=D + timedelta(days=2),
        at=noon(D + timedelta(days=2)), valid_until=D + timedelta(days=3),
    )  # fmt: skip
    nights(store, D + timedelta(days=2), D + timedelta(days=4))
    again = judge(
        store=store, customer_id=lapsed.pk, code="vip", reason="又来了", actor=manager, on=D + timedelta(days=5),
        at=noon(D + timedelta(days=5)),
    )  # fmt: skip
    nights(store, D + timedelta(days=5), D + timedelta(days=6))
    withdraw_judgement(store=store, judgement_id=again.pk, actor=manager, at=noon(D + timedelta(days=7)))
    nights(store, D + timedelta(days=7), D + timedelta(days=8))
    before = decision_rows(store)
    assert [(row[2] - D, row[5]) for row in before] == [
        (timedelta(days=n), tier) for n, tier in ((0, "A"), (4, "B"), (5, "A"), (7, "B"))
    ]
    for on in days(D, D + timedelta(days=8)):
        assert night(store, on, at=noon(D + timedelta(days=20))).changed == 0, on
    assert decision_rows(store) == before
    first.refresh_from_db()
    assert first.withdrawn_at == noon(D + timedelta(days=2))


def test_only_the_axis_and_the_store_meant_are_touched(store, other_store, lapsed, manager):
    use(store, SPEND)
    use(store, ladder(rule("visits_total", 1), id="card", axis="card"))
    use(other_store, SPEND)
    lapsed.patronages.create(store=other_store, external_id="X", since=JUNE)
    by_hand(store, lapsed, "A", D, actor=manager, axis="card")
    night(store, D)
    night(other_store, D)
    assert (label(store, lapsed), label(store, lapsed, "card"), label(other_store, lapsed)) == ("D", "A", "D")


REFUSED = [
    ("a reason of one character", {"reason": "老"}, "reason"),
    ("a reason of blanks", {"reason": "   老    "}, "reason"),
    ("four characters where a tier is skipped", {"tier": "B", "reason": "老朋友了"}, "reason"),
    ("a tier that the scheme has not", {"tier": "Z"}, "tier"),
    ("unrated by hand", {"tier": UNRATED}, "tier"),
    ("an end before today", {"until": D - timedelta(days=1)}, "valid_until"),
    ("more than a year", {"until": D + timedelta(days=367)}, "valid_until"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "said", "field"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_tier_by_hand_is_refused(store, lapsed, manager, words, said, field):
    use(store, SPEND)
    night(store, D - timedelta(days=1))
    assert label(store, lapsed) == "D"
    wish = {"tier": "C", "until": D + timedelta(days=9), "actor": manager} | said
    with pytest.raises(BadFields) as refused:
        by_hand(store, lapsed, wish.pop("tier"), wish.pop("until"), **wish)
    assert list(refused.value.fields) == [field]
    assert not Override.objects.exists()


def test_what_is_just_enough_for_a_tier_by_hand(store, lapsed, manager):
    """Two characters for the next tier, five where one is skipped; today alone, and a year."""
    use(store, SPEND)
    night(store, D - timedelta(days=1))
    by_hand(store, lapsed, "C", D, actor=manager, reason="贵客")
    by_hand(store, lapsed, "B", D + timedelta(days=366), actor=manager, reason="一位老朋友")
    assert list(Override.objects.order_by("id").values_list("tier", "reason")) == [
        ("C", "贵客"),
        ("B", "一位老朋友"),
    ]


def test_a_tier_by_hand_needs_a_scheme_and_a_guest_of_the_house(store, other_store, lapsed, manager):
    with pytest.raises(Refused) as refused:
        by_hand(store, lapsed, "A", D, actor=manager)
    assert refused.value.code == "override_no_scheme"
    use(other_store, SPEND)
    with pytest.raises(NotHere):
        by_hand(other_store, lapsed, "A", D, actor=manager)
    assert not Override.objects.exists()


def test_a_tier_by_hand_lets_an_unrated_guest_be_rated(store, newcomer, manager):
    use(store, SPEND | {"observe_months": 3, "requires": ["birthday"]})
    by_hand(store, newcomer, "B", D, actor=manager)
    assert runs(tier_by_night(store, newcomer, D, D + timedelta(days=1))) == [
        (D, "B"),
        (D + timedelta(days=1), UNRATED),
    ]


def test_a_tier_by_hand_of_another_scheme_counts_no_more(store, lapsed, manager):
    use(store, SPEND)
    by_hand(store, lapsed, "A", D + timedelta(days=30), actor=manager)
    night(store, D)
    use(store, ladder(rule("visits_total", 9), id="later") | {
        "tiers": [{"code": "VIP", "name": "VIP", "when": rule("visits_total", 9)},
                  {"code": "REST", "name": "REST", "when": {"otherwise": True}}], "fallback": "REST",
    }, D + timedelta(days=1))  # fmt: skip
    night(store, D + timedelta(days=1))
    assert (label(store, lapsed), told(store, lapsed)) == ("REST", ["REST.1"])


def test_likely_is_a_flag_and_no_tier(store, lapsed, manager):
    use(store, SPEND)
    judge(
        store=store,
        customer_id=lapsed.pk,
        code="likely-C",
        reason="常来的朋友介绍",
        actor=manager,
        on=D,
        at=noon(D),
    )
    night(store, D)
    assert label(store, lapsed) == "D" and told(store, lapsed) == ["D.1"]


# ---- minimum stay and grace ----------------------------------------------------------------------------------

# ¥6,000 on 1 June count up to and including 30 June: the rules say A until then and D from 1 July on.
PROTECTED = [
    ("nothing is set: the first night of July", {}, date(2026, 7, 1)),
    ("a stay that is over changes nothing", {"min_stay_days": 30}, date(2026, 7, 1)),
    ("a stay of 31 days from 1 June", {"min_stay_days": 31}, date(2026, 7, 2)),
    ("a stay of 60 days from 1 June", {"min_stay_days": 60}, date(2026, 7, 31)),
    ("one day of grace", {"grace_days": 1}, date(2026, 7, 2)),
    ("seven nights low, the eighth lowers", {"grace_days": 7}, date(2026, 7, 8)),
    ("stay and grace begin together, the later ends it", {"min_stay_days": 35, "grace_days": 7}, date(2026, 7, 8)),
    ("the nights low during the stay count for the grace", {"min_stay_days": 60, "grace_days": 7}, date(2026, 7, 31)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "protections", "falls"), PROTECTED, ids=[case[0] for case in PROTECTED])
def test_a_protected_tier_falls_in_the_night_that_the_settings_say(store, lapsed, words, protections, falls):
    use(store, SPEND | protections)
    come(store, lapsed, JUNE, 6000)
    tiers = tier_by_night(store, lapsed, JUNE, date(2026, 8, 3))
    assert runs(tiers) == [(JUNE, "A"), (falls, "D")]
    assert not Fading.objects.filter(until=None).exists()


def test_one_night_that_says_the_old_tier_again_starts_the_grace_anew(store, lapsed):
    """Low on 1–5 July, ¥5,000 on the 6th, low again from 5 August: seven nights from there."""
    use(store, SPEND | {"grace_days": 7})
    come(store, lapsed, JUNE, 6000)
    tier_by_night(store, lapsed, JUNE, date(2026, 7, 5))
    come(store, lapsed, date(2026, 7, 6), 5000)
    tiers = tier_by_night(store, lapsed, date(2026, 7, 6), date(2026, 8, 20))
    assert runs(tiers) == [(date(2026, 7, 6), "A"), (date(2026, 8, 12), "D")]
    assert list(Fading.objects.order_by("since").values_list("since", "until")) == [
        (date(2026, 7, 1), date(2026, 7, 6)),
        (date(2026, 8, 5), date(2026, 8, 12)),
    ]


def test_a_protection_never_keeps_from_rising(store, lapsed):
    use(store, SPEND | {"min_stay_days": 60, "grace_days": 7})
    come(store, lapsed, JUNE, 2500)
    night(store, JUNE)
    come(store, lapsed, date(2026, 6, 2), 2500)
    night(store, date(2026, 6, 2))
    assert label(store, lapsed) == "A"


def test_after_a_fall_the_lower_tier_has_its_own_stay(store, lapsed):
    """¥3,000 on 1 and on 2 June: A, B from 1 July, and what ends on 2 July lowers only after B's own 31 days."""
    use(store, SPEND | {"min_stay_days": 25})
    come(store, lapsed, JUNE, 3000)
    come(store, lapsed, date(2026, 6, 2), 3000)
    tiers = tier_by_night(store, lapsed, JUNE, date(2026, 8, 1))
    assert runs(tiers) == [
        (JUNE, "B"), (date(2026, 6, 2), "A"), (date(2026, 7, 1), "B"), (date(2026, 7, 26), "D"),
    ]  # fmt: skip


def test_a_missing_field_is_not_kept_from(store, regular, manager):
    use(store, SPEND | {"min_stay_days": 60, "grace_days": 60})
    come(store, regular, JUNE, 6000)
    night(store, JUNE)
    use(store, SPEND | {"min_stay_days": 60, "grace_days": 60, "requires": ["birthday"]}, date(2026, 6, 2))
    regular.birth_month = regular.birth_day = None
    regular.birth_calendar = ""
    regular.save()
    change_customer(
        store=store, customer_id=regular.pk, actor=manager, at=noon(date(2026, 6, 2)), source="desk",
        profile=Profile(likes="辣"),
    )  # fmt: skip
    night(store, date(2026, 6, 2))
    assert label(store, regular) == UNRATED


def test_a_tier_by_hand_ends_on_its_day_whatever_protects(store, lapsed, manager):
    """The night of 1 July decides by the rules: neither stay nor grace keep what was given until 30 June."""
    use(store, SPEND | {"min_stay_days": 60, "grace_days": 30})
    night(store, date(2026, 6, 27))
    by_hand(store, lapsed, "C", date(2026, 6, 30), on=date(2026, 6, 28), actor=manager)
    tiers = tier_by_night(store, lapsed, date(2026, 6, 28), date(2026, 7, 3))
    assert runs(tiers) == [(date(2026, 6, 28), "C"), (date(2026, 7, 1), "D")]


def test_the_nights_low_under_a_tier_by_hand_count_for_the_grace(store, lapsed, manager):
    """A by the rules since 1 June, A by hand until 10 July, low since 1 July: with seven days of grace it ends with the hand."""
    use(store, SPEND | {"grace_days": 7})
    come(store, lapsed, JUNE, 6000)
    nights(store, JUNE, date(2026, 6, 14))
    by_hand(store, lapsed, "A", date(2026, 7, 10), on=date(2026, 6, 15), actor=manager)
    tiers = tier_by_night(store, lapsed, date(2026, 6, 15), date(2026, 7, 20))
    assert runs(tiers) == [(date(2026, 6, 15), "A"), (date(2026, 7, 11), "D")]


# ---- the same rows again -------------------------------------------------------------------------------------

WORLDS = [
    ("bands of spend", SPEND),
    ("spend and weeks, a stay and grace", ladder(
        {"any": [rule("spend_30d", 5000), rule("consecutive_weeks", 3)]}, rule("spend_90d", 3000),
    ) | {"min_stay_days": 10, "grace_days": 4}),
    ("judgement, mandatory fields, observation", ladder(
        {"all": [rule("visits_90d", 2), {"manual": "vip"}]}, rule("visits_30d", 2),
    ) | {"observe_months": 1, "requires": ["birthday"]}),
    ("position among the guests, a stay", ladder(
        rule("share_spend_90d", 80, ">"), rule("share_visits_30d", 50, ">")) | {"min_stay_days": 5}),
    ("a score, grace", ladder(rule("score_value", 60), rule("score_value", 30)) | {
        "grace_days": 3, "scores": {"value": {"parts": [
            {"fact": "spend_30d", "full": 6000, "points": 70}, {"fact": "days_since_last_visit", "full": 20, "points": -40},
            {"fact": "visits_90d", "steps": [[2, 10], [5, 30]], "base": 5}]}}}),
]  # fmt: skip


def live_through(store, manager, dice, first, last):
    """Guests come, are judged and given tiers by hand, these are replaced and taken back; every night in its time."""
    guests = [
        put_on_file(
            store, f"客{n}", noon(first), external_id=f"W{n}",
            birthday=Birthday("solar", 1990, 1, 1) if n % 3 else None,
        )
        for n in range(7)
    ]  # fmt: skip
    given, judged = [], []
    for on in days(first, last):
        for guest in guests:
            if dice.random() < 0.2:
                come(store, guest, on, dice.choice([0, 300, 1500, 3500]), hour=dice.choice([12, 19]))
        guest, until = dice.choice(guests), on + timedelta(days=dice.randrange(12))
        fate = dice.random()
        if fate < 0.15:
            tier = dice.choice("AB")
            given.append(by_hand(store, guest, tier, until, on=on, actor=manager, reason="店里商量过的"))
        elif fate < 0.25 and given:
            withdraw_override(store=store, override_id=dice.choice(given).pk, actor=manager, at=noon(on))
        elif fate < 0.4:
            end = dice.choice([None, until])
            judged.append(
                judge(
                    store=store, customer_id=guest.pk, code="vip", reason="熟人", actor=manager, on=on, at=noon(on),
                    valid_until=end,
                )
            )  # fmt: skip
        elif fate < 0.5 and judged:
            withdraw_judgement(store=store, judgement_id=dice.choice(judged).pk, actor=manager, at=noon(on))
        night(store, on)
    return guests


@pytest.mark.parametrize(("words", "body"), WORLDS, ids=[world[0] for world in WORLDS])
@pytest.mark.parametrize("seed", [1, 2])
def test_thirty_nights_decided_again_in_order_are_the_same_rows(store, manager, words, body, seed):
    """Once more in order, the newest alone, then in any order: nothing is written, no label moves."""
    use(store, body)
    first, last = date(2026, 5, 20), date(2026, 6, 19)
    dice = random.Random(seed)
    live_through(store, manager, dice, first, last)
    before, told_before = content_hash(store), {on: tiers_on(store, on) for on in days(first, last)}
    assert len({row[5] for row in decision_rows(store)}) > 2
    again = noon(last + timedelta(days=2))
    for on in [*days(first, last), last, *dice.sample(days(first, last), 10), last]:
        outcome = night(store, on, at=again)
        assert (outcome.changed, content_hash(store)) == (0, before), on
    assert {on: tiers_on(store, on) for on in days(first, last)} == told_before


@pytest.mark.parametrize(("words", "body"), WORLDS, ids=[world[0] for world in WORLDS])
def test_every_decision_is_told_again_from_what_was_known_then(store, manager, words, body):
    """Bills voided, bills late, tiers by hand taken back since: with the knowledge of its run each decision is the same."""
    scheme = use(store, body)
    first, last = date(2026, 5, 20), date(2026, 6, 19)
    dice = random.Random(11)
    guests = live_through(store, manager, dice, first, last)
    decisions = list(TierDecision.objects.filter(store=store, corrected=False).order_by("id"))
    later = noon(last + timedelta(days=2))
    for bill in dice.sample(
        list(Visit.objects.filter(store=store).order_by("visited_at", "external_id")), 12
    ):
        void_visit(store=store, visit_id=bill.pk, reason="退单", actor=None, at=later)
    for guest in guests:
        come(store, guest, last + timedelta(days=2), 9_000)
    for given in Override.objects.filter(withdrawn_at=None):
        withdraw_override(store=store, override_id=given.pk, actor=manager, at=later)
    changed = 0
    for decision in decisions:
        keys = (decision.customer_id,)
        then, now = (
            next(
                known_from(scheme, row, decision.business_date)
                for row in rows_of(
                    question_of(scheme, store, decision.business_date, customer_ids=keys, **known)
                )
                if row["customer_id"] == decision.customer_id
            )
            for known in ({"known_at": decision.known_at}, {})
        )
        kept = {key: facts.value_of(value) for key, value in decision.facts.items()}
        seen = {key: then.values[key] for key in kept}
        assert (decide(scheme, then), seen) == (decision.tier, kept), decision
        changed += now.values != then.values
    assert len(decisions) > 8 and changed >= 3


def test_the_commands_say_the_same_twice(store, manager, capsys):
    """`nightly --on` over thirty past nights, `tiers --on` of each; all of it again."""
    use(store, SPEND | {"grace_days": 2})
    dice = random.Random(5)
    first, last = date(2026, 5, 20), date(2026, 6, 18)
    guests = [put_on_file(store, f"客{n}", noon(first), external_id=f"W{n}") for n in range(5)]
    for on in days(first - timedelta(days=40), last):
        for guest in guests:
            if dice.random() < 0.1:
                come(store, guest, on, dice.choice([900, 2500, 4500]))

    def round_() -> list[str]:
        printed = []
        for on in days(first, last):
            call_command("nightly", "--store", store.code, "--on", on.isoformat())
            capsys.readouterr()
            call_command("tiers", "--store", store.code, "--on", on.isoformat())
            printed.append(capsys.readouterr().out)
        return printed

    with time_machine.travel(noon(last + timedelta(days=1)), tick=False):
        once = round_()
        rows = content_hash(store)
        assert (round_(), content_hash(store)) == (once, rows)
    assert len(set(once)) > 5 and once[0].splitlines()[0] == "external_id,tier,scheme,version,business_date"


@pytest.mark.parametrize("seed", range(4))
def test_corrections_make_the_past_what_a_clean_run_makes_of_it(store, seed):
    """Bills are voided and arrive late, the past nights are decided again: each as a plain reading of now-known facts.

    The label follows in the newest night. A second pass writes nothing.
    """
    scheme = use(
        store, ladder({"any": [rule("spend_30d", 5000), rule("visits_30d", 4)]}, rule("spend_90d", 2000))
    )
    dice = random.Random(seed)
    first, last = date(2026, 5, 20), date(2026, 6, 19)
    guests = [put_on_file(store, f"客{n}", noon(first), external_id=f"W{n}") for n in range(6)]
    for on in days(first, last):
        for guest in guests:
            if dice.random() < 0.15:
                come(store, guest, on, dice.choice([500, 1500, 3000]))
        night(store, on)
    later = noon(last + timedelta(days=1))
    bills = list(Visit.objects.filter(store=store).order_by("visited_at", "external_id"))
    for bill in dice.sample(bills, 5):
        void_visit(store=store, visit_id=bill.pk, reason="退单", actor=None, at=later)
    for _ in range(5):
        on = first + timedelta(days=dice.randrange(31))
        guest = dice.choice(guests)
        come(store, guest, on, 4000, hour=20)
    corrected = sum(night(store, on, at=later).corrected for on in days(first, last - timedelta(days=1)))
    night(store, last, at=later + timedelta(hours=1))
    assert corrected > 0 and TierDecision.objects.filter(corrected=True).count() == corrected

    def plainly(on: date) -> dict[str, str]:
        rows = rows_of(question_of(scheme, store, on))
        return {row["external_id"]: by_rules(scheme, known_from(scheme, row, on)) for row in rows}

    for on in days(first, last):
        assert {row[0]: row[1] for row in tiers_on(store, on)} == plainly(on), on
    assert {g.patronages.get().external_id: label(store, g) for g in guests} == plainly(last)
    before = content_hash(store)
    for on in days(first, last):
        assert night(store, on, at=later + timedelta(days=1)).changed == 0, on
    assert content_hash(store) == before


def test_the_content_hash_covers_what_it_names(store, regular):
    """A hash that overlooks a column proves nothing: each named column changes it."""
    use(store, SPEND)
    come(store, regular, D, 2500)
    night(store, D)
    before = content_hash(store)
    for change in (
        {"tier": "A"}, {"previous": "A"}, {"reasons": []}, {"facts": {}}, {"corrected": True}, {"axis": "card"},
        {"business_date": D + timedelta(days=1)},
    ):  # fmt: skip
        was = TierDecision.objects.values(*change).get()
        TierDecision.objects.update(**change)
        assert content_hash(store) != before, change
        TierDecision.objects.update(**was)
        assert content_hash(store) == before
    assert len(DECISION_COLUMNS) == 10


def test_standing_says_what_protects(store, lapsed):
    use(store, SPEND | {"min_stay_days": 40, "grace_days": 20})
    come(store, lapsed, JUNE, 6000)
    nights(store, JUNE, date(2026, 7, 12))
    seen = {on: standing(store, lapsed.pk, on) for on in (date(2026, 7, 5), date(2026, 7, 13))}
    assert [(s.tier, s.kept) for s in seen.values()] == [("A", "stay"), ("A", "grace")]
    assert isinstance(seen[date(2026, 7, 5)].known, Known)
