"""A booking that stands is changed; a table is given while another's booking stands there; the small hours.
docs/rules/bookings.md.
"""

import threading
from datetime import date, time, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse

from common.errors import NotHere, Refused
from crm import nightly
from customers.models import Arrival, Booking, BookingChange, BookingRules, DiningTable, Waiting
from customers.selectors.bookings import booked_days, booked_on, called_off_on, coming_of, next_booked_day
from customers.services import arrivals, bookings
from tests.care.stage import china
from tests.cast import NOON, put_on_file

pytestmark = pytest.mark.django_db
TODAY = date(2026, 6, 20)
TOMORROW = TODAY + timedelta(days=1)


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


def change(store, booking, **more) -> Booking:
    """Change what is named, leave the rest as it is."""
    booking.refresh_from_db()
    said = {
        "on": booking.on, "arrives": booking.arrives, "party": booking.party, "table_id": booking.table_id, "needs": booking.needs,
        "allergies": booking.allergies or "", "note": booking.note, "actor": None, "at": NOON,
        "dishes": [(each["name"], each["number"]) for each in booking.dishes],
    }  # fmt: skip
    return bookings.change_booking(store=store, **{"booking_id": booking.pk} | said | more)


def table(store, number="5", seats=4, **more) -> DiningTable:
    return bookings.add_table(store=store, number=number, seats=seats, **more)


def form_of(client, booking) -> dict[str, str]:
    """What stands in the form, to be sent back."""
    form = client.get(reverse("booking-change", args=[booking.pk])).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    shown |= {"on": f"{shown['on']:%Y-%m-%d}", "arrives": f"{shown['arrives']:%H:%M}"}
    return {name: value for name, value in shown.items() if value is not None}


# ---- a booking is changed ------------------------------------------------------------------------------------


def test_case_19_a_booking_is_changed_and_it_is_written_by_whom(store, host, regular):
    five, six = table(store), table(store, "6", seats=8)
    booking = book(store, regular, table_id=five.pk, dishes=[("清蒸石斑", 1)], allergies="虾", note="靠窗")
    client = desk(host)
    assert reverse("booking-change", args=[booking.pk]) in client.get(reverse("bookings")).content.decode()
    said = form_of(client, booking)
    assert (said["table"], said["dishes"], said["allergies"]) == (five.pk, "清蒸石斑 ×1", "虾")
    said |= {"on": "2026-06-21", "arrives": "19:30", "party": "6", "table": str(six.pk), "note": "要安静"}
    for _twice in range(2):
        assert client.post(reverse("booking-change", args=[booking.pk]), said).status_code == 302
    booking.refresh_from_db()
    assert (booking.on, booking.starts_at, booking.ends_at) == (
        TOMORROW, china("2026-06-21 19:30"), china("2026-06-21 21:30"),
    )  # fmt: skip
    assert (booking.party, booking.table, booking.note, booking.state) == (6, six, "要安静", "confirmed")
    assert (booking.dishes, booking.allergies) == ([{"name": "清蒸石斑", "number": 1}], "虾")
    told = BookingChange.objects.get()
    assert (told.by, told.at) == (host, NOON)
    assert told.what == {
        "on": ["2026-06-20", "2026-06-21"],
        "arrives": ["18:00", "19:30"],
        "party": [4, 6],
        "table": ["5", "6"],
        "note": ["靠窗", "要安静"],
    }
    page = client.get(reverse("booking", args=[booking.pk])).content.decode()
    assert "几点 18:00 → 19:30" in page and "台号 5 → 6" in page and "小梅" in page


def test_case_19_of_an_allergy_only_that_it_changed_is_written(store, regular):
    booking = book(store, regular, allergies="虾")
    change(store, booking, allergies="花生", needs=["wheelchair"], dishes=[("毛肚", 2)])
    booking.refresh_from_db()
    assert booking.allergies == "花生"
    assert BookingChange.objects.get().what == {
        "needs": [[], ["wheelchair"]], "allergies": [], "dishes": [[], [{"name": "毛肚", "number": 2}]],
    }  # fmt: skip


def test_case_19_a_table_given_at_the_desk_is_written_too(store, host, regular):
    five, booking = table(store), book(store, regular)
    for _twice in range(2):
        bookings.give_table(store=store, booking_id=booking.pk, table_id=five.pk, actor=host, at=NOON)
    assert [(each.by, each.what) for each in booking.changes.all()] == [(host, {"table": ["", "5"]})]


def test_case_20_a_change_asks_what_a_new_booking_is_asked(store, regular, lapsed):
    five, small = table(store), table(store, "6", seats=2)
    book(store, lapsed, arrives=time(20), table_id=five.pk)
    booking = book(store, regular, table_id=five.pk)
    twin = book(store, regular, arrives=time(12))
    for said, code in (
        ({"arrives": time(18, 1)}, "table_taken"),
        ({"party": 5}, "table_small"),
        ({"table_id": small.pk}, "table_small"),
        ({"needs": ["wheelchair"]}, "table_stairs"),
        ({"on": TODAY - timedelta(days=1)}, "booking_past"),
        ({"on": TODAY + timedelta(days=400)}, "booking_far"),
        ({"party": 0}, "booking_party"),
        ({"needs": ["sauna"]}, "need_unknown"),
        ({"arrives": twin.arrives}, "booking_there"),
    ):
        with pytest.raises(Refused) as refused:
            change(store, booking, **said)
        assert refused.value.code == code
    assert not BookingChange.objects.exists()
    assert change(store, booking, arrives=time(17, 59)).ends_at == china("2026-06-20 19:59")


def test_case_20_what_is_wrong_is_said_at_the_desk(store, host, regular, lapsed):
    five, client = table(store), desk(host)
    book(store, lapsed, arrives=time(20), table_id=five.pk)
    booking = book(store, regular, table_id=five.pk)
    where, said = reverse("booking-change", args=[booking.pk]), form_of(client, booking)
    for wrong, words in (
        ({"arrives": "19:00"}, "5 号台这个时间已经有人订了"),
        ({"party": "x"}, "人数要填数字"),
        ({"dishes": "鱼 ×0"}, "菜品看不懂"),
        ({"table": "999"}, "999"),
    ):
        answer = client.post(where, said | wrong)
        assert answer.status_code == 422 and words in answer.content.decode()
    assert not BookingChange.objects.exists()


def test_case_20_what_is_over_or_elsewhere_is_not_changed(store, other_store, host, regular):
    booking, client = book(store, regular), desk(host)
    elsewhere = book(other_store, put_on_file(other_store, "别人", phone="13500001111"))
    assert client.get(reverse("booking-change", args=[elsewhere.pk])).status_code == 404
    for foreign in ({"table_id": table(other_store).pk}, {"booking_id": elsewhere.pk}):
        with pytest.raises(NotHere):
            change(store, booking, **foreign)
    said = form_of(client, booking)
    bookings.cancel_booking(store=store, booking_id=booking.pk, actor=None, at=NOON)
    answer = client.post(reverse("booking-change", args=[booking.pk]), said | {"party": "6"}, follow=True)
    assert "现在是“已取消”，不能再改" in answer.content.decode()
    with pytest.raises(Refused) as refused:
        change(store, booking, party=6)
    assert refused.value.code == "booking_over"


def test_case_20_a_waiter_and_headquarters_do_not_change_bookings(store, waiter, hq, regular):
    where = reverse("booking-change", args=[book(store, regular).pk])
    assert [desk(person).get(where).status_code for person in (waiter, hq)] == [403, 403]


def test_case_21_a_table_kept_unconfirmed_moves_and_lapses_by_its_new_day(store, regular):
    booking = book(store, regular, on=date(2026, 7, 1), held=True)
    assert booking.lapses_on == date(2026, 6, 27)
    later = china("2026-06-25 12:00")
    change(store, booking, arrives=time(19), at=later)
    assert Booking.objects.get().lapses_on == date(2026, 6, 27)
    change(store, booking, on=date(2026, 7, 10), at=later)
    assert (Booking.objects.get().state, Booking.objects.get().lapses_on) == ("provisional", date(2026, 7, 6))
    change(store, booking, on=date(2026, 6, 27), at=later)
    assert Booking.objects.get().lapses_on == date(2026, 6, 26)


def test_case_22_who_did_not_see_the_other_change_is_told_and_asked_again(store, host, manager, regular):
    booking = book(store, regular)
    one, other = desk(host), desk(manager)
    where = reverse("booking-change", args=[booking.pk])
    first, second = form_of(one, booking), form_of(other, booking)
    one.post(where, first | {"arrives": "19:00"})
    answer = other.post(where, second | {"party": "6"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "刚才有人改过" in page and "18:00 → 19:00" in page
    booking.refresh_from_db()
    assert (booking.arrives, booking.party) == (time(19), 4)
    again = second | {"party": "6", "arrives": "19:00", "seen": answer.context["form"]["seen"].value()}
    assert other.post(where, again).status_code == 302
    booking.refresh_from_db()
    assert (booking.arrives, booking.party) == (time(19), 6)


@pytest.mark.django_db(transaction=True)
def test_case_22_of_two_who_move_a_booking_to_one_table_at_once_one_has_it(store, regular, lapsed):
    five = table(store)
    made = [book(store, regular), book(store, lapsed)]
    start, told = threading.Barrier(2), []

    def want(booking: Booking) -> None:
        start.wait()
        try:
            change(store, booking, table_id=five.pk)
            told.append("has it")
        except Refused as refused:
            told.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=want, args=[each]) for each in made]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert sorted(told) == ["has it", "table_taken"]


@pytest.mark.django_db(transaction=True)
def test_case_22_of_two_who_change_one_booking_at_once_the_second_is_asked_again(store, regular):
    booking = book(store, regular)
    start, told = threading.Barrier(2), []

    def want(party: int) -> None:
        start.wait()
        try:
            change(store, booking=Booking.objects.get(), party=party, seen=0)
            told.append("changed")
        except Refused as refused:
            told.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=want, args=[party]) for party in (5, 6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert sorted(told) == ["booking_changed", "changed"]
    assert booking.changes.count() == 1


# ---- whose table is it ---------------------------------------------------------------------------------------


def test_case_23_who_seats_a_walk_in_at_a_booked_table_is_told_and_may_go_on(store, waiter, regular, lapsed):
    awaited = book(store, lapsed, table_id=table(store, "A6").pk)
    floor, where = desk(waiter), reverse("tablet-seat", args=[regular.pk])
    with time_machine.travel(china("2026-06-20 16:30"), tick=False):
        asked = floor.post(where, {"table": "a6"}, follow=True)
        page = asked.content.decode()
        assert "a6 号台 18:00 有李梅的预订，4 位，还没到" in page and "仍然入座" in page
        assert not Arrival.objects.exists() and 'value="a6"' in page
        floor.post(where, {"table": "a6", "despite": str(awaited.pk)})
    here = Arrival.objects.get()
    assert (here.customer, here.table_no, here.despite) == (regular, "a6", awaited)
    with time_machine.travel(china("2026-06-20 16:40"), tick=False):
        page = floor.post(where, {"table": "a6"}, follow=True).content.decode()
        assert "仍然入座" not in page and Arrival.objects.count() == 1


def test_case_23_it_stands_on_the_list_of_arrivals(store, manager, regular, lapsed):
    awaited = book(store, lapsed, table_id=table(store).pk)
    at = china("2026-06-20 17:30")
    said = {"store": store, "customer_id": regular.pk, "table": "5", "actor": None, "at": at}
    with pytest.raises(Refused) as refused:
        arrivals.arrive(**said, despite_id=awaited.pk + 1)
    assert (refused.value.code, refused.value.status) == ("table_awaited", 409)
    assert str(refused.value) == "5 号台 18:00 有李梅的预订，4 位，还没到。"
    arrivals.arrive(**said, despite_id=awaited.pk)
    page = desk(manager).get(reverse("arrivals")).content.decode()
    assert "知道 18:00 有李梅的预订（4 位），仍然入座" in page


def test_case_24_whose_booking_it_is_or_far_off_or_over_nobody_is_asked(store, other_store, regular, lapsed):
    five, six = table(store), table(store, "6")
    book(store, regular, table_id=five.pk)
    book(store, lapsed, table_id=six.pk)
    table(other_store)
    assert arrivals.booking_awaited(store, "5", china("2026-06-20 18:00"), regular.pk) is None
    assert arrivals.booking_awaited(store, "6", china("2026-06-20 16:00"), regular.pk) is None
    assert arrivals.booking_awaited(store, "6", china("2026-06-20 16:01"), regular.pk).customer == lapsed
    assert arrivals.booking_awaited(store, "6", china("2026-06-20 20:00"), regular.pk) is None
    assert arrivals.booking_awaited(other_store, "5", china("2026-06-20 18:00")) is None
    BookingRules.objects.create(store=store, sitting_minutes=60)
    assert arrivals.booking_awaited(store, "6", china("2026-06-20 17:00"), regular.pk) is None
    arrivals.arrive(store=store, customer_id=lapsed.pk, table="6", actor=None, at=china("2026-06-20 17:30"))
    assert arrivals.booking_awaited(store, "6", china("2026-06-20 17:40"), regular.pk) is None


def test_case_23_a_guest_who_sits_is_moved_with_the_same_question(store, regular, lapsed):
    awaited, at = book(store, lapsed, table_id=table(store).pk), china("2026-06-20 17:30")
    said = {"store": store, "customer_id": regular.pk, "actor": None, "at": at}
    arrivals.arrive(**said, table="9")
    with pytest.raises(Refused):
        arrivals.arrive(**said, table="5")
    assert Arrival.objects.get().table_no == "9"
    assert arrivals.arrive(**said, table="5", despite_id=awaited.pk).despite == awaited
    assert arrivals.arrive(**said, table="9").despite is None


def test_case_23_the_desk_is_asked_too(store, host, regular, lapsed):
    awaited = book(store, lapsed, table_id=table(store).pk)
    booking = book(store, regular, arrives=time(20))
    client, where = desk(host), reverse("booking-act", args=[booking.pk])
    with time_machine.travel(china("2026-06-20 17:30"), tick=False):
        page = client.post(where, {"act": "seat", "table": "5"}, follow=True).content.decode()
        assert "5 号台 18:00 有李梅的预订，4 位" in page and "仍然入座" in page
        booking.refresh_from_db()
        assert booking.state == "confirmed" and not Arrival.objects.exists()
        client.post(where, {"act": "seat", "table": "5", "despite": str(awaited.pk)})
    booking.refresh_from_db()
    assert booking.state == "seated" and Arrival.objects.get().despite == awaited


def test_case_23_so_is_who_seats_somebody_from_the_waiting_list(store, host, lapsed):
    awaited = book(store, lapsed, table_id=table(store).pk)
    row = arrivals.join_waiting(store=store, party=2, actor=None, at=NOON, called="陈小姐")
    client, where = desk(host), reverse("waiting-act", args=[row.pk])
    with time_machine.travel(china("2026-06-20 17:30"), tick=False):
        page = client.post(where, {"act": "seat", "table": "5"}, follow=True).content.decode()
        assert "5 号台 18:00 有李梅的预订，4 位" in page and "仍然入座" in page
        assert Waiting.objects.get().closed_at is None
        client.post(where, {"act": "seat", "table": "5", "despite": str(awaited.pk)})
    assert Waiting.objects.get().outcome == "seated"


# ---- the small hours -----------------------------------------------------------------------------------------


def test_case_25_half_past_midnight_stands_on_the_page_of_the_evening_before(store, host, regular, lapsed):
    late = book(store, regular, on=TOMORROW, arrives=time(0, 30))
    early = book(store, lapsed)
    at_four = book(store, lapsed, on=TOMORROW, arrives=time(4))
    assert booked_on(store, TODAY) == [early, late]
    assert booked_on(store, TOMORROW) == [at_four]
    assert booked_days(store, TODAY) == [(TODAY, 2), (TOMORROW, 1)]
    assert booked_days(store, TOMORROW) == [(TOMORROW, 1)]
    assert (next_booked_day(store, TODAY), next_booked_day(store, TOMORROW)) == (TODAY, TOMORROW)
    assert coming_of(store, regular.pk, TODAY) == [late] and coming_of(store, regular.pk, TOMORROW) == []
    client = desk(host)
    assert "次日 00:30" in client.get(reverse("bookings")).content.decode()
    assert "王总" not in client.get(reverse("bookings"), {"on": "2026-06-21"}).content.decode()
    assert "6月20日 周六 次日 00:30" in client.get(reverse("booking", args=[late.pk])).content.decode()
    assert "次日 00:30" in client.get(reverse("list-tables"), {"on": "2026-06-20"}).content.decode()
    assert "次日 00:30" in client.get(reverse("tablet")).content.decode()
    assert "今天订了 次日 00:30" in client.get(reverse("tablet-guest", args=[regular.pk])).content.decode()
    bookings.cancel_booking(store=store, booking_id=late.pk, actor=None, at=NOON)
    assert called_off_on(store, TODAY) == [late]


def test_case_25_after_midnight_it_is_still_that_evening(store, host, regular):
    book(store, regular, on=TOMORROW, arrives=time(0, 30))
    with time_machine.travel(china("2026-06-21 00:10"), tick=False):
        page = desk(host).get(reverse("bookings"))
        assert page.context["on"] == TODAY and "次日 00:30" in page.content.decode()
    with time_machine.travel(china("2026-06-21 04:00"), tick=False):
        page = desk(host).get(reverse("bookings"))
        assert page.context["on"] == TOMORROW and "次日 00:30" not in page.content.decode()


def test_case_25_by_the_hour_at_which_the_stores_own_day_ends(store, regular):
    late = book(store, regular, on=TOMORROW, arrives=time(1, 30))
    assert booked_on(store, TODAY) == [late]
    store.day_ends_at = time(1)
    store.save()
    assert booked_on(store, TODAY) == [] and booked_on(store, TOMORROW) == [late]


def test_case_26_a_night_that_is_over_is_not_booked(store, regular):
    with pytest.raises(Refused) as refused:
        book(store, regular, arrives=time(0, 30))
    assert refused.value.code == "booking_small_hours"
    assert "00:30 算前一天的夜里" in str(refused.value)
    assert book(store, regular, on=TOMORROW, arrives=time(0, 30), at=china("2026-06-21 00:10"))


def test_case_27_an_unconfirmed_table_of_the_small_hours_lapses_by_its_evening(store, regular, lapsed):
    BookingRules.objects.create(store=store, held_days=0)
    late = book(store, regular, on=date(2026, 6, 23), arrives=time(0, 30), held=True)
    evening = book(store, lapsed, on=date(2026, 6, 22), held=True)
    assert late.lapses_on == evening.lapses_on == date(2026, 6, 22)
    nightly.run(store.pk, date(2026, 6, 20), at=china("2026-06-21 04:30"), by_hand=True)
    assert {each.state for each in Booking.objects.all()} == {"provisional"}
    nightly.run(store.pk, date(2026, 6, 21), at=china("2026-06-22 04:30"), by_hand=True)
    assert {each.state for each in Booking.objects.all()} == {"lapsed"}


def test_case_27_a_table_kept_for_tonight_after_midnight_stands_until_it_is_over(store, regular):
    late = book(store, regular, on=TOMORROW, arrives=time(0, 30), held=True)
    assert late.lapses_on == TOMORROW
    assert bookings.lapse_bookings(store=store, today=TODAY, at=china("2026-06-20 23:59")) == 0
    assert bookings.lapse_bookings(store=store, today=TOMORROW, at=china("2026-06-21 04:30")) == 1
