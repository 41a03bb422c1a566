"""What people type about tables: a booking, who waits, a table of the store, the rules, a guest's own menu."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.forms import DeskForm, said
from customers.forms import NeedsField, one_guest
from customers.models import Booking, BookingRules, DiningTable
from customers.preorder import read_dishes, write_dishes
from customers.selectors.bookings import tables_of
from customers.services.bookings import PARTY_AT_MOST, last_change
from staff.models import Store

PARTY_ERRORS = {
    "min_value": _("至少一位。"),
    "max_value": _("人数太多，请核对。"),
    "invalid": _("人数要填数字。"),
}
_WHO = forms.TextInput(attrs={"placeholder": _("编号、手机号或后四位")})
_SEVERAL = _("有几位客人都符合，请填客户编号。")
_NOBODY = _("本店没有找到这位客人，请先建档。")


class DishesField(forms.CharField):
    """Dishes as people write them, one a line; the value is names and numbers."""

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            return read_dishes(text)
        except Refused as refused:
            raise said(refused) from refused


class BookingForm(DeskForm):
    """Who comes when, how many, what is to be ready."""

    who = forms.CharField(
        label=_("客人"), max_length=64, widget=_WHO, error_messages={"required": _("请填是哪位客人。")}
    )
    on = forms.DateField(
        label=_("哪一天"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"], error_messages={"invalid": _("请填一个日期。")},
        help_text=_("半夜以后按钟表的日期：周六夜里 00:30 填周日。"),
    )  # fmt: skip
    arrives = forms.TimeField(
        label=_("几点"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("请填一个时间，例如 18:00。")},
    )  # fmt: skip
    party = forms.IntegerField(
        label=_("几位"), min_value=1, max_value=PARTY_AT_MOST, error_messages=PARTY_ERRORS
    )
    held = forms.BooleanField(
        label=_("先留着，等客人确认"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    needs = NeedsField()
    allergies = forms.CharField(
        label=_("同来的人过敏"), max_length=200, required=False, help_text=_("客人自己的过敏写在档案里，这里不用再写。")
    )  # fmt: skip
    dishes = DishesField(
        label=_("备菜"), max_length=1000, required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": _("清蒸石斑 ×1")}),
    )  # fmt: skip
    note = forms.CharField(label=_("备注"), max_length=400, required=False)

    def __init__(self, *args: Any, store: Store, customer_id: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store, self.customer_id = store, customer_id
        if customer_id is not None:
            del self.fields["who"]

    def clean_who(self) -> int:
        return one_guest(self.store, self.cleaned_data["who"], _SEVERAL, _NOBODY)

    def said(self) -> dict[str, Any]:
        """The checked form as `book` takes it."""
        data = dict(self.cleaned_data)
        who = data.pop("who", None)
        return data | {"customer_id": self.customer_id or who}


class BookingChangeForm(BookingForm):
    """The same of a booking that stands, with its table. `seen`: the latest change that whoever opened it knows of."""

    table = forms.ChoiceField(label=_("台号"), required=False)
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    def __init__(self, *args: Any, store: Store, booking: Booking, **kwargs: Any) -> None:
        showing = {name: getattr(booking, name) for name in ("on", "arrives", "party", "needs", "note")}
        showing |= {
            "table": booking.table_id or "", "allergies": booking.allergies or "",
            "dishes": write_dishes(booking.dishes), "seen": last_change(booking),
        }  # fmt: skip
        super().__init__(*args, store=store, customer_id=booking.customer_id, initial=showing, **kwargs)
        del self.fields["held"]
        choices = [(table.pk, table_words(table)) for table in tables_of(store)]
        self.fields["table"].choices = [("", _("未排台")), *choices]  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """The checked form as `change_booking` takes it."""
        data = dict(self.cleaned_data)
        return data | {"table_id": int(data.pop("table") or 0) or None}


def table_words(table: DiningTable) -> str:
    """A table in a list to choose from: 牡丹厅 · 12 座 · 二楼包间."""
    words = [
        table.number,
        _("%(n)s 座") % {"n": table.seats},
        table.room,
        _("轮椅方便") if table.accessible else "",
    ]
    return " · ".join(str(each) for each in words if each)


class WaitingForm(DeskForm):
    """Who waits: a guest on file, found as everywhere, or just what to call them."""

    who = forms.CharField(
        label=_("怎么称呼"), max_length=40,
        widget=forms.TextInput(attrs={"placeholder": _("例如：陈小姐，或手机后四位")}),
        error_messages={"required": _("请写怎么称呼这位客人。")},
    )  # fmt: skip
    party = forms.IntegerField(
        label=_("几位"), min_value=1, max_value=PARTY_AT_MOST, error_messages=PARTY_ERRORS
    )

    def __init__(self, *args: Any, store: Store, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.store = store

    def said(self) -> dict[str, Any]:
        """A guest where exactly one is meant; else the words as they are."""
        who, party = self.cleaned_data["who"], self.cleaned_data["party"]
        try:
            return {"customer_id": one_guest(self.store, who, _SEVERAL, _NOBODY), "party": party}
        except forms.ValidationError:
            return {"called": who, "party": party}


class TableForm(DeskForm):
    """A table of the store."""

    number = forms.CharField(label=_("台号"), max_length=20, error_messages={"required": _("请填台号。")})
    room = forms.CharField(label=_("包间或区域"), max_length=40, required=False)
    seats = forms.IntegerField(label=_("座位"), min_value=1, max_value=200)
    accessible = forms.BooleanField(
        label=_("轮椅方便"), required=False, widget=forms.CheckboxInput(attrs={"class": "form-check-input"})
    )


class BookingRulesForm(DeskForm):
    """Who is called first, and how long tables are kept."""

    priority_tiers = forms.CharField(
        label=_("优先叫号的等级"), max_length=200, required=False,
        help_text=_("等级的代码，用空格隔开，例如 VIP A。这些客人等位时先叫。"),
    )  # fmt: skip
    held_days = forms.IntegerField(label=_("没确认的预订，提前几天释放"), min_value=0, max_value=60)
    sitting_minutes = forms.IntegerField(
        label=_("一桌占用多少分钟"),
        min_value=15,
        max_value=720,
        help_text=_("这段时间里同一张台不会再排给别人。"),
    )

    def rules(self, store: Store) -> BookingRules:
        """The checked form as the store's rules."""
        return BookingRules(store=store, **self.cleaned_data)


class MenuForm(DeskForm):
    """A guest's own menu."""

    dishes = DishesField(
        label=_("菜品"), max_length=1000, required=False,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": _("毛肚 ×2")}),
    )  # fmt: skip
