"""What the store head decides about schemes: which one, from which day."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import DeskForm


class AdoptForm(DeskForm):
    """A scheme by its code (of a preset, or a version of the store's own) and the first day it grades."""

    code = forms.CharField(max_length=60, widget=forms.HiddenInput)
    number = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    from_date = forms.DateField(
        label=_("从哪一天起"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("从这一天晚上的评级开始生效；以前的等级不改。"),
        error_messages={"invalid": _("请填一个日期。")},
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["from_date"].initial = today
        self.fields["from_date"].widget.attrs["min"] = today.isoformat()

    def clean_from_date(self) -> date:
        day: date = self.cleaned_data["from_date"]
        if day < self.today:
            raise forms.ValidationError(_("生效日期不能在过去：已经评出的等级不改。"))
        if day > self.today + timedelta(days=366):
            raise forms.ValidationError(_("生效日期太远，请选一年之内的日期。"))
        return day
