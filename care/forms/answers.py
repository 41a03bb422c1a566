"""What people write down about a guest: a table kept, a day of the guest's own, who served, words for a weekend."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.models import Anniversary
from common.forms import DeskForm
from customers.services.bookings import PARTY_AT_MOST

_DAY = forms.DateInput(attrs={"type": "date"})


class AnniversaryForm(DeskForm):
    """A day of the guest's own: what, when, since which year."""

    kind = forms.ChoiceField(label=_("什么纪念日"), choices=Anniversary.Kind.choices)
    words = forms.CharField(label=_("名称"), max_length=40, required=False)
    year = forms.IntegerField(label=_("哪一年起"), required=False, min_value=1900, max_value=2100)
    month = forms.IntegerField(label=_("月"), min_value=1, max_value=12)
    day = forms.IntegerField(label=_("日"), min_value=1, max_value=31)


class NewsForm(DeskForm):
    """News of a trade for the weekend greeting."""

    industry = forms.CharField(
        label=_("哪个行业的客人"),
        max_length=60,
        required=False,
        help_text=_("和客人资料里的行业对照，例如：建材。不填就给所有人。"),
    )
    words = forms.CharField(
        label=_("要发的话"), max_length=200, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("${name} 处会换成客人的称呼。"),
    )  # fmt: skip
    until = forms.DateField(
        label=_("用到哪一天"), widget=_DAY, error_messages={"invalid": _("请填一个日期。")}
    )


class ServedForm(forms.Form):
    """Who served, and what was handed over."""

    by = forms.CharField(max_length=20)
    note = forms.CharField(max_length=200, required=False)


class TableFields(forms.Form):
    """The two answers to a call before a festival; part of what is said about a task."""

    table = forms.ChoiceField(choices=[("yes", "yes"), ("hold", "hold"), ("no", "no")], required=False)
    table_on = forms.DateField(required=False, error_messages={"invalid": _("请填一个日期。")})
    table_time = forms.TimeField(required=False, error_messages={"invalid": _("请填一个时间，例如 18:00。")})
    party = forms.IntegerField(
        required=False, min_value=1, max_value=PARTY_AT_MOST, error_messages={"invalid": _("人数请填数字。")}
    )
    dishes = forms.CharField(required=False, max_length=1000)

    def answered(self) -> dict[str, Any] | None:
        """What was answered; None where nobody asked."""
        said = self.cleaned_data
        if not said.get("table"):
            return None
        return {
            "wants_table": said["table"] != "no", "held": said["table"] == "hold", "on": said.get("table_on"),
            "arrives": said.get("table_time"), "party": said.get("party"), "text": said.get("dishes", ""),
        }  # fmt: skip
