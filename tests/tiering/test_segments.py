"""Segments: the exact set, the count before saving, labels of several axes at once, names, who may."""

import json
from datetime import date

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.birthdays import Birthday
from tests.cast import NOON, put_on_file
from tests.tiering.people import TODAY, dine, night, use
from tiering.editor.fields import node_fields
from tiering.models import Segment
from tiering.segments import parts_of, read_segment, rule_of
from tiering.selectors.segments import count_in, guests_in, listed, page_in
from tiering.services.judgements import judge
from tiering.services.segments import retire_segment, save_segment

WOMEN = {
    "all": [
        {"profile": "sex", "in": ["f"]},
        {"fact": "age", "op": ">=", "value": 30},
        {"fact": "age", "op": "<=", "value": 40},
        {"fact": "visits_90d", "op": ">=", "value": 4},
    ]
}


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


def fields_of(tree, **more) -> dict[str, str]:
    """The form's fields of a rule, as the builder posts them."""
    found: dict[str, str] = {}
    node_fields(tree, "tier.0.when", found)
    return found | more


@pytest.fixture
def women(store):
    """Who is in and who is just outside of it: sex, age on either edge, visits on either edge of 90 days."""
    at_door = {}
    for name, sex, born, visits in (
        ("三十整", "f", (1996, 6, 20), 4), ("明天三十", "f", (1996, 6, 21), 4), ("四十", "f", (1985, 6, 21), 5),
        ("四十一", "f", (1985, 6, 20), 5), ("男", "m", (1990, 1, 1), 6), ("三次", "f", (1990, 1, 1), 3), ("不知年龄", "f", None, 4),
    ):  # fmt: skip
        guest = put_on_file(store, name, sex=sex, birthday=Birthday("solar", *born) if born else None)
        for n in range(visits):
            dine(store, guest, 89 if n == 0 else n, 100)
        at_door[name] = guest
    early = put_on_file(store, "九十一天前", sex="f", birthday=Birthday("solar", 1990, 1, 1))
    for days in (90, 3, 2, 1):
        dine(store, early, days, 100)
    return at_door


def save(store, head, rule, name="女客"):
    return save_segment(store=store, name=name, rule=rule, actor=head, at=NOON)


# ---- the set -------------------------------------------------------------------------------------------------


def test_women_of_thirty_to_forty_who_came_four_times_in_ninety_days(store, head, women):
    segment = save(store, head, WOMEN)
    assert guests_in(segment, store, TODAY) == sorted([women["三十整"].pk, women["四十"].pk])


def test_the_set_is_of_a_day_and_of_a_store(store, other_store, head, women):
    segment = save(store, head, WOMEN)
    tomorrow = guests_in(segment, store, date(2026, 6, 21))
    # 四十 turns 41; of 三十整 and 明天三十 the visit 89 days ago leaves the window: three visits are left.
    assert tomorrow == []
    assert guests_in(segment, other_store, TODAY) == []


def test_or_counts_either(store, head, women):
    segment = save(
        store, head, {"any": [{"profile": "sex", "in": ["m"]}, {"fact": "visits_90d", "op": "<", "value": 4}]}
    )
    found = guests_in(segment, store, TODAY)
    assert {women["男"].pk, women["三次"].pk} <= set(found) and len(
        found
    ) == 3  # and 九十一天前, three in the window


def test_three_axes_at_once(store, head):
    """Of six guests four are of high value, three of these of high potential, two of these served specially."""
    for axis, key in (("value", "spend_365d"), ("potential", "visits_365d"), ("service_need", "age")):
        use(store, {
            "id": axis, "name": axis, "axis": axis, "tiers": [
                {"code": "HIGH", "name": "高", "when": {"fact": key, "op": ">=", "value": 2}},
                {"code": "LOW", "name": "低", "when": {"otherwise": True}},
            ],
        })  # fmt: skip
    for n, (yuan, visits, age) in enumerate(
        [(9, 2, 30), (9, 2, 30), (9, 2, 0), (9, 1, 30), (0, 2, 30), (0, 1, 0)]
    ):
        guest = put_on_file(store, f"客{n}", birthday=Birthday("solar", 1996, 1, 1) if age else None)
        for days in range(visits):
            dine(store, guest, days + 1, yuan)
    night(store)

    def found(**where):
        question = read_segment({"where": {axis: [code] for axis, code in where.items()}})
        return count_in(question, store, TODAY)

    assert found(value="HIGH") == 4
    assert found(value="HIGH", potential="HIGH") == 3
    assert found(value="HIGH", potential="HIGH", service_need="HIGH") == 2
    assert count_in(read_segment({"where": {"value": ["HIGH", "LOW"]}}), store, TODAY) == 6
    both = {"where": {"value": ["HIGH"]}, "when": {"fact": "age", "op": ">=", "value": 18}}
    assert count_in(read_segment(both), store, TODAY) == 3


def test_labels_that_were_joined_are_found_one_by_one(store, head):
    use(store, {
        "id": "kinds", "name": "类", "kind": "labels", "axis": "kind", "tiers": [
            {"code": "X", "name": "甲", "when": {"fact": "visits_total", "op": ">=", "value": 1}},
            {"code": "Y", "name": "乙", "when": {"fact": "spend_total", "op": ">=", "value": 50}},
        ],
    })  # fmt: skip
    both, one = put_on_file(store, "两个"), put_on_file(store, "一个")
    dine(store, both, 1, 100)
    dine(store, one, 1, 10)
    night(store)
    assert guests_in(save(store, head, {"where": {"kind": ["Y"]}}), store, TODAY) == [both.pk]
    assert guests_in(save(store, head, {"where": {"kind": ["X"]}}, "甲"), store, TODAY) == [both.pk, one.pk]


def test_ten_long_stay_residents_are_all_in(store, head, manager):
    use(store, "fb_department_types")
    guests = [put_on_file(store, f"住{n}") for n in range(10)]
    put_on_file(store, "路过")
    for guest in guests:
        judge(
            store=store,
            customer_id=guest.pk,
            code="long_term",
            reason="长住",
            actor=manager,
            on=TODAY,
            at=NOON,
        )
    night(store, 0)
    segment = save(store, head, {"where": {"type": ["FIXED"]}})
    assert guests_in(segment, store, TODAY) == sorted(guest.pk for guest in guests)


def test_the_pages_of_a_segment_lose_nobody(store, head):
    guests = [put_on_file(store, f"客{n}") for n in range(7)]
    for n, guest in enumerate(guests):
        dine(store, guest, 1, 100 * (n // 2))
    segment = save(store, head, {"fact": "visits_total", "op": ">=", "value": 1})
    seen, cursor = [], ""
    while True:
        page = page_in(segment, store, TODAY, cursor, size=2)
        seen += [row.customer_id for row in page.rows]
        assert page.total == 7
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == [guests[n].pk for n in (6, 4, 5, 2, 3, 0, 1)]


def test_rules_and_labels_travel_through_json():
    assert rule_of({}, WOMEN) == WOMEN
    assert rule_of({"tier": ["A"], "card": []}, {"otherwise": True}) == {"where": {"tier": ["A"]}}
    whole = {"where": {"tier": ["A"]}, "when": WOMEN}
    assert rule_of({"tier": ["A"]}, WOMEN) == whole and parts_of(whole) == ({"tier": ["A"]}, WOMEN)
    assert parts_of(WOMEN) == ({}, WOMEN)


# ---- the builder ---------------------------------------------------------------------------------------------


def test_the_count_is_shown_before_anything_is_saved(desk, store, women):
    page = desk.post(reverse("segment-new"), fields_of(WOMEN, act="count"), headers={"HX-Request": "true"})
    assert page.status_code == 200 and page["HX-Reswap"] == "none"
    text = " ".join(page.content.decode().split())
    assert '<b class="big">2</b>' in text
    assert "<b>7</b> 位" in text  # women, alone
    assert not Segment.objects.exists()
    # The next line on the page counts for itself; without script it is the whole page.
    plain = desk.post(reverse("segment-new"), fields_of(WOMEN, act="count"))
    assert "<!doctype html>" in plain.content.decode() and plain.context["total"] == 2


def test_a_line_that_is_not_filled_in_counts_nothing_and_says_so(desk, store):
    page = desk.get(reverse("segment-new"))
    assert page.context["total"] is None and "还有 1 处要补全或改正" in page.content.decode()
    never = {"all": [{"fact": "age", "op": ">", "value": 40}, {"fact": "age", "op": "<", "value": 30}]}
    answer = desk.post(reverse("segment-new"), fields_of(never, act="save", name="矛盾"))
    assert answer.status_code == 422 and not Segment.objects.exists()
    assert answer.context["name"] == "矛盾" and "没有客人能满足" in answer.content.decode()


def test_a_segment_is_saved_listed_opened_changed_and_retired(desk, store, head, women):
    answer = desk.post(reverse("segment-new"), fields_of(WOMEN, act="save", name=" 常来的  女客 "))
    segment = Segment.objects.get()
    assert answer["location"] == reverse("segment", args=[segment.pk])
    assert (segment.name, segment.rule, segment.made_by) == ("常来的 女客", WOMEN, head)
    text = desk.get(reverse("segments")).content.decode()
    assert "常来的 女客" in text and '<td class="num strong">2</td>' in text
    text = desk.get(reverse("segment", args=[segment.pk])).content.decode()
    assert "今天有 2 位客人" in text and "性别：女" in text and "三十整" in text and "四十一" not in text
    edit = desk.get(reverse("segment-edit", args=[segment.pk]))
    assert edit.context["total"] == 2
    wider = {"profile": "sex", "in": ["f"]}
    desk.post(reverse("segment-edit", args=[segment.pk]), fields_of(wider, act="save", name="女客"))
    segment.refresh_from_db()
    assert (segment.name, segment.rule) == ("女客", wider)
    assert listed(store, TODAY)[0].guests == 7
    desk.post(reverse("segment-retire", args=[segment.pk]))
    segment.refresh_from_db()
    assert segment.retired_at == NOON and listed(store, TODAY) == []
    assert desk.get(reverse("segment-edit", args=[segment.pk])).status_code == 404
    assert "已停用" in desk.get(reverse("segment", args=[segment.pk])).content.decode()


def test_buttons_change_the_draft_and_keep_name_and_ticks(desk, store):
    use(store, "recent_month_abc")
    night(store)
    draft = fields_of(WOMEN, name="女客", act="remove:tier.0.when.3", **{"where.tier": "A"})
    page = desk.post(reverse("segment-new"), draft, headers={"HX-Request": "true"})
    assert [row.subject for row in page.context["tier"].when.items] == ["in:sex:f", "fact:age", "fact:age"]
    text = page.content.decode()
    assert 'value="女客"' in text and 'value="A" checked' in text


def test_a_quadrant_becomes_a_segment(desk, store):
    use(store, "recent_month_abc")
    guest = put_on_file(store, "常客")
    dine(store, guest, 2, 6000)
    put_on_file(store, "别人")
    night(store)
    page = desk.get(reverse("segment-new") + "?axis=tier&tier=A")
    assert page.context["total"] == 1 and page.context["name"] == "餐厅顾客分类（近一月）：A类顾客"
    empty = {"tier.0.when.is": "all", "where.tier": "A", "name": "A类", "act": "save"}
    assert desk.post(reverse("segment-new"), empty).status_code == 302
    segment = Segment.objects.get()
    assert segment.rule == {"where": {"tier": ["A"]}} and guests_in(segment, store, TODAY) == [guest.pk]
    assert "A类顾客" in desk.get(reverse("segment", args=[segment.pk])).content.decode()
    assert desk.get(reverse("segment-new") + "?axis=nothing&tier=A").status_code == 404


def test_a_name_is_needed_and_once(desk, store, head):
    save(store, head, WOMEN)
    for name, words in (("", "请给客群起个名字。"), ("女客", "已经有一个叫“女客”的客群了。")):
        answer = desk.post(reverse("segment-new"), fields_of(WOMEN, act="save", name=name))
        assert answer.status_code == 422 and words in answer.content.decode()
    assert Segment.objects.count() == 1
    # A retired one leaves its name.
    retire_segment(store=store, segment_id=Segment.objects.get().pk, at=NOON)
    assert desk.post(reverse("segment-new"), fields_of(WOMEN, act="save", name="女客")).status_code == 302


def test_nonsense_is_refused_or_harmless(desk, store):
    deep = WOMEN
    for _ in range(9):
        deep = {"all": [deep]}
    for fields in (
        fields_of({"fact": "no_such", "op": ">=", "value": 1}),
        fields_of(deep),
        {},
        {"tier.0.when.is": "kept", "tier.0.when.json": json.dumps({"sql": "'; DROP TABLE x"})},
        fields_of(WOMEN) | {"where.tier": "x" * 50},
    ):
        answer = desk.post(reverse("segment-new"), fields | {"act": "save", "name": "怪"})
        assert answer.status_code == 422, fields
    odd = fields_of(WOMEN) | {"where.o'x": "A'); --%s", "act": "count"}
    assert desk.post(reverse("segment-new"), odd).context["total"] == 0
    assert not Segment.objects.exists()


def test_who_may(store, head, hq, host):
    segment = save(store, head, WOMEN)
    for person, read, write in ((hq, 200, 403), (host, 403, 403)):
        client = Client()
        client.force_login(person)
        assert client.get(reverse("segment", args=[segment.pk])).status_code == read
        assert client.post(reverse("segment-retire", args=[segment.pk])).status_code == write
    assert Segment.objects.get().retired_at is None
