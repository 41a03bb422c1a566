"""Two schemes on the same guests: the matrix, who differs, and the line that makes the difference."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from customers.services.customers import add_tag
from tests.cast import put_on_file
from tests.tiering.examining import come, ladder, noon, rule
from tiering.rules import decide, read_scheme
from tiering.selectors.compare import compare_schemes
from tiering.selectors.guests import known_guests
from tiering.selectors.schemes import preset, preset_codes

D = date(2026, 6, 19)
LOW = ladder(rule("spend_30d", 2000), rule("spend_30d", 1000))
HIGH = ladder(rule("spend_30d", 3000), rule("spend_30d", 1500)) | {"id": "high"}


def compared(store, one, two, **more):
    return compare_schemes(store, read_scheme(one), read_scheme(two), D, ("甲", "乙"), **more)


def guest_with(store, name, yuan, **said):
    guest = put_on_file(store, name, noon(D - timedelta(days=30)), **said)
    if yuan:
        come(store, guest, D - timedelta(days=3), yuan)
    return guest


@pytest.fixture
def five(store):
    return [guest_with(store, name, yuan) for name, yuan in
            (("两千五", 2500), ("三千", 3000), ("一千二", 1200), ("一千六", 1600), ("没来", 0))]  # fmt: skip


def test_the_matrix_and_who_differs(store, five):
    found = compared(store, LOW, HIGH)
    assert found.matrix == {("A", "B"): 1, ("A", "A"): 1, ("B", "C"): 1, ("B", "B"): 1, ("C", "C"): 1}
    assert (found.one, found.two, found.guests, found.differ) == (
        {"A": 2, "B": 2, "C": 1},
        {"A": 1, "B": 2, "C": 2},
        5,
        2,
    )
    assert found.grid == [
        ("A", [(1, True), (1, False), (0, True)]), ("B", [(0, True), (1, True), (1, False)]),
        ("C", [(0, True), (0, True), (1, True)]),
    ]  # fmt: skip
    assert [(each.customer.name, each.one, each.two) for each in found.listed] == [
        ("两千五", "A", "B"),
        ("一千二", "B", "C"),
    ]


def test_the_line_that_makes_the_difference(store, five):
    first = compared(store, LOW, HIGH).listed[0].why
    assert (first.about, first.one, first.two) == (
        "近30天消费 ¥2,500",
        "要 ≥ ¥2,000，满足",
        "要 ≥ ¥3,000，不满足",
    )
    turned = compared(store, HIGH, LOW).listed[0].why
    assert (turned.about, turned.one, turned.two) == (
        "近30天消费 ¥2,500",
        "要 ≥ ¥3,000，不满足",
        "要 ≥ ¥2,000，满足",
    )
    with translation.override("en"):
        told = compared(store, LOW, HIGH).listed[0].why
    assert told.about == "spent in 30 days ¥2,500"


# Why two schemes differ on a guest with ¥2,500 in thirty days, two visits and a tag: (one, two, what each says).
WHY = [
    ("another fact", LOW, ladder(rule("visits_30d", 5)),
     ("近30天消费 ≥ ¥2,000：有 ¥2,500，满足", "近30天次数 ≥ 5 次：有 2 次，不满足")),
    ("a tag", ladder({"tag": "nearby_resident"}), ladder(rule("visits_30d", 5)),
     ("标签：周边居民、邻居", "近30天次数 ≥ 5 次：有 2 次，不满足")),
    ("a judgement is missing", LOW, ladder({"manual": "enterprise_leader"}),
     ("近30天消费 ≥ ¥2,000：有 ¥2,500，满足", "不满足：人工认定：大型企业高层管理或经营者")),
    ("a field is missing", LOW, LOW | {"id": "asks", "requires": ["address"]},
     ("近30天消费 ≥ ¥2,000：有 ¥2,500，满足", "缺少资料：联系地址")),
    ("of several lines the one that holds", ladder({"any": [rule("visits_30d", 9), rule("spend_30d", 2400)]}), ladder(rule("visits_30d", 9)),
     ("近30天消费 ≥ ¥2,400：有 ¥2,500，满足", "近30天次数 ≥ 9 次：有 2 次，不满足")),
]  # fmt: skip


@pytest.mark.parametrize(("words", "one", "two", "says"), WHY, ids=[case[0] for case in WHY])
def test_why_they_differ(store, words, one, two, says):
    guest = guest_with(store, "客", 1000)
    come(store, guest, D - timedelta(days=9), 1500)
    add_tag(customer=guest, word="nearby_resident", actor=None, at=noon(D))
    [only] = compared(store, one, two).listed
    assert (only.why.one, only.why.two) == says


def test_schemes_that_share_no_code_are_compared_by_place(store, five):
    silver = HIGH | {"id": "card", "axis": "card", "fallback": "SILVER", "tiers": [
        tier | {"code": code} for tier, code in zip(HIGH["tiers"], ("DIAMOND", "GOLD", "SILVER"), strict=True)
    ]}  # fmt: skip
    found = compared(store, LOW, silver)
    assert (found.by_rank, found.differ) == (True, 2)
    assert found.matrix[("A", "DIAMOND")] == 1 and compared(store, LOW, HIGH).by_rank is False
    assert [(each.one, each.two) for each in found.listed] == [("A", "GOLD"), ("B", "SILVER")]


def test_a_hundred_are_listed_and_all_are_counted(store):
    for n in range(7):
        guest_with(store, f"客{n}", 1700 + n)
    found = compared(store, ladder(rule("spend_30d", 1000)), ladder(rule("spend_30d", 1705)), most=3)
    assert (found.differ, len(found.listed)) == (5, 3)


def test_the_same_scheme_differs_nowhere(store, five):
    found = compared(store, LOW, LOW)
    assert (found.differ, found.listed) == (0, [])


@pytest.mark.parametrize("code", preset_codes())
def test_every_preset_can_be_compared_with_any_other(store, code):
    """Words with quotes and per cent signs, scores, shares, labels: both sides of one statement, each with its own."""
    guest = guest_with(store, "客", 2500, industry="100%纯 it's", position="CEO")
    add_tag(customer=guest, word="%(store)s", actor=None, at=noon(D))
    odd = ladder(
        {
            "any": [
                {"tag": "%(store)s"},
                {"tag": "it's 100%"},
                {"profile": "industry", "contains": ["100%", "%(day)s"]},
            ]
        }
    )
    one, two = read_scheme(odd), read_scheme(preset(code))
    found = compare_schemes(store, one, two, D, ("甲", "乙"))
    tiers = [
        decide(scheme, known_guests(store, scheme, D, [guest.pk])[guest.pk].known) for scheme in (one, two)
    ]
    assert found.matrix == {(tiers[0], tiers[1]): 1}
    assert tiers[0] == "A"


def test_it_asks_no_more_for_more_guests(store, five):
    asked = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            compared(store, LOW, HIGH)
        asked.append(len(queries))
        for n in range(12):
            guest_with(store, f"客{n}", 2500)
    assert asked[0] == asked[1]


def test_another_stores_guests_are_not_compared(store, other_store, five):
    guest_with(other_store, "别店的", 2500)
    assert compared(store, LOW, HIGH).guests == 5
