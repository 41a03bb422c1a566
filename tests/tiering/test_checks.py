"""What is refused when a scheme is saved, against a plain search: a tier is refused when no guest can have it, else not."""

from datetime import date
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiering.examining import come, label, ladder, night, rule, use
from tiering.checks import check_scheme
from tiering.facts import CATALOGUE, SHARE
from tiering.models import TierDecision
from tiering.rules import BadScheme, Known, holds, read_scheme

D = date(2026, 6, 19)

# Every value that such a fact can have, as far as the thresholds below ask.
WORLD = {
    "visits_30d": [None, *map(Fraction, range(6))],
    "avg_monthly_visits_3m": [None, *(Fraction(n, 3) for n in range(16))],
    "business_pct_365d": [None, *(Fraction(100 * a, b) for a, b in ((0, 1), (1, 3), (49, 100), (1, 2), (51, 100), (101, 200),
                                                                    (2, 3), (99, 100), (199, 200), (1, 1)))],
    "distance_km": [None, *(Fraction(n, 10) for n in range(35))],
    "influence": [None, *map(Fraction, range(1, 6))],
}  # fmt: skip
VALUES = {
    "visits_30d": [1, 2, 3], "avg_monthly_visits_3m": [1, 2, 3], "business_pct_365d": [50, 51, 99, 100],
    "distance_km": [1, 2], "influence": [1, 3, 5, 6],
}  # fmt: skip


@st.composite
def comparisons(draw):
    fact = draw(st.sampled_from(sorted(VALUES)))
    return rule(
        fact, draw(st.sampled_from(VALUES[fact])), draw(st.sampled_from([">=", ">", "<=", "<", "=", "!="]))
    )


def grouped(children):
    items = st.lists(children, min_size=1, max_size=3)
    return st.one_of(
        st.builds(lambda group: {"all": group}, items), st.builds(lambda group: {"any": group}, items),
        st.builds(lambda group: {"at_least": min(2, len(group)), "of": group}, items),
    )  # fmt: skip


rules = st.recursive(
    st.one_of(comparisons(), st.just({"tag": "a"}), st.just({"manual": "b"})), grouped, max_leaves=4
)


def reached(scheme) -> set[str]:
    """The tiers that some guest of the whole world gets."""
    asked = sorted({leaf for tier in scheme.tiers for leaf in _facts(tier.when)})
    found = set()
    for values in product(*(WORLD[fact] for fact in asked)):
        for tag, judged in product((False, True), repeat=2):
            known = Known(
                dict(zip(asked, values, strict=True)),
                frozenset("a" if tag else ""),
                frozenset("b" if judged else ""),
            )
            found.add(next((tier.code for tier in scheme.tiers if holds(tier.when, known)), ""))
        if len(found) > len(scheme.tiers):
            break
    return found


def _facts(node):
    if hasattr(node, "items"):
        return {fact for item in node.items for fact in _facts(item)}
    return {node.fact} if hasattr(node, "fact") else set()


@settings(max_examples=300, deadline=None)
@given(whens=st.lists(rules, min_size=1, max_size=2))
def test_a_tier_is_refused_where_no_guest_can_have_it_and_nowhere_else(whens):
    scheme = read_scheme(ladder(*whens))
    problems = check_scheme(scheme)
    if {problem.code for problem in problems} & {"out_of_order", "otherwise_too_early"}:
        return
    refused = {problem.params["tier"] for problem in problems}
    assert refused == set(scheme.codes) - reached(scheme)


MEANT = [
    ("between three and four visits a month on average", {"all": [rule("avg_monthly_visits_3m", 3, ">"), rule("avg_monthly_visits_3m", 4, "<")]}),
    ("above the 80th and below the 81st of a hundred", {"all": [rule("share_spend_90d", 80, ">"), rule("share_spend_90d", 81, "<")]}),
    ("between two and three kilometres", {"all": [rule("distance_km", 2, ">"), rule("distance_km", 3, "<")]}),
    ("an average bill between two fen", {"all": [rule("avg_bill_90d", 100, ">"), rule("avg_bill_90d", 100.01, "<")]}),
    ("twenty lines at once, some of them of little", {"all": [
        *(rule(f"spend_{days}d", 100) for days in (30, 90, 365)), *(rule(f"visits_{days}d", 2) for days in (30, 90, 365)),
        *(rule(fact, 9, "<=") for fact in ("days_since_last_visit", "complaints_90d", "distance_km", "feedback_total")),
        rule("max_bill_90d", 50), rule("age", 30), {"tag": "a"}, {"manual": "b"}, {"profile": "sex", "in": ["f"]},
        *(rule(fact, 2) for fact in ("events_90d", "referrals_total", "visits_month", "visits_total", "consecutive_weeks"))]}),
    ("all the points there are", rule("score_value", 80)),
]  # fmt: skip
SCORES = {"value": {"parts": [
    {"fact": "spend_90d", "full": 1000, "points": 50}, {"fact": "visits_30d", "steps": [[2, 10], [4, 30]], "base": 5},
    {"fact": "complaints_90d", "full": 3, "points": -30},
]}}  # fmt: skip


@pytest.mark.parametrize(("words", "when"), MEANT, ids=[case[0] for case in MEANT])
def test_what_can_be_meant_is_let_through(words, when):
    assert check_scheme(read_scheme(ladder(when, scores=SCORES))) == []


def test_the_lower_of_two_long_rules_is_let_through():
    """Ten lines each, the same with half the thresholds: nothing of the lower one is taken by the higher."""

    def lines(times):
        return {"all": [
            *(rule(f"spend_{days}d", 100 * times) for days in (30, 90, 365)),
            *(rule(f"visits_{days}d", 2 * times) for days in (30, 90, 365)),
            *(rule(fact, 20 // times, "<=") for fact in ("days_since_last_visit", "complaints_90d", "distance_km", "age")),
        ]}  # fmt: skip

    assert check_scheme(read_scheme(ladder(lines(2), lines(1)))) == []


NOBODY = [
    ("more points than the score has", rule("score_value", 81)),
    ("more influence than five", rule("influence", 6)),
    ("a worse credit than none", {"all": [rule("credit", 5, ">")]}),
    ("a share above a hundred", rule("coupon_pct_365d", 100, ">")),
    ("a third of a visit", rule("visits_30d", 0.5, "=")),
    ("between three and four visits", {"all": [rule("visits_30d", 3, ">"), rule("visits_30d", 4, "<")]}),
]  # fmt: skip


@pytest.mark.parametrize(("words", "when"), NOBODY, ids=[case[0] for case in NOBODY])
def test_what_nobody_can_reach_is_refused(words, when):
    problems = check_scheme(read_scheme(ladder(when, scores=SCORES)))
    assert [(problem.code, problem.params["tier"]) for problem in problems] == [("never_holds", "A")]


LABELS = {
    "id": "many", "name": "标签", "kind": "labels", "axis": "many",
    "tiers": [{"code": f"TAG_WITH_A_LONG_{n}", "name": "签", "when": rule("visits_total", 0)} for n in range(10, 22)],
}  # fmt: skip


def test_labels_stand_beside_the_door_and_not_on_it(store, regular):
    """Twelve codes that all hold fill no label of twenty letters: labels have an axis of their own, with a short name."""
    for changes, code in (({"axis": "tier"}, "labels_on_the_door"), ({"axis": "a" * 21}, "bad_axis")):
        with pytest.raises(BadScheme) as refused:
            read_scheme(LABELS | changes)
        assert [problem.code for problem in refused.value.problems] == [code]
    use(store, LABELS | {"axis": "a" * 20})
    night(store, D)
    assert label(store, regular, "a" * 20) == "+".join(f"TAG_WITH_A_LONG_{n}" for n in range(10, 22))


def test_a_scheme_may_look_at_everything_that_is_known(store, regular):
    """Every fact and every share in one rule: decided, and kept with the decision."""
    keys = [key for key, fact in CATALOGUE.items() if fact.comparable]
    lines = [rule(key, 1) for key in keys] + [rule(SHARE + key, 50) for key in keys]
    use(store, ladder({"any": [{"any": lines[n : n + 40]} for n in range(0, len(lines), 40)]}))
    come(store, regular, D, 10)
    night(store, D)
    kept = TierDecision.objects.get().facts
    assert set(kept) == {*keys, *(SHARE + key for key in keys)} and kept["spend_30d"] == 1000
