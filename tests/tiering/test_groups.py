"""The groups of an axis: counts, spending, who they are; the value matrix; the goals of the VIP classes."""

from datetime import date
from fractions import Fraction

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from customers.models import Patronage
from tests.cast import NOON, put_on_file
from tests.tiering.people import TODAY, dine, label, night, use
from tiering import goals
from tiering.models import Goal
from tiering.selectors.groups import aims_of, groups_of, guests_with
from tiering.selectors.labels import schemes_of_labels
from tiering.services.goals import set_goals

MATRIX = {
    "id": "ours", "name": "价值矩阵", "axis": "matrix", "fallback": "LL", "tiers": [
        {"code": "HH", "name": "当前高、潜在高", "when": {"all": [
            {"fact": "spend_30d", "op": ">=", "value": 1000}, {"fact": "spend_365d", "op": ">=", "value": 2000}]}},
        {"code": "LH", "name": "当前低、潜在高", "when": {"fact": "spend_365d", "op": ">=", "value": 2000}},
        {"code": "HL", "name": "当前高、潜在低", "when": {"fact": "spend_30d", "op": ">=", "value": 1000}},
        {"code": "LL", "name": "当前低、潜在低", "when": {"otherwise": True}},
    ],
}  # fmt: skip
WEIGHTS = {
    "id": "weights", "name": "VIP 体量", "axis": "vip_weight", "fallback": "CASUAL", "tiers": [
        {"code": "HEAVY", "name": "重度VIP", "when": {"fact": "spend_365d", "op": ">=", "value": 50000}},
        {"code": "MEDIUM", "name": "中型VIP", "when": {"fact": "spend_365d", "op": ">=", "value": 5000}},
        {"code": "CASUAL", "name": "散客", "when": {"otherwise": True}},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


# ---- the value matrix ----------------------------------------------------------------------------------------


@pytest.fixture
def quadrants(store):
    """¥1,500 now and ¥2,500 in all sits top right, ¥300 and ¥2,500 top left; one guest each below; one newcomer."""
    use(store, MATRIX)
    for name, now, before in (("右上", 1500, 1000), ("左上", 300, 2200), ("右下", 1200, 0), ("左下", 100, 0)):
        guest = put_on_file(store, name)
        dine(store, guest, 5, now)
        if before:
            dine(store, guest, 60, before)
    night(store)


def test_four_quadrants_add_up_to_all_guests(desk, store, quadrants):
    page = desk.get(reverse("tier-group", args=["matrix"]))
    assert [(row.code, row.guests, row.fen_90) for row in page.context["quadrants"]] == [
        ("LH", 1, 250_000), ("HH", 1, 250_000), ("LL", 1, 10_000), ("HL", 1, 120_000),
    ]  # fmt: skip
    assert sum(row.guests for row in page.context["quadrants"]) == page.context["groups"].all.guests == 4
    assert sum(row.fen_90 for row in page.context["quadrants"]) == page.context["groups"].all.fen_90
    text = page.content.decode()
    assert text.index("当前低、潜在高") < text.index("当前高、潜在高")  # top left, then top right
    assert "近30天消费 ≥ ¥1,000；近365天消费 ≥ ¥2,000" in text
    put_on_file(store, "今天才来")
    page = desk.get(reverse("tier-group", args=["matrix"]))
    assert page.context["ungraded"].guests == 1
    assert "还有 1 位没有评过" in page.content.decode()


def test_a_quadrant_leads_to_its_guests_and_to_a_segment(desk, store, quadrants):
    text = desk.get(reverse("tier-group", args=["matrix"])).content.decode()
    assert reverse("tier-group-guests", args=["matrix", "LH"]) in text
    page = desk.get(reverse("tier-group-guests", args=["matrix", "LH"]))
    assert [row.customer.name for row in page.context["page"].rows] == ["左上"]
    assert f"{reverse('segment-new')}?axis=matrix&amp;tier=LH" in text


# ---- groups --------------------------------------------------------------------------------------------------


def test_spending_of_thirty_and_ninety_days_by_group(store):
    use(store, MATRIX)
    guest = put_on_file(store, "甲")
    # 22 May is the first of the 30 days that end on 20 June, 23 March the first of the 90.
    for days, yuan in ((0, 1), (29, 10), (30, 100), (89, 1000), (90, 10_000)):
        dine(store, guest, days, yuan)
    night(store)
    found = groups_of(store, "matrix", schemes_of_labels(store.pk)["matrix"], TODAY)
    row = found.of(label(store, guest, "matrix"))
    assert (row.fen_30, row.fen_90, row.bills, row.came) == (1_100, 111_100, 4, 1)
    assert row.avg_bill == Fraction(111_100, 4)


def test_a_guest_with_two_labels_is_in_both_groups_and_once_in_all(store):
    use(store, {
        "id": "kinds", "name": "类", "kind": "labels", "axis": "kind", "tiers": [
            {"code": "X", "name": "甲", "when": {"fact": "visits_total", "op": ">=", "value": 1}},
            {"code": "Y", "name": "乙", "when": {"fact": "spend_total", "op": ">=", "value": 50}},
        ],
    })  # fmt: skip
    both, one, none = (put_on_file(store, name) for name in ("两个", "一个", "没有"))
    dine(store, both, 1, 100)
    dine(store, one, 1, 10)
    night(store)
    found = groups_of(store, "kind", schemes_of_labels(store.pk)["kind"], TODAY)
    assert [(row.code, row.guests) for row in found.rows] == [("X", 2), ("Y", 1), ("UNRATED", 1)]
    assert (found.all.guests, found.all.fen_90) == (3, 11_000)
    assert {row.customer for row in guests_with(store, "kind", "X").rows} == {both, one}
    assert [row.customer for row in guests_with(store, "kind", "UNRATED").rows] == [none]


def test_the_list_of_a_group_goes_page_by_page_without_losing_anybody(store):
    guests = [put_on_file(store, f"客{n}") for n in range(7)]
    for n, guest in enumerate(guests):
        dine(store, guest, 1, 100 * (n // 2))  # pairs of the same sum
    seen, cursor = [], ""
    while True:
        page = guests_with(store, "tier", "UNRATED", cursor, size=2)
        seen += [row.customer_id for row in page.rows]
        assert page.total == 7
        cursor = page.next_cursor
        if not cursor:
            break
    sums = dict(Patronage.objects.values_list("customer_id", "spend_total_fen"))
    assert seen == sorted(sums, key=lambda pk: (-sums[pk], pk))


def test_another_store_counts_for_itself(store, other_store, desk):
    use(other_store, MATRIX)
    dine(other_store, put_on_file(other_store, "邻店"), 1, 100)
    night(other_store)
    assert "还没有评过级" in desk.get(reverse("tier-groups")).content.decode()
    assert desk.get(reverse("tier-group", args=["matrix"])).status_code == 404
    assert desk.get(reverse("tier-group-guests", args=["matrix", "LL"])).status_code == 404


# ---- goals ---------------------------------------------------------------------------------------------------


def test_dishes_a_bill_against_the_target():
    """120 bills, 720 dishes: 6.0 dishes a bill; of a target of 6.5 that is 92.3 %."""
    month = goals.Month(guests=40, bills=120, bills_told=120, dishes=Fraction(720))
    assert goals.reached("dishes_per_bill", month) == 600
    assert round(float(goals.percent(Fraction(600), 650)), 1) == 92.3


@pytest.fixture
def classes(store, manager, head):
    """May 2026: a medium VIP of 刘经理 with three bills of six dishes each and one whose dishes nobody wrote down."""
    use(store, WEIGHTS)
    medium = put_on_file(store, "中型", owner=manager)
    other = put_on_file(store, "另一位", owner=head)
    for days in (25, 30, 40):
        dine(store, medium, days, 2000, dishes=(("毛肚", 4), ("虾滑", 2)), party_size=3)
    dine(store, medium, 35, 2000)
    dine(store, other, 36, 6000, dishes=(("毛肚", 8),), party_size=2)
    casual = put_on_file(store, "散客")
    dine(store, casual, 30, 100, dishes=(("毛肚", 3),), party_size=2)
    dine(store, casual, 31, 100, dishes=(("毛肚", 4.5),), party_size=3)
    dine(store, casual, 32, 100, dishes=(("毛肚", 40),))  # nobody counted the party
    dine(store, casual, 5, 100, dishes=(("毛肚", 50),), party_size=1)  # June
    night(store)


def test_what_each_class_reached_in_a_month(store, classes, manager, head):
    set_goals(
        store=store, axis="vip_weight", actor=head, at=NOON,
        targets={("MEDIUM", "dishes_per_bill"): 650, ("HEAVY", "avg_bill"): 80_000},
    )  # fmt: skip
    aims = aims_of(store, schemes_of_labels(store.pk)["vip_weight"], date(2026, 5, 1), date(2026, 5, 31))
    by_metric = {(aim.tier, aim.metric): aim for aim in aims.rows}
    medium = by_metric["MEDIUM", "dishes_per_bill"]
    # (18 + 8) dishes on four bills whose dishes are known.
    assert (medium.value, medium.percent) == (650, 100)
    assert [(person, value) for person, value, _share in medium.owners] == [(head, 800), (manager, 600)]
    assert round(float(medium.owners[1][2]), 1) == 92.3
    assert by_metric["CASUAL", "dishes_per_guest"].value == Fraction(750, 5)
    assert by_metric["CASUAL", "visits_per_guest"].value == 300
    heavy = by_metric["HEAVY", "avg_bill"]
    assert (heavy.value, heavy.target, heavy.percent) == (None, 80_000, None)
    assert (aims.bills, aims.untold) == (8, 1)


def test_targets_are_typed_saved_shown_and_taken_away(desk, store, classes):
    address = reverse("tier-goals", args=["vip_weight"])
    typed = {"MEDIUM-dishes_per_bill": "7.05", "HEAVY-avg_bill": "800"}
    assert desk.post(address, typed).status_code == 302
    assert {(g.tier, g.metric): g.target for g in Goal.objects.all()} == {
        ("MEDIUM", "dishes_per_bill"): 705, ("HEAVY", "avg_bill"): 80_000,
    }  # fmt: skip
    text = desk.get(reverse("tier-group", args=["vip_weight"])).content.decode()
    assert 'value="7.05"' in text and "92.2%" in text  # 6.5 of 7.05
    assert "各类的目标：2026年5月" in text and "1 张没有记菜品" in text
    assert desk.post(address, {"HEAVY-avg_bill": "800"}).status_code == 302
    assert list(Goal.objects.values_list("tier", flat=True)) == ["HEAVY"]
    for wrong in ("0", "-3", "很多", "1.234"):
        answer = desk.post(address, {"HEAVY-avg_bill": wrong})
        assert answer.status_code == 422, wrong
        assert "目标应是大于零的数字" in answer.content.decode()
    assert Goal.objects.get().target == 80_000


def test_another_month_may_be_asked_for(desk, store, classes):
    page = desk.get(reverse("tier-group", args=["vip_weight"]) + "?month=2026-04")
    assert "各类的目标：2026年4月" in page.content.decode() and page.context["aims"].bills == 0
    for nonsense in ("2026-13", "x", "2026-06", "0001-01"):
        page = desk.get(reverse("tier-group", args=["vip_weight"]) + f"?month={nonsense}")
        assert page.context["aims"].first == date(2026, 5, 1)


def test_goals_are_of_their_axis_and_of_those_who_may(store, classes, desk, host):
    assert desk.post(reverse("tier-goals", args=["tier"])).status_code == 404
    client = Client()
    client.force_login(host)
    assert client.post(reverse("tier-goals", args=["vip_weight"]), {"HEAVY-avg_bill": "1"}).status_code == 403
    assert not Goal.objects.exists()
