"""The lists people work from: birthdays to print, who stays away, before the shift, the contact log."""

import uuid
from datetime import date, time, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.models import ListRead, Task, TaskEvent
from care.selectors.lists import absent, birthdays_of_month, briefing, contacts, lapsed_large, reading
from common.birthdays import Birthday
from customers.models import Patronage
from customers.services.bookings import book, cancel_booking
from customers.services.visits import VisitInput, record_visit
from staff.models import Role
from tests.care.stage import adopt, china, due_text, grade, guests
from tests.cast import NOON, hire, put_on_file

TODAY = NOON.date()


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def desk(store, head) -> Client:
    adopt(store, "recent_month_abc")
    return signed_in(head)


# ---- row 61 --------------------------------------------------------------------------------------------------


def test_row_61_the_list_of_june_is_sorted_by_day_and_has_no_july(store, head):
    adopt(store, "recent_month_abc")
    for n, (tier, month, day) in enumerate(
        [("A", 6, 21), ("B", 6, 3), ("A", 7, 1), ("C", 6, 9), ("B", 6, 30), ("A", 5, 31)]
    ):
        guests(store, 1, tier, born=Birthday("solar", None, month, day), first=n + 1)
    june = birthdays_of_month(store, date(2026, 6, 1), date(2026, 5, 31))
    assert [(each.on.isoformat(), each.guest.tier) for each in june] == [
        ("2026-06-03", "B"), ("2026-06-21", "A"), ("2026-06-30", "B"),
    ]  # fmt: skip


def test_without_a_scheme_every_guest_with_a_tier_is_on_the_list(store):
    guests(store, 1, "X", born=Birthday("solar", None, 6, 3))
    guests(store, 1, "", born=Birthday("solar", None, 6, 3), first=2)
    assert len(birthdays_of_month(store, date(2026, 6, 1), TODAY)) == 1


def test_a_lunar_birthday_stands_on_its_day_of_this_year(store, regular):
    """The 15th of the eighth month is Mid-Autumn, 25 September 2026."""
    adopt(store, "recent_month_abc")
    grade(regular, store, "A")
    assert [each.on for each in birthdays_of_month(store, date(2026, 9, 1), TODAY)] == [date(2026, 9, 25)]
    assert birthdays_of_month(store, date(2026, 8, 1), TODAY) == []


def test_born_on_29_february_stands_on_the_28th_in_a_common_year(store):
    guests(store, 1, "A", born=Birthday("solar", 1988, 2, 29))
    assert [each.on for each in birthdays_of_month(store, date(2027, 2, 1), TODAY)] == [date(2027, 2, 28)]


def test_the_page_shows_month_and_day_and_never_the_year(desk, store):
    guests(store, 1, "A", born=Birthday("solar", 1963, 7, 21))
    page = desk.get(reverse("list-birthdays")).content.decode()
    assert "7 月过生日的贵宾" in page and "7月21日" in page and "1963" not in page
    assert (
        "这个月没有贵宾过生日" in desk.get(reverse("list-birthdays"), {"month": "2026-09"}).content.decode()
    )
    assert "7月21日" in desk.get(reverse("list-birthdays"), {"month": "nonsense"}).content.decode()


def test_row_61_seven_of_nine_have_read_it(store):
    people = [hire(f"p{n}", f"员工{n}", Role.WAITER, store) for n in range(9)]
    hire("boss2", "老板", Role.HQ, store, brand_wide=True)
    for person in people[:7]:
        for _twice in range(2):
            form = {"list": "birthdays:2026-07", "next": reverse("list-birthdays")}
            assert signed_in(person).post(reverse("list-read"), form)["location"] == reverse("list-birthdays")
    told = reading(store, "birthdays:2026-07", people[8], TODAY)
    assert (told.done, told.of, told.mine, told.missing) == (7, 9, False, people[7:])
    assert "9 人中 7 人已确认看过" in signed_in(people[8]).get(reverse("list-birthdays")).content.decode()


@pytest.mark.parametrize(
    "name", ["", "x", "birthdays:", "birthdays:2026-13", "briefing:2026-06", "briefing:9999-01-01"]
)
def test_a_list_that_is_none_is_not_read(desk, name):
    assert desk.post(reverse("list-read"), {"list": name}).status_code == 302
    assert not ListRead.objects.exists()


# ---- rows 64 and 65 ------------------------------------------------------------------------------------------


def test_row_64_ten_days_make_an_absence(store):
    guest = guests(store, 1, "A", last_visit_on=date(2026, 6, 1))[0]
    for on, number in (
        (date(2026, 6, 10), 0),
        (date(2026, 6, 11), 1),
        (date(2026, 7, 30), 1),
        (date(2026, 7, 31), 0),
    ):
        assert len(absent(store, on)) == number, on
    grade(guest, store, "A", last_visit_on=date(2026, 6, 10))
    assert absent(store, date(2026, 6, 11)) == []


@pytest.mark.parametrize(
    ("case", "tier", "spent", "on", "listed"),
    [
        ("more than two months", "A", 0, date(2026, 6, 2), True),
        ("exactly two months", "A", 0, date(2026, 6, 1), False),
        ("large by what was spent", "C", 2_000_000, date(2026, 6, 2), True),
        ("neither", "C", 1_999_999, date(2026, 6, 2), False),
    ],
)
def test_row_65_large_customers_who_have_not_come_for_more_than_two_months(
    store, case, tier, spent, on, listed
):
    adopt(store, "recent_month_abc")
    guests(store, 1, tier, last_visit_on=date(2026, 4, 1))
    Patronage.objects.update(spend_total_fen=spent)
    assert bool(lapsed_large(store, on, 2_000_000)) == listed


def test_a_large_customer_is_given_an_owner_from_the_list(desk, store, manager, stranger):
    guest = guests(store, 1, "A", last_visit_on=date(2026, 4, 1))[0]
    assert "客人1" in desk.get(reverse("list-absent")).content.decode()
    where = reverse("list-owner", args=[guest.pk])
    assert "请选一位在职的同事" in desk.post(where, {"owner": stranger.pk}, follow=True).content.decode()
    desk.post(where, {"owner": manager.pk})
    assert Patronage.objects.get(customer=guest).owner == manager
    assert signed_in(stranger).post(where, {"owner": manager.pk}).status_code == 404


def test_the_sum_that_makes_a_guest_large_is_asked_on_the_page(desk, store):
    guests(store, 1, "C", last_visit_on=date(2026, 4, 1))
    Patronage.objects.update(spend_total_fen=500_000)
    for over, number in (("5000", 1), ("5001", 0), ("x", 0), ("9" * 30, 0)):
        assert len(desk.get(reverse("list-absent"), {"over": over}).context["lapsed"]) == number


# ---- row 171 -------------------------------------------------------------------------------------------------


def came(store, guest, *weeks: int) -> None:
    for week in weeks:
        when = NOON - timedelta(weeks=week)
        record_visit(
            store=store, visit_id=uuid.uuid4(), entry="api", actor=None, at=when,
            visit=VisitInput(visited_at=when, amount_fen=100_00, customer_id=guest.pk),
        )  # fmt: skip


def test_row_171_six_vips_are_expected_and_five_cards_are_drawn(desk, store):
    people = guests(store, 20, "A")
    for guest in people[:6]:
        came(store, guest, 1, 2, 3)
    came(store, people[6], 1, 2)  # twice is no habit
    came(store, people[7], 1, 2, 9)  # nine weeks back is long ago
    ordinary = guests(store, 1, "C", first=50)[0]
    came(store, ordinary, 1, 2, 3)
    told = briefing(store, TODAY)
    assert {each.customer_id for each in told.expected} == {guest.pk for guest in people[:6]}
    cards = [each.customer_id for each in told.cards]
    assert len(set(cards)) == 5 and not set(cards) & {guest.pk for guest in people[:6]}
    assert briefing(store, TODAY) == told
    days = [
        tuple(each.customer_id for each in briefing(store, TODAY + timedelta(days=n)).cards) for n in range(7)
    ]
    assert len(set(days)) > 1


def test_row_171_six_vip_bookings_and_five_cards(desk, store, head):
    people = guests(store, 20, "A")
    for n, guest in enumerate(people[:6]):
        reserve(store, guest, 11 + n)
    came(store, people[0], 1, 2, 3)  # has booked: not expected twice
    came(store, people[6], 1, 2, 3)
    reserve(store, guests(store, 1, "C", first=50)[0], 12)
    reserve(store, people[7], 12, on=TODAY + timedelta(days=1))
    gone = reserve(store, people[8], 12)
    cancel_booking(store=store, booking_id=gone.pk, actor=None, at=NOON)
    told = briefing(store, TODAY)
    assert [guest.customer_id for _booking, guest in told.booked] == [guest.pk for guest in people[:6]]
    assert [each.customer_id for each in told.expected] == [people[6].pk]
    cards = {each.customer_id for each in told.cards}
    assert len(cards) == 5 and not cards & {guest.pk for guest in people[:7]}
    team = [head, *(hire(f"p{n}", f"员工{n}", Role.WAITER, store) for n in range(9))]
    for person in team[:8]:
        signed_in(person).post(reverse("list-read"), {"list": f"briefing:{TODAY}"})
    page = desk.get(reverse("list-briefing")).content.decode()
    assert '今天订位的贵宾 <span class="count">6</span>' in page and "10 人中 8 人已确认看过" in page
    link = f"{reverse('booking-new')}?guest={people[6].pk}&amp;on={TODAY}"
    assert page.count(reverse("booking-new")) == 1 and link in page


def reserve(store, guest, hour: int, on=TODAY):
    return book(store=store, customer_id=guest.pk, on=on, arrives=time(hour), party=4, actor=None, at=NOON)


def test_row_171_what_was_eaten_last_is_asked_about(desk, store):
    guest = guests(store, 1, "A")[0]
    for days, dishes in (
        (9, (("毛肚", 1.0),)),
        (2, (("松茸汤", 1.0), ("鸭血", 2.0), ("虾滑", 1.0), ("米饭", 1.0))),
    ):
        when = NOON - timedelta(days=days)
        record_visit(
            store=store, visit_id=uuid.uuid4(), entry="api", actor=None, at=when,
            visit=VisitInput(visited_at=when, amount_fen=100_00, customer_id=guest.pk, dishes=dishes),
        )  # fmt: skip
    assert briefing(store, TODAY).ate == {guest.pk: ["松茸汤", "鸭血", "虾滑"]}
    page = desk.get(reverse("list-briefing")).content.decode()
    assert "可以问：上次的松茸汤、鸭血、虾滑味道怎么样？" in page


def test_row_171_eight_of_ten_have_confirmed(desk, store, head):
    team = [head, *(hire(f"p{n}", f"员工{n}", Role.WAITER, store) for n in range(9))]
    for person in team[:8]:
        signed_in(person).post(reverse("list-read"), {"list": f"briefing:{TODAY}"})
    page = signed_in(team[9]).get(reverse("list-briefing")).content.decode()
    assert "10 人中 8 人已确认看过" in page and "我看过了" in page
    assert "还没有贵宾" in page
    assert reading(store, f"briefing:{TODAY + timedelta(days=1)}", head, TODAY).done == 0


# ---- row 80 --------------------------------------------------------------------------------------------------


def did(store, guest, person, at, channel: str = "phone", outcome: str = "done") -> None:
    task = Task.objects.create(
        store=store, customer=guest, code=uuid.uuid4().hex, occasion="x", channel=channel, zh="电话联系", en="Phone call", role="head",
        due_on=TODAY, close_on=TODAY, opened_on=TODAY, opened_at=NOON,
    )  # fmt: skip
    TaskEvent.objects.create(task=task, outcome=outcome, note="聊了聊", at=at, by=person)


def test_row_80_a_days_contacts_in_order_and_by_kind(desk, store, other_store, head, regular):
    did(store, regular, head, china("2026-06-20 15:00"))
    did(store, regular, head, china("2026-06-20 09:00"), "visit", "not_reached")
    did(store, regular, head, china("2026-06-20 10:00"), outcome="claimed")
    did(store, regular, head, china("2026-06-21 00:00"))
    did(other_store, put_on_file(other_store, "别人"), head, china("2026-06-20 11:00"))
    due_text(regular, store, state="delivered", claimed_at=china("2026-06-20 12:00"))
    due_text(regular, store, occasion="festival:x:2026", state="skipped")
    where = reverse("list-contacts")
    assert [each.channel for each in desk.get(where).context["rows"]] == ["visit", "sms", "phone"]
    assert [each.channel for each in desk.get(where, {"how": "phone"}).context["rows"]] == ["phone"]
    assert [each.channel for each in desk.get(where, {"how": "sms"}).context["rows"]] == ["sms"]
    assert len(desk.get(where, {"on": "2026-06-21", "how": "dance"}).context["rows"]) == 1
    assert "聊了聊" in desk.get(where).content.decode()
    assert "这一天没有联系记录" in desk.get(where, {"on": "2026-05-01"}).content.decode()
    assert contacts(store, (china("2026-06-20 09:00"), china("2026-06-20 09:00"))) == []


def test_who_may_see_which_list(store, waiter, host):
    for person, seen in ((waiter, {"list-birthdays", "list-briefing"}),
                         (host, {"list-birthdays", "list-briefing", "list-absent", "list-contacts"})):  # fmt: skip
        client = signed_in(person)
        for name in ("list-birthdays", "list-briefing", "list-absent", "list-contacts"):
            assert (client.get(reverse(name)).status_code == 200) == (name in seen), (person, name)
