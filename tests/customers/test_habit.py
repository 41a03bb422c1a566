"""When a guest is expected: the rule alone, case by case. docs/rules/bookings.md."""

from datetime import date, timedelta

import pytest

from customers.habit import Came, Habit, predict

TODAY = date(2026, 6, 24)  # a Wednesday
FRIDAYS = [date(2026, 6, 19), date(2026, 6, 12), date(2026, 6, 5), date(2026, 5, 29)]
SUNDAYS = [day + timedelta(days=2) for day in FRIDAYS[1:]] + [date(2026, 5, 24)]


def came(*days: date) -> list[Came]:
    return [Came(day) for day in days]


def test_row_45_three_of_the_last_four_fridays_predict_friday():
    found = predict(came(FRIDAYS[0], FRIDAYS[1], FRIDAYS[3]), TODAY)
    assert found == Habit(weekday=4, times=3, weeks=4, next_on=date(2026, 6, 26))


@pytest.mark.parametrize(
    ("case", "days", "today", "expected"),
    [
        ("twice is no habit", FRIDAYS[:2], TODAY, None),
        ("five weeks back is long ago", [*FRIDAYS[:2], date(2026, 5, 22)], TODAY, None),
        ("twice on one day is one day", [FRIDAYS[0], FRIDAYS[0], FRIDAYS[1]], TODAY, None),
        ("on the very day", FRIDAYS[:3], date(2026, 6, 26), (4, 3, date(2026, 6, 26))),
        ("on the very day, in already", [*FRIDAYS[:3], date(2026, 6, 26)], date(2026, 6, 26), (4, 3, date(2026, 7, 3))),
        ("the stronger habit", [*FRIDAYS, *SUNDAYS[:3]], TODAY, (4, 4, date(2026, 6, 26))),
        ("of equals the nearer", [*FRIDAYS[:3], *[d - timedelta(days=1) for d in FRIDAYS[:3]]], TODAY, (3, 3, date(2026, 6, 25))),
        ("never came", [], TODAY, None),
    ],
)  # fmt: skip
def test_case_11_which_day(case, days, today, expected):
    found = predict(came(*days), today)
    assert (found and (found.weekday, found.times, found.next_on)) == expected


def test_case_12_the_usual_table_dishes_and_party():
    visits = [
        Came(FRIDAYS[0], "A6", ("毛肚", "鸭血"), 4),
        Came(FRIDAYS[1], "A6", ("毛肚", "毛肚", "松茸汤"), 4),
        Came(FRIDAYS[2], "B1", ("鸭血", "虾滑"), 6),
    ]
    found = predict(visits, TODAY)
    assert (found.table, found.dishes, found.party) == ("A6", ("毛肚", "鸭血"), 4)


def test_case_12_once_is_not_usual():
    found = predict([Came(FRIDAYS[0], "A6", ("毛肚",)), Came(FRIDAYS[1], "B1"), Came(FRIDAYS[2], "")], TODAY)
    assert (found.table, found.dishes, found.party) == ("", (), None)
