"""The rules as a table, a case in words each; no database. Prose: docs/rules/tiering.md."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from tiering.checks import check_scheme
from tiering.rules import (
    UNRATED,
    BadScheme,
    Known,
    decide,
    facts_used,
    read_scheme,
    reasons,
)

PRESETS = Path(__file__).resolve().parents[2] / "tiering" / "presets"


def preset(code: str):
    return read_scheme(json.loads((PRESETS / f"{code}.json").read_text(encoding="utf-8")))


RECENT = preset("recent_month_abc")
MONTHLY = preset("monthly_avg_abc")


def known(**values) -> Known:
    return Known({key: Fraction(str(value)) for key, value in values.items()})


# Amounts in fen, averages per month as exact fractions.
RECENT_CASES = [
    ("5,000.00 in the recent month is A by line 1", {"spend_30d": 500_000}, "A", ["A.1"]),
    ("4,999.99 is B", {"spend_30d": 499_999}, "B", ["B.1"]),
    ("2,000.00 is B, lower bound inclusive", {"spend_30d": 200_000}, "B", ["B.1"]),
    ("1,999.99 is C", {"spend_30d": 199_999}, "C", ["C.1"]),
    ("three weeks in a row is A by line 3", {"consecutive_weeks": 3}, "A", ["A.3"]),
    ("two weeks in a row is B by line 3", {"consecutive_weeks": 2}, "B", ["B.3"]),
    ("a last bill of 3,000 is A by line 4", {"last_bill": 300_000}, "A", ["A.4"]),
    ("a last bill of 2,999 is B by line 4", {"last_bill": 299_900}, "B", ["B.4"]),
    ("four visits a month is A, the edge goes up", {"avg_monthly_visits_3m": 4}, "A", ["A.2"]),
    ("eleven visits in three months is B", {"avg_monthly_visits_3m": "11/3"}, "B", ["B.2"]),
    ("none of these is C", {}, "C", ["C.1"]),
    ("two lines of A are both told", {"spend_30d": 600_000, "last_bill": 400_000}, "A", ["A.1", "A.4"]),
]


@pytest.mark.parametrize(("words", "facts", "tier", "why"), RECENT_CASES, ids=[c[0] for c in RECENT_CASES])
def test_recent_month(words, facts, tier, why):
    guest = known(**facts)
    assert decide(RECENT, guest) == tier
    assert reasons(RECENT, tier, guest) == why


MONTHLY_CASES = [
    ("27,000 in three months is 9,000 a month: A", {"avg_monthly_spend_3m": 2_700_000 // 3}, (), (), "A"),
    ("5,200 a month with 20 referrals is B, not A",
     {"avg_monthly_spend_3m": 520_000, "avg_monthly_visits_3m": "25/3", "new_customers_1m": 20}, (), (), "B"),
    ("2,999.99 a month meets no spend line", {"avg_monthly_spend_3m": 299_999}, (), (), UNRATED),
    ("3,000 a month is C", {"avg_monthly_spend_3m": 300_000}, (), (), "C"),
    ("a neighbour who seldom comes is potential", {}, ("nearby_resident",), (), "P"),
    ("judged of strong influence is potential", {}, (), ("strong_influence",), "P"),
    ("a neighbour who spends 3,000 is C: the higher tier wins",
     {"avg_monthly_spend_3m": 300_000}, ("nearby_resident",), (), "C"),
    ("fifty referrals without the spend do not make an A: evidence only", {"new_customers_1m": 50}, (), (), UNRATED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "facts", "tags", "judged", "tier"), MONTHLY_CASES, ids=[c[0] for c in MONTHLY_CASES]
)
def test_monthly_average(words, facts, tags, judged, tier):
    guest = Known(known(**facts).values, frozenset(tags), frozenset(judged))
    assert decide(MONTHLY, guest) == tier


def test_unrated_comes_before_every_line():
    assert decide(RECENT, Known({"spend_30d": Fraction(10**9)}, unrated=True)) == UNRATED


def test_an_absent_fact_never_holds_whatever_the_sign():
    for op in (">=", ">", "<=", "<", "=", "!="):
        scheme = read_scheme(ladder({"fact": "last_bill", "op": op, "value": 0}))
        assert decide(scheme, Known({"last_bill": None})) == UNRATED


def test_at_least_k():
    when = {"at_least": 2, "of": [
        {"fact": "visits_30d", "op": ">=", "value": 1}, {"tag": "a"}, {"manual": "b"}]}  # fmt: skip
    scheme = read_scheme(ladder(when))
    assert decide(scheme, Known({"visits_30d": Fraction(1)}, frozenset("a"))) == "A"
    assert decide(scheme, Known({"visits_30d": Fraction(1)})) == UNRATED
    assert decide(scheme, Known({"visits_30d": Fraction(0)}, frozenset("a"), frozenset("b"))) == "A"


def test_a_fact_without_a_source_does_not_hold_and_is_not_asked_for():
    scheme = read_scheme(ladder({"any": [
        {"fact": "months_to_expiry", "op": ">=", "value": 0}, {"fact": "visits_30d", "op": ">=", "value": 3}]}))  # fmt: skip
    assert facts_used(scheme) == ["visits_30d"]
    assert decide(scheme, known(visits_30d=2)) == UNRATED


def ladder(*whens, **more):
    return {
        "id": "t", "name": "试", "tiers": [
            {"code": "ABCDEFG"[n], "name": "级", "when": when} for n, when in enumerate(whens)
        ], **more,
    }  # fmt: skip


def nest(depth: int):
    node = {"fact": "visits_30d", "op": ">=", "value": 1}
    for _ in range(depth):
        node = {"all": [node]}
    return node


SPEND = {"fact": "spend_30d", "op": ">=", "value": 5000}
REFUSED = [
    ("not an object", [], "scheme_not_object"),
    ("no tiers", {"id": "t", "name": "试", "tiers": []}, "no_tiers"),
    ("an unknown key", ladder(SPEND, colour="red"), "unknown_key"),
    ("an unknown fact", ladder({"fact": "spend_7d", "op": ">=", "value": 1}), "unknown_fact"),
    ("a threshold on a date", ladder({"fact": "last_visit_on", "op": ">=", "value": 1}), "fact_not_comparable"),
    ("an unknown sign", ladder({"fact": "spend_30d", "op": "=>", "value": 1}), "unknown_op"),
    ("a negative threshold", ladder({"fact": "spend_30d", "op": ">=", "value": -1}), "bad_threshold"),
    ("a part of a fen", ladder({"fact": "spend_30d", "op": ">=", "value": 1.005}), "bad_threshold"),
    ("a threshold in words", ladder({"fact": "spend_30d", "op": ">=", "value": "many"}), "bad_threshold"),
    ("infinity", ladder({"fact": "spend_30d", "op": ">=", "value": float("inf")}), "bad_threshold"),
    ("yes as a number", ladder({"fact": "spend_30d", "op": ">=", "value": True}), "bad_threshold"),
    ("an empty group", ladder({"any": []}), "empty_group"),
    ("at least three of two", ladder({"at_least": 3, "of": [SPEND, SPEND]}), "bad_k"),
    ("nine deep", ladder(nest(8)), "too_deep"),
    ("two keys in one line", ladder({"tag": "a", "manual": "b"}), "unknown_node"),
    ("the same code twice",
     {"id": "t", "name": "试", "tiers": [{"code": "A", "name": "a", "when": SPEND}] * 2}, "tier_twice"),
    ("a fallback that is no tier", ladder(SPEND, fallback="Z"), "unknown_fallback"),
    ("four months of observation", ladder(SPEND, observe_months=4), "bad_observe_months"),
    ("an unknown mandatory field", ladder(SPEND, requires=["shoe"]), "bad_requires"),
    ("a tier called UNRATED",
     {"id": "t", "name": "试", "tiers": [{"code": "UNRATED", "name": "a", "when": SPEND}]}, "bad_tier_code"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "body", "code"), REFUSED, ids=[c[0] for c in REFUSED])
def test_what_cannot_be_read_is_refused(words, body, code):
    with pytest.raises(BadScheme) as refused:
        read_scheme(body)
    assert code in [problem.code for problem in refused.value.problems]


def test_eight_deep_is_read():
    assert read_scheme(ladder(nest(7))).codes == ("A",)


NONSENSE = [
    ("thresholds out of order",
     ladder({"fact": "spend_30d", "op": ">=", "value": 2000}, {"fact": "spend_30d", "op": ">=", "value": 5000}),
     "out_of_order"),
    ("out of order inside any",
     ladder({"any": [{"tag": "x"}, {"fact": "visits_30d", "op": ">=", "value": 2}]},
            {"any": [{"fact": "visits_30d", "op": ">=", "value": 4}, SPEND]}), "out_of_order"),
    ("a contradiction", ladder({"all": [SPEND, {"fact": "spend_30d", "op": "<", "value": 2000}]}), "never_holds"),
    ("a contradiction on an edge",
     ladder({"all": [{"fact": "visits_30d", "op": ">", "value": 3},
                     {"fact": "visits_30d", "op": "<=", "value": 3}]}), "never_holds"),
    ("the same rule twice", ladder(SPEND, SPEND), "never_reached"),
    ("covered by two higher tiers together",
     ladder({"fact": "spend_30d", "op": ">=", "value": 5000}, {"fact": "spend_30d", "op": "<", "value": 5000},
            {"fact": "spend_30d", "op": "=", "value": 4000}), "never_reached"),
    ("the rest before the last tier", ladder({"otherwise": True}, SPEND), "otherwise_too_early"),
    ("a share above a hundred",
     ladder({"fact": "share_spend_90d", "op": ">", "value": 100}), "never_holds"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "body", "code"), NONSENSE, ids=[c[0] for c in NONSENSE])
def test_what_cannot_be_meant_is_refused(words, body, code):
    assert code in [problem.code for problem in check_scheme(read_scheme(body))]


SENSE = [
    ("bands in order", ladder(SPEND, {"fact": "spend_30d", "op": ">=", "value": 2000})),
    ("more visits needed lower down with less money",
     ladder({"all": [SPEND, {"fact": "visits_30d", "op": ">=", "value": 2}]},
            {"all": [{"fact": "spend_30d", "op": ">=", "value": 2000}, {"fact": "visits_30d", "op": ">=", "value": 4}]})),
    ("recency: the higher tier came later",
     ladder({"fact": "days_since_last_visit", "op": "<=", "value": 30},
            {"fact": "days_since_last_visit", "op": "<=", "value": 60}, {"otherwise": True})),
    ("a tier that waits for a fact not measured yet",
     ladder({"fact": "months_to_expiry", "op": ">=", "value": 10}, SPEND)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "body"), SENSE, ids=[c[0] for c in SENSE])
def test_sense_is_let_through(words, body):
    assert check_scheme(read_scheme(body)) == []


@pytest.mark.parametrize("path", sorted(PRESETS.glob("*.json")), ids=lambda p: p.stem)
def test_every_preset_makes_sense(path):
    scheme = read_scheme(json.loads(path.read_text(encoding="utf-8")))
    assert scheme.code == path.stem
    assert check_scheme(scheme) == []
