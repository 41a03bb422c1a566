"""What the demo restaurant owes its guests: vouchers issued and used, gifts, bottles kept, first tasters.

All of it through the services that the pages call. The friends who use a voucher that was handed on are guests already:
whoever is put on file after the last night would be new to it when it is run again.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from crm.demo.filling import Diary
from customers.models import Patronage, Phone
from customers.services.dishes import launch_dish
from loyalty.models import Voucher
from loyalty.services.gifts import give, save_item
from loyalty.services.issuing import issue, issue_to_group
from loyalty.services.keeping import keep, set_early_access
from loyalty.services.kinds import save_kind
from loyalty.services.redeeming import Bill, redeem
from staff.models import Role, Store

_KIND: dict[str, Any] = {
    "gives": "amount", "worth": 0, "item": "", "min_bill_fen": 0, "valid_days": 60, "transferable": False, "once": False,
}  # fmt: skip
KINDS = (
    {"name": "满200减30", "worth": 3_000, "min_bill_fen": 20_000, "transferable": True},
    {"name": "新客见面券", "worth": 2_000, "once": True},
    {"name": "餐前甜点一份", "gives": "item", "item": "餐前甜点"},
)
STOCK = (("定制茶礼盒", 6_000, 12), ("熊猫公仔", 1_800, 40), ("果盘", 2_800, None))
GIFTS = (
    ("凉菜一份", 3_800, "等位超过半小时"), ("果盘", 2_800, "带老人来，多坐了一会"),
    ("长寿面", 1_600, "当天生日"), ("熊猫公仔", 1_800, "带小朋友来"),
)  # fmt: skip
KEPT = (("存酒：赤霞珠", 2, 1), ("普洱茶饼", 1, 1), ("专用茶具", 1, 0))
OWN_USED, EARLY, ISSUED_DAYS, USED_DAYS = 6, 6, 12, 3


def owe_guests(diary: Diary, at: datetime) -> None:
    """Fill the pages of vouchers and gifts of every store as they stand at `at`."""
    for place, store in enumerate(diary.staff.stores):
        _vouchers(diary, place, store, at)
        _gifts(diary, place, store, at)
        _keeping(diary, place, store, at)


def _guests(store: Store, tier: str) -> list[int]:
    """The guests of a tier who came last, the latest first."""
    found = Patronage.objects.filter(store=store, tier=tier).order_by("-last_visited_at", "customer_id")
    return list(found.values_list("customer_id", flat=True)[:20])


def _vouchers(diary: Diary, place: int, store: Store, at: datetime) -> None:
    head, host = diary.staff.of(place, Role.HEAD), diary.staff.of(place, Role.HOST)
    issued, used = at - timedelta(days=ISSUED_DAYS), at - timedelta(days=USED_DAYS)
    kinds = [save_kind(store=store, said=_KIND | said, actor=head, at=issued) for said in KINDS]
    issue_to_group(
        store=store, kind_id=kinds[0].pk, name="老客带新客", tiers=["B"], segment=None, own=1, friends=3, actor=head,
        at=issued,
    )  # fmt: skip
    desserts = [(pk, "issue:感谢常来") for pk in _guests(store, "A")]
    issue(store=store, kind=kinds[2], guests=desserts, on=store.business_day(issued), at=issued, actor=head)
    regulars = _guests(store, "B")
    held = Voucher.objects.filter(kind=kinds[0], customer__in=regulars)
    own, friends = (
        held.filter(number=0).order_by("customer_id"),
        held.filter(number=1).order_by("customer_id"),
    )
    for n, voucher in enumerate(own[:OWN_USED]):
        bill = Bill(26_800 + 4_200 * n, f"{store.code}-{n + 101}")
        redeem(
            store=store,
            code=voucher.code,
            bill=bill,
            actor=host,
            at=used + timedelta(minutes=n),
            source="desk",
        )
    known = Phone.objects.filter(customer__in=_guests(store, "C"), kind=Phone.Kind.OWN).order_by(
        "customer_id"
    )
    for n, (voucher, phone) in enumerate(zip(friends[:2], known[:2], strict=False)):
        bill = Bill(31_600 + 5_000 * n, f"{store.code}-{n + 201}")
        redeem(
            store=store, code=voucher.code, bill=bill, phone=str(phone.number), actor=host, source="desk",
            at=used + timedelta(hours=1, minutes=n),
        )  # fmt: skip


def _gifts(diary: Diary, place: int, store: Store, at: datetime) -> None:
    waiter = diary.staff.waiters(place)[0]
    for name, cost, left in STOCK:
        save_item(store=store, name=name, cost_fen=cost, left=left, at=at - timedelta(days=ISSUED_DAYS))
    guests = _guests(store, "B") + _guests(store, "C")
    told = [*GIFTS, ("招牌虾滑一份", 5_800, "等位久了，还没吃上饭")]
    for n, (what, cost, reason) in enumerate(told[: len(guests)]):
        give(
            store=store, gift_id=UUID(int=(place + 1) << 64 | n, version=4), customer_id=guests[n], item_id=None,
            what=what, cost_fen=cost, reason=reason, actor=waiter, role=Role.WAITER,
            at=at - timedelta(days=len(told) - 1 - n, minutes=20),
        )  # fmt: skip


def _keeping(diary: Diary, place: int, store: Store, at: datetime) -> None:
    manager = diary.staff.of(place, Role.MANAGER)
    best = _guests(store, "A")
    who: dict[str, Any] = {"store": store, "actor": manager, "at": at}
    for customer_id, (what, left, alert_at) in zip(best, KEPT, strict=False):
        keep(customer_id=customer_id, what=what, left=left, alert_at=alert_at, **who)
    for customer_id in best[:EARLY]:
        set_early_access(customer_id=customer_id, early=True, **who)
    launch_dish(name="藤椒牛蛙锅", launched_on=store.business_day(at) + timedelta(days=5), **who)
