"""The SQL of a rule and its evaluation in Python agree: random trees over random guests, edges included."""

from fractions import Fraction

from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiering.compile import condition, denominator
from tiering.rules import Compare, Group, Judged, Known, Otherwise, Tagged, holds

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
