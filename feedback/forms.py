"""What people type about what guests told them."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from common.errors import Refused
from common.forms import DeskForm, said
from common.messages import sentence
from feedback.models import Severity
from feedback.services import COMPLAINT_AT_MOST, SUGGESTION_AT_MOST

CHOOSE_A_DAY = {"invalid": _("请填一个日期。")}


def _day() -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=_("哪天说的"), required=False, error_messages=CHOOSE_A_DAY, widget=widget)


class _Told(DeskForm):
    """Something a guest said, and the day on which it was said (empty: today)."""

    empty = ""

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"on": today})
        super().__init__(*args, **kwargs)
        self.today = today
        text = self.fields["text"]
        text.error_messages["required"] = sentence(self.empty, {})
        text.error_messages["max_length"] = sentence("field_too_long", {"most": text.max_length})  # type: ignore[attr-defined]
        self.fields["on"].widget.attrs["max"] = today.isoformat()

    def clean_on(self) -> date | None:
        if (on := self.cleaned_data["on"]) is not None and on > self.today:
            raise said(Refused("told_in_future"))
        return on


class ComplaintForm(_Told):
    """What went wrong, how bad, when."""

    empty = "complaint_empty"
    text = forms.CharField(
        label=_("客人哪里不满意"), max_length=COMPLAINT_AT_MOST, widget=forms.Textarea(attrs={"rows": 3})
    )
    severity = forms.ChoiceField(
        label=_("轻重"), required=False, choices=[("", _("没有说")), *Severity.choices]
    )
    on = _day()


class SuggestionForm(_Told):
    """What the guest would do better, and when it was said."""

    empty = "suggestion_empty"
    text = forms.CharField(
        label=_("客人的建议"), max_length=SUGGESTION_AT_MOST, widget=forms.Textarea(attrs={"rows": 3})
    )
    on = _day()


class ComplaintActForm(DeskForm):
    """What becomes of a complaint."""

    ACTS = ("close", "reopen", "withdraw")

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    resolution = forms.CharField(label=_("怎么处理的"), max_length=COMPLAINT_AT_MOST, required=False)


class SuggestionActForm(DeskForm):
    """What becomes of a suggestion."""

    ACTS = ("valid", "not_valid", "withdraw")

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])


class FloorForm(DeskForm):
    """One sentence from the floor: which of the two it is, is the button that was pressed."""

    KINDS = ("complaint", "suggestion")

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in KINDS], widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("客人怎么说"), max_length=SUGGESTION_AT_MOST,
        error_messages={"required": _("请先写下客人说了什么。")},
    )  # fmt: skip
    serious = forms.BooleanField(label=_("很严重，请经理马上处理"), required=False)
