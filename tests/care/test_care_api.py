"""The tasks at the JSON door, the outbox on the command line, and what pages ask."""

import json
from datetime import date
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from care.models import CallAnswer, Message, Task, TaskEvent
from care.relations.services.calls import open_win_back
from care.selectors import outbox, tasks
from care.sentences import REASONS, reason_words
from care.services.tasks import claim, complete_task
from staff.access import issue_token
from tests.care.stage import account, adopt, china, due_text, grade, guests, night, plan_texts

pytestmark = pytest.mark.django_db
AT = china("2026-06-13 10:00")


@pytest.fixture
def opened(store, regular, lapsed, head) -> None:
    """王总 (A, owner 陈店长) and 李梅 (B), both absent since 1 June, in the night of 11 June."""
    adopt(store, "recent_month_abc")
    grade(regular, store, "A", last_visit_on=date(2026, 6, 1), owner=head)
    grade(lapsed, store, "B", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-11")
    # A guest's own day in the month hangs on the guest's id; here it has come.
    Task.objects.filter(channel="visit").update(due_on=date(2026, 6, 12))


@pytest.fixture
def machine(client, store):
    _, key = issue_token(store=store, name="POS", actor=None, at=AT)
    return {"headers": {"Authorization": f"Bearer {key}"}}


def listed(client, machine, **ask):
    answer = client.get("/api/v1/tasks/", ask, **machine)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_open_tasks_by_due_day(client, machine, opened):
    answer = listed(client, machine)
    rows = answer["results"]
    assert answer["next_cursor"] == ""
    assert len(rows) == Task.objects.count() == 9
    assert [(row["due_on"], row["id"]) for row in rows] == sorted((row["due_on"], row["id"]) for row in rows)
    (call,) = [row for row in rows if row["code"] == "a_no_show"]
    assert call == {
        "id": call["id"],
        "customer": {"id": call["customer"]["id"], "external_id": "C001", "called": "王总", "tier": "A"},
        "code": "a_no_show",
        "trigger": "absence",
        "occasion": "absence:2026-06-01",
        "channel": "phone",
        "text": {
            "zh": "10天没有来：电话关怀，了解是出差、度假还是忙其它事情",
            "en": "No visit for 10 days: a caring call (on a trip, on holiday, or busy?)",
        },
        "scheme": "recent_month_abc",
        "tier": "A",
        "role": "head",
        "assignee": {"id": call["assignee"]["id"], "name": "陈店长"},
        "event_on": "2026-06-01",
        "due_on": "2026-06-12",
        "close_on": "2026-06-26",
        "state": "open",
        "reason": "",
        "settled_at": None,
    }
    assert "13812348899" not in json.dumps(answer)


def test_pages_hold_every_task_once(client, machine, store):
    adopt(store, "recent_month_abc")
    guests(store, 40, "A", last_visit_on=date(2026, 6, 30))
    night(store, "2026-05-31")
    seen, cursor, pages = [], "", 0
    while True:
        page = listed(client, machine, limit=37, cursor=cursor)
        seen += [row["id"] for row in page["results"]]
        cursor, pages = page["next_cursor"], pages + 1
        if not cursor:
            break
    assert pages == -(-Task.objects.count() // 37)
    assert sorted(seen) == sorted(Task.objects.values_list("pk", flat=True))


def test_filters(client, machine, store, opened, head):
    due = listed(client, machine, due="2026-06-12")["results"]
    assert due and {row["due_on"] for row in due} == {"2026-06-12"}
    call = Task.objects.get(code="a_no_show")
    complete_task(store=store, task_id=call.pk, actor=head, at=AT)
    assert [row["code"] for row in listed(client, machine, state="done")["results"]] == ["a_no_show"]
    assert len(listed(client, machine, state="any")["results"]) == 9
    assert len(listed(client, machine)["results"]) == 8
    assert listed(client, machine, mine="true")["results"] == []


def test_mine_is_mine_and_my_roles(client, opened, head, manager):
    client.force_login(head, backend="django.contrib.auth.backends.ModelBackend")
    assert {row["role"] for row in listed(client, {}, mine="1")["results"]} == {"head"}
    client.force_login(manager, backend="django.contrib.auth.backends.ModelBackend")
    assert {row["role"] for row in listed(client, {}, mine="1")["results"]} == {"manager"}


@pytest.mark.parametrize(
    "ask",
    [
        {"due": "soon"}, {"state": "lost"}, {"limit": 0}, {"limit": 101}, {"cursor": "x"},
        {"cursor": "2026-06-01_-1"}, {"cursor": f"2026-06-01_{2**63}"}, {"colour": "red"},
        {"cursor": "2026-06-01_1\x00"},
    ],
)  # fmt: skip
def test_questions_that_make_no_sense(client, machine, ask):
    assert client.get("/api/v1/tasks/", ask, **machine).status_code == 400


def complete(client, machine, task_id, body=None):
    return client.post(
        f"/api/v1/tasks/{task_id}/complete/",
        json.dumps(body or {}),
        content_type="application/json",
        **machine,
    )


@time_machine.travel(AT, tick=False)
def test_completing(client, machine, opened):
    call = Task.objects.get(code="a_no_show")
    first = complete(client, machine, call.pk, {"note": "度假"})
    assert first.status_code == 200
    assert (first.json()["state"], first.json()["settled_at"][:16]) == ("done", "2026-06-13T02:00")
    assert complete(client, machine, call.pk).json() == first.json()
    assert list(TaskEvent.objects.values_list("outcome", "note", "at")) == [("done", "度假", AT)]


def test_what_cannot_be_completed(client, machine, store, other_store, opened, regular):
    call = Task.objects.get(code="a_no_show")
    assert complete(client, machine, call.pk, {"note": "x", "state": "open"}).status_code == 400
    assert complete(client, machine, call.pk, {"note": "x" * 401}).status_code == 400
    assert complete(client, machine, 987654321).status_code == 404
    Task.objects.filter(pk=call.pk).update(store=other_store)
    assert complete(client, machine, call.pk).status_code == 404
    assert call.pk not in {row["id"] for row in listed(client, machine, state="any")["results"]}
    Task.objects.filter(pk=call.pk).update(store=store, state="closed")
    refused = complete(client, machine, call.pk)
    assert (refused.status_code, refused.json()["code"]) == (409, "task_settled")
    assert TaskEvent.objects.count() == 0


def test_without_a_key_there_is_nothing(client, opened):
    assert client.get("/api/v1/tasks/").status_code in (401, 403)
    assert complete(client, {}, Task.objects.first().pk).status_code in (401, 403)


# ---- what pages ask ----


def test_the_day_of_the_head_and_of_the_manager(store, opened, head, manager, django_assert_max_num_queries):
    today = date(2026, 6, 13)
    with django_assert_max_num_queries(8):
        day = tasks.tasks_due(store, head, "head", today)
    assert [task.code for task in day.overdue] == ["a_phone", "a_visit", "a_dinner", "a_no_show"]
    assert {task.role for task in day.coming + day.today} <= {"head"}
    # Nobody's either, but on the head's own list already: what is an A guest's.
    assert {task.code for task in day.unowned} == {"b_phone", "b_visit", "b_no_show"}
    assert day.counts["unowned"] == len(day.unowned) == 3
    claim(store=store, task_id=Task.objects.get(code="b_no_show").pk, actor=head, at=AT)
    assert "b_no_show" in {task.code for task in tasks.tasks_due(store, head, "head", today).overdue}
    assert "b_no_show" not in {
        task.code for task in tasks.tasks_due(store, manager, "manager", today).overdue
    }
    assert tasks.tasks_due(store, None, "waiter", today).unowned == []


def test_groups_of_the_day(store, opened, head):
    day = tasks.tasks_due(store, head, "head", date(2026, 6, 12))
    assert {task.code for task in day.today} == {"a_phone", "a_visit", "a_dinner", "a_no_show"}
    assert day.overdue == []
    assert {task.due_on for task in day.coming} <= {date(2026, 6, n) for n in range(13, 20)}


def test_more_than_fits_is_counted(store, head):
    adopt(store, "recent_month_abc")
    guests(store, 205, "B", last_visit_on=date(2026, 6, 1))
    night(store, "2026-06-11")
    day = tasks.tasks_due(store, None, "manager", date(2026, 6, 12))
    assert len(day.today) == tasks.SHOWN
    assert day.counts["today"] == Task.objects.filter(due_on=date(2026, 6, 12)).count() > tasks.SHOWN


def test_a_guests_history(store, regular, opened, head, settings):
    settings.SMS = account("http://127.0.0.1:9")
    plan_texts(store, "2026-09-24")
    call = Task.objects.get(code="a_no_show")
    complete_task(store=store, task_id=call.pk, actor=head, at=AT, note="度假")
    history = tasks.history_of(regular.pk, store)
    assert [item.at for item in history] == sorted((item.at for item in history), reverse=True)
    assert history[0].message.occasion == "birthday:lunar:08-15:2026"
    assert history[1].task == call
    assert [event.note for event in history[1].task.events.all()] == ["度假"]
    assert len(history) == 6


def test_the_outbox_pages(store, other_store, lapsed):
    people = guests(store, 7)
    for n, person in enumerate(people):
        due_text(
            person, store, created_at=china(f"2026-06-20 0{n // 2}:00"), state="pending" if n else "expired"
        )
    first = outbox.outbox_page(store, most=3)
    second = outbox.outbox_page(store, cursor=first.cursor, most=3)
    third = outbox.outbox_page(store, cursor=second.cursor, most=3)
    seen = [text.pk for page in (first, second, third) for text in page.rows]
    assert len(seen) == len(set(seen)) == 7
    assert third.cursor == ""
    assert [text.created_at for text in first.rows] == sorted(
        (t.created_at for t in first.rows), reverse=True
    )
    assert len(outbox.outbox_page(store, state="pending").rows) == 6
    assert outbox.outbox_page(store, reason="no_phone").rows == []
    assert outbox.outbox_page(other_store).rows == []
    assert len(outbox.outbox_page(store, cursor="nonsense").rows) == 7


# ---- on the command line ----


def said(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_outbox_on_the_command_line(store, rival, lapsed, silent, newcomer, settings):
    settings.SMS = {}
    plan_texts(store, "2026-09-24")
    due_text(lapsed, store)
    body = json.loads(said("outbox", "--json"))
    assert body["total"] == Message.objects.count() == 4
    assert body["states"] == dict.fromkeys(Message.State.values, 0) | {"pending": 1, "skipped": 3}
    assert body["reasons"] == {"skipped": {"no_consent": 2, "no_provider": 1}}
    assert json.loads(said("outbox", "--json", "--store", "R1"))["total"] == 0
    table = said("outbox")
    assert "no_consent  没有同意接收短信" in table and "pending" in table
    with pytest.raises(CommandError, match="there is no store XX"):
        said("outbox", "--store", "XX")


def test_every_reason_has_words():
    written = {
        "no_phone", "no_consent", "opted_out", "shared_phone", "no_provider", "solemn_day", "one_a_day",
        "window_passed", "window_missed", "number_changed", "number_unreadable", "refused", "unverified",
        "undelivered", "complaint_open", "in_mourning", "cap_day", "cap_month", "budget", "no_receipt", "came", "tier_changed", "scheme_changed", "too_late", "small_favour",
        "escalated", "official", "cap_week", "festival_off", "held_out", "cancelled", "agreement_changed", "contacted",
        "complaint_reopened", "event_over", "no_address", "short_address",
    }  # fmt: skip
    assert written == set(REASONS)
    assert all(reason_words(reason) != reason for reason in written)
    assert reason_words("something new") == "something new"


def test_a_call_to_win_back_is_not_done_without_its_cause(client, machine, store, head):
    (guest,) = guests(store, 1, last_visit_on=date(2026, 3, 1))
    open_win_back(store=store, customer_ids=[guest.pk], actor=head, at=AT, today=AT.date())
    task = Task.objects.get()

    def complete(**said):
        return client.post(
            f"/api/v1/tasks/{task.pk}/complete/", said, content_type="application/json", **machine
        )

    answer = complete(note="问过了")
    assert answer.status_code == 400 and answer.json()["fields"]["cause"]
    task.refresh_from_db()
    assert task.state == "open" and not task.events.exists()
    told = {"cause": "taste", "measure": "dish", "suggestion": "锅底淡一点"}
    for _twice in range(2):
        assert complete(**told).status_code == 200
    kept = CallAnswer.objects.get()
    assert (kept.cause, kept.measure, kept.suggestion.text) == ("taste", "dish", "锅底淡一点")
