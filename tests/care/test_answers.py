"""What guests answered and what is said to them: tables for a festival, days of their own, the newly met, weekends."""

import uuid
from datetime import date, time, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.models import Anniversary, CareRules, PlanLine, Served, TableAnswer, Task, TaskEvent, TradeNews
from care.playbook import Line, anniversary_days, asks_for_table
from care.selectors.quota import continuity, in_time, quotas, seen_between, whole
from care.services import tasks
from care.services.anniversaries import forget_anniversary, tell_anniversary
from care.services.answers import TableSaid
from care.services.plans import add_line, plan_for
from care.services.served import write_served
from care.services.words import WEEKEND_WORDS, add_news, remove_news
from care.templatetags.care import answer_words, ready_words
from common.errors import NotHere, Refused
from crm import nightly
from customers.models import Booking, Customer, Patronage
from customers.preorder import read_dishes
from customers.selectors.bookings import booked_days, booked_on, next_booked_day
from customers.services.bookings import book, confirm_booking, lapse_bookings
from customers.services.visits import VisitInput, record_visit
from staff.models import Role
from tests.care.stage import adopt, china, content, grade, guests, night, nights
from tests.cast import NOON, put_on_file

pytestmark = pytest.mark.django_db

TODAY = date(2026, 6, 3)


@pytest.fixture
def average(store):
    adopt(store, "monthly_avg_abc")


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def task_of(store, customer, *, code="a_phone", due_on=TODAY, trigger="monthly", **more) -> Task:
    line = PlanLine.objects.filter(plan__store=store, code=code).first()
    said = {
        "store": store, "customer": customer, "line": line, "code": code, "occasion": f"x{uuid.uuid4().hex[:8]}",
        "channel": "phone", "zh": "电", "en": "call", "role": Role.HEAD, "due_on": due_on, "opened_on": due_on,
        "close_on": due_on + timedelta(days=5), "opened_at": NOON,
    }  # fmt: skip
    return Task.objects.create(**(said | more))


# ---- row 59: the call before a festival ----------------------------------------------------------------------


@pytest.fixture
def call(store, average, regular) -> Task:
    """The call ten days before Mid-Autumn 2026, to an A guest."""
    grade(regular, store, "A", last_visit_on=date(2026, 9, 10))
    night(store, "2026-09-14")
    return Task.objects.get(code="a_reserve")


def test_row_59_the_answer_yes_is_kept_and_listed_for_the_day(store, call, head):
    with time_machine.travel(china("2026-09-15 12:00"), tick=False):
        desk = signed_in(head)
        said = {
            "act": "done", "table": "yes", "table_on": "2026-09-25", "table_time": "18:00", "party": "10",
            "dishes": "清蒸石斑 ×1", "note": "要靠窗",
        }  # fmt: skip
        assert desk.post(reverse("task-act", args=[call.pk]), said).status_code == 302
        answer = TableAnswer.objects.get()
        assert (answer.wants_table, answer.on, answer.time, answer.party, answer.dishes) == (
            True, date(2026, 9, 25), time(18), 10, [{"name": "清蒸石斑", "number": 1}],
        )  # fmt: skip
        assert (answer.event.task_id, answer.event.outcome, answer.event.note) == (call.pk, "done", "要靠窗")
        printed = desk.get(reverse("list-tables")).content.decode()
        assert (
            "9月25日" in printed and "18:00" in printed and "清蒸石斑 ×1" in printed and "要靠窗" in printed
        )
        care = desk.get(reverse("customer-care", args=[call.customer_id])).content.decode()
        assert "留位 9月25日 周五 18:00，10 位 · 清蒸石斑 ×1" in care
    booking = Booking.objects.get()
    assert (booking.state, booking.party, booking.dishes) == (
        "confirmed",
        10,
        [{"name": "清蒸石斑", "number": 1}],
    )
    assert (booking.starts_at, booking.source, booking.made_by) == (china("2026-09-25 18:00"), "phone", head)
    assert answer.booking == booking and booked_on(store, date(2026, 9, 25)) == [booking]
    assert booked_on(store, date(2026, 9, 24)) == []
    assert booked_days(store, date(2026, 9, 15)) == [(date(2026, 9, 25), 1)]
    assert next_booked_day(store, date(2026, 9, 26)) is None


def test_row_59_a_second_table_at_the_same_time_is_refused_and_the_call_stays_open(store, call, head):
    at = china("2026-09-15 12:00")
    book(
        store=store, customer_id=call.customer_id, on=date(2026, 9, 25), arrives=time(18), party=2, actor=head, at=at
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        answer = TableSaid(True, date(2026, 9, 25), time(18), 10)
        tasks.complete_task(store=store, task_id=call.pk, actor=head, at=at, answer=answer)
    call.refresh_from_db()
    assert (refused.value.code, call.state, TableAnswer.objects.count()) == ("booking_there", "open", 0)


def test_row_59_no_table_is_an_answer_too(store, call, head):
    with time_machine.travel(china("2026-09-15 12:00"), tick=False):
        signed_in(head).post(reverse("task-act", args=[call.pk]), {"act": "done", "table": "no"})
    answer = TableAnswer.objects.get()
    assert (answer.wants_table, answer.on, answer.party, answer_words(answer)) == (
        False,
        None,
        None,
        "不用留位",
    )
    assert booked_days(store, date(2026, 9, 15)) == []


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, "要不要留位"),
        ({"table": "yes"}, "请填日期、时间和人数"),
        ({"table": "yes", "table_on": "2026-09-25", "table_time": "18:00", "party": "0"}, ""),
        ({"table": "yes", "table_on": "2026-09-14", "table_time": "18:00", "party": "4"}, "已经过去"),
        ({"table": "yes", "table_on": "2026-09-25", "table_time": "25:00", "party": "4"}, "请填一个时间"),
        ({"table": "no", "dishes": "石斑 ×0"}, "菜品看不懂"),
        ({"table": "no", "dishes": "鱼" * 41}, "菜品看不懂"),
    ],
)
def test_case_107_an_answer_that_cannot_be_settles_nothing(store, call, head, said, words):
    before = content()
    with time_machine.travel(china("2026-09-15 12:00"), tick=False):
        answer = signed_in(head).post(
            reverse("task-act", args=[call.pk]), {"act": "done", **said}, headers={"HX-Request": "true"}
        )
    assert answer.status_code == 422 and words in answer.content.decode()
    assert content() == before and not TableAnswer.objects.exists() and not TaskEvent.objects.exists()


@pytest.mark.parametrize(
    ("text", "dishes"),
    [
        ("", ()),
        ("清蒸石斑 ×1", (("清蒸石斑", 1),)),
        ("清蒸石斑x2，东坡肉*3份、例汤", (("清蒸石斑", 2), ("东坡肉", 3), ("例汤", 1))),
        ("毛肚\n\n 鸭血 X 2 ", (("毛肚", 1), ("鸭血", 2))),
    ],
)
def test_case_107_dishes_as_people_write_them(text, dishes):
    assert read_dishes(text) == dishes


def test_case_106_only_a_contact_before_a_festival_asks():
    before = Line(
        "x", "A", "festival", "phone", "打", "call", "head", occasions=("mid_autumn",), after_days=-10
    )
    assert asks_for_table(before)
    on_the_day = Line("x", "A", "festival", "phone", "打", "call", "head", occasions=("mid_autumn",))
    card = Line("x", "A", "festival", "card", "寄", "card", "head", occasions=("mid_autumn",), after_days=-5)
    assert not asks_for_table(on_the_day) and not asks_for_table(card)


def test_completing_twice_keeps_one_answer(store, call, head):
    answer = TableSaid(True, date(2026, 9, 25), time(18), 10)
    at = china("2026-09-15 12:00")
    for _n in range(2):
        tasks.complete_task(store=store, task_id=call.pk, actor=head, at=at, answer=answer)
    assert TableAnswer.objects.count() == TaskEvent.objects.count() == Booking.objects.count() == 1


# ---- row 39: the visit before a festival ---------------------------------------------------------------------


@pytest.fixture
def wang(store, average, regular) -> Task:
    """Prospect 王 is visited on 20 September, five days before Mid-Autumn."""
    grade(regular, store, "P")
    night(store, "2026-09-19")
    return Task.objects.get(code="p_festival_visit")


def test_row_39_a_visit_keeps_a_table_for_1_october_that_lapses_on_27_september(store, wang, manager):
    assert (wang.channel, wang.due_on) == ("visit", date(2026, 9, 20))
    with time_machine.travel(china("2026-09-20 15:00"), tick=False):
        said = {"act": "done", "table": "hold", "table_on": "2026-10-01", "table_time": "18:00", "party": "6"}
        assert signed_in(manager).post(reverse("task-act", args=[wang.pk]), said).status_code == 302
    booking = Booking.objects.get()
    assert (booking.state, booking.party, booking.source) == ("provisional", 6, "visit")
    assert (booking.starts_at, booking.lapses_on) == (china("2026-10-01 18:00"), date(2026, 9, 27))
    nightly.run(store.pk, date(2026, 9, 25), at=china("2026-09-26 04:30"), by_hand=True)
    booking.refresh_from_db()
    assert booking.state == "provisional"
    for freed in (1, 0):
        steps = nightly.run(store.pk, date(2026, 9, 26), at=china("2026-09-27 04:30"), by_hand=True)
        assert [step["lapsed"] for step in steps if step["step"] == "open_care"] == [freed]
        booking.refresh_from_db()
        assert (booking.state, booking.settled_at) == ("lapsed", china("2026-09-27 04:30"))


def test_row_39_a_confirmed_table_stays(store, wang, manager):
    answer = TableSaid(True, date(2026, 10, 1), time(18), 6, held=True)
    at = china("2026-09-20 15:00")
    tasks.complete_task(store=store, task_id=wang.pk, actor=manager, at=at, answer=answer)
    confirm_booking(store=store, booking_id=Booking.objects.get().pk, actor=manager, at=at)
    assert lapse_bookings(store=store, today=date(2026, 9, 30), at=at) == 0
    assert Booking.objects.get().state == "confirmed"


def test_row_39_no_gift_is_owed_to_an_official_body_while_the_switch_is_off(store, average, manager):
    people = guests(store, 3, "P")
    gift = Line(
        "p_gift", "P", "festival", "gift", "节日送礼", "gift", "manager", occasions=("mid_autumn",), lead_days=3
    )  # fmt: skip
    add_line(store=store, scheme_code="monthly_avg_abc", line=gift, actor=None, at=NOON)
    people[0].patronages.update(labels={"nature": "GOVERNMENT"})
    night(store, "2026-09-21")
    owed = Task.objects.filter(code="p_gift", state="open")
    assert {task.customer_id for task in owed} == {people[1].pk, people[2].pk}
    CareRules.objects.create(store=store, gifts_to_officials=True)
    night(store, "2026-09-22")
    assert owed.all().count() == 3


# ---- row 62: days of a guest's own ---------------------------------------------------------------------------


def tell(store, customer, **more):
    said = {
        "kind": "wedding",
        "month": 8,
        "day": 8,
        "year": 2010,
        "words": "",
        "actor": None,
        "at": NOON,
        "today": TODAY,
    }
    return tell_anniversary(store=store, customer_id=customer.pk, **(said | more))


def test_row_62_the_sixteenth_anniversary_of_a_wedding(store, average, regular):
    tell(store, regular)
    nights(store, "2026-08-01", "2026-08-03")
    assert not Task.objects.filter(code="any_anniversary").exists()
    night(store, "2026-08-04")
    task = Task.objects.get(code="any_anniversary")
    assert task.zh.startswith("结婚16周年：") and task.en.startswith("16th anniversary of the wedding: ")
    assert (task.event_on, task.due_on, task.close_on) == (
        date(2026, 8, 8),
        date(2026, 8, 8),
        date(2026, 8, 9),
    )
    assert ready_words(task) == "王总，祝您结婚16周年快乐，事事顺心！"
    before = content()
    night(store, "2026-08-04")
    assert content() == before
    nights(store, "2026-08-05", "2026-08-07")
    assert Task.objects.filter(code="any_anniversary").count() == 1


@pytest.mark.parametrize(
    ("told", "on", "zh"),
    [
        ({"kind": "company", "year": 2025}, date(2026, 8, 8), "公司成立1周年："),
        ({"year": None}, date(2026, 8, 8), "结婚纪念日："),
        ({"kind": "other", "words": "乔迁", "year": None}, date(2026, 8, 8), "乔迁："),
        ({"month": 2, "day": 29, "year": 2020}, date(2027, 2, 28), "结婚7周年："),
    ],
)
def test_case_108_which_one_and_when(store, average, regular, told, on, zh):
    tell(store, regular, **told)
    night(store, on - timedelta(days=1))
    task = Task.objects.get(code="any_anniversary")
    assert task.event_on == on and task.zh.startswith(zh)


def test_case_108_29_february_once_in_every_year():
    line = Line("x", "*", "anniversary", "wechat", "祝", "wish", "manager")
    for year in range(1930, 2061):
        days = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
        met = [
            on
            for day in days
            if day.year == year
            for month, number, on in anniversary_days(line, day)
            if (month, number) == (2, 29)
        ]
        assert met == [date(year, 2, 29) if year % 4 == 0 else date(year, 2, 28)], year


def test_case_108_nothing_cheerful_for_a_guest_in_mourning(store, average, regular):
    tell(store, regular)
    regular.tags.create(word="守孝", added_at=NOON)
    night(store, "2026-08-07")
    assert not Task.objects.filter(code="any_anniversary").exists()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"month": 2, "day": 30, "year": None}, "anniversary_no_day"),
        ({"month": 2, "day": 29, "year": 2023}, "anniversary_no_day"),
        ({"year": 2026}, "anniversary_future"),
        ({"year": 1899}, "anniversary_future"),
        ({"kind": "other"}, "anniversary_words"),
    ],
)
def test_case_108_days_that_cannot_be(store, regular, said, code):
    with pytest.raises(Refused) as refused:
        tell(store, regular, **said)
    assert refused.value.code == code and not Anniversary.objects.exists()


def test_any_number_of_days_and_none_twice(desk, store, other_store, regular):
    for said in (
        {"kind": "wedding", "month": "8", "day": "8", "year": "2010"},
        {"kind": "company", "month": "3", "day": "1"},
    ):
        desk.post(reverse("customer-anniversary", args=[regular.pk]), said)
    assert Anniversary.objects.filter(customer=regular).count() == 2
    with pytest.raises(Refused):
        tell(store, regular)
    with pytest.raises(NotHere):
        tell(other_store, regular, month=9)
    page = desk.get(reverse("customer-care", args=[regular.pk])).content.decode()
    assert "结婚纪念日 · 2010-08-08" in page
    with pytest.raises(NotHere):
        forget_anniversary(store=other_store, customer_id=regular.pk, pk=Anniversary.objects.first().pk)
    desk.post(
        reverse("customer-anniversary", args=[regular.pk]), {"forget": str(Anniversary.objects.first().pk)}
    )
    assert Anniversary.objects.count() == 1


@pytest.fixture
def desk(store, head):
    with time_machine.travel(NOON, tick=False):
        yield signed_in(head)


# ---- row 63: the newly met -----------------------------------------------------------------------------------


@pytest.fixture
def met(store, average, manager) -> Task:
    """单晓东 was put on file on 3 June at 20:10; the night after it owes him a word by the 4th."""
    put_on_file(
        store, "单晓东", china("2026-06-03 20:10"), phone="13700003344", external_id="C003", owner=manager
    )
    night(store, "2026-06-03")
    return Task.objects.get(code="new_guest")


@pytest.mark.parametrize(
    ("at", "counts", "rate"),
    [("2026-06-04 10:00", (1, 0, 0, 0), 1.0), ("2026-06-05 10:00", (0, 1, 0, 0), 0.0)],
)
def test_row_63_in_time_the_next_day_and_late_the_day_after(store, met, manager, at, counts, rate):
    assert (met.event_on, met.due_on, met.assignee) == (date(2026, 6, 3), date(2026, 6, 4), manager)
    assert "单晓东，很高兴认识您" in ready_words(met)
    assert [each.open for each in in_time(store, date(2026, 6, 1))] == [1]
    tasks.complete_task(store=store, task_id=met.pk, actor=manager, at=china(at))
    (line,) = in_time(store, date(2026, 6, 1))
    assert ((line.in_time, line.late, line.missed, line.open), line.rate) == (counts, rate)


def test_case_109_once_and_not_for_a_file_of_guests(store, met):
    before = content()
    night(store, "2026-06-03")
    assert content() == before
    together = Customer.objects.bulk_create(
        Customer(brand_id=store.brand_id, name=f"客{n}", created_at=china("2026-06-04 15:00"))
        for n in range(3)
    )
    Patronage.objects.bulk_create(
        Patronage(customer=each, store=store, external_id=f"F{n}", since=date(2026, 6, 4))
        for n, each in enumerate(together)
    )
    night(store, "2026-06-04")
    assert Task.objects.filter(code="new_guest").count() == 1


def test_case_109_missed_is_not_in_time(store, met):
    nights(store, "2026-06-04", "2026-06-08")
    (line,) = in_time(store, date(2026, 6, 1))
    assert (line.in_time, line.late, line.missed, line.open, line.rate) == (0, 0, 1, 0, 0.0)


# ---- row 64, 66: why, and late -------------------------------------------------------------------------------


def test_row_64_on_holiday_says_why_and_the_call_waits(store, average, regular, head):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    nights(store, "2026-06-11", "2026-06-12")
    call = Task.objects.get(code="a_no_show")
    with time_machine.travel(china("2026-06-12 12:00"), tick=False):
        said = {"act": "postpone", "why": "holiday", "next_on": "2026-06-20", "note": "去海边"}
        signed_in(head).post(reverse("task-act", args=[call.pk]), said)
        page = signed_in(head).get(reverse("tasks") + "?who=all").content.decode()
    call.refresh_from_db()
    event = call.events.get()
    assert (call.due_on, call.state, event.why, event.get_why_display()) == (
        date(2026, 6, 20),
        "open",
        "holiday",
        "度假",
    )
    assert all(word in page for word in ("出差", "度假", "忙其它事情"))


@pytest.mark.parametrize(("at", "late"), [("2026-06-08 18:00", 0), ("2026-06-09 10:00", 1)])
def test_row_66_done_on_the_ninth_is_late(store, regular, head, at, late):
    plan_for(store, "default", NOON).lines.filter(code="return_visit").update(enabled=True)
    grade(regular, store, "", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    grade(regular, store, "", last_visit_on=date(2026, 6, 5))
    nights(store, "2026-06-02", "2026-06-07")
    call = Task.objects.get(code="return_visit")
    assert call.due_on == date(2026, 6, 8)
    tasks.complete_task(store=store, task_id=call.pk, actor=head, at=china(at))
    (line,) = in_time(store, date(2026, 6, 1))
    assert (line.in_time, line.late) == (1 - late, late)


# ---- row 67: the month's contacts ----------------------------------------------------------------------------


def test_row_67_fifty_one_of_sixty_are_85_percent(store, average, head, manager):
    plan = plan_for(store, "recent_month_abc", NOON)
    adopt(store, "recent_month_abc")
    assert plan.lines.filter(trigger="monthly", tier="A", times=2, channel="phone").exists()
    for n, tier in enumerate(["A"] * 8 + ["B"] * 12):
        guests(store, 1, tier, last_visit_on=date(2026, 5, 31), first=n + 1)
    nights(store, "2026-05-31", "2026-06-29")
    june = Task.objects.filter(line__trigger="monthly", due_on__range=("2026-06-01", "2026-06-30"))
    assert june.count() == 60
    Task.objects.filter(pk__in=june.order_by("pk").values("pk")[:51]).update(state="done", settled_at=NOON)
    assert Task.objects.filter(channel="event", due_on__month=6).exists()  # beside the contacts
    total = whole(quotas(store, date(2026, 6, 1), date(2026, 7, 1)))
    assert (total.done, total.owed, total.rate) == (51, 60, 0.85)
    with time_machine.travel(china("2026-07-01 12:00"), tick=False):
        assert "85.0%" in signed_in(head).get(reverse("care-quotas") + "?month=2026-06").content.decode()


def test_row_40_one_call_of_two_and_no_visit_is_a_third(store, head, regular):
    plan_for(store, "recent_month_abc", NOON)
    first = task_of(store, regular, assignee=head)
    task_of(store, regular, assignee=head)
    task_of(store, regular, code="a_visit", channel="visit", assignee=head, state="expired")
    task_of(
        store, regular, code="a_visit", channel="visit", assignee=head, state="closed", reason="tier_changed"
    )
    tasks.complete_task(store=store, task_id=first.pk, actor=head, at=NOON)
    (row,) = quotas(store, date(2026, 6, 1), TODAY)
    assert (row.person, row.channels) == (head, {"phone": (1, 2), "visit": (0, 1)})
    assert (f"{row.rate:.0%}", row.overdue) == ("33%", 1)


# ---- row 69: weekends ----------------------------------------------------------------------------------------


def test_row_69_four_in_building_get_their_news_and_each_one_greeting(store, average):
    trades = ["建材"] * 4 + [""] * 6 + ["教育"] * 20
    for person, trade in zip(guests(store, 30, "B", last_visit_on=date(2026, 6, 1)), trades, strict=True):
        Customer.objects.filter(pk=person.pk).update(industry=trade)
    said = {"store": store, "until": date(2026, 6, 7), "actor": None, "at": NOON, "today": TODAY}
    add_news(industry="建材", words="${name}，听说钢材降价了。周末愉快！", **said)
    nights(store, "2026-06-01", "2026-06-05")
    week = Task.objects.filter(code="b_weekend", occasion="weekly:2026-W23:1")
    assert week.count() == 30 and week.values("customer").distinct().count() == 30
    assert {task.due_on.isoweekday() for task in week} == {6}
    words = {"建材": set(), "": set(), "教育": set()}
    for task in week.select_related("customer"):
        words[task.customer.industry].add(task.words)
    assert words == {
        "建材": {"${name}，听说钢材降价了。周末愉快！"},
        "": {WEEKEND_WORDS},
        "教育": {WEEKEND_WORDS},
    }
    before = content()
    night(store, "2026-06-05")
    assert content() == before


def test_case_111_the_newest_that_is_not_over(store, other_store, rival, average):
    person = guests(store, 1, "B", last_visit_on=date(2026, 6, 1))[0]
    Customer.objects.filter(pk=person.pk).update(industry="建材贸易")
    said = {"actor": None, "at": NOON, "today": TODAY}
    add_news(store=store, industry="建材", words="早些的话", until=date(2026, 6, 30), **said)
    add_news(store=store, industry="建材", words="新的话，过期了", until=date(2026, 6, 5), **said)
    add_news(store=store, industry="", words="大家的话", until=date(2026, 6, 30), **said)
    add_news(store=other_store, industry="建材", words="别店的话", until=date(2026, 6, 30), **said)
    add_news(store=rival, industry="建材", words="别家的话", until=date(2026, 6, 30), **said)
    night(store, "2026-06-04")
    assert Task.objects.get(code="b_weekend").words == "早些的话"
    with pytest.raises(NotHere):
        remove_news(store=store, pk=TradeNews.objects.get(words="别店的话").pk)
    remove_news(store=store, pk=TradeNews.objects.get(words="早些的话").pk)
    night(store, "2026-06-04")
    assert Task.objects.get(code="b_weekend").words == "大家的话"


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"words": "好", "until": "2026-06-27"}, "words"),
        ({"words": "周末愉快！", "until": "2026-06-19"}, "until"),
    ],
)
def test_news_that_cannot_be_is_refused(desk, said, field):
    answer = desk.post(reverse("trade-news"), said)
    assert answer.status_code == 422 and answer.context["form"].errors.keys() == {field}
    assert not TradeNews.objects.exists()


# ---- row 167: who serves the own guests ----------------------------------------------------------------------


def test_row_167_39_of_50_visits_were_served_by_the_owner(store, other_store, head, manager, regular, lapsed):
    Patronage.objects.filter(customer=regular).update(owner=manager)
    for n in range(52):
        record_visit(
            store=store, visit_id=uuid.UUID(int=n + 1), entry="api", actor=None, at=NOON,
            visit=VisitInput(NOON - timedelta(minutes=n), 100, customer_id=regular.pk, external_id=f"B{n}"),
        )  # fmt: skip
    record_visit(
        store=store, visit_id=uuid.UUID(int=99), entry="api", actor=None, at=NOON,
        visit=VisitInput(NOON, 100, customer_id=lapsed.pk, external_id="C0"),
    )  # fmt: skip
    for n in range(50):
        by, note = (manager, "") if n < 39 else (head, "经理休息，客人爱坐靠窗")
        write_served(store=store, visit_id=uuid.UUID(int=n + 1), by=by, note=note, actor=head, at=NOON)
    seen = seen_between(store, NOON.date(), NOON.date())
    told = continuity(seen)
    assert (told.by_owner, told.told, told.handed, told.untold, f"{told.rate:.1%}") == (
        39,
        50,
        11,
        2,
        "78.0%",
    )
    assert seen_between(other_store, NOON.date(), NOON.date()) == []
    with time_machine.travel(NOON, tick=False):
        assert "78.0%" in signed_in(head).get(reverse("list-served")).content.decode()


def test_case_112_somebody_else_leaves_a_word(desk, store, other_store, head, manager, regular):
    Patronage.objects.filter(customer=regular).update(owner=manager)
    visit = record_visit(
        store=store, visit_id=uuid.UUID(int=7), entry="api", actor=None, at=NOON,
        visit=VisitInput(NOON, 100, customer_id=regular.pk, external_id="B7"),
    ).visit_id  # fmt: skip
    with pytest.raises(Refused) as refused:
        write_served(store=store, visit_id=visit, by=head, note=" ", actor=head, at=NOON)
    assert refused.value.code == "handover_note" and not Served.objects.exists()
    with pytest.raises(NotHere):
        write_served(store=other_store, visit_id=visit, by=head, note="代班", actor=head, at=NOON)
    desk.post(reverse("list-served"), {"bill": "B7", "by": str(head.pk), "note": "代班"})
    desk.post(reverse("list-served"), {"bill": "B7", "by": str(manager.pk), "note": ""})
    assert [(each.by, each.note) for each in Served.objects.all()] == [(manager, "")]


# ---- row 166: who sees whom ----------------------------------------------------------------------------------


def test_row_166_an_a_guests_gestures_lie_with_the_head_or_the_owner(store, average, head, manager):
    _first, second = guests(store, 2, "A", last_visit_on=date(2026, 9, 10))
    Patronage.objects.filter(customer=second).update(owner=manager)
    night(store, "2026-09-14")
    calls = Task.objects.filter(code="a_reserve")
    assert [(task.role, task.assignee) for task in calls.order_by("customer")] == [
        ("head", None),
        ("head", manager),
    ]
