"""What people say about a task."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.forms import DeskForm


class TaskForm(DeskForm):
    """What was done with a task: claimed, done, not reached, put off to a day, declined by the guest."""

    ACTS = ("claim", "done", "not_reached", "postpone", "declined")

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    note = forms.CharField(label=_("备注"), max_length=400, required=False)
    next_on = forms.DateField(
        label=_("改到哪一天"), required=False, error_messages={"invalid": _("请填一个日期。")}
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("act") == "postpone" and not data.get("next_on") and "next_on" not in self.errors:
            self.add_error("next_on", _("请选改到哪一天。"))
        return data
