"""The decisions of the long relation, as tables: docs/rules/relations.md."""

from datetime import date, timedelta

import pytest

from care.relations.rules import (
    STEPS,
    Subject,
    address_fault,
    call_due,
    counted_from,
    days_overdue,
    funnel,
    furthest,
    is_stuck,
    next_topic,
    renewal_on,
    tenths,
    won_back,
)

D = date(2026, 6, 1)


def after(days: int) -> date:
    return D + timedelta(days=days)


def test_case_1_renewal_sixty_days_before():
    assert renewal_on(date(2026, 12, 31), 60) == date(2026, 11, 1)
    assert renewal_on(date(2026, 12, 31), 0) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("days", "due"), [(0, None), (29, None), (30, 30), (31, 30), (59, 30), (60, 60), (75, 60)]
)
def test_case_2_a_call_is_due_every_so_many_days_and_a_missed_turn_is_not_made_up_for(days, due):
    assert call_due(D, 30, after(days)) == (after(due) if due is not None else None)


@pytest.mark.parametrize(("days", "overdue"), [(0, 0), (30, 0), (31, 1), (45, 15)])
def test_case_3_overdue_begins_the_day_after(days, overdue):
    assert days_overdue(D, 30, after(days)) == overdue


def test_case_3_counted_from_the_contact_but_not_before_the_agreement():
    assert counted_from(None, D) == D
    assert counted_from(after(-9), D) == D
    assert counted_from(after(9), D) == after(9)


@pytest.mark.parametrize(("percent", "zhe"), [(8, 9.2), (12, 8.8), (50, 5), (8.5, 9.15)])
def test_case_4_per_cent_off_as_a_bill_says_it(percent, zhe):
    assert tenths(percent) == zhe


@pytest.mark.parametrize(
    ("subjects", "number"),
    [
        ([], None),
        ([(2, False)], 0),  # one alone, whatever its depth
        ([(3, False), (1, False), (2, False)], 1),  # light before close
        ([(1, False), (1, False)], 1),  # the newer of two
        ([(2, True), (1, False), (2, False)], 2),  # no way back to small talk
        ([(3, True), (1, False), (2, False), (2, False)], 3),  # all lighter: the deepest, the newer
        ([(1, True), (3, False)], 1),
        ([(1, True), (2, True)], None),
    ],
)
def test_case_9_which_topic_is_next(subjects, number):
    assert next_topic([Subject(n, depth, used) for n, (depth, used) in enumerate(subjects)]) == number


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("滨江路1号", ""),
        ("", "no_address"),
        ("  \n", "no_address"),
        ("滨江路", "short_address"),
        ("滨 江 路", "short_address"),
        ("310051", "short_address"),
        ("West Lake Road 1", ""),
    ],
)
def test_case_11_where_nothing_can_be_sent(address, fault):
    assert address_fault(address) == fault


@pytest.mark.parametrize(
    ("came", "today", "outcome"),
    [
        (1, 1, "returned"),
        (60, 60, "returned"),
        (61, 70, "lost"),
        (None, 60, "waiting"),
        (None, 61, "lost"),
        (0, 5, "returned"),
    ],
)
def test_case_6_returned_within_the_days_or_lost(came, today, outcome):
    assert won_back(D, after(came) if came is not None else None, 60, after(today)) == outcome


@pytest.mark.parametrize(
    ("facts", "step", "since"),
    [
        ({}, "recognise", 0),
        ({"develop": 2}, "develop", 2),
        ({"develop": -5}, "develop", 0),  # never before being known
        ({"respond": 4}, "respond", 4),  # who answered has been approached
        ({"receive": 3}, "receive", 3),  # who walked in, too
        ({"care": 3, "serve": 3, "interact": 4, "return": 9}, "recognise", 0),  # nobody was received
        ({"receive": 3, "care": 3}, "care", 3),
        ({"receive": 3, "return": 9, "care": 12}, "return", 9),
        ({"receive": 3, "interact": 4, "return": 9}, "interact", 4),
    ],
)
def test_case_13_the_furthest_step(facts, step, since):
    days = {name: after(facts[name]) if name in facts else None for name in STEPS[2:]}
    assert furthest(D, days) == (step, after(since))


def test_case_14_whoever_is_at_a_step_has_passed_those_before_it():
    rows = funnel(400, {"recognise": 120, "develop": 27, "respond": 3, "receive": 3, "return": 27})
    assert [(name, reached) for name, reached, _share in rows] == [
        ("define", 400), ("recognise", 180), ("develop", 60), ("respond", 33), ("receive", 30), ("serve", 27),
        ("care", 27), ("return", 27), ("interact", 0),
    ]  # fmt: skip
    assert f"{rows[2][2]:.1%}" == "33.3%" and rows[1][2] == 0.45
    assert funnel(None, {})[1] == ("recognise", 0, None)


def test_case_15_stuck():
    assert not is_stuck("develop", D, 30, after(30))
    assert is_stuck("develop", D, 30, after(31))
    assert not is_stuck("interact", D, 30, after(300))
