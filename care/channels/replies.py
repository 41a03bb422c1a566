"""Does a guest's reply say "stop"? Pure; errs on the side of stopping.

`True`: an opt-out in so many words. `"unsure"`: it may be one, or it tells us that the number is
not our guest's; stop, and let a person read it. `False`: a greeting, a question, a booking. A
caller that only tests truth stops in both of the first two cases.
"""

import re
import unicodedata
from typing import Literal

# The whole reply, once letters are folded and punctuation, spaces and ornaments are gone.
_STOP_WORDS = """
    r td tdr rtd tr rt q qx tui tuiding tuidin jushou quxiao
    n no nono stop stopall unsubscribe unsub cancel quit end remove optout block
    退 退订 退定 退訂 退掉 退出 退了 推订 腿订 t退订 拒 拒收 拒绝 拒絕
    停 停止 停发 停發 停用 取消 取消订阅 屏蔽 拉黑 删除 勿发 勿扰 否 不
    不用 不用了 不要 不要了 不需要 不想要 不收 不接收 不订 不订阅
    别发 别发了 别烦我 滚 烦 烦死了 骚扰 垃圾短信 举报 投诉 够了
"""
_WORDS = frozenset(_STOP_WORDS.split())
_REPEATED = re.compile(r"(?:回复?|发送?|reply)?(?:r+|t+|n+|(?:td)+|退订?|拒收?)(?:回复?r)?")

_CERTAIN = re.compile(
    r"(?<![不别没勿])(?<!不要)(?<!没有)(?:退订|退訂|拒收|拒絕接收|拒绝接收|取消订阅|取消訂閱)"
    r"|(?:不要|别|別|勿|莫|请勿|不许|不准|不必|不用)(?:再|给我|向我|总|老|继续|繼續)*"
    r"(?:发|發|打扰|打擾|骚扰|騷擾|推送|发送|群发|来短信|烦)"
    r"|(?:停止|停掉|终止)(?:再)?(?:发|發|推送|发送|短信|订阅|服务|骚扰|打扰)"
    r"|不(?:想|愿|愿意|希望|再)(?:再)?(?:收|接收|看到)"
    r"|(?:把我|我的?号码?|我)(?:从.{0,8})?(?:删除|删掉|删了|移除|移出|拉黑)"
    r"|(?:^|[^a-z])(?:unsubscribe|opt ?out|stop (?:sending|sms|it|texting|messag\w*)"
    r"|do ?n[o'’]?t (?:send|text|message))"
)
_DOUBTFUL = re.compile(
    r"退|拒|停|不要|不需要|不想要|不用(?!谢|客气|找|担心)|别发|別發|勿|骚扰|騷擾|打扰|打擾"
    r"|投诉|举报|屏蔽|拉黑|(?<!麻)烦|滚(?!烫|动)|删除|垃圾|侵犯|隐私|12321|律师|^0+$"
    r"|取消(?!.{0,6}(?:预订|预定|订位|订座|订桌|定位|包间|包厢))|stop|unsub|spam|remove me"
)
_LONE_LETTER = re.compile(r"(?:^|[^a-z0-9])(?:r|td?|n)(?:$|[^a-z0-9])")
# Whoever answers this way is not the guest we mean.
_STRANGER = re.compile(
    r"不是本人|非本人|不是我的?(?:生日|号)|不是(?:他|她|机主)|[你您](?:是谁|谁啊?|是?哪位)|谁啊"
    r"|打错|发错|搞错|弄错|认错|换号|换人|换了?主人|不认识|号码(?:已经?)?换|新号主|机主"
    r"|wrong number|who is this|who are you"
)
_REFUSING_SIGNS = frozenset("🚫⛔🛑❌✖🙅👎🖕😡🤬😠💢👿🔕📵🆁🅁Ⓡ")
_FRIENDLY_SIGNS = frozenset(
    "👍👌🙏🤝👏💪❤🧡💛💚💙💜🖤🤍🤎💕💖💗💓💞💝💘😊😀😃😄😁😆🙂😉😍🥰"
    "😘😋😎🤗🥳😂🤣☺🌹🌺🌸🌷🌻💐🎂🎁🎉🎊🎈🍰🥂🍻🍺🍷🧧🏮✨⭐🌟🌙🥮👋✌🙌💯🔥🐉🐲🍀"
)
_BRACKETS = re.compile(r"【[^】]*】|\[[^\]]{1,20}\]")
_PLAIN = frozenset({"ok", "hi", "y", "k", "ty", "gd", "gm"})


def is_opt_out(text: str) -> bool | Literal["unsure"]:
    """Judge one reply: True, "unsure" (stop and review) or False."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    # A guest may quote our signature, or write the very word in brackets: the strictest reading counts.
    readings = (whole, re.sub(r"^\W*【[^】]*】", "", whole), re.sub(_BRACKETS, "", whole))
    verdicts = {_judge(reading) for reading in readings if reading.strip() or not whole.strip()}
    if True in verdicts:
        return True
    return "unsure" if "unsure" in verdicts else False


def _judge(text: str) -> bool | Literal["unsure"]:
    bare = "".join(char for char in text if unicodedata.category(char)[0] in "LN")
    refusing = bool(_REFUSING_SIGNS & set(text))
    if not bare:
        return True if refusing else _only_signs(text)
    if bare in _WORDS or _REPEATED.fullmatch(bare) or _CERTAIN.search(text) or _CERTAIN.search(bare):
        return True
    if refusing or any(p.search(form) for p in (_DOUBTFUL, _STRANGER) for form in (text, bare)):
        return "unsure"
    return "unsure" if _LONE_LETTER.search(text) or _is_odd_code(bare) else False


def _is_odd_code(word: str) -> bool:
    """One or two Latin letters that are no greeting: perhaps another sender's way to stop."""
    return word.isalpha() and word.isascii() and len(word) <= 2 and word not in _PLAIN


def _only_signs(text: str) -> bool | Literal["unsure"]:
    """A reply without a letter. What cannot be read is unsure: nothing at all, or a lost sign that
    arrives as a question mark or a replacement character."""
    if not text.strip() or set(text) & {"?", "\N{REPLACEMENT CHARACTER}"}:
        return "unsure"
    symbols = {char for char in text if unicodedata.category(char) == "So"}
    return "unsure" if symbols - _FRIENDLY_SIGNS else False
