"""The approved texts, and what the providers refuse to put into them.

The same text has a code at Aliyun ("SMS_100001") and a number at Tencent Cloud ("100001").
"""

import re
from collections.abc import Mapping, Sequence

VARIABLE = re.compile(r"\$\{(\w+)\}")
LONGEST_VARIABLE = 35
LONGEST_TEXT = 500

_STOP = "拒收请回复R"

BUILT_IN: dict[str, str] = {
    "SMS_100001": "亲爱的${name}，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。" + _STOP,
    "SMS_100002": "尊敬的会员，祝您生日快乐！感谢您一直以来的支持，愿您天天好心情。" + _STOP,
    "SMS_100003": "亲爱的${name}，${festival}到了，全体员工祝您和家人节日快乐，平安健康。" + _STOP,
    "SMS_100004": "尊敬的会员，${festival}到了，全体员工祝您和家人节日快乐，平安健康。" + _STOP,
    "SMS_100005": "尊敬的会员，新春快乐！全体员工给您拜年，祝您阖家团圆，万事如意。" + _STOP,
    "SMS_100006": "尊敬的会员，端午安康！全体员工祝您和家人平安健康。" + _STOP,
    "SMS_100007": "尊敬的会员，中秋快乐！月圆人团圆，全体员工祝您和家人幸福安康。" + _STOP,
    "SMS_100008": "尊敬的会员，国庆快乐！全体员工祝您和家人假期愉快。" + _STOP,
    "SMS_100009": "尊敬的会员，元旦快乐！全体员工祝您新年顺遂，身体健康。" + _STOP,
    "SMS_100010": "亲爱的${name}，本店${what}：${detail}。期待您的光临。" + _STOP,
    "SMS_100011": "亲爱的${name}，本店新推出${what}：${detail}。欢迎您来品尝。" + _STOP,
    "SMS_100012": "亲爱的${name}，诚邀您参加${what}：${detail}。期待与您相聚。" + _STOP,
    "SMS_100013": "亲爱的${name}，好些日子没见到您了，大家都惦记着您，盼您有空再来坐坐。" + _STOP,
    "SMS_100014": "亲爱的${name}，祝您生日快乐！送您一张券，券码${code}，有效期至${until}，到店出示即可。"
    + _STOP,
    "SMS_100015": "亲爱的${name}，${festival}到了，祝您节日快乐！送您一张券，券码${code}，有效期至${until}。"
    + _STOP,
    "SMS_100016": "亲爱的${name}，好久不见！送您一张券，券码${code}，有效期至${until}，盼您再来坐坐。"
    + _STOP,
    "SMS_200001": "${name}您好，您预订的${time}${people}位已留好，期待您的光临。",
    "SMS_200002": "您的验证码是${code}，5分钟内有效，请勿告诉他人。",
}


class Unfit(Exception):
    """The text cannot be made; `why` is template, missing, length, url, params or content."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Templates:
    """The table of approved texts by Aliyun code; more can be registered while it runs."""

    def __init__(self, texts: Mapping[str, str] = BUILT_IN) -> None:
        self._texts = dict(texts)

    def register(self, code: str, text: str) -> None:
        """Approve a text. `code` may be given in either provider's spelling."""
        self._texts[_spelled(code)] = text

    def withdraw(self, code: str) -> None:
        """Take an approval back: sends with it are refused from now on."""
        self._texts.pop(_spelled(code), None)

    def all(self) -> dict[str, str]:
        """Every approved text by code."""
        return dict(self._texts)

    def by_number(self, code: str, values: Sequence[str]) -> dict[str, str]:
        """Name a list of values after the variables in the text. Raises Unfit."""
        names = list(dict.fromkeys(VARIABLE.findall(self._text(code))))
        if len(names) != len(values):
            raise Unfit("missing")
        return dict(zip(names, values, strict=True))

    def render(self, code: str, params: Mapping[str, str], sign: str) -> str:
        """The words a guest would read. Raises Unfit."""
        text = self._text(code)
        for name in VARIABLE.findall(text):
            if name not in params:
                raise Unfit("missing")
            _check(params[name])
        words = VARIABLE.sub(lambda match: params[match[1]], text)
        whole = f"【{sign}】{words}"
        if len(whole) > LONGEST_TEXT:
            raise Unfit("content")
        return whole

    def _text(self, code: str) -> str:
        text = self._texts.get(_spelled(code))
        if text is None:
            raise Unfit("template")
        return text


def parts(text: str) -> int:
    """How many messages a text is billed as: 70 characters in one, 67 each in more; rare ones count twice."""
    count = sum(2 if ord(char) > 0xFFFF else 1 for char in text)
    return 1 if count <= 70 else -(-count // 67)


def _check(value: str) -> None:
    if not 1 <= len(value) <= LONGEST_VARIABLE:
        raise Unfit("length")
    if re.search(r"https?://|www\.|\.(?:com|cn|net)\b", value, re.IGNORECASE):
        raise Unfit("url")
    if re.search(r"[【】\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", value):
        raise Unfit("params")


def _spelled(code: str) -> str:
    return f"SMS_{code}" if code.isdecimal() else code
