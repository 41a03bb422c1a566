"""The sentences of care: why something was refused, why a text was not sent, why a task closed by itself."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.messages import add_sentences

add_sentences(
    {
        "task_settled": _("这项任务已经结束，不能再改。"),
        "task_taken": _("这项任务已由%(who)s负责。"),
        "day_in_past": _("日期已经过去，请选今天或以后的日期。"),
        "postponed_too_far": _("最晚只能改到 %(latest)s。"),
        "plan_line_code_taken": _("计划里已经有这个代码。"),
        "plan_none_chosen": _("请至少勾选一条。"),
        "plan_last_line": _("计划里至少要留一条，可以先停用。"),
        "task_to_stranger": _("请选一位在职的同事。"),
        "task_reason": _("请写明原因，至少 2 个字。"),
        "tasks_none": _("请先勾选要移交的任务。"),
        "handed_to_self": _("接手的人要另选一位同事。"),
        "days_out_of_range": _("天数要在 1 到 %(most)s 之间。"),
        "reply_read": _("这条回复已经有人处理了。"),
        "reply_stopped_nothing": _("这条回复没有停掉短信，不用恢复。"),
        "news_words": _("请写清楚要发的话，至少 4 个字。"),
        "answer_missing": _("请先记下客人要不要留位。"),
        "table_when": _("要留位，请填日期、时间和人数。"),
        "table_past": _("留位的日子已经过去了。"),
        "dishes_unreadable": _("菜品看不懂，请一行一道：清蒸石斑 ×1。"),
        "anniversary_no_day": _("没有这一天，请再看看月和日。"),
        "anniversary_future": _("年份不能晚于今年，也不早于 1900 年。"),
        "anniversary_words": _("请写明是什么纪念日。"),
        "anniversary_taken": _("这个纪念日已经记过了。"),
        "handover_note": _("不是负责人接待的，请写一句交接的话。"),
        "festival_name": _("名称用 1 到 10 个汉字或字母，不要数字和标点：它会写进短信。"),
        "festival_taken": _("已经有“%(name)s”了，请换一个名称。"),
        "festival_no_day": _("没有这一天：公历 2 月最多 29 日，农历每月最多三十。"),
        "festival_past": _("日期要在今天以后。"),
        "festival_year": _("请选 %(year)s 年内的一天。"),
        "festival_is_over": _("这一年的这个节日已经过了，不能再改。"),
        "festival_whole_brand": _("全品牌的节日由总部修改，本店可以停用或改日期。"),
    }
)

REASONS: dict[str, str | Promise] = {
    # messages
    "no_phone": _("没有手机号"),
    "no_consent": _("没有同意接收短信"),
    "opted_out": _("此号码已退订"),
    "shared_phone": _("同一号码已有这一条"),
    "no_provider": _("没有短信通道，已转为人工问候"),
    "complaint_open": _("投诉还没有处理完"),
    "in_mourning": _("客人守孝期间，不打扰"),
    "cap_day": _("同一号码当天已发过一条"),
    "cap_month": _("同一号码 30 天内已发满"),
    "budget": _("本月短信预算已用完"),
    "no_receipt": _("已提交，运营商一直没有回执"),
    "solemn_day": _("庄重的日子（清明、国家公祭日等），不发祝福"),
    "one_a_day": _("当天已有生日祝福"),
    "window_passed": _("补跑时已过发送时间"),
    "window_missed": _("过了发送时间，已转为人工问候"),
    "number_changed": _("号码已变更"),
    "number_unreadable": _("号码无法解密"),
    "refused": _("短信平台拒绝"),
    "unverified": _("24 小时内无法向平台核实"),
    "undelivered": _("运营商未送达"),
    "held_out": _("随机留出，不发，用来对照"),
    "cancelled": _("活动已取消"),
    # tasks
    "came": _("客人来过了"),
    "tier_changed": _("等级变动"),
    "scheme_changed": _("更换了等级方案"),
    "too_late": _("过期未做"),
    "official": _("政府人员，本店没有开启送礼"),
    "small_favour": _("事业稳重型，不喜欢小恩小惠"),
    "cap_week": _("本周联系次数已满"),
    "escalated": _("逾期升级"),
    "festival_off": _("节日已停用"),
    "event_over": _("活动已结束"),
}


def reason_words(reason: str) -> str:
    """The reason of a message or task for people; a code without words stands for itself."""
    return str(REASONS.get(reason, reason))
