"""What people say about a campaign: what it is about, for whom, when, through what; and the number they approve."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.campaigns import MOST_HELD_OUT, MOST_WINDOW_DAYS, unfit
from care.models import Campaign
from common.forms import DeskForm
from tiering.models import Segment

_UNFIT = {
    "link": _("这里不能有网址：短信平台会拒绝。"),
    "number": _("这里不能有电话号码或长串数字：短信平台会拒绝。"),
    "marks": _("这里不能有【】、[]、{}、$、# 这些符号，也不能换行。"),
}


class CampaignForm(DeskForm):
    """A campaign as its author writes it."""

    name = forms.CharField(
        label=_("活动名称"), max_length=60, help_text=_("只给同事看，比如：六月松茸汤·A级。")
    )
    kind = forms.ChoiceField(label=_("哪一类"), choices=Campaign.Kind.choices)
    what = forms.CharField(
        label=_("告知什么"), max_length=20, help_text=_("写进短信，最多 20 字，比如：松茸汤。")
    )
    detail = forms.CharField(
        label=_("怎么说"), max_length=35, help_text=_("写进短信，最多 35 字，比如：本周请您先来免费试吃。")
    )
    segment = forms.ChoiceField(
        label=_("客群"), required=False, help_text=_("自选客群；再勾等级，就是客群里这些等级的客人。")
    )
    tiers = forms.MultipleChoiceField(label=_("等级"), required=False, widget=forms.CheckboxSelectMultiple)
    channel = forms.ChoiceField(label=_("方式"), choices=Campaign.Way.choices)
    call_fallback = forms.BooleanField(label=_("短信过期没发出去的，改打电话"), required=False)
    send_on = forms.DateField(
        label=_("哪天发"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"], error_messages={"invalid": _("请填一个日期。")},
    )  # fmt: skip
    window_days = forms.IntegerField(
        label=_("当天发不完，再发几天"), min_value=0, max_value=MOST_WINDOW_DAYS,
        help_text=_("同一号码一天只收一条：撞上生日祝福的，第二天再发。"),
    )  # fmt: skip
    held_out = forms.IntegerField(
        label=_("随机留出不发（%）"), min_value=0, max_value=MOST_HELD_OUT,
        help_text=_("留出的客人用来对照：看得出活动到底多带来了几桌。"),
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        segments: Sequence[Segment],
        tiers: Sequence[tuple[str, str]],
        today: date,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(each.pk): each for each in segments}
        self.today = today
        self.fields["segment"].choices = [("", "—"), *((pk, each.name) for pk, each in self.known.items())]  # type: ignore[attr-defined]
        self.fields["tiers"].choices = list(tiers)  # type: ignore[attr-defined]
        self.fields["send_on"].widget.attrs["min"] = today.isoformat()

    @classmethod
    def showing(cls, campaign: Campaign) -> dict[str, Any]:
        """The form as the campaign stands."""
        said = {name: getattr(campaign, name) for name in cls.base_fields}
        return said | {"segment": campaign.segment_id or ""}

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_what(self) -> str:
        return self._fit("what")

    def clean_detail(self) -> str:
        return self._fit("detail")

    def _fit(self, name: str) -> str:
        words = str(self.cleaned_data[name]).strip().rstrip("。.！!")
        if why := unfit(words):
            raise forms.ValidationError(_UNFIT[why])
        if not words:
            raise forms.ValidationError(_("这一项必须填写。"))
        return words

    def clean_send_on(self) -> date:
        day: date = self.cleaned_data["send_on"]
        if not self.today <= day <= self.today.replace(year=self.today.year + 1, day=1):
            raise forms.ValidationError(_("请选今天起一年内的一天。"))
        return day

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("segment") and not data.get("tiers") and not {"segment", "tiers"} & set(self.errors):
            self.add_error("segment", _("请选一个客群，或勾选至少一个等级。"))
        return data

    def said(self) -> dict[str, Any]:
        """What a valid form says, as the service takes it."""
        data = dict(self.cleaned_data)
        data["call_fallback"] = data["call_fallback"] and data["channel"] == Campaign.Way.SMS
        return data | {"segment": self.known.get(data["segment"])}


class ApproveForm(DeskForm):
    """How many guests the approver has seen will be told."""

    number = forms.IntegerField(
        label=_("会告知多少位？请照上面的数填一遍"), min_value=1, max_value=10_000_000,
        error_messages={"invalid": _("请填一个整数。"), "required": _("请填人数，确认您看过。")},
    )  # fmt: skip
