"""How near a guest is to another tier: the SQL and the Python agree, and the line told is the one that would tip."""

import math
from fractions import Fraction

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings

from tests.tiering.test_compile import FACTS, guests, known, trees
from tiering.compile import denominator
from tiering.edges import FAR, _margin, edge, margin, tip
from tiering.rules import Group, Known, Scheme, Tier, decide, read_scheme
from tiering.selectors.schemes import preset

RECENT = read_scheme(preset("recent_month_abc"))


def in_sql(expression: str, guest, **more: str) -> float:
    columns, params = [], []
    for key in FACTS:
        if key not in guest:
            continue  # nobody measures it: no rule looks at its column
        raw = guest[key]
        top, per = raw if isinstance(raw, tuple) else (raw, None)
        columns.append(f"%s::bigint AS {key}")
        params.append(top)
        if not denominator(key).isdecimal():
            columns.append(f"%s::bigint AS {key}__per")
            params.append(per)
    columns += [
        "%s::text[] AS tags",
        "%s::text[] AS judged",
        "NULL::jsonb AS unrated",
        "%s::text AS tier",
        "%s::text AS ruled",
    ]
    params += [guest["tags"], guest["judged"], more.get("tier"), more.get("ruled", more.get("tier"))]
    columns += [
        f"'{guest.get(f'profile_{name}') or ''}'::text AS profile_{name}"
        for name in ("sex", "industry", "position", "married", "address")
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expression} FROM (SELECT {', '.join(columns)}) f", params)
        return cursor.fetchone()[0]


def is_measured(tree) -> bool:
    """Whether a tree stays away from the profile, which these rows do not carry."""
    items = tree.items if isinstance(tree, Group) else (tree,)
    return all(
        is_measured(item) if isinstance(item, Group) else not hasattr(item, "within") for item in items
    )


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=trees.filter(is_measured), guest=guests)
def test_sql_and_python_measure_the_same_distance(db, tree, guest):
    found, _node = _margin(tree, known(guest))
    assert math.isclose(in_sql(margin(tree), guest), float(found), rel_tol=1e-9, abs_tol=1e-9)
    # The edge of a tier is the least distance of its own rule and of those above it.
    scheme = Scheme("x", "x", "x", (Tier("A", "A", "A", tree), Tier("B", "B", "B", tree)), fallback="B")
    for code in ("A", "B"):
        assert math.isclose(
            in_sql(edge(scheme), guest, tier=code), min(FAR, abs(float(found))), rel_tol=1e-9, abs_tol=1e-9
        )
    assert in_sql(edge(scheme), guest, tier="A", ruled="B") == FAR, (
        "a tier that the rules do not give has no edge"
    )


def of(**values) -> Known:
    return Known({key: Fraction(value) for key, value in values.items()})


# (in words, the guest, the tier, of which tier the line is, the fact, the distance)
# … and whether crossing that one line is enough to tip it.
TIPS = [
    ("just over the line of A", {"spend_30d": 510_000}, "A", "A", "spend_30d", Fraction(1, 50), True),
    ("far over one line, just over another: losing one is not enough, the farther counts",
     {"spend_30d": 1_000_000, "last_bill": 303_000}, "A", "A", "spend_30d", Fraction(1), False),
    ("in B, a little short of A", {"spend_30d": 490_000}, "B", "A", "spend_30d", Fraction(1, 50), True),
    ("in B, nearer to falling than to rising", {"spend_30d": 202_000}, "B", "B", "spend_30d", Fraction(1, 100), True),
    ("in C, nearest to a line of B", {"spend_30d": 20_000, "last_bill": 190_000}, "C", "B", "last_bill", Fraction(1, 20), True),
    ("a bill near a line that would change nothing is not told",
     {"spend_30d": 520_000, "last_bill": 199_000}, "A", "A", "spend_30d", Fraction(1, 25), True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "values", "code", "tier", "fact", "distance", "alone"), TIPS, ids=[case[0] for case in TIPS]
)
def test_the_line_that_would_tip_is_told(words, values, code, tier, fact, distance, alone):
    guest = of(**({"avg_monthly_visits_3m": 0, "consecutive_weeks": 0, "last_bill": 0} | values))
    assert decide(RECENT, guest) == code
    found = tip(RECENT, code, guest)
    assert (found.tier.code, found.node.fact, found.distance) == (tier, fact, distance)
    # A hair beyond the threshold the tier is another one, unless another line still holds it.
    step = found.node.value * Fraction(1, 10**6)
    crossed = found.node.value + (step if guest.values[fact] < found.node.value else -step)
    assert (decide(RECENT, Known(dict(guest.values) | {fact: crossed})) != code) == alone


def test_a_tier_below_ones_own_is_no_edge():
    """Far over A's line and just on B's: losing B's line changes nothing, so it is not told."""
    scheme = read_scheme({"id": "x", "name": "x", "fallback": "C", "tiers": [
        {"code": "A", "name": "A", "when": {"fact": "spend_30d", "op": ">=", "value": 5000}},
        {"code": "B", "name": "B", "when": {"fact": "visits_30d", "op": ">=", "value": 4}},
        {"code": "C", "name": "C", "when": {"otherwise": True}},
    ]})  # fmt: skip
    found = tip(scheme, "A", of(spend_30d=1_000_000, visits_30d=4))
    assert (found.tier.code, found.distance) == ("A", 1)
    assert tip(scheme, "B", of(spend_30d=490_000, visits_30d=8)).tier.code == "A"
    assert tip(scheme, "B", of(spend_30d=490_000, visits_30d=4)).tier.code == "B"
    # Equally far from both: the lower tier is the next one.
    assert tip(scheme, "C", of(spend_30d=0, visits_30d=0)).tier.code == "B"


def test_the_edge_in_sql_leaves_out_the_tiers_below(db):
    scheme = read_scheme({"id": "x", "name": "x", "fallback": "B", "tiers": [
        {"code": "A", "name": "A", "when": {"fact": "spend_30d", "op": ">=", "value": 5000}},
        {"code": "B", "name": "B", "when": {"fact": "visits_30d", "op": ">=", "value": 4}},
    ]})  # fmt: skip
    guest = dict.fromkeys(("avg_monthly_spend_3m", "tags", "judged")) | {
        "spend_30d": 1_000_000, "visits_30d": 4, "avg_bill_90d": (0, 1), "share_spend_90d": (0, 1),
    }  # fmt: skip
    assert in_sql(edge(scheme), guest, tier="A") == 1
    assert in_sql(edge(scheme), guest, tier="B") == 0


def test_where_no_number_decides_no_line_is_told():
    scheme = read_scheme({"id": "x", "name": "x", "fallback": "B", "tiers": [
        {"code": "A", "name": "A", "when": {"manual": "vip"}}, {"code": "B", "name": "B", "when": {"otherwise": True}},
    ]})  # fmt: skip
    assert tip(scheme, "B", Known({})) is None
    assert tip(RECENT, "C", Known({})) is None, "nothing is known of the guest"
