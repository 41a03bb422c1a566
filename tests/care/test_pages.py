"""The board, the plan, the outbox, a guest's care: the pages."""

import uuid
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.models import Message, Task, TaskEvent
from care.services.plans import playbook_for
from staff.models import Role
from tests.cast import NOON, put_on_file
from tiering.services.schemes import adopt_preset

TODAY = date(2026, 6, 20)


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def desk(manager) -> Client:
    return signed_in(manager)


def owe(store, guest, days: int = 0, *, role=Role.MANAGER, assignee=None, code: str = "") -> Task:
    due = TODAY + timedelta(days=days)
    return Task.objects.create(
        store=store, customer=guest, code=code or uuid.uuid4().hex, occasion="monthly:2026-06:1", channel="phone", zh="电话联系",
        en="Phone call", role=role, assignee=assignee, due_on=due, close_on=TODAY + timedelta(days=10), opened_on=TODAY,
        opened_at=NOON,
    )  # fmt: skip


def board(client: Client, **ask: str) -> dict[str, list[Task]]:
    return {name: rows for name, _title, rows in client.get(reverse("tasks"), ask).context["groups"]}


def test_the_board_sorts_what_is_mine(desk, store, manager, head, regular):
    late, now_, soon = (
        owe(store, regular, -2),
        owe(store, regular, 0, assignee=manager),
        owe(store, regular, 3),
    )
    theirs = owe(store, regular, 0, role=Role.HEAD)
    taken = owe(store, regular, 0, assignee=head)
    mine = board(desk)
    assert (mine["overdue"], mine["today"], mine["coming"]) == ([late], [now_], [soon])
    # Nobody's, and not on my own list already: a manager sees the head's unclaimed task.
    assert mine["unowned"] == [theirs]
    everybody = board(desk, who="all")
    assert set(everybody["today"]) == {now_, theirs, taken}


@pytest.mark.parametrize(
    ("said", "state", "outcome", "due"),
    [
        ({"act": "done"}, "done", "done", TODAY),
        ({"act": "declined", "note": "不用打了"}, "declined", "declined", TODAY),
        ({"act": "not_reached"}, "open", "not_reached", TODAY + timedelta(days=1)),
        ({"act": "postpone", "next_on": "2026-06-25"}, "open", "postponed", date(2026, 6, 25)),
        ({"act": "claim"}, "open", "claimed", TODAY),
    ],
)
def test_what_was_done_is_written_down(desk, store, manager, regular, said, state, outcome, due):
    task = owe(store, regular)
    assert desk.post(reverse("task-act", args=[task.pk]), said)["location"] == reverse("tasks")
    task.refresh_from_db()
    event = task.events.get()
    assert (task.state, task.due_on, event.outcome, event.by, event.note) == (
        state, due, outcome, manager, said.get("note", ""),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"act": "postpone"}, "请选改到哪一天"),
        ({"act": "postpone", "next_on": "2026-06-01"}, "日期已经过去"),
        ({"act": "postpone", "next_on": "2027-06-01"}, "最晚只能改到"),
        ({"act": "postpone", "next_on": "soon"}, "请填一个日期"),
        ({"act": "dance"}, ""),
    ],
)
def test_what_cannot_be_is_said_on_the_row_and_changes_nothing(desk, store, regular, said, sentence):
    task = owe(store, regular)
    answer = desk.post(reverse("task-act", args=[task.pk]), said, headers={"HX-Request": "true"})
    assert (
        answer.status_code == 422
        and "form-error" in answer.content.decode()
        and sentence in answer.content.decode()
    )
    plain = desk.post(reverse("task-act", args=[task.pk]), said, follow=True)
    assert "notice error" in plain.content.decode()
    assert not TaskEvent.objects.exists()
    assert Task.objects.get().due_on == TODAY


def test_a_colleagues_task_is_not_taken_away(desk, store, head, regular):
    task = owe(store, regular, assignee=head)
    answer = desk.post(reverse("task-act", args=[task.pk]), {"act": "claim"}, headers={"HX-Request": "true"})
    assert "这项任务已由陈店长负责" in answer.content.decode()
    assert Task.objects.get().assignee == head


def test_htmx_gets_the_row_back(desk, store, regular):
    task = owe(store, regular)
    answer = desk.post(reverse("task-act", args=[task.pk]), {"act": "done"}, headers={"HX-Request": "true"})
    assert f'<li id="task-{task.pk}">' in answer.content.decode() and "已完成" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_the_plan_is_that_of_the_scheme_in_force(desk, store, head):
    assert "先按通用计划走" in desk.get(reverse("plan")).content.decode()
    adopt_preset(store=store, code="recent_month_abc", from_date=TODAY, actor=head, at=NOON)
    page = desk.get(reverse("plan"))
    assert [tier for tier, _lines in page.context["groups"]] == ["A", "B", "C"]
    shown = sum(len(lines) for _tier, lines in page.context["groups"]) + len(page.context["everybody"])
    assert shown == len(playbook_for("recent_month_abc").lines)
    for words in ("每月 2 次", "10 天没来", "春节、中秋、五一、元旦", "每次到店", "负责人，否则"):
        assert words in page.content.decode()


def text_to(store, guest, n: int, state: str = "pending", reason: str = "") -> Message:
    return Message.objects.create(
        brand=store.brand, store=store, customer=guest, category="festival", occasion=f"festival:mid_autumn:{2000 + n}",
        number="13812348899", last_four="8899", template="festival", state=state, reason=reason, planned_on=TODAY,
        not_before=NOON, next_at=NOON, expires_at=NOON, created_at=NOON - timedelta(minutes=n),
    )  # fmt: skip


def test_the_outbox_says_why_a_text_was_not_sent(desk, store, regular):
    text_to(store, regular, 1)
    text_to(store, regular, 2, "skipped", "no_consent")
    page = desk.get(reverse("outbox"), {"state": "skipped"})
    assert [m.state for m in page.context["page"].rows] == ["skipped"]
    assert "没有同意接收短信" in page.content.decode() and "中秋" in page.content.decode()
    assert "138****8899" in page.content.decode() and "13812348899" not in page.content.decode()
    assert len(desk.get(reverse("outbox"), {"state": "<b>"}).context["page"].rows) == 2


def test_the_outbox_goes_on_page_by_page(desk, store, regular):
    for n in range(60):
        text_to(store, regular, n)
    first = desk.get(reverse("outbox"))
    second = desk.get(f"{reverse('outbox')}?{first.context['next']}")
    seen = [m.pk for m in (*first.context["page"].rows, *second.context["page"].rows)]
    assert (len(seen), len(set(seen)), second.context["page"].cursor) == (60, 60, "")
    assert len(desk.get(reverse("outbox"), {"cursor": "nonsense"}).context["page"].rows) == 50


def test_a_guests_care_shows_what_is_open_and_what_was_done(desk, store, regular):
    owe(store, regular)
    done = owe(store, regular, code="x")
    desk.post(reverse("task-act", args=[done.pk]), {"act": "done", "note": "聊得很好"})
    text_to(store, regular, 1, "delivered")
    panel = desk.get(reverse("customer-care", args=[regular.pk]), headers={"HX-Request": "true"})
    assert (len(panel.context["open"]), len(panel.context["past"])) == (1, 2)
    assert "聊得很好" in panel.content.decode() and "中秋祝福短信" in panel.content.decode()
    assert "<html" not in panel.content.decode()
    assert "<html" in desk.get(reverse("customer-care", args=[regular.pk])).content.decode()


def test_another_guests_care_stays_with_the_other_guest(desk, store, regular):
    other = put_on_file(store, "别人")
    owe(store, other)
    assert desk.get(reverse("customer-care", args=[regular.pk])).context["open"] == []
