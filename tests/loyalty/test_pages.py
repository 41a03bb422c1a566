"""The pages of vouchers, gifts and what is kept, at the desk and on the tablet."""

import re
import uuid

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from customers.services.dishes import launch_dish
from loyalty.models import (
    Gift,
    GiftItem,
    KeptItem,
    LoyaltyRules,
    Redemption,
    TreatmentUse,
    Voucher,
    VoucherKind,
)
from loyalty.selectors.giving import has_early_access
from loyalty.services.gifts import save_item
from loyalty.services.issuing import issue
from loyalty.services.kinds import save_kind
from staff.models import Person
from tests.care.stage import adopt, grade, guests
from tests.cast import NOON

TODAY = NOON.date()
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon():
    with time_machine.travel(NOON, tick=False):
        yield


def desk(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def words(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


KIND = {
    "name": "满200减30",
    "gives": "amount",
    "amount": "30",
    "min_bill": "200",
    "valid_days": "30",
    "transferable": "on",
}


def kind_of(store, **said) -> VoucherKind:
    whole = {
        "name": "满200减30", "gives": "amount", "worth": 3_000, "item": "", "min_bill_fen": 20_000, "valid_days": 30,
        "transferable": True, "once": False,
    }  # fmt: skip
    return save_kind(store=store, said=whole | said, actor=None, at=NOON)


def held(store, guest, friends=0) -> list[Voucher]:
    issue(
        store=store,
        kind=kind_of(store),
        guests=[(guest.pk, "issue:端午")],
        on=TODAY,
        at=NOON,
        friends=friends,
    )
    return list(Voucher.objects.order_by("number"))


def test_the_head_makes_a_voucher_and_gives_it_to_a_tier(store, head):
    adopt(store, "recent_month_abc")
    guests(store, 3, "B")
    client = desk(head)
    assert client.post(reverse("voucher-kind-new"), KIND)["location"] == reverse("vouchers")
    kind = VoucherKind.objects.get()
    assert (kind.worth, kind.min_bill_fen, kind.transferable, kind.made_by) == (3_000, 20_000, True, head)
    seen = words(client.get(reverse("vouchers")))
    assert "满200减30" in seen and "满 ¥200 减 ¥30" in seen
    form = client.get(reverse("voucher-issue"), {"kind": kind.pk}).context["form"]
    assert form["kind"].value() == str(kind.pk)


def test_row_37_the_issue_page(store, head, manager):
    """1 own and 3 for friends: four codes for each B guest, however often the button is pressed."""
    guests(store, 3, "B")
    kind, client = kind_of(store), desk(manager)
    adopt(store, "recent_month_abc")
    from_night(store)
    said = {"kind": kind.pk, "name": "端午促销", "tiers": ["B"], "own": "on", "friends": "3"}
    for number in (12, 0):
        answer = client.post(reverse("voucher-issue"), said, follow=True)
        assert f"已发出 {number} 张券" in words(answer)
    assert Voucher.objects.count() == 12
    answer = client.post(reverse("voucher-issue"), said | {"friends": "11"})
    assert answer.status_code == 422 and Voucher.objects.count() == 12
    answer = client.post(reverse("voucher-issue"), {"kind": kind.pk, "name": "x", "own": "on"})
    assert answer.status_code == 422 and "请选发给哪些客人" in words(answer)


def from_night(store) -> None:
    """The scheme is behind the labels once a night was decided with it."""
    from tiering.services.decisions import decide_night

    before = {row.pk: row.tier for row in store.patronages.all()}
    decide_night(store, TODAY, at=NOON, run_id=0, approved=True)
    for pk, tier in before.items():
        store.patronages.filter(pk=pk).update(tier=tier)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"amount": ""}, "请写减多少钱"),
        ({"gives": "percent", "percent": ""}, "请写减百分之几"),
        ({"gives": "percent", "percent": "101"}, ""),
        ({"gives": "item"}, "请写送什么"),
        ({"amount": "abc"}, "不是数字"),
        ({"amount": "300"}, "不能少于减的金额"),
        ({"once": "on"}, "不能转给别人"),
        ({"gives": "other"}, ""),
    ],
)
def test_what_is_no_voucher_is_said_beside_the_field(store, head, said, sentence):
    answer = desk(head).post(reverse("voucher-kind-new"), KIND | said)
    assert answer.status_code == 422 and sentence in words(answer) and not VoucherKind.objects.exists()


def test_row_43_at_the_till(store, host, regular):
    [voucher] = held(store, regular)
    client, page = desk(host), reverse("voucher-redeem")
    assert "持券客人 王总" in words(client.get(page, {"code": voucher.shown}))
    answer = client.post(page, {"code": voucher.shown, "bill": "199", "number": "B1"})
    assert answer.status_code == 422 and "满 ¥200 才能用" in words(answer) and not Redemption.objects.exists()
    answer = client.post(page, {"code": voucher.shown, "bill": "200", "number": "B1"}, follow=True)
    assert "¥200 减 ¥30，应收 ¥170" in words(answer)
    client.post(page, {"code": voucher.shown, "bill": "200", "number": "B1"})
    answer = client.post(page, {"code": voucher.shown, "bill": "200", "number": "B2"})
    assert answer.status_code == 422 and "已经用过了" in words(answer) and Redemption.objects.count() == 1


def test_row_72_on_the_tablet(store, waiter, head, regular):
    _own, *friends = held(store, regular, friends=3)
    client, page = desk(waiter), reverse("tablet-redeem")
    assert client.post(page, {"code": friends[0].code, "bill": "300"}).status_code == 422
    for voucher, phone in zip(friends[:2], ("13811112222", "13811113333"), strict=True):
        answer = client.post(page, {"code": voucher.code, "bill": "300", "phone": phone}, follow=True)
        assert "新客人已建档" in words(answer)
    assert Customer.objects.filter(introduced_by__introducer=regular).count() == 2
    assert "转赠带来 2 位新客" in words(desk(head).get(reverse("customer-loyalty", args=[regular.pk])))


def test_a_use_is_taken_back_with_a_reason(store, host, manager, regular):
    [voucher] = held(store, regular)
    desk(host).post(reverse("voucher-redeem"), {"code": voucher.code, "bill": "200"})
    used = Redemption.objects.get()
    address = reverse("redemption-back", args=[used.pk])
    assert desk(host).post(address, {"reason": "点错了"}).status_code == 403
    client = desk(manager)
    assert "请写明为什么撤销" in words(client.post(address, {"reason": ""}, follow=True))
    assert "券还能用" in words(client.post(address, {"reason": "点错了"}, follow=True))
    used.refresh_from_db()
    assert (used.voided_by, used.void_reason) == (manager, "点错了")
    assert "已撤销 · 点错了" in words(client.get(reverse("vouchers")))


def test_row_74_the_waiter_gives_and_the_manager_decides(store, waiter, manager, regular):
    client, page = desk(waiter), reverse("tablet-gift", args=[regular.pk])
    for what, cost in (("凉菜一份", "38"), ("果盘", "30")):
        form = client.get(page).context["form"]
        said = {"uuid": str(form["uuid"].value()), "what": what, "cost": cost, "reason": "等位久了"}
        for _twice in range(2):
            answer = client.post(page, said, follow=True)
    assert "超过您的送礼权限" in words(answer)
    assert list(Gift.objects.order_by("cost_fen").values_list("what", "state", "by__name")) == [
        ("果盘", "waiting", "小赵"), ("凉菜一份", "given", "小赵"),
    ]  # fmt: skip
    desk_of_manager = desk(manager)
    assert "等批准 1" in words(desk_of_manager.get(reverse("gifts")))
    address = reverse("gift-decide", args=[Gift.objects.get(what="果盘").pk])
    assert client.post(address, {"act": "yes"}).status_code == 403
    assert "已批准：果盘" in words(desk_of_manager.post(address, {"act": "yes"}, follow=True))
    assert "刘经理批准" in words(desk_of_manager.get(reverse("gifts")))


def test_gifts_have_a_stock(store, manager, regular):
    client = desk(manager)
    client.post(reverse("gift-item-new"), {"name": "定制茶", "cost": "60", "left": "2"})
    item = GiftItem.objects.get()
    act = reverse("customer-loyalty-act", args=[regular.pk])
    said = {"act": "gift", "uuid": str(uuid.uuid4()), "item": item.pk, "reason": "老客生日"}
    client.post(act, said)
    item.refresh_from_db()
    assert (Gift.objects.get().what, item.left) == ("定制茶", 1)
    client.post(reverse("gift-item", args=[item.pk]), {"left": "12"})
    item.refresh_from_db()
    assert (item.left, item.cost_fen) == (12, 6_000)
    assert client.post(reverse("gift-item-new"), {"name": "", "cost": "x"}).status_code == 422
    client.post(reverse("gift-item", args=[item.pk]), {"act": "retire"})
    client.get(reverse("gifts"))
    assert list(client.get(reverse("gifts")).context["items"]) == [] and GiftItem.objects.get().retired_at


def test_the_head_changes_what_may_be_given(store, head, manager):
    page = reverse("loyalty-rules")
    form = desk(head).get(page).context["form"].initial
    assert (form["waiter_visit"], form["early_days"], form["visit_hours"]) == ("50", 7, 3)
    assert desk(manager).post(page, form).status_code == 403
    desk(head).post(page, form | {"waiter_visit": "80.50"})
    assert LoyaltyRules.objects.get().waiter_visit_fen == 8_050
    assert desk(head).post(page, form | {"waiter_visit": ""}).status_code == 422


def test_row_55_on_the_guests_page_and_the_managers_list(store, host, manager, waiter, regular):
    act = reverse("customer-loyalty-act", args=[regular.pk])
    client = desk(host)
    client.post(act, {"act": "keep", "what": "X牌红酒", "left": "2", "alert_at": "1"})
    kept = KeptItem.objects.get()
    assert "要补货" not in words(desk(manager).get(reverse("kept")))
    floor = desk(waiter)
    for _twice in range(2):
        floor.post(reverse("tablet-kept", args=[regular.pk]), {"kept": kept.pk, "was": "2"})
    kept.refresh_from_db()
    assert kept.left == 1
    assert "要补货" in words(desk(manager).get(reverse("kept")))
    assert "要补货" in words(floor.get(reverse("tablet-guest", args=[regular.pk])))
    client.post(act, {"act": "early"})
    launch_dish(store=store, name="松茸汤", launched_on=TODAY.replace(day=27), actor=None, at=NOON)
    seen = words(desk(manager).get(reverse("kept")))
    assert has_early_access(regular.pk) and "松茸汤" in seen and "先请这些客人 王总" in seen
    client.post(act, {"act": "late"})
    client.post(act, {"act": "drop", "kept": kept.pk})
    assert not has_early_access(regular.pk) and "X牌红酒" not in words(desk(manager).get(reverse("kept")))


def test_one_voucher_by_hand(store, host, regular):
    kind, client = kind_of(store), desk(host)
    act = reverse("customer-loyalty-act", args=[regular.pk])
    answers = [
        words(client.post(act, {"act": "voucher", "kind": kind.pk}, follow=True)) for _twice in range(2)
    ]
    assert (
        "券已发给客人" in answers[0] and "已经给这位客人发过" in answers[1] and Voucher.objects.count() == 1
    )
    assert client.post(act, {"act": "voucher", "kind": "9" * 30}).status_code == 404


@pytest.mark.parametrize(
    "said",
    [
        {"act": "gift", "uuid": "x"},
        {"act": "keep", "what": "酒", "left": "-1"},
        {"act": "gift", "uuid": str(uuid.uuid4())},
    ],
)
def test_a_form_that_cannot_be_taken_comes_back(store, host, regular, said):
    answer = desk(host).post(reverse("customer-loyalty-act", args=[regular.pk]), said)
    assert answer.status_code == 422 and not Gift.objects.exists() and not KeptItem.objects.exists()


def test_row_38_ticked_on_the_card(store, waiter, regular):
    adopt(store, "monthly_avg_abc")
    grade(regular, store, "C")
    client = desk(waiter)
    card, tick = reverse("tablet-guest", args=[regular.pk]), reverse("tablet-treat", args=[regular.pk])
    answer = client.post(tick, {"code": "c_discount", "bill": "500"}, follow=True)
    assert "¥500 → 应收 ¥450" in words(answer) and "已选另一样" in words(answer)
    assert "同一单只能选一样" in words(client.post(tick, {"code": "c_beer"}, follow=True))
    assert "已用过" in words(client.post(tick, {"code": "c_discount"}, follow=True))
    use = TreatmentUse.objects.get()
    assert (use.code, use.by, use.pays_fen) == ("c_discount", waiter, 45_000)
    client.post(tick, {"undo": use.pk})
    client.post(tick, {"code": "c_beer"})
    assert "用过 1 次" in words(client.get(card))
    assert client.post(tick, {"code": "no_such"}).status_code == 404
    assert client.post(tick, {"undo": "x"}).status_code == 404
    assert "不是数字" in words(client.post(tick, {"code": "c_discount", "bill": "abc"}, follow=True))


def test_what_waiters_and_others_do_not_see(store, waiter, rival, regular, stranger):
    assert desk(waiter).get(reverse("vouchers")).status_code == 403
    client = desk(stranger)
    for name in ("customer-loyalty", "tablet-gift", "tablet-guest"):
        assert client.get(reverse(name, args=[regular.pk])).status_code == 404
    item = save_item(store=rival, name="茶", cost_fen=100, left=None, at=NOON)
    assert client.post(reverse("gift-item", args=[item.pk]), {"left": "3"}).status_code == 404
