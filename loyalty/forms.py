"""What people type about vouchers, gifts and what is kept for a guest."""

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.cells import parse_amount
from common.errors import Refused
from common.forms import DeskForm, said
from common.money import yuan
from common.phones import normalise_phone
from loyalty.models import GiftItem, LoyaltyRules, VoucherKind
from loyalty.services.issuing import FRIENDS_AT_MOST
from loyalty.worth import AMOUNT, PERCENT
from tiering.models import Segment


class YuanField(forms.CharField):
    """An amount in yuan, as fen; None where nothing was typed and nothing has to be."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "decimal"}))
        super().__init__(max_length=20, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_amount(text)
        except Refused as refused:
            raise said(refused) from refused


class PhoneField(forms.CharField):
    """A telephone number, normalised; "" where none was typed."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"inputmode": "tel"}))
        super().__init__(max_length=40, required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return normalise_phone(text) if text else ""
        except Refused as refused:
            raise said(refused) from refused


def _plain(fen: int) -> str:
    """Fen as a form shows it: `30`, `12.50`."""
    amount = yuan(fen)
    return f"{amount:.0f}" if amount == amount.to_integral() else f"{amount:.2f}"


class KindForm(DeskForm):
    """A kind of voucher: what it gives, from which bill on, for how long, for whom."""

    name = forms.CharField(
        label=_("券名"), max_length=40, help_text=_("客人和收银都认得的叫法，例如“满200减30”。")
    )
    gives = forms.ChoiceField(label=_("给什么"), choices=VoucherKind.Gives.choices)
    amount = YuanField(label=_("减多少元"), required=False, help_text=_("减金额才填。"))
    percent = forms.IntegerField(
        label=_("减百分之几"),
        required=False,
        min_value=1,
        max_value=100,
        help_text=_("打折才填：九折填 10。"),
    )
    item = forms.CharField(
        label=_("送什么"),
        max_length=40,
        required=False,
        help_text=_("送一份、买一送一才填，例如“餐前甜点”。"),
    )
    min_bill = YuanField(label=_("满多少元才能用"), required=False, help_text=_("不填就不限。"))
    valid_days = forms.IntegerField(
        label=_("有效几天"), min_value=1, max_value=730, help_text=_("从发到客人手里那天算起。")
    )
    transferable = forms.BooleanField(label=_("可以转给朋友用"), required=False)
    once = forms.BooleanField(label=_("一人一生只发一次（凭手机号，例如新客券）"), required=False)

    EMPTY: dict[str, Any] = {"gives": AMOUNT, "valid_days": 30}

    @classmethod
    def showing(cls, kind: VoucherKind) -> dict[str, Any]:
        """The form as the kind stands."""
        return {
            "name": kind.name,
            "gives": kind.gives,
            "amount": _plain(kind.worth) if kind.gives == AMOUNT else "",
            "percent": kind.worth if kind.gives == PERCENT else None,
            "item": kind.item,
            "min_bill": _plain(kind.min_bill_fen) if kind.min_bill_fen else "",
            "valid_days": kind.valid_days,
            "transferable": kind.transferable,
            "once": kind.once,
        }

    def said(self) -> dict[str, Any]:
        """What the form says, as the service takes it."""
        data = self.cleaned_data
        worth = {AMOUNT: data["amount"], PERCENT: data["percent"]}.get(data["gives"]) or 0
        kept = ("name", "gives", "item", "valid_days", "transferable", "once")
        return {name: data[name] for name in kept} | {"worth": worth, "min_bill_fen": data["min_bill"] or 0}


class IssueForm(DeskForm):
    """Which voucher, under which name, to whom, how many for the guest and for friends."""

    kind = forms.ChoiceField(label=_("哪种券"), error_messages={"required": _("请选一种券。")})
    name = forms.CharField(
        label=_("这次发券的名目"), max_length=40,
        help_text=_("例如“端午促销”。同一个名目再发一次，只补给新加入的客人。"),
    )  # fmt: skip
    tiers = forms.MultipleChoiceField(
        label=_("发给哪些等级"), required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )  # fmt: skip
    segment = forms.ChoiceField(label=_("或哪个客群"), required=False)
    own = forms.BooleanField(label=_("客人自己一张"), required=False)
    friends = forms.IntegerField(
        label=_("另给朋友用几张"), min_value=0, max_value=FRIENDS_AT_MOST, required=False,
        help_text=_("由客人转交；朋友第一次来用，就记作这位客人介绍的。"),
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        kinds: Sequence[VoucherKind],
        tiers: Sequence[tuple[str, str]],
        segments: Sequence[Segment],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(each.pk): each for each in segments}
        named = [(pk, each.name) for pk, each in self.known.items()]
        self.fields["kind"].choices = [("", "—"), *((str(each.pk), each.name) for each in kinds)]  # type: ignore[attr-defined]
        self.fields["tiers"].choices = list(tiers)  # type: ignore[attr-defined]
        self.fields["segment"].choices = [("", "—"), *named]  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """What the form says, as the service takes it."""
        data = self.cleaned_data
        return {
            "kind_id": int(data["kind"]),
            "name": data["name"],
            "tiers": data["tiers"],
            "segment": self.known.get(data["segment"]),
            "own": int(data["own"]),
            "friends": data["friends"] or 0,
        }


class RedeemForm(DeskForm):
    """A code, a bill; for a friend's voucher the friend's number."""

    code = forms.CharField(label=_("券码"), max_length=20, error_messages={"required": _("请填券码。")})
    bill = YuanField(label=_("这一单多少元"), error_messages={"required": _("请填这一单的金额。")})
    number = forms.CharField(label=_("单号"), max_length=64, required=False)
    phone = PhoneField(
        label=_("用券人的手机"), help_text=_("朋友来用才填；第一次来的自动建档，记作持券客人介绍的。")
    )
    name = forms.CharField(label=_("怎么称呼"), max_length=80, required=False)


class TakeBackForm(DeskForm):
    """Why a use was a mistake."""

    reason = forms.CharField(label=_("为什么撤销"), max_length=100, required=False)


class GiftForm(DeskForm):
    """One gift: out of stock, or in words with what it cost; why. `uuid` is made with the form: sent twice is once."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    item = forms.ChoiceField(label=_("送什么"), required=False)
    what = forms.CharField(label=_("别的，请写明"), max_length=40, required=False)
    cost = YuanField(label=_("成本（元）"), required=False)
    reason = forms.CharField(
        label=_("为什么送"), max_length=100, error_messages={"required": _("请写为什么送，至少 2 个字。")}
    )

    def __init__(self, *args: Any, items: Sequence[GiftItem], **kwargs: Any) -> None:
        if not args:
            kwargs.setdefault("initial", {"uuid": uuid.uuid4()})
        super().__init__(*args, **kwargs)
        known = [(str(each.pk), _("%(name)s，剩 %(n)s") % {"name": each.name, "n": each.left}
                  if each.left is not None else each.name) for each in items]  # fmt: skip
        self.fields["item"].choices = [("", _("别的")), *known]  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """What the form says, as the service takes it."""
        data = self.cleaned_data
        return {
            "gift_id": data["uuid"],
            "item_id": int(data["item"]) if data["item"] else None,
            "what": data["what"],
            "cost_fen": data["cost"] or 0,
            "reason": data["reason"],
        }


class StockForm(DeskForm):
    """How many of a thing are left."""

    left = forms.IntegerField(
        label=_("还有几份"),
        min_value=0,
        max_value=100_000,
        required=False,
        help_text=_("不填就不计数，例如送菜。"),
    )


class ItemForm(StockForm):
    """A thing on the list of gifts: what one costs, how many are left."""

    name = forms.CharField(label=_("礼品"), max_length=40)
    cost = YuanField(label=_("成本（元）"))


class KeepForm(DeskForm):
    """What is always kept for a guest."""

    what = forms.CharField(label=_("常备什么"), max_length=60)
    left = forms.IntegerField(label=_("现有几份"), min_value=0, max_value=999)
    alert_at = forms.IntegerField(label=_("剩几份时提醒"), min_value=0, max_value=999, initial=1)


class RulesForm(DeskForm):
    """How much each role may give by itself, how early the first tasters are told, when a visit is over."""

    waiter_visit = YuanField(label=_("服务员、迎宾每位客人每天（元）"))
    waiter_month = YuanField(label=_("服务员、迎宾每人每月（元）"))
    manager_visit = YuanField(label=_("经理每位客人每天（元）"))
    manager_month = YuanField(label=_("经理每人每月（元）"))
    early_days = forms.IntegerField(label=_("新菜上市前几天列出抢先试菜的客人"), min_value=1, max_value=60)
    visit_hours = forms.IntegerField(
        label=_("到店几小时后算下一次来店"), min_value=1, max_value=12,
        help_text=_("同一天中午、晚上各来一次，到店待遇各算一次。"),
    )  # fmt: skip

    MONEY = ("waiter_visit", "waiter_month", "manager_visit", "manager_month")
    NUMBERS = ("early_days", "visit_hours")

    @classmethod
    def showing(cls, rules: LoyaltyRules) -> dict[str, Any]:
        """The form as the rules stand."""
        money = {name: _plain(getattr(rules, f"{name}_fen")) for name in cls.MONEY}
        return money | {name: getattr(rules, name) for name in cls.NUMBERS}

    def put_into(self, rules: LoyaltyRules) -> LoyaltyRules:
        """The rules as the form says."""
        for name in self.MONEY:
            setattr(rules, f"{name}_fen", self.cleaned_data[name])
        for name in self.NUMBERS:
            setattr(rules, name, self.cleaned_data[name])
        return rules
