"""What people do at the desk and on the floor, in a real browser."""

import re

from django.urls import reverse
from playwright.sync_api import expect

from care.models import Task
from customers.models import Customer, Reveal, Visit
from staff.models import Role
from tests.browser.conftest import FLOOR


def visits_of(guest) -> list[tuple[int, int | None]]:
    found = Visit.objects.filter(customer=guest, voided_at=None).order_by("recorded_at", "visited_at")
    return [(visit.amount_fen, visit.party_size) for visit in found]


def test_a_waiter_logs_a_visit_in_three_taps_and_a_number(stage, visit):
    """Guest, party size, amount, done. The guest is found by the keys on the glass."""
    waiter = visit(stage.people[Role.WAITER], screen=FLOOR)
    page = waiter.page
    assert page.url.endswith("/tablet/")
    before = len(visits_of(stage.lapsed))
    for digit in "1122":
        page.click(f".pad.digits button:text-is('{digit}')")
    page.wait_for_selector("#found a:has-text('李梅')")
    # From here on they are counted: three taps and the amount.
    page.click("#found a:has-text('李梅')")
    page.click(".party label:text-is('4')")
    for key in ("1", "2", "8", "0"):
        page.click(f".log .digits button:text-is('{key}')")
    page.click("button.done")
    page.wait_for_url("**/tablet/")
    assert "已记录：李梅，¥1,280，4 位" in page.inner_text("main")
    found = visits_of(stage.lapsed)
    assert (len(found), found[-1]) == (before + 1, (128_000, 4))
    logged = Visit.objects.filter(customer=stage.lapsed).order_by("-visited_at").first()
    assert (logged.entry, logged.recorded_by) == ("tablet", stage.people[Role.WAITER])
    assert "李梅" in page.inner_text("#found")
    assert waiter.complaints == []


def test_a_button_pressed_twice_is_one_visit(stage, visit):
    waiter = visit(stage.people[Role.WAITER], screen=FLOOR)
    page = waiter.open(reverse("tablet-guest", args=[stage.regular.pk]))
    before = len(visits_of(stage.regular))
    page.fill("#id_amount", "88")
    page.dblclick("button.done")
    page.wait_for_url("**/tablet/")
    page.go_back()
    page.wait_for_load_state("networkidle")
    # The same card once more, as it was sent: the server knows it.
    page.evaluate("document.querySelector('form[data-visit]').submit()")
    page.wait_for_load_state("networkidle")
    assert len(visits_of(stage.regular)) == before + 1


def test_the_card_says_at_one_glance_what_matters(stage, visit):
    page = visit(stage.people[Role.WAITER], screen=FLOOR).open(
        reverse("tablet-guest", args=[stage.regular.pk])
    )
    seen = page.inner_text(".know")
    for word in (
        "王总",
        "A",
        "138****8899",
        "花生",
        "不吃香菜",
        "毛肚、鸭血",
        "A6",
        "今天生日",
        "店长亲身接待",
    ):
        assert word in seen
    assert "13812348899" not in page.content()
    # Red, and above everything else of the card but the name.
    colour = page.eval_on_selector(".never", "e => getComputedStyle(e).color")
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    assert red > 150 > 60 > max(green, blue)
    assert page.locator(".never").bounding_box()["y"] < page.locator(".given").first.bounding_box()["y"]


def test_a_new_guest_needs_a_name_and_a_phone(stage, visit):
    page = visit(stage.people[Role.WAITER], screen=FLOOR).page
    page.fill("#q", "13655556666")
    page.wait_for_selector("text=用这个号码建档")
    assert "13655556666" not in page.url
    page.click("text=用这个号码建档")
    page.wait_for_selector("#id_name")
    assert page.input_value("#id_phone") == "13655556666"
    page.fill("#id_name", "周敏")
    page.check("#id_consent")
    page.click("button.done")
    page.wait_for_selector(".log")
    guest = Customer.objects.get(name="周敏")
    assert page.url.endswith(f"/tablet/guests/{guest.pk}/")
    assert [consent.given for consent in guest.consents.all()] == [True]


def test_the_floor_works_without_script(stage, visit):
    waiter = visit(stage.people[Role.WAITER], screen=FLOOR, script=False)
    page = waiter.page
    page.fill("#q", "wz")
    page.click(".find .go")
    page.click("a:has-text('王总')")
    before = len(visits_of(stage.regular))
    page.click(".party label:text-is('2')")
    page.fill("#id_amount", "66.5")
    page.click("button.done")
    assert page.url.endswith("/tablet/")
    assert (len(visits_of(stage.regular)), visits_of(stage.regular)[-1]) == (before + 1, (6650, 2))


def test_each_role_begins_where_its_work_is(stage, visit):
    begins = {role: visit(person).page for role, person in stage.people.items()}
    assert {role: page.url.rsplit("/", 2)[-2] for role, page in begins.items()} == {
        "waiter": "tablet", "host": "today", "manager": "today", "head": "today", "hq": "today",
    }  # fmt: skip
    menus = {
        role: page.locator("nav[aria-label='主菜单'] a:not(.brand)").all_inner_texts()
        for role, page in begins.items()
    }
    assert menus["host"] == [
        "今日",
        "客户",
        "预订",
        "任务",
        "名单",
        "意见与投诉",
        "券与礼品",
        "关怀计划",
        "平板",
    ]
    assert menus["head"] == [
        "今日", "客户", "客群", "预订", "任务", "名单", "意见与投诉", "券与礼品", "关怀计划", "活动通知", "活动与宴请", "关怀成效", "等级方案", "短信",
        "夜间作业", "导入", "设置", "平板",
    ]  # fmt: skip
    assert "平板" not in menus["hq"] and "设置" not in menus["manager"]


def test_a_guest_is_found_while_typing_and_a_whole_number_stays_out_of_the_address(stage, visit):
    desk = visit(stage.people[Role.HOST])
    page = desk.open(reverse("customers"))
    assert page.locator("#results tbody tr").count() == 3
    page.type("#id_q", "wjg")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    assert "王总" in page.inner_text("#results") and page.url.endswith("?q=wjg")
    page.fill("#id_q", "13900001122")
    page.wait_for_selector("#results a:has-text('李梅')")
    assert "13900001122" not in page.url
    page.fill("#id_q", "")
    page.select_option("#id_lapsed", "60")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    assert "李梅" in page.inner_text("#results")
    assert desk.complaints == []


def test_the_search_in_the_frame_answers_to_a_key(stage, visit):
    page = visit(stage.people[Role.HEAD]).page
    page.keyboard.press("/")
    page.keyboard.type("8899")
    page.keyboard.press("Enter")
    page.wait_for_selector("#results a:has-text('王总')")


def test_why_opens_with_every_number(stage, visit):
    page = visit(stage.people[Role.MANAGER]).open(reverse("customer", args=[stage.regular.pk]))
    panel = page.inner_text("#standing")
    assert "近30天消费 ≥ ¥5,000" in panel and "现在满足" in panel
    assert page.locator("#standing svg.bar").count() == 8
    assert page.inner_text(".never").index("花生") < page.inner_text(".never").index("香菜")
    assert page.locator("#care li").count() > 0


def test_a_number_is_shown_for_a_reason(stage, visit):
    page = visit(stage.people[Role.HOST]).open(reverse("customer", args=[stage.regular.pk]))
    assert "13812348899" not in page.content()
    page.click(".guest summary:has-text('看完整号码')")
    page.fill(".guest input[name=reason]", "回电确认包间")
    page.click(".guest .phone button")
    page.wait_for_selector(".guest :text('13812348899')")
    assert [(r.reason, r.person) for r in Reveal.objects.all()] == [("回电确认包间", stage.people[Role.HOST])]
    page.reload()
    page.wait_for_load_state("networkidle")
    assert "13812348899" not in page.content()


def test_a_task_is_done_without_leaving_the_board(stage, visit):
    board = visit(stage.people[Role.HEAD])
    page = board.open(reverse("tasks"))
    row = page.locator("#today li").first
    number = int(row.get_attribute("id").removeprefix("task-"))
    row.get_by_role("button", name="做好了", exact=True).click()
    page.wait_for_selector(f"#task-{number} .state.good")
    assert Task.objects.get(pk=number).state == Task.State.DONE
    assert board.complaints == []


def test_a_task_without_a_new_day_is_not_put_off(stage, visit):
    page = visit(stage.people[Role.HEAD]).open(reverse("tasks"))
    row = page.locator("#today li").first
    number = int(row.get_attribute("id").removeprefix("task-"))
    row.locator("summary").click()
    row.get_by_role("button", name="改期").click()
    page.wait_for_selector(f"#task-{number} .form-error")
    assert "请选改到哪一天" in page.inner_text(f"#task-{number}")
    assert Task.objects.get(pk=number).events.count() == 0


def test_the_ladder_is_drawn(stage, visit):
    desk = visit(stage.people[Role.HEAD])
    page = desk.open(reverse("schemes"))
    page.wait_for_selector("#tier-chart canvas")
    # Something was painted: not every pixel is the ground's.
    colours = page.eval_on_selector(
        "#tier-chart canvas",
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size",
    )
    assert colours > 20
    page.hover("#tier-chart")
    assert desk.complaints == []


def test_the_language_is_the_persons(stage, visit):
    desk = visit(stage.people[Role.MANAGER])
    page = desk.page
    page.click("header.top details.menu summary:has-text('刘经理')")
    page.click("button:has-text('English')")
    page.wait_for_load_state("networkidle")
    assert page.inner_text("h1").startswith("Today")
    stage.people[Role.MANAGER].refresh_from_db()
    assert stage.people[Role.MANAGER].language == "en"


def test_a_session_that_ended_leads_a_panel_to_the_door(stage, visit):
    desk = visit(stage.people[Role.HEAD])
    page = desk.open(reverse("tasks"))
    page.context.clear_cookies()
    page.evaluate("htmx.ajax('GET', '/customers/', '#content')")
    page.wait_for_url("**/login/?next=/tasks/")
