"""Plans, tasks and messages in words."""

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from care.festivals import name_in
from care.models import Campaign, Channel, Message, TableAnswer, Task, TaskEvent, Trigger
from care.playbook import asks_for_table
from care.sentences import reason_words
from care.texts import written_out
from common.festivals import FESTIVALS
from common.templatetags.shuke import day
from tiering.axes import MAIN
from tiering.sentences import language
from tiering.templatetags.tiers import badge, schemes_for

register = template.Library()

CADENCES: dict[str, str | Promise] = {
    "weekly": _lazy("每周 %(n)s 次"),
    "monthly": _lazy("每月 %(n)s 次"),
    "half_year": _lazy("每半年 %(n)s 次"),
    "yearly": _lazy("每年 %(n)s 次"),
}
GOOD = ("delivered", "accepted")
BAD = ("failed", "undelivered", "parked", "unknown")
# The gestures that no plan line names: of the long relation, of events.
UNPLANNED: dict[str, str | Promise] = {
    "renewal": _lazy("协议续签"),
    "account_call": _lazy("协议单位的满意度电话"),
    "follow_up": _lazy("投诉处理后回访"),
    "win_back": _lazy("挽回电话"),
    "return_plan": _lazy("安排的回访"),
    "event": _lazy("活动邀请"),
}
ICONS = {
    "phone": "phone", "visit": "walk", "gift": "gift", "card": "mail", "sms": "message",
    "wechat": "brand-wechat", "event": "glass-full", "in_store": "building-store", "voucher": "ticket",
}  # fmt: skip


@register.filter
def when_words(line: Any) -> str:
    """When a plan line is due: `每月 2 次`, `生日前 10 天`, `春节、中秋`, `10 天没来`."""
    if line.trigger in CADENCES:
        words = str(CADENCES[line.trigger]) % {"n": line.times}
        return _("%(when)s（周末）") % {"when": words} if "weekend" in line.occasions else words
    if line.trigger == "absence":
        return _("%(n)s 天没来") % {"n": line.after_days}
    if line.trigger == "new_guest":
        return _("建档后 %(n)s 天内") % {"n": line.after_days}
    if line.trigger == "after_visit":
        return _("消费后 %(n)s 天") % {"n": line.after_days}
    name = str(Trigger(line.trigger).label)
    if line.trigger == "festival":
        name = ("、" if language() == "zh" else ", ").join(_festival(code) for code in line.occasions)
    if line.after_days < 0:
        return _("%(what)s前 %(n)s 天") % {"what": name, "n": -line.after_days}
    return name


@register.filter
def ahead_words(line: Any) -> str:
    """How many days before a festival a line is due: `当天`, `前 10 天`, `后 2 天`."""
    if line.after_days < 0:
        return _("前 %(n)s 天") % {"n": -line.after_days}
    return _("后 %(n)s 天") % {"n": line.after_days} if line.after_days else _("当天")


@register.filter
def asks_table(line: Any) -> bool:
    """Whether who does the task asks the guest for a table and dishes."""
    return line is not None and asks_for_table(line)


@register.filter
def answer_words(answer: TableAnswer) -> str:
    """What a guest answered: `留位 9月25日 18:00，10 位 · 清蒸石斑 ×1`, `不用留位`."""
    told = _("不用留位")
    if answer.wants_table:
        when = {"day": day(answer.on), "time": f"{answer.time:%H:%M}", "n": answer.party}
        told = _("留位 %(day)s %(time)s，%(n)s 位") % when
    dishes = "、".join(f"{each['name']} ×{each['number']}" for each in answer.dishes)
    return f"{told} · {dishes}" if dishes else told


@register.filter
def whys(task: Task) -> list[tuple[str, str]]:
    """Why a guest may not have come."""
    return [(str(code), str(label)) for code, label in TaskEvent.Why.choices]


@register.filter
def ready_words(task: Task) -> str:
    """The words to send by hand, with the guest's name; "" where there are none ready."""
    called = task.customer.called
    if task.words:
        return task.words.replace("${name}", called)
    if not task.code.endswith("_by_hand"):
        return ""
    kind, _colon, rest = task.occasion.partition(":")
    code = rest.split(":")[0]
    festival = FESTIVALS[code].zh if code in FESTIVALS else name_in(code)
    return written_out(kind, {"name": called, "festival": festival})


@register.filter
def text_of(message: Message) -> str:
    """What the guest reads, or read; "" where there is nothing to be read: the text never goes out."""
    return "" if message.state in ("skipped", "expired") else written_out(message.template, message.variables)


def _festival(code: str) -> str:
    festival = FESTIVALS.get(code)
    if festival is None:
        return name_in(code)
    return festival.zh if language() == "zh" else festival.en


@register.filter
def line_key(ready: Any, line: Any) -> str:
    """What names a gesture of a ready-made set: `vip_plan:talk`."""
    return f"{ready.code}:{line.code}"


@register.filter
def entry(found: dict[str, Any], name: str) -> Any:
    """What a dictionary holds under a name; None where it holds nothing."""
    return found.get(name)


@register.filter
def channel_words(line: Any) -> str:
    """How a gesture reaches the guest."""
    return str(Channel(line.channel).label)


@register.filter
def channel_icon(thing: Any) -> str:
    """The name of the icon of a channel."""
    return ICONS.get(thing.channel, "point")


@register.filter
def occasion_words(message: Message) -> str:
    """What a text is for: 生日, 中秋."""
    kind, _colon, rest = message.occasion.partition(":")
    if kind == "festival":
        return _festival(rest.split(":")[0])
    return str(Trigger(kind).label) if kind in Trigger.values else message.occasion


@register.filter
def state_class(message: Message) -> str:
    """How a text's state is coloured."""
    return "good" if message.state in GOOD else "alarm" if message.state in BAD else ""


@register.filter
def reason_in_words(reason: str) -> str:
    """Why a text was not sent, or a task closed."""
    return reason_words(reason) if reason else ""


@register.filter
def tier_here(task: Task) -> str:
    """The tier on the door of a task's guest in this store."""
    here = getattr(task.customer, "patronages_here", [])
    return here[0].tier if here else ""


@register.simple_tag(takes_context=True)
def beside_of(context: Any, task: Task) -> SafeString:
    """`{% beside_of task %}`: the label for which a plan beside the ladder opened the task; nothing of the ladder's."""
    if task.line is None:
        return SafeString("")
    code = task.line.plan.scheme_code
    scheme = next(
        (each for axis, each in schemes_for(context).items() if axis != MAIN and each.code == code), None
    )
    return (
        format_html('<span class="mx-1">{}</span> ', badge(scheme, task.tier)) if scheme else SafeString("")
    )


@register.filter
def result_words(result: Any) -> str:
    """What a line of the results is: the plan line's words, 生日短信, 生日人工问候; else its code."""
    if result.zh:
        return str(result.zh if language() == "zh" else result.en)
    if result.code.startswith("sms_"):
        return _("%(what)s短信") % {"what": trigger_words(result)}
    if result.by_hand:
        return _("%(what)s人工问候") % {"what": trigger_words(result)}
    return str(UNPLANNED.get(result.code, result.code))


@register.filter
def trigger_words(result: Any) -> str:
    """What made a gesture due: 生日, 每月."""
    known = result.trigger in Trigger.values
    return str(Trigger(result.trigger).label if known else Channel(result.channel).label)


@register.filter
def percent(share: float) -> str:
    """A share of one: `32.4%`."""
    return f"{share * 100:.1f}%"


@register.filter
def points(share: float) -> str:
    """A difference of shares in points, with its sign: `+12.5`, `−3.0`."""
    return signed(share * 100)


@register.filter
def signed(number: float) -> str:
    """A number with its sign and one decimal: `+4.0`, `−0.5`, `0.0`."""
    text = f"{abs(number):.1f}"
    return text if text == "0.0" else f"{'+' if number > 0 else '−'}{text}"


@register.filter
def campaign_class(campaign: Campaign) -> str:
    """How a campaign's state is coloured."""
    return {"draft": "wait", "approved": "good", "planned": "good", "cancelled": "alarm"}.get(
        campaign.state, ""
    )


@register.filter
def fen_signed(fen: float) -> str:
    """A difference of money with its sign, to the yuan: `+¥1,280`, `−¥90`."""
    yuan = round(abs(fen) / 100)
    return f"{'+' if fen > 0 else '−'}¥{yuan:,}" if yuan else "¥0"
