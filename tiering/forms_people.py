"""What a person may say of a guest: a judgement, a tier by hand; and the confirmation of a candidate."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import BadFields, Refused
from common.forms import DeskForm

CHOICE = {"invalid_choice": _("请从列表里选一项。")}
DAY = {"invalid": _("请填一个日期。")}
WEEKS_BY_HAND = 4


def _day(label: Any, required: bool, **more: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=required, widget=widget, error_messages=DAY, **more)


class _SaidForm(DeskForm):
    """Fields whose refusals come from the service, so that all of them are told at once."""

    # Required to the service, not to the form: an empty one is told beside the other faults.
    reason = forms.CharField(label=_("理由"), max_length=200, required=False)

    def offer(self, name: str, choices: Sequence[Any]) -> None:
        """Fill a list, with nothing chosen at first."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("请选")), *choices]

    def refuse_all(self, refused: Refused) -> None:
        """Put every refusal beside its field."""
        for each in refused.fields.values() if isinstance(refused, BadFields) else [refused]:
            self.refuse(each)


class JudgeForm(_SaidForm):
    """A judgement by its code, why, and until when (empty: until it is taken back)."""

    code = forms.ChoiceField(label=_("认定什么"), error_messages=CHOICE)
    valid_until = _day(_("到哪一天为止"), False, help_text=_("不填就一直有效；合作和临时客户一定要填。"))

    field_order = ["code", "reason", "valid_until"]

    def __init__(self, *args: Any, today: date, codes: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("code", codes)
        self.fields["valid_until"].widget.attrs["min"] = today.isoformat()


class OverrideForm(_SaidForm):
    """A tier given by hand, why, and until when."""

    tier = forms.ChoiceField(label=_("指定为"), error_messages=CHOICE)
    valid_until = _day(_("到哪一天为止"), True, help_text=_("当天仍有效，第二天自动回到规则；最长一年。"))

    field_order = ["tier", "reason", "valid_until"]

    def __init__(self, *args: Any, today: date, tiers: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer("tier", tiers)
        day = self.fields["valid_until"]
        day.initial = today + timedelta(weeks=WEEKS_BY_HAND)
        day.widget.attrs["min"] = today.isoformat()


class ConfirmForm(_SaidForm):
    """The word for a candidate: for which tier on which axis, and why."""

    axis = forms.CharField(max_length=20, widget=forms.HiddenInput)
    tier = forms.CharField(max_length=20, widget=forms.HiddenInput)
