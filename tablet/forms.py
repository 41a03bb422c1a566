"""What the floor types: a visit, a new guest."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.cells import parse_amount
from common.errors import Refused
from common.forms import DeskForm, said
from common.phones import normalise_phone
from customers.booking_forms import PARTY_ERRORS, DishesField
from customers.models.visit import Occasion
from customers.services.customers import Profile
from customers.services.visits import VisitInput

PARTY_AT_MOST = 200
PARTIES = range(1, 11)


class VisitForm(DeskForm):
    """Party size, amount, done. `uuid` and `visited_at` are made with the card: a double tap is one visit."""

    uuid = forms.UUIDField(widget=forms.HiddenInput)
    visited_at = forms.CharField(widget=forms.HiddenInput, max_length=40)
    party_size = forms.IntegerField(
        label=_("几位"), min_value=1, max_value=PARTY_AT_MOST, required=False,
        error_messages=PARTY_ERRORS,
    )  # fmt: skip
    more = forms.IntegerField(
        label=_("更多人"), min_value=1, max_value=PARTY_AT_MOST, required=False,
        error_messages=PARTY_ERRORS,
    )  # fmt: skip
    amount = forms.CharField(
        label=_("金额"), max_length=20, error_messages={"required": _("请填金额；没有消费就填 0。")}
    )
    occasion = forms.ChoiceField(
        label=_("消费形式"), required=False, choices=[("", _("没有说")), *Occasion.choices]
    )
    table = forms.CharField(label=_("台号"), max_length=20, required=False)
    dishes = DishesField(label=_("菜品"), max_length=1000, required=False)
    note = forms.CharField(label=_("观察"), max_length=400, required=False)
    coupon = forms.BooleanField(label=_("这一单用了券"), required=False)

    @classmethod
    def begin(cls, at: datetime, **known: Any) -> "VisitForm":
        """An empty form with an identifier and a moment of its own; `known`: what stands in it already."""
        return cls(initial={"uuid": uuid.uuid4(), "visited_at": at.astimezone(UTC).isoformat(), **known})

    def clean_visited_at(self) -> datetime:
        try:
            moment = datetime.fromisoformat(self.cleaned_data["visited_at"])
        except ValueError as error:
            raise forms.ValidationError(_("这一页打开得不对，请重新打开客人再记。")) from error
        if moment.tzinfo is None:
            raise forms.ValidationError(_("这一页打开得不对，请重新打开客人再记。"))
        return moment

    def clean_amount(self) -> int:
        try:
            return parse_amount(self.cleaned_data["amount"])
        except Refused as refused:
            raise said(refused) from refused

    def visit(self, customer_id: int) -> VisitInput:
        """The checked form as a visit of this guest."""
        data = self.cleaned_data
        return VisitInput(
            visited_at=data["visited_at"],
            amount_fen=data["amount"],
            customer_id=customer_id,
            party_size=data["more"] or data["party_size"],
            occasion=data["occasion"],
            table=data["table"],
            channel="dine_in",
            dishes=tuple((name, float(number)) for name, number in data["dishes"]),
            note=data["note"],
            coupon=data["coupon"],
        )


class NewGuestForm(DeskForm):
    """A name and a number are enough; the tick says that the guest agreed to greetings."""

    name = forms.CharField(label=_("姓名"), max_length=80)
    phone = forms.CharField(
        label=_("手机"), max_length=40, widget=forms.TextInput(attrs={"inputmode": "tel"}),
        error_messages={"required": _("请填手机号。")},
    )  # fmt: skip
    consent = forms.BooleanField(label=_("客人同意接收生日和节日祝福短信"), required=False)

    def clean_phone(self) -> str:
        try:
            return normalise_phone(self.cleaned_data["phone"])
        except Refused as refused:
            raise said(refused) from refused

    def profile(self) -> Profile:
        """The checked form as a Profile: no tick means not asked, not "no"."""
        data: dict[str, Any] = self.cleaned_data
        return Profile(name=data["name"], phone=data["phone"], consent_sms=True if data["consent"] else None)
