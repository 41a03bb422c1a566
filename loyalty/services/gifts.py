"""Gifts: given at once within what a role may give, beyond it after somebody above said yes; the stock goes down once."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from customers.models import Patronage
from loyalty.models import Gift, GiftItem, LoyaltyRules
from loyalty.worth import needs_approval
from staff.access import RANK
from staff.models import Person, Role, Store

COST_AT_MOST = 10_000_000

add_sentences(
    {
        "gift_what": _lazy("请写送的是什么。"),
        "gift_cost": _lazy("请写这份礼的成本。"),
        "gift_reason": _lazy("请写为什么送，至少 2 个字。"),
        "gift_none_left": _lazy("“%(name)s”没有库存了。"),
        "gift_differs": _lazy("这一份已经记过，内容不一样；请重新打开再记。"),
        "gift_decided": _lazy("这一份已经有人处理过了。"),
        "gift_not_yours": _lazy("自己送的礼，要由别人批准。"),
        "gift_higher": _lazy("经理送的礼超过权限，要由店长批准。"),
        "item_name": _lazy("请写礼品的名字。"),
        "item_taken": _lazy("礼品里已经有“%(name)s”。"),
    }
)


def loyalty_rules_of(store: Store) -> LoyaltyRules:
    """The store's rules; the defaults, not on file, where it has none."""
    return LoyaltyRules.objects.filter(store=store).first() or LoyaltyRules(store=store)


@transaction.atomic
def change_loyalty_rules(rules: LoyaltyRules) -> None:
    """Put the store's rules on file; every change stays in their history."""
    rules.save()


@transaction.atomic
def give(
    *,
    store: Store,
    gift_id: UUID,
    customer_id: int,
    item_id: int | None,
    what: str,
    cost_fen: int,
    reason: str,
    actor: Person | None,
    role: str,
    at: datetime,
) -> Gift:
    """Give a guest something out of stock (`item_id`; then name and cost are the item's), or something else.

    GIVEN, or WAITING where it goes beyond what the role may give to one guest on one day, or the person in a month.
    The same id again is the gift that stands. Refuses an empty what, reason or cost, an item of which none is left;
    NotHere for a guest or an item of another store.
    """
    # The guest's file is held to the end: two gifts at one moment are counted one after the other.
    here = Patronage.objects.select_for_update(no_key=True).filter(store=store, customer_id=customer_id)
    if here.first() is None:
        raise NotHere()
    item = None
    if item_id is not None:
        item = GiftItem.objects.filter(store=store, pk=item_id, retired_at=None).first()
        if item is None:
            raise NotHere()
        what, cost_fen = item.name, item.cost_fen
    what, reason = " ".join(what.split())[:40], reason.strip()[:100]
    if not what:
        raise Refused("gift_what", field="what")
    if not 0 < cost_fen <= COST_AT_MOST:
        raise Refused("gift_cost", field="cost")
    if len(reason) < 2:
        raise Refused("gift_reason", field="reason")
    same = Gift.objects.filter(pk=gift_id).first()
    if same is not None:
        if (same.store_id, same.customer_id, same.what, same.cost_fen) == (
            store.pk, customer_id, what, cost_fen,
        ):  # fmt: skip
            return same
        raise Refused("gift_differs", status=409)
    if actor is not None:
        # And the giver, for what was given in the month to other guests.
        Person.objects.select_for_update(no_key=True).get(pk=actor.pk)
    on = store.business_day(at)
    limits = loyalty_rules_of(store).limits(role)
    waits = needs_approval(limits, *given_before(store, customer_id, actor, role, on), cost_fen)
    gift = Gift(
        id=gift_id, store=store, customer_id=customer_id, item=item, what=what, cost_fen=cost_fen, reason=reason,
        on=on, at=at, by=actor, role=role, state=Gift.State.WAITING if waits else Gift.State.GIVEN,
    )  # fmt: skip
    if not waits:
        _take_out(item)
    gift.save(force_insert=True)
    return gift


def given_before(
    store: Store, customer_id: int, actor: Person | None, role: str, on: date
) -> tuple[int, int]:
    """What the role has given the guest on the day, and the person everybody in the month, in fen; refused ones not."""
    counted = Gift.objects.filter(store=store).exclude(state=Gift.State.REFUSED)
    visit = counted.filter(customer_id=customer_id, on=on, role=role).aggregate(fen=Sum("cost_fen"))
    month = counted.filter(by=actor, on__gte=on.replace(day=1), on__lte=on).aggregate(fen=Sum("cost_fen"))
    return visit["fen"] or 0, month["fen"] or 0


def _take_out(item: GiftItem | None) -> None:
    if item is None:
        return
    held = GiftItem.objects.select_for_update().get(pk=item.pk)
    if held.left is None:
        return
    if held.left == 0:
        raise Refused("gift_none_left", field="item", status=409, name=held.name)
    held.left -= 1
    held.save(update_fields=["left"])


@transaction.atomic
def decide_gift(*, store: Store, gift_id: UUID, yes: bool, actor: Person, role: str, at: datetime) -> Gift:
    """Somebody above lets a waiting gift be given, or not. The same answer again changes nothing; another is refused.

    Refuses (403) one's own gift, and a manager's gift to another manager: the head decides that.
    """
    gift = Gift.objects.select_for_update().filter(store=store, pk=gift_id).first()
    if gift is None:
        raise NotHere()
    wanted = Gift.State.GIVEN if yes else Gift.State.REFUSED
    if gift.state != Gift.State.WAITING:
        if gift.state == wanted and gift.decided_by_id is not None:
            return gift
        raise Refused("gift_decided", status=409)
    if gift.by_id == actor.pk:
        raise Refused("gift_not_yours", status=403)
    if gift.role == Role.MANAGER and RANK.index(Role(role)) <= RANK.index(Role.MANAGER):
        raise Refused("gift_higher", status=403)
    if yes:
        _take_out(gift.item)
    gift.state, gift.decided_at, gift.decided_by = wanted, at, actor
    gift.save(update_fields=["state", "decided_at", "decided_by"])
    return gift


@transaction.atomic
def save_item(
    *, store: Store, name: str, cost_fen: int, left: int | None, at: datetime, item_id: int | None = None
) -> GiftItem:
    """Put a thing on the list of gifts, or say anew what it costs and how many are left (None: not counted).

    Refuses an empty name, one that is on the list (409), no cost; NotHere for another store's.
    """
    name = " ".join(name.split())[:40]
    if not name:
        raise Refused("item_name", field="name")
    if not 0 < cost_fen <= COST_AT_MOST:
        raise Refused("gift_cost", field="cost")
    Store.objects.select_for_update().get(pk=store.pk)
    living = GiftItem.objects.filter(store=store, retired_at=None)
    if living.exclude(pk=item_id or 0).filter(name=name).exists():
        raise Refused("item_taken", field="name", status=409, name=name)
    values: dict[str, Any] = {"name": name, "cost_fen": cost_fen, "left": left}
    if item_id is None:
        return GiftItem.objects.create(store=store, made_at=at, **values)
    item = living.select_for_update().filter(pk=item_id).first()
    if item is None:
        raise NotHere()
    for field, value in values.items():
        setattr(item, field, value)
    item.save()
    return item


@transaction.atomic
def retire_item(*, store: Store, item_id: int, at: datetime) -> GiftItem:
    """Give it away no more; what was given stays in the register. Twice is once; NotHere for another store's."""
    item = GiftItem.objects.select_for_update().filter(store=store, pk=item_id).first()
    if item is None:
        raise NotHere()
    if item.retired_at is None:
        item.retired_at = at
        item.save(update_fields=["retired_at"])
    return item
