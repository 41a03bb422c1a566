"""The night opens what is owed and closes what is over, for a whole store at once."""

from datetime import date, timedelta

import pytest

from care.models import Plan, PlanLine, Task, TaskEvent
from care.playbook import BadPlaybook, due_in, slots
from care.services.plans import change_line, line_of, plan_for
from care.services.tasks import complete_task
from common.birthdays import Birthday
from common.errors import NotHere
from customers.models import Patronage
from staff.models import Membership
from tests.care.stage import adopt, content, grade, guests, morning, night, nights

pytestmark = pytest.mark.django_db


@pytest.fixture
def recent(store):
    adopt(store, "recent_month_abc")


@pytest.fixture
def average(store):
    adopt(store, "monthly_avg_abc")


def owed(**where):
    return Task.objects.filter(**where).count()


def codes(customer, **where):
    return sorted(Task.objects.filter(customer=customer, **where).values_list("code", flat=True))


# ---- the two schemes' plans ----


def test_row_40_an_a_guest_in_june(store, recent, regular):
    """Two calls and one visit for the store head, before June has begun, and only once."""
    grade(regular, store, "A", last_visit_on=date(2026, 5, 30))
    night(store, "2026-05-31")
    june = Task.objects.filter(customer=regular, due_on__range=("2026-06-01", "2026-06-30"))
    assert sorted(june.filter(line__trigger="monthly").values_list("code", "occasion", "role")) == [
        ("a_phone", "monthly:2026-06:1", "head"),
        ("a_phone", "monthly:2026-06:2", "head"),
        ("a_visit", "monthly:2026-06:1", "head"),
    ]
    first, second = june.filter(code="a_phone").order_by("due_on")
    assert first.due_on <= date(2026, 6, 10) and first.close_on == date(2026, 6, 15)
    assert date(2026, 6, 16) <= second.due_on <= date(2026, 6, 25) and second.close_on == date(2026, 6, 30)
    before = content()
    assert night(store, "2026-05-31")["opened"] == 0
    assert content() == before


def test_row_40_one_dinner_a_half_year(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 12, 31))
    nights(store, "2025-12-31", "2026-01-10")
    nights(store, "2026-06-25", "2026-07-05")
    dinners = Task.objects.filter(code="a_dinner").order_by("due_on")
    assert [(task.occasion, task.channel, task.state) for task in dinners] == [
        ("half_year:2026-H1:1", "event", "expired"),
        ("half_year:2026-H2:1", "event", "open"),
    ]
    assert dinners[0].close_on == date(2026, 6, 30)


def test_row_41_thirty_b_guests_in_half_a_year(store, recent):
    """30 × 6 × 2 calls, 30 × 6 visits, no dinner; all on the manager's list, none on the head's."""
    guests(store, 30, "B", last_visit_on=date(2026, 12, 31))
    nights(store, "2025-12-31", "2026-06-29")
    cadence = Task.objects.filter(line__trigger="monthly")
    assert cadence.filter(channel="phone").count() == 360
    assert cadence.filter(channel="visit").count() == 180
    assert owed(channel="event") == 0
    assert set(Task.objects.values_list("role", flat=True)) == {"manager"}
    # The visits at New Year, Spring Festival and May Day come on top.
    assert owed(line__trigger="festival") == 90
    assert owed() == 360 + 180 + 90
    months = cadence.filter(channel="phone", due_on__month=2)
    assert months.filter(due_on__day__lte=14).count() == months.filter(due_on__day__gt=14).count() == 30


def test_row_42_c_guests_are_owed_nothing(store, recent):
    guests(store, 1000, "C", born=Birthday("solar", 1980, 6, 21), last_visit_on=date(2026, 6, 1))
    counts = night(store, "2026-06-19")
    assert counts["opened"] == 0
    assert owed() == 0


def test_row_36_the_birthday_gift_appears_a_week_before(store, average, regular, head):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 10), owner=head)
    regular.birth_calendar, regular.birth_month, regular.birth_day = "solar", 6, 20
    regular.save()
    night(store, "2026-06-11")
    assert codes(regular, line__trigger="birthday") == []
    night(store, "2026-06-12")
    gift = Task.objects.get(customer=regular, code="a_birthday")
    assert (gift.occasion, gift.event_on, gift.due_on) == (
        "birthday:solar:06-20:2026", date(2026, 6, 20), date(2026, 6, 20),
    )  # fmt: skip
    assert (gift.channel, gift.assignee, gift.opened_at) == ("gift", head, morning(date(2026, 6, 13)))


def test_row_36_one_family_dinner_a_calendar_year(store, average, regular):
    grade(regular, store, "A", last_visit_on=date(2027, 12, 31))
    nights(store, "2025-12-31", "2026-01-03")
    nights(store, "2026-06-01", "2026-06-03")
    nights(store, "2026-12-29", "2027-01-02")
    dinners = Task.objects.filter(code="a_dinner").order_by("due_on")
    assert [task.occasion for task in dinners] == ["yearly:2026:1", "yearly:2027:1"]
    assert {task.role for task in dinners} == {"head"}


def test_row_58_the_booking_calls_before_mid_autumn(store, average):
    """In the run of 15 September, each A guest once even if it runs twice."""
    guests(store, 5, "A", last_visit_on=date(2026, 9, 14))
    guests(store, 3, "B", last_visit_on=date(2026, 9, 14), first=100)
    night(store, "2026-09-13")
    assert owed(code="a_reserve") == 0
    for _ in range(2):
        night(store, "2026-09-14")
    calls = Task.objects.filter(code="a_reserve")
    assert calls.count() == 5
    assert set(calls.values_list("tier", "occasion", "due_on", "event_on", "channel")) == {
        ("A", "festival:mid_autumn:2026", date(2026, 9, 15), date(2026, 9, 25), "phone")
    }
    assert calls[0].zh == "中秋：过节前打电话：是否留位、准备菜品"
    assert calls[0].en.startswith("Mid-Autumn Festival: ")
    night(store, "2026-09-15")
    assert owed(code="a_reserve") == 5


def test_row_60_29_february(store, average, regular):
    grade(regular, store, "C", last_visit_on=date(2026, 2, 20))
    regular.birth_calendar, regular.birth_month, regular.birth_day = "solar", 2, 29
    regular.save()
    nights(store, "2026-02-20", "2026-03-05")
    call = Task.objects.get(customer=regular, line__trigger="birthday")
    assert (call.due_on, call.occasion, call.channel) == (
        date(2026, 2, 28),
        "birthday:solar:02-29:2026",
        "phone",
    )
    grade(regular, store, "C", last_visit_on=date(2028, 2, 20))
    nights(store, "2028-02-20", "2028-03-05")
    assert Task.objects.get(occasion="birthday:solar:02-29:2028").due_on == date(2028, 2, 29)


def test_row_60_one_gift_a_year_when_the_tier_changes(store, average, regular):
    """Case 16: the gift opened for the A guest stays; the B guest's gift does not come on top."""
    grade(regular, store, "A", last_visit_on=date(2026, 9, 20))
    night(store, "2026-09-18")
    assert codes(regular, line__trigger="birthday") == ["a_birthday"]
    grade(regular, store, "B")
    nights(store, "2026-09-19", "2026-09-26")
    assert codes(regular, line__trigger="birthday") == ["a_birthday"]
    grade(regular, store, "C")
    nights(store, "2026-09-24", "2026-09-26")
    assert codes(regular, line__trigger="birthday") == ["a_birthday"]


def test_a_lunar_birthday_is_greeted_on_its_own_day(store, average, regular):
    """王总, born on the 15th of the eighth month: 25 September in 2026."""
    grade(regular, store, "A", last_visit_on=date(2026, 9, 20))
    night(store, "2026-09-20")
    assert Task.objects.get(code="a_birthday").occasion == "birthday:lunar:08-15:2026"
    assert Task.objects.get(code="a_birthday").due_on == date(2026, 9, 25)


# ---- absence ----


def test_row_64_a_no_show_after_ten_days(store, recent, regular, head):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1), owner=head)
    night(store, "2026-06-10")
    assert owed(code="a_no_show") == 0
    night(store, "2026-06-11")
    call = Task.objects.get(code="a_no_show")
    assert (call.occasion, call.event_on, call.due_on) == (
        "absence:2026-06-01", date(2026, 6, 1), date(2026, 6, 12),
    )  # fmt: skip
    assert call.assignee == head
    before = content()
    night(store, "2026-06-11")
    assert content() == before
    night(store, "2026-06-12")
    assert owed(code="a_no_show") == 1


def test_row_64_whoever_came_on_the_tenth_is_not_called(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 10))
    nights(store, "2026-06-10", "2026-06-12")
    assert owed(code="a_no_show") == 0


def test_case_19_a_visit_closes_the_call_and_the_next_absence_is_another(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-11")
    grade(regular, store, "A", last_visit_on=date(2026, 6, 13))
    assert night(store, "2026-06-13")["came"] == 1
    first = Task.objects.get(code="a_no_show")
    assert (first.state, first.reason) == ("closed", "came")
    assert night(store, "2026-06-13")["came"] == 0
    nights(store, "2026-06-14", "2026-06-23")
    assert sorted(Task.objects.filter(code="a_no_show").values_list("occasion", "state")) == [
        ("absence:2026-06-01", "closed"),
        ("absence:2026-06-13", "open"),
    ]


def test_an_absence_is_called_once_though_the_tier_changes(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-11")
    grade(regular, store, "B")
    nights(store, "2026-06-12", "2026-06-14")
    assert codes(regular, line__trigger="absence") == ["a_no_show"]


def test_case_20_long_gone_guests_are_another_list(store, recent):
    guests(store, 2, "A", last_visit_on=date(2026, 4, 13))
    guests(store, 3, "A", last_visit_on=date(2026, 4, 12), first=10)
    night(store, "2026-06-11")
    assert owed(code="a_no_show") == 2


def test_whoever_never_came_counts_from_the_first_contact(store, recent, newcomer):
    """On file since 20 June without a visit, and a B guest by judgement."""
    grade(newcomer, store, "B")
    night(store, "2026-06-29")
    assert owed(code="b_no_show") == 0
    night(store, "2026-06-30")
    assert Task.objects.get(code="b_no_show").occasion == "absence:2026-06-20"


# ---- tiers that change ----


def test_case_23_what_was_owed_to_the_old_tier_is_closed(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    assert codes(regular, state="open") == ["a_dinner", "a_phone", "a_phone", "a_visit"]
    grade(regular, store, "B")
    assert night(store, "2026-06-02")["tier_changed"] == 4
    assert codes(regular, state="open") == ["b_phone", "b_phone", "b_visit"]
    assert set(Task.objects.filter(state="closed").values_list("reason", flat=True)) == {"tier_changed"}


def test_case_23_whoever_returns_finds_the_same_tasks_again(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    first = set(Task.objects.values_list("pk", flat=True))
    for tier, on in (("B", "2026-06-02"), ("A", "2026-06-03")):
        grade(regular, store, tier)
        night(store, on)
    assert set(Task.objects.filter(state="open").values_list("pk", flat=True)) == first
    before = content()
    night(store, "2026-06-03")
    assert content() == before


def test_case_23_a_completed_task_is_not_opened_again(store, recent, regular, head, at):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    done = Task.objects.get(code="a_visit")
    complete_task(store=store, task_id=done.pk, actor=head, at=at)
    for tier, on in (("B", "2026-06-02"), ("A", "2026-06-03")):
        grade(regular, store, tier)
        night(store, on)
    assert Task.objects.get(pk=done.pk).state == "done"


def test_case_24_called_as_an_a_guest_is_called(store, recent, regular, head, at):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    call = Task.objects.get(code="a_phone", occasion="monthly:2026-06:1")
    complete_task(store=store, task_id=call.pk, actor=head, at=at)
    grade(regular, store, "B")
    night(store, "2026-06-02")
    assert sorted(Task.objects.filter(state="open").values_list("code", "occasion")) == [
        ("b_phone", "monthly:2026-06:2"),
        ("b_visit", "monthly:2026-06:1"),
    ]


def test_another_scheme_closes_the_cadences_of_the_old_one(store, recent, regular):
    grade(regular, store, "B", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    adopt(store, "monthly_avg_abc")
    counts = night(store, "2026-06-02")
    assert counts["scheme_changed"] == 3
    assert codes(regular, state="open") == ["b_weekend"]


# ---- time ----


def test_case_22_the_last_day_is_over(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 12, 31))
    night(store, "2026-05-31")
    assert night(store, "2026-06-14")["expired"] == 0
    assert night(store, "2026-06-15")["expired"] == 1
    assert night(store, "2026-06-15")["expired"] == 0
    over = Task.objects.get(state="expired")
    assert (over.occasion, over.reason, over.settled_at) == (
        "monthly:2026-06:1", "too_late", morning(date(2026, 6, 16)),
    )  # fmt: skip


def test_case_8_whoever_rises_late_in_a_slot_is_due_the_next_day(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 28))
    night(store, "2026-06-28")
    assert set(Task.objects.filter(line__trigger="monthly").values_list("code", "due_on")) == {
        ("a_phone", date(2026, 6, 29)),
        ("a_visit", date(2026, 6, 29)),
    }


@pytest.mark.parametrize(("days_ago", "opened"), [(7, True), (8, False)])
def test_an_old_night_opens_nothing(store, recent, regular, days_ago, opened):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    today = date(2026, 6, 30)
    counts = night(store, today - timedelta(days=days_ago), today=today)
    assert (counts["opened"] > 0) is opened
    # Nothing is born on a day that is already over.
    assert not Task.objects.filter(close_on__lt=today).exists()


def test_a_year_of_old_nights_leaves_nothing(store, recent):
    guests(store, 20, "A", born=Birthday("solar", 1980, 6, 21), last_visit_on=date(2017, 6, 1))
    for n in range(0, 365, 30):
        night(store, date(2017, 1, 1) + timedelta(days=n), today=date(2026, 6, 20))
    assert owed() == 0


def test_a_night_run_by_hand_in_the_evening_does_not_end_the_day(store, recent, regular):
    """On 15 June, still in service, the night of that same day is run by hand: its last tasks live on."""
    grade(regular, store, "A", last_visit_on=date(2026, 6, 14))
    night(store, "2026-05-31")
    counts = night(store, "2026-06-15", today=date(2026, 6, 15))
    assert counts["expired"] == 0


def test_case_9_sql_and_python_name_the_same_day(store, recent):
    people = guests(store, 60, "A", last_visit_on=date(2026, 12, 31))
    night(store, "2026-05-31")
    lines = {row.code: line_of(row) for row in PlanLine.objects.filter(trigger__in=("monthly", "half_year"))}
    day = date(2026, 6, 1)
    for code in ("a_phone", "a_visit", "a_dinner"):
        expected = {
            (person.pk, slot.occasion, due_in(slot, person.pk, day), slot.last)
            for person in people
            for slot in slots(lines[code], day)
        }
        found = set(
            Task.objects.filter(code=code).values_list("customer_id", "occasion", "due_on", "close_on")
        )
        assert found == expected


# ---- whose it is ----


def test_an_owner_who_left_leaves_the_task_to_the_role(store, average, regular, head, manager):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1), owner=manager)
    Membership.objects.filter(person=manager).update(until=date(2026, 6, 11))
    night(store, "2026-06-11")
    call = Task.objects.get(code="a_no_show")
    assert (call.assignee, call.role) == (None, "head")


def test_an_owner_of_another_store_is_no_owner_here(store, average, regular, stranger):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1), owner=stranger)
    night(store, "2026-06-11")
    assert Task.objects.get(code="a_no_show").assignee is None


def test_a_named_role_beats_the_owner(store, recent, regular, waiter):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1), owner=waiter)
    night(store, "2026-06-11")
    assert Task.objects.get(code="a_phone", occasion="monthly:2026-06:2").assignee is None
    assert Task.objects.get(code="a_no_show").assignee == waiter


def test_the_task_names_nobody(store, average, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 9, 1))
    night(store, "2026-09-20")
    for task in Task.objects.all():
        assert "王" not in task.zh + task.en


# ---- plans ----


def test_the_plan_is_made_once(store, at, head):
    first = plan_for(store, "recent_month_abc", at, head)
    assert (first.number, first.made_by, first.lines.count()) == (1, head, 27)
    assert plan_for(store, "recent_month_abc", at).pk == first.pk
    assert Plan.objects.count() == 1


def test_a_scheme_without_a_book_of_its_own_gets_the_default(store, at):
    assert set(plan_for(store, "geography", at).lines.values_list("code", flat=True)) == {
        "a_no_show", "b_no_show", "any_no_show", "return_visit", "any_anniversary", "new_guest", "birthday_text",
        "festival_text",
    }  # fmt: skip
    with_dots = plan_for(store, "../playbooks/recent_month_abc", at)
    assert with_dots.lines.filter(tier="A", trigger="monthly").count() == 0


def test_a_line_switched_off_opens_nothing(store, recent, regular, at):
    plan = plan_for(store, "recent_month_abc", at)
    plan.lines.filter(code="a_phone").update(enabled=False)
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    assert codes(regular) == ["a_dinner", "a_visit"]


def test_switching_a_line_on_is_a_new_version(store, average, regular, head, at):
    """The general manager's own call at festivals ships off; the head switches it on."""
    old = plan_for(store, "monthly_avg_abc", at)
    said = {
        "store": store,
        "scheme_code": "monthly_avg_abc",
        "code": "a_festival_call",
        "actor": head,
        "at": at,
    }
    new = change_line(**said, enabled=True)
    assert (new.number, new.made_by, new.retired_at) == (2, head, None)
    assert Plan.objects.get(pk=old.pk).retired_at == at
    assert change_line(**said, enabled=True).pk == new.pk
    grade(regular, store, "A", last_visit_on=date(2026, 9, 20))
    night(store, "2026-09-20")
    assert "a_festival_call" in codes(regular)
    with pytest.raises(NotHere):
        change_line(**(said | {"code": "z"}), enabled=True)
    with pytest.raises(BadPlaybook, match="times must be from 1 to 10"):
        change_line(**said, times=99)
    assert plan_for(store, "monthly_avg_abc", at).pk == new.pk


def test_a_new_version_opens_nothing_twice(store, recent, regular, head, at):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    before = codes(regular)
    change_line(store=store, scheme_code="recent_month_abc", code="a_gift", actor=head, at=at, enabled=False)
    night(store, "2026-06-01")
    assert codes(regular) == before


def test_another_stores_guests_are_not_touched(store, other_store, recent, regular):
    Patronage.objects.create(
        customer=regular, store=other_store, external_id="X", since=date(2026, 1, 1), tier="A",
        last_visit_on=date(2026, 6, 1),
    )  # fmt: skip
    night(store, "2026-06-11")
    assert owed() == 0


# ---- after a visit, on the default plan ----


@pytest.fixture
def return_visits(store, at):
    plan_for(store, "default", at).lines.filter(code="return_visit").update(enabled=True)


def test_row_66_a_return_call_within_a_week(store, return_visits, regular):
    """A bill on 1 June is due on 8 June; a second bill on 5 June makes no second task."""
    grade(regular, store, "", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-01")
    grade(regular, store, "", last_visit_on=date(2026, 6, 5))
    nights(store, "2026-06-02", "2026-06-07")
    call = Task.objects.get(code="return_visit")
    assert (call.due_on, call.close_on, call.occasion) == (
        date(2026, 6, 8),
        date(2026, 6, 11),
        "visit:2026-06-01",
    )
    grade(regular, store, "", last_visit_on=date(2026, 6, 9))
    night(store, "2026-06-09")
    assert sorted(Task.objects.values_list("occasion", flat=True)) == ["visit:2026-06-01", "visit:2026-06-09"]


def test_old_visits_are_not_called_after(store, return_visits, regular):
    grade(regular, store, "", last_visit_on=date(2026, 3, 1))
    night(store, "2026-06-09")
    assert owed() == 0


def test_the_night_writes_no_event_but_that_a_task_is_late(store, recent, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1))
    nights(store, "2026-06-11", "2026-06-16")
    assert not TaskEvent.objects.exclude(outcome="escalated").exists()
