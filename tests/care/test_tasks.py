"""What people do with their tasks."""

from datetime import date

import pytest

from care.models import Task
from care.services import tasks
from common.errors import NotHere, Refused
from tests.care.stage import adopt, china, content, grade, night

pytestmark = pytest.mark.django_db
AT = china("2026-06-13 10:00")


@pytest.fixture
def call(store, regular) -> Task:
    """The no-show call of the night of 11 June: due on the 12th, closes on the 26th."""
    adopt(store, "recent_month_abc")
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-11")
    return Task.objects.get(code="a_no_show")


@pytest.fixture
def half_month_call(call, store) -> Task:
    """The call of the second half of June: until the 30th."""
    return Task.objects.get(code="a_phone", occasion="monthly:2026-06:2")


def events(task: Task) -> list[tuple]:
    return list(task.events.values_list("outcome", "note", "next_on", "by__username"))


def test_completing_a_task(store, call, head):
    done = tasks.complete_task(store=store, task_id=call.pk, actor=head, at=AT, note=" 在出差 ")
    assert (done.state, done.settled_at, done.settled_by) == ("done", AT, head)
    assert events(call) == [("done", "在出差", None, "chen")]


def test_completing_twice_is_once(store, call, head, manager):
    tasks.complete_task(store=store, task_id=call.pk, actor=head, at=AT)
    again = tasks.complete_task(store=store, task_id=call.pk, actor=manager, at=china("2026-06-14 10:00"))
    assert (again.settled_at, again.settled_by) == (AT, head)
    assert len(events(call)) == 1


def test_case_22_a_call_made_too_late_is_still_a_call(store, call, head):
    night(store, "2026-06-26")
    call.refresh_from_db()
    assert call.state == "expired"
    done = tasks.complete_task(store=store, task_id=call.pk, actor=head, at=china("2026-06-27 10:00"))
    assert (done.state, done.reason) == ("done", "")


def test_a_guest_who_declines(store, call, head):
    done = tasks.decline(store=store, task_id=call.pk, actor=head, at=AT, note="不想被打扰")
    assert done.state == "declined"
    assert events(call) == [("declined", "不想被打扰", None, "chen")]


def test_not_reached_stays_open_for_tomorrow(store, call, head):
    tried = tasks.not_reached(store=store, task_id=call.pk, actor=head, at=AT)
    assert (tried.state, tried.due_on) == ("open", date(2026, 6, 14))
    tried = tasks.not_reached(
        store=store, task_id=call.pk, actor=head, at=AT, note="关机", next_on=date(2026, 6, 16)
    )
    assert (tried.state, tried.due_on) == ("open", date(2026, 6, 16))
    assert events(call) == [
        ("not_reached", "", date(2026, 6, 14), "chen"),
        ("not_reached", "关机", date(2026, 6, 16), "chen"),
    ]


def test_not_reached_on_the_last_day_stays_on_it(store, half_month_call, head):
    tried = tasks.not_reached(
        store=store, task_id=half_month_call.pk, actor=head, at=china("2026-06-30 18:00")
    )
    assert tried.due_on == date(2026, 6, 30)


def test_row_64_on_holiday_until_the_twentieth(store, call, head):
    moved = tasks.postpone(
        store=store, task_id=call.pk, next_on=date(2026, 6, 20), actor=head, at=AT, note="度假"
    )
    assert (moved.state, moved.due_on) == ("open", date(2026, 6, 20))
    assert events(call) == [("postponed", "度假", date(2026, 6, 20), "chen")]
    night(store, "2026-06-13")
    assert Task.objects.get(code="a_no_show").due_on == date(2026, 6, 20)


def test_postponing_beyond_the_window_moves_the_last_day_along(store, call, head):
    moved = tasks.postpone(store=store, task_id=call.pk, next_on=date(2026, 7, 10), actor=head, at=AT)
    assert (moved.due_on, moved.close_on) == (date(2026, 7, 10), date(2026, 7, 24))


@pytest.mark.parametrize(
    ("which", "next_on", "code"),
    [
        pytest.param("call", "2026-06-12", "day_in_past", id="yesterday"),
        pytest.param("call", "2026-08-11", "postponed_too_far", id="61-days-after-opening"),
        pytest.param("half_month_call", "2026-07-01", "postponed_too_far", id="out-of-its-half-month"),
    ],
)
def test_days_that_are_refused(request, store, head, call, which, next_on, code):
    task = request.getfixturevalue(which)
    before = content()
    for verb in (tasks.postpone, tasks.not_reached):
        with pytest.raises(Refused) as refused:
            verb(store=store, task_id=task.pk, next_on=date.fromisoformat(next_on), actor=head, at=AT)
        assert refused.value.code == code
    assert content() == before
    assert events(task) == []


def test_the_latest_day_is_allowed(store, call, half_month_call, head):
    for task, day in ((call, date(2026, 8, 10)), (half_month_call, date(2026, 6, 30))):
        assert tasks.postpone(store=store, task_id=task.pk, next_on=day, actor=head, at=AT).due_on == day
        assert str(tasks.latest_day(Task.objects.get(pk=task.pk))) == day.isoformat()


def test_claiming(store, call, head, manager):
    assert tasks.claim(store=store, task_id=call.pk, actor=manager, at=AT).assignee == manager
    tasks.claim(store=store, task_id=call.pk, actor=manager, at=AT)
    assert events(call) == [("claimed", "", None, "liu")]
    with pytest.raises(Refused) as refused:
        tasks.claim(store=store, task_id=call.pk, actor=head, at=AT)
    assert (refused.value.code, refused.value.status) == ("task_taken", 409)
    assert "刘经理" in str(refused.value)
    assert Task.objects.get(pk=call.pk).assignee == manager


VERBS = {
    "complete": lambda **said: tasks.complete_task(**said),
    "decline": lambda **said: tasks.decline(**said),
    "not_reached": lambda **said: tasks.not_reached(**said),
    "postpone": lambda **said: tasks.postpone(next_on=date(2026, 6, 20), **said),
    "claim": lambda **said: tasks.claim(**said),
}


@pytest.mark.parametrize("verb", VERBS)
def test_another_stores_task_is_not_there(other_store, call, stranger, verb):
    before = content()
    with pytest.raises(NotHere):
        VERBS[verb](store=other_store, task_id=call.pk, actor=stranger, at=AT)
    with pytest.raises(NotHere):
        VERBS[verb](store=other_store, task_id=987654321, actor=stranger, at=AT)
    assert content() == before


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "complete"])
def test_a_task_that_is_done_stays_done(store, call, head, verb):
    tasks.complete_task(store=store, task_id=call.pk, actor=head, at=AT)
    before = content()
    with pytest.raises(Refused) as refused:
        VERBS[verb](store=store, task_id=call.pk, actor=head, at=AT)
    assert (refused.value.code, refused.value.status) == ("task_settled", 409)
    assert content() == before


def test_what_the_guests_coming_closed_is_not_completed(store, call, regular, head):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 13))
    night(store, "2026-06-13")
    with pytest.raises(Refused):
        tasks.complete_task(store=store, task_id=call.pk, actor=head, at=AT)
