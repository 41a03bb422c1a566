"""What people see of a plan beside the ladder: whether it works, whom it concerns, for which label a task is."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.models import Plan, Task
from care.services.plans import plan_for
from tests.care.stage import LONG_AGO, adopt, content, grade, guests, night
from tests.cast import NOON
from tiering.services.decisions import decide_night

CARD = "member_card_levels"
HERE = f"?scheme={CARD}"


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def desk(store, head) -> Client:
    adopt(store, "recent_month_abc")
    adopt(store, CARD)
    return signed_in(head)


def living(store) -> Plan:
    return Plan.objects.get(store=store, scheme_code=CARD, retired_at=None)


def page(desk, scheme: str = CARD) -> str:
    return desk.get(f"{reverse('plan')}?scheme={scheme}").content.decode()


def test_the_plan_page_says_which_plans_work_and_whom_the_switch_concerns(desk, store, head):
    for number, card in ((3, "GOLD"), (2, "UNRATED"), (1, "")):
        for each in guests(store, number, first=100 * number):
            grade(each, store, "C", labels={"card": card} if card else {})
    shown = page(desk)
    # Of the eight lines a birthday, two festivals' words and a dinner have a day.
    answer = desk.get(f"{reverse('plan')}{HERE}")
    assert (answer.context["at_night"], answer.context["concerned"]) == (3, 3)
    assert "现在不开任务、不发短信" in shown and "涉及 3 位客人" in shown and "打开，从今晚起开任务" in shown
    assert "只供查看" in page(desk, "recent_month_abc")  # beside the name of the other plan
    assert 'name="works"' not in page(desk, "recent_month_abc")
    told = desk.post(f"{reverse('plan-act')}{HERE}", {"works": "yes"}, follow=True).content.decode()
    assert "已打开，从今晚起按它开任务" in told and "每晚在主等级的计划之后，按这里的 3 条" in told
    assert (living(store).works, living(store).made_by) == (True, head)
    assert "只供查看" not in page(desk, "recent_month_abc")
    history = desk.get(f"{reverse('plan-history')}{HERE}").content.decode()
    assert history.count("开任务") == 1 and history.count("只供查看") == 1
    desk.post(f"{reverse('plan-act')}{HERE}", {"works": "no"})
    assert not living(store).works


def test_a_plan_without_a_day_has_no_switch(desk, store):
    adopt(store, "vip_weight_classes")
    shown = page(desk, "vip_weight_classes")
    assert "这里没有到日子要做的事" in shown and 'name="works"' not in shown


def test_the_ladders_plan_cannot_be_switched_and_nonsense_changes_nothing(desk, store):
    before = content(Plan)
    for where, said in (("", "no"), (HERE, "maybe"), ("?scheme=geography", "yes")):
        desk.post(f"{reverse('plan-act')}{where}", {"works": said})
    assert content(Plan) == before
    assert "不能关" in desk.post(reverse("plan-act"), {"works": "no"}, follow=True).content.decode()


def test_a_manager_does_not_switch(desk, store, manager):
    reader = signed_in(manager)
    assert "打开，从今晚起开任务" not in page(reader) and "现在不开任务" in page(reader)
    assert reader.post(f"{reverse('plan-act')}{HERE}", {"works": "yes"}).status_code == 403


def test_what_is_saved_in_a_plan_that_does_not_work_says_so(desk, store):
    form = {
        "tier": "GOLD", "zh": "送券", "trigger": "birthday", "times": 1, "lead_days": 7, "after_days": 0,
        "window_days": 3, "channel": "gift", "role": "manager", "enabled": "on",
    }  # fmt: skip
    where = f"{reverse('plan-line-new')}{HERE}"
    assert "不会开任务" in desk.get(where).content.decode()
    assert "这份计划还没有打开，不会开任务" in desk.post(where, form, follow=True).content.decode()
    desk.post(f"{reverse('plan-act')}{HERE}", {"works": "yes"})
    assert "从今晚起按新的开任务" in desk.post(where, form, follow=True).content.decode()
    codes = list(living(store).lines.values_list("code", flat=True))[-2:]
    assert codes == ["gold_birthday_1", "gold_birthday_2"]
    # Who is about to fall is foreseen on the ladder only.
    assert desk.post(where, form | {"trigger": "falling"}).status_code == 422
    assert desk.post(reverse("plan-line-new"), form | {"tier": "A", "trigger": "falling"}).status_code == 302


def test_an_older_version_is_read_by_its_own_scheme(desk, store):
    old = plan_for(store, CARD, LONG_AGO)
    answer = desk.get(reverse("plan-version", args=[old.pk]))
    assert (answer.context["desk"].code, answer.context["scheme"].code) == (CARD, CARD)


def test_a_task_shows_the_label_for_which_it_is(desk, store, regular):
    desk.post(f"{reverse('plan-act')}{HERE}", {"works": "yes"})
    decide_night(store, date(2026, 6, 19), at=NOON)
    plan = living(store)
    plan.lines.filter(trigger="birthday").update(tier="GOLD")
    today = NOON.date()
    grade(regular, store, "C", labels={"card": "GOLD"}, last_visit_on=today)
    regular.birth_calendar, regular.birth_month, regular.birth_day = "solar", today.month, today.day
    regular.save()
    night(store, today - timedelta(days=1))
    task = Task.objects.get(line__plan=plan, line__trigger="birthday")
    assert task.tier == "GOLD"
    for where in (reverse("tasks") + "?who=all", reverse("customer-care", args=[regular.pk])):
        assert "金卡" in desk.get(where).content.decode()
    acted = desk.post(
        reverse("task-act", args=[task.pk]), {"act": "not_reached"}, headers={"HX-Request": "true"}
    )
    assert "金卡" in acted.content.decode()
