"""A store head changes a rule in the browser: by mouse, by keyboard, and with scripts switched off."""

import re

from django.urls import reverse
from playwright.sync_api import Page, expect

from staff.models import Role
from tests.browser.test_pages import faults
from tiering.models import Adoption, SchemeVersion

EDIT = "/schemes/recent_month_abc/edit/"


def number(page: Page, ident: str) -> int:
    return int(re.sub(r"\D", "", page.inner_text(f"#{ident}")))


def line(place: str, name: str) -> str:
    return f"[name='{place}.{name}']"


def test_a_rule_is_built_without_leaving_the_page(stage, visit):
    """The regular spent ¥7,680 in thirty days; the one who stopped coming was last here sixty days ago."""
    head = visit(stage.people[Role.HEAD])
    page = head.open(EDIT)
    page.evaluate("window.sameDocument = true")
    assert (number(page, "n-tier-0-when-0"), number(page, "size-tier-0")) == (1, 1)
    # A threshold typed over counts by itself; the field keeps the focus and what is in it.
    page.fill(line("tier.0.when.0", "value"), "7,681")
    expect(page.locator("#n-tier-0-when-0")).to_have_text(re.compile(r"^\s*0 位\s*$"))
    assert page.evaluate("document.activeElement.name") == "tier.0.when.0.value"
    assert page.input_value(line("tier.0.when.0", "value")) == "7,681"
    # Less than B asks: said beside B, and nothing is counted.
    page.fill(line("tier.0.when.0", "value"), "400")
    expect(page.locator("#t-tier-1")).to_contain_text("门槛顺序反了")
    expect(page.locator("#sizes")).to_contain_text("还有 1 处")
    page.fill(line("tier.0.when.0", "value"), "5000")
    expect(page.locator("#t-tier-1")).to_be_empty()
    # A line is added and has the focus; what it looks at decides which fields stand beside it.
    page.click("button[value='add-line:tier.0.when']")
    page.wait_for_selector(line("tier.0.when.4", "subject"))
    assert page.evaluate("document.activeElement.name") == "tier.0.when.4.subject"
    page.select_option(line("tier.0.when.4", "subject"), "in:sex:m")
    expect(page.locator(line("tier.0.when.4", "op"))).to_be_hidden()
    expect(page.locator(line("tier.0.when.4", "value"))).to_be_hidden()
    page.select_option(line("tier.0.when.4", "subject"), "fact:days_since_last_visit")
    expect(page.locator(line("tier.0.when.4", "op"))).to_be_visible()
    assert page.inner_text("#tier-0-when-4 .unit") == "天"
    assert page.evaluate("document.activeElement.name") == "tier.0.when.4.value", (
        "a number is what is missing"
    )
    page.select_option(line("tier.0.when.4", "op"), "<=")
    page.fill(line("tier.0.when.4", "value"), "70")
    expect(page.locator("#size-tier-0")).to_have_text(re.compile(r"^\s*2 位\s*$"))
    assert faults(page, 14) == []
    page.click("button[value='save']")
    page.wait_for_url("**/schemes/recent_month_abc/?v=2")
    assert page.evaluate("window.sameDocument") is None
    saved = SchemeVersion.objects.get(number=2).body["tiers"][0]["when"]["any"]
    assert saved[4] == {"fact": "days_since_last_visit", "op": "<=", "value": 70} and len(saved) == 5
    assert Adoption.objects.count() == 1
    assert head.complaints == []


def test_the_editor_is_used_by_keys_alone(stage, visit):
    head = visit(stage.people[Role.HEAD])
    page = head.open(EDIT)
    page.focus("button[value='down:tier.0.when.0']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#tier-0-when-1 option[value='fact:spend_30d']:checked", state="attached")
    # The focus goes with the line, so that pressing again moves it on.
    assert page.evaluate("document.activeElement.value") == "down:tier.0.when.1"
    page.keyboard.press("Enter")
    page.wait_for_selector("#tier-0-when-2 option[value='fact:spend_30d']:checked", state="attached")
    # Enter in a field counts; it presses no button that changes the rule.
    before = page.locator(".line").count()
    page.focus(line("tier.0.when.2", "value"))
    with page.expect_response(lambda response: response.url.endswith(EDIT)):
        page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert (page.locator(".line").count(), page.url.endswith(EDIT)) == (before, True)
    # Folded settings that are open stay open when the form comes back.
    page.focus("#fold-settings summary")
    page.keyboard.press("Enter")
    page.focus("button[value='add-tier']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#tier-3")
    assert page.locator("#fold-settings[open]").count() == 1
    assert page.evaluate("document.activeElement.name") == "tier.2.name.zh"
    assert head.complaints == []


def test_a_refusal_stands_beside_the_line_and_nothing_typed_is_lost(stage, visit):
    head = visit(stage.people[Role.HEAD])
    page = head.open(EDIT)
    page.fill(line("tier.1.when.3", "value"), "两千")
    page.fill("#name-zh", "新的名字")
    page.click("button[value='save']")
    expect(page.locator("#t-tier-1-when-3")).to_contain_text("“两千”不能当门槛")
    expect(page.locator("#sizes")).to_contain_text("没有保存")
    assert (page.input_value("#name-zh"), page.input_value(line("tier.1.when.3", "value"))) == (
        "新的名字",
        "两千",
    )
    assert faults(page, 14) == []
    assert SchemeVersion.objects.count() == 1
    assert [c for c in head.complaints if "422" not in c] == []


def test_without_script_the_same_buttons_do_the_same(stage, visit):
    page = visit(stage.people[Role.HEAD], script=False).open(EDIT)
    page.click("button[value='add-group:tier.0.when']")
    page.select_option(line("tier.0.when.4", "is"), "all")
    page.select_option(line("tier.0.when.4.0", "subject"), "fact:visits_90d")
    page.fill(line("tier.0.when.4.0", "value"), "9")
    page.click("button[value='add-line:tier.0.when.4']")
    page.select_option(line("tier.0.when.4.1", "subject"), "in:sex:m")
    page.click("button[value='up:tier.0.when.4']")
    assert page.input_value(line("tier.0.when.3.0", "value")) == "9"
    assert number(page, "n-tier-0-when-3-1") == 1
    page.click("button[value='save']")
    assert page.url.endswith("/schemes/recent_month_abc/?v=2")
    assert SchemeVersion.objects.get(number=2).body["tiers"][0]["when"]["any"][3] == {
        "all": [{"fact": "visits_90d", "op": ">=", "value": 9}, {"profile": "sex", "in": ["m"]}]
    }


def test_the_way_from_a_preset_to_its_first_night_and_back(stage, visit):
    """Look, adopt for tomorrow, call it off, adopt for tonight, go back: a button each."""
    head = visit(stage.people[Role.HEAD])
    page = head.open(reverse("scheme", args=["hotpot_hml"]))
    assert "启用前的五步" in page.inner_text("main")
    tomorrow = page.evaluate(
        "() => { const d = new Date(document.querySelector('#id_from_date').value); d.setDate(d.getDate() + 1); return d.toISOString().slice(0, 10); }"
    )
    page.fill("#id_from_date", tomorrow)
    page.click("#adopt button")
    expect(page.locator(".coming")).to_contain_text("起改用《火锅店客户分级")
    page.click(".coming button")
    expect(page.locator(".coming")).to_have_count(0)
    page.goto(head.base + reverse("scheme", args=["hotpot_hml"]) + "?v=1")
    page.click("#adopt button")
    expect(page.locator("#axis-tier")).to_contain_text("火锅店客户分级")
    page.click("summary:has-text('退回上一个方案')")
    assert faults(page, 14) == []
    page.click("button:text-is('退回')")
    expect(page.locator("#axis-tier")).to_contain_text("餐厅顾客分类（近一月）")
    assert Adoption.objects.count() == 4
    assert head.complaints == []
