"""The pages of events as those who lead see them."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.events.inviting import invite
from care.events.services import answer, save_event
from care.models import Event, Invitation, Task
from customers.services.dishes import launch_dish
from tests.care.stage import adopt, china, guests, night

pytestmark = pytest.mark.django_db
NOON = china("2026-06-10 12:00")
EVENING = china("2026-06-20 21:30")


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def planned(store, **more: object) -> Event:
    said = {
        "kind": "tasting",
        "name": "松茸汤试菜会",
        "held_on": china("2026-06-20 18:00").date(),
        "seats": 2,
    }
    return save_event(store=store, said=said | more, actor=None, at=NOON)


def page(desk, name: str, *args: object) -> str:
    return desk.get(reverse(name, args=args)).content.decode()


def test_a_new_dish_leads_to_its_tasting_and_the_tasting_to_its_guests(store, desk, head):
    adopt(store, "monthly_avg_abc")
    dish = launch_dish(store=store, name="松茸汤", launched_on=NOON.date(), actor=head, at=NOON)
    assert f"{reverse('event-new')}?dish={dish.pk}" in page(desk, "dishes")
    form = desk.get(f"{reverse('event-new')}?dish={dish.pk}").content.decode()
    assert 'value="松茸汤试菜会"' in form
    said = {
        "name": "松茸汤试菜会", "kind": "tasting", "held_on": "2026-06-20", "starts_at": "18:00", "seats": "20",
        "budget_fen": "6,200", "dish": str(dish.pk), "words": "",
    }  # fmt: skip
    answered = desk.post(reverse("event-new"), said)
    event = Event.objects.get()
    assert answered["location"] == reverse("event", args=[event.pk])
    assert (event.budget_fen, event.dish, event.seats, event.state) == (620_000, dish, 20, "draft")

    guests(store, 3, "A"), guests(store, 3, "B", first=11)
    shown = page(desk, "event", event.pk)
    # Thirty for twenty seats, the highest tier ticked.
    assert 'value="30"' in shown and 'value="A" checked' in shown and 'value="B" checked' not in shown
    invited = desk.post(
        reverse("event-invite", args=[event.pk]),
        {"tiers": ["A"], "most": "2", "channel": "wechat", "segment": ""},
        follow=True,
    ).content.decode()
    assert "已邀请 2 位，任务已开给同事。还有 1 位可以下一批再请。" in invited
    assert Task.objects.filter(code="event", channel="wechat").count() == 2
    board = desk.get(f"{reverse('tasks')}?who=all").content.decode()
    assert "发微信邀请：松茸汤试菜会（6月20日 18:00）" in board
    assert f"{reverse('event', args=[event.pk])}#guest-" in board
    assert "给您留了位子" in board


def test_answers_are_noted_and_who_comes_too_late_waits(store, desk):
    adopt(store, "monthly_avg_abc")
    people = guests(store, 4, "A")
    event = planned(store)
    for guest in people:
        desk.post(reverse("event-guest", args=[event.pk]), {"who": f"138{people.index(guest) + 1:08}"})
    assert event.invitations.count() == 4
    for guest in people[:3]:
        answered = desk.post(reverse("event-answer", args=[event.pk]), {"accepted": guest.pk}, follow=True)
    assert "座位已满，客人3排在候补。" in answered.content.decode()
    shown = page(desk, "event", event.pk)
    assert '<span class="state wait">候补 1</span>' in " ".join(shown.split())
    desk.post(reverse("event-answer", args=[event.pk]), {"declined": people[0].pk})
    assert Invitation.objects.get(customer=people[2]).answer == "accepted"
    sheet = page(desk, "event-sheet", event.pk)
    assert "客人2" in sheet and "客人3" in sheet and "客人1" not in sheet and "客人4" not in sheet
    # The guest's own page says what she was invited to.
    assert "松茸汤试菜会" in page(desk, "customer-care", people[3].pk)
    bad = desk.post(reverse("event-answer", args=[event.pk]), {"accepted": "x"}, follow=True)
    assert "看不懂是哪位客人的回话" in bad.content.decode()


def test_the_evening_after_it_the_page_takes_who_came_and_shows_what_it_cost(store, desk, at_noon):
    adopt(store, "monthly_avg_abc")
    people = guests(store, 3, "A")
    event = planned(store, seats=None)
    invite(
        store=store,
        event_id=event.pk,
        segment=None,
        tiers=["A"],
        most=9,
        channel="phone",
        actor=None,
        at=NOON,
    )
    answer(store=store, event_id=event.pk, customer_id=people[0].pk, said="accepted", actor=None, at=NOON)
    assert 'id="results"' not in page(desk, "event", event.pk)
    at_noon.move_to(EVENING)
    assert 'id="results"' in page(desk, "event", event.pk)
    said = {"cost": "400", "over": "1", f"came-{people[0].pk}": "on", f"opinion-{people[0].pk}": "5",
            f"words-{people[0].pk}": "汤很鲜", f"came-{people[1].pk}": "on", f"opinion-{people[1].pk}": "4"}  # fmt: skip
    shown = desk.post(reverse("event-results", args=[event.pk]), said, follow=True).content.decode()
    assert "已结束" in shown and "¥200" in shown and "<b>4.5</b>" in shown
    assert "过后多来了多少" in shown and "活动当天不算在内" in shown
    listed = " ".join(page(desk, "events").split())
    assert '<td class="num strong">2</td> <td class="num">¥200</td> <td class="num">4.5</td>' in listed
    care = page(desk, "customer-care", people[0].pk)
    assert "到场 · 5 分" in care and "汤很鲜" in care
    bad = desk.post(
        reverse("event-results", args=[event.pk]), said | {"cost": "很多", f"opinion-{people[0].pk}": "9"}
    )
    assert bad.status_code == 422
    assert Event.objects.get().cost_fen == 40_000


def test_row_73_a_dinner_task_leads_to_the_form_and_the_form_settles_it(store, desk, host, at_noon):
    adopt(store, "recent_month_abc")
    guests(store, 1, "A")
    night(store, "2026-06-09")
    task = Task.objects.get(code="a_dinner")
    where = reverse("event-dinner", args=[task.pk])
    assert where in desk.get(f"{reverse('tasks')}?who=all").content.decode()
    # Whoever may not open it is offered what she may do.
    client = Client()
    client.force_login(host)
    assert where not in client.get(f"{reverse('tasks')}?who=all").content.decode()
    assert "店长宴请" in desk.get(where).content.decode()
    said = {
        "name": "店长宴请",
        "held_on": "2026-06-09",
        "cost_fen": "980",
        "gift": "新春礼盒",
        "words": "带了太太",
    }
    late = desk.post(where, said | {"held_on": "2026-06-11"})
    assert late.status_code == 422 and "活动还没到日子" in late.content.decode()
    for _turn in range(2):
        desk.post(where, said)
    event = Event.objects.get()
    assert (event.kind, event.cost_fen, event.invitations.get().gift) == ("dinner", 98_000, "新春礼盒")
    task.refresh_from_db()
    assert task.state == "done"


def test_what_cannot_be_read_is_said_beside_the_field(store, desk, manager):
    adopt(store, "monthly_avg_abc")
    said = {"name": "", "kind": "tasting", "held_on": "2029-01-01", "seats": "0", "budget_fen": "一万"}
    shown = desk.post(reverse("event-new"), said)
    words = shown.content.decode()
    assert shown.status_code == 422 and not Event.objects.exists()
    for sentence in ("这一项必须填写。", "请选前后一年之内的一天。", "不是数字"):
        assert sentence in words
    event = planned(store)
    nobody = desk.post(reverse("event-invite", args=[event.pk]), {"most": "5", "channel": "phone"})
    assert nobody.status_code == 422 and "请选一个客群" in nobody.content.decode()
    missing = desk.post(reverse("event-guest", args=[event.pk]), {"who": "N99999"})
    assert missing.status_code == 422 and "本店没有找到这位客人" in missing.content.decode()
    # The manager plans; who calls off is the head.
    client = Client()
    client.force_login(manager)
    assert client.post(reverse("event-cancel", args=[event.pk])).status_code == 403
    desk.post(reverse("event-cancel", args=[event.pk]))
    assert Event.objects.get(pk=event.pk).state == "cancelled"
    over = desk.get(reverse("event-edit", args=[event.pk]), follow=True).content.decode()
    assert "这次活动已经结束或取消" in over


def test_an_event_that_many_are_told_of_begins_a_campaign_with_its_words(store, desk):
    """The outbox has one mouth: texts to hundreds go by a campaign."""
    event = planned(store)
    where = f"{reverse('campaign-new')}?event={event.pk}"
    assert where in page(desk, "event", event.pk)
    form = desk.get(where).content.decode()
    assert 'value="6月20日，给您留着位子"' in form and 'value="松茸汤试菜会"' in form
    for wrong in ("x", event.pk + 999):
        assert desk.get(f"{reverse('campaign-new')}?event={wrong}").status_code == 404


def test_the_list_is_empty_and_says_what_to_do(store, desk):
    assert "还没有活动" in page(desk, "events")
    planned(store, held_on=(NOON + timedelta(days=3)).date())
    assert "松茸汤试菜会" in page(desk, "events")
