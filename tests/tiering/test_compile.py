"""The SQL of a rule and its evaluation in Python agree: random trees over random guests, edges included.

First single trees; then whole schemes: scores, labels, tiers by hand, tiers that a protection keeps, and the reasons.
"""

import json
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiering.compile import condition, decided, denominator, points, reasons_array
from tiering.rules import (
    UNRATED,
    Compare,
    Group,
    Judged,
    Known,
    Otherwise,
    Part,
    Prior,
    Profiled,
    Scheme,
    Score,
    Tagged,
    Tier,
    by_rules,
    decide,
    holds,
    kept_by,
    reasons,
    score_of,
)

FACTS = [
    "spend_30d",
    "avg_monthly_spend_3m",
    "avg_bill_90d",
    "visits_30d",
    "share_spend_90d",
    "months_to_expiry",
]
THRESHOLDS = st.sampled_from([Fraction(n, d) for n in (0, 1, 2, 300, 500_000) for d in (1, 3, 100)])
WORDS = ["a", "it's", "熟客%"]

leaf = st.one_of(
    st.builds(
        Compare,
        st.sampled_from(FACTS),
        st.sampled_from([">=", ">", "<=", "<", "=", "!="]),
        THRESHOLDS,
        st.just(""),
    ),
    st.builds(Tagged, st.sampled_from(WORDS)),
    st.builds(Judged, st.sampled_from(["x", "y"])),
    st.just(Otherwise()),
)


def groups(children):
    def group(items, kind, k):
        n = len(items)
        return Group(kind, n if kind == "all" else 1 if kind == "any" else min(k, n), tuple(items))

    return st.builds(
        group, st.lists(children, min_size=1, max_size=4), st.sampled_from(["all", "any", "at_least"]),
        st.integers(1, 4),
    )  # fmt: skip


trees = st.recursive(leaf, groups, max_leaves=12)
number = st.one_of(
    st.none(), st.sampled_from([0, 1, 2, 3, 899, 900, 1_500_000, 1_500_001]), st.integers(0, 10**12)
)
guests = st.fixed_dictionaries(
    {
        "spend_30d": number,
        "avg_monthly_spend_3m": number,
        "avg_bill_90d": st.tuples(number, st.integers(1, 40)),
        "visits_30d": number,
        "share_spend_90d": st.tuples(st.one_of(st.none(), st.integers(0, 40_000)), st.just(400)),
        "tags": st.one_of(st.none(), st.lists(st.sampled_from(WORDS), unique=True)),
        "judged": st.one_of(st.none(), st.lists(st.sampled_from(["x", "y"]), unique=True)),
    }
)


def known(guest) -> Known:
    values = {}
    for key in FACTS:
        if key == "months_to_expiry":
            continue
        raw = guest[key]
        top, per = raw if isinstance(raw, tuple) else (raw, int(denominator(key)))
        values[key] = None if top is None else Fraction(top, per)
    return Known(values, frozenset(guest["tags"] or ()), frozenset(guest["judged"] or ()))


def in_sql(tree, guest) -> bool:
    columns, params = [], []
    for key in FACTS:
        if key == "months_to_expiry":
            continue
        raw = guest[key]
        top, per = raw if isinstance(raw, tuple) else (raw, None)
        columns.append(f"%s::bigint AS {key}")
        params.append(top)
        if per is not None:
            columns.append(f"%s::bigint AS {key}__per")
            params.append(per)
    columns += ["%s::text[] AS tags", "%s::text[] AS judged"]
    params += [guest["tags"], guest["judged"]]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT CASE WHEN {condition(tree)} THEN true ELSE false END FROM (SELECT {', '.join(columns)}) f",
            params,
        )
        return cursor.fetchone()[0]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees, guest=guests)
def test_sql_and_python_agree(db, tree, guest):
    assert in_sql(tree, guest) == holds(tree, known(guest))


# ---- whole schemes -------------------------------------------------------------------------------------------

DAY = date(2026, 6, 20)
FIXED = {"spend_30d": 1, "avg_monthly_spend_3m": 3, "visits_30d": 1, "distance_km": 10, "age": 1}
VARYING = ("avg_bill_90d", "business_pct_365d", "pace_90d", "share_spend_90d", "share_score_value")
MEASURED = (*FIXED, *VARYING)
CODES = ["A", "b-1", "熟客", "C_3"]
PLACES = ["", "m", "CEO", "首席执行官 CEO", "É Total%", "o'Brien"]

number_leaf = st.builds(
    Compare, st.sampled_from([*MEASURED, "score_value", "months_to_expiry"]),
    st.sampled_from([">=", ">", "<=", "<", "=", "!="]), THRESHOLDS, st.just(""),
)  # fmt: skip
profile_leaf = st.one_of(
    st.builds(Profiled, st.just("sex"), st.sampled_from([("m",), ("f",), ("m", "f")])),
    st.builds(Profiled, st.just("married"), st.sampled_from([("yes",), ("no",)])),
    st.builds(
        Profiled, st.sampled_from(["position", "address"]), st.sampled_from([("ceo",), ("É",), ("%", "O'B")]), st.just(True)
    ),
)  # fmt: skip
scheme_trees = st.recursive(st.one_of(number_leaf, number_leaf, profile_leaf, leaf), groups, max_leaves=6)
some_points = st.integers(-100, 100)


@st.composite
def parts(draw):
    fact = draw(
        st.sampled_from([*(key for key in MEASURED if key != "share_score_value"), "months_to_expiry"])
    )
    if draw(st.booleans()):
        full = draw(THRESHOLDS.filter(bool))
        return Part(fact, full=full, points=draw(some_points))
    bounds = sorted(draw(st.sets(THRESHOLDS, min_size=1, max_size=3)))
    return Part(fact, steps=tuple((bound, draw(some_points)) for bound in bounds), base=draw(some_points))


@st.composite
def schemes(draw):
    """One to four tiers; a ladder that may protect from falling, or labels."""
    codes = draw(st.permutations(CODES))[: draw(st.integers(1, 4))]
    is_ladder = draw(st.booleans())
    return Scheme(
        "s", "", "", tuple(Tier(code, "", "", draw(scheme_trees)) for code in codes),
        kind="ladder" if is_ladder else "labels", fallback=draw(st.sampled_from([UNRATED, *codes])),
        min_stay_days=draw(st.sampled_from([0, 1, 30])) if is_ladder else 0,
        grace_days=draw(st.sampled_from([0, 1, 7])) if is_ladder else 0,
        scores=(Score("value", tuple(draw(st.lists(parts(), min_size=1, max_size=4)))),),
    )  # fmt: skip


def back(*days):
    return st.sampled_from([None, *(DAY - timedelta(days=n) for n in days)])


people = st.fixed_dictionaries(
    {
        **dict.fromkeys(FIXED, number),
        **{key: st.tuples(number, st.integers(1, 400)) for key in VARYING},
        "tags": st.one_of(st.none(), st.lists(st.sampled_from(WORDS), unique=True)),
        "judged": st.one_of(st.none(), st.lists(st.sampled_from(["x", "y"]), unique=True)),
        "sex": st.sampled_from(["m", "f", ""]),
        "married": st.sampled_from(["yes", "no", ""]),
        "position": st.one_of(st.sampled_from(PLACES), st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
        "address": st.sampled_from(PLACES),
        "unrated": st.sampled_from([None, None, None, [{"code": "observing", "until": "2026-07-01"}]]),
        "given": st.sampled_from([None, None, None, *CODES, "Z"]),
        "prior": st.sampled_from([None, *CODES, *CODES, UNRATED, "Z"]),
        "since": back(1, 30, 31).filter(bool),
        "fading": back(1, 7, 8),
    }
)  # fmt: skip


def person_known(scheme: Scheme, person) -> Known:
    values = {key: person[key] if key in FIXED else person[key][0] for key in MEASURED}
    values = {
        key: None if top is None else Fraction(top, FIXED[key] if key in FIXED else person[key][1])
        for key, top in values.items()
    }
    prior = person["prior"] and Prior(DAY, person["prior"], person["since"], person["fading"])
    known = Known(
        values, frozenset(person["tags"] or ()), frozenset(person["judged"] or ()), bool(person["unrated"]),
        {name: person[name] for name in ("sex", "married", "position", "address")}, person["given"] or "",
        prior or None,
    )  # fmt: skip
    return replace(known, values=values | {s.fact: score_of(s, known) for s in scheme.scores})


def said_by_sql(scheme: Scheme, people):
    """(tier, what the rules say, what keeps it, reasons, points in hundredths) of each, in order."""
    params = {"day": DAY}

    def value(n, name, kind, content):
        params[f"{name}_{n}"] = content
        return f"%({name}_{n})s::{kind}"

    rows = []
    for n, person in enumerate(people):
        columns = [f"{n} AS n", f"{n}::bigint AS given_id", "%(day)s AS given_until"]
        columns += [f"{value(n, key, 'bigint', person[key])} AS {key}" for key in FIXED]
        for key in VARYING:
            top, per = person[key]
            columns += [
                f"{value(n, key, 'bigint', top)} AS {key}",
                f"{value(n, key + '__per', 'bigint', per)} AS {key}__per",
            ]
        columns += [f"{value(n, key, 'text[]', person[key])} AS {key}" for key in ("tags", "judged")]
        columns += [
            f'lower({value(n, name, "text", person[name])} COLLATE "C") AS profile_{name}'
            for name in ("sex", "married", "position", "address")
        ]
        unrated = person["unrated"] and json.dumps(person["unrated"])
        columns.append(f"{value(n, 'unrated', 'jsonb', unrated)} AS unrated")
        columns += [f"{value(n, name, 'text', person[name])} AS {name}" for name in ("given", "prior")]
        columns.append(f"{value(n, 'since', 'date', person['since'])} AS prior_since")
        columns.append(f"{value(n, 'fading', 'date', person['fading'])} AS fading_since")
        rows.append(f"SELECT {', '.join(columns)}")
    scored = ", ".join(f"{points(score, 'g')} AS {score.fact}" for score in scheme.scores)
    sql = (
        f"WITH g AS ({' UNION ALL '.join(rows)}), f AS (SELECT g.*, {scored} FROM g), {decided(scheme)} "
        f"SELECT f.tier, f.ruled, f.kept, {reasons_array(scheme)}, f.{scheme.scores[0].fact} FROM t f ORDER BY f.n"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [
            (tier, ruled, kept or "", json.loads(why) if isinstance(why, str) else why, hundredths)
            for tier, ruled, kept, why, hundredths in cursor.fetchall()
        ]


def said_by_python(scheme: Scheme, n: int, person):
    known = person_known(scheme, person)
    tier, kept = decide(scheme, known), kept_by(scheme, known)
    if known.given in scheme.codes:
        why = [{"code": "override", "id": n, "until": DAY.isoformat()}]
    elif kept:
        why = [{"code": kept}]
    elif known.unrated:
        why = person["unrated"]
    else:
        why = reasons(scheme, tier, known)
    return tier, by_rules(scheme, known), kept, why, score_of(scheme.scores[0], known) * 100


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(scheme=schemes(), people=st.lists(people, min_size=2, max_size=6))
def test_a_whole_scheme_is_decided_alike_in_sql_and_python(db, scheme, people):
    expected = [said_by_python(scheme, n, person) for n, person in enumerate(people)]
    assert said_by_sql(scheme, people) == expected
