"""The calendar of festivals as a store keeps it: own days, days switched off, days corrected."""

from datetime import date

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.festivals import COMPUTED, Calendar, Change, Own, exists
from care.models import FestivalChange, Message, OwnFestival, Task
from care.playbook import Line, events
from care.services.festivals import (
    add_festival,
    calendar_of,
    move_festival,
    remove_festival,
    switch_festival,
)
from care.services.plans import change_line
from common.errors import NotHere, Refused
from common.festivals import festivals_in
from tests.care.stage import adopt, china, content, grade, guests, night, nights, plan_texts
from tests.cast import NOON

pytestmark = pytest.mark.django_db

MID_AUTUMN = date(2026, 9, 25)
TODAY = date(2026, 6, 3)
WHO = {"actor": None, "at": NOON}
ACCOUNT = {
    "SMS_PROVIDER": "aliyun", "SMS_ACCESS_KEY_ID": "id", "SMS_ACCESS_KEY_SECRET": "secret", "SMS_SIGN_NAME": "熟客",
}  # fmt: skip


@pytest.fixture
def average(store):
    adopt(store, "monthly_avg_abc")


@pytest.fixture
def recent(store):
    adopt(store, "recent_month_abc")


def move(store, on, *, code="mid_autumn", year=2026, whole_brand=False, today=TODAY):
    move_festival(store=store, whole_brand=whole_brand, code=code, year=year, on=on, today=today, **WHO)


def switch(store, off, *, code="mid_autumn", whole_brand=False):
    switch_festival(store=store, whole_brand=whole_brand, code=code, off=off, **WHO)


def add(store, name="店庆", kind="solar", *, whole_brand=False, **more):
    said = {"month": 10, "day": 18} | more if kind != "once" else more
    return add_festival(
        store=store, whole_brand=whole_brand, name=name, kind=kind, today=TODAY, **WHO, **said
    )


def calls():
    found = Task.objects.filter(code="a_reserve").order_by("customer")
    return list(found.values_list("occasion", "event_on", "due_on", "close_on", "state"))


# ---- the pure calendar ----


def test_without_edits_it_is_the_computed_one():
    for year in range(1901, 2101):
        mine = [(each.on, each.code, each.occasion) for each in COMPUTED.in_year(year)]
        assert mine == [
            (each.on, each.festival.code, f"festival:{each.festival.code}:{year}")
            for each in festivals_in(year)
        ]


@pytest.mark.parametrize(
    ("case", "own", "years"),
    [
        ("solar", Own("店庆@", "店庆", "店庆", "solar", 10, 18), {2026: ["2026-10-18"], 2027: ["2027-10-18"]}),
        ("29 February", Own("x@", "x", "x", "solar", 2, 29), {2027: ["2027-02-28"], 2028: ["2028-02-29"]}),
        ("lunar", Own("腊八@", "腊八", "腊八", "lunar", 12, 8), {2026: ["2026-01-26"], 2027: ["2027-01-15"]}),
        ("lunar day 30 in a month of 29", Own("x@", "x", "x", "lunar", 12, 30), {2026: ["2026-02-16"]}),
        ("a lunar day twice in a year", Own("x@", "x", "x", "lunar", 11, 25), {2027: ["2027-01-02", "2027-12-22"]}),
        ("once", Own("x@", "x", "x", "once", on=date(2026, 7, 4)), {2026: ["2026-07-04"], 2027: []}),
    ],
)  # fmt: skip
def test_case_101_a_festival_of_the_house(case, own, years):
    calendar = Calendar((own,))
    for year, expected in years.items():
        found = [each.on.isoformat() for each in calendar.in_year(year) if each.code == own.code]
        assert found == expected, case


def test_case_101_a_lunar_day_that_comes_twice_has_two_keys():
    twice = Calendar((Own("x@", "x", "x", "lunar", 11, 25),)).in_year(2027)
    assert [each.occasion for each in twice if each.code == "x@"] == ["festival:x@:2026", "festival:x@:2027"]


@pytest.mark.parametrize(
    ("calendar", "month", "day", "there"),
    [("solar", 2, 29, True), ("solar", 2, 30, False), ("solar", 4, 31, False), ("solar", 13, 1, False),
     ("lunar", 12, 30, True), ("lunar", 12, 31, False), ("lunar", 0, 1, False), ("solar", 5, 0, False)],
)  # fmt: skip
def test_case_104_days_that_there_are(calendar, month, day, there):
    assert exists(calendar, month, day) is there


def test_case_103_the_tact_of_two_days_is_not_edited_away():
    changes = {("qingming", None): Change(off=True), ("qingming", 2027): Change(on=date(2027, 4, 6))}
    edited = Calendar((), changes)
    assert edited.is_solemn(date(2026, 4, 5)) and edited.is_solemn(date(2027, 4, 5))
    assert edited.is_solemn(date(2026, 12, 13))
    assert not edited.is_solemn(date(2026, 12, 12))


def test_a_line_sees_the_stores_own_day():
    line = Line("x", "A", "festival", "phone", "打", "call", "head", occasions=("店庆@7",), lead_days=10)
    calendar = Calendar((Own("店庆@7", "店庆", "Our day", "solar", 10, 18),))
    (event,) = events(line, date(2026, 10, 8), calendar)
    assert (event.occasion, event.on, event.zh, event.en) == (
        "festival:店庆@7:2026", date(2026, 10, 18), "店庆", "Our day",
    )  # fmt: skip
    assert events(line, date(2026, 10, 7), calendar) == events(line, date(2026, 10, 8)) == []


# ---- the night follows ----


def test_case_102_a_day_moved_before_the_calls_moves_them(store, average):
    """Mid-Autumn put off to 27 September: the calls ten days before are owed on the 17th, not on the 15th."""
    guests(store, 3, "A", last_visit_on=date(2026, 9, 10))
    move(store, date(2026, 9, 27))
    nights(store, "2026-09-10", "2026-09-15")
    assert calls() == []
    night(store, "2026-09-16")
    assert (
        calls()
        == [("festival:mid_autumn:2026", date(2026, 9, 27), date(2026, 9, 17), date(2026, 9, 24), "open")] * 3
    )
    before = content()
    assert night(store, "2026-09-16")["opened"] == 0
    assert content() == before


def test_case_102_calls_that_are_open_already_go_along_once(store, average):
    guests(store, 3, "A", last_visit_on=date(2026, 9, 10))
    night(store, "2026-09-14")
    assert [each[2] for each in calls()] == [date(2026, 9, 15)] * 3
    done = Task.objects.filter(code="a_reserve").first()
    Task.objects.filter(pk=done.pk).update(state="done", settled_at=NOON)
    move(store, date(2026, 9, 28))
    # Two calls and the three cards.
    assert night(store, "2026-09-15")["festival_moved"] == 5
    moved = ("festival:mid_autumn:2026", date(2026, 9, 28), date(2026, 9, 18), date(2026, 9, 25), "open")
    assert sorted(calls()) == sorted(
        [("festival:mid_autumn:2026", MID_AUTUMN, date(2026, 9, 15), date(2026, 9, 22), "done"), moved, moved]
    )
    before = content()
    assert "festival_moved" not in night(store, "2026-09-15")
    assert content() == before
    move(store, MID_AUTUMN)
    night(store, "2026-09-16")
    # Back where it was; nobody is asked to have called the day before yesterday.
    assert {each[1:4] for each in calls() if each[4] == "open"} == {
        (MID_AUTUMN, date(2026, 9, 17), date(2026, 9, 22))
    }


def test_case_102_the_text_goes_on_the_new_day_and_only_then(store, recent, lapsed, settings):
    settings.SMS = ACCOUNT
    grade(lapsed, store, "C", last_visit_on=date(2026, 9, 20))
    move(store, date(2026, 9, 27))
    assert plan_texts(store, "2026-09-24")["planned"] == 0
    assert plan_texts(store, "2026-09-26")["planned"] == 1
    move(store, date(2026, 9, 29), today=date(2026, 9, 26))
    assert plan_texts(store, "2026-09-28")["planned"] == 0
    assert Message.objects.get(category="festival").planned_on == date(2026, 9, 27)


def test_case_102_switched_off_sends_none(store, average, settings):
    settings.SMS = ACCOUNT
    guests(store, 3, "A", last_visit_on=date(2026, 9, 10))
    night(store, "2026-09-14")
    switch(store, True)
    assert night(store, "2026-09-15")["festival_off"] == 6
    assert {(each[4]) for each in calls()} == {"closed"}
    assert set(Task.objects.filter(code="a_reserve").values_list("reason", flat=True)) == {"festival_off"}
    before = content()
    night(store, "2026-09-15")
    assert content() == before
    plan_texts(store, "2026-09-24")
    assert not Message.objects.exists()
    switch(store, False)
    night(store, "2026-09-16")
    assert [each[4] for each in calls()] == ["open"] * 3


def test_case_105_what_a_store_says_goes_before_its_brand(store, other_store, rival):
    switch(store, True, whole_brand=True)
    move(store, date(2026, 10, 4), code="national_day", whole_brand=True)
    assert calendar_of(store).is_off("mid_autumn") and calendar_of(other_store).is_off("mid_autumn")
    assert not calendar_of(rival).is_off("mid_autumn")
    switch(other_store, False)
    move(other_store, date(2026, 10, 5), code="national_day")
    assert calendar_of(store).is_off("mid_autumn") and not calendar_of(other_store).is_off("mid_autumn")
    days = [
        next(each.on for each in calendar_of(place).in_year(2026) if each.code == "national_day")
        for place in (store, other_store, rival)
    ]
    assert days == [date(2026, 10, 4), date(2026, 10, 5), date(2026, 10, 1)]


def test_case_105_two_stores_of_a_brand_have_each_its_own_day(store, other_store):
    add(store)
    add(other_store, month=11, day=2)
    codes = [
        [(each.occasion, each.on) for each in calendar_of(place).in_year(2026) if "店庆" in each.code]
        for place in (store, other_store)
    ]
    assert codes == [
        [(f"festival:店庆@{store.pk}:2026", date(2026, 10, 18))],
        [(f"festival:店庆@{other_store.pk}:2026", date(2026, 11, 2))],
    ]


@pytest.mark.parametrize(("solemn", "reason"), [(False, ""), (True, "solemn_day")])
def test_case_103_a_day_of_the_house_is_wished_unless_it_is_solemn(
    store, recent, regular, settings, solemn, reason
):
    settings.SMS = ACCOUNT
    grade(regular, store, "C", last_visit_on=date(2026, 9, 20))
    made = add(store, solemn=solemn)
    occasions = ("mid_autumn", f"{made.name}@{store.pk}")
    change_line(store=store, scheme_code="recent_month_abc", code="festival_text", occasions=occasions, **WHO)
    plan_texts(store, "2026-10-17")
    text = Message.objects.get()
    assert (text.reason, text.occasion) == (reason, f"festival:店庆@{store.pk}:2026")
    assert text.variables == {"name": "王总", "festival": "店庆"}


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"month": 2, "day": 30}, "festival_no_day", "day"),
        ({"kind": "lunar", "month": 12, "day": 31}, "festival_no_day", "day"),
        ({"month": None, "day": 3}, "festival_no_day", "day"),
        ({"name": "中秋"}, "festival_taken", "name"),
        ({"name": "庙会"}, "festival_taken", "name"),
        ({"name": "店庆20年"}, "festival_name", "name"),
        ({"name": ""}, "festival_name", "name"),
        ({"name": "一二三四五六七八九十百"}, "festival_name", "name"),
        ({"kind": "once", "once_on": TODAY}, "festival_past", "once_on"),
        ({"kind": "once"}, "festival_past", "once_on"),
    ],
)  # fmt: skip
def test_case_104_what_cannot_be_is_refused_with_a_sentence(store, said, code, field):
    add(store, "庙会")
    before = content(OwnFestival)
    with pytest.raises(Refused) as refused:
        add(store, said.pop("name", "店庆"), said.pop("kind", "solar"), **said)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert len(str(refused.value)) > 8 and str(refused.value) != code
    assert content(OwnFestival) == before


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"on": TODAY}, "festival_past"),
        ({"on": date(2027, 1, 2)}, "festival_year"),
        ({"on": date(2026, 7, 1), "code": "may_day"}, "festival_is_over"),
        ({"on": date(2026, 7, 1), "code": "christmas"}, "not_here"),
        ({"on": date(2040, 7, 1), "year": 2040}, "not_here"),
    ],
)
def test_case_104_a_day_that_is_over_is_not_corrected(store, said, code):
    with pytest.raises(Refused) as refused:
        move(store, **said)
    assert refused.value.code == code
    assert not FestivalChange.objects.exists()


def test_the_same_again_is_once(store):
    for _n in range(2):
        switch(store, True)
        move(store, date(2026, 10, 4), code="national_day")
    assert FestivalChange.objects.count() == 2
    switch(store, False)
    assert calendar_of(store).in_year(2026) != COMPUTED.in_year(2026)
    move(store, date(2026, 10, 1), code="national_day")
    assert calendar_of(store).in_year(2026) == COMPUTED.in_year(2026)


def test_a_day_of_the_house_is_taken_away_by_whose_it_is(store, other_store):
    add(store, whole_brand=True)
    add(store, "庙会")
    with pytest.raises(Refused):
        remove_festival(store=other_store, whole_brand=False, code="店庆@", at=NOON)
    with pytest.raises(NotHere):
        remove_festival(store=other_store, whole_brand=True, code=f"庙会@{store.pk}", at=NOON)
    assert len(calendar_of(store).own) == 2 and len(calendar_of(other_store).own) == 1
    switch(other_store, True, code="店庆@")
    remove_festival(store=store, whole_brand=True, code="店庆@", at=NOON)
    assert [each.code for each in calendar_of(store).own] == [f"庙会@{store.pk}"]
    add(store, whole_brand=True)
    assert not calendar_of(other_store).is_off("店庆@")


# ---- the page ----


@pytest.fixture
def desk(store, head):
    adopt(store, "monthly_avg_abc")
    client = Client()
    client.force_login(head)
    with time_machine.travel(china("2026-06-03 12:00"), tick=False):
        yield client


def test_the_page_shows_three_years_and_what_the_plan_does(desk, store):
    page = desk.get(reverse("festivals")).content.decode()
    assert all(f">{year}</th>" in page for year in (2026, 2027, 2028))
    assert "9月25日" in page and "前 10 天" in page and "计划里没有用到" in page


def test_a_day_is_added_and_corrected_on_the_page(desk, store):
    said = {"name": "店庆", "kind": "solar", "month": "10", "day": "18"}
    assert desk.post(reverse("festivals"), said).status_code == 302
    own = OwnFestival.objects.get()
    assert (own.store, own.name, own.month, own.day) == (store, "店庆", 10, 18)
    act = {"act": "move", "code": f"店庆@{store.pk}", "year": "2026", "to": "2026-10-20"}
    desk.post(reverse("festivals-act"), act)
    assert FestivalChange.objects.get().on == date(2026, 10, 20)
    page = desk.get(reverse("festivals")).content.decode()
    assert "10月20日" in page and "已改" in page
    line = desk.get(reverse("plan-line-new")).content.decode()
    assert f'value="店庆@{store.pk}"' in line


def test_a_wrong_day_is_said_beside_the_field(desk):
    answer = desk.post(reverse("festivals"), {"name": "店庆", "kind": "lunar", "month": "12", "day": "31"})
    assert answer.status_code == 422
    assert "没有这一天" in answer.content.decode()
    assert not OwnFestival.objects.exists()


def test_a_store_head_speaks_for_the_own_store_only(desk, store, hq):
    desk.post(reverse("festivals-act"), {"act": "off", "code": "qixi", "whole_brand": "1"})
    assert FestivalChange.objects.get().store == store
    boss = Client()
    boss.force_login(hq)
    boss.post(reverse("festivals-act"), {"act": "off", "code": "lantern", "whole_brand": "1"})
    assert FestivalChange.objects.get(code="lantern").store is None
