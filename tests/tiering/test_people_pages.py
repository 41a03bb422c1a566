"""The guest's tier on pages: what lies ahead, by hand, on every axis, how it went; judgements and their forms."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import translation

from customers.services.visits import void_visit
from tests.cast import NOON, put_on_file
from tests.tiering.people import TODAY, dine, label, night, use
from tiering.ahead import change_words, rise_words
from tiering.forecast import Change, Rise
from tiering.models import Judgement, Override, TierDecision
from tiering.services.judgements import judge, override_tier

SPEND = {
    "id": "spend", "name": {"zh": "看消费", "en": "By spending"}, "fallback": "C", "tiers": [
        {"code": "A", "name": {"zh": "A类顾客", "en": "Class A"}, "when": {"fact": "spend_30d", "op": ">=", "value": 5000}},
        {"code": "B", "name": {"zh": "B类顾客", "en": "Class B"}, "when": {"fact": "spend_30d", "op": ">=", "value": 2000}},
        {"code": "C", "name": {"zh": "C类顾客", "en": "Class C"}, "when": {"otherwise": True}},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(head) -> Client:
    client = Client()
    client.force_login(head)
    return client


def panel(client: Client, guest, axis: str = "") -> str:
    address = reverse("customer-standing", args=[guest.pk]) + (f"?axis={axis}" if axis else "")
    answer = client.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


# ---- what lies ahead -----------------------------------------------------------------------------------------


def test_what_is_missing_is_said_with_its_last_day(desk, store, regular):
    """¥4,180 of 15 June counts through 14 July, but the months end first: ¥820 more by 30 June is an A."""
    use(store, SPEND)
    dine(store, regular, 5, 4180)
    text = panel(desk, regular)
    assert "<b>6月30日 周二前再消费 ¥820</b>" in text
    assert '变为</span> <span class="tier tier-0" title="看消费"><b>A</b>类顾客</span>' in text


def test_the_fall_is_said_with_its_night(desk, store, regular):
    """¥2,500 of 15 June leaves the 30 days on 15 July."""
    use(store, SPEND)
    dine(store, regular, 5, 2500)
    text = panel(desk, regular)
    assert "<b>7月15日 周三起</b> 降为" in text and "除非再来" in text


def test_who_cannot_fall_is_told_until_when(desk, store, regular):
    body = SPEND | {
        "tiers": [
            SPEND["tiers"][0] | {"when": {"fact": "visits_total", "op": ">=", "value": 1}},
            SPEND["tiers"][2],
        ]
    }
    use(store, body)
    dine(store, regular, 5, 100)
    assert "就算一直不来，到 9月30日 周三 也不会降" in panel(desk, regular)
    # The last tier has nothing below it.
    assert "也不会降" not in panel(desk, put_on_file(store, "新客"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(fen=82_000), "再消费 ¥820"),
        (Change(visits=2), "再来 2 次"),
        (Change(visits=1), "再来 1 次"),
        (Change(fen=82_000, visits=1), "再消费 ¥820"),
        (Change(fen=82_000, visits=3), "再来 3 次，再消费 ¥820"),
        (Change(bill=300_000), "有一次账单满 ¥3,000"),
        (Change(fen=500_000, bill=300_000), "再消费 ¥5,000"),
        (Change(visits=1, weeks=1), "再来 1 次，把连续到店的周数接上"),
        (Change(guests=3), "带来 3 位新客人"),
        (Change(suggestions=2, events=1), "提 2 条被采纳的建议，参加 1 次活动"),
    ],
)
def test_a_change_is_said_as_people_would(change, words):
    assert change_words(change) == words


def test_the_day_of_a_rise_is_said_as_people_would():
    monday = TODAY + timedelta(days=2)
    spend = Change(fen=100)
    assert rise_words(Rise("A", spend, TODAY, TODAY), TODAY) == "今天再消费 ¥1"
    assert rise_words(Rise("A", spend, TODAY, TODAY + timedelta(days=10)), TODAY) == "6月30日 周二前再消费 ¥1"
    week = Change(visits=1, weeks=1)
    assert rise_words(Rise("A", week, monday, monday), TODAY).startswith("6月22日 周一那一周再来 1 次")
    with translation.override("en"):
        assert rise_words(Rise("A", spend, TODAY, monday), TODAY) == "By Mon 22 Jun: spend ¥1 more"


@pytest.mark.parametrize(
    ("setting", "word", "until"), [("min_stay_days", "保级期", "7月18日"), ("grace_days", "宽限期", "7月9日")]
)
def test_a_protection_says_until_when(desk, store, regular, setting, word, until):
    """Became A on the night of 18 June; the bill is void since 19 June, which the night of 19 June is told."""
    use(store, SPEND | {setting: 30 if setting == "min_stay_days" else 20})
    bill = dine(store, regular, 2, 6000)
    night(store, 2, at=NOON - timedelta(days=1))
    void_visit(store=store, visit_id=bill.visit_id, reason="退单", actor=None, at=NOON)
    night(store, 1)
    assert label(store, regular) == "A"
    text = panel(desk, regular)
    assert f"{word}到 {until}" in text and "在那之前不降" in text
    assert "数字已经是 <span" in text and "<b>C</b>类顾客" in text


def test_the_parts_of_a_score_are_told(desk, store, regular):
    use(store, {
        "id": "points", "name": "积分", "fallback": "C",
        "scores": {"value": {"parts": [
            {"fact": "spend_365d", "full": 20000, "points": 50}, {"fact": "complaints_90d", "full": 3, "points": -30}]}},
        "tiers": [
            {"code": "A", "name": "甲", "when": {"fact": "score_value", "op": ">=", "value": 40}},
            {"code": "C", "name": "丙", "when": {"otherwise": True}},
        ],
    })  # fmt: skip
    dine(store, regular, 5, 8000)
    text = panel(desk, regular)
    assert "近365天消费 ¥8,000</span>" in text and "20/50 分" in text
    assert "近90天投诉 0 次</span>" in text and "0/−30 分" in text
    assert "20 / 50 分" in text


# ---- every axis ----------------------------------------------------------------------------------------------


def test_two_axes_are_two_badges_each_with_its_scheme(desk, store, regular, manager):
    """VIP level gold beside card level silver; the card level turns gold, the VIP level stays."""
    use(store, "recent_month_abc")
    use(store, "member_card_levels")
    use(store, "vip_medals")
    put_on_file(store, "别人")
    judge(
        store=store,
        customer_id=regular.pk,
        code="vip",
        reason="老客",
        actor=manager,
        on=TODAY - timedelta(days=3),
        at=NOON,
    )
    dine(store, regular, 5, 4000)
    night(store)
    assert (label(store, regular, "card"), label(store, regular, "vip")) == ("SILVER", "GOLD")
    for client, address in ((desk, "customer-standing"), (desk, "tablet-guest")):
        text = " ".join(client.get(reverse(address, args=[regular.pk])).content.decode().split())
        assert '<span class="tier tier-2" title="会员等级（银卡、金卡、钻石卡）"><b>银卡</b></span>' in text
        assert '<span class="tier tier-0" title="VIP 等级（金牌、银牌、铜牌）"><b>金牌VIP</b></span>' in text
        assert "会员等级" in text and "VIP 等级" in text
    dine(store, regular, 4, 2000)
    night(store)
    assert (label(store, regular, "card"), label(store, regular, "vip")) == ("GOLD", "GOLD")


def test_the_panel_turns_to_another_axis(desk, store, regular):
    use(store, "recent_month_abc")
    use(store, "member_card_levels")
    dine(store, regular, 5, 4180)
    text = panel(desk, regular, "card")
    assert "会员等级（银卡、金卡、钻石卡） v1" in text
    assert "再消费 ¥820" in text and "<b>金卡</b>" in text
    assert desk.get(reverse("customer-standing", args=[regular.pk]) + "?axis=nothing").status_code == 404


def test_labels_that_hold_together_are_badges_of_their_own(desk, store, regular):
    use(store, {
        "id": "kinds", "name": "怎样的客人", "kind": "labels", "axis": "kind", "tiers": [
            {"code": "CAME", "name": "来过", "when": {"fact": "visits_total", "op": ">=", "value": 1}},
            {"code": "BIG", "name": "大桌", "when": {"fact": "spend_total", "op": ">=", "value": 9000}},
            {"code": "MAN", "name": "男客", "when": {"profile": "sex", "in": ["m"]}},
        ],
    })  # fmt: skip
    dine(store, regular, 5, 100)
    night(store)
    assert label(store, regular, "kind") == "CAME+MAN"
    page = desk.get(reverse("tablet-guest", args=[regular.pk])).content.decode()
    assert '<span class="tier tier-label" title="怎样的客人"><b>来过</b></span> ' in page
    assert '<span class="tier tier-label" title="怎样的客人"><b>男客</b></span>' in page
    assert "大桌" not in page


# ---- how it went ---------------------------------------------------------------------------------------------


def test_a_visit_entered_late_is_marked_in_the_history(desk, store, regular):
    use(store, SPEND)
    dine(store, regular, 40, 100)
    night(store, 3, at=NOON - timedelta(days=2))
    dine(store, regular, 4, 6000, entered=1)
    night(store, 1)
    text = panel(desk, regular)
    assert [d.tier for d in TierDecision.objects.order_by("id")] == ["C", "A"]
    assert text.count("含补录或更正的消费") == 1
    assert "6月16日 周二的 ¥6,000 是后来录入的（6月19日 12:00）" in text
    assert "近30天消费 ≥ ¥5,000" in text and "近30天消费 ¥6,000" in text


def test_what_an_earlier_night_knew_already_is_not_marked_again(desk, store, regular):
    """¥6,000 of 20 May, entered on 22 May, makes an A that night; the fall of 19 June has nothing to do with it."""
    use(store, SPEND)
    night(store, 31, at=NOON - timedelta(days=30))
    dine(store, regular, 31, 6000, entered=29)
    night(store, 29, at=NOON - timedelta(days=28))
    night(store, 1)
    assert [d.tier for d in TierDecision.objects.order_by("id")] == ["C", "A", "C"]
    text = panel(desk, regular)
    assert text.count("含补录或更正的消费") == 1
    assert text.index("近30天消费 ¥0，保级要 ¥5,000") < text.index("含补录或更正的消费")


def test_a_visit_of_the_day_is_not_marked(desk, store, regular):
    use(store, SPEND)
    night(store, 3, at=NOON - timedelta(days=2))
    dine(store, regular, 1, 6000)
    night(store, 1)
    text = panel(desk, regular)
    assert "事后更正" not in text and "含补录或更正的消费" not in text


def test_a_corrected_night_says_what_was_taken_back(desk, store, regular):
    use(store, SPEND)
    bill = dine(store, regular, 4, 6000)
    night(store, 4, at=NOON - timedelta(days=3))
    night(store, 2, at=NOON - timedelta(days=1))
    void_visit(store=store, visit_id=bill.visit_id, reason="退单", actor=None, at=NOON)
    night(store, 4)
    newest = TierDecision.objects.order_by("-id").first()
    assert (newest.corrected, newest.tier) == (True, "C")
    text = panel(desk, regular)
    assert "事后更正" in text
    assert "6月16日 周二的 ¥6,000 后来作废（6月20日 12:00）" in text
    assert "近30天消费 ¥0，保级要 ¥5,000" in text


# ---- judgements and tiers by hand ----------------------------------------------------------------------------


def say(client: Client, name: str, guest, **fields):
    prefix = "judge" if name == "customer-judge" else "override"
    body = {key if key == "axis" else f"{prefix}-{key}": value for key, value in fields.items()}
    return client.post(reverse(name, args=[guest.pk]), body)


def test_a_judgement_is_written_with_author_reason_and_end(desk, store, regular, head):
    use(store, "fb_department_types")
    answer = say(
        desk, "customer-judge", regular, code="cooperating", reason="协议 2026-17", valid_until="2026-12-31"
    )
    assert answer.status_code == 302
    [said] = Judgement.objects.all()
    assert (said.code, said.reason, said.recorded_by, str(said.valid_until)) == (
        "cooperating", "协议 2026-17", head, "2026-12-31",
    )  # fmt: skip
    text = panel(desk, regular)
    assert "<b>有合作协议</b> 协议 2026-17" in text and "陈店长 · 2026年6月20日 – 2026年12月31日" in text
    night(store, 0)
    assert label(store, regular, "type") == "COOP"


def test_cooperating_without_agreement_and_end_has_two_faults(desk, store, regular):
    use(store, "fb_department_types")
    answer = say(desk, "customer-judge", regular, code="cooperating", reason="", valid_until="")
    assert answer.status_code == 422 and not Judgement.objects.exists()
    form = answer.context["judge_form"]
    assert form.errors == {
        "reason": ["请写明协议编号或依据。"],
        "valid_until": ["“合作”和“临时”要写明到哪一天为止。"],
    }
    assert "请写明协议编号或依据。" in answer.content.decode()


def test_only_what_the_schemes_ask_for_may_be_said(desk, store, regular):
    use(store, "fb_department_types")
    form = desk.get(reverse("customer-standing", args=[regular.pk])).context["judge_form"]
    assert [code for code, _ in form.fields["code"].choices] == [
        "",
        "vip",
        "cooperating",
        "long_term",
        "short_stay",
    ]
    answer = say(desk, "customer-judge", regular, code="strong_influence", reason="很有名")
    assert answer.status_code == 422 and not Judgement.objects.exists()


def test_a_judgement_is_withdrawn_and_stays_as_history(desk, store, regular, head):
    use(store, "fb_department_types")
    said = judge(
        store=store, customer_id=regular.pk, code="vip", reason="老客", actor=head, on=TODAY, at=NOON
    )
    desk.post(reverse("customer-judge-withdraw", args=[regular.pk, said.pk]))
    said.refresh_from_db()
    assert said.withdrawn_at == NOON
    text = panel(desk, regular)
    assert "已结束的 1 条" in text and "陈店长 6月20日 12:00 撤回" in text
    other = put_on_file(store, "别人")
    assert desk.post(reverse("customer-judge-withdraw", args=[other.pk, said.pk])).status_code == 404


def test_a_guest_may_be_flagged_as_likely_to_rise(desk, store, regular):
    use(store, SPEND)
    night(store)
    form = desk.get(reverse("customer-standing", args=[regular.pk])).context["judge_form"]
    assert ("likely-B", "可能升为B类顾客") in form.fields["code"].choices
    assert say(desk, "customer-judge", regular, code="likely-B", reason="每月带客户来").status_code == 302
    assert "<b>可能升为B类顾客</b> 每月带客户来" in panel(desk, regular)
    night(store, 0)
    assert label(store, regular) == "C"


def test_a_tier_by_hand_says_who_why_and_until_when(desk, store, regular, head):
    use(store, SPEND)
    night(store)
    answer = say(
        desk,
        "customer-override",
        regular,
        axis="tier",
        tier="B",
        reason="老板的朋友",
        valid_until="2026-06-30",
    )
    assert answer.status_code == 302
    text = panel(desk, regular)
    assert "老板的朋友" in text and "陈店长，6月20日 周六起，到 6月30日 周二 为止" in text
    assert "<b>7月1日 周三起</b> 降为" in text
    night(store, 0)
    assert label(store, regular) == "B"
    given = Override.objects.get()
    desk.post(reverse("customer-override-withdraw", args=[regular.pk, given.pk]))
    given.refresh_from_db()
    assert (given.withdrawn_at, given.withdrawn_by) == (NOON, head)
    assert "老板的朋友" not in panel(desk, regular)


def test_skipping_a_tier_wants_a_longer_reason(desk, store, regular):
    use(store, SPEND)
    night(store)
    answer = say(
        desk, "customer-override", regular, axis="tier", tier="A", reason="熟人", valid_until="2026-06-30"
    )
    assert answer.status_code == 422 and not Override.objects.exists()
    assert answer.context["override_form"].errors == {"reason": ["请写明理由，至少 5 个字。"]}
    assert (
        say(
            desk,
            "customer-override",
            regular,
            axis="tier",
            tier="A",
            reason="老板的老朋友",
            valid_until="2026-06-30",
        ).status_code
        == 302
    )


def test_a_tier_by_hand_on_another_axis_leaves_the_ladder_alone(desk, store, regular):
    use(store, SPEND)
    use(store, "member_card_levels")
    night(store)
    answer = say(
        desk,
        "customer-override",
        regular,
        axis="card",
        tier="GOLD",
        reason="周年赠送",
        valid_until="2026-06-30",
    )
    assert answer.status_code == 302
    night(store, 0)
    assert (label(store, regular), label(store, regular, "card")) == ("C", "GOLD")
    assert (
        say(
            desk, "customer-override", regular, axis="nothing", tier="A", reason="x", valid_until="2026-06-30"
        ).status_code
        == 404
    )


def test_a_host_sees_but_does_not_judge(store, regular, host):
    use(store, SPEND)
    client = Client()
    client.force_login(host)
    text = panel(client, regular)
    assert "等级依据" in text and "认定或标记" not in text and "人工指定级别" not in text
    assert say(client, "customer-judge", regular, code="likely-B", reason="好客人").status_code == 403
    assert say(client, "customer-override", regular, tier="A", reason="好客人").status_code == 403
    assert not Judgement.objects.exists() and not Override.objects.exists()


# ---- the API -------------------------------------------------------------------------------------------------


def test_the_answer_tells_axes_rise_and_fall(store, regular, manager):
    use(store, SPEND)
    use(store, "member_card_levels")
    dine(store, regular, 5, 4180)
    night(store)
    client = Client()
    client.force_login(manager)
    told = client.get(f"/api/v1/customers/{regular.pk}/standing/").json()
    assert told["axes"] == [{
        "axis": "card", "axis_name": "会员卡级别", "scheme": "member_card_levels",
        "scheme_name": "会员等级（银卡、金卡、钻石卡）", "tier": "SILVER", "name": "银卡",
    }]  # fmt: skip
    assert told["rise"] == {
        "tier": "A", "tier_name": "A类顾客", "text": "6月30日 周二前再消费 ¥820", "by": "2026-06-30", "on": "2026-06-20",
        "spend": "820.00", "bill": "0.00", "visits": 1, "weeks": 0, "guests": 0, "suggestions": 0, "events": 0,
    }  # fmt: skip
    assert told["fall"] == {"on": "2026-07-15", "tier": "C", "tier_name": "C类顾客"}
    assert (told["override"], told["kept"], told["kept_until"]) == (None, "", None)
    override_tier(
        store=store, customer_id=regular.pk, tier="A", reason="老客户", valid_until=TODAY + timedelta(days=9),
        actor=manager, on=TODAY, at=NOON,
    )  # fmt: skip
    told = client.get(f"/api/v1/customers/{regular.pk}/standing/").json()
    assert told["override"] == {
        "tier": "A", "tier_name": "A类顾客", "reason": "老客户", "by": "liu", "until": "2026-06-29",
    }  # fmt: skip
    assert (told["tier_now"], told["fall"]["on"], told["fall"]["tier"]) == ("A", "2026-06-30", "B")
