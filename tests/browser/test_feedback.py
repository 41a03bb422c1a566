"""A complaint from the tablet to its end at the desk, in a real browser; every page of it readable."""

import re
from pathlib import Path

from django.urls import reverse
from playwright.sync_api import expect

from feedback.models import Complaint, Suggestion
from staff.models import Role
from tests.browser.conftest import FLOOR
from tests.browser.test_pages import TOO_NARROW, faults


def test_a_complaint_walks_from_the_tablet_to_its_end(stage, visit, tmp_path: Path):
    guest = [stage.regular.pk]
    waiter = visit(stage.people[Role.WAITER], screen=FLOOR)
    page = waiter.open(reverse("tablet-guest", args=guest))
    page.get_by_role("link", name="记投诉或建议").click()
    page.wait_for_url("**" + reverse("tablet-feedback", args=guest))
    # Enter alone sends nothing: which of the two it is, a finger says.
    page.fill("#id_text", "羊肉等了四十分钟")
    page.press("#id_text", "Enter")
    page.wait_for_timeout(300)
    assert (Complaint.objects.count(), Suggestion.objects.count()) == (0, 0)
    assert faults(page, 16) + page.evaluate(TOO_NARROW, 48) == []
    page.get_by_role("button", name="记为投诉").click()
    expect(page.locator(".know .notice")).to_have_text(
        re.compile("有未了结的投诉 · 今天\\s*羊肉等了四十分钟")
    )
    assert faults(page, 16) + page.evaluate(TOO_NARROW, 48) == []
    box = page.locator("button.done").bounding_box()
    assert box["y"] + box["height"] <= FLOOR["height"]

    head = visit(stage.people[Role.HEAD])
    page = head.open(reverse("customer", args=guest))
    panel = page.locator("#feedback")
    expect(panel).to_contain_text("有未了结的投诉 · 今天")
    for fold in panel.locator("details.fold > summary").all():
        fold.click()
    assert faults(page, 14) == []
    page.screenshot(path=tmp_path / "panel.png", full_page=True)
    page.fill("#id_suggestion-text", "杯子换大一点")
    page.get_by_role("button", name="记下建议").click()
    page.wait_for_url("**" + reverse("customer", args=guest) + "#feedback")
    expect(panel).to_contain_text("杯子换大一点")

    page = head.open(reverse("feedback"))
    page.locator("summary", has_text="写处理结果，了结").click()
    assert faults(page, 14) == []
    page.screenshot(path=tmp_path / "board.png", full_page=True)
    page.fill("textarea[name=resolution]", "致歉，免了羊肉")
    page.get_by_role("button", name="了结", exact=True).click()
    expect(page.locator(".notice.success")).to_have_text("投诉已了结。")
    page.get_by_role("button", name="有效", exact=True).click()
    expect(page.locator(".notice.success")).to_have_text("已判为有效建议。")
    expect(page.locator(".empty")).to_have_count(2)
    assert faults(page, 14) == []
    assert Complaint.objects.get().resolution == "致歉，免了羊肉"
    assert Suggestion.objects.get().judged == "valid"
    page = waiter.open(reverse("tablet-guest", args=guest))
    assert "有未了结的投诉" not in page.inner_text(".know")
    assert waiter.complaints == head.complaints == []


def test_a_mistake_is_withdrawn_without_a_resolution_and_without_script(stage, visit):
    guest = [stage.regular.pk]
    head = visit(stage.people[Role.HEAD], script=False)
    page = head.open(reverse("customer", args=guest))
    page.get_by_role("link", name="客人说过什么").click()
    page.locator("summary", has_text="记一条投诉").click()
    page.fill("#id_complaint-text", "记错了客人")
    page.get_by_role("button", name="记下投诉").click()
    page.wait_for_url("**" + reverse("customer", args=guest) + "#feedback")
    page = head.open(reverse("feedback"))
    page.locator("summary", has_text="写处理结果，了结").click()
    page.get_by_role("button", name="记错了，撤销").click()
    expect(page.locator("main")).to_contain_text("没有未了结的投诉")
    complaint = Complaint.objects.get()
    assert (complaint.closed_at, complaint.withdrawn_by) == (None, stage.people[Role.HEAD])
    assert head.complaints == []
