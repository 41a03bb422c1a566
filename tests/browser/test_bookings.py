"""Booked at the desk, seated on the tablet, told to the owner: in a real browser."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from customers.models import Arrival, Booking, DiningTable, Visit, Waiting
from customers.services.arrivals import arrive, choose_tables, join_waiting, save_menu
from customers.services.bookings import add_table, book, give_table
from customers.services.customers import Profile, change_customer
from loyalty.services.keeping import keep
from staff.models import Role
from tests.browser.conftest import FLOOR
from tests.browser.test_pages import TOO_NARROW, faults
from tests.cast import put_on_file


@pytest.fixture
def evening(stage):
    """Twenty tables, five bookings, two who wait, two who sit; the regular has a menu of six dishes."""
    store, at, today = stage.store, stage.at, stage.store.business_day(stage.at)
    host = stage.people[Role.HOST]
    tables = [
        add_table(store=store, number=str(n), seats=8 if n % 4 == 0 else 4, accessible=n in (3, 8, 20))
        for n in range(1, 21)
    ]
    change_customer(
        store=store, customer_id=stage.regular.pk, profile=Profile(needs=("child_seat", "elderly")), actor=host, at=at,
        source="desk",
    )  # fmt: skip
    said = {"store": store, "actor": host, "at": at}
    more = [
        put_on_file(store, name, at, phone=f"1350000{n:04}")
        for n, name in enumerate(("周婷", "郑国强", "冯丽", "何敏"))
    ]
    book(
        customer_id=stage.regular.pk, on=today, arrives=time(18), party=8, dishes=[("清蒸石斑", 1), ("毛肚", 2)], note="要靠窗", **said
    )  # fmt: skip
    for n, guest in enumerate(more):
        one = book(
            customer_id=guest.pk, on=today + timedelta(days=n // 3), arrives=time(17 + n, 30), party=2 + n, held=n == 1,
            needs=["wheelchair"] if n == 2 else [], allergies="海鲜" if n == 2 else "", **said,
        )  # fmt: skip
        if n != 1:
            table = tables[2 if n == 2 else 8 + n]
            give_table(store=store, booking_id=one.pk, table_id=table.pk, actor=host, at=at)
    join_waiting(customer_id=stage.lapsed.pk, party=3, **said)
    join_waiting(called="陈小姐", party=2, **said)
    arrive(customer_id=stage.newcomer.pk, table="5", party=4, **said)
    save_menu(
        customer_id=stage.regular.pk, dishes=[(name, 1) for name in ("毛肚", "鸭血", "松茸汤", "虾滑", "东坡肉", "米饭")], **said
    )  # fmt: skip
    keep(customer_id=stage.regular.pk, what="绍兴黄酒", left=1, alert_at=1, **said)
    keep(customer_id=stage.lapsed.pk, what="X牌红酒", left=0, alert_at=2, **said)
    waiter = stage.people[Role.WAITER]
    choose_tables(store=store, person=waiter, tables=["5", "6"], actor=waiter, at=at)
    return stage


def test_the_book_is_readable_by_everybody(evening, visit, tmp_path: Path):
    booking = Booking.objects.get(customer=evening.regular)
    wheelchair = Booking.objects.get(needs=["wheelchair"])
    pages = {
        "bookings": reverse("bookings"),
        "booking": reverse("booking", args=[booking.pk]),
        "booking-wheelchair": reverse("booking", args=[wheelchair.pk]),
        "booking-change": reverse("booking-change", args=[booking.pk]),
        "booking-new": f"{reverse('booking-new')}?guest={evening.regular.pk}",
        "booking-slip": reverse("booking-slip", args=[booking.pk]),
        "dining-tables": reverse("dining-tables"),
        "arrivals": reverse("arrivals"),
        "list-tables": reverse("list-tables"),
        "list-briefing": reverse("list-briefing"),
        "customer": reverse("customer", args=[evening.regular.pk]),
        "today": reverse("today"),
    }
    somebody, wrong = visit(evening.people[Role.MANAGER]), {}
    for name, address in pages.items():
        page = somebody.open(address)
        if bad := faults(page, 14):
            wrong[name] = bad
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
    assert (wrong, somebody.complaints) == ({}, [])
    floor, wrong = visit(evening.people[Role.WAITER], screen=FLOOR), {}
    for name, address in {
        "tablet": reverse("tablet"),
        "tablet-guest": reverse("tablet-guest", args=[evening.regular.pk]),
        "tablet-tables": reverse("tablet-tables"),
    }.items():
        page = floor.open(address)
        if bad := [*faults(page, 16), *page.evaluate(TOO_NARROW, 48)]:
            wrong[name] = bad
        page.screenshot(path=tmp_path / f"{name}.png")
    assert (wrong, floor.complaints) == ({}, [])


def test_from_the_phone_to_the_table_to_the_owner(evening, visit):
    host = visit(evening.people[Role.HOST])
    page = host.open(reverse("booking-new"))
    page.fill("#id_who", "1122")
    page.fill("#id_arrives", "21:00")
    page.fill("#id_party", "4")
    page.click("text=存下预订")
    page.wait_for_load_state("networkidle")
    page.click(".table-keys button:has-text('7')")
    page.wait_for_load_state("networkidle")
    assert "已排 7 号台" in page.inner_text("main")
    change_customer(
        store=evening.store, customer_id=evening.lapsed.pk, profile=Profile(owner=evening.people[Role.MANAGER]),
        actor=None, at=evening.at, source="desk",
    )  # fmt: skip
    owner = visit(evening.people[Role.MANAGER], screen=FLOOR)
    owner.open(reverse("tablet"))
    page = host.open(f"{reverse('tablet-guest', args=[evening.lapsed.pk])}")
    assert "今天订了 21:00，4 位" in page.inner_text(".seat")
    page.click(".seat button")
    page.wait_for_load_state("networkidle")
    assert Arrival.objects.get(customer=evening.lapsed).table_no == "7"
    # The owner's tablet asks again by itself.
    told = owner.page.locator(".here:has-text('李梅')")
    expect(told).to_be_visible(timeout=25_000)
    told.locator("button").click()
    owner.page.wait_for_load_state("networkidle")
    expect(owner.page.locator(".here:has-text('李梅')")).to_have_count(0)
    assert Arrival.objects.get(customer=evening.lapsed).acknowledged_by == evening.people[Role.MANAGER]
    assert host.complaints == [] and owner.complaints == []


def test_the_menu_is_in_the_log_with_one_tap(evening, visit):
    waiter = visit(evening.people[Role.WAITER], screen=FLOOR)
    page = waiter.open(reverse("tablet-guest", args=[evening.regular.pk]))
    page.click(".party label:text-is('4')")
    page.fill("#id_amount", "388")
    page.click("text=用专属菜单（6 道）")
    assert page.input_value("#id_dishes").startswith("毛肚 ×1、鸭血 ×1")
    assert page.input_value("#id_amount") == "388"
    page.click("button.done")
    page.wait_for_url("**/tablet/")
    visit_ = Visit.objects.filter(customer=evening.regular).latest("recorded_at")
    assert (visit_.party_size, len(visit_.dishes)) == (4, 6)
    assert waiter.complaints == []


def test_a_booking_is_changed_from_the_list(evening, visit, tmp_path: Path):
    booking = Booking.objects.get(customer=evening.regular)
    host = visit(evening.people[Role.HOST])
    page = host.open(reverse("bookings"))
    page.click(f"#booking-{booking.pk} a:has-text('改预订')")
    page.wait_for_load_state("networkidle")
    assert page.input_value("#id_dishes") == "清蒸石斑 ×1、毛肚 ×2"
    page.fill("#id_arrives", "19:30")
    page.select_option("#id_table", label="16 · 8 座")
    page.click("text=存下改动")
    page.wait_for_load_state("networkidle")
    booking.refresh_from_db()
    assert (booking.arrives, str(booking.table), len(booking.dishes)) == (time(19, 30), "16", 2)
    assert "几点 18:00 → 19:30" in page.inner_text("main")
    page.screenshot(path=tmp_path / "booking-changed.png", full_page=True)
    page = host.open(reverse("booking-change", args=[booking.pk]))
    assert faults(page, 14) == []
    page.screenshot(path=tmp_path / "booking-change.png", full_page=True)
    assert host.complaints == []


def test_who_seats_a_walk_in_at_a_booked_table_is_asked(evening, visit, tmp_path: Path):
    store, soon = evening.store, (evening.at + timedelta(minutes=60)).astimezone(evening.store.zone())
    table = DiningTable.objects.get(store=store, number="20")
    book(
        store=store, customer_id=evening.lapsed.pk, on=soon.date(), arrives=soon.time().replace(second=0, microsecond=0),
        party=4, table_id=table.pk, actor=None, at=evening.at,
    )  # fmt: skip
    waiter = visit(evening.people[Role.WAITER], screen=FLOOR)
    page = waiter.open(reverse("tablet-guest", args=[evening.regular.pk]))
    page.fill("#seat-table", "20")
    page.click(".seat button")
    page.wait_for_load_state("networkidle")
    assert "李梅的预订，4 位，还没到" in page.inner_text(".seat")
    assert [*faults(page, 16), *page.evaluate(TOO_NARROW, 48)] == []
    page.screenshot(path=tmp_path / "tablet-doubt.png")
    page.click(".seat button:has-text('仍然入座')")
    page.wait_for_load_state("networkidle")
    here = Arrival.objects.get(customer=evening.regular)
    assert (here.table_no, here.despite.customer) == ("20", evening.lapsed)
    page.screenshot(path=tmp_path / "tablet-seated.png")
    host = visit(evening.people[Role.HOST])
    page = host.open(f"{reverse('bookings')}?waiting={Waiting.objects.get(called='陈小姐').pk}&table=20")
    assert "仍然入座" in page.inner_text(".waiting") and faults(page, 14) == []
    page.screenshot(path=tmp_path / "waiting-doubt.png", full_page=True)
    page = host.open(reverse("arrivals"))
    assert "仍然入座" in page.inner_text("main")
    page.screenshot(path=tmp_path / "arrivals.png", full_page=True)
    assert (waiter.complaints, host.complaints) == ([], [])
