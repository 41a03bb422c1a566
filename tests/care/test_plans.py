"""The plan, changed line by line: each change a version, older ones to read and to go back to."""

from dataclasses import asdict
from datetime import date

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from care.forms.plans import PlanLineForm
from care.models import CareRules, Plan, PlanLine, Task
from care.playbook import CHANNELS, TRIGGERS, BadPlaybook, read_playbook
from care.services import plans
from care.services.plans import playbook_for
from common.errors import NotHere, Refused
from customers.models import Patronage
from tests.care.stage import adopt, china, content, grade, night
from tests.cast import NOON

SCHEME = "recent_month_abc"
AT = china("2026-06-13 10:00")


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
    adopt(store, SCHEME)
    return signed_in(head)


def said(code: str = "a_phone", **changes) -> dict[str, object]:
    """The form of a line as it stands in the playbook, with changes."""
    line = next(line for line in playbook_for(SCHEME).lines if line.code == code)
    form = {name: value for name, value in asdict(line).items() if value is not None and value is not False}
    return form | {"occasions": list(line.occasions)} | changes


def living(store) -> Plan:
    return Plan.objects.get(store=store, scheme_code=SCHEME, retired_at=None)


def test_a_change_is_a_new_version_and_says_who_and_when(desk, store, head):
    answer = desk.post(reverse("plan-line", args=["a_phone"]), said(times=3, zh="电话问候", en=""))
    assert answer["location"] == f"{reverse('plan')}?scheme={SCHEME}"
    plan = living(store)
    line = plan.lines.get(code="a_phone")
    assert (plan.number, plan.made_by, plan.made_at) == (2, head, NOON)
    assert (line.times, line.zh, line.en, line.tier) == (3, "电话问候", "电话问候", "A")
    old = Plan.objects.get(store=store, number=1)
    assert (old.retired_at, old.lines.get(code="a_phone").times) == (NOON, 2)
    assert "陈店长" in desk.get(reverse("plan-history")).content.decode()
    assert "每月 2 次" in desk.get(reverse("plan-version", args=[old.pk])).content.decode()


def test_the_same_again_is_no_version(desk, store):
    desk.post(reverse("plan-line", args=["a_phone"]), said())
    assert not Plan.objects.filter(number=2).exists()


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"trigger": "festival", "occasions": []}, "occasions", "请至少选一个节日"),
        ({"trigger": "absence", "after_days": 0}, "after_days", "请写第几天"),
        ({"trigger": "falling", "lead_days": 40}, "lead_days", "降级前几天"),
        ({"channel": "sms"}, "channel", "短信只用于生日和节日"),
        ({"times": 11}, "times", ""),
        ({"zh": ""}, "zh", "这一项必须填写"),
        ({"role": "cook"}, "role", ""),
    ],
)
def test_what_cannot_be_meant_is_said_beside_the_field(desk, store, changes, field, sentence):
    night(store, "2026-06-18")
    before = content(Plan, PlanLine)
    answer = desk.post(reverse("plan-line", args=["a_phone"]), said(**changes))
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert sentence in answer.content.decode() and "form-error" in answer.content.decode()
    assert content(Plan, PlanLine) == before


def test_what_the_form_takes_the_playbook_takes():
    for trigger in TRIGGERS:
        for channel in CHANNELS:
            for days in (-5, 0, 1):
                form = PlanLineForm(
                    said(trigger=trigger, channel=channel, after_days=days, occasions=["mid_autumn"]), tiers=["A"],
                    initial={"tier": "A"},
                )  # fmt: skip
                try:
                    read_playbook({"scheme": "x", "lines": [said(trigger=trigger, channel=channel, after_days=days)
                        | {"occasions": ["mid_autumn"] if trigger == "festival" else []}]})  # fmt: skip
                    can_be = True
                except BadPlaybook:
                    can_be = False
                # The form is the stricter one: a text without a day would never go out.
                no_day = channel == "sms" and trigger not in ("birthday", "festival", "absence")
                assert form.is_valid() == (can_be and not no_day), (trigger, channel, days, form.errors)


def test_a_line_is_switched_off_and_on(desk, store):
    desk.post(reverse("plan-act"), {"off": "a_phone"})
    assert not living(store).lines.get(code="a_phone").enabled
    night(store, "2026-06-19")
    assert not Task.objects.filter(code="a_phone").exists()
    desk.post(reverse("plan-act"), {"on": "a_phone"})
    assert (living(store).number, living(store).lines.get(code="a_phone").enabled) == (3, True)


def test_a_line_is_added_and_opens_tasks_that_very_night(desk, store, regular):
    grade(regular, store, "B")
    new = said(tier="B", zh="送花", trigger="monthly", times=1, lead_days=31, channel="gift")
    assert desk.post(reverse("plan-line-new"), new).status_code == 302
    assert living(store).lines.last().code == "b_monthly_1"
    night(store, "2026-06-19")
    assert Task.objects.get(code="b_monthly_1").zh == "送花"


def test_a_line_is_taken_away_and_its_open_tasks_stay(desk, store, regular):
    grade(regular, store, "A", last_visit_on=date(2026, 6, 19))
    night(store, "2026-06-19")
    open_ = Task.objects.filter(code="a_visit", state="open").count()
    desk.post(reverse("plan-line", args=["a_visit"]), {"act": "remove"})
    assert not living(store).lines.filter(code="a_visit").exists()
    night(store, "2026-06-20")
    assert open_ == Task.objects.filter(code="a_visit", state="open").count() == 1
    # The code of a line that was taken away is not given to another.
    assert "a_visit" in plans.codes_used(store, SCHEME)


def test_the_last_line_stays(store, head):
    for line in playbook_for("default").lines[1:]:
        plans.remove_line(store=store, scheme_code="default", code=line.code, actor=head, at=AT)
    with pytest.raises(Refused) as refused:
        plans.remove_line(store=store, scheme_code="default", code="a_no_show", actor=head, at=AT)
    assert refused.value.code == "plan_last_line"


def test_a_code_that_is_there_is_refused(store, head):
    with pytest.raises(Refused) as refused:
        plans.add_line(store=store, scheme_code=SCHEME, line=playbook_for(SCHEME).lines[0], actor=head, at=AT)
    assert refused.value.code == "plan_line_code_taken"


def test_back_to_an_older_version_is_a_new_one(desk, store):
    first = [plans.line_of(row) for row in plans.plan_for(store, SCHEME, AT).lines.all()]
    desk.post(reverse("plan-act"), {"off": "a_phone"})
    desk.post(reverse("plan-act"), {"inherits": "yes"})
    assert living(store).inherits
    desk.post(reverse("plan-version", args=[Plan.objects.get(number=1).pk]))
    now = living(store)
    assert (now.number, now.inherits, [plans.line_of(row) for row in now.lines.all()]) == (4, False, first)
    with pytest.raises(NotHere):
        plans.restore(store=store, scheme_code=SCHEME, number=9, actor=None, at=AT)


def test_a_manager_reads_and_does_not_change(desk, store, manager):
    reader = signed_in(manager)
    page = reader.get(reverse("plan")).content.decode()
    assert "修改" not in page and "电话联系" in page
    assert reader.post(reverse("plan-act"), {"off": "a_phone"}).status_code == 403
    assert "修改" in desk.get(reverse("plan")).content.decode()


def test_a_hostile_form_changes_nothing(desk, store):
    for ask in ({"off": "nobody"}, {"inherits": "maybe"}, {}):
        assert desk.post(reverse("plan-act"), ask).status_code in (302, 404)
    assert desk.post(reverse("plan-line", args=["nobody"]), said()).status_code == 404
    assert not Plan.objects.filter(number__gt=1).exists()


def test_row_54_the_page_shows_nine_treatments_with_the_switch_on(desk, store, head):
    adopt(store, "vip_medals")
    where = f"{reverse('plan')}?scheme=vip_medals"
    assert desk.get(where).context["coming_up"] == {}
    desk.post(f"{reverse('plan-act')}?scheme=vip_medals", {"inherits": "yes"})
    page = desk.get(where)
    gold = dict(page.context["groups"])["GOLD"]
    assert len(gold) + len(page.context["coming_up"]["GOLD"]) == 9
    assert "银牌VIP" in page.content.decode() and "贵宾包间" in page.content.decode()


def test_the_stores_rules_are_kept_with_their_history(desk, store):
    desk.post(
        reverse("care-rules"), {"contacts_a_week": "2", "overdue_days": "3", "gifts_to_officials": "on"}
    )
    rules = CareRules.objects.get(store=store)
    assert (rules.contacts_a_week, rules.overdue_days, rules.gifts_to_officials) == (2, 3, True)
    desk.post(reverse("care-rules"), {"contacts_a_week": "", "overdue_days": "3"})
    rules.refresh_from_db()
    assert (rules.contacts_a_week, rules.gifts_to_officials) == (None, False)
    assert list(rules.events.order_by("pgh_id").values_list("pgh_label", "gifts_to_officials")) == [
        ("insert", True), ("update", False),
    ]  # fmt: skip
    assert desk.post(reverse("care-rules"), {"overdue_days": "-1"}).status_code == 422


def owed(store, guest, **more) -> Task:
    return Task.objects.create(
        store=store, customer=guest, code=f"x{Task.objects.count()}", occasion="x", channel="phone", zh="电话", en="Call", role="manager",
        due_on=NOON.date(), close_on=NOON.date(), opened_on=NOON.date(), opened_at=NOON, **more,
    )  # fmt: skip


def test_the_board_hands_tasks_over_and_shows_what_went_up(desk, store, manager, waiter, regular):
    task = owed(store, regular, escalated_on=NOON.date())
    assert desk.get(reverse("tasks")).context["groups"][0] == ("escalated", "逾期升级", [task])
    form = {"task": [task.pk, "x"], "to": manager.pk, "reason": "出差"}
    assert (
        "1 件任务已移交给刘经理" in desk.post(reverse("task-hand-over"), form, follow=True).content.decode()
    )
    task.refresh_from_db()
    assert task.assignee == manager
    for wrong in ({"task": []}, {"to": ""}, {"to": 10**9}, {"reason": ""}):
        assert (
            "notice error" in desk.post(reverse("task-hand-over"), form | wrong, follow=True).content.decode()
        )
    assert signed_in(waiter).post(reverse("task-hand-over"), form).status_code == 403


def test_a_task_stands_on_the_board_once_and_long_groups_are_folded(desk, store, head, regular):
    """One's own late tasks are among one's own; what went up is the others'. Two rows of one task would share an id."""
    own = owed(store, regular, escalated_on=NOON.date(), assignee=head)
    others = [owed(store, regular, escalated_on=NOON.date()) for _n in range(22)]
    for ask in ("", "?who=all"):
        page = desk.get(reverse("tasks") + ask)
        body = page.content.decode()
        assert [body.count(f'id="task-{task.pk}"') for task in [own, *others]] == [1] * 23
        groups = {name: rows for name, _title, rows in page.context["groups"]}
        assert len(groups["escalated"]) == (23 if ask else 22)
        assert (own in groups["today"]) is (ask == "")
        assert f"<summary>还有 {3 if ask else 2} 件</summary>" in body
    assert '<a href="#escalated">逾期升级 · 22</a>' in desk.get(reverse("tasks")).content.decode()


def test_whoever_leaves_names_a_successor_on_the_page(desk, store, manager, host, regular):
    Patronage.objects.filter(customer=regular).update(owner=host)
    page = desk.post(reverse("people-leaving"), {"from_": host.pk, "reason": "离职", "leaves": "on"})
    assert page.status_code == 422 and "请选一位在职的同事" in page.content.decode()
    form = {"from_": host.pk, "to": manager.pk, "reason": "离职", "leaves": "on"}
    page = desk.post(reverse("people-leaving"), form, follow=True)
    assert "小梅 的 1 位客人、0 件任务已交给刘经理" in page.content.decode()
    assert Patronage.objects.get(customer=regular).owner == manager
    assert desk.get(reverse("people-leaving")).status_code == 200


def test_ready_made_gestures_are_taken_into_the_plan_for_a_tier(desk, store):
    """Two of a set for the A guests: one version more; the same again adds nothing."""
    where = f"{reverse('plan-ready')}?scheme={SCHEME}"
    page = desk.get(where).content.decode()
    assert "VIP 维护方案" in page and "店内开发客户" in page
    before = len(plans.plan_for(store, SCHEME, AT).lines.all())
    said = {"line": ["vip_plan:party", "after_visits:track", "nobody:else"], "tier": "A"}
    told = desk.post(where, said, follow=True).content.decode()
    assert "已加进 2 条" in told
    living = Plan.objects.get(store=store, scheme_code=SCHEME, retired_at=None)
    added = list(living.lines.order_by("-id").values_list("tier", "trigger", "zh", "enabled")[:2])
    assert added == [
        ("A", "yearly", "每年的VIP答谢会", True), ("A", "after_visit", "满意度跟踪，解决问题", True),
    ]  # fmt: skip
    assert (living.number, living.lines.count()) == (2, before + 2)
    assert "计划里都有了" in desk.post(where, said, follow=True).content.decode()
    assert Plan.objects.get(store=store, scheme_code=SCHEME, retired_at=None).number == 2
    for wrong in ({"tier": "A"}, {"line": said["line"], "tier": "Z"}):
        assert desk.post(where, wrong).status_code == 422
    assert Plan.objects.filter(store=store, scheme_code=SCHEME).count() == 2
