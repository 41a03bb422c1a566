"""Who waits for a person's word: suggested by the numbers, confirmed by a manager; ready to rate, blocked by a field."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from common.birthdays import Birthday
from tests.cast import NOON, put_on_file
from tests.tiering.people import TODAY, dine, label, night, use
from tiering.confirming import codes_asked, open_tiers, without_judgements
from tiering.models import Judgement
from tiering.rules import Judged, Otherwise, read_node, read_scheme
from tiering.selectors.candidates import rating_queue, suggested
from tiering.selectors.schemes import preset
from tiering.services.decisions import decide_night
from tiering.services.judgements import judge

MEDALS = read_scheme(preset("vip_medals"))


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk(manager) -> Client:
    client = Client()
    client.force_login(manager)
    return client


def node(tree):
    problems = []
    found = read_node(tree, "", problems)
    assert not problems
    return found


SPENT = {"fact": "spend_30d", "op": ">=", "value": 1}
CAME = {"fact": "visits_30d", "op": ">=", "value": 1}
VIP, OLD = {"manual": "vip"}, {"manual": "long_term"}


@pytest.mark.parametrize(
    ("tree", "rest", "codes"),
    [
        ({"all": [SPENT, VIP]}, SPENT, ["vip"]),
        ({"all": [SPENT, CAME, VIP]}, {"all": [SPENT, CAME]}, ["vip"]),
        ({"any": [SPENT, VIP]}, None, ["vip"]),
        ({"all": [SPENT, {"any": [VIP, OLD]}]}, SPENT, ["vip"]),
        ({"all": [SPENT, VIP, OLD]}, SPENT, ["vip", "long_term"]),
        ({"at_least": 2, "of": [SPENT, CAME, VIP]}, {"any": [SPENT, CAME]}, ["vip"]),
        ({"at_least": 2, "of": [SPENT, VIP, OLD]}, None, ["vip", "long_term"]),
        ({"all": [VIP]}, None, ["vip"]),
    ],
)
def test_what_a_rule_asks_once_the_judgements_are_given(tree, rest, codes):
    left = without_judgements(node(tree))
    assert left == (node(rest) if rest else Otherwise())
    assert codes_asked(node(tree)) == codes


def test_a_rule_that_is_a_judgement_alone_suggests_nobody():
    scheme = read_scheme(preset("company_new_ordinary_important_vip"))
    assert [(each.tier.code, each.codes) for each in open_tiers(scheme)] == [("VIP", ("vip",))]
    assert isinstance(scheme.tier("IMPORTANT").when, Judged)


# ---- suggested -----------------------------------------------------------------------------------------------


def test_a_job_title_suggests_and_only_a_manager_makes_a_vip(desk, store, manager):
    use(store, "company_new_ordinary_important_vip")
    boss = put_on_file(store, "马云飞", position="首席执行官")
    put_on_file(store, "普通人", position="会计")
    dine(store, boss, 3, 500)
    night(store)
    assert label(store, boss) == "NEW"
    page = desk.get(reverse("candidates"))
    [each] = page.context["suggested"]
    [row] = each.rows
    assert (row.patronage.customer, row.tier.code, row.now, each.total) == (boss, "VIP", "NEW", 1)
    assert row.speaks == ["职位：首席执行官"] and row.asked == ["确认为VIP"]
    assert "职位：首席执行官" in page.content.decode()
    night(store, 0)
    assert label(store, boss) == "NEW"
    answer = desk.post(
        reverse("candidate-confirm", args=[boss.pk]), {"axis": "tier", "tier": "VIP", "reason": row.reason}
    )
    assert answer.status_code == 302
    [said] = Judgement.objects.all()
    assert (said.code, said.reason, said.recorded_by) == ("vip", "职位：首席执行官", manager)
    decide_night(store, TODAY, at=NOON + timedelta(hours=1))
    assert label(store, boss) == "VIP"
    assert desk.get(reverse("candidates")).context["suggested"][0].rows == []


def test_the_top_fifth_by_ninety_days_is_suggested_with_the_numbers(desk, store, manager):
    """Ten guests of ¥100 … ¥1,000: cume_dist of ¥900 is 90 %, of ¥800 80 %, which is not above 80."""
    use(store, "vip_medals")
    guests = [put_on_file(store, f"客{n}") for n in range(1, 11)]
    for n, guest in enumerate(guests, 1):
        dine(store, guest, 3, 100 * n)
    night(store)
    found = suggested(store, MEDALS, TODAY)
    assert {row.patronage.customer.name: row.tier.code for row in found.rows} == {
        # All came once: the rank by visits is 100 % for everybody.
        "客10": "GOLD", **{f"客{n}": "BRONZE" for n in range(1, 10)},
    }  # fmt: skip
    assert "近365天消费 ¥1,000，不低于 100% 的客人" in found.rows[0].speaks
    second = next(row for row in found.rows if row.patronage.customer.name == "客9")
    assert second.speaks[0] == "近90天消费 ¥900，不低于 90% 的客人"
    eighth = next(row for row in found.rows if row.patronage.customer.name == "客8")
    assert eighth.speaks == ["近90天次数 1 次，不低于 100% 的客人"]
    # Who is one already is not suggested again; who could be more still is.
    judge(store=store, customer_id=guests[8].pk, code="vip", reason="老客", actor=manager, on=TODAY, at=NOON)
    assert guests[8] not in [row.patronage.customer for row in suggested(store, MEDALS, TODAY).rows]
    assert suggested(store, MEDALS, TODAY).total == 9


def test_the_list_is_capped_and_says_of_how_many(store):
    use(store, "vip_medals")
    for n in range(5):
        dine(store, put_on_file(store, f"客{n}"), 3, 100)
    found = suggested(store, MEDALS, TODAY, most=3)
    assert (len(found.rows), found.total) == (3, 5)


def test_of_labels_each_that_waits_is_suggested(store, manager):
    scheme = read_scheme({
        "id": "kinds", "name": "类", "kind": "labels", "axis": "kind", "tiers": [
            {"code": "X", "name": "甲", "when": {"all": [CAME, VIP]}},
            {"code": "Y", "name": "乙", "when": {"all": [SPENT, OLD]}},
            {"code": "Z", "name": "丙", "when": CAME},
        ],
    })  # fmt: skip
    dine(store, put_on_file(store, "来了没花"), 3, 0)
    dine(store, put_on_file(store, "又来又花"), 3, 100)
    has_one = put_on_file(store, "已有一个")
    dine(store, has_one, 3, 100)
    judge(store=store, customer_id=has_one.pk, code="vip", reason="老客", actor=manager, on=TODAY, at=NOON)
    found = {(row.patronage.customer.name, row.tier.code) for row in suggested(store, scheme, TODAY).rows}
    assert found == {("来了没花", "X"), ("又来又花", "X"), ("又来又花", "Y"), ("已有一个", "Y")}


def test_a_confirmation_without_a_reason_comes_back(desk, store, regular):
    use(store, "company_new_ordinary_important_vip")  # 王建国 is 总经理
    fields = {"axis": "tier", "tier": "VIP", "reason": ""}
    answer = desk.post(reverse("candidate-confirm", args=[regular.pk]), fields)
    assert answer.status_code == 422 and not Judgement.objects.exists()
    assert "请写明理由，至少 2 个字。" in answer.content.decode()
    for wrong in ({"axis": "nothing"}, {"tier": "NEW"}, {"tier": "IMPORTANT"}):
        assert (
            desk.post(
                reverse("candidate-confirm", args=[regular.pk]), fields | {"reason": "好的"} | wrong
            ).status_code
            == 404
        )
    assert not Judgement.objects.exists()


def test_nothing_to_confirm_says_so(desk, store):
    assert "还没有采用等级方案" in desk.get(reverse("candidates")).content.decode()
    use(store, "recent_month_abc")
    assert "等级全由数字决定" in desk.get(reverse("candidates")).content.decode()


# ---- rated for the first time --------------------------------------------------------------------------------

TWO_MONTHS = read_scheme(preset("monthly_avg_abc") | {"observe_months": 2, "fallback": "C"})
FULL = {
    "sex": "m", "phone": "13812348899", "address": "滨江路1号", "industry": "建材", "position": "总经理", "married": True,
    "birthday": Birthday("solar", 1963, 8, 15),
}  # fmt: skip


def queue(store, on: date):
    return rating_queue(store, TWO_MONTHS, on)


def test_observed_two_months_is_ready_on_the_day_and_blocked_without_a_birthday(store):
    """First visit 10 March, two months: observed through 9 May, rated on 10 May."""
    march = datetime(2026, 3, 10, 4, tzinfo=UTC)
    whole = put_on_file(store, "齐", at=march, **FULL)
    no_birthday = put_on_file(store, "缺", at=march, **FULL | {"birthday": None, "phone": "13812348800"})
    never = put_on_file(store, "没来过", at=march, **FULL | {"phone": "13812348801"})
    days = (TODAY - march.date()).days
    for guest in (whole, no_birthday):
        dine(store, guest, days, 100)
    before, then = queue(store, date(2026, 5, 9)), queue(store, date(2026, 5, 10))
    assert (before.ready, before.blocked, before.observing) == ([], [], 3)
    assert [(each.patronage.customer, each.tier) for each in then.ready] == [(whole, "C")]
    assert [(each.patronage.customer, each.missing) for each in then.blocked] == [(no_birthday, ["birthday"])]
    assert then.observing == 1 and never.pk


def test_the_page_names_the_missing_field_and_leads_to_the_form(desk, store):
    use(store, {**preset("monthly_avg_abc"), "id": "ours", "observe_months": 0, "fallback": "C"})
    guest = put_on_file(store, "缺生日", **FULL | {"birthday": None})
    ready = put_on_file(store, "齐全", **FULL | {"phone": "13812348800"})
    text = desk.get(reverse("candidates")).content.decode()
    assert "缺出生年月日" in text and reverse("customer-edit", args=[guest.pk]) in text
    assert reverse("customer", args=[ready.pk]) in text and "今晚评为" in text
    night(store, 0)
    [told] = desk.get(reverse("candidates")).context["queues"]
    assert (told.ready, [each.patronage.customer for each in told.blocked]) == ([], [guest])


def test_a_scheme_that_neither_observes_nor_asks_has_no_queue(store):
    assert rating_queue(store, MEDALS, TODAY) is None
