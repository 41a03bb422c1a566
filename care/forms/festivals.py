"""What people say about the calendar of festivals."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.models import OwnFestival
from common.forms import DeskForm


class FestivalForm(DeskForm):
    """A festival of the house: its name, when it is, whether it is a solemn one."""

    name = forms.CharField(label=_("名称"), max_length=20, help_text=_("会写进短信，例如：店庆。"))
    en = forms.CharField(label=_("英文名称"), max_length=40, required=False)
    kind = forms.ChoiceField(label=_("哪一种"), choices=OwnFestival.Kind.choices)
    month = forms.IntegerField(label=_("几月"), required=False, min_value=1, max_value=12)
    day = forms.IntegerField(label=_("几日"), required=False, min_value=1, max_value=31)
    once_on = forms.DateField(
        label=_("哪一天"), required=False, widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("只有一次的才填。"), error_messages={"invalid": _("请填一个日期。")},
    )  # fmt: skip
    solemn = forms.BooleanField(label=_("庄重的日子：当天不发祝福短信"), required=False)
    whole_brand = forms.BooleanField(label=_("全品牌的门店都过"), required=False)

    def clean_name(self) -> str:
        return str(self.cleaned_data["name"]).strip()

    def said(self) -> dict[str, Any]:
        """The festival as `add_festival` takes it."""
        return {name: value for name, value in self.cleaned_data.items() if name != "whole_brand"}


class FestivalActForm(forms.Form):
    """Switch a festival off or on, take one of the house away, correct the day of one year."""

    ACTS = ("off", "on", "remove", "move", "back")

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    code = forms.CharField(max_length=30)
    year = forms.IntegerField(required=False, min_value=1901, max_value=2100)
    to = forms.DateField(required=False, error_messages={"invalid": _("请填一个日期。")})
    whole_brand = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("act") in ("move", "back") and data.get("year") is None:
            self.add_error("year", _("请填一个日期。"))
        if data.get("act") == "move" and not data.get("to") and "to" not in self.errors:
            self.add_error("to", _("请填一个日期。"))
        return data
