"""The sentences that rules, problems and reasons become, in the reader's language."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from common.messages import add_sentences
from common.money import half_up, show_yuan
from tiering import facts
from tiering.rules import (
    TOGETHER,
    UNRATED,
    Compare,
    Group,
    Judged,
    Node,
    Problem,
    Profiled,
    Scheme,
    Tagged,
    Tier,
    lines_of,
)

SUGGESTED = "†"
KEPT = {
    "stay": _lazy("还在保级期内，先不降"),
    "grace": _lazy("还在宽限期内，先不降"),
}

PROBLEMS = {
    "scheme_not_object": _lazy("方案应是一个 JSON 对象。"),
    "unknown_key": _lazy("不认识的键“%(key)s”。"),
    "bad_id": _lazy("缺少 id，或其中有字母、数字、下划线以外的字符。"),
    "bad_name": _lazy("缺少名称（name 可写成文字，或 zh 与 en）。"),
    "bad_kind": _lazy("kind 只能是 ladder（阶梯）或 labels（标签）。"),
    "bad_axis": _lazy("axis 应是简短的英文代码。"),
    "bad_observe_months": _lazy("观察期只能是 0 到 3 个月的整数。"),
    "bad_requires": _lazy("必填资料只能从这些里选：%(fields)s。"),
    "no_tiers": _lazy("至少要有一个级别，最多十二个。"),
    "tier_not_object": _lazy("级别应是一个 JSON 对象。"),
    "bad_tier_code": _lazy("级别代码缺失或无效（不超过20个字母或数字；UNRATED 是保留字）。"),
    "tier_twice": _lazy("级别代码“%(code)s”出现了两次。"),
    "bad_evidence": _lazy("evidence 应是一个列表。"),
    "unknown_fallback": _lazy("兜底级别“%(code)s”不在方案里；请写方案中的级别代码或 UNRATED。"),
    "too_deep": _lazy("规则嵌套太深，最多 %(most)s 层。"),
    "node_not_object": _lazy("这里应是一条规则。"),
    "unknown_node": _lazy("看不懂的规则（%(keys)s）。"),
    "empty_group": _lazy("这一组里至少要有一条规则。"),
    "bad_k": _lazy("“至少几条”应在 1 到 %(n)s 之间。"),
    "unknown_fact": _lazy("没有“%(fact)s”这个指标。"),
    "fact_not_comparable": _lazy("指标“%(fact)s”是日期，不能设门槛。"),
    "unknown_op": _lazy("不认识的比较符号“%(op)s”。"),
    "bad_threshold": _lazy("“%(fact)s”的门槛“%(value)s”不是有效数字（不能为负，最多两位小数）。"),
    "bad_days": _lazy("天数应是 0 到 366 的整数。"),
    "labels_on_the_door": _lazy("标签不能当门上的等级：请给它另写一个 axis。"),
    "labels_have_no_ranks": _lazy("标签没有高低，不能设保级期和宽限期。"),
    "bad_scores": _lazy("scores 应是最多五个分数，写成 代码: {parts: […]}。"),
    "bad_score": _lazy("分数的代码或 parts 不对：代码用小写字母开头，parts 是一到十个部分。"),
    "bad_part": _lazy("“%(name)s”在分数里的写法不对：写 full 和 points，或 steps（门槛从小到大）。"),
    "unknown_score": _lazy("方案里没有“%(name)s”这个分数。"),
    "bad_profile": _lazy("资料条件只能看这些：%(fields)s；有固定选项的用 in，其余用 contains。"),
    "bad_words": _lazy("“%(field)s”的条件要写一到二十个词，有固定选项的只能写选项。"),
    "never_holds": _lazy("级别 %(tier)s 的条件互相矛盾，没有客人能满足。"),
    "never_reached": _lazy("级别 %(tier)s 永远轮不到：满足它的客人都已进入更高的级别。"),
    "otherwise_too_early": _lazy("级别 %(tier)s 收下所有人，下面的 %(below)s 就没有人了；“其余”只能放在最后。"),
    "out_of_order": _lazy(
        "门槛顺序反了：%(high)s 的“%(name)s”要求 %(high_value)s，却比 %(low)s 的 %(low_value)s 还宽。"
    ),
}  # fmt: skip

add_sentences(
    {
        "scheme_refused": _lazy("这个方案有问题，没有保存。"),
        "unknown_preset": _lazy("没有“%(preset)s”这个预设方案。"),
    }
)

FIELDS = {
    "name": _lazy("姓名"),
    "sex": _lazy("性别"),
    "phone": _lazy("联系电话"),
    "address": _lazy("联系地址"),
    "industry": _lazy("工作行业"),
    "employer": _lazy("工作单位"),
    "position": _lazy("职位"),
    "birthday": _lazy("出生年月日"),
    "married": _lazy("婚否"),
}

WORDS = {
    "m": _lazy("男"),
    "f": _lazy("女"),
    "yes": _lazy("已婚"),
    "no": _lazy("未婚"),
}
JUDGEMENTS = {
    "vip": _lazy("确认为VIP"),
    "key_customer": _lazy("公司的重点客户"),
    "strategic_account": _lazy("战略合作伙伴、大型企业、政府机构"),
    "leading_or_small_company": _lazy("中小型企业、行业领军企业"),
    "cooperating": _lazy("有合作协议"),
    "long_term": _lazy("长期合作或常年居住"),
    "short_stay": _lazy("短暂停留"),
    "high_potential": _lazy("潜力大"),
    "needs_special_service": _lazy("需要定制服务"),
    "needs_standard_service": _lazy("需要标准服务"),
    "core_business": _lazy("业务关联密切"),
    "important_business": _lazy("业务关联较密切"),
    "single_item": _lazy("总点同一道菜"),
    "casual_style": _lazy("偏好休闲风格"),
    "government": _lazy("政府机构"),
    "special_company": _lazy("有特殊业务的公司"),
    "ordinary_company": _lazy("普通公司"),
    "trading_partner": _lazy("交易伙伴"),
    "enterprise_leader": _lazy("大型企业高层管理或经营者"),
    "stable_income": _lazy("有可观并稳定的经济收入"),
    "talks_with_leaders": _lazy("每次消费都与餐厅领导交流并提建议"),
    "good_word_of_mouth": _lazy("有好的口碑宣传"),
    "minable_potential": _lazy("有可挖掘的潜力"),
    "strong_influence": _lazy("影响力大"),
}
TAGS = {
    "overseas": _lazy("海外"),
    "nonlocal": _lazy("异地"),
    "member_card": _lazy("有会员卡"),
    "young": _lazy("年轻一族"),
    "steady_career": _lazy("事业稳重型"),
    "entertainment_trade": _lazy("娱乐场所从业"),
    "student": _lazy("学生"),
    "in_mourning": _lazy("守孝"),
    "nearby_resident": _lazy("周边居民、邻居"),
    "government_or_committee": _lazy("政府部门及村居委"),
    "early_access": _lazy("抢先试新菜"),
}


def language() -> str:
    """`zh` or `en`."""
    return "en" if (get_language() or "").startswith("en") else "zh"


def problem_sentence(problem: Problem) -> str:
    """Which line, and why."""
    params = dict(problem.params)
    if "fact" in params:
        params["name"] = facts.name_of(params["fact"], language())
    text = PROBLEMS[problem.code] % params
    return f"{problem.path}: {text}" if problem.path else text


def amount(fact: str, value: Fraction | None) -> str:
    """A value with its unit: ¥4,820, 3 次, 12 天; a dash where there is none."""
    if value is None:
        return "—"
    unit = facts.unit_of(fact)
    if unit == "fen":
        return show_yuan(value)
    number: Decimal | int = int(value) if value.denominator == 1 else half_up(value)
    return {
        "times": pgettext("visits", "%s 次"),
        "days": _("%s 天"),
        "weeks": _("%s 周"),
        "percent": "%s%%",
        "count": pgettext("guests", "%s 位"),
        "points": _("%s 分"),
        "years": _("%s 岁"),
        "km": _("%s 公里"),
        "grade": _("%s 级"),
    }.get(unit, "%s") % f"{number:,}"


def tier_name(scheme: Scheme, code: str) -> str:
    """A tier's full name with its scheme is never just a letter: `A类顾客`; of labels all the names."""
    if code == UNRATED:
        return _("未评级")
    tiers = [scheme.tier(each) for each in code.split(TOGETHER)]
    return "、".join(named(tier) for tier in tiers if tier) if any(tiers) else code


def note_words(note: str) -> str:
    """A tier's note; one that begins with † rests on thresholds that we suggest and no source gives."""
    if not note.startswith(SUGGESTED):
        return note
    told = note.removeprefix(SUGGESTED)
    return _("门槛是建议值，请按本店情况调整。") + (f" {told}" if told else "")


def reason_sentences(scheme: Scheme, reasons: list[Any]) -> list[str]:
    """The reasons of a decision as people read them: lines that held, a tier by hand, a protection, what is missing."""
    lines = {name: node for tier in scheme.tiers for name, node in lines_of(tier)}
    told = [node_sentence(lines[reason]) for reason in reasons if isinstance(reason, str) and reason in lines]
    rest = [reason for reason in reasons if isinstance(reason, dict)]
    for reason in rest:
        if reason.get("code") == "override":
            told.append(_("人工指定，到 %(day)s") % {"day": reason.get("until", "")})
        elif reason.get("code") in KEPT:
            told.append(str(KEPT[reason["code"]]))
    missing = unrated_sentence(rest)
    return [*told, missing] if missing else told


def named(thing: Scheme | Tier) -> str:
    return thing.zh if language() == "zh" else thing.en


def node_sentence(node: Node) -> str:
    """One line of a rule: `近30天消费 ≥ ¥5,000`."""
    if isinstance(node, Compare):
        sign = {">=": "≥", "<=": "≤", "!=": "≠"}.get(node.op, node.op)
        return f"{facts.name_of(node.fact, language())} {sign} {amount(node.fact, node.value)}"
    if isinstance(node, Tagged):
        return _("标签：%(word)s") % {"word": TAGS.get(node.word, node.word)}
    if isinstance(node, Judged):
        return _("人工认定：%(code)s") % {"code": JUDGEMENTS.get(node.code, node.code)}
    if isinstance(node, Profiled):
        words = "、".join(str(WORDS.get(word, word)) for word in node.words)
        text = _("%(field)s含有：%(words)s") if node.within else _("%(field)s：%(words)s")
        return text % {"field": FIELDS[node.field], "words": words}
    if isinstance(node, Group):
        if node.kind == "all":
            return _("全部满足")
        return _("满足任一条") if node.k == 1 else _("至少满足 %(k)s 条") % {"k": node.k}
    return _("其余客人")


def unrated_sentence(reasons: list[dict[str, Any]]) -> str:
    """Why a guest is not rated yet: observing until …, missing ….."""
    parts = []
    for reason in reasons:
        if reason.get("code") == "observing" and reason.get("until"):
            until = date.fromisoformat(reason["until"])
            parts.append(_("观察期到 %(day)s") % {"day": f"{until:%Y-%m-%d}"})
        elif reason.get("code") == "observing":
            parts.append(_("还没有消费记录"))
        elif reason.get("code") == "missing":
            fields = "、".join(str(FIELDS.get(name, name)) for name in reason["fields"])
            parts.append(_("缺少资料：%(fields)s") % {"fields": fields})
    return "；".join(parts)
