"""The steps of a night and what they counted, in words."""

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from care.sentences import REASONS
from common.money import show_yuan
from tiering.sentences import language

register = template.Library()

STEPS: dict[str, str | Promise] = {
    "check_sums": _("核对累计"),
    "retier": _("评级"),
    "open_care": _("开任务"),
    "queue_occasions": _("排短信"),
    "settle_outcomes": _("结算关怀成效"),
    "figures": _("当天数字"),
}
COUNTS: dict[str, str | Promise] = {
    "sums_repaired": _("修正 %(n)s 位"),
    "coupons_ticked": _("用券记到账单 %(n)s 张"),
    "guests": _("客人 %(n)s 位"),
    "changed": _("变动 %(n)s 位"),
    "rose": _("升 %(n)s 位"),
    "fell": _("降 %(n)s 位"),
    "entered": _("新评级 %(n)s 位"),
    "corrected": _("更正 %(n)s 位"),
    "opened": _("开出 %(n)s 件"),
    "expired": _("过期 %(n)s 件"),
    "lapsed": _("释放没确认的预订 %(n)s 桌"),
    "renewals": _("协议续签 %(n)s 件"),
    "account_calls": _("单位电话 %(n)s 件"),
    "follow_ups": _("投诉回访 %(n)s 件"),
    "festival_moved": _("随节日改期 %(n)s 件"),
    "planned": _("安排 %(n)s 条"),
    "parts": _("计费 %(n)s 条"),
    "cost_fen": _("短信费 %(n)s"),
    "calls": _("转人工 %(n)s 条"),
    "settled": _("结算 %(n)s 件"),
    "returned": _("回来 %(n)s 位"),
    "campaigns": _("活动 %(n)s 次"),
    "campaign_told": _("告知 %(n)s 位"),
    "campaign_grown": _("人数变多、待重新批准的活动 %(n)s 次"),
    "visits": _("消费 %(n)s 笔"),
    "revenue_fen": _("金额 %(n)s"),
}


@register.filter
def step_name(name: str) -> str:
    """A step of the night for people."""
    return str(STEPS.get(name, name))


@register.filter
def counts_in_words(counts: dict[str, Any]) -> str:
    """What a step counted, the zeros left out: `升 3 位，降 2 位`."""
    parts = []
    for name, number in counts.items():
        if not isinstance(number, int) or isinstance(number, bool) or not number:
            continue
        if name in COUNTS:
            shown = show_yuan(number) if name.endswith("_fen") else f"{number:,}"
            parts.append(str(COUNTS[name]) % {"n": shown})
        elif name in REASONS:
            parts.append(f"{REASONS[name]} {number:,}")
    comma = "，" if language() == "zh" else ", "
    return comma.join(parts) or str(_("没有变化"))
