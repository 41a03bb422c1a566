"""The guest is here: seated from the tablet, told to the owner, seen; who waits on which tables; the guest's own menu."""

from datetime import date, time, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.errors import Refused
from customers.models import Arrival, Patronage, PersonalMenu, TableDuty, Visit
from customers.services.arrivals import acknowledge, arrive, choose_tables, leave
from customers.services.bookings import book
from customers.services.customers import Profile, change_customer
from customers.services.visits import VisitInput, record_visit
from staff.models import Role
from tests.care.stage import adopt, china, grade
from tests.cast import hire, put_on_file

pytestmark = pytest.mark.django_db
TODAY = date(2026, 6, 20)


@pytest.fixture(autouse=True)
def evening():
    with time_machine.travel(china("2026-06-20 18:30"), tick=False):
        yield


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def sit(person, guest, number="5") -> None:
    signed_in(person).post(reverse("tablet-seat", args=[guest.pk]), {"table": number})


def dined(store, guest, when: str, **more) -> None:
    at = china(when)
    said = VisitInput(visited_at=at, amount_fen=88_00, customer_id=guest.pk, **more)
    record_visit(store=store, visit_id=Visit().pk, visit=said, entry="tablet", actor=None, at=at)


# ---- row 75 --------------------------------------------------------------------------------------------------


def test_row_75_the_owner_is_told_at_1830_and_has_seen_it_at_1833(store, host, manager, head, regular):
    adopt(store, "recent_month_abc")
    grade(regular, store, "A")
    change_customer(
        store=store, customer_id=regular.pk, profile=Profile(owner=manager), actor=head, at=china("2026-06-01 10:00"),
        source="desk",
    )  # fmt: skip
    dined(store, regular, "2026-06-12 19:00", note="换了靠窗的位子很高兴")
    dined(store, regular, "2026-06-15 19:00")
    sit(host, regular)
    arrival = Arrival.objects.get()
    assert (arrival.seated_at, arrival.owner, arrival.acknowledged_at) == (
        china("2026-06-20 18:30"),
        manager,
        None,
    )
    owner = signed_in(manager)
    for page in (
        owner.get(reverse("tablet")),
        owner.get(reverse("tablet-alerts"), headers={"HX-Request": "true"}),
        owner.get(reverse("arrivals"), headers={"HX-Request": "true"}),
    ):
        words = page.content.decode()
        for word in ("王总", "18:30", "换了靠窗的位子很高兴", "店长亲身接待", "知道了"):
            assert word in words
    assert "知道了" not in signed_in(host).get(reverse("tablet")).content.decode()
    with time_machine.travel(china("2026-06-20 18:33"), tick=False):
        owner.post(reverse("arrival-act", args=[arrival.pk]))
    with time_machine.travel(china("2026-06-20 18:40"), tick=False):
        owner.post(reverse("arrival-act", args=[arrival.pk]))
        assert "知道了" not in owner.get(reverse("tablet")).content.decode()
        assert "刘经理 18:33 已看到" in owner.get(reverse("arrivals")).content.decode()
    arrival.refresh_from_db()
    assert (arrival.acknowledged_at, arrival.acknowledged_by) == (china("2026-06-20 18:33"), manager)


def test_nobody_but_the_owner_and_those_who_lead_has_seen_it(store, waiter, host, manager, regular):
    Patronage.objects.update(owner=waiter)
    sit(host, regular)
    arrival = Arrival.objects.get()
    with pytest.raises(Refused) as refused:
        acknowledge(store=store, arrival_id=arrival.pk, actor=host, leads=False, at=china("2026-06-20 18:31"))
    assert (refused.value.code, refused.value.status) == ("arrival_others", 403)
    signed_in(manager).post(reverse("arrival-act", args=[arrival.pk]))
    arrival.refresh_from_db()
    assert arrival.acknowledged_by == manager


def test_headquarters_sees_who_is_here_and_has_nothing_to_press(store, host, hq, regular):
    sit(host, regular)
    panel = signed_in(hq).get(reverse("arrivals"), headers={"HX-Request": "true"}).content.decode()
    assert "王总" in panel and "知道了" not in panel
    assert signed_in(hq).post(reverse("arrival-act", args=[Arrival.objects.get().pk])).status_code == 403


def test_seated_twice_is_once_and_moves(store, host, regular):
    assert signed_in(host).post(reverse("tablet-seat", args=[regular.pk]), {"table": " "}).status_code == 302
    assert not Arrival.objects.exists()
    for number in ("5", "5", "6"):
        sit(host, regular, number)
    assert [each.table_no for each in Arrival.objects.all()] == ["6"]


def test_seating_settles_the_booking_of_the_day(store, host, regular):
    said = {
        "store": store,
        "customer_id": regular.pk,
        "party": 6,
        "actor": None,
        "at": china("2026-06-20 10:00"),
    }
    dinner, supper = (book(on=TODAY, arrives=time(hour), **said) for hour in (18, 21))
    page = signed_in(host).get(reverse("tablet")).content.decode()
    assert "今天还要来" in page and "18:00" in page and "21:00" in page
    for _twice in range(2):
        sit(host, regular)
    dinner.refresh_from_db(), supper.refresh_from_db()
    assert (dinner.state, supper.state, Arrival.objects.get().party) == ("seated", "confirmed", 6)


def test_a_table_booked_for_after_midnight_is_of_the_evening_before(store, host, regular):
    said = {
        "store": store,
        "customer_id": regular.pk,
        "party": 4,
        "actor": host,
        "at": china("2026-06-10 12:00"),
    }
    late = book(on=date(2026, 6, 11), arrives=time(0, 30), **said)
    next_day = book(on=date(2026, 6, 11), arrives=time(18), **said)
    here = arrive(store=store, customer_id=regular.pk, table="A6", actor=host, at=china("2026-06-11 00:25"))
    late.refresh_from_db()
    next_day.refresh_from_db()
    assert (here.on, here.booking, late.state) == (date(2026, 6, 10), late, "seated")
    assert next_day.state == "confirmed"


def test_who_is_gone_is_told_no_more_but_stands_on_the_list(store, host, manager, regular):
    sit(host, regular)
    assert "知道了" in signed_in(manager).get(reverse("tablet")).content.decode()
    leave(store=store, customer_id=regular.pk, at=china("2026-06-20 18:31"))
    assert "知道了" not in signed_in(manager).get(reverse("tablet")).content.decode()
    page = signed_in(manager).get(reverse("arrivals")).content.decode()
    assert "18:31 离开" in page and "知道了" in page


def test_the_log_frees_the_table(store, waiter, regular):
    sit(waiter, regular)
    floor = signed_in(waiter)
    form = floor.get(reverse("tablet-guest", args=[regular.pk])).context["form"]
    assert form["table"].value() == "5"
    said = {"uuid": str(form["uuid"].value()), "visited_at": form["visited_at"].value(), "amount": "88"}
    floor.post(reverse("tablet-visit", args=[regular.pk]), said)
    assert Arrival.objects.get().left_at == china("2026-06-20 18:30")
    assert leave(store=store, customer_id=regular.pk, at=china("2026-06-20 19:00")) == 0
    sit(waiter, regular, "7")
    assert Arrival.objects.count() == 2


# ---- row 42 --------------------------------------------------------------------------------------------------


def test_row_42_a_c_guest_who_sits_is_on_the_managers_list_and_is_asked_about_afterwards(
    store, host, manager, waiter, regular, lapsed
):
    adopt(store, "recent_month_abc")
    grade(regular, store, "C")
    grade(lapsed, store, "B")
    sit(host, regular)
    sit(host, lapsed, "6")
    desk = signed_in(manager)
    rows = desk.get(reverse("arrivals")).context["rows"]
    assert [(each.arrived.guest.customer, each.rises_to) for each in rows] == [(lapsed, ""), (regular, "")]
    assert "王总" in desk.get(reverse("arrivals"), headers={"HX-Request": "true"}).content.decode()
    for arrival in Arrival.objects.all():
        acknowledge(
            store=store, arrival_id=arrival.pk, actor=manager, leads=True, at=china("2026-06-20 19:30")
        )
    page = desk.get(reverse("arrivals"))
    asked = {each.arrived.guest.customer: each.rises_to for each in page.context["rows"]}
    assert asked == {regular: "B", lapsed: ""}
    where = reverse("customer-standing", args=[regular.pk])
    assert f'href="{where}#judgements-title"' in page.content.decode()
    assert "接待之后：有可能升级吗" not in signed_in(host).get(reverse("arrivals")).content.decode()


def test_what_was_yesterday_is_not_told_today(store, manager, regular):
    arrive(store=store, customer_id=regular.pk, table="5", actor=None, at=china("2026-06-19 18:30"))
    assert "知道了" not in signed_in(manager).get(reverse("tablet")).content.decode()
    assert signed_in(manager).get(reverse("arrivals")).context["rows"] == []


# ---- row 166 -------------------------------------------------------------------------------------------------


def test_row_166_the_waiter_at_table_5_sees_the_guests_at_table_5_only(
    store, waiter, host, regular, lapsed, newcomer
):
    sit(host, regular, "5")
    sit(host, lapsed, "6")
    dined(store, newcomer, "2026-06-20 12:00")
    floor = signed_in(waiter)
    before = floor.get(reverse("tablet")).content.decode()
    assert "单晓东" in before and "王总" not in before
    for _twice in range(2):
        floor.post(reverse("tablet-tables"), {"more": "5"})
    assert TableDuty.objects.get().tables == ["5"]
    page = floor.get(reverse("tablet"))
    words = page.content.decode()
    assert [each.customer for each in page.context["seated"]] == [regular]
    assert "王总" in words and "李梅" not in words and "单晓东" not in words
    assert reverse("tablet-guest", args=[regular.pk]) in words
    other = signed_in(hire("xiaoqian", "小钱", Role.WAITER, store))
    other.post(reverse("tablet-tables"), {"more": "6、7"})
    assert [each.customer for each in other.get(reverse("tablet")).context["seated"]] == [lapsed]
    floor.post(reverse("tablet-tables"), {})
    assert floor.get(reverse("tablet")).context["my_tables"] == []


def test_tables_are_chosen_for_a_day(store, waiter, regular):
    choose_tables(store=store, person=waiter, tables=["5"], actor=waiter, at=china("2026-06-19 17:00"))
    assert signed_in(waiter).get(reverse("tablet")).context["my_tables"] == []


# ---- row 51 --------------------------------------------------------------------------------------------------


def test_row_51_six_dishes_saved_for_mr_zhang_are_in_the_log_with_one_tap(store, host, waiter):
    zhang = put_on_file(store, "张先生", phone="13500002222")
    menu = "毛肚 ×2\n鸭血\n松茸汤\n虾滑\n东坡肉\n米饭 ×3"
    signed_in(host).post(reverse("customer-menu", args=[zhang.pk]), {"dishes": menu})
    assert len(PersonalMenu.objects.get().dishes) == 6
    floor, where = signed_in(waiter), reverse("tablet-guest", args=[zhang.pk])
    plain = floor.get(where)
    assert "用专属菜单（6 道）" in plain.content.decode() and not plain.context["form"]["dishes"].value()
    form = floor.get(where, {"menu": "1"}).context["form"]
    assert form["dishes"].value() == "毛肚 ×2、鸭血 ×1、松茸汤 ×1、虾滑 ×1、东坡肉 ×1、米饭 ×3"
    said = {name: str(form[name].value()) for name in ("uuid", "visited_at", "dishes")}
    floor.post(reverse("tablet-visit", args=[zhang.pk]), said | {"amount": "388"})
    dishes = Visit.objects.get().dishes
    assert [(each["name"], each["quantity"]) for each in dishes] == [
        ("毛肚", 2.0), ("鸭血", 1.0), ("松茸汤", 1.0), ("虾滑", 1.0), ("东坡肉", 1.0), ("米饭", 3.0),
    ]  # fmt: skip


def test_a_menu_is_changed_and_given_up(store, host, regular):
    desk, where = signed_in(host), reverse("customer-menu", args=[regular.pk])
    for text, dishes in (
        ("毛肚", [{"name": "毛肚", "number": 1}]),
        ("鱼 ×0", [{"name": "毛肚", "number": 1}]),
    ):
        desk.post(where, {"dishes": text})
        assert PersonalMenu.objects.get().dishes == dishes
    desk.post(where, {"dishes": " "})
    assert not PersonalMenu.objects.exists()


def test_what_was_eaten_is_read_or_refused(store, waiter, regular):
    floor = signed_in(waiter)
    form = floor.get(reverse("tablet-guest", args=[regular.pk])).context["form"]
    said = {"uuid": str(form["uuid"].value()), "visited_at": form["visited_at"].value(), "amount": "5"}
    answer = floor.post(reverse("tablet-visit", args=[regular.pk]), said | {"dishes": "鱼 ×0"})
    assert (
        answer.status_code == 422 and "菜品看不懂" in answer.content.decode() and not Visit.objects.exists()
    )


# ---- row 45 --------------------------------------------------------------------------------------------------


def test_row_45_the_guests_page_predicts_friday_and_offers_to_book(store, host, regular):
    for weeks in (1, 2, 4):
        when = china("2026-06-26 19:00") - timedelta(weeks=weeks)
        said = VisitInput(
            visited_at=when, amount_fen=88_00, customer_id=regular.pk, table="A6", party_size=4, dishes=(("毛肚", 1.0),)
        )  # fmt: skip
        record_visit(store=store, visit_id=Visit().pk, visit=said, entry="tablet", actor=None, at=when)
    desk = signed_in(host)
    page = desk.get(reverse("customer", args=[regular.pk])).content.decode()
    assert "最近 4 个星期五来过 3 次" in page and "6月26日 周五" in page
    assert "常坐" in page and "A6" in page and "常点" in page and "毛肚" in page
    link = f"{reverse('booking-new')}?guest={regular.pk}&amp;on=2026-06-26&amp;party=4"
    assert link in page
    form = desk.get(link.replace("&amp;", "&")).context["form"]
    assert (form["on"].value(), form["party"].value()) == (date(2026, 6, 26), 4)
