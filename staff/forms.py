"""Forms of the store head: the store's hours, a machine's key."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.utils.translation import gettext_lazy as _

from common.forms import DeskForm
from staff.models import Store

HOURS = forms.TimeInput(attrs={"type": "time", "class": "form-control"}, format="%H:%M")


class LoginForm(AuthenticationForm):
    """Name and password; one sentence for both faults, so that nobody learns which names exist."""

    error_messages = {
        "invalid_login": _("用户名或密码不对，请再试一次。"),
        "inactive": _("用户名或密码不对，请再试一次。"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("用户名")
        self.fields["password"].label = _("密码")
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control form-control-lg"


class StoreForm(forms.ModelForm):
    """When the day ends, when the night runs, when texts may go out, how much one night may move."""

    class Meta:
        model = Store
        fields = ["messages_from", "messages_until", "night_at", "day_ends_at", "brake_percent"]
        labels = {
            "messages_from": _("短信最早发送"),
            "messages_until": _("短信最晚发送"),
            "night_at": _("每晚评级时间"),
            "day_ends_at": _("营业日结束"),
            "brake_percent": _("评级刹车（%）"),
        }
        help_texts = {
            "messages_from": _("早于这个时间的短信会等到这个时间再发。"),
            "messages_until": _("过了这个时间的短信留到第二天。"),
            "night_at": _("营业日结束之后的时间，例如 04:30。"),
            "day_ends_at": _("凌晨这个时间之前的消费算前一天。只影响以后记录的消费。"),
            "brake_percent": _("一晚要变动的客人超过这个比例时，先停下来等店长确认。"),
        }
        widgets = {
            "messages_from": HOURS,
            "messages_until": HOURS,
            "night_at": HOURS,
            "day_ends_at": HOURS,
            "brake_percent": forms.NumberInput(attrs={"class": "form-control", "min": 1, "max": 100}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        first, last = said.get("messages_from"), said.get("messages_until")
        if first and last and first >= last:
            self.add_error("messages_until", _("最晚时间要在最早时间之后。"))
        night, end = said.get("night_at"), said.get("day_ends_at")
        if night and end and night < end:
            self.add_error("night_at", _("评级要在营业日结束之后，否则昨天的消费还没有收齐。"))
        return said


class TokenForm(DeskForm):
    """A name for the machine that will carry the key."""

    name = forms.CharField(
        label=_("设备名称"),
        max_length=60,
        error_messages={"required": _("请写明是哪台设备，例如“前台收银机”。")},
    )
