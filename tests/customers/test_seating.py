"""Which tables suit, who is called first, when an unconfirmed table is free again: the rules alone. docs/rules/bookings.md."""

from datetime import date, datetime, time, timedelta

import pytest

from customers.preorder import kept, read_dishes, write_dishes
from customers.seating import (
    Place,
    call_order,
    codes_of,
    evening_of,
    free_again,
    goes_first,
    is_in_the_way,
    offered,
    suits,
)

LOW, HIGH, ROUND = Place(1, 4, True), Place(2, 4, False), Place(3, 10, False)


@pytest.mark.parametrize(
    ("case", "place", "party", "needs", "why"),
    [
        ("four at a table of four", HIGH, 4, [], ""),
        ("five at a table of four", HIGH, 5, [], "small"),
        ("a wheelchair at a table it can reach", LOW, 2, ["wheelchair"], ""),
        ("a wheelchair at one it cannot reach", HIGH, 2, ["wheelchair"], "stairs"),
        ("the way comes before the seats", HIGH, 9, ["wheelchair"], "stairs"),
        ("a child seat is brought to any table", HIGH, 2, ["child_seat", "elderly"], ""),
    ],
)
def test_cases_1_and_2_which_table_suits(case, place, party, needs, why):
    assert suits(place, party, needs) == why


@pytest.mark.parametrize(
    ("party", "needs", "taken", "keys"),
    [
        (2, [], set(), [2, 3, 1]),  # the accessible one is kept for who needs it
        (2, ["wheelchair"], set(), [1]),
        (2, [], {2}, [3, 1]),
        (6, [], set(), [3]),
        (11, [], set(), []),
    ],
)
def test_case_3_what_is_offered_in_which_order(party, needs, taken, keys):
    assert [each.key for each in offered([LOW, HIGH, ROUND], party, needs, taken)] == keys


@pytest.mark.parametrize(
    ("on", "made_on", "days", "free"),
    [
        (date(2026, 10, 1), date(2026, 9, 20), 4, date(2026, 9, 27)),
        (date(2026, 10, 1), date(2026, 9, 29), 4, date(2026, 9, 30)),  # not before the day after
        (
            date(2026, 10, 1),
            date(2026, 10, 1),
            4,
            date(2026, 10, 2),
        ),  # kept on its own day: when that is over
        (date(2026, 10, 1), date(2026, 9, 20), 0, date(2026, 10, 1)),
    ],
)
def test_case_6_when_an_unconfirmed_table_is_free_again(on, made_on, days, free):
    assert free_again(on, made_on, days) == free


@pytest.mark.parametrize(
    ("case", "begins", "sits_down", "minutes", "answer"),
    [
        ("a booking in an hour", 60, 0, 120, True),
        ("one that begins when the table is free again", 120, 0, 120, False),
        ("a minute before that", 119, 0, 120, True),
        ("the table is taken for an hour only", 60, 0, 60, False),
        ("the guest is late", 0, 30, 120, True),
        ("the booking is over", 0, 120, 120, False),
    ],
)
def test_cases_23_and_24_whose_booking_stands_in_the_way(case, begins, sits_down, minutes, answer):
    six = datetime(2026, 6, 20, 18)
    starts_at, at = six + timedelta(minutes=begins), six + timedelta(minutes=sits_down)
    assert is_in_the_way(starts_at, starts_at + timedelta(minutes=120), at, minutes) is answer


@pytest.mark.parametrize(
    ("arrives", "ends", "evening"),
    [
        (time(18), time(4), date(2026, 6, 20)),
        (time(0, 30), time(4), date(2026, 6, 19)),
        (time(3, 59), time(4), date(2026, 6, 19)),
        (time(4), time(4), date(2026, 6, 20)),
        (time(0, 30), time(0), date(2026, 6, 20)),
        (time(1, 30), time(1), date(2026, 6, 20)),
    ],
)
def test_case_25_which_evening_a_booking_belongs_to(arrives, ends, evening):
    assert evening_of(date(2026, 6, 20), arrives, ends) == evening


@pytest.mark.parametrize(
    ("tier", "labels", "first", "answer"),
    [
        ("A", {}, {"A"}, True),
        ("B", {}, {"A"}, False),
        ("B", {"vip": "GOLD"}, {"GOLD"}, True),
        ("B", {"life": "NEW+RARE"}, {"RARE"}, True),
        ("", {"vip": ""}, {"", "A"}, False),
    ],
)
def test_case_9_whose_tier_goes_first(tier, labels, first, answer):
    assert goes_first(tier, labels, first) is answer


def test_case_9_codes_as_people_write_them():
    assert codes_of("VIP A，GOLD、SILVER,B ") == {"VIP", "A", "GOLD", "SILVER", "B"}
    assert codes_of("  ") == frozenset()


def test_case_10_first_by_tier_then_by_the_moment():
    day = date(2026, 6, 20)
    six, five = datetime.combine(day, time(18)), datetime.combine(day, time(17, 55))
    assert sorted([call_order(False, five), call_order(True, six), call_order(True, five)]) == [
        call_order(True, five), call_order(True, six), call_order(False, five),
    ]  # fmt: skip


def test_case_13_dishes_are_read_back_as_they_were_written():
    dishes = (("清蒸石斑", 1), ("东坡肉", 2))
    assert write_dishes(kept(dishes)) == "清蒸石斑 ×1、东坡肉 ×2"
    assert read_dishes(write_dishes(kept(dishes))) == dishes
