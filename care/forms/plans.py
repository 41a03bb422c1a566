"""A line of the plan and the rules of care, as people change them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from care.festivals import COMPUTED
from care.models import CareRules, Channel, Trigger
from care.playbook import EVERYBODY, TREATMENTS, UNDATED, WEEKEND, Line
from common.forms import DeskForm
from staff.models import Role
from tiering.sentences import language


class PlanLineForm(DeskForm):
    """One line of the plan: when, how, by whom, in which words."""

    EMPTY: dict[str, Any] = {
        "trigger": Trigger.BIRTHDAY, "times": 1, "lead_days": 7, "after_days": 0, "window_days": 3,
        "channel": Channel.PHONE, "role": Role.MANAGER, "personal": True, "enabled": True,
    }  # fmt: skip

    tier = forms.ChoiceField(label=_("哪一级客人"))
    zh = forms.CharField(label=_("做什么"), max_length=120)
    en = forms.CharField(label=_("英文说法"), max_length=160, required=False, help_text=_("不填就用中文。"))
    trigger = forms.ChoiceField(label=_("什么时候"), choices=Trigger.choices)
    occasions = forms.MultipleChoiceField(
        label=_("哪些节日"),
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    times = forms.IntegerField(
        label=_("一个周期几次"), min_value=1, max_value=10, help_text=_("每周、每月、每半年、每年才用。")
    )
    lead_days = forms.IntegerField(
        label=_("提前几天看到"), min_value=0, max_value=366, help_text=_("任务提前这么多天出现在任务页。")
    )
    after_days = forms.IntegerField(
        label=_("第几天做"), min_value=-60, max_value=366,
        help_text=_("生日、节日：0 是当天，-10 是提前十天。没来、消费后：第几天。"),
    )  # fmt: skip
    window_days = forms.IntegerField(
        label=_("过后还能做几天"), min_value=0, max_value=366, help_text=_("过了就关闭。")
    )
    channel = forms.ChoiceField(label=_("方式"), choices=Channel.choices)
    role = forms.ChoiceField(label=_("谁来做"), choices=Role.choices)
    owner_first = forms.BooleanField(label=_("有负责人就由负责人做"), required=False)
    personal = forms.BooleanField(label=_("做了这件事，当天就不再发祝福短信"), required=False)
    small = forms.BooleanField(label=_("优惠券或小礼品（事业稳重型的客人不送）"), required=False)
    segment = forms.ChoiceField(
        label=_("只限哪个客群"), required=False, help_text=_("不选就是这一级的全部客人。")
    )
    gives = forms.ChoiceField(
        label=_("同时发一张券"), required=False,
        help_text=_("方式选“发券”时，券由系统发，不开任务；生日、节日、多天没来的短信会写上券码。"),
    )  # fmt: skip
    choice = forms.CharField(
        label=_("几样选一样"), max_length=20, required=False,
        help_text=_("到店待遇才用：写同一个组名的几条，一次来店只能用一样。"),
    )  # fmt: skip
    percent_off = forms.IntegerField(
        label=_("账单减百分之几"), min_value=0, max_value=100, required=False,
        help_text=_("到店待遇才用：九折填 10。"),
    )  # fmt: skip
    enabled = forms.BooleanField(label=_("启用"), required=False)

    def __init__(
        self,
        *args: Any,
        tiers: Sequence[str],
        festivals: Mapping[str, tuple[str, str]] | None = None,
        kinds: Sequence[tuple[int, str]] = (),
        segments: Sequence[tuple[int, str]] = (),
        of_ladder: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if not of_ladder:
            # Who is about to fall is foreseen on the ladder only.
            known_triggers = [each for each in Trigger.choices if each[0] != Trigger.FALLING]
            self.fields["trigger"].choices = known_triggers  # type: ignore[attr-defined]
        chosen = self.fields["tier"], self.fields["occasions"]
        chosen[0].choices = [(tier, _("所有客人") if tier == EVERYBODY else tier) for tier in tiers]  # type: ignore[attr-defined]
        chosen[0].required = len(tiers) > 1
        words = [
            (code, zh if language() == "zh" else en)
            for code, (zh, en) in (festivals or COMPUTED.names()).items()
        ]
        for field, known in (("gives", kinds), ("segment", segments)):
            named = [(str(pk), name) for pk, name in known]
            self.fields[field].choices = [("", "—"), *named]  # type: ignore[attr-defined]
        chosen[1].choices = [*words, (WEEKEND, _("周末（每周用）"))]  # type: ignore[attr-defined]

    @classmethod
    def showing(cls, line: Line) -> dict[str, Any]:
        """The form as the line stands."""
        return asdict(line) | {
            "occasions": list(line.occasions),
            "gives": line.gives or "",
            "segment": line.segment or "",
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        trigger, chosen = data.get("trigger", ""), data.get("occasions", [])
        festivals = [code for code in chosen if code != WEEKEND]
        if trigger == "festival" and not festivals:
            self.add_error("occasions", _("请至少选一个节日。"))
        if trigger in ("absence", "after_visit", "new_guest") and (data.get("after_days") or 0) < 1:
            self.add_error("after_days", _("请写第几天，至少 1。"))
        if trigger == "falling" and not 1 <= (data.get("lead_days") or 0) <= 31:
            self.add_error("lead_days", _("请写降级前几天提醒，1 到 31。"))
        if data.get("channel") == "sms" and trigger not in ("birthday", "festival", "absence"):
            self.add_error("channel", _("短信只用于生日和节日，还有多天没来。"))
        self._check_giving(data)
        data["occasions"] = (
            festivals
            if trigger == "festival"
            else chosen
            if (trigger, chosen) == ("weekly", [WEEKEND])
            else []
        )
        return data

    def _check_giving(self, data: dict[str, Any]) -> None:
        channel, gives = data.get("channel"), data.get("gives")
        if channel == Channel.VOUCHER and not gives and "gives" not in self.errors:
            self.add_error("gives", _("请选发哪一种券。"))
        if gives and (data.get("trigger") in UNDATED or channel == Channel.SMS):
            self.add_error(
                "gives",
                _("券跟着生日、节日、多天没来这类有日子的安排发，短信那一条不带券，请另加一条“发券”。"),
            )
        if data.get("segment") and (data.get("trigger") in UNDATED or channel == Channel.SMS):
            self.add_error(
                "segment", _("客群只用于生日、节日、多天没来这类有日子的安排，短信那一条不能限客群。")
            )
        if (data.get("choice") or data.get("percent_off")) and channel not in TREATMENTS:
            self.add_error("choice", _("“几样选一样”和打折只用于到店或礼品的待遇。"))

    def changes(self) -> dict[str, Any]:
        """What the form says, as a line of the playbook takes it."""
        said = dict(self.cleaned_data)
        said["tier"] = said["tier"] or self.initial["tier"]
        for name in ("gives", "segment"):
            said[name] = int(said[name]) if said[name] else None
        said["percent_off"] = said["percent_off"] or 0
        return said | {"occasions": tuple(said["occasions"]), "en": said["en"] or said["zh"]}


class CareRulesForm(DeskForm):
    """How often a guest may be contacted by hand, when a late task goes up, gifts to officials."""

    contacts_a_week = forms.IntegerField(
        label=_("每位客人一周最多联系几次"), min_value=1, max_value=20, required=False,
        help_text=_("电话、拜望、微信合计，按周一到周日算。不填就不限。"),
    )  # fmt: skip
    overdue_days = forms.IntegerField(
        label=_("逾期超过几天升级"), min_value=0, max_value=60, help_text=_("到时出现在经理和店长的任务页。")
    )
    gifts_to_officials = forms.BooleanField(label=_("允许给政府人员送礼"), required=False)

    @classmethod
    def showing(cls, rules: CareRules) -> dict[str, Any]:
        """The form as the rules stand."""
        return {name: getattr(rules, name) for name in cls.base_fields}

    def put_into(self, rules: CareRules) -> CareRules:
        """The rules as the form says."""
        for name, value in self.cleaned_data.items():
            setattr(rules, name, value)
        return rules
