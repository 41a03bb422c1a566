"""Tasks and guests change hands; what is late goes to those who lead."""

from datetime import date

import pytest

from care.models import CareRules, Task
from care.services import tasks
from care.services.handover import Handed, hand_over, hand_over_person
from care.services.plans import change_line
from common.errors import NotHere, Refused
from customers.models import Patronage
from staff.access import staff_of
from staff.models import Membership, Role
from tests.care.stage import adopt, china, content, grade, guests, night
from tests.cast import hire

pytestmark = pytest.mark.django_db
AT = china("2026-06-13 10:00")


@pytest.fixture
def calls(store, regular, lapsed, head) -> list[Task]:
    """Two no-show calls of the night of 11 June, due on the 12th: the head's by name, and nobody's yet."""
    adopt(store, "recent_month_abc")
    for guest, owner in ((regular, head), (lapsed, None)):
        grade(guest, store, "A", last_visit_on=date(2026, 6, 1), owner=owner)
    for other in ("a_phone", "a_visit", "a_dinner", "a_falling"):
        change_line(store=store, scheme_code="recent_month_abc", code=other, enabled=False, actor=None, at=AT)
    night(store, "2026-06-11")
    return list(Task.objects.filter(code="a_no_show").order_by("customer_id"))


def test_several_tasks_go_to_a_colleague_with_a_reason(store, calls, head, manager):
    given = {"store": store, "task_ids": [task.pk for task in calls], "to": manager, "actor": head, "at": AT}
    assert hand_over(**given, reason=" 下周出差 ") == 2
    assert hand_over(**given, reason="下周出差") == 0
    for task in calls:
        task.refresh_from_db()
        assert task.assignee == manager
        assert list(task.events.values_list("outcome", "note", "by")) == [("handed", "下周出差", head.pk)]


def test_what_cannot_be_handed_over_stays(store, calls, head, manager, stranger, rival):
    tasks.complete_task(store=store, task_id=calls[1].pk, actor=head, at=AT)
    before = content()
    both = [task.pk for task in calls]
    for to, reason, ids, code in (
        (stranger, "下周出差", both[:1], "task_to_stranger"),
        (manager, " ", both[:1], "task_reason"),
        (manager, "下周出差", [], "tasks_none"),
        (manager, "下周出差", both, "task_settled"),
    ):
        with pytest.raises(Refused) as refused:
            hand_over(store=store, task_ids=ids, to=to, reason=reason, actor=head, at=AT)
        assert refused.value.code == code
    foreign = hire("x", "外人", Role.HEAD, rival)
    with pytest.raises(NotHere):
        hand_over(store=rival, task_ids=both[:1], to=foreign, reason="抢走", actor=foreign, at=AT)
    assert content() == before


def test_row_168_whoever_looks_after_18_guests_leaves_with_a_successor_only(store, head, manager, calls):
    liu = hire("liu2", "刘大客户", Role.MANAGER, store)
    mine = guests(store, 18, "A")
    Patronage.objects.filter(customer__in=mine, store=store).update(owner=liu)
    hand_over(store=store, task_ids=[calls[0].pk], to=liu, reason="大客户", actor=head, at=AT)
    leaving = {"store": store, "from_": liu, "reason": "离职", "actor": head, "at": AT, "leaves": True}
    for nobody in (None, liu):
        with pytest.raises(Refused):
            hand_over_person(**leaving, to=nobody)
    assert Membership.objects.get(person=liu).until is None
    assert Patronage.objects.filter(owner=liu).count() == 18
    assert hand_over_person(**leaving, to=manager) == Handed(guests=18, tasks=1)
    assert Patronage.objects.filter(owner=manager).count() == 18
    assert Task.objects.get(pk=calls[0].pk).assignee == manager
    assert Membership.objects.get(person=liu).until == date(2026, 6, 12)
    assert liu not in [person for person, _role in staff_of(store, date(2026, 6, 13))]
    assert hand_over_person(**leaving, to=manager) == Handed(0, 0)


def test_somebody_from_another_restaurant_is_not_handed_over(store, head, manager, stranger):
    with pytest.raises(NotHere):
        hand_over_person(store=store, from_=stranger, to=manager, reason="离职", actor=head, at=AT)


def late() -> list[tuple[str, date | None]]:
    return list(Task.objects.filter(code="a_no_show").values_list("state", "escalated_on").distinct())


def test_case_50_more_than_two_days_late_goes_to_those_who_lead_once(store, calls):
    assert night(store, "2026-06-13").get("escalated") is None  # the 14th: two days late
    assert night(store, "2026-06-14")["escalated"] == 2  # the 15th: three
    assert late() == [("open", date(2026, 6, 15))]
    assert night(store, "2026-06-14").get("escalated") is None
    assert list(calls[0].events.values_list("outcome", "by")) == [("escalated", None)]


def test_how_late_is_the_stores_word(store, calls):
    CareRules.objects.create(store=store, overdue_days=5)
    assert night(store, "2026-06-16").get("escalated") is None
    assert night(store, "2026-06-17")["escalated"] == 2


def test_a_task_put_off_is_late_no_more_and_may_be_late_again(store, calls, head):
    night(store, "2026-06-14")
    tasks.postpone(
        store=store, task_id=calls[0].pk, next_on=date(2026, 6, 17), actor=head, at=china("2026-06-15 10:00")
    )
    assert Task.objects.get(pk=calls[0].pk).escalated_on is None
    night(store, "2026-06-19")
    assert Task.objects.get(pk=calls[0].pk).escalated_on == date(2026, 6, 20)
