"""The pages of schemes: what is in use on every axis, the way to taking one up, and the ways back."""

from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from tests.cast import NOON, hire, put_on_file
from tests.tiering.examining import come, ladder, night, rule, use
from tiering.models import Adoption
from tiering.selectors.schemes import preset, preset_codes
from tiering.services.schemes import adopt, adopt_preset, save_scheme

TODAY = date(2026, 6, 20)
DAY = timedelta(days=1)
OWN = ladder(rule("spend_30d", 2000)) | {"id": "own", "name": "本店的办法"}
CARD = ladder(rule("spend_365d", 5000)) | {"id": "our_card", "axis": "card", "name": "本店的卡"}


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def client_of(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def desk(head) -> Client:
    return client_of(head)


def page(client, name="schemes", *args, query="") -> str:
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == 200
    return answer.content.decode()


# ---- the list ------------------------------------------------------------------------------------------------


def test_every_preset_is_offered_under_its_axis_by_its_full_name(desk, store):
    shelves = desk.get(reverse("schemes")).context["shelves"]
    offered = {shelf.axis: [offer.code for offer in shelf.offers] for shelf in shelves}
    assert sorted(code for codes in offered.values() for code in codes) == sorted(preset_codes())
    assert all(preset(code).get("axis", "tier") == axis for axis, codes in offered.items() for code in codes)
    assert next(iter(offered)) == "tier"
    said = page(desk)
    assert all(preset(code)["name"]["zh"] in said for code in preset_codes())


def test_every_axis_shows_what_is_in_use_with_its_guests(desk, store):
    for name, yuan in (("甲", 6000), ("乙", 100)):
        come(store, put_on_file(store, name, NOON - 9 * DAY), TODAY - 3 * DAY, yuan)
    put_on_file(store, "丙", NOON)
    for body in (OWN, CARD):
        use(store, body)
    night(store, TODAY - DAY, at=NOON)
    put_on_file(store, "丁", NOON)
    answer = desk.get(reverse("schemes"))
    assert answer.context["counted"] == {
        "tier": {"A": 1, "B": 2, "": 1, "none": 1}, "card": {"A": 1, "B": 2, "none": 0},
    }  # fmt: skip
    assert "《本店的办法》" in answer.content.decode() and "《本店的卡》" in answer.content.decode()


def test_a_scheme_of_the_store_stands_among_the_offers_once(desk, store, head):
    save_scheme(store=store, body=OWN, actor=head, at=NOON)
    adopt_preset(store=store, code="hotpot_hml", from_date=TODAY, actor=head, at=NOON)
    said = page(desk)
    assert said.count("本店写的") == 1 and said.count(preset("hotpot_hml")["name"]["zh"]) >= 1
    [tier, *_rest] = desk.get(reverse("schemes")).context["shelves"]
    assert [offer.code for offer in tier.offers].count("hotpot_hml") == 1


def test_those_who_only_read_have_no_buttons(store, head):
    use(store, OWN)
    adopt_preset(store=store, code="recent_month_abc", from_date=TODAY - DAY, actor=head, at=NOON)
    adopt_preset(store=store, code="hotpot_hml", from_date=TODAY + DAY, actor=head, at=NOON)
    for role in ("manager", "hq"):
        said = page(client_of(hire(role, role, role, store, brand_wide=role == "hq")))
        for words in ("写一个方案", "改门槛", "取消，不换了", "退回上一个方案"):
            assert words not in said, (role, words)
    said = page(client_of(head))
    for words in ("写一个方案", "改门槛", "取消，不换了", "退回上一个方案"):
        assert words in said, words


# ---- calling off and going back ------------------------------------------------------------------------------


def test_one_button_calls_a_coming_scheme_off(desk, store, head):
    use(store, OWN)
    coming = adopt_preset(store=store, code="hotpot_hml", from_date=TODAY + 3 * DAY, actor=head, at=NOON)
    assert "2026年6月23日起改用《火锅店客户分级" in page(desk)
    answer = desk.post(reverse("adoption-withdraw", args=[coming.pk]), follow=True)
    said = answer.content.decode()
    assert "已取消" in said and "起改用" not in said and "陈店长取消于" in said
    coming.refresh_from_db()
    assert (coming.withdrawn_at, coming.withdrawn_by) == (NOON, head)


def test_what_grades_already_says_why_it_cannot_be_called_off(desk, store):
    use(store, OWN)
    held = Adoption.objects.get()
    said = desk.post(reverse("adoption-withdraw", args=[held.pk]), follow=True).content.decode()
    assert "已经在用了，不能取消" in said
    held.refresh_from_db()
    assert held.withdrawn_at is None


def test_one_button_goes_back_to_the_scheme_before(desk, store, head):
    use(store, OWN)
    assert "退回上一个方案" not in page(desk), "there is nothing to go back to"
    adopt_preset(store=store, code="hotpot_hml", from_date=TODAY - 3 * DAY, actor=head, at=NOON)
    said = page(desk)
    assert "从今晚起改回《本店的办法》第 1 版" in said
    said = desk.post(reverse("scheme-roll-back"), {"axis": "tier"}, follow=True).content.decode()
    assert "已退回，从 2026-06-20 晚上的评级开始生效" in said
    newest = Adoption.objects.order_by("-id").first()
    assert (newest.version.scheme.code, newest.from_date, newest.adopted_by) == ("own", TODAY, head)
    assert Adoption.objects.count() == 3


@pytest.mark.parametrize("axis", ["tier", "card", "nothing", "", "'; DROP TABLE", "x" * 500])
def test_where_nothing_was_before_going_back_is_refused(desk, store, axis):
    use(store, OWN)
    said = desk.post(reverse("scheme-roll-back"), {"axis": axis}, follow=True).content.decode()
    assert "没有可以退回的" in said and Adoption.objects.count() == 1


@pytest.mark.parametrize("role", ["manager", "hq", "host", "waiter"])
def test_only_a_store_head_calls_off_and_goes_back(store, head, role):
    use(store, OWN)
    adopt_preset(store=store, code="hotpot_hml", from_date=TODAY - DAY, actor=head, at=NOON)
    coming = adopt_preset(store=store, code="recent_month_abc", from_date=TODAY + DAY, actor=head, at=NOON)
    client = client_of(hire("p", "p", role, store, brand_wide=role == "hq"))
    assert client.post(reverse("adoption-withdraw", args=[coming.pk])).status_code == 403
    assert client.post(reverse("scheme-roll-back"), {"axis": "tier"}).status_code == 403
    assert (Adoption.objects.count(), Adoption.objects.filter(withdrawn_at=None).count()) == (3, 3)


# ---- one scheme ----------------------------------------------------------------------------------------------


def test_a_preset_that_was_never_used_leads_through_five_steps(desk, store):
    come(store, put_on_file(store, "甲", NOON - 9 * DAY, phone="13800001111", sex="m"), TODAY - DAY, 500)
    put_on_file(store, "乙", NOON - 9 * DAY)
    answer = desk.get(reverse("scheme", args=["monthly_avg_abc"]))
    complete = answer.context["complete"]
    assert (complete.guests, complete.complete, complete.with_visits) == (2, 0, 1)
    assert dict(complete.gaps) == {
        "address": 2,
        "birthday": 2,
        "industry": 2,
        "married": 2,
        "position": 2,
        "phone": 1,
        "sex": 1,
    }
    said = answer.content.decode()
    for words in (
        "启用前的五步",
        "2 位客人，1 位有消费记录",
        "必填资料齐全 0 位",
        "门槛照原文",
        "关怀计划",
        "去采用",
    ):
        assert words in said, words
    assert reverse("scheme-edit", args=["monthly_avg_abc"]) in said and reverse("plan") in said
    # A scheme without numbers in its source says that they are suggested; one that grades has no steps any more.
    assert "现在是建议值" in page(desk, "scheme", "hotpot_hml")
    adopt_preset(store=store, code="monthly_avg_abc", from_date=TODAY, actor=None, at=NOON)
    assert "启用前的五步" not in page(desk, "scheme", "monthly_avg_abc")


def test_the_guests_at_the_edge_are_named_with_number_and_threshold(desk, store):
    guest = put_on_file(store, "甲", NOON - 9 * DAY, salutation="甲总")
    come(store, guest, TODAY - DAY, 1990)
    use(store, ladder(rule("spend_30d", 1000)) | {"id": "lower", "name": "低"})
    night(store, TODAY - DAY, at=NOON)
    version = save_scheme(store=store, body=OWN, actor=None, at=NOON)
    answer = desk.get(reverse("scheme", args=["own"]))
    said = answer.content.decode()
    [example] = answer.context["preview"].edge
    assert (example.before, example.after) == ("A", "B")
    assert (
        reverse("customer", args=[guest.pk]) in said
        and "甲总" in said
        and "¥1,990" in said
        and "≥ ¥2,000" in said
    )
    assert answer.context["preview"].as_json()["moves"] == [{"from": "A", "to": "B", "guests": 1}]
    # Taken up, it is what is, not what would be.
    adopt(store=store, version=version, from_date=TODAY, actor=None, at=NOON)
    assert desk.get(reverse("scheme", args=["own"])).context["preview"].edge == []


def test_a_coming_version_says_from_when_and_can_be_called_off_there(desk, store, head):
    use(store, OWN)
    coming = adopt_preset(store=store, code="hotpot_hml", from_date=TODAY + 3 * DAY, actor=head, at=NOON)
    said = page(desk, "scheme", "hotpot_hml")
    assert "2026年6月23日起用" in said and reverse("adoption-withdraw", args=[coming.pk]) in said
    assert "2026年6月23日起用" not in page(desk, "scheme", "own")


def test_labels_are_counted_each(desk, store):
    body = {"id": "habits", "name": "习惯", "kind": "labels", "axis": "habit", "tiers": [
        {"code": "OFTEN", "name": "常来", "when": rule("visits_30d", 1)},
        {"code": "BIG", "name": "大单", "when": rule("max_bill_90d", 900)},
    ]}  # fmt: skip
    for name, yuan in (("甲", 1000), ("乙", 100)):
        come(store, put_on_file(store, name, NOON - 9 * DAY), TODAY - DAY, yuan)
    use(store, body)
    night(store, TODAY - DAY, at=NOON)
    assert desk.get(reverse("scheme", args=["habits"])).context["sizes"] == {"OFTEN": 2, "BIG": 1}
    assert desk.get(reverse("schemes")).context["counted"]["habit"] == {"OFTEN": 2, "BIG": 1, "none": 0}


@pytest.mark.parametrize("code", preset_codes())
def test_every_preset_has_a_page(desk, store, code):
    come(store, put_on_file(store, "甲", NOON - 9 * DAY), TODAY - DAY, 1000)
    assert preset(code)["name"]["zh"] in page(desk, "scheme", code)


# ---- comparing -----------------------------------------------------------------------------------------------


def test_what_is_in_use_is_compared_first(desk, store):
    use(store, OWN)
    answer = desk.get(reverse("scheme-compare"))
    assert answer.context["asked"][0] == "own@1" and answer.context["asked"][1] != "own@1"
    assert "本店的办法 v1" in answer.content.decode()


def test_two_versions_are_compared(desk, store, head):
    use(store, OWN)
    save_scheme(
        store=store, body=OWN | {"tiers": ladder(rule("spend_30d", 900))["tiers"]}, actor=head, at=NOON
    )
    guest = put_on_file(store, "甲", NOON - 9 * DAY)
    come(store, guest, TODAY - DAY, 1000)
    said = page(desk, "scheme-compare", query="?a=own@1&b=own@2")
    assert "本店的办法 v1" in said and "本店的办法 v2" in said
    assert "要 ≥ ¥2,000，不满足" in said and "要 ≥ ¥900，满足" in said


def test_a_code_alone_means_its_newest_version(desk, store):
    use(store, OWN)
    assert desk.get(reverse("scheme-compare") + "?a=own&b=hotpot_hml").context["asked"] == [
        "own@1",
        "hotpot_hml",
    ]
