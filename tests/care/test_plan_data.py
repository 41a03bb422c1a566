"""The plans that ship with the schemes, as a night follows them."""

from collections import Counter
from datetime import date

import pytest

from care.models import Task
from tests.care.stage import adopt, guests, night

pytestmark = pytest.mark.django_db


def test_row_44_ten_days_before_spring_festival_vip_and_a_are_owed_gifts(store):
    """12 VIP, 30 A, 90 B, 400 C: 42 gifts in the run of 27 January 2027, none for B and C."""
    adopt(store, "company_vip_abc")
    first = 1
    for number, tier in ((12, "VIP"), (30, "A"), (90, "B"), (400, "C")):
        guests(store, number, tier, first=first)
        first += number
    gifts = Task.objects.filter(channel="gift", occasion="festival:spring_festival:2027")
    night(store, "2027-01-25")
    assert gifts.count() == 0
    for _turn in range(2):
        night(store, "2027-01-26")
    assert Counter(gifts.values_list("tier", flat=True)) == {"VIP": 12, "A": 30}
    assert set(gifts.values_list("due_on", "event_on")) == {(date(2027, 2, 1), date(2027, 2, 6))}
    assert set(Task.objects.values_list("tier", flat=True)) == {"VIP", "A"}


def test_row_44_everybody_is_asked_a_week_after_the_visit(store):
    adopt(store, "company_vip_abc")
    for n, tier in enumerate(("VIP", "A", "B", "C")):
        guests(store, 1, tier, first=1 + n, last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    owed = Task.objects.filter(code="all_return")
    assert Counter(owed.values_list("tier", "due_on")) == {
        (tier, date(2026, 6, 8)): 1 for tier in ("VIP", "A", "B", "C")
    }


def test_row_45_a_new_guest_is_asked_once_not_by_two_lines(store):
    """The line of the new ones takes the place of everybody's."""
    adopt(store, "company_new_ordinary_important_vip")
    [new] = guests(store, 1, "NEW")
    new.patronages.update(since=date(2026, 6, 1))
    night(store, "2026-06-01")
    assert [(task.code, task.channel, task.due_on) for task in Task.objects.all()] == [
        ("new_needs", "wechat", date(2026, 6, 2))
    ]


def test_row_43_a_high_value_guest_is_called_and_a_low_value_guest_is_not(store):
    adopt(store, "hotpot_hml")
    guests(store, 2, "A"), guests(store, 3, "B", first=11), guests(store, 5, "C", first=21)
    night(store, "2026-05-31")
    assert Counter(Task.objects.values_list("code", "tier")) == {("a_relation", "A"): 2}
