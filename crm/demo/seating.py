"""The tables of the demo restaurant, who is expected today and in the days to come, who sits there already.

All of it through the services that the pages call.
"""

import random
from datetime import date, datetime, time, timedelta

from crm.demo.staffing import Staff
from customers.models import Patronage
from customers.selectors.bookings import booked_on, tables_offered
from customers.services.arrivals import arrive, choose_tables, join_waiting, save_menu
from customers.services.bookings import add_table, book, give_table
from staff.models import Role, Store

TABLES = 20
ACCESSIBLE = (3, 8, 20)
ROOMS = (("牡丹厅", 12, True), ("荷花厅", 10, False))
TODAY, LATER = 9, (1, 1, 2, 3, 6)
DINNER = (time(17, 30), time(18), time(18, 30), time(19))
DISHES = (("清蒸石斑", 1), ("毛肚", 2), ("松茸汤", 1), ("虾滑", 2), ("鸭血", 1), ("手切羊肉", 3))
NOTES = ("要靠窗", "生日，准备长寿面", "请安静的位子", "")


def expect_guests(staff: Staff, seed: int, today: date, at: datetime) -> None:
    """Tables for each store; bookings from today on; two guests who sit, two who wait; the menus of three."""
    for place, store in enumerate(staff.stores):
        dice = random.Random(f"{seed}:seating:{place}")
        for number in range(1, TABLES + 1):
            add_table(
                store=store,
                number=str(number),
                seats=dice.choice((4, 4, 6, 8)),
                accessible=number in ACCESSIBLE,
            )
        for name, seats, accessible in ROOMS:
            add_table(store=store, number=name, seats=seats, room="二楼包间", accessible=accessible)
        _one_store(staff, place, store, dice, today, at)


def _one_store(
    staff: Staff, place: int, store: Store, dice: random.Random, today: date, at: datetime
) -> None:
    host, manager = staff.of(place, Role.HOST), staff.of(place, Role.MANAGER)
    known = Patronage.objects.filter(store=store, visits_total__gte=4).order_by(
        "-spend_total_fen", "customer_id"
    )
    some = list(known[:60])
    guests = dice.sample(some, min(len(some), 24))
    days = [0] * TODAY + list(LATER)
    for guest, ahead in zip(guests, days, strict=False):
        booking = book(
            store=store, customer_id=guest.customer_id, on=today + timedelta(days=ahead), arrives=dice.choice(DINNER),
            party=dice.randrange(2, 9), actor=host, at=at - timedelta(hours=dice.randrange(2, 30)), held=dice.random() < 0.2,
            dishes=dice.sample(DISHES, dice.randrange(0, 3)), note=dice.choice(NOTES),
            needs=dice.choice(([], [], ["child_seat"], ["wheelchair", "elderly"])),
        )  # fmt: skip
        free = tables_offered(store, booking)
        if free and dice.random() < 0.7:
            give_table(store=store, booking_id=booking.pk, table_id=free[0].pk, actor=host, at=at)
    rest = guests[len(days) :]
    taken = {str(row.table) for row in booked_on(store, today)}
    numbers = [str(number) for number in range(4, TABLES + 1) if str(number) not in taken]
    for guest, minutes, table_no in zip(rest[:2], (50, 12), numbers, strict=False):
        when = at - timedelta(minutes=minutes)
        arrive(
            store=store,
            customer_id=guest.customer_id,
            table=table_no,
            party=4,
            actor=host,
            at=when,
        )
    join_waiting(
        store=store, customer_id=rest[2].customer_id, party=3, actor=host, at=at - timedelta(minutes=6)
    )
    join_waiting(store=store, called="陈小姐", party=2, actor=host, at=at - timedelta(minutes=11))
    for guest in rest[3:6]:
        save_menu(store=store, customer_id=guest.customer_id, dishes=DISHES, actor=manager, at=at)
    for number, person in enumerate(staff.waiters(place)[:2]):
        tables = [str(n) for n in range(1 + 5 * number, 6 + 5 * number)]
        choose_tables(store=store, person=person, tables=tables, actor=person, at=at)
