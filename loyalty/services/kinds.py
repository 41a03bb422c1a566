"""The kinds of voucher of a store: made, changed as long as nothing was promised, offered no more."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _lazy

from common.errors import NotHere, Refused
from common.messages import add_sentences
from loyalty.models import Voucher, VoucherKind
from loyalty.worth import AMOUNT, ITEM, ONE_FOR_ONE, PERCENT
from staff.models import Person, Store

KINDS_AT_MOST = 60
FIXED = ("gives", "worth", "item", "min_bill_fen", "transferable", "once")

add_sentences(
    {
        "kind_name": _lazy("请给券起个名字。"),
        "kind_taken": _lazy("已经有一种叫“%(name)s”的券了。"),
        "kind_most": _lazy("券最多 %(most)s 种，请先停用不再发的。"),
        "kind_worth_amount": _lazy("请写减多少钱。"),
        "kind_worth_percent": _lazy("请写减百分之几，1 到 100：九折填 10。"),
        "kind_item": _lazy("请写送什么。"),
        "kind_less_than_bill": _lazy("满多少才能用，不能少于减的金额。"),
        "kind_promised": _lazy("这种券已经发出去了，给什么、怎么用不能再改；请停用它，另建一种。"),
        "kind_once_for_friends": _lazy("一人只发一次的券不能转给别人。"),
        "kind_valid_days": _lazy("有效天数应在 1 到 730 天之间。"),
    }
)


@transaction.atomic
def save_kind(
    *, store: Store, said: dict[str, Any], actor: Person | None, at: datetime, kind_id: int | None = None
) -> VoucherKind:
    """Make a kind of voucher, or change one. `said`: name, gives, worth, item, min_bill_fen, valid_days, transferable,
    once.

    Refuses a name that is empty or taken, a kind that gives nothing, other terms for a kind that was issued already
    (409); NotHere for another store's and for a retired one.
    """
    said = said | {"name": " ".join(said["name"].split())[:40], "item": " ".join(said["item"].split())[:40]}
    if said["gives"] in (ITEM, ONE_FOR_ONE):
        said["worth"] = 0
    else:
        said["item"] = ""
    _check(said)
    Store.objects.select_for_update().get(pk=store.pk)
    living = VoucherKind.objects.filter(store=store, retired_at=None)
    if living.exclude(pk=kind_id or 0).filter(name=said["name"]).exists():
        raise Refused("kind_taken", field="name", status=409, name=said["name"])
    if kind_id is None:
        if living.count() >= KINDS_AT_MOST:
            raise Refused("kind_most", field="name", most=KINDS_AT_MOST)
        return VoucherKind.objects.create(store=store, made_at=at, made_by=actor, **said)
    kind = living.filter(pk=kind_id).first()
    if kind is None:
        raise NotHere()
    if (
        any(getattr(kind, name) != said[name] for name in FIXED)
        and Voucher.objects.filter(kind=kind).exists()
    ):
        raise Refused("kind_promised", status=409)
    for name, value in said.items():
        setattr(kind, name, value)
    kind.save()
    return kind


def _check(said: dict[str, Any]) -> None:
    if not said["name"]:
        raise Refused("kind_name", field="name")
    if said["gives"] == AMOUNT and said["worth"] < 1:
        raise Refused("kind_worth_amount", field="amount")
    if said["gives"] == PERCENT and not 1 <= said["worth"] <= 100:
        raise Refused("kind_worth_percent", field="percent")
    if said["gives"] in (ITEM, ONE_FOR_ONE) and not said["item"]:
        raise Refused("kind_item", field="item")
    if said["gives"] == AMOUNT and 0 < said["min_bill_fen"] < said["worth"]:
        raise Refused("kind_less_than_bill", field="min_bill")
    if said["once"] and said["transferable"]:
        raise Refused("kind_once_for_friends", field="transferable")
    if not 1 <= said["valid_days"] <= 730:
        raise Refused("kind_valid_days", field="valid_days")


@transaction.atomic
def retire_kind(*, store: Store, kind_id: int, at: datetime) -> VoucherKind:
    """Issue no more of it; what guests hold stays good. Twice is once; NotHere for another store's."""
    kind = VoucherKind.objects.select_for_update().filter(store=store, pk=kind_id).first()
    if kind is None:
        raise NotHere()
    if kind.retired_at is None:
        kind.retired_at = at
        kind.save(update_fields=["retired_at"])
    return kind
