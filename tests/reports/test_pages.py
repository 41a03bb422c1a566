"""Today, the nights, the ladder over the months: the pages."""

import uuid
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.birthdays import Birthday
from crm import nightly
from customers.services.visits import VisitInput, record_visit
from loyalty.services.keeping import keep, stop_keeping
from ops.models import Run
from reports.models import StoreDay
from reports.selectors import tier_months
from tests.cast import NOON, put_on_file
from tiering.services.schemes import adopt_preset

TODAY = date(2026, 6, 20)
YESTERDAY = date(2026, 6, 19)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def desk(head) -> Client:
    return signed_in(head)


def dine(store, guest, days_ago: int, yuan: int = 100) -> None:
    when = NOON - timedelta(days=days_ago)
    record_visit(
        store=store, visit_id=uuid.uuid4(), entry="api", actor=None, at=when,
        visit=VisitInput(visited_at=when, amount_fen=yuan * 100, customer_id=guest.pk),
    )  # fmt: skip


def test_the_night_is_told_in_one_sentence_with_numbers(desk, store, head, regular, lapsed):
    """One rises by a bill of ¥5,500; of the other ¥6,000 leave the thirty days."""
    adopt_preset(
        store=store, code="recent_month_abc", from_date=TODAY - timedelta(days=90), actor=head, at=NOON
    )
    dine(store, regular, 40, 100)
    dine(store, lapsed, 31, 6000)
    dine(store, lapsed, 25, 100)
    nightly.run(store.pk, YESTERDAY - timedelta(days=1), at=NOON, by_hand=True)
    dine(store, regular, 1, 5500)
    nightly.run(store.pk, YESTERDAY, at=NOON, by_hand=True)
    page = desk.get(reverse("today"))
    told = "6月19日 周五夜里看了 <b>2</b> 位客人：<b>1</b> 位升级，<b>1</b> 位降级，<b>0</b> 位新评级"
    assert told in page.content.decode()
    assert "当天 1 桌、1 位登记客人，消费 ¥5,500" in page.content.decode()
    assert [(m.called, m.previous, m.tier) for m in page.context["moved"]] == [
        ("王总", "C", "A"),
        ("李梅", "A", "C"),
    ]
    assert "近30天消费 ¥100，保级要 ¥5,000" in page.content.decode()


def test_who_rose_is_shown_with_the_number_that_made_it(desk, store, head, regular):
    adopt_preset(
        store=store, code="recent_month_abc", from_date=TODAY - timedelta(days=90), actor=head, at=NOON
    )
    dine(store, regular, 50, 100)
    nightly.run(store.pk, YESTERDAY - timedelta(days=1), at=NOON, by_hand=True)
    dine(store, regular, 1, 5500)
    nightly.run(store.pk, YESTERDAY, at=NOON, by_hand=True)
    page = desk.get(reverse("today"))
    assert [(m.called, m.previous, m.tier, m.rose) for m in page.context["moved"]] == [
        ("王总", "C", "A", True)
    ]
    assert "近30天消费 ¥5,500，门槛 ¥5,000" in page.content.decode()


def test_before_the_first_night_the_page_says_what_to_do(desk, store):
    page = desk.get(reverse("today")).content.decode()
    assert "还没有跑过夜间作业" in page and reverse("schemes") in page


def test_birthdays_of_both_calendars_are_there_for_a_week(desk, store):
    # 20 June 2026 is the sixth day of the fifth lunar month.
    put_on_file(store, "今天公历", birthday=Birthday("solar", 1980, 6, 20))
    put_on_file(store, "今天农历", birthday=Birthday("lunar", None, 5, 6))
    put_on_file(store, "七天后", birthday=Birthday("solar", None, 6, 27))
    put_on_file(store, "八天后", birthday=Birthday("solar", None, 6, 28))
    put_on_file(store, "昨天", birthday=Birthday("solar", None, 6, 19))
    page = desk.get(reverse("today"))
    assert sorted(b.patronage.customer.name for b in page.context["born_today"]) == ["今天公历", "今天农历"]
    assert [(b.patronage.customer.name, b.on) for b in page.context["born_soon"]] == [
        ("七天后", date(2026, 6, 27))
    ]
    # The day is said once: a lunar birthday has its own name for it.
    body = page.content.decode()
    assert "农历五月初六" in body and "6月27日 周六" in body and body.count("6月27日") == 1


@pytest.mark.parametrize(
    ("days", "slips"),
    [
        ((66, 59, 52, 45), True),  # every 7 days, away for 45
        ((41, 34, 27, 20), False),  # away for 20 days: not yet three weeks
        ((68, 53, 38, 30), False),  # every 13 days, away for 30: more than twice, less than three times
        ((45, 38, 31, 24), True),  # every 7 days, away for 24: more than three times
        ((66, 59, 52), False),  # three visits make no regular
        ((300, 290, 280, 270), False),  # gone for more than half a year
    ],
)
def test_a_regular_slips_away_after_three_times_the_usual_rest(desk, store, regular, days, slips):
    for ago in days:
        dine(store, regular, ago)
    shown = desk.get(reverse("today")).context["slipping"]
    assert [s.patronage.customer for s in shown] == ([regular] if slips else [])
    if slips:
        assert (shown[0].away, shown[0].usual) == (days[-1], 7)


def held_night(store, on: date = YESTERDAY) -> Run:
    run = Run.objects.create(
        store_id=store.pk, business_date=on, created_at=NOON, state="held", token=3, started_at=NOON
    )
    counts = {
        "changed": 60,
        "rose": 5,
        "fell": 55,
        "graded": 100,
        "unexplained": 12,
        "limit_percent": 5,
        "held": True,
    }
    run.steps.create(
        token=2, position=1, name="retier", started_at=NOON, finished_at=NOON, counts={"changed": 1}
    )
    run.steps.create(token=3, position=1, name="retier", started_at=NOON, finished_at=NOON, counts=counts)
    return run


def test_a_held_night_waits_with_its_numbers(desk, store, manager):
    held_night(store)
    assert "要变动 <b>60</b> 位客人" in desk.get(reverse("today")).content.decode()
    page = desk.get(reverse("nights")).content.decode()
    assert "超过了 5% 的刹车" in page and "放行" in page
    # A manager reads it; the store head decides.
    seen = signed_in(manager).get(reverse("nights")).content.decode()
    assert "请店长来确认" in seen and "night-approve" not in seen


def test_a_held_night_is_let_through_once(desk, store, head):
    run = held_night(store)
    desk.post(reverse("night-approve", args=[run.pk]))
    run.refresh_from_db()
    assert (run.state, run.approved_by_id) == ("new", head.pk)
    assert "不在等待确认" in desk.post(reverse("night-approve", args=[run.pk]), follow=True).content.decode()


def test_an_approved_night_runs_without_the_brake(desk, store, head, regular):
    adopt_preset(
        store=store, code="recent_month_abc", from_date=TODAY - timedelta(days=90), actor=head, at=NOON
    )
    run = held_night(store)
    desk.post(reverse("night-approve", args=[run.pk]))
    nightly.run(store.pk, YESTERDAY, at=NOON, by_hand=False)
    run.refresh_from_db()
    assert run.state == "done"
    assert "由 陈店长 确认放行" in desk.get(reverse("nights")).content.decode()


def test_a_night_that_failed_says_why(desk, store):
    Run.objects.create(
        store_id=store.pk,
        business_date=YESTERDAY,
        created_at=NOON,
        state="failed",
        error="DataError: x",
        finished_at=NOON,
    )
    assert "DataError: x" in desk.get(reverse("nights")).content.decode()
    assert "没有跑完" in desk.get(reverse("today")).content.decode()


def test_another_stores_nights_stay_there(desk, other_store):
    run = held_night(other_store)
    assert desk.get(reverse("nights")).context["nights"] == []
    assert desk.post(reverse("night-approve", args=[run.pk])).status_code == 404


def test_the_months_show_the_last_day_counted_of_each(desk, store):
    for on, guests in (
        (date(2026, 4, 10), 1),
        (date(2026, 4, 28), 2),
        (date(2026, 6, 1), 3),
        (date(2026, 6, 19), 4),
    ):
        StoreDay.objects.create(
            store=store, business_date=on, visits=0, guests=0, revenue_fen=0, tiers={"A": guests}
        )
    assert [(d.business_date, d.tiers["A"]) for d in tier_months(store, TODAY)] == [
        (date(2026, 4, 28), 2), (date(2026, 6, 19), 4),
    ]  # fmt: skip
    slot = desk.get(reverse("tier-chart"), headers={"HX-Request": "true"})
    assert slot.context["chart"]["months"] == ["2026-04", "2026-06"]
    assert (
        "<html" not in slot.content.decode() and "<html" in desk.get(reverse("tier-chart")).content.decode()
    )


def test_what_is_kept_for_guests_and_low_is_told_today(
    desk, store, other_store, manager, waiter, regular, lapsed
):
    def put(where, guest, what: str, left: int):
        return keep(store=where, customer_id=guest.pk, what=what, left=left, alert_at=1, actor=None, at=NOON)

    put(store, regular, "绍兴黄酒", 2)
    put(other_store, put_on_file(other_store, "别人", phone="13500001111"), "茅台", 0)
    page = desk.get(reverse("today"))
    assert page.context["low_number"] == 0 and "要补货" not in page.content.decode()
    put(store, lapsed, "龙井", 1)
    red = put(store, regular, "X牌红酒", 0)
    page = signed_in(manager).get(reverse("today"))
    words = page.content.decode()
    assert [(row.what, row.left) for row in page.context["low"]] == [("X牌红酒", 0), ("龙井", 1)]
    assert '要补货 <span class="count hot">2</span>' in words and f'href="{reverse("kept")}"' in words
    assert words.index("X牌红酒") < words.index("龙井") and "绍兴黄酒" not in words and "茅台" not in words
    for n in range(6):
        put(store, regular, f"酒{n}", 0)
    page = desk.get(reverse("today"))
    assert (page.context["low_number"], len(page.context["low"])) == (8, 6)
    assert "还有 2 样" in page.content.decode()
    stop_keeping(store=store, kept_id=red.pk, actor=None, at=NOON)
    assert desk.get(reverse("today")).context["low_number"] == 7
    assert signed_in(waiter).get(reverse("today")).status_code == 403
