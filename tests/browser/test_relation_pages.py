"""The pages of the long relation before a real browser: organisations, calls back, return visits, letters, nine steps."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from care.models import CallAnswer, Task, Topic
from care.relations.services import accounts, notes
from care.relations.services.calls import CallSaid, complete_call, open_win_back, plan_return
from customers.models import Customer
from feedback.services import close_complaint, open_complaint
from loyalty.models import Voucher
from loyalty.services.kinds import save_kind
from staff.models import Role
from tests.browser.conftest import FLOOR
from tests.browser.test_pages import TOO_NARROW, faults


@pytest.fixture
def related(stage):
    """An agreement, a lapsed guest to be called, a return visit with a topic, a settled complaint, letters, a text."""
    store, at, head = stage.store, stage.at, stage.people[Role.HEAD]
    today = store.business_day(at)
    told = {"store": store, "actor": head, "at": at}
    Customer.objects.filter(pk=stage.regular.pk).update(employer="宏达公司", preferred_channel="card")
    Customer.objects.filter(pk=stage.lapsed.pk).update(preferred_channel="card")
    terms = accounts.Terms(
        stage.regular.pk,
        2,
        today - timedelta(days=70),
        today + timedelta(days=40),
        30,
        60,
        "月结",
        Decimal(8),
    )
    agreement = accounts.make_agreement(**told, terms=terms, today=today)
    accounts.write_note(**told, pk=agreement.pk, kind="event", on=today, words="联合讲座", today=today)
    plan = {**told, "customer_id": stage.regular.pk, "channel": "phone", "to": head}
    task = plan_return(**plan, on=today)
    complete_call(**told, task_id=task.pk, said=CallSaid(score=4, suggestion="换大杯子"))
    plan_return(**plan, on=today + timedelta(days=1))
    notes.note_topic(**told, customer_id=stage.regular.pk, words="儿子上大学了", depth=2)
    notes.add_piece(**told, kind="script", title="怎么问", words="上次用得满意吗？")
    notes.add_piece(**told, kind="food", title="菌菇怎么煮", words="煮二十分钟。")
    notes.set_target(store=store, month=today.replace(day=1), number=40)
    complaint = open_complaint(**told, customer_id=stage.regular.pk, text="等了四十分钟")
    close_complaint(**told, complaint_id=complaint.pk, resolution="道歉")
    open_win_back(**told, customer_ids=[stage.lapsed.pk], today=today)
    stage.agreement = agreement
    return stage


def pages(stage) -> dict[str, str]:
    guest, account = [stage.regular.pk], [stage.agreement.pk]
    return {
        "accounts": reverse("accounts"), "account": reverse("account", args=account), "new": reverse("account-new"),
        "edit": reverse("account-edit", args=account), "library": reverse("care-library"), "back": reverse("list-win-back"),
        "returns": reverse("list-returns"), "labels": reverse("list-labels"), "voices": reverse("feedback-guests"),
        "steps": reverse("relation-steps"), "guest": reverse("customer-relation", args=guest),
        "whole guest": reverse("customer", args=guest), "profile": reverse("customer-edit", args=guest),
        "feedback": reverse("feedback"), "leads": reverse("leads"),
    }  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_everybody_can_read_them(related, visit, language):
    person = related.people[Role.HEAD]
    person.language = language
    person.save()
    somebody = visit(person)
    wrong = {}
    for name, address in pages(related).items():
        page = somebody.open(address)
        page.evaluate(
            "() => document.querySelectorAll('main details:not(.menu)').forEach((fold) => (fold.open = true))"
        )
        if bad := faults(page, 14):
            wrong[name] = bad
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            wrong[name] = [*bad, "wider than the screen"]
    assert (wrong, somebody.complaints) == ({}, [])


@pytest.mark.parametrize("script", [True, False])
def test_a_call_back_asks_why_and_says_what_is_missing(related, visit, script):
    somebody = visit(related.people[Role.HEAD], script=script)
    task = Task.objects.get(code="win_back")
    page = somebody.open(reverse("tasks") + "?who=all")
    row = page.locator(f"#task-{task.pk}")
    row.locator("summary:has-text('记下回答')").click()
    row.locator("select[name=cause]").select_option("taste")
    row.locator("select[name=measure]").select_option("coupon")
    row.locator("button:has-text('打过了，保存')").click()
    if script:
        page.wait_for_selector(f"#task-{task.pk} .state.good")
    assert [(each.cause, each.measure) for each in CallAnswer.objects.exclude(cause="")] == [
        ("taste", "coupon")
    ]
    page = somebody.open(reverse("list-win-back"))
    assert "口味" in page.inner_text("main table") and somebody.complaints == []


@pytest.mark.parametrize("script", [True, False])
def test_the_voucher_of_a_call_is_chosen_on_it_and_its_code_is_told(related, visit, script):
    """Which voucher is asked only once one is the measure; saved, the code stands there to be read out."""
    said = {
        "name": "满200减30", "gives": "amount", "worth": 3_000, "item": "", "min_bill_fen": 20_000, "valid_days": 30,
        "transferable": False, "once": False,
    }  # fmt: skip
    save_kind(store=related.store, said=said, actor=None, at=related.at)
    somebody = visit(related.people[Role.HEAD], script=script)
    task = Task.objects.get(code="win_back")
    page = somebody.open(reverse("tasks") + "?who=all")
    row = page.locator(f"#task-{task.pk}")
    row.locator("summary:has-text('记下回答')").click()
    which = row.locator("select[name=kind]")
    row.locator("select[name=cause]").select_option("price")
    assert not which.is_visible()
    row.locator("select[name=measure]").select_option("coupon")
    assert which.is_visible()
    which.select_option(label="满200减30")
    row.locator("button:has-text('打过了，保存')").click()
    if script:
        page.wait_for_selector(f"#task-{task.pk} .state.good")
    code = Voucher.objects.get().shown
    assert code in page.inner_text("body") and somebody.complaints == []


@pytest.mark.parametrize("script", [True, False])
def test_the_topic_on_the_card_is_used_up_by_one_press(related, visit, script):
    somebody = visit(related.people[Role.HEAD], script=script)
    task = Task.objects.get(code="return_plan", state="open")
    page = somebody.open(reverse("list-returns"))
    if not page.locator(f"#task-{task.pk}").count():
        page = somebody.open(f"{reverse('list-returns')}?week={task.due_on:%G-W%V}")
    row = page.locator(f"#task-{task.pk}")
    assert "儿子上大学了" in row.inner_text()
    row.locator("button:has-text('做好了')").first.click()
    if script:
        page.wait_for_selector(f"#task-{task.pk} .state.good")
    task.refresh_from_db()
    assert (task.state, Topic.objects.get().used_by) == ("done", related.people[Role.HEAD])


def test_the_floor_asks_again_and_shows_the_price(related, visit):
    somebody = visit(related.people[Role.WAITER], screen=FLOOR)
    page = somebody.open(reverse("tablet-guest", args=[related.regular.pk]))
    assert "减 8%（9.2 折）" in page.inner_text("main") and "再问一句" in page.inner_text("main")
    assert faults(page, 16) == [] and page.evaluate(TOO_NARROW, 48) == []
    page.fill("input[name=words]", "好多了")
    page.click("button:has-text('满意了')")
    page.wait_for_load_state("networkidle")
    assert "再问一句" not in page.inner_text("main") and "已记下客人的回答" in page.inner_text("body")
    assert somebody.complaints == []
