"""Tables, bookings, the waiting list: by the verbs and by the pages. docs/rules/bookings.md."""

import threading
from datetime import date, time, timedelta

import pytest
import time_machine
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from common.errors import NotHere, Refused
from customers.models import Arrival, Booking, BookingRules, DiningTable, Patronage, Waiting
from customers.selectors.bookings import booked_on, tables_offered, waiting_list
from customers.services import arrivals, bookings
from customers.services.customers import Profile, change_customer
from tests.care.stage import china
from tests.cast import NOON, put_on_file

pytestmark = pytest.mark.django_db
TODAY = date(2026, 6, 20)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def desk(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def book(store, guest, **more) -> Booking:
    said = {"on": TODAY, "arrives": time(18), "party": 4, "actor": None, "at": NOON} | more
    return bookings.book(store=store, customer_id=guest.pk, **said)


def table(store, number="5", seats=4, **more) -> DiningTable:
    return bookings.add_table(store=store, number=number, seats=seats, **more)


@pytest.fixture
def twenty(store) -> list[DiningTable]:
    """Twenty tables of four, three of which a wheelchair can reach."""
    return [table(store, str(n), accessible=n in (3, 8, 20)) for n in range(1, 21)]


# ---- row 57: what a guest needs ------------------------------------------------------------------------------


def test_row_57_a_booking_with_a_wheelchair_is_offered_three_of_twenty_tables(
    store, host, regular, lapsed, twenty
):
    assert len(tables_offered(store, book(store, lapsed))) == 20
    booking = book(store, regular, needs=["wheelchair"])
    assert [each.number for each in tables_offered(store, booking)] == ["3", "8", "20"]
    page = desk(host).get(reverse("booking", args=[booking.pk])).content.decode()
    assert page.count('name="table" value=') == 3
    with pytest.raises(Refused) as refused:
        bookings.give_table(store=store, booking_id=booking.pk, table_id=twenty[0].pk, actor=None, at=NOON)
    booking.refresh_from_db()
    assert refused.value.code == "table_stairs" and booking.table is None


def test_row_57_an_allergy_prints_on_the_kitchen_slip(store, waiter, host, regular):
    change_customer(
        store=store, customer_id=regular.pk, profile=Profile(allergies="花生"), actor=host, at=NOON, source="desk"
    )  # fmt: skip
    booking = book(store, regular, allergies="虾", dishes=[("清蒸石斑", 1)], needs=["child_seat"])
    page = desk(waiter).get(reverse("booking-slip", args=[booking.pk])).content.decode()
    for word in ("花生", "虾", "清蒸石斑", "×1", "儿童椅", "18:00"):
        assert word in page
    card = desk(waiter).get(reverse("tablet-guest", args=[regular.pk])).content.decode()
    assert 'class="never"' in card and "花生" in card


def test_the_needs_stand_in_the_profile_and_come_along(store, host, regular):
    form = desk(host)
    page = form.get(reverse("customer-edit", args=[regular.pk]))
    said = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}
    form.post(reverse("customer-edit", args=[regular.pk]), said | {"needs": ["elderly", "wheelchair"]})
    regular.refresh_from_db()
    assert regular.needs == ["wheelchair", "elderly"]
    assert book(store, regular).needs == ["wheelchair", "elderly"]
    assert book(store, regular, arrives=time(12), needs=[]).needs == []
    assert "轮椅、有老人" in form.get(reverse("customer", args=[regular.pk])).content.decode()
    assert "轮椅、有老人" in form.get(reverse("tablet-guest", args=[regular.pk])).content.decode()
    form.post(reverse("customer-edit", args=[regular.pk]), said)
    regular.refresh_from_db()
    assert regular.needs == []


def test_the_api_takes_and_tells_the_needs(store, head, regular):
    client, where = desk(head), f"/api/v1/customers/{regular.pk}/"
    body = {"needs": ["wheelchair", "child_seat"]}
    answer = client.patch(where, body, content_type="application/json")
    assert answer.status_code == 200 and answer.json()["needs"] == ["child_seat", "wheelchair"]
    assert client.patch(where, {"needs": ["sauna"]}, content_type="application/json").status_code == 400
    assert client.patch(where, {"needs": []}, content_type="application/json").json()["needs"] == []


# ---- one table, one party ------------------------------------------------------------------------------------


def test_case_4_a_table_is_not_booked_twice_for_overlapping_times(store, regular, lapsed, newcomer):
    five = table(store)
    book(store, regular, table_id=five.pk)
    with pytest.raises(Refused) as refused:
        book(store, lapsed, arrives=time(19, 59), table_id=five.pk)
    assert (refused.value.code, refused.value.status) == ("table_taken", 409)
    assert Booking.objects.count() == 1
    assert book(store, lapsed, arrives=time(20), table_id=five.pk).table == five
    assert book(store, newcomer, arrives=time(16), table_id=five.pk).table == five


def test_case_4_a_table_that_was_given_back_is_free(store, regular, lapsed):
    five = table(store)
    first = book(store, regular, table_id=five.pk)
    second = book(store, lapsed)
    assert tables_offered(store, second) == []
    for _twice in range(2):
        bookings.cancel_booking(store=store, booking_id=first.pk, actor=None, at=NOON)
    assert tables_offered(store, second) == [five]


@pytest.mark.django_db(transaction=True)
def test_case_5_of_two_who_want_a_table_at_once_one_has_it(store, regular, lapsed):
    five = table(store)
    made = [book(store, regular), book(store, lapsed)]
    start, told = threading.Barrier(2), []

    def want(booking_id: int) -> None:
        start.wait()
        try:
            bookings.give_table(store=store, booking_id=booking_id, table_id=five.pk, actor=None, at=NOON)
            told.append("has it")
        except Refused as refused:
            told.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=want, args=[each.pk]) for each in made]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert sorted(told) == ["has it", "table_taken"]
    assert Booking.objects.filter(table=five).count() == 1


def test_case_5_the_database_itself_refuses_a_table_given_twice(store, regular, lapsed):
    five = table(store)
    book(store, regular, table_id=five.pk)
    other = book(store, lapsed, arrives=time(19))
    with pytest.raises(IntegrityError, match="table_taken_once"), transaction.atomic():
        Booking.objects.filter(pk=other.pk).update(table=five)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"on": TODAY - timedelta(days=1)}, "booking_past"),
        ({"on": TODAY + timedelta(days=400)}, "booking_far"),
        ({"party": 0}, "booking_party"),
        ({"party": 501}, "booking_party"),
        ({"needs": ["sauna"]}, "need_unknown"),
    ],
)
def test_what_cannot_be_is_not_booked(store, regular, said, code):
    with pytest.raises(Refused) as refused:
        book(store, regular, **said)
    assert refused.value.code == code and not Booking.objects.exists()


def test_a_booking_pressed_twice_is_one(store, other_store, host, regular):
    said = {
        "who": "8899",
        "on": "2026-06-21",
        "arrives": "18:30",
        "party": "6",
        "dishes": "毛肚 ×2",
        "note": "靠窗",
    }
    client = desk(host)
    assert client.post(reverse("booking-new"), said).status_code == 302
    again = client.post(reverse("booking-new"), said)
    assert again.status_code == 422 and "这个时间已经有预订" in again.content.decode()
    booking = Booking.objects.get()
    assert (booking.customer, booking.state, booking.party, booking.starts_at) == (
        regular, "confirmed", 6, china("2026-06-21 18:30"),
    )  # fmt: skip
    assert (booking.dishes, booking.note, booking.made_by) == ([{"name": "毛肚", "number": 2}], "靠窗", host)
    with pytest.raises(NotHere):
        book(other_store, regular)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"who": ""}, "请填是哪位客人"),
        ({"who": "0000"}, "没有找到这位客人"),
        ({"party": "x"}, "人数要填数字"),
        ({"arrives": "25:00"}, "请填一个时间"),
        ({"on": "2026-06-19"}, "已经过去"),
        ({"dishes": "鱼 ×0"}, "菜品看不懂"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_booked(store, host, regular, said, words):
    whole = {"who": "8899", "on": "2026-06-21", "arrives": "18:30", "party": "6"}
    answer = desk(host).post(reverse("booking-new"), whole | said)
    assert answer.status_code == 422 and words in answer.content.decode() and not Booking.objects.exists()


def test_a_day_is_worked_at_the_desk(store, host, regular):
    five, client = table(store), desk(host)
    booking = book(store, regular, held=True)
    where = reverse("booking-act", args=[booking.pk])
    page = client.get(reverse("bookings")).content.decode()
    assert "待确认" in page and "客人确认了" in page and "未排台" in page
    for _twice in range(2):
        client.post(where, {"act": "confirm"})
    client.post(where, {"act": "table", "table": str(five.pk)})
    booking.refresh_from_db()
    assert (booking.state, booking.lapses_on, booking.table, booking.settled_by) == (
        "confirmed",
        None,
        five,
        host,
    )
    for _twice in range(2):
        client.post(where, {"act": "seat"})
    booking.refresh_from_db()
    arrival = Arrival.objects.get()
    assert (booking.state, arrival.booking, arrival.table_no, arrival.party) == ("seated", booking, "5", 4)
    refused = client.post(where, {"act": "cancel"}, follow=True).content.decode()
    booking.refresh_from_db()
    assert "现在是“已入座”，不能再改" in refused
    assert booking.state == "seated"


def test_only_todays_booking_is_seated(store, host, regular):
    booking = book(store, regular, on=TODAY + timedelta(days=1))
    desk(host).post(reverse("booking-act", args=[booking.pk]), {"act": "seat", "table": "5"})
    booking.refresh_from_db()
    assert booking.state == "confirmed" and not Arrival.objects.exists()


def test_a_table_for_half_past_midnight_is_seated_at_the_desk_that_night(store, host, regular):
    booking = book(store, regular, on=TODAY + timedelta(days=1), arrives=time(0, 30))
    where = reverse("booking", args=[booking.pk])
    with time_machine.travel(china(f"{TODAY + timedelta(days=1)} 00:25"), tick=False):
        client = desk(host)
        assert 'value="seat"' in client.get(where).content.decode()
        client.post(reverse("booking-act", args=[booking.pk]), {"act": "seat", "table": "5"})
    booking.refresh_from_db()
    assert booking.state == "seated" and Arrival.objects.get().on == TODAY


def test_the_tables_of_a_store(store, other_store, manager, regular):
    client, where = desk(manager), reverse("dining-tables")
    said = {"number": "牡丹厅", "seats": "12", "room": "二楼", "accessible": "on"}
    assert client.post(where, said).status_code == 302
    assert client.post(where, said).status_code == 422
    hall = DiningTable.objects.get()
    assert (hall.number, hall.seats, hall.room, hall.accessible) == ("牡丹厅", 12, "二楼", True)
    booking = book(store, regular, party=10, table_id=hall.pk)
    remove = reverse("dining-table-remove", args=[hall.pk])
    client.post(remove)
    assert DiningTable.objects.get().removed_at is None
    bookings.cancel_booking(store=store, booking_id=booking.pk, actor=None, at=NOON)
    client.post(remove)
    assert DiningTable.objects.get().removed_at == NOON
    assert client.post(where, said).status_code == 302
    client.post(where, {"what": "rules", "priority_tiers": "A", "held_days": "2", "sitting_minutes": "90"})
    rules = BookingRules.objects.get()
    assert (rules.priority_tiers, rules.held_days, rules.sitting_minutes) == ("A", 2, 90)
    assert (
        client.post(where, {"what": "rules", "held_days": "-1", "sitting_minutes": "90"}).status_code == 422
    )
    later = book(store, regular, on=date(2026, 7, 1), held=True)
    assert (later.lapses_on, later.ends_at - later.starts_at) == (date(2026, 6, 29), timedelta(minutes=90))


# ---- row 46: the waiting list --------------------------------------------------------------------------------


def wait(store, at, **who) -> Waiting:
    return arrivals.join_waiting(store=store, party=2, actor=None, at=china(f"2026-06-20 {at}"), **who)


def test_row_46_premium_is_called_before_the_ordinary_guest_who_came_first(store, host, regular, lapsed):
    Patronage.objects.filter(customer=regular).update(tier="PREMIUM")
    Patronage.objects.filter(customer=lapsed).update(tier="ORDINARY")
    wait(store, "18:00", customer_id=regular.pk)
    wait(store, "17:55", customer_id=lapsed.pk)
    rules = bookings.booking_rules_of(store)
    assert [each.guest.customer for each in waiting_list(store, TODAY, rules)] == [regular, lapsed]
    page = desk(host).get(reverse("bookings")).content.decode()
    assert page.index("王总") < page.index("李梅") and page.count("优先</span>") == 1
    rules.priority_tiers = "GOLD"
    assert [each.guest.customer for each in waiting_list(store, TODAY, rules)] == [lapsed, regular]


def test_the_waiting_list_is_worked_at_the_desk(store, host, regular):
    client = desk(host)
    for _twice in range(2):
        client.post(reverse("waiting-join"), {"who": "8899", "party": "4"})
        client.post(reverse("waiting-join"), {"who": "陈小姐", "party": "2"})
    known, unknown = Waiting.objects.order_by("pk")
    assert (known.customer, known.called, unknown.customer, unknown.called) == (
        regular,
        "王总",
        None,
        "陈小姐",
    )
    client.post(reverse("waiting-act", args=[unknown.pk]), {"act": "call"})
    client.post(reverse("waiting-act", args=[unknown.pk]), {"act": "gone"})
    client.post(reverse("waiting-act", args=[known.pk]), {"act": "seat"})
    known.refresh_from_db(), unknown.refresh_from_db()
    assert (unknown.called_at, unknown.outcome, known.outcome) == (NOON, "left", "")
    for _twice in range(2):
        client.post(reverse("waiting-act", args=[known.pk]), {"act": "seat", "table": "5"})
    known.refresh_from_db()
    assert known.outcome == "seated" and Arrival.objects.get().table_no == "5"
    assert client.post(reverse("waiting-join"), {"who": "", "party": "0"}).status_code == 422


def test_another_stores_bookings_are_not_seen(store, other_store, host):
    guest = put_on_file(other_store, "别人", phone="13500001111")
    book(other_store, guest)
    assert booked_on(store, TODAY) == []
    assert desk(host).get(reverse("booking-new"), {"guest": guest.pk}).status_code == 404


def test_the_day_page_reads_nonsense_as_today(store, host):
    client = desk(host)
    for nonsense in ("x", "2026-13-40", "9999-12-31"):
        assert client.get(reverse("bookings"), {"on": nonsense}).context["on"] == TODAY
