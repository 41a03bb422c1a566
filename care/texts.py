"""The ready-made texts: their words, their variables, and what may be put into a variable.

Pure. The words are approved by the provider beforehand and never built from what people typed: only
whitelisted variables are filled in. A text is named here (`birthday`, `campaign_event`); the account's own number
for it comes from SMS_TEMPLATE_BIRTHDAY, SMS_TEMPLATE_CAMPAIGN_EVENT and so on. A text that tells of a voucher has
no number but the account's own: until it is set (SMS_TEMPLATE_BIRTHDAY_VOUCHER), its plain text goes out.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

MEMBER = "会员"
# One spelling for Python and for PostgreSQL: letters and Chinese characters, nothing that could end a
# signature, make a link or a number.
SAFE_NAME = r"[A-Za-z\u3400-\u4dbf\u4e00-\u9fff·]{1,10}"


@dataclass(frozen=True)
class Text:
    """One approved text; `order` names its variables as they appear.

    `plain`: of a text that tells of a voucher, the one that goes in its place where there is none.
    """

    name: str
    words: str
    order: tuple[str, ...]
    code: str = ""
    plain: str = ""


TEXTS: dict[str, Text] = {
    text.name: text
    for text in (
        Text(
            "birthday",
            "亲爱的${name}，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。",
            ("name",),
            "SMS_100001",
        ),
        Text(
            "festival",
            "亲爱的${name}，${festival}到了，全体员工祝您和家人节日快乐，平安健康。",
            ("name", "festival"),
            "SMS_100003",
        ),
        Text(
            "absence",
            "亲爱的${name}，好些日子没见到您了，大家都惦记着您，盼您有空再来坐坐。",
            ("name",),
            "SMS_100013",
        ),
        Text(
            "campaign_promotion",
            "亲爱的${name}，本店${what}：${detail}。期待您的光临。",
            ("name", "what", "detail"),
            "SMS_100010",
        ),
        Text(
            "campaign_new_dish",
            "亲爱的${name}，本店新推出${what}：${detail}。欢迎您来品尝。",
            ("name", "what", "detail"),
            "SMS_100011",
        ),
        Text(
            "campaign_event",
            "亲爱的${name}，诚邀您参加${what}：${detail}。期待与您相聚。",
            ("name", "what", "detail"),
            "SMS_100012",
        ),
        Text(
            "birthday_voucher",
            "亲爱的${name}，祝您生日快乐！送您一张券，券码${code}，有效期至${until}，到店出示即可。",
            ("name", "code", "until"),
            plain="birthday",
        ),
        Text(
            "festival_voucher",
            "亲爱的${name}，${festival}到了，祝您节日快乐！送您一张券，券码${code}，有效期至${until}。",
            ("name", "festival", "code", "until"),
            plain="festival",
        ),
        Text(
            "absence_voucher",
            "亲爱的${name}，好久不见！送您一张券，券码${code}，有效期至${until}，盼您再来坐坐。",
            ("name", "code", "until"),
            plain="absence",
        ),
    )
}


def with_voucher(name: str, approved: Collection[str]) -> Text | None:
    """The text that tells of a voucher in the place of a plain one, if the account has it approved."""
    return next((text for text in TEXTS.values() if text.plain == name and text.name in approved), None)


def approved_texts(env: Mapping[str, str]) -> frozenset[str]:
    """The texts that can be sent: those with a number of their own, and those for which the account has one."""
    return frozenset(name for name, text in TEXTS.items() if text.code or env.get(_setting(name)))


def safe_name(text: str) -> str:
    """A form of address fit for a variable, else 会员."""
    return text if re.fullmatch(SAFE_NAME, text) else MEMBER


def provider_code(name: str, provider: str, env: Mapping[str, str]) -> str:
    """The account's own code of a text at the provider. Raises KeyError for a text that does not exist."""
    text = TEXTS[name]
    code = env.get(_setting(name)) or text.code
    return code.removeprefix("SMS_") if provider == "tencent" else code


def _setting(name: str) -> str:
    return f"SMS_TEMPLATE_{name.upper()}"


def written_out(name: str, variables: Mapping[str, str]) -> str:
    """The words as a guest reads them, for a person who sends them by hand. Empty for an unknown text."""
    if name not in TEXTS:
        return ""
    return re.sub(r"\$\{(\w+)\}", lambda found: variables.get(found[1], ""), TEXTS[name].words)
