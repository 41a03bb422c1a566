"""What the care of a scheme costs a year: counted by hand, and shown beside the scheme."""

import pytest
from django.urls import reverse

from care.costs import cost_of, times_a_year
from care.models import TextRules
from care.playbook import Line
from common.clock import now
from tests.cast import NOON, put_on_file
from tests.tiering.examining import LONG_AGO, come, night, noon
from tiering.services.schemes import adopt_preset

LADDER = ("A", "B", "C")


def line(code: str, tier: str, trigger: str, channel: str, **more: object) -> Line:
    return Line(code, tier, trigger, channel, code, code, "manager", **more)


@pytest.mark.parametrize(
    ("owed", "times"),
    [
        (line("calls", "A", "monthly", "phone", times=2), 24),
        (line("weekly", "A", "weekly", "wechat"), 52),
        (line("dinner", "A", "half_year", "event"), 2),
        (line("party", "A", "yearly", "event"), 1),
        (line("birthday", "A", "birthday", "gift"), 1),
        (
            line(
                "festivals", "A", "festival", "visit", occasions=("spring_festival", "mid_autumn", "may_day")
            ),
            3,
        ),
        (line("absence", "A", "absence", "phone", after_days=10), None),
        (line("each", "A", "each_visit", "in_store"), None),
    ],
)
def test_how_often_a_year(owed, times):
    assert times_a_year(owed) == times


def test_ten_a_and_thirty_b_by_hand():
    """10 A: 2 calls a month; 30 B: one. Everybody's birthday text, of which A has a gift of its own besides. Two festivals."""
    lines = [
        line("a_calls", "A", "monthly", "phone", times=2),
        line("b_calls", "B", "monthly", "phone"),
        line("a_gift", "A", "birthday", "gift"),
        line("b_gift", "B", "festival", "gift", occasions=("spring_festival",)),
        line("texts", "*", "birthday", "sms"),
        line("wishes", "*", "festival", "sms", occasions=("spring_festival", "mid_autumn")),
        line("off", "A", "weekly", "visit", enabled=False),
        line("absence", "A", "absence", "phone", after_days=10),
    ]
    guests = {"A": 10, "B": 30, "C": 60, "UNRATED": 5}
    found = cost_of(lines, LADDER, guests, inherits=False, sign="熟客")
    assert found.gestures == {"phone": 240 + 360, "gift": 10 + 30, "sms": 105 + 210}
    assert found.parts == 315
    assert found.texts_fen(4500) == 1418  # 315 parts at ¥45 a thousand are ¥14.175
    assert [each.code for each in found.uncounted] == ["absence"]
    # The festival gift of B goes up to A, who has none for a festival.
    assert cost_of(lines, LADDER, guests, inherits=True, sign="熟客").gestures["gift"] == 10 + 30 + 10


def test_a_long_signature_makes_two_parts_of_each():
    lines = [line("texts", "*", "birthday", "sms")]
    assert cost_of(lines, LADDER, {"A": 4}, inherits=False, sign="很长的签名" * 8).parts == 8


@pytest.mark.django_db
def test_the_page_sets_the_new_care_beside_the_old(client, store, head):
    """Two guests on file, nobody graded: nothing now, and what the preset's plan owes them then."""
    TextRules.objects.create(brand=store.brand, thousand_parts_fen=10_000)
    for n in range(2):
        put_on_file(store, f"客{n}", NOON, phone=f"1390000000{n}")
    client.force_login(head)
    page = client.get(reverse("scheme-cost", args=["recent_month_abc"]), {"gift": "50"})
    assert page.status_code == 200
    rows = {row.channel: row for row in page.context["rows"]}
    assert {row.now for row in rows.values()} == {0}
    assert rows["sms"].then_fen == rows["sms"].then * 10  # one part each at ¥100 a thousand
    assert rows["gift"].then_fen == rows["gift"].then * 5000
    link = client.get(reverse("scheme", args=["recent_month_abc"])).content.decode()
    assert reverse("scheme-cost", args=["recent_month_abc"]) in link


@pytest.mark.django_db
@pytest.mark.parametrize("gift", ["-1", "1e9", "一百", "100001", "9" * 30])
def test_a_price_that_is_none_is_left_out(client, head, gift):
    client.force_login(head)
    page = client.get(reverse("scheme-cost", args=["recent_month_abc"]), {"gift": gift})
    assert page.status_code == 200 and page.context["gift"] is None


@pytest.mark.django_db
def test_the_scheme_in_force_costs_then_what_it_costs_now(client, store, head, regular):
    client.force_login(head)
    adopt_preset(store=store, code="recent_month_abc", from_date=LONG_AGO, actor=None, at=noon(LONG_AGO))
    come(store, regular, store.business_day(now()), 8000)
    night(store, store.business_day(now()))
    page = client.get(reverse("scheme-cost", args=["recent_month_abc"]))
    rows = page.context["rows"]
    assert [row.more for row in rows] == ["0"] * len(rows)
    assert sum(row.now for row in rows) > 0


@pytest.mark.django_db
def test_a_scheme_of_nobody_is_not_here(client, head):
    client.force_login(head)
    assert client.get(reverse("scheme-cost", args=["no_such_scheme"])).status_code == 404


def test_a_scheme_beside_the_ladder_without_a_plan_costs_nothing(store, head, client):
    """The plan for all belongs to a store without a ladder, not to an axis beside one."""
    client.force_login(head)
    for code in ("spending_power", "member_card_levels"):
        adopt_preset(store=store, code=code, from_date=LONG_AGO, actor=None, at=noon(LONG_AGO))
    put_on_file(store, "甲")
    page = client.get(reverse("scheme-cost", args=["spending_power"]))
    assert sum(row.then for row in page.context["rows"]) == 0
    page = client.get(reverse("scheme-cost", args=["member_card_levels"]))
    assert (
        sum(row.then for row in page.context["rows"]) > 0 and "主等级之外的一份计划" in page.content.decode()
    )
