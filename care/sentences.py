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
        "plan_always_works": _("主等级的计划每晚都开任务，不能关。"),
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
add_sentences(
    {
        "contact_no_employer": _("这位客人的资料里还没有工作单位，请先补上单位。"),
        "contact_elsewhere": _("这位客人的单位是“%(name)s”，不是这份协议的单位。"),
        "agreement_taken": _("“%(name)s”已经有一份协议，请打开那一份修改。"),
        "agreement_days": _("到期日不能早于开始日。"),
        "agreement_over": _("到期日已经过去，请填今天或以后的日期。"),
        "agreement_ended": _("这份协议已经终止，不能再改。"),
        "discount_range": _("优惠要大于 0、小于 100，最多一位小数。"),
        "call_days_range": _("联系间隔要在 1 到 %(most)s 天之间。"),
        "renewal_days_range": _("续签提前的天数要在 0 到 %(most)s 之间。"),
        "note_future": _("日期还没有到，请填今天或以前的日期。"),
        "words_missing": _("请写清楚内容，至少 2 个字。"),
        "pieces_full": _("最多存 %(most)s 篇，请先删掉不用的。"),
        "score_missing": _("请记下客人打的分，1 到 5。"),
        "score_range": _("分数要在 1 到 5 之间。"),
        "cause_missing": _("请选客人为什么不来了。"),
        "measure_missing": _("请选准备怎么挽回。"),
        "win_back_kind": _("请选送哪一种券。"),
        "win_back_no_coupon": _("选了券，“准备怎么挽回”也请选“送券”。"),
        "win_back_not_yours": _("您的岗位不能发券，请领位、经理或店长来发。"),
        "answers_out_of_place": _("这项任务不用记这些回答。"),
        "guests_none": _("请先勾选客人。"),
        "not_lapsed": _("有客人最近来过，或者没有来过，不用挽回。"),
        "return_too_far": _("回访请安排在今天到 %(latest)s 之间。"),
        "return_taken": _("这位客人当天已经安排了回访。"),
        "return_channel": _("回访请用电话、拜望或微信。"),
        "complaint_still_open": _("这条投诉还没有处理完，不用回问。"),
        "topic_depth": _("话题深浅请选 1 到 3。"),
        "rule_days_range": _("天数要在 1 到 %(most)s 之间。"),
        "target_range": _("目标人数要在 0 到 %(most)s 之间。"),
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
    "agreement_changed": _("协议有变动"),
    "contacted": _("已经联系过"),
    "complaint_reopened": _("投诉重新打开或撤销"),
    # why nothing can be mailed
    "no_address": _("没有地址"),
    "short_address": _("地址不完整"),
    "event_over": _("活动已结束"),
}


def reason_words(reason: str) -> str:
    """The reason of a message or task for people; a code without words stands for itself."""
    return str(REASONS.get(reason, reason))
