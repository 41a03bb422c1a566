"""Groups, segments, candidates and a guest's standing before a real browser, in both languages."""

from datetime import timedelta

import pytest
from django.urls import reverse

from staff.models import Role
from tests.browser.conftest import FLOOR
from tests.browser.test_pages import TOO_NARROW, faults
from tiering.models import Segment
from tiering.services.decisions import decide_night
from tiering.services.judgements import judge, override_tier
from tiering.services.schemes import adopt_preset


@pytest.fixture
def graded(stage):
    """The stage with more ways of grading, a tier by hand, a judgement and a segment."""
    today = stage.store.business_day(stage.at)
    head = stage.people[Role.HEAD]
    said = {"store": stage.store, "customer_id": stage.regular.pk, "actor": head, "on": today, "at": stage.at}
    for code in ("vip_weight_classes", "value_matrix", "vip_medals", "member_card_levels", "lifecycle_types"):
        adopt_preset(
            store=stage.store, code=code, from_date=today - timedelta(days=90), actor=head, at=stage.at
        )
    judge(**said, code="likely-A", reason="每周都来")
    override_tier(**said, tier="B", reason="老板的朋友", valid_until=today + timedelta(days=20))
    decide_night(stage.store, today - timedelta(days=1), at=stage.at, approved=True)
    Segment.objects.create(
        store=stage.store, name="常来的", rule={"fact": "visits_90d", "op": ">=", "value": 4}, made_at=stage.at, made_by=head
    )  # fmt: skip
    return stage


def pages(stage) -> dict[str, str]:
    return {
        "standing": reverse("customer-standing", args=[stage.regular.pk]),
        "standing-card": reverse("customer-standing", args=[stage.regular.pk]) + "?axis=card",
        "groups": reverse("tier-groups"),
        "matrix": reverse("tier-group", args=["matrix"]),
        "goals": reverse("tier-group", args=["vip_weight"]),
        "guests": reverse("tier-group-guests", args=["lifecycle", "UNRATED"]),
        "candidates": reverse("candidates"),
        "segments": reverse("segments"),
        "segment": reverse("segment", args=[Segment.objects.get().pk]),
        "segment-new": reverse("segment-new"),
        "segment-edit": reverse("segment-edit", args=[Segment.objects.get().pk]),
    }


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_everybody_can_read_them(graded, visit, language):
    person = graded.people[Role.HEAD]
    person.language = language
    person.save()
    somebody = visit(person)
    wrong = {}
    for name, address in pages(graded).items():
        page = somebody.open(address)
        page.evaluate("() => document.querySelectorAll('main details').forEach((fold) => (fold.open = true))")
        if bad := faults(page, 14):
            wrong[name] = bad
        if page.evaluate("() => document.documentElement.scrollWidth > innerWidth"):
            wrong[name] = [*bad, "wider than the screen"]
    assert (wrong, somebody.complaints) == ({}, [])


def test_the_card_on_the_floor_names_every_axis(graded, visit):
    somebody = visit(graded.people[Role.WAITER], screen=FLOOR)
    page = somebody.open(reverse("tablet-guest", args=[graded.regular.pk]))
    assert faults(page, 16) + page.evaluate(TOO_NARROW, 48) == []
    badges = page.inner_text(".beside")
    assert "会员等级" in badges and "VIP 体量" in badges


def test_the_panel_turns_to_another_axis_in_place(graded, visit):
    somebody = visit(graded.people[Role.HEAD])
    page = somebody.open(reverse("customer", args=[graded.regular.pk]))
    assert "老板的朋友" in page.inner_text("#standing")
    page.click("#standing .axes a:has-text('会员等级')")
    page.wait_for_selector("#standing header:has-text('会员等级')")
    assert page.url.endswith(reverse("customer", args=[graded.regular.pk]))
    assert "老板的朋友" not in page.inner_text("#standing .ahead")
    assert somebody.complaints == []


def test_a_segment_counts_while_it_is_written_and_without_script(graded, visit):
    somebody = visit(graded.people[Role.HEAD])
    page = somebody.open(reverse("segment-new"))
    assert "还有 1 处" in page.inner_text("#total")
    page.select_option("select.subject", "fact:visits_90d")
    page.fill(".line .value input", "4")
    page.wait_for_selector("#total .big")
    counted = page.inner_text("#total .big")
    page.fill("#segment-name", "又一个")
    page.click("button[value=save]")
    page.wait_for_selector("h1:has-text('又一个')")
    assert f"今天有 {counted} 位客人" in page.inner_text("main")
    plain = visit(graded.people[Role.MANAGER], script=False)
    page = plain.open(reverse("segment-new"))
    page.select_option("select.subject", "fact:visits_90d")
    page.fill(".line .value input", "4")
    page.fill("#segment-name", "不用脚本")
    page.click("button[value=save]")
    assert "不用脚本" in page.inner_text("h1")
    assert (somebody.complaints, plain.complaints) == ([], [])


def test_a_fault_stands_beside_its_field(graded, visit):
    somebody = visit(graded.people[Role.HEAD])
    page = somebody.open(reverse("customer-standing", args=[graded.lapsed.pk]))
    page.click("summary:has-text('人工指定级别')")
    page.select_option("[name=override-tier]", "A")
    page.click("button:has-text('指定')")
    page.wait_for_load_state("networkidle")
    assert "请写明理由" in page.inner_text(".has-error:has([name=override-reason])")
    assert faults(page, 14) == []
