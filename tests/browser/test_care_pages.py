"""The pages of care before a real browser: the calendar of festivals, answers, lists, words, contacts made."""

from datetime import timedelta

import pytest
from django.urls import reverse

from care.models import Anniversary, OwnFestival, TableAnswer, Task, TradeNews
from care.playbook import Line
from care.services import plans
from care.services.festivals import add_festival, move_festival, switch_festival
from care.services.words import add_news
from staff.models import Role
from tests.browser.test_pages import faults
from tiering.selectors.schemes import in_force


@pytest.fixture
def called(stage):
    """A festival of the house in twelve days, a call before it that is due, news, a wedding; one festival moved, one off."""
    store, at, head = stage.store, stage.at, stage.people[Role.HEAD]
    today = store.business_day(at)
    told = {"store": store, "whole_brand": False, "actor": head, "at": at}
    add_festival(**told, name="店庆", kind="once", once_on=today + timedelta(days=12), today=today)
    switch_festival(**told, code="qixi", off=True)
    code = f"店庆@{store.pk}"
    move_festival(
        **told, code=code, year=(today + timedelta(days=12)).year, on=today + timedelta(days=11), today=today
    ) if (today + timedelta(days=11)).year == (today + timedelta(days=12)).year else None
    adoption = in_force(store.pk, today)
    scheme = adoption.version.scheme.code if adoption else plans.DEFAULT
    line = Line(
        "before_day", "*", "festival", "phone", "过节前打电话", "Call before the festival", "head", occasions=(code,),
        lead_days=20, after_days=-10, window_days=9, personal=False,
    )  # fmt: skip
    plan = plans.add_line(store=store, scheme_code=scheme, line=line, actor=head, at=at)
    Task.objects.create(
        store=store, customer=stage.regular, line=plan.lines.get(code="before_day"), code="before_day",
        occasion=f"festival:{code}:x", channel="phone", zh="店庆：过节前打电话", en="Call before the festival", role=Role.HEAD,
        event_on=today + timedelta(days=11), due_on=today, close_on=today + timedelta(days=9), opened_on=today, opened_at=at,
        words="${name}，您好！",
    )  # fmt: skip
    add_news(
        store=store,
        industry="建材",
        words="钢材降价了，周末愉快！",
        until=today,
        actor=head,
        at=at,
        today=today,
    )
    Anniversary.objects.create(customer=stage.regular, kind="wedding", year=2010, month=8, day=8, told_at=at)
    return stage


def pages(stage) -> dict[str, str]:
    return {
        "calendar": reverse("festivals"), "news": reverse("trade-news"), "quotas": reverse("care-quotas"),
        "tables": reverse("list-tables"), "served": reverse("list-served"), "care": reverse("customer-care", args=[stage.regular.pk]),
        "tasks": reverse("tasks") + "?who=all", "plan": reverse("plan"), "line": reverse("plan-line", args=["before_day"]),
        "birthdays": reverse("list-birthdays"), "absent": reverse("list-absent"), "briefing": reverse("list-briefing"),
        "contacts": reverse("list-contacts"), "results": reverse("care-results"), "rules": reverse("care-rules"),
        "people": reverse("people-leaving"), "replies": reverse("replies"), "text-rules": reverse("text-rules"),
    }  # fmt: skip


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_everybody_can_read_them(called, visit, language):
    person = called.people[Role.HEAD]
    person.language = language
    person.save()
    somebody = visit(person)
    wrong = {}
    for name, address in pages(called).items():
        page = somebody.open(address)
        if name != "tasks":
            page.evaluate(
                "() => document.querySelectorAll('main details:not(.menu)').forEach((fold) => (fold.open = true))"
            )
        if bad := faults(page, 14):
            wrong[name] = bad
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            wrong[name] = [*bad, "wider than the screen"]
    assert (wrong, somebody.complaints) == ({}, [])


@pytest.mark.parametrize("script", [True, False])
def test_the_answer_to_the_call_is_on_the_list_of_its_day(called, visit, script):
    somebody = visit(called.people[Role.HEAD], script=script)
    page = somebody.open(reverse("customer-care", args=[called.regular.pk]))
    page.click("summary:has-text('记下回答')")
    page.check("input[name=table][value=yes]")
    page.fill("input[name=party]", "10")
    page.fill("textarea[name=dishes]", "清蒸石斑 ×1")
    page.click("button:has-text('打过了，保存')")
    if script:
        page.wait_for_selector(".state.good:has-text('已完成')")
    page = somebody.open(reverse("list-tables"))
    assert "清蒸石斑 ×1" in page.inner_text("main table") and "18:00" in page.inner_text("main table")
    assert TableAnswer.objects.get().party == 10 and somebody.complaints == []


@pytest.mark.parametrize("script", [True, False])
def test_a_festival_is_added_and_a_wrong_one_says_why(called, visit, script):
    somebody = visit(called.people[Role.HEAD], script=script)
    page = somebody.open(reverse("festivals"))
    page.fill("#id_name", "庙会")
    page.fill("#id_month", "2")
    page.fill("#id_day", "30")
    page.click("#new-festival button:has-text('保存')")
    assert "没有这一天" in page.inner_text(".has-error:has(#id_day)")
    page.select_option("#id_kind", "lunar")
    page.click("#new-festival button:has-text('保存')")
    page.wait_for_selector("main table :text('庙会')")
    assert OwnFestival.objects.filter(name="庙会", kind="lunar", month=2, day=30).exists()
    assert TradeNews.objects.count() == 1
